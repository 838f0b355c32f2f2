"""The road's own maintenance: stretches that look otherwise afterwards and concern nobody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely.ops import substring

from .events import count, shares
from .noise import stream
from .options import WorldOptions
from .paint import Canvas
from .paint_road import Course, stripe
from .roads import Road
from .spectra import spectrum
from .trees import Trees

_FELLED = 0.2  # stretches of trees felled or planted for each stretch of other works
_EDGE_M = 0.55  # edge lines lie so far inside the pavement
_AVENUE_M = 2.5  # trees so near the edge of the land are those of the road


@dataclass(frozen=True)
class Band:
    """A stripe along a road: where, how wide, what it shows and from when. Offsets from the axis, left positive."""

    road: Road
    work: str
    from_m: float
    to_m: float
    centre_m: float
    width_m: float
    look: str
    born: dt.date
    cover: float = 1.0
    shade: float = 1.0


_WORKS = ("surface", "shoulder", "mowing", "ditch", "rail", "paint")
_Part = tuple[float, float, str, float, float]  # centre, width, look, cover, shade


def upkeep(options: WorldOptions, ways: tuple[Road, ...]) -> tuple[Band, ...]:
    """Stretches of every sort in turn, new between the dates."""
    hazard = options.hazards.upkeep
    if not hazard.on:
        return ()
    rng = stream(options.seed, "upkeep")
    born = options.last_absent + (options.first_seen - options.last_absent) * 0.45
    out: list[Band] = []
    for number in range(count(hazard.size, options)):
        road = ways[int(rng.choice(len(ways), p=shares(ways)))]
        long = float(min(rng.uniform(60, 380), 0.4 * road.axis.length))
        start = float(rng.uniform(0, road.axis.length - long))
        work = _WORKS[number % len(_WORKS)]
        for centre, width, look, cover, shade in _parts(work, road, rng):
            out.append(Band(road, work, start, start + long, centre, width, look, born, cover, shade))
    return tuple(out)


def _parts(work: str, road: Road, rng: np.random.Generator) -> list[_Part]:
    """The stripes of one work."""
    side, bed = float(rng.choice([-1.0, 1.0])), road.roadbed_m / 2
    if work == "surface":
        look = "asphalt_new" if road.surface == "asphalt" else "concrete"
        return [(float(rng.choice(road.offsets_m)), road.pavement_m, look, 1.0, 1.3 if look == "asphalt_new" else 1.15)]
    if work == "shoulder":
        wide = float(rng.uniform(0.5, 1.0))
        return [(side * (bed - wide / 2), wide, "gravel", 0.95, 1.0)]
    if work == "mowing":
        inner = road.ditch_m - 1.0
        return [(side * (bed + inner) / 2, inner - bed, "grass_dry", 0.8, 1.05)]
    if work == "ditch":
        return [(side * road.ditch_m, float(rng.uniform(0.8, 1.6)), "soil_moist", 0.9, 0.75)]
    if work == "rail":
        return [(side * (bed - 0.3), 0.35, "galvanised", 0.9, 1.2)]
    edges = [c + s * (road.pavement_m / 2 - _EDGE_M) for c in road.offsets_m for s in (-1.0, 1.0)]
    return [(at, 0.2, "paint", 1.0, 1.1) for at in edges]


def paint_upkeep(canvas: Canvas, courses: Sequence[Course], bands: Sequence[Band]) -> None:
    """Lay stripes over what is there."""
    px = canvas.grid.pixel_m
    for way in courses:
        for band in bands:
            if band.road is not way.road:
                continue
            here = (way.along_m >= band.from_m) & (way.along_m <= band.to_m) & np.isfinite(way.across_m)
            rows, cols = (np.flatnonzero(here.any(axis=k)) for k in (1, 0))
            if not len(rows):
                continue
            window = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
            across = np.where(here[window], way.across_m[window], np.float32(1e3))
            rough = np.clip(0.95 + 0.12 * canvas.tex.patchy[window], 0.5, 1) if band.cover < 1 else np.float32(1)
            alpha = np.float32(band.cover) * stripe(across, band.centre_m, band.width_m, px) * rough
            colour = spectrum(band.look) * np.float32(band.shade) * canvas.variation(window, 0.05, 0.05)
            canvas.blend(window, alpha.astype(np.float32), colour)


def felled(options: WorldOptions, ways: tuple[Road, ...], trees: Trees) -> Trees:
    """The trees with stretches of the avenues felled, and others planted, between the dates."""
    hazard = options.hazards.upkeep
    if not hazard.on:
        return trees
    rng = stream(options.seed, "felling")
    turn = float((options.last_absent + (options.first_seen - options.last_absent) * 0.55).toordinal())
    since, until = trees.since.copy(), trees.until.copy()
    points = shapely.points(trees.x, trees.y)
    for number in range(count(_FELLED * hazard.size, options)):
        road = ways[int(rng.choice(len(ways), p=shares(ways)))]
        long = float(min(rng.uniform(40, 160), 0.3 * road.axis.length))
        start = float(rng.uniform(0, road.axis.length - long))
        side = float(rng.choice([-1.0, 1.0]))
        row = substring(road.axis, start, start + long).offset_curve(side * (road.land_m - 0.6))
        of = shapely.dwithin(row, points, _AVENUE_M)
        (until if number % 2 == 0 else since)[of] = turn
    return replace(trees, since=since, until=until)
