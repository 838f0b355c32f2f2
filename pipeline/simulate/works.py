"""Works that affect a road, on its land and in its control zone; and building sites with their stages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
from shapely import Polygon
from shapely.ops import substring

from .events import beside, building, count, random_roof, shares
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .things import Roadside, Thing, rectangle

STAGES = ("bare", "foundation", "building")
_MARGIN_M = 4.0  # bare ground round a foundation
_TRENCH_M = 2.8  # trench and the bank of spoil beside it


def works(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Earth opened, ground hardened, accesses built and trenches dug; ``scenario`` says which."""
    born = options.first_seen - dt.timedelta(days=20)
    rates = options.events
    for scenario, rate, make in (
        ("earth", rates.roadworks, _earth),
        ("pad", rates.pad, _pad),
        ("access", rates.access, _access),
        ("trench", rates.trench, _trench),
    ):
        rng = stream(options.seed, "roadworks", scenario)
        for number in range(count(rate, options)):
            road = ways[int(rng.choice(len(ways), p=shares(ways)))]
            side = ("left", "right")[int(rng.integers(2))]
            made = make(road, side, room, rng, number)
            if made is not None:
                sort, shape, look = made
                yield Thing(
                    sort, shape, look, born=born, event="roadworks", scenario=scenario, route_code=road.route_code
                )


_Made = tuple[str, Polygon, str] | None


def _earth(road: Road, side: str, room: Roadside, rng: np.random.Generator, number: int) -> _Made:
    """Earth opened between roadbed and the edge of the land, or in the control zone."""
    on_land = number % 2 == 0
    near = road.roadbed_m / 2 + 0.3 if on_land else road.land_m + float(rng.uniform(0.3, 2.0))
    free_m = (road.land_m if on_land else road.land_m + road.zone_m) - near - 0.3
    long, deep = float(rng.uniform(18, 60)), free_m if on_land else float(rng.uniform(0.5, 1.0)) * free_m
    start = room.take(road, side, long + 8, rng)
    if start is None:
        return None
    centre, forward = beside(road, side, start + 4, (long, deep), near)
    return "earth", rectangle(centre, long, deep, forward), "spoil"


def _pad(road: Road, side: str, room: Roadside, rng: np.random.Generator, number: int) -> _Made:
    """Ground hardened with concrete or gravel: from the roadbed across the ditch, or in the control zone alone."""
    near = road.roadbed_m / 2 + 0.3 if number % 2 else road.land_m + float(rng.uniform(0.3, 2.5))
    long = float(rng.uniform(14, 40))
    deep = float(rng.uniform(8, 18))
    deep = min(deep, road.land_m + road.zone_m - 0.5 - near)
    start = room.take(road, side, long + 8, rng)
    if start is None:
        return None
    centre, forward = beside(road, side, start + 4, (long, deep), near)
    return (
        "yard" if near > road.land_m else "entrance",
        rectangle(centre, long, deep, forward),
        str(rng.choice(["concrete", "gravel"])),
    )


def _access(road: Road, side: str, room: Roadside, rng: np.random.Generator, number: int) -> _Made:
    """A way from the pavement across the land to what lies behind it."""
    wide = float(rng.uniform(4, 8))
    start = room.take(road, side, wide + 8, rng)
    if start is None:
        return None
    deep = road.land_m - road.pavement_edge_m + float(rng.uniform(2.0, road.zone_m - 0.5))
    centre, forward = beside(road, side, start + 4, (wide, deep), road.pavement_edge_m)
    look = ("concrete", "gravel", "dirt")[number % 3]
    return "entrance", rectangle(centre, wide, deep, forward), look


def _trench(road: Road, side: str, room: Roadside, rng: np.random.Generator, number: int) -> _Made:
    """A trench along the road, on its land or in the control zone."""
    long = float(min(rng.uniform(40, 140), 0.25 * road.axis.length))
    start = room.take(road, side, long + 8, rng)
    if start is None:
        return None
    first = road.roadbed_m / 2 + 0.4 if number % 2 else road.land_m + float(rng.uniform(0.5, 5.0))
    off = (1.0 if side == "left" else -1.0) * (first + _TRENCH_M / 2)
    line = substring(road.axis, start + 4, start + 4 + long).offset_curve(off, join_style="mitre")
    return "trench", line.buffer(_TRENCH_M / 2, cap_style="flat"), "spoil"


def sites(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Building sites in the control zone: bare ground, then a foundation in it, then the building.

    With four dates or more a site goes through all stages, each seen on one day at least; with fewer, some are bare on
    the later date, some founded, some built. What stands on the last day is the event: a building, else works.
    """
    rng = stream(options.seed, "sites")
    for number in range(count(options.events.site, options)):
        found = building("inside", ways, room, rng)
        roof, look, height = random_roof(rng)
        begins = _begins(options, number, rng)
        if found is None:
            continue
        shape, road = found
        ground = shape.buffer(_MARGIN_M, join_style="mitre").intersection(
            road.control.difference(road.land.buffer(0.3))
        )
        last = [stage for stage in STAGES if begins[stage] is not None][-1]
        ends = {stage: begins[after] for stage, after in zip(STAGES, (*STAGES[1:], STAGES[-1]), strict=True)}
        for stage, body, of, tall, form in (
            ("bare", ground, str(rng.choice(["spoil", "dirt"])), 0.0, "none"),
            ("foundation", shape, "concrete", 0.0, "none"),
            ("building", shape, look, height, roof),
        ):
            if begins[stage] is None:
                continue
            yield Thing(
                {"building": "house"}.get(stage, stage), body, of, tall, form,
                born=begins[stage], gone=ends[stage] if stage == "foundation" else None,
                event="" if stage != last else "building" if stage == "building" else "roadworks",
                scenario=f"site_{stage}", route_code=road.route_code, number=number, stage=stage,
            )  # fmt: skip


def _begins(options: WorldOptions, number: int, rng: np.random.Generator) -> dict[str, dt.date | None]:
    """The day on which each stage begins, shortly before it is first seen; None: not within the dates."""
    days = options.days
    if len(days) >= 4:
        seen = sorted(rng.choice(np.arange(1, len(days)), 3, replace=False).tolist())
        return {
            stage: days[k] - dt.timedelta(days=int((days[k] - days[k - 1]).days * rng.uniform(0.1, 0.5)))
            for stage, k in zip(STAGES, seen, strict=True)
        }
    reached = number % 3
    apart = options.first_seen - options.last_absent
    begin = [options.last_absent + apart * share for share in (0.5, 0.7, 0.9)]
    begin = begin[3 - 1 - reached :]
    return {stage: begin[k] if k <= reached else None for k, stage in enumerate(STAGES)}
