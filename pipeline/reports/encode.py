"""Geometry for pages: flat lists of integers, a third of the bytes of GeoJSON."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

SCALE = 1_000_000
"""Units per degree: 0.11 m on the ground, below what any of the imagery can place."""
_M_PER_DEG = 111_320.0


def simplified(geometries: np.ndarray, tolerance_m: float) -> np.ndarray:
    """Lon/lat geometries with vertices left out that lie within ``tolerance_m`` of the line between the others."""
    return shapely.simplify(geometries, tolerance_m / _M_PER_DEG) if tolerance_m > 0 else geometries


def lines(geometry: BaseGeometry | None) -> list[list[int]]:
    """Each part of a line as x0, y0, dx1, dy1, ... in 1e-6 degrees."""
    if geometry is None or geometry.is_empty:
        return []
    return [_deltas(part) for part in shapely.get_parts(geometry) if part.geom_type in ("LineString", "LinearRing")]


def polygons(geometry: BaseGeometry | None) -> list[list[list[int]]]:
    """Each polygon as its rings, the outer one first, in the form of :func:`lines`; the closing point is left out."""
    if geometry is None or geometry.is_empty:
        return []
    parts = [geometry] if geometry.geom_type == "Polygon" else shapely.get_parts(geometry)
    return [
        [_deltas(ring, closed=True) for ring in (part.exterior, *part.interiors)]
        for part in parts
        if part.geom_type == "Polygon"
    ]


def _deltas(line: BaseGeometry, *, closed: bool = False) -> list[int]:
    points = np.rint(shapely.get_coordinates(line) * SCALE).astype(np.int64)
    if closed:
        points = points[:-1]
    points[1:] -= points[:-1].copy()
    return points.ravel().tolist()
