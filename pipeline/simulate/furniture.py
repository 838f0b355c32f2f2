"""High and thin things that are no billboards: the road's own signs, and masts of power lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from shapely import Polygon

from .events import beside, count, shares
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .things import Roadside, Thing, rectangle, turned

_NEW = 0.2  # share of the signs that were put up between the dates


def furniture(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Signs on arms above the pavement's edge, signs on posts, and masts with cross arms."""
    if not options.hazards.furniture.on:
        return
    rng = stream(options.seed, "furniture")
    born = options.last_absent + (options.first_seen - options.last_absent) * 0.35
    for number in range(count(options.hazards.furniture.size, options)):
        road = ways[int(rng.choice(len(ways), p=shares(ways)))]
        side = ("left", "right")[int(rng.integers(2))]
        new = born if rng.random() < _NEW else None
        start = room.take(road, f"{side} verge", 12.0, rng)
        if start is None:
            continue
        for shape, look, low, high, stands_on in (_arm, _sign, _mast)[number % 3](road, side, start, rng):
            yield Thing(
                "board", shape, look, high, stands_on, born=None if stands_on == "mast" else new,
                scenario="confuser", base_m=low,
            )  # fmt: skip


_Made = Iterator[tuple[Polygon, str, float, float, str]]


def _arm(road: Road, side: str, start: float, rng: np.random.Generator) -> _Made:
    """A direction sign on an arm over the lane, square to the road."""
    wide, tall = float(rng.uniform(3.5, 5.5)), float(rng.uniform(2.2, 3.2))
    centre, forward = beside(road, side, start, (1.0, wide), road.pavement_edge_m - wide + 0.8)
    yield rectangle(centre, wide, 0.3, turned(forward, 90.0)), "print_blue", 5.6, 5.6 + tall, "mast"


def _sign(road: Road, side: str, start: float, rng: np.random.Generator) -> _Made:
    """A small sign on posts between pavement and ditch."""
    wide = float(rng.uniform(1.5, 3.0))
    centre, forward = beside(road, side, start, (1.0, wide), road.roadbed_m / 2 + 0.3)
    look = str(rng.choice(["print_blue", "print_white", "print_green"]))
    yield rectangle(centre, wide, 0.2, turned(forward, 90.0)), look, 2.2, 2.2 + float(rng.uniform(1.2, 2.0)), "posts"


def _mast(road: Road, side: str, start: float, rng: np.random.Generator) -> _Made:
    """A mast beyond the highway land with two or three arms of a power line."""
    tall, turn = float(rng.uniform(12, 30)), float(rng.uniform(0, 180))
    near = road.land_m + float(rng.uniform(2, 40))
    centre, forward = beside(road, side, start, (2.0, 2.0), near)
    arm = float(rng.uniform(0.18, 0.3)) * tall
    for share in (1.0, 0.88, 0.76)[: 2 + int(tall > 20)]:
        top = share * tall
        yield rectangle(centre, arm, 0.4, turned(forward, turn)), "galvanised", top - 0.5, top, "mast"
