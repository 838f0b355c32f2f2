"""Trees: rows along the roads and between the fields, clumps in the villages, single ones anywhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import shapely
from shapely import STRtree

from .noise import stream
from .options import WorldOptions
from .roads import ORIGIN_M, Road
from .things import Thing

FIELD_ANGLE_DEG = 7.0  # how the field blocks lie against the grid
BLOCK_M = (255.0, 180.0)  # size of a block of fields


@dataclass(frozen=True)
class Trees:
    """Centres, crown radii and heights, m; days (ordinals) from which and until which they stand; arrays of one length."""

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    height: np.ndarray
    since: np.ndarray
    until: np.ndarray

    def on(self, day: dt.date) -> Trees:
        """The trees that stand on a day."""
        return self._those((self.since <= day.toordinal()) & (day.toordinal() < self.until))

    def _those(self, which: np.ndarray) -> Trees:
        return Trees(*(getattr(self, one.name)[which] for one in fields(self)))

    def near(self, bounds: tuple[float, float, float, float], margin_m: float) -> Trees:
        """The trees in a window and its margin."""
        west, south, east, north = bounds
        inside = (self.x > west - margin_m) & (self.x < east + margin_m)
        inside &= (self.y > south - margin_m) & (self.y < north + margin_m)
        return self._those(inside)


def plant(options: WorldOptions, ways: tuple[Road, ...], things: Sequence[Thing]) -> Trees:
    """All trees, none of them on a road, in a pond or in a building or its yard."""
    rng = stream(options.seed, "trees")
    rows = [_avenue(replace(road, axis=road.painted), rng) for road in ways]
    groups = [_hedgerows(ways, rng), _clumps(things, rng)]
    free = np.vstack([_clear_of_roads(points, ways) for points in groups] + rows)
    radius = rng.uniform(1.3, 3.4, len(free))
    bare = [t.shape for t in things if t.sort not in ("village", "patch", "vehicle", "grain")]
    solid = list(shapely.buffer(bare, 2.0, quad_segs=2)) + [
        road.painted.buffer(road.roadbed_m / 2 + 1.0) for road in ways
    ]
    hit = STRtree(solid).query(shapely.points(free), predicate="within")[0]
    keep = np.ones(len(free), bool)
    keep[hit] = False
    radius = radius[keep]
    ever = np.full(len(radius), np.inf)
    return Trees(free[keep, 0], free[keep, 1], radius, 2.2 * radius + rng.uniform(1.0, 4.0, len(radius)), -ever, ever)


def _avenue(road: Road, rng: np.random.Generator) -> np.ndarray:
    """Trees at the edge of the highway land, planted in stretches."""
    out = [np.empty((0, 2))]
    for sign in (1.0, -1.0):
        along = np.arange(3.0, road.axis.length - 3.0, 5.0)
        stretch = np.sin(along / 210.0 + rng.uniform(0, 6)) + 0.6 * np.sin(along / 61.0 + rng.uniform(0, 6))
        along = along[(stretch > -0.15) & (rng.random(len(along)) < 0.9)]
        along = np.clip(along + rng.normal(0, 0.5, len(along)), 2.5, road.axis.length - 2.5)
        here, ahead = (shapely.get_coordinates(shapely.line_interpolate_point(road.axis, along + d)) for d in (0, 2.0))
        forward = (ahead - here) / np.maximum(np.hypot(*(ahead - here).T), 1e-9)[:, None]
        left = np.column_stack([-forward[:, 1], forward[:, 0]])
        out.append(here + left * sign * (road.land_m - 0.6 + rng.normal(0, 0.3, len(along)))[:, None])
    return np.vstack(out)


def _hedgerows(ways: tuple[Road, ...], rng: np.random.Generator) -> np.ndarray:
    """Rows of poplars along the lanes between field blocks, and scattered trees."""
    c, s = np.cos(np.deg2rad(FIELD_ANGLE_DEG)), np.sin(np.deg2rad(FIELD_ANGLE_DEG))
    out = [np.empty((0, 2))]
    for road in ways:
        for _ in range(max(2, round(road.axis.length / 260.0))):
            place, _, _ = road.frame(float(rng.uniform(0, road.axis.length)))
            place = place - ORIGIN_M + rng.uniform(-200, 200, 2)
            u, v = c * place[0] + s * place[1], -s * place[0] + c * place[1]
            run = np.arange(0.0, rng.uniform(40, 230), rng.uniform(3.0, 5.5))
            edge = round(v / BLOCK_M[1]) * BLOCK_M[1] + 3.5
            row = np.column_stack([u + run, np.full(len(run), edge)]) + rng.normal(0, 0.4, (len(run), 2))
            out.append(np.column_stack([c * row[:, 0] - s * row[:, 1], s * row[:, 0] + c * row[:, 1]]) + ORIGIN_M)
        number = round(road.axis.length / 30.0)
        at = [road.frame(float(a))[0] for a in rng.uniform(0, road.axis.length, number)]
        out.append(np.array(at).reshape(-1, 2) + rng.uniform(-220, 220, (number, 2)))
    return np.vstack(out)


def _clumps(things: Sequence[Thing], rng: np.random.Generator) -> np.ndarray:
    """Trees of the villages and round lone farmsteads."""
    out = [np.empty((0, 2))]
    for thing in things:
        if thing.sort == "village":
            west, south, east, north = thing.shape.buffer(8).bounds
            number = int(thing.shape.area / 90.0)
            points = rng.uniform((west, south), (east, north), (number, 2))
            out.append(points[shapely.contains_xy(thing.shape.buffer(8), points)])
        elif thing.scenario == "older":
            out.append(np.array(thing.shape.centroid.coords[0]) + rng.normal(0, 16, (10, 2)))
    return np.vstack(out)


def _clear_of_roads(points: np.ndarray, ways: tuple[Road, ...]) -> np.ndarray:
    keep = np.ones(len(points), bool)
    for road in ways:
        keep &= ~shapely.dwithin(road.painted, shapely.points(points), road.land_m + 1.0)
    return points[keep]
