"""Two periods of one window made comparable: read, masked, laid on each other, in one radiometry.

The newest clear pixels of the later period are the reference. Takes (all sheets of one day and sensor) of both
periods are laid over it one by one, newest first, each registered and normalised by itself, so that a period filled
from several days has no seams of shift or brightness; reading stops when no hole is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..imagery.reader import RasterioReader, Reader
from ..imagery.stack import StackOptions, overlapping, read_scene
from ..model.grid import Grid
from ..model.options import Options
from ..model.scene import Scene
from .radiometry import RadiometryOptions, match
from .register import Registration, RegistrationOptions, register

if TYPE_CHECKING:
    import xarray as xr

_KERNEL_PX = 2  # beyond a shift, what its interpolation looks at


class PairOptions(Options):
    """How two periods are made comparable."""

    stack: StackOptions = StackOptions()
    registration: RegistrationOptions = RegistrationOptions()
    radiometry: RadiometryOptions = RadiometryOptions()

    def margin_px(self, pixel_m: float) -> int:
        """How far past a window is read, px, so that what a correction moves in at its edge is there."""
        return math.ceil(self.registration.tolerance_px(pixel_m)) + _KERNEL_PX


@dataclass(frozen=True)
class Layer:
    """One scene's part in a mosaic: how it was fitted to the reference (None: it is the reference), and its pixels."""

    scene: Scene
    registration: Registration | None
    radiometry: Mapping[str, Any] | None
    pixels: int


@dataclass(frozen=True)
class Mosaic:
    """The newest clear pixels of some scenes: ``image`` (y, x), ``source`` int16 index into ``layers`` or -1.

    ``imaged``, ``shifted`` (bool): some scene has an image there, clear or not; some scene was clear there before it
    was moved or refused.
    """

    image: xr.Dataset
    source: np.ndarray
    layers: tuple[Layer, ...]
    imaged: np.ndarray
    shifted: np.ndarray

    def without_margin(self, margin_px: int) -> Mosaic:
        """The same without a rim of so many pixels."""
        rows, cols = (slice(margin_px, size - margin_px) for size in self.source.shape)
        return Mosaic(
            self.image.isel(y=rows, x=cols),
            self.source[rows, cols],
            self.layers,
            self.imaged[rows, cols],
            self.shifted[rows, cols],
        )


@dataclass(frozen=True)
class Pair:
    """Two comparable images of one window, where they can be compared, and what was done to them.

    ``before``, ``after``: Datasets (y, x), reflectance, NaN where not observed; ``before`` lies on ``after`` and is in
    its radiometry. ``observed``: both have data. ``reasons``: for each reason (``no_image``, ``cloud``, ``shift``) the
    pixels that are not observed because of it; the reasons and ``observed`` partition the window. ``before_source``,
    ``after_source``: int16 index into ``before_scenes``, ``after_scenes``, -1 where none. ``registration`` and
    ``radiometry`` are those of the scene that gives most of ``before``; the layers tell all.
    """

    before: xr.Dataset
    after: xr.Dataset
    before_source: np.ndarray
    after_source: np.ndarray
    before_layers: tuple[Layer, ...]
    after_layers: tuple[Layer, ...]
    observed: np.ndarray
    reasons: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def before_scenes(self) -> tuple[Scene, ...]:
        """Scenes that ``before_source`` counts."""
        return tuple(layer.scene for layer in self.before_layers)

    @property
    def after_scenes(self) -> tuple[Scene, ...]:
        """Scenes that ``after_source`` counts."""
        return tuple(layer.scene for layer in self.after_layers)

    @property
    def registration(self) -> Registration | None:
        """How the main scene of ``before`` was laid on ``after``; None without scenes."""
        main = max(self.before_layers, key=lambda layer: layer.pixels, default=None)
        return main.registration if main else None

    @property
    def radiometry(self) -> Mapping[str, Any]:
        """How the main scene of ``before`` was normalised; empty without scenes."""
        main = max(self.before_layers, key=lambda layer: layer.pixels, default=None)
        return (main.radiometry if main else None) or {}

    def scene_at(self, which: str, where: np.ndarray) -> Scene | None:
        """The scene of ``"before"`` or ``"after"`` that gives most pixels of a mask; None if it has none there."""
        source, scenes = {
            "before": (self.before_source, self.before_scenes),
            "after": (self.after_source, self.after_scenes),
        }[which]
        found = source[where & (source >= 0)]
        return scenes[int(np.bincount(found).argmax())] if len(found) else None


def prepare_pair(
    before_scenes: Sequence[Scene],
    after_scenes: Sequence[Scene],
    grid: Grid,
    bands: Sequence[str],
    *,
    reader: Reader | None = None,
    options: PairOptions | None = None,
) -> Pair:
    """The two periods on ``grid``, comparable (see :class:`Pair`); ImageryError when a scene cannot be read.

    No scenes, or none that touches the window, is no error: nothing is observed there then, and ``reasons`` says so.
    """
    reader, options = reader or RasterioReader(), options or PairOptions()
    margin_px = options.margin_px(grid.pixel_m)
    wide = grid.padded(margin_px)
    after = mosaic(after_scenes, wide, bands, reader=reader, options=options, margin_px=margin_px)
    before = mosaic(
        before_scenes, wide, bands, reader=reader, options=options, reference=after.image, margin_px=margin_px
    )
    before, after = before.without_margin(margin_px), after.without_margin(margin_px)
    observed = (before.source >= 0) & (after.source >= 0)
    no_image = ~(before.imaged & after.imaged)
    shift = ((before.source < 0) & before.shifted) | ((after.source < 0) & after.shifted)
    reasons = {
        "no_image": ~observed & no_image,
        "shift": ~observed & ~no_image & shift,
        "cloud": ~observed & ~no_image & ~shift,
    }
    return Pair(
        before=before.image,
        after=after.image,
        before_source=before.source,
        after_source=after.source,
        before_layers=before.layers,
        after_layers=after.layers,
        observed=observed,
        reasons=reasons,
    )


def mosaic(
    scenes: Sequence[Scene],
    grid: Grid,
    bands: Sequence[str],
    *,
    reader: Reader,
    options: PairOptions,
    reference: xr.Dataset | None = None,
    margin_px: int = 0,
) -> Mosaic:
    """Newest clear pixel of ``scenes``, each laid on ``reference``, or on the newest of themselves without one.

    ``margin_px``: a rim of the grid that serves registration only; holes in it are no cause to read another scene.
    """
    values = {name: np.full(grid.shape, np.nan, np.float32) for name in bands}
    source = np.full(grid.shape, -1, np.int16)
    imaged, shifted = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    core = (slice(margin_px, grid.rows - margin_px), slice(margin_px, grid.cols - margin_px))
    layers: list[Layer] = []
    for sheets in _takes(overlapping(scenes, grid)):
        take = _take(sheets, grid, bands, reader, options)
        if take is None:
            continue
        one, origin, seen = take
        imaged |= seen
        clear = _finite(one)
        fitted, registration, radiometry = _laid(one, reference, grid, options)
        reference = one if reference is None and clear.any() else reference
        there = _finite(fitted)
        shifted |= clear & ~there
        fill = there & (source < 0)
        # A pixel that moved in beside its sheet's edge belongs to the take's first sheet, as good as any.
        source[fill] = len(layers) + np.maximum(origin, 0)[fill]
        for name in bands:
            values[name][fill] = fitted[name].to_numpy()[fill]
        counts = np.bincount(source[core][fill[core]], minlength=len(layers) + len(sheets))[len(layers) :]
        layers += [Layer(s, registration, radiometry, int(n)) for s, n in zip(sheets, counts, strict=True)]
        if (source[core] >= 0).all():
            break
    return Mosaic(_image(values, grid), source, tuple(layers), imaged, shifted)


def _takes(scenes: Sequence[Scene]) -> list[tuple[Scene, ...]]:
    """Scenes grouped by day and sensor, newest first: the sheets of one take share their shift and radiometry."""
    takes: dict[tuple[int, str], list[Scene]] = {}
    for scene in scenes:
        takes.setdefault((-scene.day.toordinal(), scene.sensor), []).append(scene)
    return [tuple(takes[key]) for key in sorted(takes)]


def _take(
    sheets: tuple[Scene, ...], grid: Grid, bands: Sequence[str], reader: Reader, options: PairOptions
) -> tuple[xr.Dataset, np.ndarray, np.ndarray] | None:
    """One take's image, the sheet that each pixel comes from (int16, -1 none), and where any sheet has an image."""
    values = {name: np.full(grid.shape, np.nan, np.float32) for name in bands}
    origin, seen = np.full(grid.shape, -1, np.int16), np.zeros(grid.shape, bool)
    for number, scene in enumerate(sheets):
        stack = read_scene(scene, grid, bands, reader=reader, options=options.stack)
        if stack is None:
            continue
        one = stack.isel(time=0)
        clear = _finite(one)
        seen |= clear | one["clouded"].to_numpy()
        fill = clear & (origin < 0)
        origin[fill] = number
        for name in bands:
            values[name][fill] = one[name].to_numpy()[fill]
    return (_image(values, grid), origin, seen) if seen.any() else None


def _laid(
    one: xr.Dataset, reference: xr.Dataset | None, grid: Grid, options: PairOptions
) -> tuple[xr.Dataset, Registration | None, Mapping[str, Any] | None]:
    """A scene on the reference and in its radiometry, and how; itself if there is no reference."""
    if reference is None or not _finite(reference).any():
        return one, None, None
    registration = register(one, reference, grid.pixel_m, options.registration)
    if registration.refused:
        return registration.aligned, registration, None
    fitted, radiometry = match(registration.aligned, reference, options.radiometry)
    return fitted, registration, radiometry


def _finite(image: xr.Dataset) -> np.ndarray:
    """Pixels with data in all bands."""
    return np.logical_and.reduce([np.isfinite(band.to_numpy()) for band in image.data_vars.values()])


def _image(values: Mapping[str, np.ndarray], grid: Grid) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset(
        {name: (("y", "x"), band) for name, band in values.items()},
        coords={"y": grid.y_m, "x": grid.x_m},
        attrs={"epsg": grid.epsg, "pixel_m": grid.pixel_m},
    )
