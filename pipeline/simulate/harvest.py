"""Grain on the road: spread in the days of harvest, dried for two or three days, gone; at some places again and again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from shapely import LineString, Polygon
from shapely.ops import substring

from .events import count
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .things import Roadside, Thing

# Month and day of the first and the last day on which a crop is dried on the plain between Yellow River and Huai.
WINDOWS = (
    ("summer", ("wheat_grain",), (5, 28), (6, 22)),
    ("autumn", ("maize_grain", "rice_grain"), (9, 15), (11, 20)),
)
_MAIZE = 0.55  # share of maize among the strips of autumn
OCCURRENCES = 1000  # numbers kept for the strips of one place
_STAY_DAYS = (2, 4)  # a strip lies two or three days


def window(day: dt.date) -> str | None:
    """The season of harvest that a day lies in."""
    for season, _, first, last in WINDOWS:
        if first <= (day.month, day.day) <= last:
            return season
    return None


@dataclass(frozen=True)
class _Place:
    """Where grain is spread: a piece of a lane along one edge of the pavement."""

    road: Road
    side: str
    start_m: float
    length_m: float
    width_m: float
    inset_m: float
    gap: tuple[float, float]  # where a driveway cuts it, from its start, and how wide, m
    maize: bool
    hot: bool


def harvest_days(options: WorldOptions) -> list[dt.date]:
    """The sharp days on which grain may lie."""
    return [day for day in options.days if window(day) is not None]


def grain(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Spreads of grain on the outer lane, along one pavement edge, broken at driveways; on asphalt and on concrete.

    Some lie there on the first day with events; where more sharp days are days of harvest, others lie there on those, and
    places that are hot spots have grain on several of them. The pieces of one spread share a number; ``number //
    OCCURRENCES`` is that of its place.
    """
    days = harvest_days(options)
    first = options.first_seen
    least = count(options.events.grain, options, 2)
    others = [day for day in days if day != first]
    more = round(options.events.grain_more * least * len(others))
    for number, place, shapes in _places(options, ways, room, least, more):
        rng = stream(options.seed, "grain days", number)
        anchors = [first] if number < least else [others[int(rng.integers(len(others)))]]
        if place.hot:
            anchors += [day for day in others if day not in anchors and rng.random() < options.events.grain_again]
        yield from _spreads(place, shapes, number * OCCURRENCES, sorted(anchors), rng)


def _places(
    options: WorldOptions, ways: tuple[Road, ...], room: Roadside, least: int, more: int
) -> Iterator[tuple[int, _Place, list[Polygon]]]:
    """Places with their numbers, each in room of its own, and their first spreads."""
    for name, numbers in (("grain", range(least)), ("more grain", range(least, least + more))):
        rng, chance = stream(options.seed, name), stream(options.seed, name, "hot")
        for number in numbers:
            road = ways[(2, 1, 0)[number % 3] if number < 3 else int(rng.integers(len(ways)))]
            side = ("left", "right")[int(rng.integers(2))]
            length = float(min(rng.uniform(25, 150), 0.35 * road.axis.length))
            width = float(rng.uniform(2.2, min(4.5, 0.52 * road.pavement_m)))
            maize = bool(rng.random() < _MAIZE)
            gap = float(rng.uniform(0.35, 0.65)) * length, float(rng.uniform(5, 9))
            # Where traffic has one pavement only, the other half stays open.
            lane = "pavement" if len(road.offsets_m) == 1 else f"{side} pavement"
            start = room.take(road, lane, length, rng)
            hot = bool(chance.random() < options.events.grain_hot)
            if start is not None:
                inset = float(rng.uniform(0.25, 0.6))
                place = _Place(road, side, start, length, width, inset, gap, maize, hot)
                yield number, place, _pieces(place, (0.0, length), width, rng)


def _spreads(
    place: _Place, shapes: list[Polygon], number: int, anchors: list[dt.date], rng: np.random.Generator
) -> Iterator[Thing]:
    """The spreads of one place, each there on its day and a day or two round it, never two at a time."""
    free_from = dt.date.min
    for turn, day in enumerate(anchors):
        stay = int(rng.integers(*_STAY_DAYS))
        born = max(day - dt.timedelta(days=int(rng.integers(stay))), free_from)
        gone = born + dt.timedelta(days=stay)
        if not born <= day < gone:
            continue
        free_from = gone + dt.timedelta(days=1)
        look = "wheat_grain" if window(day) == "summer" else "maize_grain" if place.maize else "rice_grain"
        for shape in shapes if turn == 0 else _again(place, rng):
            yield Thing(
                "grain", shape, look, born=born, gone=gone, event="grain_drying", scenario=place.road.surface,
                route_code=place.road.route_code, number=number + turn,
            )  # fmt: skip


def _again(place: _Place, rng: np.random.Generator) -> list[Polygon]:
    """Another spread within the stretch of a place."""
    part = float(rng.uniform(0, 0.2)) * place.length_m, float(rng.uniform(0.8, 1.0)) * place.length_m
    return _pieces(place, part, max(2.0, place.width_m * float(rng.uniform(0.8, 1.0))), rng)


def _pieces(place: _Place, part: tuple[float, float], width_m: float, rng: np.random.Generator) -> list[Polygon]:
    """A spread between two distances from the start of its place, in parts where a driveway cuts it."""
    road, (first, last), (cut, wide) = place.road, part, place.gap
    parts = [(first, cut), (cut + wide, last)] if place.length_m > 70 else [(first, last)]
    sign = 1.0 if place.side == "left" else -1.0
    off = sign * (road.pavement_edge_m - place.inset_m - width_m / 2)
    lines = [substring(road.axis, place.start_m + a, place.start_m + b) for a, b in parts]
    return [_strip(line.offset_curve(off, join_style="mitre"), width_m, rng) for line in lines]


def _strip(line: LineString, width_m: float, rng: np.random.Generator) -> Polygon:
    """A spread of grain along a line: shovelled by hand, so its edges waver and its ends are round."""
    knots = max(int(line.length / 3.0), 4)
    at = np.linspace(0.0, line.length, knots)
    points = np.array([line.interpolate(a).coords[0] for a in at])
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    left = np.column_stack([-along[:, 1], along[:, 0]])
    waver = np.convolve(rng.normal(0, 0.22, knots + 4), np.ones(5) / 5, mode="valid")
    taper = np.clip(np.minimum(at, line.length - at) / 2.0, 0.35, 1.0)
    half = (width_m / 2 * taper + waver)[:, None]
    inner = (width_m / 2 * taper)[:, None]
    return Polygon(np.vstack([points + left * half, (points - left * inner)[::-1]]))
