"""Billboards beside the roads and the agency's registry of them, which is neither whole nor right everywhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from shapely import Point, Polygon

from .camera import overcast, shot
from .events import beside, count, shares
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .things import Roadside, Thing, rectangle, turned

_PRINTS = ("print_white", "print_blue", "print_red", "print_green", "print_faded")
_WHERE = ("land", "zone", "outside")
_WHERE_SHARES = (0.2, 0.55, 0.25)
_HAND_M = 1.0  # how well a place in the registry is surveyed where it is not wrong
_WRONG = 0.25  # share of its places that are wrong
_EXPIRED = 0.25  # share of the boards listed whose permission has run out


@dataclass(frozen=True, eq=False)
class Site:
    """One row of the registry, and what is true of it. ``at``: the place listed; None: only a stake is given."""

    number: str
    name: str
    route_code: str
    route_key: str
    at: Point | None
    stake_m: float
    valid_to: dt.date | None
    true_at: Point  # of a board that never was: the place listed for it
    scenario: str
    board: Thing | None


@dataclass(frozen=True)
class _Form:
    """Length, thickness, height of the lower and the upper edge, m; what it stands on; angle to the road, deg."""

    length_m: float
    thick_m: float
    base_m: float
    top_m: float
    stands_on: str
    angle_deg: float


def _form(where: str, large: bool, rng: np.random.Generator) -> _Form:
    if large:
        panel = float(rng.uniform(4.5, 6.0))
        top = float(rng.uniform(15.0, 20.0))
        size = float(rng.uniform(12.0, 18.0)), float(rng.uniform(0.8, 1.5))
        return _Form(*size, top - panel, top, "pole", float(rng.uniform(35.0, 90.0)))
    panel, top = float(rng.uniform(2.6, 3.4)), float(rng.uniform(6.0, 9.0))
    size = float(rng.uniform(6.5, 9.0)), float(rng.uniform(0.35, 0.5))
    angle = float(rng.uniform(0.0, 28.0) if where == "land" else rng.uniform(0.0, 90.0))
    return _Form(*size, top - panel, top, "posts", angle)


def boards(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Billboards of all lives: those that stand on the later date are events, listed or not."""
    rates, apart = options.events, options.first_seen - options.last_absent
    listed_before = 0
    for life, rate in (
        ("stand", rates.billboard),
        ("new", rates.billboard_new),
        ("gone", rates.billboard_gone),
    ):
        rng = stream(options.seed, "billboard", life)
        for number in range(count(rate, options)):
            share = rates.billboard_listed
            listed = life != "new" and np.ceil((listed_before + 1) * share) > np.ceil(listed_before * share)
            listed_before += life != "new"
            # The first one listed stands where the later date is cloudiest.
            cloudy = life == "stand" and number == 0
            turn = apart * float(rng.uniform(0.15, 0.85))
            found = _place(options, ways, room, rng, cloudy=cloudy)
            if found is None:
                continue
            shape, form, road = found
            scenario = {"stand": "board_listed" if listed else "board_unlisted", "new": "board_new"}.get(
                life, "board_gone" if listed else "board_gone_unlisted"
            )
            yield Thing(
                "board", shape, str(rng.choice(_PRINTS)), form.top_m, form.stands_on,
                born=options.last_absent + turn if life == "new" else None,
                gone=options.last_absent + turn if life == "gone" else None,
                event="" if life == "gone" else "billboard", scenario=scenario,
                route_code=road.route_code, base_m=form.base_m,
            )  # fmt: skip


def _place(
    options: WorldOptions, ways: tuple[Road, ...], room: Roadside, rng: np.random.Generator, *, cloudy: bool
) -> tuple[Polygon, _Form, Road] | None:
    """Outline of a panel over the ground, in room of its own; None when there is none."""
    taken = shot(options, options.first_seen)

    def cover(road: Road, start_m: float) -> float:
        return overcast(options, taken, *road.frame(start_m)[0].tolist())

    def cloudiest(road: Road) -> float:
        return max(cover(road, at) for at in np.arange(30.0, road.axis.length, 60.0))

    dull = max(ways, key=cloudiest)
    for _ in range(12):
        road = dull if cloudy else ways[int(rng.choice(len(ways), p=shares(ways)))]
        side = ("left", "right")[int(rng.integers(2))]
        where = str(rng.choice(_WHERE, p=_WHERE_SHARES))
        form = _form(where, bool(where != "land" and rng.random() < options.events.billboard_large), rng)
        turn = np.deg2rad(form.angle_deg)
        along, across = (
            form.length_m * np.cos(turn) + form.thick_m * np.sin(turn),
            form.length_m * np.sin(turn) + form.thick_m * np.cos(turn),
        )
        start = room.take(road, side, along + 6.0, rng, prefer=partial(cover, road) if cloudy else None)
        if start is None:
            continue
        centre, forward = beside(road, side, start + 3.0, (along, across), _near(where, road, across, rng))
        turned_to = turned(forward, form.angle_deg if rng.random() < 0.5 else -form.angle_deg)
        return rectangle(centre, form.length_m, form.thick_m, turned_to), form, road
    return None


def _near(where: str, road: Road, across_m: float, rng: np.random.Generator) -> float:
    """Distance of the near edge from the axis for a board on the highway land, in the control zone or beyond it."""
    if where == "land":
        first = road.roadbed_m / 2 + 0.3
        return first + float(rng.uniform(0, max(road.land_m - 0.3 - first - across_m, 0.05)))
    if where == "zone":
        return road.land_m + float(rng.uniform(0.3, max(road.zone_m - 0.3 - across_m, 0.5)))
    return road.land_m + road.zone_m + float(rng.uniform(1.5, 25.0))


def sites(options: WorldOptions, ways: tuple[Road, ...], room: Roadside, things: Sequence[Thing]) -> list[Site]:
    """The registry: boards of the first date that it has, and some that never were; numbers, days, errors of hand."""
    rng = stream(options.seed, "registry")
    by_code = {road.route_code: road for road in ways}
    found: list[tuple[Thing | None, Road, Point]] = [
        (thing, by_code[thing.route_code], thing.shape.centroid)
        for thing in things
        if thing.scenario in ("board_listed", "board_gone")
    ]
    for _ in range(count(options.events.billboard_phantom, options)):
        road = ways[int(rng.choice(len(ways), p=shares(ways)))]
        side = ("left", "right")[int(rng.integers(2))]
        start = room.take(road, side, 14.0, rng)
        if start is not None:
            centre, _ = beside(road, side, start + 5.0, (4.0, 4.0), road.land_m + float(rng.uniform(1.0, 12.0)))
            found.append((None, road, Point(centre)))
    return [_site(options, row, number, rng) for number, row in enumerate(found, 1)]


def _site(options: WorldOptions, row: tuple[Thing | None, Road, Point], number: int, rng: np.random.Generator) -> Site:
    board, road, place = row
    rates, year = options.events, options.first_seen.year
    least = min(3.0, rates.billboard_off_m)
    length = float(rng.uniform(least, rates.billboard_off_m)) if rng.random() < _WRONG else 0.0
    off = np.minimum(np.abs(rng.normal(0, _HAND_M)), rates.billboard_off_m) if length == 0 else length
    angle = float(rng.uniform(0, 2 * np.pi))
    listed = Point(place.x + off * np.cos(angle), place.y + off * np.sin(angle))
    by_stake = rng.random() < rates.billboard_stake_only
    pick = rng.random()
    until: dt.date | None = dt.date(year + int(rng.integers(1, 4)), int(rng.integers(1, 13)), 28)
    if pick < _EXPIRED:
        until = dt.date(year - int(rng.integers(1, 4)), int(rng.integers(1, 13)), 28)
    elif pick > 0.9:
        until = None
    return Site(
        number=f"示例广许〔{year - 1 - number % 4}〕{200 + number:04d}号",
        name=f"示例广告牌{number}",
        route_code=road.route_code,
        route_key=road.route_key,
        at=None if by_stake else listed,
        stake_m=road.stake_m(place),
        valid_to=until,
        true_at=place if board is not None else listed,
        scenario=board.scenario if board is not None else "board_phantom",
        board=board,
    )
