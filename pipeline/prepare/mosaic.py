"""One period of a window from its takes: read in order of merit, cleared of cloud, laid on a reference, put together.

A take is all sheets of one day and sensor; its sheets share their shift and radiometry. Reading stops when nothing that
matters is left to fill.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ImageryError
from ..model.scene import Scene
from .choose import Choice
from .composite import CompositeOptions, median
from .offset import is_sentinel2, offset_doubt
from .radiometry import match
from .register import Registration, register
from .take import Take, Window, cleared, finite, image_of, read_take

if TYPE_CHECKING:
    import xarray as xr


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
    for number, choice in enumerate(choices):
        if canvas.full and len(canvas.kept) >= most:
            break
        take = read(choice.sheets) if read else read_take(choice.sheets, window, ahead=several or number == 0)
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
        image = image_of(self.values, self.window.grid)
        return Mosaic(image, self.source, layers, self.imaged, self.shifted, takes, newest)


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
