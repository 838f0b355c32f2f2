"""Large outlines in handy pieces: batches that fit in memory, polygons cut into blocks, borders cut into short lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import shapely

_BATCH_VERTICES = 2_000_000
_BLOCK_VERTICES, _MAX_HALVINGS = 256, 30
_LINE_SEGMENTS = 32


def batches(shapes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Positions ``first, end`` of runs of shapes that together have about two million vertices at most."""
    total = np.cumsum(shapely.get_num_coordinates(shapes)) // _BATCH_VERTICES
    yield from pairwise([0, *(np.flatnonzero(np.diff(total)) + 1).tolist(), len(shapes)] if len(shapes) else [])


def blocks(grounds: np.ndarray, most: int = _BLOCK_VERTICES) -> tuple[np.ndarray, np.ndarray]:
    """The polygons cut into blocks of ``most`` vertices at most, and which one each block is of: overlays cost by the vertex."""
    parts, row = shapely.get_parts(grounds, return_index=True)
    for _ in range(_MAX_HALVINGS):
        large = shapely.get_num_coordinates(parts) > most
        if not large.any():
            break
        west, south, east, north = shapely.bounds(parts[large]).T
        upright = north - south > east - west
        x, y = np.where(upright, east, (west + east) / 2), np.where(upright, (south + north) / 2, north)
        x0, y0 = np.where(upright, west, x), np.where(upright, y, south)
        # An overlay rounds as its first operand does: boxes not at all.
        first = shapely.intersection(shapely.box(west, south, x, y), parts[large])
        second = shapely.intersection(shapely.box(x0, y0, east, north), parts[large])
        halves, of = shapely.get_parts(np.concatenate([first, second]), return_index=True)
        areal = shapely.area(halves) > 0
        parts = np.concatenate([parts[~large], halves[areal]])
        row = np.concatenate([row[~large], np.tile(row[large], 2)[of[areal]]])
    return parts, row


def border_lines(areas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The outlines of polygons as lines of few segments, so that a tree can tell which of them is near, and whose each is."""
    members, area = shapely.get_parts(areas, return_index=True)
    polygons, member = shapely.get_parts(members, return_index=True)  # twice: repaired outlines may be collections
    rings, polygon = shapely.get_parts(shapely.boundary(polygons), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    starts, ends = np.diff(ring, prepend=-1) != 0, np.diff(ring, append=-1) != 0
    within = np.arange(len(ring)) - np.flatnonzero(starts)[np.cumsum(starts) - 1]  # number of the vertex in its ring
    # A vertex where one line ends and the next begins stands in both.
    shared = (within % _LINE_SEGMENTS == 0) & ~starts & ~ends
    line = np.cumsum(starts | shared) - 1
    twice = np.repeat(np.arange(len(ring)), 1 + shared)
    again = np.concatenate([twice[1:] == twice[:-1], [False]]) if len(twice) else np.array([], dtype=bool)
    return shapely.linestrings(xy[twice], indices=line[twice] - again), area[member[polygon[ring[starts | shared]]]]
