"""The window seen along the road: rows are metres across the axis, columns metres along it.

A highway is a long thin thing in any window; straightened, all that belongs to it lies in rows. ``RoadFrame`` keeps
the way back, so that what is found in road coordinates is drawn on the map again. Sample positions sit on a lattice of
the road's own measure, not of the window's, so that two windows that overlap sample the same points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import geopandas as gpd
import numpy as np
import shapely
from scipy import ndimage
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from ..model.grid import Grid

_REMAP_COLUMNS = 16_384  # OpenCV's remap counts in int16


@dataclass(frozen=True)
class RoadFrame:
    """One stretch of one centreline: sample points ``x_m``, ``y_m`` of shape (across, along).

    ``across_m`` is positive to the left of the digitised direction and increases with the row; ``along_m`` is measured
    from the start of the line (uncut) and increases with the column. ``width_m`` is the nominal width of the pavement.
    ``part_from_m``: length of the parts before this one, where the road is a MultiLineString; 0 otherwise.
    """

    section: object
    width_m: float
    along_m: np.ndarray
    across_m: np.ndarray
    axis_xy_m: np.ndarray  # (along, 2)
    left_xy: np.ndarray  # (along, 2) unit vector to the left
    pixel_m: float  # of the images that it is sampled from
    part_from_m: float = 0.0

    @property
    def along_step_m(self) -> float:
        """Distance of two columns."""
        return float(self.along_m[1] - self.along_m[0])

    @property
    def across_step_m(self) -> float:
        """Distance of two rows."""
        return float(self.across_m[1] - self.across_m[0])

    @cached_property
    def points_m(self) -> tuple[np.ndarray, np.ndarray]:
        """Eastings and northings of all samples, each (across, along)."""
        x_m = self.axis_xy_m[:, 0] + self.across_m[:, None] * self.left_xy[:, 0]
        y_m = self.axis_xy_m[:, 1] + self.across_m[:, None] * self.left_xy[:, 1]
        return x_m, y_m

    def sample(self, image: np.ndarray, grid: Grid) -> np.ndarray:
        """``image`` (rows, cols) on ``grid`` resampled (bilinear) to (across, along), float32; NaN spreads."""
        x_m, y_m = self.points_m
        cols = ((x_m - grid.west_m) / grid.pixel_m - 0.5).astype(np.float32)
        rows = ((grid.north_m - y_m) / grid.pixel_m - 0.5).astype(np.float32)
        source = np.ascontiguousarray(image, dtype=np.float32)
        pieces = [
            cv2.remap(
                source,
                np.ascontiguousarray(cols[:, at : at + _REMAP_COLUMNS]),
                np.ascontiguousarray(rows[:, at : at + _REMAP_COLUMNS]),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=float("nan"),
            )
            for at in range(0, cols.shape[1], _REMAP_COLUMNS)
        ]
        return np.concatenate(pieces, axis=1)

    def to_map(self, along_m: np.ndarray, across_m: np.ndarray) -> np.ndarray:
        """Map coordinates (n, 2) of points given in road coordinates."""
        x_m, y_m, left_x, left_y = (
            np.interp(along_m, self.along_m, values) for values in (*self.axis_xy_m.T, *self.left_xy.T)
        )
        norm = np.hypot(left_x, left_y)
        return np.column_stack([x_m + across_m * left_x / norm, y_m + across_m * left_y / norm])

    def span_m(self, first: int, last: int) -> tuple[float, float]:
        """Measures along the whole road between which columns ``first`` to ``last`` (inclusive) lie."""
        half = self.along_step_m / 2
        return self.part_from_m + self.along_m[first] - half, self.part_from_m + self.along_m[last] + half

    def ribbon(self, along_m: np.ndarray, right_m: np.ndarray, left_m: np.ndarray) -> BaseGeometry:
        """Map polygon (in sharp bends perhaps several) between two edges, across positions per along position."""
        ring = np.vstack([self.to_map(along_m, right_m), self.to_map(along_m, left_m)[::-1]])
        parts = shapely.get_parts(shapely.make_valid(Polygon(ring)))  # may hold lines where the edges touch
        return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


def frames(
    roads: gpd.GeoDataFrame, grid: Grid, *, margin_m: float, default_width_m: float, bend_m: float = 12.0
) -> Iterator[RoadFrame]:
    """One frame per stretch of centreline that runs through the window, in the order of ``roads``.

    Parameters
    ----------
    roads
        ROADS in the grid's CRS; a row with two carriageways may be a MultiLineString, each part is framed by itself.
    grid
        The window. Steps follow its pixel: across half a pixel (0.2 to 0.5 m), along one pixel (0.5 to 2 m).
    margin_m
        How far past the nominal edge of the pavement the frame reaches.
    default_width_m
        Pavement width where ``pavement_width_m`` is null.
    bend_m
        Length over which the direction of a digitised polyline is evened out, so that rows do not fan at vertices.
    """
    for section, geometry, width in zip(roads.index, roads.geometry, roads["pavement_width_m"], strict=True):
        width_m = float(width) if np.isfinite(width) and width > 0 else default_width_m
        reach_m = width_m / 2 + margin_m
        from_m = 0.0
        for line in shapely.get_parts(geometry):
            for start_m, end_m in _stretches(line, grid, reach_m):
                frame = _frame(section, line, (start_m, end_m), (width_m, reach_m), (grid.pixel_m, bend_m))
                yield replace(frame, part_from_m=from_m)
            from_m += line.length


def stretch(geometry: BaseGeometry, from_m: float, to_m: float) -> BaseGeometry:
    """The piece of a road's line between two measures; measures of a MultiLineString run on from part to part."""
    pieces, start_m = [], 0.0
    for line in shapely.get_parts(geometry):
        low, high = max(from_m - start_m, 0.0), min(to_m - start_m, line.length)
        if low < high:
            pieces.append(substring(line, low, high))
        start_m += line.length
    return pieces[0] if len(pieces) == 1 else shapely.multilinestrings(pieces)


def _stretches(line: LineString, grid: Grid, reach_m: float) -> list[tuple[float, float]]:
    """Measures along ``line`` between which it runs through the window."""
    inside = shapely.get_parts(shapely.intersection(line, grid.footprint.buffer(reach_m, cap_style="square")))
    spans = []
    for part in inside[(shapely.get_type_id(inside) == shapely.GeometryType.LINESTRING) & ~shapely.is_empty(inside)]:
        ends = shapely.line_locate_point(line, shapely.points([part.coords[0], part.coords[-1]]))
        middle = float(shapely.line_locate_point(line, shapely.line_interpolate_point(part, 0.5, normalized=True)))
        low, high = float(ends.min()), float(ends.max())
        if not low <= middle <= high:  # a closed ring, cut at its own start
            low, high = (0.0, low) if middle < low else (high, line.length)
        spans.append((low, high))
    merged: list[tuple[float, float]] = []
    for low, high in sorted(spans):  # self-crossing lines come back in pieces that touch
        if merged and low <= merged[-1][1] + 1e-6:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return [span for span in merged if span[1] - span[0] >= 10.0]


def _frame(
    section: object,
    line: LineString,
    span_m: tuple[float, float],
    widths_m: tuple[float, float],
    pixel_bend_m: tuple[float, float],
) -> RoadFrame:
    (width_m, reach_m), (pixel_m, bend_m) = widths_m, pixel_bend_m
    along_step_m = float(np.clip(pixel_m, 0.5, 2.0))
    across_step_m = float(np.clip(pixel_m / 2, 0.2, 0.5))
    first, last = np.ceil(span_m[0] / along_step_m), np.floor(span_m[1] / along_step_m)
    along_m = np.arange(first, last + 1) * along_step_m
    half = int(np.ceil(reach_m / across_step_m))
    across_m = np.arange(-half, half + 1) * across_step_m
    # Direction is read from beyond the window too, so that it does not depend on where the window ends.
    pad = int(np.ceil(3 * bend_m / along_step_m))
    wide_m = np.arange(first - pad, last + pad + 1) * along_step_m
    points = points_along(line, np.clip(wide_m, 0.0, line.length))
    smooth = ndimage.gaussian_filter1d(points, bend_m / 3 / along_step_m, axis=0, mode="nearest")
    tangent = np.gradient(smooth, axis=0)
    length = np.hypot(*tangent.T)[:, None]
    tangent = np.divide(tangent, length, out=np.zeros_like(tangent), where=length > 0)
    tangent = _filled_ends(tangent)
    core = slice(pad, pad + len(along_m))
    left = np.column_stack([-tangent[core, 1], tangent[core, 0]])
    return RoadFrame(section, width_m, along_m, across_m, points[core], left, pixel_m)


def points_along(line: LineString, along_m: np.ndarray) -> np.ndarray:
    """Points (n, 2) of a line at these measures; as ``shapely.line_interpolate_point``, which walks the line for each."""
    vertices = shapely.get_coordinates(line)
    measure_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(vertices, axis=0).T))])
    return np.column_stack([np.interp(along_m, measure_m, axis) for axis in vertices.T])


def _filled_ends(tangent: np.ndarray) -> np.ndarray:
    """Unit vectors, with those past a line's end (zero) taken from the nearest that is known."""
    known = np.flatnonzero(np.hypot(*tangent.T) > 0.5)
    if not known.size:
        return tangent
    rows = np.arange(len(tangent))
    return tangent[known[np.clip(np.searchsorted(known, rows), 0, len(known) - 1)]]
