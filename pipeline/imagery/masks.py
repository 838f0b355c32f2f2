"""Which pixels of a scene are ground that can be judged: quality masks, mosaics of several days, unmarked borders.

Three questions, three functions: what the scene's quality file calls cloud, shadow, snow or fill (``clouded``); which
part of a file belongs to this scene (``outside``); and where a mosaic is filled up with black or white without saying so
(``border``). All give bool arrays (rows, cols) of the grid asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ..model.grid import Grid
from ..model.scene import BandFile, Scene
from .raster import burn
from .reader import Reader

_LOOK_M = 150.0  # how far past the window is looked, to tell a mosaic's border from a roof that the window cuts
_BORDER_M2 = 5000.0  # a saturated roof or a black pond stays below this; a border goes on and on
_LEAST_PX = 16
_RIM_PX = 1  # beside the fill, resampling has mixed it into the ground
_SEGMENT_DEG = 0.02
_LARGEST = 65_535

Numbers = Callable[[Grid], np.ndarray]


def asked(reader: Reader, files: Sequence[BandFile], grid: Grid, *, within: BaseGeometry | None, **how: Any) -> list:
    """What the reader gives; ``within`` is passed on only if there is one, for readers that know no such thing."""
    if within is not None:
        how["within"] = within
    return reader.read_many(files, grid, **how)


def clouded(
    scene: Scene, grid: Grid, reader: Reader, margin_m: float, within: BaseGeometry | None = None
) -> np.ndarray:
    """Where the scene's quality file says cloud, shadow, snow or fill, widened by ``margin_m``.

    Read past the window, so that tiles agree at seams. A number counts if it is in ``scene.mask_bad`` or has a bit of
    ``scene.mask_bits`` set. Beyond the file nothing is known: that counts too, but is not widened.
    """
    if scene.mask is None or not (scene.mask_bad or scene.mask_bits):
        return np.zeros(grid.shape, bool)
    margin_px = math.ceil(margin_m / grid.pixel_m)
    wide = grid.padded(margin_px)
    around = None if within is None else within.buffer(margin_m + grid.pixel_m)
    # Class numbers as they stand: a file may name its "clear" or its "fill" as no data, and both must keep their say.
    (quality,) = asked(reader, [_plain_numbers(scene.mask)], wide, within=around, nodata=math.nan, resampling="nearest")
    unknown = np.isnan(quality)
    bad = called_bad(np.where(unknown, np.float32(0), quality), scene.mask_bad, scene.mask_bits) & ~unknown
    core = (slice(margin_px, margin_px + grid.rows), slice(margin_px, margin_px + grid.cols))
    return widened(bad, margin_px)[core] | unknown[core]


def called_bad(quality: np.ndarray, numbers: Collection[int], bits: int) -> np.ndarray:
    """Pixels (bool) of a quality image whose value is one of ``numbers``, or has one of ``bits`` set.

    Whole numbers that two bytes can hold are looked up in a table, others compared one by one.
    """
    if quality.size and quality.min() >= 0 and quality.max() <= _LARGEST:
        index = quality.astype(np.uint16)
        if (index == quality).all():
            every = np.arange(int(index.max()) + 1)
            return np.take(np.isin(every, list(numbers)) | ((every & bits) != 0), index)
    return np.isin(quality, np.array(sorted(numbers), np.float32)) | ((quality.astype(np.int64) & bits) != 0)


def widened(mask: np.ndarray, margin_px: int) -> np.ndarray:
    """The mask and all within so many pixels of it: a disc of any radius in one pass."""
    if not margin_px or not mask.any():
        return mask
    import cv2

    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return away <= margin_px


def outside(scene: Scene, grid: Grid) -> np.ndarray | None:
    """Pixels that the file shows but of another day (beyond ``scene.clip_lonlat``); None if all are of this scene."""
    clip = scene.clip_lonlat
    if not isinstance(clip, shapely.Geometry):
        return None
    near = shapely.box(*lonlat_bounds(grid)).buffer(_SEGMENT_DEG)
    part = shapely.intersection(shapely.make_valid(clip), near)
    if part.covers(shapely.box(*lonlat_bounds(grid))):
        return None
    fine = shapely.segmentize(part, _SEGMENT_DEG)
    placed = shapely.transform(fine, _from_lonlat(grid.epsg).transform, interleaved=False)
    flat = [p for p in shapely.get_parts(placed) if p.geom_type in ("Polygon", "MultiPolygon")]
    return ~burn(flat, grid)


def border(fills: Sequence[float], grid: Grid, numbers: Numbers, here: np.ndarray) -> np.ndarray:
    """Where a mosaic is filled up around its ground with one of ``fills`` without naming it as no data.

    ``here``: digital numbers (bands, rows, cols) on the grid, NaN where nothing; ``numbers`` reads the same on another
    window. A pixel is fill if all its bands hold one fill value and the connected area of such pixels is joined to
    where the file has nothing, or is larger than any saturated roof or black pond would be. An area that the window
    cuts is looked at once more in a wider window before it is judged.
    """
    filled = _holding(here, fills)
    if not filled.any():
        return filled
    sure, cut = _judged(filled, _nothing(here), grid.pixel_m)
    if cut.any():
        margin_px = math.ceil(_LOOK_M / grid.pixel_m)
        wide = numbers(grid.padded(margin_px))
        beyond, _ = _judged(_holding(wide, fills), _nothing(wide), grid.pixel_m)
        sure |= beyond[margin_px : margin_px + grid.rows, margin_px : margin_px + grid.cols]
    return widened(sure, _RIM_PX)


def _holding(numbers: np.ndarray, fills: Sequence[float]) -> np.ndarray:
    """Pixels whose bands all hold the same one of the fill values; interpolation may have touched the last digit."""
    held = np.zeros(numbers.shape[1:], bool)
    for fill in fills:
        held |= (np.abs(numbers - np.float32(fill)) <= 1e-4 * max(1.0, abs(fill))).all(axis=0)
    return held


def _nothing(numbers: np.ndarray) -> np.ndarray:
    return np.asarray(np.isnan(numbers).all(axis=0))


def _judged(filled: np.ndarray, nothing: np.ndarray, pixel_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Areas that are surely fill, and areas that cannot be judged because the window cuts them."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(filled.astype(np.uint8), connectivity=8)
    size_px = stats[:, cv2.CC_STAT_AREA]
    joined = np.zeros(count, bool)
    joined[np.unique(labels[widened(nothing, 2)])] = True
    rim = np.zeros(count, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        rim[np.unique(side)] = True
    fill = (joined & (size_px >= _LEAST_PX)) | (size_px * pixel_m**2 >= _BORDER_M2)
    cut = rim & ~fill
    fill[0] = cut[0] = False  # label 0 is all the rest
    return fill[labels], cut[labels]


def lonlat_bounds(grid: Grid) -> tuple[float, float, float, float]:
    """West, south, east, north of the grid in degrees."""
    return _to_lonlat(grid.epsg).transform_bounds(*grid.bounds_m)


def _plain_numbers(mask: BandFile) -> BandFile:
    """The mask's file with class numbers as they stand."""
    return replace(mask, band=replace(mask.band, scale=1.0, offset=0.0))


@lru_cache(maxsize=16)
def _to_lonlat(epsg: int) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(epsg, 4326, always_xy=True)


@lru_cache(maxsize=16)
def _from_lonlat(epsg: int) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(4326, epsg, always_xy=True)
