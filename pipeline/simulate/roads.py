"""Three roads and two counties as they truly lie, and the zones that follow from them by plain buffers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from shapely import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring, unary_union

from .noise import stream
from .options import WorldOptions

EPSG = 4548
ORIGIN_M = (520_000.0, 3_830_000.0)  # easting, northing of the middle of the world; lattices hang on it
LEAD_M = 260.0
_BERM_M, _DITCH_M, _LAND_M = 1.0, 2.0, 1.0


@dataclass(frozen=True, eq=False)
class Road:
    """A road as it truly lies: its axis and, across it, pavement, roadbed, ditch, highway land and control zone.

    ``offsets_m`` are the centres of its carriageways from the axis (left positive, facing increasing stakes);
    ``pavement_m`` is the width of one carriageway's pavement, ``roadbed_m`` of the whole roadbed.
    """

    route_code: str
    route_key: str
    name: str
    road_class: str
    tech_class: int
    surface: str
    axis: LineString
    offsets_m: tuple[float, ...]
    pavement_m: float
    roadbed_m: float
    fill_m: float  # height of the embankment
    zone_m: float  # width of the control zone from the edge of the highway land
    stake_from_m: float
    drawn_m: tuple[float, ...] = (0.0,)  # offsets of the centrelines that the roads layer draws

    @property
    def announced(self) -> bool:
        """Whether the county has announced the control zone; elsewhere the statutory widths hold."""
        return self.road_class == "S"

    @property
    def ditch_m(self) -> float:
        """Distance of the ditch's middle from the axis."""
        return self.roadbed_m / 2 + 1.5 * self.fill_m + _BERM_M + _DITCH_M / 2

    @property
    def land_m(self) -> float:
        """Distance of the edge of the highway land from the axis (ditch's outer edge and one metre)."""
        return self.ditch_m + _DITCH_M / 2 + _LAND_M

    @property
    def pavement_edge_m(self) -> float:
        """Distance of the outermost pavement edge from the axis."""
        return max(self.offsets_m) + self.pavement_m / 2

    @cached_property
    def painted(self) -> LineString:
        """The axis with ``LEAD_M`` more at both ends: the road goes on where the agency's layer ends."""
        xy = np.asarray(self.axis.coords)
        before, after = xy[0] - xy[1], xy[-1] - xy[-2]
        steps = np.arange(5.0, LEAD_M + 1.0, 5.0)[:, None]
        lead = xy[0] + steps[::-1] * before / np.hypot(*before)
        return LineString(np.vstack([lead, xy, xy[-1] + steps * after / np.hypot(*after)]))

    @cached_property
    def pavement(self) -> BaseGeometry:
        """All carriageways."""
        lanes = [self.line_at(offset).buffer(self.pavement_m / 2, cap_style="flat") for offset in self.offsets_m]
        return unary_union(lanes)

    @cached_property
    def land(self) -> BaseGeometry:
        """Highway land with all that lies in it."""
        return self.axis.buffer(self.land_m, cap_style="flat", quad_segs=16)

    @cached_property
    def control(self) -> BaseGeometry:
        """Highway land and control zone together."""
        return self.axis.buffer(self.land_m + self.zone_m, cap_style="flat", quad_segs=16)

    def line_at(self, offset_m: float) -> LineString:
        """The line that runs beside the axis, ``offset_m`` to its left."""
        return self.axis if offset_m == 0 else self.axis.offset_curve(offset_m, join_style="mitre")

    def stake_m(self, point: Point) -> float:
        """Stake of the place on the axis nearest to a point, m."""
        return self.stake_from_m + float(self.axis.project(point))

    def across_m(self, point: Point) -> float:
        """Signed distance of a point from the axis, positive to the left."""
        along = float(self.axis.project(point))
        a = self.axis.interpolate(max(along - 1.0, 0.0))
        b = self.axis.interpolate(min(along + 1.0, self.axis.length))
        cross = (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)
        return float(np.copysign(self.axis.distance(point), cross))

    def frame(self, along_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Place on the axis, unit vector along it and unit vector to its left."""
        a = np.array(self.axis.interpolate(max(along_m - 2.0, 0.0)).coords[0])
        b = np.array(self.axis.interpolate(min(along_m + 2.0, self.axis.length)).coords[0])
        forward = (b - a) / np.linalg.norm(b - a)
        return np.array(self.axis.interpolate(along_m).coords[0]), forward, np.array([-forward[1], forward[0]])


@dataclass(frozen=True)
class County:
    """A county: code, name, area."""

    code: str
    name: str
    area: Polygon


def _axis(x: np.ndarray, y: np.ndarray, length_m: float) -> LineString:
    """The middle ``length_m`` of a curve, with a vertex every 5 m."""
    line = LineString(np.column_stack([x + ORIGIN_M[0], y + ORIGIN_M[1]]))
    start = max((line.length - length_m) / 2, 0.0)
    line = substring(line, start, min(start + length_m, line.length))
    steps = np.linspace(0.0, line.length, max(int(line.length / 5.0), 2) + 1)
    return LineString([line.interpolate(at) for at in steps])


def roads(options: WorldOptions) -> tuple[Road, ...]:
    """A divided national road from west to east, a winding provincial road, a county road of concrete."""
    whole = options.km * 1000.0
    rng = stream(options.seed, "roads")
    phase = rng.uniform(0, 2 * np.pi, 4)
    t = np.linspace(-0.5, 0.5, 2001)

    def wave(length_m: float, size_m: float, wave_m: float, at: float) -> np.ndarray:
        return size_m * np.sin(2 * np.pi * t * length_m / wave_m + at)

    g_m, s_m, x_m = 0.45 * whole, 0.33 * whole, 0.22 * whole
    run = 1.25 * g_m
    g = _axis(t * run, wave(run, 0.020 * g_m, 0.8 * g_m, phase[0]), g_m)
    run = 1.35 * s_m
    bend_m = max(0.45 * s_m, 900.0)
    lean = np.deg2rad(62.0)
    side = wave(run, 0.075 * bend_m, bend_m, phase[1])
    sx = -0.015 * whole + t * run * np.cos(lean) - side * np.sin(lean)
    s = _axis(sx, t * run * np.sin(lean) + side * np.cos(lean), s_m)
    run = 1.2 * x_m
    shift = 0.10 * whole
    x = _axis(shift + t * run, -max(0.07 * whole, 300.0) + wave(run, 0.008 * x_m, 0.9 * x_m, phase[2]), x_m)
    drawn = (5.5, -5.5) if options.carriageways == "two" else (0.0,)
    return (
        Road("G311", "G311320000", "连共线", "G", 2, "asphalt", g, (5.5, -5.5), 9.0, 22.0, 1.5, 20.0, 512_300.0, drawn),
        Road("S253", "S253320000", "示例省道", "S", 3, "asphalt", s, (0.0,), 9.0, 12.0, 1.0, 15.0, 40_000.0, (0.0,)),
        Road("X201", "X201320322", "示例县道", "X", 4, "concrete", x, (0.0,), 6.5, 8.5, 0.6, 10.0, 3_200.0, (0.0,)),
    )


def counties(options: WorldOptions, ways: tuple[Road, ...]) -> tuple[County, ...]:
    """Two counties with one winding border that the roads cross."""
    reach_m = 2_000.0
    bounds = np.array([way.axis.bounds for way in ways])
    west, south = bounds[:, :2].min(axis=0) - reach_m
    east, north = bounds[:, 2:].max(axis=0) + reach_m
    rng = stream(options.seed, "border")
    y = np.linspace(south - 100.0, north + 100.0, 80)
    middle = ORIGIN_M[0] + 0.07 * options.km * 1000.0
    wiggle = sum(
        a * np.sin(y / w + p) for a, w, p in zip((18.0, 9.0), (170.0, 61.0), rng.uniform(0, 6, 2), strict=True)
    )
    border = np.column_stack([np.full(len(y), middle) + wiggle, y])
    whole = box(west, south, east, north)
    left = Polygon([(west - 9e3, y[0]), *border.tolist(), (west - 9e3, y[-1])])
    return (
        County("320322", "示例甲县", whole.intersection(left)),
        County("320321", "示例乙县", whole.difference(left)),
    )
