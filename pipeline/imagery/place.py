"""A window of a file laid on the run's grid: pixel for pixel where both share one lattice, else resampled."""

from __future__ import annotations

from typing import Literal

import numpy as np
from affine import Affine

from ..model.grid import Grid
from . import windows
from .decode import Job
from .windows import Window

Resampling = Literal["bilinear", "nearest"]


def placed(pixels: np.ndarray, window: Window, corner: tuple[int, int], grid: Grid) -> np.ndarray:
    """A window of a file that shares the grid's lattice, pixel for pixel on the grid."""
    row, col, rows, cols = window
    if (row, col) == corner and (rows, cols) == grid.shape:
        return pixels
    out = np.full((len(pixels), grid.rows, grid.cols), np.nan, np.float32)
    out[:, row - corner[0] : row - corner[0] + rows, col - corner[1] : col - corner[1] + cols] = pixels
    return out


def warped(pixels: np.ndarray, job: Job, grid: Grid, resampling: Resampling) -> np.ndarray:
    """Pixels of a window resampled onto the grid, float32 (bands, rows, cols)."""
    from rasterio.warp import Resampling as Methods
    from rasterio.warp import reproject

    out = np.full((len(pixels), grid.rows, grid.cols), np.nan, np.float32)
    gaps = np.isnan(pixels)
    if gaps.all():
        return out
    # Told of no-data values, GDAL looks at every pixel for them, at more than twice the time.
    known = {"src_nodata": np.nan, "dst_nodata": np.nan} if gaps.any() else {"init_dest_nodata": False}
    row, col, _, _ = job.window  # type: ignore[misc]
    place = job.facts.transform
    reproject(
        pixels,
        out,
        src_transform=place @ Affine.translation(col, row),
        src_crs=job.facts.crs,
        dst_transform=grid.transform,
        dst_crs=windows.crs(grid.epsg),
        resampling=Methods[resampling],
        num_threads=1,
        tolerance=0.01,
        **known,
    )
    return out
