"""Heaps and stacks: what people store beside a road, on the highway land or, lawfully, beyond it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .events import beside, count, shares
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .things import Roadside, Thing, rectangle, turned

_LEAST_M = 1.5  # the narrowest ground that is stored on


@dataclass(frozen=True)
class Form:
    """A sort of store: how it is painted, looks that it may have, and ranges of length, depth and height, m."""

    name: str
    sort: str
    looks: tuple[str, ...]
    length_m: tuple[float, float]
    deep_m: tuple[float, float]
    height_m: tuple[float, float]


FORMS = (
    Form("gravel", "heap", ("gravel",), (4.0, 18.0), (3.0, 6.0), (1.2, 2.4)),
    Form("earth", "heap", ("spoil",), (4.0, 20.0), (3.0, 6.0), (1.0, 2.2)),
    Form("sheet", "heap", ("sheet_blue", "sheet_green", "sheet_black"), (3.0, 15.0), (2.5, 5.0), (1.0, 2.0)),
    Form("bricks", "stack", ("brick", "tile_grey"), (3.0, 12.0), (2.0, 4.0), (1.2, 2.0)),
    Form("sand", "heap", ("sand",), (4.0, 16.0), (3.0, 6.0), (1.0, 2.2)),
    Form("timber", "stack", ("timber",), (4.0, 14.0), (2.5, 5.0), (1.2, 2.5)),
    Form("cobs", "heap", ("cobs",), (3.0, 14.0), (2.0, 4.0), (1.0, 1.5)),
    Form("bales", "stack", ("straw",), (4.0, 16.0), (2.5, 5.0), (1.3, 2.5)),
)


@dataclass(frozen=True)
class Life:
    """What is said of a store besides its shape."""

    born: dt.date | None = None
    gone: dt.date | None = None
    event: str = ""
    scenario: str = ""
    route_code: str = ""


def store(
    form: Form,
    centre: np.ndarray,
    along: np.ndarray,
    size_m: tuple[float, float],
    rng: np.random.Generator,
    life: Life,
) -> Thing:
    """One heap or stack of a length and depth."""
    shape = rectangle(centre, *size_m, turned(along, float(rng.normal(0, 2.0))))
    if form.sort == "heap":
        round_m = 0.42 * min(size_m)
        shape = shape.buffer(-round_m).buffer(round_m)
    look, height = str(rng.choice(form.looks)), float(rng.uniform(*form.height_m))
    return Thing(
        form.sort, shape, look, height, born=life.born, gone=life.gone, event=life.event, scenario=life.scenario,
        route_code=life.route_code,
    )  # fmt: skip


def stockpiles(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Stores on the highway land, between roadbed and its edge; ``scenario`` names the material."""
    born = options.first_seen - dt.timedelta(days=20)
    rng = stream(options.seed, "stockpile")
    for number in range(count(options.events.stockpile, options)):
        form = FORMS[number % len(FORMS)]
        road = ways[int(rng.choice(len(ways), p=shares(ways)))]
        side = ("left", "right")[int(rng.integers(2))]
        first = road.roadbed_m / 2 + 0.3
        free_m = road.land_m - 0.4 - first
        long, deep = float(rng.uniform(*form.length_m)), min(float(rng.uniform(*form.deep_m)), free_m)
        near = first + float(rng.uniform(0, max(free_m - deep, 0.05)))
        start = room.take(road, side, long + 8, rng)
        if start is None or deep < _LEAST_M:
            continue
        centre, forward = beside(road, side, start + 4, (long, deep), near)
        life = Life(born, None, "stockpile", form.name, road.route_code)
        yield store(form, centre, forward, (long, deep), rng, life)
