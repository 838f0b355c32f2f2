"""Outlines that people would draw: right-angled for buildings, smooth for heaps and strips; and their size.

Squaring follows the common two steps of footprint regularisation: one dominant direction per building, then every edge
turned onto that direction or its normal (e.g. Wei, Ji & Lu 2020, "Toward automatic building footprint delineation from
aerial images using CNN and regularization", IEEE TGRS 58(3)).
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import MultiPolygon, Polygon
from shapely.affinity import rotate

from ..errors import GeometryError

MIN_IOU = 0.8
MAX_AREA_CHANGE = 0.1
ROUND_SHARE = 0.85  # share of the smallest enclosing circle that is filled: circle 1, octagon 0.90, square 0.64
_MIN_HOLE_TOLERANCES = 5.0  # a courtyard is kept when its area exceeds that of a square of this many tolerances


def squared(polygon: Polygon | MultiPolygon, *, tolerance_m: float = 1.0) -> Polygon:
    """Right-angled outline of a footprint that came from pixels.

    All edges lie along one direction or its normal; L, U and courtyard shapes are kept, steps shorter than
    ``tolerance_m`` are not. Where no right-angled outline overlaps the input by an IoU of 0.8 with an area within 10 %,
    the minimum rotated rectangle is taken if it does, else the smoothed input. What fills 85 % of its smallest enclosing
    circle is a tank or a silo and stays round. Of several parts the largest is meant.

    Raises
    ------
    GeometryError
        ``polygon`` has no area or infinite coordinates.
    """
    shape = _largest(polygon)
    if shape.area > ROUND_SHARE * np.pi * shapely.minimum_bounding_radius(shape) ** 2:
        return smooth(shape, tolerance_m=tolerance_m)
    plain = _without_small_holes(shape, (_MIN_HOLE_TOLERANCES * tolerance_m) ** 2)
    best, best_iou = None, 0.0
    for angle_deg in _directions_deg(plain, tolerance_m):
        candidate = _rectilinear(plain, angle_deg, tolerance_m)
        iou = _iou(candidate, plain) if candidate is not None else 0.0
        if candidate is not None and iou > best_iou + 0.005 and _fits(candidate, plain, iou):
            best, best_iou = candidate, iou
    if best is not None:
        return best
    rectangle = shapely.oriented_envelope(plain)
    if rectangle.geom_type == "Polygon" and _fits(rectangle, plain, _iou(rectangle, plain)):
        return rectangle
    return smooth(shape, tolerance_m=tolerance_m)


def smooth(polygon: Polygon | MultiPolygon, *, tolerance_m: float = 1.0) -> Polygon:
    """The outline without its pixel steps, moved by less than ``tolerance_m``; always valid, area within 10 %.

    Steps are rounded off by an opening and a closing with round corners; where that would eat a thin strip the outline is
    only simplified, and where that changes the area by more than 10 % the input is returned.

    Raises
    ------
    GeometryError
        ``polygon`` has no area or infinite coordinates.
    """
    shape = _largest(polygon)
    half_m = tolerance_m / 2
    opened = shape.buffer(half_m).buffer(-2 * half_m).buffer(half_m)
    for candidate in (opened.simplify(tolerance_m / 4), shape.simplify(half_m)):
        if candidate.geom_type == "Polygon" and candidate.is_valid and _area_kept(candidate, shape):
            return candidate
    return shape


def size(polygons: gpd.GeoSeries) -> pd.DataFrame:
    """``area_m2`` of each polygon, ``length_m`` and ``width_m`` of its minimum rotated rectangle, on the same index.

    An empty or missing geometry has size 0.
    """
    shapes = np.asarray(polygons.array)
    sides = np.zeros((len(shapes), 2))
    boxes = shapely.oriented_envelope(shapes)
    rectangles = np.flatnonzero(shapely.get_type_id(boxes) == shapely.GeometryType.POLYGON)
    rectangles = rectangles[~shapely.is_empty(boxes[rectangles])]
    if len(rectangles):
        corners = shapely.get_coordinates(boxes[rectangles]).reshape(len(rectangles), 5, 2)
        sides[rectangles] = np.linalg.norm(np.diff(corners[:, :3], axis=1), axis=2)
    area_m2 = np.nan_to_num(shapely.area(shapes))
    table = {"area_m2": area_m2, "length_m": sides.max(axis=1), "width_m": sides.min(axis=1)}
    return pd.DataFrame(table, index=polygons.index)


def _largest(polygon: Polygon | MultiPolygon) -> Polygon:
    if not np.isfinite(shapely.get_coordinates(polygon)).all():
        raise GeometryError("an outline has infinite coordinates; check the CRS it was transformed to")
    valid = polygon if polygon.is_valid else shapely.make_valid(polygon)
    parts = [part for part in shapely.get_parts(valid, return_index=False) for part in shapely.get_parts(part)]
    parts = [part for part in parts if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        raise GeometryError(f"an outline of type {polygon.geom_type} has no area; only polygons can be squared")
    return max(parts, key=lambda part: part.area)


def _without_small_holes(shape: Polygon, min_area_m2: float) -> Polygon:
    holes = [ring for ring in shape.interiors if Polygon(ring).area >= min_area_m2]
    return Polygon(shape.exterior, holes)


def _directions_deg(shape: Polygon, tolerance_m: float) -> list[float]:
    """Candidate directions in [0, 90): edge-weighted mean of the simplified outline and of its hull, and the rectangle's."""
    cornered = _from_corners(shape)
    outlines = (cornered.simplify(tolerance_m), cornered.simplify(1.6 * tolerance_m), shape.convex_hull)
    found = [_mean_direction_deg(np.asarray(outline.exterior.coords)) for outline in outlines if not outline.is_empty]
    envelope = shapely.oriented_envelope(shape)
    if envelope.geom_type == "Polygon":
        found.append(_mean_direction_deg(np.asarray(envelope.exterior.coords)))
    return list(dict.fromkeys(round(angle, 3) for angle in found))


def _from_corners(shape: Polygon) -> Polygon:
    """The polygon with each ring begun at its corner farthest from the centre: simplifying never removes the first vertex."""
    rings = []
    for ring in (shape.exterior, *shape.interiors):
        xy = np.asarray(ring.coords)[:-1]
        first = int(np.argmax(np.hypot(*(xy - (xy.min(axis=0) + xy.max(axis=0)) / 2).T).round(6)))
        rings.append(np.roll(xy, -first, axis=0))
    return Polygon(rings[0], rings[1:])


def _mean_direction_deg(ring: np.ndarray) -> float:
    """Mean of edge directions modulo 90 degrees, weighted by squared length: long walls decide."""
    edge = np.diff(ring, axis=0)
    length = np.hypot(*edge.T)
    angle = np.arctan2(edge[:, 1], edge[:, 0])
    return float(np.degrees(np.angle(np.sum(length**2 * np.exp(4j * angle))) / 4) % 90)


def _rectilinear(shape: Polygon, angle_deg: float, tolerance_m: float) -> Polygon | None:
    """``shape`` with every edge on the two axes turned by ``angle_deg``; None where an outline collapses."""
    centre = shape.centroid
    level = rotate(_from_corners(shape).simplify(0.7 * tolerance_m), -angle_deg, origin=centre)
    if level.geom_type != "Polygon" or level.is_empty:
        return None
    rings = [_squared_ring(np.asarray(ring.coords), tolerance_m) for ring in (level.exterior, *level.interiors)]
    if rings[0] is None:
        return None
    turned = rotate(Polygon(rings[0], [ring for ring in rings[1:] if ring is not None]), angle_deg, origin=centre)
    return turned if turned.is_valid and turned.area > 0 else None


def _squared_ring(ring: np.ndarray, min_edge_m: float) -> np.ndarray | None:
    """Corners of the ring made of horizontal and vertical lines only; None where fewer than four are left."""
    start, end = ring[:-1], ring[1:]
    edge = end - start
    flat = np.abs(edge[:, 0]) >= np.abs(edge[:, 1])
    middle = (start + end) / 2
    # one wall per edge: [is horizontal, its constant coordinate, weight]
    walls = [
        [bool(h), float(m[1] if h else m[0]), float(length)]
        for h, m, length in zip(flat, middle, np.hypot(*edge.T), strict=True)
        if length > 0
    ]
    walls = _merged(walls)
    while len(walls) >= 4:
        corners = _corners(walls)
        lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
        shortest = int(np.argmin(lengths))
        if lengths[shortest] >= min_edge_m or len(walls) == 4:
            return np.vstack([corners, corners[:1]]) if lengths[shortest] > 0 else None
        walls = _merged([wall for i, wall in enumerate(walls) if i != shortest])
    return None


def _merged(walls: list[list]) -> list[list]:
    """Neighbouring parallel walls as one, at their length-weighted mean, around the ring."""
    out: list[list] = []
    for wall in walls:
        if out and out[-1][0] == wall[0]:
            out[-1] = _together(out[-1], wall)
        else:
            out.append(list(wall))
    if len(out) > 1 and out[0][0] == out[-1][0]:
        out[0] = _together(out.pop(), out[0])
    return out


def _together(one: list, other: list) -> list:
    weight = one[2] + other[2]
    return [one[0], (one[1] * one[2] + other[1] * other[2]) / weight, weight]


def _corners(walls: list[list]) -> np.ndarray:
    """Start corner of each wall: where it crosses the wall before it."""
    is_flat = np.array([wall[0] for wall in walls])
    constant = np.array([wall[1] for wall in walls])
    before = np.roll(constant, 1)
    return np.column_stack([np.where(is_flat, before, constant), np.where(is_flat, constant, before)])


def _iou(one: Polygon, other: Polygon) -> float:
    shared = one.intersection(other).area
    return shared / (one.area + other.area - shared)


def _area_kept(candidate: Polygon, shape: Polygon) -> bool:
    return abs(candidate.area / shape.area - 1.0) <= MAX_AREA_CHANGE


def _fits(candidate: Polygon, shape: Polygon, iou: float) -> bool:
    return iou >= MIN_IOU and _area_kept(candidate, shape)
