"""Between pixels and polygons: shapes burnt into a mask, a mask traced into polygons. A pixel is where its centre is.

Both are a few numpy passes over edges, not over pixels: exact, the same in every thread, and without GDAL, whose
polygoniser can deadlock when two threads use it first at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import GeometryError
from ..model.grid import Grid

if TYPE_CHECKING:
    import geopandas as gpd

_NECK_PX = 0.01  # pixels of one object that touch by a corner are joined by a neck, so that the polygon is valid


def burn(shapes: Iterable[BaseGeometry | None], grid: Grid) -> np.ndarray:
    """Bool array (rows, cols): the pixels whose centre lies in any of the shapes; holes stay out, overlaps count once.

    Shapes are polygons or collections of them in the grid's CRS; None and empty ones are passed over. GeometryError for
    points and lines, which have no inside, and for coordinates that are not finite.

    Every edge is turned so that the inside lies on its left; walking a row from the west, each edge crossed adds or
    takes one, and the pixel is inside while the sum is not zero.
    """
    start, end = _directed_edges(shapes)
    crossings = np.zeros((grid.rows, grid.cols + 1), np.int32)
    if len(start):
        # In pixels, with centres at whole numbers; a centre exactly on a southern or eastern edge is outside.
        x0, y0 = (start[:, 0] - grid.west_m) / grid.pixel_m - 0.5, (grid.north_m - start[:, 1]) / grid.pixel_m - 0.5
        x1, y1 = (end[:, 0] - grid.west_m) / grid.pixel_m - 0.5, (grid.north_m - end[:, 1]) / grid.pixel_m - 0.5
        first = np.clip(np.ceil(np.minimum(y0, y1)), 0, grid.rows).astype(np.int64)
        last = np.clip(np.ceil(np.maximum(y0, y1)), 0, grid.rows).astype(np.int64)
        count = last - first
        edge = np.repeat(np.arange(len(count)), count)
        row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        x = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        col = np.clip(np.ceil(x), 0, grid.cols).astype(np.int64)
        turn = np.where(y1 > y0, 1, -1).astype(np.int32)
        np.add.at(crossings, (row, col), turn[edge])
    return np.cumsum(crossings, axis=1)[:, : grid.cols] != 0


def _directed_edges(shapes: Iterable[BaseGeometry | None]) -> tuple[np.ndarray, np.ndarray]:
    """Start and end (n, 2) of all polygon edges, exteriors one way round and holes the other."""
    given = np.array([shape for shape in shapes if shape is not None and not shape.is_empty], dtype=object)
    parts = shapely.get_parts(given)
    while np.any(shapely.get_type_id(parts) > shapely.GeometryType.POLYGON):
        parts = shapely.get_parts(parts)
    flat = shapely.get_type_id(parts) != shapely.GeometryType.POLYGON
    if flat.any():
        raise GeometryError(f"only polygons can be burnt, got a {parts[flat][0].geom_type}; buffer it first")
    rings, polygon = shapely.get_rings(parts, return_index=True)
    if len(rings) == 0:
        return np.empty((0, 2)), np.empty((0, 2))
    exterior = np.diff(polygon, prepend=-1) != 0
    turned = np.where(shapely.is_ccw(rings) == exterior, rings, shapely.reverse(rings))
    points, ring = shapely.get_coordinates(turned, return_index=True)
    if not np.isfinite(points).all():
        raise GeometryError("a shape to burn has coordinates that are not finite; was its coordinate system right?")
    same = ring[1:] == ring[:-1]
    return points[:-1][same], points[1:][same]


def polygons(mask: np.ndarray, grid: Grid, *, min_area_m2: float = 0.0) -> gpd.GeoSeries:
    """One valid polygon for each object of a mask, with holes, along the pixels' edges, from north-west to south-east.

    Pixels that touch by an edge or a corner are one object (8-connected). Objects below ``min_area_m2`` are left out.
    Where pixels touch by a corner only, the polygon has a neck of a fiftieth of a pixel. ``burn`` gives the mask back.
    """
    import cv2
    import geopandas as gpd

    if mask.shape != grid.shape:
        raise ValueError(f"a mask of {mask.shape} does not fit a grid of {grid.shape}")
    count, label = cv2.connectedComponents(np.ascontiguousarray(mask, np.uint8), connectivity=8, ltype=cv2.CV_32S)
    pixels = np.bincount(label.ravel(), minlength=count)
    large = pixels * grid.pixel_m**2 >= min_area_m2 - 1e-9
    large[0] = False
    label = np.where(large[label], label, 0)
    if not label.any():
        return gpd.GeoSeries([], crs=grid.epsg)
    corners, ring, owner = _rings(label)
    x = grid.west_m + corners[:, 1] * grid.pixel_m
    y = grid.north_m - corners[:, 0] * grid.pixel_m
    rings = shapely.linearrings(np.column_stack([x, y]), indices=ring)
    exterior = shapely.is_ccw(rings)
    place = np.empty(count, np.int64)  # of each label among the results: that of its exterior ring
    place[owner[exterior]] = np.arange(int(exterior.sum()))
    order = np.lexsort((~exterior, place[owner]))
    return gpd.GeoSeries(shapely.polygons(rings[order], indices=place[owner][order]), crs=grid.epsg)


def _rings(label: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners (n, 2: row, col) ring by ring, in pixels from the north-west; ring number of each; label of each ring.

    Rings keep the object on their left and come in the raster order of their first corner.
    """
    corner, came, left, sharp = _turns(label > 0)
    leads_to = np.empty(len(corner), np.int64)
    for direction, line in ((_N, 1), (_S, 1), (_E, 0), (_W, 0)):
        # On one grid line the starts and the ends of edges of one direction alternate, so they pair off in order.
        key = corner[:, line] * (max(label.shape) + 2) + corner[:, 1 - line]
        start, end = np.flatnonzero(left == direction), np.flatnonzero(came == direction)
        leads_to[start[np.argsort(key[start])]] = end[np.argsort(key[end])]
    first, step = _cycles(leads_to)
    order = np.lexsort((step, first))
    ring = np.cumsum(np.diff(first[order], prepend=-1) != 0) - 1
    corner, came, left, sharp = corner[order], came[order], left[order], sharp[order]
    # Two points for each touching corner: one short of it on the way in, one past it on the way out.
    before = corner - _STEP[came] * (sharp * _NECK_PX)[:, None]
    beyond = corner + _STEP[left] * (sharp * _NECK_PX)[:, None]
    both = np.stack([before, beyond], axis=1).reshape(-1, 2)
    wanted = np.stack([np.ones(len(sharp), bool), sharp], axis=1).ravel()
    about = np.pad(label, 1)
    starts = corner[np.flatnonzero(np.diff(ring, prepend=-1))]
    rows, cols = starts[:, 0], starts[:, 1]
    around = [about[rows + i, cols + j] for i in (0, 1) for j in (0, 1)]
    return both[wanted], np.repeat(ring, 2)[wanted], np.maximum.reduce(around)


def _turns(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where outlines turn: corner (row, col), direction in, direction out, and whether two pixels only touch there."""
    wide = np.pad(mask, 1).astype(np.uint8)
    pattern = wide[:-1, :-1] | wide[:-1, 1:] << 1 | wide[1:, :-1] << 2 | wide[1:, 1:] << 3  # NW NE SW SE
    row, col = np.nonzero(_COUNT[pattern])
    seen = pattern[row, col]
    twice = _COUNT[seen]
    which = np.arange(twice.sum()) - np.repeat(np.cumsum(twice) - twice, twice)
    corner = np.repeat(np.column_stack([row, col]), twice, axis=0)
    seen = np.repeat(seen, twice)
    return corner, _IN[seen, which], _OUT[seen, which], np.repeat(twice, twice) == 2


def _cycles(leads_to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest member of each one's cycle in a permutation, and the steps from that one, by pointer doubling."""
    first, jump = np.arange(len(leads_to)), leads_to
    doublings = max(1, int(np.ceil(np.log2(max(len(leads_to), 2)))))
    for _ in range(doublings):
        first = np.minimum(first, first[jump])
        jump = jump[jump]
    is_first = first == np.arange(len(first))
    left = np.where(is_first, 0, 1)  # steps left to the first one
    jump = np.where(is_first, np.arange(len(first)), leads_to)
    for _ in range(doublings):
        left = left + left[jump]
        jump = jump[jump]
    length = np.bincount(first, minlength=len(first))[first]
    return first, (length - left) % length


_N, _E, _S, _W = range(4)
_STEP = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)], float)
# Turns (direction in, direction out) at a corner, by which of its four pixels are set: 1 NW, 2 NE, 4 SW, 8 SE.
_TURNS = {
    1: [(_E, _N)], 2: [(_S, _E)], 4: [(_N, _W)], 8: [(_W, _S)],
    14: [(_S, _W)], 13: [(_W, _N)], 11: [(_E, _S)], 7: [(_N, _E)],
    9: [(_W, _N), (_E, _S)], 6: [(_S, _W), (_N, _E)],
}  # fmt: skip
_COUNT = np.array([len(_TURNS.get(pattern, [])) for pattern in range(16)])
_IN, _OUT = (
    np.array([[(_TURNS.get(p, []) + [(0, 0)] * 2)[k][side] for k in range(2)] for p in range(16)]) for side in range(2)
)
