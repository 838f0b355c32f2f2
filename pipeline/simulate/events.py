"""Buildings that come and go between the dates, with and without permits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from shapely import Polygon

from .noise import stream
from .options import WorldOptions
from .roads import Road
from .things import Roadside, Thing, rectangle, turned

_ROOFS = (  # roof, look, eaves height m, weight
    ("shed", "steel_blue", 6.0, 0.26),
    ("shed", "steel_white", 6.5, 0.12),
    ("shed", "steel_red", 5.5, 0.08),
    ("gable", "tile_red", 4.5, 0.20),
    ("gable", "tile_grey", 4.5, 0.12),
    ("flat", "concrete_roof", 6.5, 0.14),
    ("flat", "roof_dark", 6.0, 0.08),
)


@dataclass(frozen=True)
class Permit:
    """A permit for a piece of ground."""

    number: str
    kind: str
    valid_from: dt.date
    valid_to: dt.date
    area: Polygon


def count(rate_per_km: float, options: WorldOptions, least: int = 0) -> int:
    """Number of events of a world of this length."""
    return max(least, round(rate_per_km * options.km))


def random_roof(rng: np.random.Generator) -> tuple[str, str, float]:
    """Roof form, look and eaves height."""
    pick = _ROOFS[int(rng.choice(len(_ROOFS), p=[row[3] for row in _ROOFS]))]
    return pick[0], pick[1], pick[2] * float(rng.uniform(0.85, 1.2))


def beside(road: Road, side: str, start_m: float, size_m: tuple[float, float], near_m: float) -> tuple[np.ndarray, ...]:
    """Centre and direction of a rectangle (along, deep) whose near edge lies ``near_m`` from the axis."""
    place, forward, left = road.frame(start_m + size_m[0] / 2)
    out = left if side == "left" else -left
    return place + out * (near_m + size_m[1] / 2), forward


def _near(where: str, road: Road, deep_m: float, rng: np.random.Generator) -> tuple[float, float]:
    """Distance of the near edge from the axis, and the depth, for a building inside, astride or outside the zone."""
    if where == "inside":
        deep_m = min(deep_m, road.zone_m - 2.0)
        return road.land_m + float(rng.uniform(0.8, road.zone_m - 0.8 - deep_m)), deep_m
    if where == "astride":
        inside_m = min(float(rng.uniform(0.25, 0.7)) * deep_m, road.zone_m - 1.0)
        return road.land_m + road.zone_m - inside_m, deep_m
    return road.land_m + road.zone_m + float(rng.uniform(4.0, 28.0)), deep_m


def building(
    where: str, ways: tuple[Road, ...], room: Roadside, rng: np.random.Generator
) -> tuple[Polygon, Road] | None:
    """Footprint of a building beside one of the roads, in room of its own; None when there is none."""
    for _ in range(12):
        road = ways[int(rng.choice(len(ways), p=shares(ways)))]
        side = ("left", "right")[int(rng.integers(2))]
        if where == "inside":
            size = (float(rng.uniform(10, 34)), float(rng.uniform(8, 15)))
        else:
            size = (float(rng.uniform(12, 58)), float(rng.uniform(9, 30)))
        near_m, deep_m = _near(where, road, size[1], rng)
        start = room.take(road, side, size[0] + 14.0, rng)
        if start is None:
            continue
        centre, forward = beside(road, side, start + 7.0, (size[0], deep_m), near_m)
        skew = 0.0 if where == "inside" and deep_m > road.zone_m - 4 else float(rng.normal(0, 1.2))
        return rectangle(centre, size[0], deep_m, turned(forward, skew)), road
    return None


def shares(ways: tuple[Road, ...]) -> np.ndarray:
    """Chance of each road to be the one where something happens: by its length."""
    lengths = np.array([road.axis.length for road in ways])
    return lengths / lengths.sum()


def buildings(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """New buildings inside, astride and outside, demolished ones, and lone ones that were there before."""
    born = options.last_absent + (options.first_seen - options.last_absent) * 0.5
    rates = options.events
    plan = (
        ("inside", rates.building_inside, 1, "building"),
        ("astride", rates.building_astride, 0, "building"),
        ("outside", rates.building_outside, 0, "building"),
        ("demolished", rates.demolished, 0, ""),
        ("older", rates.older, 0, ""),
    )
    for scenario, rate, least, event in plan:
        rng = stream(options.seed, "building", scenario)
        for number in range(count(rate, options, least)):
            where = scenario if event else ("inside", "astride")[number % 2]
            found = building(where, ways, room, rng)
            roof, look, height = random_roof(rng)
            if found is None:
                continue
            yield Thing(
                "house", found[0], look, height, roof,
                born=born if event else None, gone=born if scenario == "demolished" else None,
                event=event, scenario=scenario, route_code=found[1].route_code,
            )  # fmt: skip


def permits(options: WorldOptions, things: list[Thing]) -> list[Permit]:
    """Permits: one in force and one expired for every two of four new buildings in the zone, and one elsewhere."""
    year = options.first_seen.year
    out = []
    for number, thing in enumerate(t for t in things if t.scenario in ("inside", "astride")):
        area = thing.shape.buffer(3.0, join_style="mitre")
        if number % 4 == 1:
            until = (dt.date(year - 1, 3, 1), dt.date(year + 1, 2, 28))
        elif number % 4 == 3:
            until = (dt.date(year - 4, 5, 1), dt.date(year - 1, 4, 30))
        else:
            continue
        out.append(Permit(f"示例交许〔{until[0].year}〕{number + 101:04d}号", "涉路施工", *until, area))
    elsewhere = rectangle(
        np.array([t.shape.centroid.coords[0] for t in things[:1]])[0] + 900.0, 40, 30, np.array([1.0, 0])
    )
    out.append(
        Permit(f"示例交许〔{year}〕0999号", "涉路施工", dt.date(year, 1, 1), dt.date(year + 2, 12, 31), elsewhere)
    )
    return out
