"""One period of a window from its takes: read in order of merit, cleared of cloud, laid on a reference, put together.

A take is all sheets of one day and sensor; its sheets share their shift and radiometry. Reading stops when nothing that
matters is left to fill.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from ..errors import ImageryError
from ..imagery.masks import widened
from ..imagery.raster import burn
from ..imagery.reader import Reader
from ..imagery.stack import StackOptions, read_scene
from ..model.grid import Grid
from ..model.options import Options
from ..model.scene import Scene
from .choose import Choice, ChooseOptions
from .clouds import CloudOptions, find_clouds
from .composite import CompositeOptions, median
from .offset import is_sentinel2, offset_doubt
from .radiometry import RadiometryOptions, match
from .register import Registration, RegistrationOptions, register

if TYPE_CHECKING:
    import xarray as xr

_KERNEL_PX = 2  # beyond a shift, what its interpolation looks at


class PairOptions(Options):
    """How two periods are made comparable."""

    choose: ChooseOptions = ChooseOptions()
    stack: StackOptions = StackOptions()
    clouds: CloudOptions = CloudOptions()
    registration: RegistrationOptions = RegistrationOptions()
    radiometry: RadiometryOptions = RadiometryOptions()
    composite: CompositeOptions = CompositeOptions()

    def margin_px(self, pixel_m: float) -> int:
        """How far past a window is read, px, so that what a correction moves in at its edge is there."""
        return math.ceil(self.registration.tolerance_px(pixel_m)) + _KERNEL_PX


@dataclass(frozen=True)
class Window:
    """What is to be filled and how: a grid whose rim of ``margin_px`` serves registration only, bands, reader.

    ``within``: polygon in the grid's CRS; beyond it pixels may be left unread, and holes are no cause to read on.
    """

    grid: Grid
    bands: tuple[str, ...]
    reader: Reader
    options: PairOptions
    margin_px: int = 0
    within: BaseGeometry | None = None

    @cached_property
    def due(self) -> np.ndarray:
        """Pixels (bool) that must be filled."""
        due = np.zeros(self.grid.shape, bool)
        inner = (slice(self.margin_px, size - self.margin_px) for size in self.grid.shape)
        due[tuple(inner)] = True
        return due if self.within is None else due & burn([self.within], self.grid)


@dataclass(frozen=True)
class Take:
    """One take as read: ``image`` (y, x), ``origin`` int16 sheet of each pixel, -1 none; ``seen``: an image, clear or not.

    ``sky``: shares of the image that are cloud, shadow, haze, snow by its own pixels; empty if they were not asked.
    """

    sheets: tuple[Scene, ...]
    image: xr.Dataset
    origin: np.ndarray
    seen: np.ndarray
    sky: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """One scene's part in a mosaic: how it was fitted to the reference (None: it is the reference), and its pixels.

    ``sky``: of its take, see :class:`Take`. ``spread``: of the take's reflectance before anything was done to it, 2nd to
    98th percentile of the band that varies most; NaN without a clear pixel. Near zero, the image shows nothing.
    """

    scene: Scene
    registration: Registration | None
    radiometry: Mapping[str, Any] | None
    pixels: int
    sky: Mapping[str, float] = field(default_factory=dict)
    spread: float = math.nan


@dataclass(frozen=True)
class Mosaic:
    """The best clear pixels of some scenes: ``image`` (y, x), ``source`` int16 index into ``layers`` or -1.

    ``imaged``, ``shifted`` (bool): some scene has an image there, clear or not; some scene was clear there before it
    was moved or refused. ``takes`` (uint8): how many takes a pixel rests on. ``newest`` (int16, as ``source``): the
    newest scene that shows what the pixel shows; for a median that may be another than the nearest.
    """

    image: xr.Dataset
    source: np.ndarray
    layers: tuple[Layer, ...]
    imaged: np.ndarray
    shifted: np.ndarray
    takes: np.ndarray
    newest: np.ndarray

    def without_margin(self, margin_px: int) -> Mosaic:
        """The same without a rim of so many pixels."""
        rows, cols = (slice(margin_px, size - margin_px) for size in self.source.shape)
        cut = {name: getattr(self, name)[rows, cols] for name in ("source", "imaged", "shifted", "takes", "newest")}
        return replace(self, image=self.image.isel(y=rows, x=cols), **cut)


def mosaic(
    choices: Sequence[Choice],
    window: Window,
    *,
    reference: xr.Dataset | None = None,
    against: Callable[[], xr.Dataset | None] = lambda: None,
    composite: CompositeOptions | None = None,
    read: Callable[[Sequence[Scene]], Take | None] | None = None,
) -> Mosaic:
    """The takes put together, each laid on ``reference``, or on the first of themselves without one.

    (scenes) -> .blue .. .nir, reflectance in the reference's radiometry, NaN where no take is clear; all bands of a pixel
    from one take, or each the median of the same takes

    ``against``: gives an image of another date that clouds are told by, asked only if needed. ``composite``: a median
    of takes where asked for; default: the first clear pixel in the order given. ``read`` gives a take of some sheets;
    default: :func:`read_take`.
    """
    several = composite is not None and composite.use == "median"
    most = composite.max_takes if composite is not None and several else 0
    canvas = _Canvas(window)
    for choice in choices:
        if canvas.full and len(canvas.kept) >= most:
            break
        take = read(choice.sheets) if read else read_take(choice.sheets, window)
        if take is None:
            continue
        take = cleared(take, window, against if reference is None else reference)
        canvas.imaged |= take.seen
        clear = finite(take.image)
        fitted, registration, radiometry = _laid(take, reference, window)
        reference = take.image if reference is None and clear.any() else reference
        there = finite(fitted)
        canvas.shifted |= clear & ~there
        canvas.add(take, fitted, there, registration, radiometry, keep=len(canvas.kept) < most)
    return canvas.done(composite.min_takes if composite is not None and several else 0)


class _Canvas:
    """What a mosaic is painted on, take by take."""

    def __init__(self, window: Window) -> None:
        grid = window.grid
        self.window = window
        self.values = {name: np.full(grid.shape, np.nan, np.float32) for name in window.bands}
        self.source, self.takes = np.full(grid.shape, -1, np.int16), np.zeros(grid.shape, np.uint8)
        self.imaged, self.shifted = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
        self.layers: list[Layer] = []
        self.kept: list[tuple[np.ndarray, np.ndarray, int]] = []

    @property
    def full(self) -> bool:
        """Whether nothing that matters is left to fill."""
        return bool((self.source[self.window.due] >= 0).all())

    def add(
        self,
        take: Take,
        fitted: xr.Dataset,
        there: np.ndarray,
        registration: Registration | None,
        radiometry: Mapping[str, Any] | None,
        *,
        keep: bool,
    ) -> None:
        """Fill what is open with a take's pixels; ``keep`` them all for a median."""
        # A pixel that moved in beside its sheet's edge belongs to the take's first sheet, as good as any.
        own = (len(self.layers) + np.maximum(take.origin, 0)).astype(np.int16)
        fill = there & (self.source < 0)
        self.source[fill] = own[fill]
        for name in self.window.bands:
            self.values[name][fill] = fitted[name].to_numpy()[fill]
        spread = _spread(take.image)
        self.layers += [Layer(sheet, registration, radiometry, 0, take.sky, spread) for sheet in take.sheets]
        if keep and there.any():
            pixels = np.stack([fitted[name].to_numpy() for name in self.window.bands])
            pixels[:, ~there] = np.nan
            self.kept.append((pixels, own, take.sheets[0].day.toordinal()))

    def done(self, min_takes: int) -> Mosaic:
        """The mosaic; with ``min_takes``, of the takes kept the median wherever so many are clear."""
        takes, newest = (self.source >= 0).astype(np.uint8), self.source
        if min_takes and len(self.kept) >= min_takes:
            found = median([pixels for pixels, _, _ in self.kept], [day for _, _, day in self.kept], min_takes)
            many, newest = found.takes >= min_takes, self.source.copy()
            owners = np.stack([own for _, own, _ in self.kept])
            takes[many] = found.takes[many]
            for index, target in ((found.nearest, self.source), (found.newest, newest)):
                target[many] = np.take_along_axis(owners, np.maximum(index, 0)[None].astype(np.intp), axis=0)[0][many]
            for position, name in enumerate(self.window.bands):
                self.values[name][many] = found.values[position][many]
        margin = self.window.margin_px
        core = self.source[tuple(slice(margin, size - margin) for size in self.source.shape)]
        counts = np.bincount(core[core >= 0], minlength=len(self.layers))
        layers = tuple(replace(layer, pixels=int(n)) for layer, n in zip(self.layers, counts, strict=True))
        image = _image(self.values, self.window.grid)
        return Mosaic(image, self.source, layers, self.imaged, self.shifted, takes, newest)


def read_take(sheets: Sequence[Scene], window: Window) -> Take | None:
    """One take, its masks applied; None if it has no pixel on the grid. ImageryError when a sheet cannot be read."""
    grid, options = window.grid, window.options
    values = {name: np.full(grid.shape, np.nan, np.float32) for name in window.bands}
    origin, seen = np.full(grid.shape, -1, np.int16), np.zeros(grid.shape, bool)
    for number, scene in enumerate(sheets):
        asked = scene if options.clouds.use != "off" else replace(scene, mask=None)
        stack = read_scene(asked, grid, window.bands, reader=window.reader, options=options.stack, within=window.within)
        if stack is None:
            continue
        one = stack.isel(time=0)
        clear = finite(one)
        seen |= clear | one["clouded"].to_numpy()
        fill = clear & (origin < 0)
        origin[fill] = number
        for name in window.bands:
            values[name][fill] = one[name].to_numpy()[fill]
    return Take(tuple(sheets), _image(values, grid), origin, seen) if seen.any() else None


def cleared(take: Take, window: Window, against: xr.Dataset | Callable[[], xr.Dataset | None] | None) -> Take:
    """A take without what its own pixels show to be cloud, shadow or snow, where its sheets have no quality mask.

    ``against``: an image of another date, or what gives one.
    """
    options = window.options
    bare = [number for number, sheet in enumerate(take.sheets) if sheet.mask is None]
    visible = sum(name in window.bands for name in ("blue", "green", "red"))
    if options.clouds.use != "auto" or not bare or visible < 2:
        return take
    found = find_clouds(
        take.image,
        against() if callable(against) else against,
        window.grid.pixel_m,
        options.clouds,
        sun_azimuth_deg=take.sheets[bare[0]].sun_azimuth_deg,
    )
    mine = np.isin(take.origin, bare)
    total = max(1, int(np.count_nonzero(mine)))
    sky = {str(name): round(int(np.count_nonzero(mask.to_numpy() & mine)) / total, 4) for name, mask in found.items()}
    bad = found["cloud"].to_numpy() | found["shadow"].to_numpy() | found["snow"].to_numpy()
    if not (bad & mine).any():
        return replace(take, sky=sky)
    bad = widened(bad & mine, round(options.stack.mask_margin_m / window.grid.pixel_m)) & mine
    image = take.image.map(lambda band: band.where(~bad), keep_attrs=True)
    return replace(take, image=image, origin=np.where(bad, -1, take.origin).astype(np.int16), sky=sky)


def _laid(
    take: Take, reference: xr.Dataset | None, window: Window
) -> tuple[xr.Dataset, Registration | None, Mapping[str, Any] | None]:
    """A take on the reference and in its radiometry, and how; itself if there is no reference."""
    if reference is None or not finite(reference).any():
        return take.image, None, None
    registration = register(take.image, reference, window.grid.pixel_m, window.options.registration)
    if registration.refused:
        return registration.aligned, registration, None
    if is_sentinel2(take.sheets[0]) and (doubt := offset_doubt(registration.aligned, reference)):
        raise ImageryError(take.sheets[0].scene_id, ", ".join(window.bands), doubt)
    fitted, radiometry = match(registration.aligned, reference, window.options.radiometry)
    return fitted, registration, radiometry


def _spread(image: xr.Dataset) -> float:
    """2nd to 98th percentile of the band that varies most, NaN without a pixel; of every fourth row and column."""
    thin = [band.to_numpy()[::4, ::4] for band in image.data_vars.values()]
    seen = [values[np.isfinite(values)] for values in thin]
    spreads = [float(np.ptp(np.percentile(values, (2, 98)))) for values in seen if values.size]
    return max(spreads, default=math.nan)


def finite(image: xr.Dataset) -> np.ndarray:
    """Pixels with data in all bands."""
    return np.logical_and.reduce([np.isfinite(band.to_numpy()) for band in image.data_vars.values()])


def _image(values: Mapping[str, np.ndarray], grid: Grid) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset(
        {name: (("y", "x"), band) for name, band in values.items()},
        coords={"y": grid.y_m, "x": grid.x_m},
        attrs={"epsg": grid.epsg, "pixel_m": grid.pixel_m},
    )
