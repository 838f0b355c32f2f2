"""One period of a window from its takes: read in order of merit, cleared of cloud, laid on a reference, put together.

A take is all sheets of one day and sensor; its sheets share their shift and radiometry. Reading stops when nothing that
matters is left to fill.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ImageryError
from ..imagery.order import quantile
from ..model.scene import Scene
from .bands import BandShift, band_shifts
from .choose import Choice
from .composite import CompositeOptions, median
from .measure import Prior
from .offset import is_sentinel2, offset_doubt
from .radiometry import match
from .register import Registration, register
from .take import Take, Window, cleared, finite, image_of, read_take

if TYPE_CHECKING:
    import xarray as xr

Priors = Mapping[tuple[str, str], Prior]
"""Shifts that other windows gave, by the takes they are between: ids of the first sheets of moving and reference."""


_SURE = 0.98  # confidence from which a window's own measure stands against what all others say
_CONTRADICTS = 3.0  # standard errors


@dataclass(frozen=True)
class Layer:
    """One scene's part in a mosaic: how it was fitted to the reference (None: it is the reference), and its pixels.

    ``sky``: of its take, see :class:`Take`. ``spread``: of the take's reflectance before anything was done to it, 2nd to
    98th percentile of the band that varies most; NaN without a clear pixel. Near zero, the image shows nothing.
    ``take``: id of the take's first sheet, which stands for it; ``laid_on``: the same of the take that gives most of the
    reference. ``prior``: what was known of its shift beforehand. ``bands``: how its bands lie beside each other, where
    that was asked for.
    """

    scene: Scene
    registration: Registration | None
    radiometry: Mapping[str, Any] | None
    pixels: int
    sky: Mapping[str, float] = field(default_factory=dict)
    spread: float = math.nan
    take: str = ""
    laid_on: str = ""
    prior: Prior | None = None
    bands: Mapping[str, BandShift] = field(default_factory=dict)

    @property
    def error_px(self) -> float:
        """Standard error of the shift that was applied: measured, or the prior's where that was taken; infinite without."""
        if self.registration is None or not self.registration.reliable:
            return math.inf
        taken = self.prior is not None and self.registration.from_prior
        return self.prior.error_px if self.prior is not None and taken else self.registration.error_px


@dataclass(frozen=True)
class DatedImage:
    """One take by itself: its day and its image (y, x), NaN where it is not clear."""

    day: dt.date
    image: xr.Dataset


@dataclass(frozen=True)
class Mosaic:
    """The best clear pixels of some scenes: ``image`` (y, x), ``source`` int16 index into ``layers`` or -1.

    ``imaged``, ``shifted`` (bool): some scene has an image there, clear or not; some scene was clear there before it
    was moved or refused. ``takes`` (uint8): how many takes a pixel rests on. ``newest`` (int16, as ``source``): the
    newest scene that shows what the pixel shows; for a median that may be another than the nearest. ``series``: single
    takes, best first, each in the mosaic's place and radiometry, where they were asked for.
    """

    image: xr.Dataset
    source: np.ndarray
    layers: tuple[Layer, ...]
    imaged: np.ndarray
    shifted: np.ndarray
    takes: np.ndarray
    newest: np.ndarray
    series: tuple[DatedImage, ...] = ()

    @property
    def main(self) -> str:
        """The take that gives most pixels (its first sheet's id); empty if none gives any."""
        pixels: dict[str, int] = {}
        for layer in self.layers:
            pixels[layer.take] = pixels.get(layer.take, 0) + layer.pixels
        best = max(pixels, key=lambda take: pixels[take], default="")
        return best if pixels.get(best) else ""

    def without_margin(self, margin_px: int) -> Mosaic:
        """The same without a rim of so many pixels."""
        rows, cols = (slice(margin_px, size - margin_px) for size in self.source.shape)
        cut = {name: getattr(self, name)[rows, cols] for name in ("source", "imaged", "shifted", "takes", "newest")}
        series = tuple(replace(one, image=one.image.isel(y=rows, x=cols)) for one in self.series)
        return replace(self, image=self.image.isel(y=rows, x=cols), series=series, **cut)


def mosaic(
    choices: Sequence[Choice],
    window: Window,
    *,
    reference: xr.Dataset | None = None,
    laid_on: str = "",
    priors: Priors | None = None,
    bands_of: Collection[str] = (),
    against: Callable[[], xr.Dataset | None] = lambda: None,
    composite: CompositeOptions | None = None,
    read: Callable[[Sequence[Scene]], Take | None] | None = None,
    takes: int = 0,
) -> Mosaic:
    """The takes put together, each laid on ``reference``, or on the first of themselves without one.

    (scenes) -> .blue .. .nir, reflectance in the reference's radiometry, NaN where no take is clear; all bands of a pixel
    from one take, or each the median of the same takes

    ``laid_on``: the take that gives most of ``reference``; ``priors``: what is known of shifts, by the two takes.
    ``bands_of``: ids of scenes whose bands' shifts are measured, too. ``against``: gives an image of another date that
    clouds are told by, asked only if needed. ``composite``: a median of takes where asked for; default: the first clear
    pixel in the order given. ``read`` gives a take of some sheets; default: :func:`read_take`. ``takes``: so many takes
    with a clear pixel are read, if there are, and kept apart in ``series``.
    """
    several = composite is not None and composite.use == "median"
    most = max(takes, composite.max_takes if composite is not None and several else 0)
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
        name = take.sheets[0].scene_id
        prior = (priors or {}).get((name, laid_on))
        fitted, registration, radiometry = _laid(take, reference, window, prior)
        told = Layer(
            take.sheets[0], registration, radiometry, 0, take.sky, _spread(take.image), name,
            laid_on if registration else "", prior,
        )  # fmt: skip
        if reference is None and clear.any():
            reference, laid_on = take.image, name
        there = finite(fitted)
        canvas.shifted |= clear & ~there
        canvas.add(take, fitted, there, told, _bands(take, bands_of), keep=len(canvas.kept) < most)
    return canvas.done(composite if several else None, takes)


def _bands(take: Take, wanted: Collection[str]) -> dict[str, dict[str, BandShift]]:
    """How the bands of the sheets wanted lie beside each other, by scene; each by its own pixels."""
    sheets = [(number, sheet.scene_id) for number, sheet in enumerate(take.sheets) if sheet.scene_id in wanted]
    return {
        scene_id: band_shifts(take.image if len(take.sheets) == 1 else take.image.where(_from(take, number)))
        for number, scene_id in sheets
    }


def _from(take: Take, number: int) -> xr.DataArray:
    return next(iter(take.image.data_vars.values())).copy(data=take.origin == number)


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
        told: Layer,
        bands: Mapping[str, Mapping[str, BandShift]],
        *,
        keep: bool,
    ) -> None:
        """Fill what is open with a take's pixels; ``keep`` them all for a median. ``told``: what all its sheets share."""
        # A pixel that moved in beside its sheet's edge belongs to the take's first sheet, as good as any.
        own = (len(self.layers) + np.maximum(take.origin, 0)).astype(np.int16)
        fill = there & (self.source < 0)
        np.copyto(self.source, own, where=fill)
        for name in self.window.bands:
            np.copyto(self.values[name], fitted[name].to_numpy(), where=fill)
        self.layers += [replace(told, scene=sheet, bands=bands.get(sheet.scene_id, {})) for sheet in take.sheets]
        if keep and there.any():
            pixels = np.stack([fitted[name].to_numpy() for name in self.window.bands])
            np.copyto(pixels, np.float32(np.nan), where=~there)
            self.kept.append((pixels, own, take.sheets[0].day.toordinal()))

    def done(self, composite: CompositeOptions | None, apart: int) -> Mosaic:
        """The mosaic; with ``composite`` the median wherever enough takes are clear; ``apart``: takes in ``series``."""
        takes, newest = (self.source >= 0).astype(np.uint8), self.source
        series = tuple(self._single(pixels, day) for pixels, _, day in self.kept[:apart])
        min_takes = composite.min_takes if composite is not None else 0
        merged = self.kept[: composite.max_takes] if composite is not None else []
        if min_takes and len(merged) >= min_takes:
            found = median([pixels for pixels, _, _ in merged], [day for _, _, day in merged], min_takes)
            many, newest = found.takes >= min_takes, self.source.copy()
            owners = np.stack([own for _, own, _ in merged])
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
        return Mosaic(image, self.source, layers, self.imaged, self.shifted, takes, newest, series)

    def _single(self, pixels: np.ndarray, day: int) -> DatedImage:
        values = dict(zip(self.window.bands, pixels, strict=True))
        return DatedImage(dt.date.fromordinal(day), image_of(values, self.window.grid))


def _laid(
    take: Take, reference: xr.Dataset | None, window: Window, prior: Prior | None
) -> tuple[xr.Dataset, Registration | None, Mapping[str, Any] | None]:
    """A take on the reference and in its radiometry, and how; itself if there is no reference."""
    if reference is None or not finite(reference).any():
        return take.image, None, None
    known: dict[str, Any] = {} if prior is None else {"prior_px": prior.shift_px, "prior_sigma_px": prior.sigma_px}
    options = window.options.registration
    registration = register(take.image, reference, window.grid.pixel_m, options, **known)
    if prior is not None and registration.reliable and not registration.from_prior:
        found = registration.shift_px, registration.error_px, registration.confidence
        if contradicts(*found, prior, options.max_error_px):
            sure = options.model_copy(update={"min_confidence": max(_SURE, options.min_confidence)})
            registration = register(take.image, reference, window.grid.pixel_m, sure, **known)
    if registration.refused:
        return registration.aligned, registration, None
    if is_sentinel2(take.sheets[0]) and (doubt := offset_doubt(registration.aligned, reference)):
        raise ImageryError(take.sheets[0].scene_id, ", ".join(window.bands), doubt)
    fitted, radiometry = match(registration.aligned, reference, window.options.radiometry)
    return fitted, registration, radiometry


def contradicts(
    shift_px: Sequence[float], error_px: float, confidence: float, prior: Prior, max_error_px: float
) -> bool:
    """Whether a measure that is not very sure lies where the other windows, which are, say that it cannot.

    Plain noise now and then has a summit by chance that is believed; what
    many windows agree on is better evidence than that.
    """
    if confidence >= _SURE or prior.error_px > max_error_px / 2:
        return False
    return math.dist(shift_px, prior.shift_px) > _CONTRADICTS * math.hypot(error_px, prior.error_px)


def _spread(image: xr.Dataset) -> float:
    """2nd to 98th percentile of the band that varies most, NaN without a pixel; of every fourth row and column."""
    thin = [band.to_numpy()[::4, ::4] for band in image.data_vars.values()]
    seen = [values[np.isfinite(values)] for values in thin]
    spreads = [float(quantile(values, 0.98) - quantile(values, 0.02)) for values in seen if values.size]
    return max(spreads, default=math.nan)
