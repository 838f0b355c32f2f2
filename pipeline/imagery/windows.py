"""Which window of a file lies under a grid: same lattice or not, which rows and columns, which overview."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..model.grid import Grid
from ..tiff.facts import Facts

Window = tuple[int, int, int, int]  # row, col, rows, cols, in pixels of a file

PHASE_TOLERANCE_PX = 0.01  # how far off the lattice still counts as on it
KERNEL_PX = 3  # source pixels beyond the window that a bilinear kernel may want
_EDGE = 22  # points along each edge of a window whose place in the file is computed


@lru_cache(maxsize=64)
def crs(epsg: int) -> Any:
    """The rasterio CRS of that EPSG code."""
    from rasterio.crs import CRS

    return CRS.from_epsg(epsg)


@lru_cache(maxsize=64)
def same_crs(wkt: str, epsg: int) -> bool:
    """Whether a coordinate system, written out, is that of an EPSG code."""
    from rasterio.crs import CRS

    crs_of_file = CRS.from_wkt(wkt)
    return bool(crs_of_file == crs(epsg) or crs_of_file.to_epsg(confidence_threshold=90) == epsg)


def aligned(source: Facts, grid: Grid) -> tuple[int, int] | None:
    """Row and column of the source at the grid's north-west corner if both share one lattice, else None."""
    t = source.transform
    if t.b or t.d or t.a <= 0 or t.e >= 0 or not same_crs(source.crs_wkt, grid.epsg):
        return None
    scale_error = max(abs(t.a - grid.pixel_m), abs(-t.e - grid.pixel_m)) / grid.pixel_m
    col, row = (grid.west_m - t.c) / t.a, (grid.north_m - t.f) / t.e
    drift_px = max(abs(col - round(col)), abs(row - round(row))) + scale_error * max(grid.shape)
    return (round(row), round(col)) if drift_px <= PHASE_TOLERANCE_PX else None


def _outline(grid: Grid, source: Facts) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows, in source pixels, of points along the grid's edge."""
    from rasterio.warp import transform

    west, south, east, north = grid.bounds_m
    along = np.linspace(0.0, 1.0, _EDGE)
    x = np.concatenate([west + along * (east - west)] * 2 + [np.full(_EDGE, west), np.full(_EDGE, east)])
    y = np.concatenate([np.full(_EDGE, south), np.full(_EDGE, north)] + [south + along * (north - south)] * 2)
    xs, ys = transform(crs(grid.epsg), source.crs, x, y)
    back = ~source.transform
    cols = back.a * np.asarray(xs) + back.b * np.asarray(ys) + back.c
    rows = back.d * np.asarray(xs) + back.e * np.asarray(ys) + back.f
    if not (np.isfinite(cols).all() and np.isfinite(rows).all()):
        raise ValueError(f"the window has no place in the file's coordinate system ({source.crs.to_string()[:80]})")
    return cols, rows


def under(source: Facts, grid: Grid) -> Window | None:
    """Source window (row, col, rows, cols) under the grid with room for the kernel, or None if they do not meet."""
    cols, rows = _outline(grid, source)
    margin = KERNEL_PX * max(1.0, _ratio(cols, rows, grid))
    top, left = max(math.floor(rows.min() - margin), 0), max(math.floor(cols.min() - margin), 0)
    bottom = min(math.ceil(rows.max() + margin), source.height)
    right = min(math.ceil(cols.max() + margin), source.width)
    return (top, left, bottom - top, right - left) if bottom > top and right > left else None


def _ratio(cols: np.ndarray, rows: np.ndarray, grid: Grid) -> float:
    """Source pixels per grid pixel, along the finer axis of the two."""
    across = np.hypot(cols[_EDGE - 1] - cols[0], rows[_EDGE - 1] - rows[0]) / grid.cols
    down = np.hypot(cols[3 * _EDGE - 1] - cols[2 * _EDGE], rows[3 * _EDGE - 1] - rows[2 * _EDGE]) / grid.rows
    return float(min(across, down))


def overview(source: Facts, grid: Grid) -> int | None:
    """Index of the coarsest overview that is still no coarser than the grid, or None for full resolution."""
    ratio = _ratio(*_outline(grid, source), grid)
    fitting = [level for level, factor in enumerate(source.factors) if factor <= ratio * (1 + PHASE_TOLERANCE_PX)]
    return max(fitting) if fitting else None


def margin_px(source: Facts, grid: Grid) -> float:
    """Source pixels about a place that a bilinear kernel on this grid may want."""
    return KERNEL_PX * max(1.0, _ratio(*_outline(grid, source), grid))


def inside(source: Facts, corner: tuple[int, int], grid: Grid) -> Window | None:
    """The part of an aligned grid (its corner's row and column in the source) that lies in the source, or None."""
    row, col = corner
    top, left = max(row, 0), max(col, 0)
    bottom, right = min(row + grid.rows, source.height), min(col + grid.cols, source.width)
    return (top, left, bottom - top, right - left) if bottom > top and right > left else None
