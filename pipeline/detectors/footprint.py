"""From the pixels of one object to its polygon, and how much that polygon is drawn like a building."""

from __future__ import annotations

import math

import cv2
import numpy as np
import shapely

from ..imagery.raster import polygons
from ..model.grid import Grid

_STEP_M = 0.75  # how far a straight wall may wander in pixels; on large roofs docks and bays wander farther
_STEP_SHARE = 0.02  # of the square root of the area


def trace(
    mask: np.ndarray, grid: Grid, *, open_m: float, fill_hole_m2: float, min_area_m2: float
) -> shapely.Polygon | None:
    """The largest polygon of ``mask``, in the grid's CRS; None when nothing of ``min_area_m2`` is left.

    Appendages narrower than ``open_m`` are cut off, holes below ``fill_hole_m2`` closed. ``mask`` (rows, cols) is the
    grid's.
    """
    if not mask.any():
        return None
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    width = 2 * int(open_m / grid.pixel_m / 2) + 1
    # A roof goes on past the window's edge, and must not be rounded there as it is everywhere else.
    at_edge = (rows[0] == 0, rows[-1] == mask.shape[0] - 1, cols[0] == 0, cols[-1] == mask.shape[1] - 1)
    padded = _extended(part.astype(np.uint8), width, at_edge)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel)[width:-width, width:-width]
    corner = grid.part(slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
    parts = polygons(opened > 0, corner, min_area_m2=min_area_m2)
    if parts.empty:
        return None
    shape = max(parts, key=lambda polygon: polygon.area)
    holes = [ring for ring in shape.interiors if shapely.Polygon(ring).area >= fill_hole_m2]
    return shapely.Polygon(shape.exterior, holes)


def _extended(part: np.ndarray, width: int, at_edge: tuple[bool, bool, bool, bool]) -> np.ndarray:
    """``part`` with a margin of ``width``: its own border repeated where it lies at the window's edge, else empty."""
    out = np.pad(part, width)
    north, south, west, east = at_edge
    if north:
        out[:width] = out[width]
    if south:
        out[-width:] = out[-width - 1]
    if west:
        out[:, :width] = out[:, width : width + 1]
    if east:
        out[:, -width:] = out[:, -width - 1 : -width]
    return out


def drawn_like_a_building(polygon: shapely.Polygon) -> dict[str, float]:
    """Statistics of an outline, 0..1 but for the count of ``corners``, after simplifying it.

    ``rectangle``, ``solidity``: share of the minimum rotated rectangle and of the hull that it fills. ``straight``:
    share of the outline in long straight pieces. ``right_angled``: agreement of their directions modulo 90 degrees.
    """
    hull = polygon.convex_hull
    box = shapely.minimum_rotated_rectangle(polygon)
    line = np.asarray(polygon.exterior.simplify(_STEP_M + _STEP_SHARE * math.sqrt(polygon.area)).coords)
    step = np.diff(line, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    fourfold = 4 * np.arctan2(step[:, 1], step[:, 0])
    whole = max(float(length.sum()), 1e-9)
    return {
        "rectangle": polygon.area / max(box.area, 1e-9),
        "solidity": polygon.area / max(hull.area, 1e-9),
        "straight": float(length[length >= 0.3 * math.sqrt(polygon.area)].sum()) / whole,
        "right_angled": float(np.hypot((length * np.cos(fourfold)).sum(), (length * np.sin(fourfold)).sum())) / whole,
        "corners": float(len(step)),
    }


def share_on_border(polygon: shapely.Polygon, grid: Grid) -> float:
    """Share, 0..1, of the polygon's outer outline that lies on the border of the window: there it was cut, not drawn."""
    west, south, east, north = grid.bounds_m
    line = np.asarray(polygon.exterior.coords)
    near = grid.pixel_m / 2
    on = [abs(line[:, 0] - west), abs(line[:, 0] - east), abs(line[:, 1] - south), abs(line[:, 1] - north)]
    cut = np.logical_or.reduce([(d[:-1] < near) & (d[1:] < near) for d in on])
    length = np.hypot(*np.diff(line, axis=0).T)
    return float(length[cut].sum() / length.sum())
