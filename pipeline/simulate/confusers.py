"""Things that look like findings and are none: they lie beyond the zones, were always there, or drive off again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from .events import beside, count
from .heaps import FORMS, Life, store
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .scenery import CARS, blob
from .things import Roadside, Thing, rectangle, turned

_ROADS = (0.45, 0.33, 0.22)  # chance of each road to be the one beside which a thing stands
_OLD = 0.33  # share of the things that were there before as well


def confusers(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Things of all sorts in turn; about a third of them were there before as well."""
    if not options.hazards.confusers.on:
        return
    rng = stream(options.seed, "confusers")
    born = options.last_absent + (options.first_seen - options.last_absent) * 0.6
    makers = (_greenhouses, _yard, _bare_earth, _straw, _entrance, _store, _lorry, _container)
    for number in range(count(options.hazards.confusers.size, options)):
        road = ways[int(rng.choice(3, p=_ROADS))]
        side = ("left", "right")[int(rng.integers(2))]
        new = None if rng.random() < _OLD else born
        yield from makers[number % len(makers)](road, side, room, rng, new)


def _near(road: Road, born: dt.date | None, rng: np.random.Generator) -> float:
    """Distance from the axis: new works in the zones would be findings, so what is new lies beyond them."""
    if born is None:
        return road.land_m + float(rng.uniform(0.5, 12))
    return road.land_m + road.zone_m + float(rng.uniform(1.0, 14))


def _greenhouses(
    road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date | None
) -> Iterator[Thing]:
    number = int(rng.integers(3, 8))
    long = number * 11.0
    start = room.take(road, side, long + 6, rng)
    if start is None:
        return
    near = road.land_m + float(rng.uniform(8, 45))
    deep = float(rng.uniform(38, 65))
    for k in range(number):
        centre, forward = beside(road, side, start + 3 + k * 11.0, (7.6, deep), near)
        yield Thing("greenhouse", rectangle(centre, 7.6, deep, forward), "film", 2.6, born=born, scenario="confuser")


def _yard(road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date | None) -> Iterator[Thing]:
    size = float(rng.uniform(20, 45)), float(rng.uniform(15, 35))
    start = room.take(road, side, size[0] + 10, rng)
    if start is None:
        return
    centre, forward = beside(road, side, start + 5, size, _near(road, born, rng))
    yield Thing("yard", rectangle(centre, *size, forward), "concrete", born=born, scenario="confuser")
    for _ in range(int(rng.integers(0, 6))):
        spot = centre + forward * rng.uniform(-0.4, 0.4) * size[0]
        look = str(rng.choice(CARS))
        yield Thing("vehicle", rectangle(spot, 4.6, 1.85, turned(forward, 90.0)), look, 1.5, born=born)


def _bare_earth(
    road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date | None
) -> Iterator[Thing]:
    radius = float(rng.uniform(14, 26))
    start = room.take(road, side, 2.8 * radius, rng)
    if start is None:
        return
    centre, _ = beside(road, side, start, (2.8 * radius, 2 * radius), _near(road, born, rng) + 0.5 * radius)
    look = str(rng.choice(["spoil", "dirt", "net_green"]))
    yield Thing("yard", blob(centre, radius, rng), look, born=born, scenario="confuser")


def _straw(road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date | None) -> Iterator[Thing]:
    start = room.take(road, side, 30.0, rng)
    if start is None:
        return
    for k in range(int(rng.integers(2, 5))):
        centre, _ = beside(road, side, start + 7.0 * k, (5.0, 5.0), road.land_m + float(rng.uniform(0.5, 6)))
        yield Thing("heap", blob(centre, 2.2, rng), "straw", 2.0, born=born, scenario="confuser")


def _entrance(
    road: Road, side: str, room: Roadside, rng: np.random.Generator, _born: dt.date | None
) -> Iterator[Thing]:
    """An old access: new ones are findings."""
    wide = float(rng.uniform(4, 8))
    start = room.take(road, side, wide + 8, rng)
    if start is None:
        return
    deep = road.land_m - road.pavement_edge_m + float(rng.uniform(10, 60))
    centre, forward = beside(road, side, start + 4, (wide, deep), road.pavement_edge_m)
    look = str(rng.choice(["dirt", "concrete", "gravel"]))
    yield Thing("entrance", rectangle(centre, wide, deep, forward), look, scenario="confuser")


def _store(road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date | None) -> Iterator[Thing]:
    """A heap or a stack beyond the highway land, where it may lie."""
    form = FORMS[int(rng.integers(len(FORMS)))]
    size = float(rng.uniform(*form.length_m)), float(rng.uniform(*form.deep_m))
    start = room.take(road, side, size[0] + 8, rng)
    if start is None:
        return
    near = road.land_m + float(rng.uniform(1.5, 0.8 * road.zone_m + 12))
    centre, forward = beside(road, side, start + 4, size, near)
    yield store(form, centre, forward, size, rng, Life(born, scenario="confuser"))


def _lorry(road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date | None) -> Iterator[Thing]:
    """Lorries that stand on shoulder or verge for some hours of the day first seen."""
    number = int(rng.integers(1, 4))
    start = room.take(road, side, 18.0 * number, rng)
    if start is None:
        return
    day = None if born is None else born + dt.timedelta(days=1)
    for k in range(number):
        long = float(rng.uniform(8, 16))
        near = road.roadbed_m / 2 - float(rng.uniform(0.2, 1.2))
        centre, forward = beside(road, side, start + 1 + 18.0 * k, (long, 2.5), near)
        look = str(rng.choice(("tarpaulin", "car_red", "car_blue", "car_grey", "steel_white")))
        yield Thing("vehicle", rectangle(centre, long, 2.5, forward), look, 3.4, born=day, scenario="confuser")


def _container(
    road: Road, side: str, room: Roadside, rng: np.random.Generator, born: dt.date | None
) -> Iterator[Thing]:
    """Containers set down beyond the control zone."""
    long = float(rng.choice([6.06, 12.2]))
    start = room.take(road, side, long + 8, rng)
    if start is None:
        return
    near = road.land_m + road.zone_m + float(rng.uniform(1.0, 15))
    for k in range(int(rng.integers(1, 4))):
        centre, forward = beside(road, side, start + 4, (long, 2.44), near + 3.2 * k)
        look = str(rng.choice(("steel_blue", "steel_red", "net_green", "steel_white")))
        yield Thing("house", rectangle(centre, long, 2.44, forward), look, 2.6, "flat", born=born, scenario="confuser")
