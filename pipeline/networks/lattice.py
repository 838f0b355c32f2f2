"""Where a network's pixels and pieces lie: fixed to the ground, so that another window has the same ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from scipy.sparse import csr_array

from ..model.grid import Grid

_HAIR = 1e-6  # of a pixel; what is no offset but rounding


def snapped(grid: Grid, pixel_m: float) -> Grid:
    """The smallest grid of pixels of ``pixel_m`` that covers ``grid`` and starts at multiples of ``pixel_m``."""
    west, south, east, north = (bound / pixel_m for bound in grid.bounds_m)
    first_col, first_row = math.floor(west + _HAIR), math.floor(-north + _HAIR)
    rows, cols = math.ceil(-south - _HAIR) - first_row, math.ceil(east - _HAIR) - first_col
    return Grid(grid.epsg, first_col * pixel_m, -first_row * pixel_m, pixel_m, rows, cols)


def margins(grid: Grid, multiple_px: int, least: Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels to be added ((north, south), (west, east)), so that the window starts and ends at multiples of so many.

    Counted from the origin of the CRS. The sides become at least ``least`` (rows, cols) long.
    """
    first = round(-grid.north_m / grid.pixel_m), round(grid.west_m / grid.pixel_m)
    out = []
    for start, length, short in zip(first, grid.shape, least, strict=True):
        before = start % multiple_px
        after = -(before + length) % multiple_px
        out.append((before, after + max(short - before - length - after, 0)))
    return out[0], out[1]


def cuts(length_px: int, size_px: int, overlap_px: int) -> list[tuple[int, int, int]]:
    """(start, first, stop) of pieces of ``size_px`` along one side; of each, first to stop is kept.

    The kept parts make up the whole; each lies at least half of ``overlap_px`` inside its piece, but for the ends.

    >>> cuts(100, 60, 20)
    [(0, 0, 50), (40, 50, 100)]
    """
    if length_px <= size_px:
        return [(0, 0, length_px)]
    starts = [*range(0, length_px - size_px, size_px - overlap_px), length_px - size_px]
    seams = [(one + size_px + two) // 2 for one, two in pairwise(starts)]
    return list(zip(starts, [0, *seams], [*seams, length_px], strict=True))


def resampled(stack: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """``stack`` (bands, rows, cols) of ``source`` on ``target``, float32: averaged to larger pixels, else bilinear."""
    if source == target:
        return stack
    down = _weights(-source.north_m, source.pixel_m, source.rows, -target.north_m, target.pixel_m, target.rows)
    along = _weights(source.west_m, source.pixel_m, source.cols, target.west_m, target.pixel_m, target.cols)
    return np.stack([cv2.transpose(along @ cv2.transpose(down @ band)) for band in stack])


def _weights(from_m: float, from_px_m: float, count: int, to_m: float, to_px_m: float, wanted: int) -> csr_array:
    """Share (wanted, count) that each pixel of one side has in each new one; rows add up to 1."""
    # Edges of the new pixels, counted in old ones.
    start = (to_m - from_m) / from_px_m + np.arange(wanted)[:, None] * (to_px_m / from_px_m)
    if to_px_m > from_px_m:
        stop = start + to_px_m / from_px_m
        index = np.floor(start) + np.arange(math.ceil(to_px_m / from_px_m) + 1)
        share = np.minimum(index + 1, stop) - np.maximum(index, start)
        share = np.where((index >= 0) & (index < count), np.maximum(share, 0), 0)
    else:
        centre = np.clip(start + to_px_m / from_px_m / 2 - 0.5, 0, count - 1)
        index = np.floor(centre) + np.arange(2)
        share = 1 - np.abs(index - centre)
    share = (share / share.sum(axis=1, keepdims=True)).astype(np.float32)
    row = np.broadcast_to(np.arange(wanted)[:, None], share.shape)
    held = share > 0
    return csr_array((share[held], (row[held], index[held].astype(np.int64))), shape=(wanted, count))
