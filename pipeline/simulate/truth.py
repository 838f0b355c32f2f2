"""What is true, by plain geometry on the true roads; nothing here knows how findings are made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import MultiPolygon, Point, Polygon, contains_xy
from shapely.ops import unary_union

from ..model.grid import Grid
from ..model.kinds import Membership, Side, Zone, ZoneBasis
from ..model.stake import Stake
from .camera import Shot, clouds, shot
from .events import Permit
from .options import WorldOptions
from .roads import EPSG, County, Road
from .things import Thing

Footprint: TypeAlias = Polygon | MultiPolygon
_LEAST_M2 = 1.0  # a zone counts when at least this much of the footprint lies in it
_CLEAR = 0.15  # thinner clouds and shadows hide nothing

COLUMNS = (
    "kind", "scenario", "zone", "membership", "zone_basis", "zone_overlap_m2", "area_m2", "length_m", "width_m",
    "route_code", "stake", "side", "offset_m", "county_code", "county_name", "permit_no", "first_seen", "last_absent",
    "clear_share", "lon", "lat", "stage", "gone_on",
)  # fmt: skip


def truth(
    options: WorldOptions,
    ways: tuple[Road, ...],
    counties: tuple[County, ...],
    things: Sequence[Thing],
    permits: Sequence[Permit],
) -> gpd.GeoDataFrame:
    """One row per event (columns ``COLUMNS``; geometry: the footprint on the ground), in EPSG 4548.

    ``zone`` is the innermost zone that holds at least 1 m² of the footprint, ``zone_overlap_m2`` what lies in that
    zone; ``membership`` is ``outside`` when no zone does. ``side`` faces increasing stakes, ``offset_m`` is the
    distance of the centroid from the nearest drawn centreline; ``scenario`` says what the event is there to try;
    ``clear_share`` is the part of the footprint that no cloud or shadow hides, before as well as after; ``stage`` is that
    of a building site on the last day, null for all else; ``first_seen``, ``last_absent`` and ``gone_on`` are sharp days,
    null where there is none. What was gone before the change is no event.
    """
    skies = {day: shot(options, day) for day in options.days}
    rows, shapes = [], []
    for thing, shape in events_of(things):
        if not any(thing.there(day) for day in options.days if day >= options.first_seen):
            continue
        road = _road_of(thing, ways)
        row = {"kind": thing.event, "scenario": thing.scenario, **_zone(shape, road), **_size(shape)}
        row["zone_basis"] = (ZoneBasis.ANNOUNCED if road.announced else ZoneBasis.ESTIMATED).value
        row |= _place(shape.centroid, road) | _county(shape, counties)
        row["permit_no"] = _permit(shape, permits, options)
        row |= days_of(thing, options)
        row["clear_share"] = _clear_share(thing, shape, options, skies)
        row["stage"] = thing.stage or None
        rows.append(row)
        shapes.append(shape)
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry=shapes, crs=EPSG)
    points = gpd.GeoSeries([shape.representative_point() for shape in shapes], crs=EPSG).to_crs(4490)
    frame["lon"], frame["lat"] = points.x.round(7), points.y.round(7)
    return frame[[*COLUMNS, "geometry"]]


def events_of(things: Sequence[Thing]) -> list[tuple[Thing, Footprint]]:
    """A thing and the footprint of each event, in order; one spread of grain is one event, whatever driveways cut it."""
    pieces: dict[tuple[str, int], list[Thing]] = {}
    for place, thing in enumerate(things):
        if thing.event:
            key = (thing.event, -1 - place if thing.number is None else thing.number)
            pieces.setdefault(key, []).append(thing)
    return [(of[0], of[0].shape if len(of) == 1 else unary_union([one.shape for one in of])) for of in pieces.values()]


def days_of(thing: Thing, options: WorldOptions) -> dict[str, str | None]:
    """First sharp day with a thing, the last without it before, the first without it after; None: there is none."""
    there = [day for day in options.days if thing.there(day)]
    before = [day for day in options.days if day < there[0]]
    after = [day for day in options.days if day > there[-1]]
    return {
        "first_seen": there[0].isoformat(),
        "last_absent": before[-1].isoformat() if before else None,
        "gone_on": after[0].isoformat() if after else None,
    }


def clear(shape: Footprint, options: WorldOptions, skies: Mapping[dt.date, Shot]) -> dict[dt.date, np.ndarray]:
    """Which square metres of a shape no cloud or shadow hides, of each day, bool (n,)."""
    west, south, east, north = shape.bounds
    pixel = 1.0 if shape.area > 30.0 else 0.25
    grid = Grid(EPSG, west, north, pixel, int(np.ceil((north - south) / pixel)), int(np.ceil((east - west) / pixel)))
    inside = contains_xy(shape, *np.meshgrid(grid.x_m, grid.y_m))
    out = {}
    for day, taken in skies.items():
        sky = clouds(options, taken, grid)
        clear = np.ones(grid.shape, bool) if sky is None else (sky[0] < _CLEAR) & (sky[1] < _CLEAR)
        out[day] = clear[inside]
    return out


def _clear_share(thing: Thing, shape: Footprint, options: WorldOptions, skies: Mapping[dt.date, Shot]) -> float:
    """Share that is seen on some day with the thing, after the change, and on some day before it came, if there is one."""
    seen = clear(shape, options, skies)
    there = [day for day in skies if thing.there(day) and day >= options.first_seen]
    before = [day for day in skies if day < min(day for day in skies if thing.there(day))]
    both = np.logical_or.reduce([seen[day] for day in there])
    if before:
        both &= np.logical_or.reduce([seen[day] for day in before])
    return round(float(both.mean()), 3)


def _road_of(thing: Thing, ways: tuple[Road, ...]) -> Road:
    return next(road for road in ways if road.route_code == thing.route_code)


def _zone(shape: Footprint, road: Road) -> dict[str, object]:
    pavement = shape.intersection(road.pavement).area
    land = shape.intersection(road.land).area - pavement
    control = shape.intersection(road.control).area - land - pavement
    for zone, overlap in ((Zone.PAVEMENT, pavement), (Zone.HIGHWAY_LAND, land), (Zone.CONTROL_ZONE, control)):
        if overlap >= _LEAST_M2:
            return {"zone": zone.value, "membership": Membership.INSIDE.value, "zone_overlap_m2": round(overlap, 2)}
    return {"zone": Zone.OUTSIDE.value, "membership": Membership.OUTSIDE.value, "zone_overlap_m2": 0.0}


def _size(shape: Polygon) -> dict[str, float]:
    corners = np.asarray(shape.minimum_rotated_rectangle.exterior.coords)
    sides = sorted(np.hypot(*np.diff(corners[:3], axis=0).T))
    return {"area_m2": round(shape.area, 2), "length_m": round(sides[1], 2), "width_m": round(sides[0], 2)}


def _place(point: Point, road: Road) -> dict[str, object]:
    lines = [road.line_at(offset) for offset in road.drawn_m]
    across = road.across_m(point)
    nearest = min(lines, key=point.distance)
    side = Side.LEFT if across - road.drawn_m[lines.index(nearest)] > 0 else Side.RIGHT
    return {
        "route_code": road.route_code,
        "stake": str(Stake(road.stake_m(point))),
        "side": side.value,
        "offset_m": round(point.distance(nearest), 2),
    }


def _county(shape: Polygon, counties: tuple[County, ...]) -> dict[str, str]:
    largest = max(counties, key=lambda county: shape.intersection(county.area).area)
    return {"county_code": largest.code, "county_name": largest.name}


def _permit(shape: Polygon, permits: Sequence[Permit], options: WorldOptions) -> str | None:
    """Number of the permit in force on the day first seen that covers at least half of the footprint."""
    for permit in permits:
        in_force = permit.valid_from <= options.first_seen <= permit.valid_to
        if in_force and shape.intersection(permit.area).area >= 0.5 * shape.area:
            return permit.number
    return None
