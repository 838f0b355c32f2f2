"""A take (all sheets of one day and sensor) as it is read: its masks applied, and what its own pixels show of cloud."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry.base import BaseGeometry

from ..imagery.masks import widened
from ..imagery.raster import burn
from ..imagery.reader import RasterioReader, Reader
from ..imagery.stack import StackOptions, scene_pixels
from ..model.grid import Grid
from ..model.options import Options
from ..model.scene import Scene
from .choose import ChooseOptions
from .clouds import CloudOptions, find_clouds
from .composite import CompositeOptions
from .radiometry import RadiometryOptions
from .register import RegistrationOptions
from .sharpen import SharpenOptions, sharpen

if TYPE_CHECKING:
    import xarray as xr

_KERNEL_PX = 2  # beyond a shift, what its interpolation looks at


class PairOptions(Options):
    """How two periods are made comparable."""

    choose: ChooseOptions = ChooseOptions()
    stack: StackOptions = StackOptions()
    sharpen: SharpenOptions = SharpenOptions()
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


def read_take(sheets: Sequence[Scene], window: Window, *, ahead: bool = True) -> Take | None:
    """One take, its masks applied; None if it has no pixel on the grid. ImageryError when a sheet cannot be read.

    ``ahead``: what the reader fetches of a far file for the next windows too. Not for a take that only fills holes: what
    this window needs of it, others may not.
    """
    if not ahead and isinstance(window.reader, RasterioReader):
        window = replace(window, reader=replace(window.reader, ahead=None))
    grid, options = window.grid, window.options
    values = {name: np.full(grid.shape, np.nan, np.float32) for name in window.bands}
    origin, seen = np.full(grid.shape, -1, np.int16), np.zeros(grid.shape, bool)
    for number, scene in enumerate(sheets):
        asked = scene if options.clouds.use != "off" else replace(scene, mask=None)
        found = scene_pixels(
            asked, grid, window.bands, reader=window.reader, options=options.stack, within=window.within
        )
        if found is None:
            continue
        layers, clouded = dict(zip(window.bands, found[0], strict=True)), found[1]
        layers = _sharpened(layers, scene, window)
        clear = np.logical_and.reduce([np.isfinite(layer) for layer in layers.values()])
        seen |= clear
        seen |= clouded
        fill = clear & (origin < 0)
        np.copyto(origin, np.int16(number), where=fill)
        for name in window.bands:
            np.copyto(values[name], layers[name], where=fill)
    return Take(tuple(sheets), image_of(values, grid), origin, seen) if seen.any() else None


def _sharpened(layers: dict[str, np.ndarray], scene: Scene, window: Window) -> dict[str, np.ndarray]:
    """The scene's colours in the detail of its panchromatic band, where it has one that is finer than they are."""
    pan, ratio = scene.files.get("pan"), (scene.native_pixel_m or 0.0) / window.grid.pixel_m
    if pan is None or "pan" in window.bands or ratio < window.options.sharpen.min_ratio:
        return layers
    how = {} if window.within is None else {"within": window.within}
    detail = window.reader.read(pan, window.grid, nodata=scene.nodata, **how)
    sharp = sharpen(image_of(layers, window.grid), detail, ratio=ratio, options=window.options.sharpen)
    return {name: sharp[name].to_numpy() for name in layers}


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


def finite(image: xr.Dataset) -> np.ndarray:
    """Pixels with data in all bands."""
    return np.logical_and.reduce([np.isfinite(band.to_numpy()) for band in image.data_vars.values()])


def image_of(values: Mapping[str, np.ndarray], grid: Grid) -> xr.Dataset:
    """Bands by name as a Dataset (y, x) on the grid."""
    import xarray as xr

    return xr.Dataset(
        {name: (("y", "x"), band) for name, band in values.items()},
        coords={"y": grid.y_m, "x": grid.x_m},
        attrs={"epsg": grid.epsg, "pixel_m": grid.pixel_m},
    )
