"""A corridor in pieces that search servers accept: short, of few vertices, and with nothing of it lost.

A long road's bounding box is a province; what a server should be asked about is the road. So the area is cut by a grid
of degrees, and each part is simplified outwards until it has few vertices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import shapely
from shapely.geometry.base import BaseGeometry

# Sides of the cells, degrees. A shape follows the road through a large cell; a box has to be small to stay near it.
SHAPE_CELL_DEG, BOX_CELL_DEG = 2.0, 0.5
_MAX_VERTICES = 100
_MARGINS_DEG = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_GRID_DEG = 1e-5


def pieces(area_lonlat: BaseGeometry, *, boxes: bool = False) -> Iterator[BaseGeometry]:
    """Shapes (degrees, longitude first) that together cover the area, from west to east and south to north.

    Parameters
    ----------
    boxes : bounding boxes of small parts, for servers that take no other shape; else polygons of at most 100 vertices.
    """
    side = BOX_CELL_DEG if boxes else SHAPE_CELL_DEG
    parts = shapely.get_parts(area_lonlat)
    tree = shapely.STRtree(parts)
    west, south, east, north = area_lonlat.bounds
    for col in range(math.floor(west / side), math.floor(east / side) + 1):
        for row in range(math.floor(south / side), math.floor(north / side) + 1):
            cell = shapely.box(col * side, row * side, (col + 1) * side, (row + 1) * side)
            near = parts[tree.query(cell, predicate="intersects")]
            part = shapely.union_all(shapely.intersection(near, cell)) if len(near) else None
            if part is not None and not part.is_empty:
                yield _box(part) if boxes else outward(part)


def outward(shape: BaseGeometry) -> BaseGeometry:
    """A polygon (or several) of at most 100 vertices that covers ``shape``, as near to it as that allows."""
    rough = _filled(shape)
    for margin in _MARGINS_DEG:
        # Simplified by less than it was grown by, so that no line comes nearer than a tenth of the margin.
        grown = rough.buffer(margin, quad_segs=2).simplify(0.9 * margin)
        plain = shapely.set_precision(_filled(grown), _GRID_DEG)
        if shapely.get_num_coordinates(plain) <= _MAX_VERTICES and plain.covers(shape):
            return plain
    return _box(shape)


def _filled(shape: BaseGeometry) -> BaseGeometry:
    """Without holes: the fields between roads cost a server more than they save."""
    outlines = [one.exterior if isinstance(one, shapely.Polygon) else one for one in shapely.get_parts(shape)]
    return shapely.union_all([shapely.Polygon(one) if one.is_ring else one for one in outlines])


def _box(shape: BaseGeometry) -> BaseGeometry:
    """The bounding box, its corners rounded outwards."""
    west, south, east, north = shape.bounds
    low = [math.floor(value / _GRID_DEG) * _GRID_DEG for value in (west, south)]
    high = [math.ceil(value / _GRID_DEG) * _GRID_DEG for value in (east, north)]
    return shapely.box(*low, *high)
