"""What is no event: villages, ponds, lawful structures, repairs and vehicles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
from shapely import Polygon
from shapely.ops import substring, unary_union

from .events import beside, count
from .noise import stream
from .options import WorldOptions
from .roads import Road
from .things import Roadside, Thing, rectangle, turned

_VILLAGE_ROOFS = (("gable", "tile_red"), ("gable", "tile_grey"), ("flat", "concrete_roof"), ("shed", "steel_blue"))
CARS = ("car_white", "car_black", "car_grey", "car_red", "car_blue")


def blob(centre: np.ndarray, radius_m: float, rng: np.random.Generator, stretch: float = 1.0) -> Polygon:
    """A rounded area without corners."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    wave = 1 + sum(rng.uniform(-0.12, 0.12) * np.sin(k * angle + rng.uniform(0, 6)) for k in (1, 2, 3, 5))
    turn = rng.uniform(0, np.pi)
    x, y = radius_m * wave * stretch * np.cos(angle), radius_m * wave / stretch * np.sin(angle)
    return Polygon(
        np.column_stack(
            [centre[0] + x * np.cos(turn) - y * np.sin(turn), centre[1] + x * np.sin(turn) + y * np.cos(turn)]
        )
    )


def villages(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Villages beside the roads: lanes, courtyards, houses in rows; the first row may stand in the control zone."""
    rng = stream(options.seed, "villages")
    for road in ways:
        for _ in range(max(1, round(road.axis.length / 1500.0))):
            side = ("left", "right")[int(rng.integers(2))]
            long = float(min(rng.uniform(120, 330), 0.4 * road.axis.length))
            deep = float(rng.uniform(70, 150))
            start = room.take(road, side, long + 10, rng)
            if start is None:
                continue
            near = road.land_m + float(rng.uniform(3.0, 12.0))
            centre, forward = beside(road, side, start + 5, (long, deep), near)
            yield from _village(centre, turned(forward, float(rng.normal(0, 1.5))), (long, deep), rng)


def _village(
    centre: np.ndarray, along: np.ndarray, size: tuple[float, float], rng: np.random.Generator
) -> Iterator[Thing]:
    """Rows of plots back to back between lanes; the ends of the rows are ragged."""
    left = turned(along, 90.0)
    plot_w, plot_d, lane = 12.4, 15.5, 4.0
    rows = max(int((size[1] - lane) // (2 * plot_d + lane)), 1)
    plots, grounds, lanes = [], [], []
    for row in range(2 * rows):
        v = -size[1] / 2 + lane + (row // 2) * (2 * plot_d + lane) + (row % 2) * plot_d + plot_d / 2
        first, last = -size[0] / 2 + rng.uniform(0, 0.16) * size[0], size[0] / 2 - rng.uniform(0, 0.16) * size[0]
        grounds.append(rectangle(centre + along * (first + last) / 2 + left * v, last - first, plot_d + lane, along))
        if row % 2 == 0:
            at = centre + along * (first + last) / 2 + left * (v - plot_d / 2 - lane / 2)
            lanes.append(rectangle(at, last - first + 8, lane * 0.72, along))
        columns = int((last - first) // plot_w)
        plots += [centre + along * (first + (k + 0.5) * plot_w) + left * v for k in range(columns)]
    yield Thing("village", unary_union(grounds).buffer(4).buffer(-2), "dirt")
    middle = centre + along * size[0] * float(rng.uniform(-0.2, 0.2))
    for shape in [*lanes, rectangle(middle, lane * 0.8, size[1], along)]:
        yield Thing("yard", shape, "concrete")
    for plot in plots:
        if abs(float((plot - middle) @ along)) > plot_w / 2 + lane / 2 and rng.random() < 0.92:
            yield from _homestead(plot, along, rng)


def _homestead(at: np.ndarray, along: np.ndarray, rng: np.random.Generator) -> Iterator[Thing]:
    left = turned(along, 90.0)
    yard = str(rng.choice(["concrete", "dirt", "grass_dry", "soil"], p=[0.45, 0.3, 0.15, 0.1]))
    yield Thing("yard", rectangle(at, 12.0, 15.0, along), yard)
    roof, look = _VILLAGE_ROOFS[int(rng.choice(4, p=[0.36, 0.30, 0.26, 0.08]))]
    tall = float(rng.choice([3.6, 6.8], p=[0.7, 0.3]))
    size = float(rng.uniform(10.0, 12.3)), float(rng.uniform(6.0, 8.0))
    yield Thing("house", rectangle(at + left * 3.6, *size, along), look, tall, roof, scenario="village")
    for edge in np.array([-4.4, 4.4])[rng.random(2) < 0.55]:
        look = str(rng.choice(["steel_blue", "tile_grey", "concrete_roof", "steel_white"], p=[0.25, 0.3, 0.35, 0.1]))
        where = at + along * edge - left * 3.2
        yield Thing(
            "house", rectangle(where, 3.6, float(rng.uniform(5, 7.5)), along), look, 2.8, "flat", scenario="village"
        )


def lawful(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Structures that serve the road and are exempt: stations, new between the dates."""
    rng = stream(options.seed, "exempt")
    born = options.last_absent + (options.first_seen - options.last_absent) * 0.4
    for road in ways[: 2 if options.km >= 4 else 0]:
        start = room.take(road, "right", 44.0, rng)
        if start is None:
            continue
        centre, forward = beside(road, "right", start + 6, (24.0, 11.0), road.land_m + 2.0)
        yield Thing(
            "house", rectangle(centre, 24.0, 11.0, forward), "steel_white", 5.0, "flat", born=born,
            scenario="exempt", route_code=road.route_code,
        )  # fmt: skip


def ponds(options: WorldOptions, ways: tuple[Road, ...], room: Roadside) -> Iterator[Thing]:
    """Fish ponds and pits filled with water, there at every date."""
    rng = stream(options.seed, "ponds")
    for _ in range(count(0.5, options, 1)):
        road = ways[int(rng.integers(2))]
        side = ("left", "right")[int(rng.integers(2))]
        radius = float(rng.uniform(14, 34))
        start = room.take(road, side, 2.6 * radius, rng)
        if start is not None:
            near = road.land_m + road.zone_m * 0.5 + float(rng.uniform(0, 60))
            centre, _ = beside(road, side, start, (2.6 * radius, 2 * radius), near + 0.3 * radius)
            yield Thing("pond", blob(centre, radius, rng, 1.2), "water")


def patches(options: WorldOptions, ways: tuple[Road, ...]) -> Iterator[Thing]:
    """Repairs of the pavement, new between the dates: fresh asphalt, new slabs on concrete."""
    if not options.hazards.patches.on:
        return
    rng = stream(options.seed, "patches")
    born = options.last_absent + (options.first_seen - options.last_absent) * 0.3
    for _ in range(count(options.hazards.patches.size, options)):
        road = ways[int(rng.integers(3))]
        long = float(rng.uniform(4, min(40, 0.2 * road.axis.length)))
        start = float(rng.uniform(5, road.axis.length - long - 5))
        wide = road.pavement_m / 2 - 0.4
        off = float(rng.choice(road.offsets_m)) + float(rng.choice([-1, 1])) * (wide / 2 + 0.1)
        line = substring(road.axis, start, start + long).offset_curve(off)
        look = "asphalt_new" if road.surface == "asphalt" else "gravel"
        yield Thing("patch", line.buffer(wide / 2, cap_style="flat"), look, born=born)


def vehicles(options: WorldOptions, ways: tuple[Road, ...], day: dt.date) -> list[Thing]:
    """Vehicles on the road on one day, on the right-hand lanes of their direction."""
    if not options.hazards.vehicles.on:
        return []
    rng = stream(options.seed, "vehicles", day)
    out = []
    for road, busy in zip(ways, (1.6, 0.9, 0.4), strict=True):
        number = int(rng.poisson(options.hazards.vehicles.size * busy * road.axis.length / 1000 * len(road.offsets_m)))
        for _ in range(number):
            place, forward, left = road.frame(float(rng.uniform(8, road.axis.length - 8)))
            lanes = (1.9, -1.9) if len(road.offsets_m) == 1 else (3.3, 7.2, -3.3, -7.2)
            off = float(rng.choice(lanes)) + float(rng.normal(0, 0.25))
            lorry = rng.random() < 0.3
            size = (float(rng.uniform(8, 15)), 2.5) if lorry else (float(rng.uniform(3.9, 5.0)), 1.85)
            look = str(rng.choice(("tarpaulin", "car_red", "car_blue", "car_grey") if lorry else CARS))
            shape = rectangle(place + left * off, *size, turned(forward, float(rng.normal(0, 0.6))))
            out.append(Thing("vehicle", shape, look, 3.4 if lorry else 1.5))
    return out
