"""Ground to the left and to the right of a line, up to a distance, with flat ends.

GEOS' single-sided buffer leaves spikes and holes at sharp bends, and its flat caps misbehave where the last segment is
shorter than the distance. Here each side is the union of what it is made of: a strip along each gentle stretch and a fan at each
sharper vertex on the outside of the bend. Where left and right then claim the same ground (hairpins, spirals, S-bends closer than
the distance), the nearer segment has it.
"""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import GeometryError
from .segments import Segments

GRID_M = 0.001  # all overlays are done to the millimetre, so that neighbouring polygons share their vertices
_GENTLE_RAD = np.radians(5.0)  # up to here a bend's outside is mitred: 0.1 % too wide
_STRIP_TURN_RAD = np.radians(60.0)
_SMALL_TURN_RAD = np.radians(30.0)
_SAMPLE_M = 1.0
_MIN_AREA_M2 = 0.05


def sides(
    line: BaseGeometry, left_m: float, right_m: float, *, lead_in: np.ndarray | None = None
) -> tuple[BaseGeometry, BaseGeometry]:
    """Ground within ``left_m`` on the left of a LineString and within ``right_m`` on its right; the two share no area.

    Parameters
    ----------
    line
        Vertices in metres; Z and M are ignored, repeated vertices removed.
    left_m, right_m
        Distances; 0 gives an empty polygon.
    lead_in
        Unit vector of the line that this one continues: the wedge that opens between the two is filled.

    Raises
    ------
    GeometryError
        ``line`` has infinite coordinates, or no two different vertices.
    """
    xy = _vertices(line)
    left, right = _side(xy, left_m, 1, lead_in), _side(xy, right_m, -1, lead_in)
    claimed = shapely.get_parts(_areal(shapely.intersection(left, right, grid_size=GRID_M)))
    shared = shapely.MultiPolygon(claimed[shapely.area(claimed) > _MIN_AREA_M2].tolist())
    if shared.is_empty:  # at most slivers of rounding along the line itself
        return left, _areal(shapely.difference(right, left, grid_size=GRID_M)) if len(claimed) else right
    to_left = _nearer_left(xy, shared, max(left_m, right_m))
    left_only = shapely.difference(left, shared, grid_size=GRID_M)
    left = _areal(shapely.union(left_only, to_left, grid_size=GRID_M))
    return left, _areal(shapely.difference(right, left, grid_size=GRID_M))


def both_sides(line: BaseGeometry, distance_m: float, *, lead_in: np.ndarray | None = None) -> BaseGeometry:
    """Ground within ``distance_m`` of a LineString on both sides, with flat ends and round bends."""
    xy = _vertices(line)
    return shapely.union(_side(xy, distance_m, 1, lead_in), _side(xy, distance_m, -1, lead_in), grid_size=GRID_M)


def last_direction(line: BaseGeometry) -> np.ndarray:
    """Unit vector of the last segment: the ``lead_in`` of what continues the line."""
    edge = np.diff(_vertices(line)[-2:], axis=0)[0]
    return edge / np.hypot(*edge)


def _vertices(line: BaseGeometry) -> np.ndarray:
    xy = shapely.get_coordinates(line)
    if not np.isfinite(xy).all():
        raise GeometryError("a road line has infinite coordinates; check the CRS and the axis order of the roads layer")
    if len(xy):
        xy = xy[np.concatenate([[True], np.hypot(*np.diff(xy, axis=0).T) > GRID_M])]
    if len(xy) < 2:
        raise GeometryError("a road line has no length; remove the row from the roads layer")
    return xy


def _side(xy: np.ndarray, distance_m: float, sign: int, lead_in: np.ndarray | None) -> BaseGeometry:
    """Union of strips and fans on the left (+1) or right (-1) of the vertices."""
    if distance_m <= 0:
        return shapely.Polygon()
    edge = np.diff(xy, axis=0)
    length = np.hypot(*edge.T)
    unit = edge / length[:, None]
    turn = _turn(unit[:-1], unit[1:])
    gentle = np.abs(turn) <= _GENTLE_RAD
    gentle &= distance_m * np.tan(np.abs(turn) / 2) < 0.25 * np.minimum(length[:-1], length[1:])
    bend = np.cumsum(np.where(gentle, np.abs(turn), 0.0)) // _STRIP_TURN_RAD
    ends_strip = ~gentle | np.concatenate([[False], np.diff(bend) != 0])[: len(turn)]
    pieces = _strips(xy, unit, turn, sign * distance_m, np.flatnonzero(ends_strip) + 1)
    at, before, after, turn = xy[1:-1][ends_strip], unit[:-1][ends_strip], unit[1:][ends_strip], turn[ends_strip]
    if lead_in is not None:
        at, before, after = np.vstack([xy[:1], at]), np.vstack([lead_in, before]), np.vstack([unit[:1], after])
        turn = np.concatenate([_turn(lead_in[None], unit[:1]), turn])
    outside = (turn * sign < 0) & (np.abs(turn) > 1e-9)
    for count, chosen in ((4, np.abs(turn) <= _SMALL_TURN_RAD), (33, np.abs(turn) > _SMALL_TURN_RAD)):
        these = outside & chosen
        if these.any():
            pieces.extend(_fans(at[these], before[these], after[these], turn[these], sign * distance_m, count))
    # Fans share their corners with the strips exactly, so the fast floating-point union leaves no slits.
    return _areal(shapely.set_precision(shapely.union_all(pieces), GRID_M))


def _strips(xy: np.ndarray, unit: np.ndarray, turn: np.ndarray, reach_m: float, cuts: np.ndarray) -> list[BaseGeometry]:
    """One polygon for each stretch between cuts: its vertices, and back along their offsets on the bisectors."""
    offset = (
        xy[1:-1] + reach_m * (_normal(unit[:-1]) + _normal(unit[1:])) / np.maximum(1.0 + np.cos(turn), 0.5)[:, None]
    )
    strips = []
    for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), len(xy) - 1], strict=True):
        head = xy[first] + reach_m * _normal(unit[first : first + 1])[0]
        tail = xy[last] + reach_m * _normal(unit[last - 1 : last])[0]
        strips.append(shapely.Polygon(np.vstack([xy[first : last + 1], tail, offset[first : last - 1][::-1], head])))
    return strips


def _turn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Angle from one direction to the next, radians, left positive."""
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.arctan2(cross, np.sum(before * after, axis=1))


def _fans(
    at: np.ndarray, before: np.ndarray, after: np.ndarray, turn: np.ndarray, reach_m: float, count: int
) -> np.ndarray:
    """Circular sectors at vertices, from the normal of the segment before to that of the segment after."""
    angle = np.arctan2(before[:, 0], -before[:, 1])[:, None] + turn[:, None] * np.linspace(0.0, 1.0, count)
    arc = at[:, None, :] + reach_m * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    arc[:, 0], arc[:, -1] = at + reach_m * _normal(before), at + reach_m * _normal(after)
    return shapely.polygons(np.concatenate([at[:, None, :], arc, at[:, None, :]], axis=1))


def _normal(unit: np.ndarray) -> np.ndarray:
    """Unit vectors turned a quarter to the left."""
    return np.column_stack([-unit[:, 1], unit[:, 0]])


def _nearer_left(xy: np.ndarray, shared: BaseGeometry, reach_m: float) -> BaseGeometry:
    """The part of ``shared`` that lies on the left of the segment nearest to it.

    Cells of a Voronoi diagram of points on the line belong to one place of it each; what is left of a cell after cutting it
    with the line lies on one side.
    """
    segments = Segments.of([xy])
    line = shapely.linestrings(xy)
    near = shapely.intersection(line, shared.buffer(reach_m))
    samples = shapely.get_coordinates(shapely.segmentize(near, _SAMPLE_M))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(samples), extend_to=shared.envelope))
    claimed = shapely.get_parts(shared)
    which, cell = shapely.STRtree(cells).query(claimed, predicate="intersects")
    blocks = shapely.get_parts(shapely.intersection(claimed[which], cells[cell]))
    blocks = blocks[shapely.area(blocks) > 0]
    shapely.prepare(blocks)
    crossed = shapely.intersects(blocks, near)
    halves = shapely.difference(blocks[crossed], shapely.buffer(near, GRID_M, cap_style="flat"))
    cut = np.concatenate([blocks[~crossed], shapely.get_parts(halves)])
    cut = cut[shapely.area(cut) > 0]
    inner = shapely.get_coordinates(shapely.point_on_surface(cut))
    return _areal(shapely.union_all(cut[segments.nearest(inner).side > 0].tolist(), grid_size=2 * GRID_M))


def _areal(shape: BaseGeometry) -> BaseGeometry:
    """Only the polygons of an overlay's result."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = shapely.get_parts(shape)
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])
