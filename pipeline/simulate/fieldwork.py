"""What farmers do on their fields beyond the highway land: it changes the ground up to the road's edge and is lawful."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from .events import beside, count
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .scenery import blob
from .things import Roadside, Thing, rectangle, turned

_ROADS = (0.45, 0.33, 0.22)


def fieldwork(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Ploughed and harvested strips, mulch, threshing yards, rows of manure heaps; new between the dates."""
    if not options.hazards.fieldwork.on:
        return
    rng = stream(options.seed, "fieldwork")
    born = options.first_seen - dt.timedelta(days=9)
    makers = (_strip, _manure, _strip, _yard)
    for number in range(count(options.hazards.fieldwork.size, options)):
        road = ways[int(rng.choice(3, p=_ROADS))]
        side = ("left", "right")[int(rng.integers(2))]
        yield from makers[number % len(makers)](road, side, room, rng, born)


def _strip(road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date) -> Iterator[Thing]:
    """A strip of field up to the road's land: ploughed, harvested or under mulch; square to the road or along it."""
    size = float(rng.uniform(8, 30)), float(rng.uniform(40, 120))
    size = size if rng.random() < 0.6 else (size[1], size[0])
    start = room.take(road, f"{side} field", size[0] + 6, rng)
    if start is None:
        return
    near = road.land_m + float(rng.uniform(0.6, 3.0))
    centre, forward = beside(road, side, start + 3, size, near)
    look = str(rng.choice(["soil_moist", "soil", "stubble", "plastic_mulch"], p=[0.4, 0.2, 0.25, 0.15]))
    yield Thing("field", rectangle(centre, *size, forward), look, born=born, scenario="confuser")


def _manure(road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date) -> Iterator[Thing]:
    """Small dark heaps in rows, not yet spread."""
    start = room.take(road, f"{side} field", 50.0, rng)
    if start is None:
        return
    near, step = road.land_m + float(rng.uniform(3, 25)), float(rng.uniform(5, 8))
    for k in range(int(rng.integers(4, 14))):
        at = start + step * (k % 6)
        centre, _ = beside(road, side, at, (3.0, 3.0), near + step * (k // 6))
        heap = blob(centre + rng.normal(0, 0.4, 2), float(rng.uniform(0.8, 1.6)), rng)
        yield Thing("heap", heap, "manure", float(rng.uniform(0.5, 1.0)), born=born, scenario="confuser")


def _yard(road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date) -> Iterator[Thing]:
    """A threshing yard beyond the control zone, rolled hard, with grain or straw on it."""
    size = float(rng.uniform(15, 30)), float(rng.uniform(10, 22))
    start = room.take(road, f"{side} field", size[0] + 6, rng)
    if start is None:
        return
    near = road.land_m + road.zone_m + float(rng.uniform(2, 20))
    centre, forward = beside(road, side, start + 3, size, near)
    yield Thing("yard", rectangle(centre, *size, forward), "dirt", born=born, scenario="confuser")
    spread = rectangle(centre, 0.6 * size[0], 0.6 * size[1], turned(forward, float(rng.normal(0, 3))))
    yield Thing(
        "yard", spread, str(rng.choice(["maize_grain", "wheat_grain", "straw"])), born=born, scenario="confuser"
    )
