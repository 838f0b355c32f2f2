"""Where each case stands, its footprint included, and the table that keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from .lifecycle import What
from .schema import cases, events, meta, standings
from .state import State, after, changed, newest_finding, opening

_FOLD = "1"  # changes when the same events add up to something else: the table is then made anew
_FOLD_KEY = "standings"
_CGCS2000 = 4490
_AT_ONCE = 2000
_WAVERS_M = 3.0  # outlines of one thing differ by so much from image to image
_MISSED = 0.25  # of the known footprint lies farther than that from a sighting: it shows a part


@dataclass(frozen=True)
class Standing:
    """State and newest whole footprint (WKB in ``epsg``) of a case."""

    state: State
    epsg: int
    geometry: bytes


def step(standing: Standing, event: Mapping[str, Any]) -> Standing:
    """Standing after one more event, its footprint included."""
    state = after(standing.state, event)
    if event.get("geometry") is None or not newest_finding(standing.state, event["on_date"]):
        return Standing(state, standing.epsg, standing.geometry)
    epsg = int(event["epsg"])
    geometry = _whole(_moved(standing, epsg), event["geometry"])
    area = float(shapely.area(shapely.from_wkb(geometry)))
    if What(event["what"]) is What.REREAD:  # another reading of an image tells of no growth
        state = changed(state, known_m2=max(state.known_m2 or 0.0, area))
    return Standing(changed(state, area_m2=area), epsg, geometry)


def _moved(standing: Standing, epsg: int) -> bytes:
    if epsg == standing.epsg:
        return standing.geometry
    way = pyproj.Transformer.from_crs(standing.epsg, epsg, always_xy=True)
    shape = shapely.from_wkb(standing.geometry)
    return bytes(shapely.to_wkb(shapely.transform(shape, lambda xy: np.column_stack(way.transform(*xy.T)))))


def _whole(known: bytes, seen: bytes) -> bytes:
    """The footprint after one more sighting: the newest, and what it leaves out where it shows only a part.

    What the error of an image moves is no part left out; half a roof that a detector missed is.
    """
    old, new = shapely.make_valid(shapely.from_wkb([known, seen]))
    missed = shapely.area(shapely.difference(old, shapely.buffer(new, _WAVERS_M, join_style="mitre")))
    if missed < _MISSED * shapely.area(old) or not shapely.intersects(old, new):
        return seen
    return bytes(shapely.to_wkb(shapely.union(old, new)))


def rows_of(some: Sequence[Standing]) -> list[dict[str, Any]]:
    """Rows of the table ``standings``."""
    lonlat = np.full((len(some), 2), np.nan)
    codes = np.array([one.epsg for one in some])
    shapes = shapely.from_wkb([one.geometry for one in some])
    points = shapely.get_coordinates(shapely.point_on_surface(shapely.make_valid(shapes)))
    bounds = shapely.bounds(shapes)
    corners = np.full((len(some), 4, 2), np.nan)
    for epsg in np.unique(codes):
        mine, way = codes == epsg, _to_lonlat(int(epsg))
        lonlat[mine] = np.column_stack(way.transform(*points[mine].T))
        for k, (x, y) in enumerate(((0, 1), (0, 3), (2, 1), (2, 3))):
            corners[mine, k] = np.column_stack(way.transform(bounds[mine, x], bounds[mine, y]))
    box = np.column_stack([corners.min(axis=1), corners.max(axis=1)])
    return [
        {
            "case_no": one.state.case_no,
            "county_code": one.state.county_code,
            "kind": one.state.kind,
            "status": one.state.status,
            "is_open": one.state.is_open,
            "lon": round(float(lon), 7),
            "lat": round(float(lat), 7),
            "west": float(west),
            "south": float(south),
            "east": float(east),
            "north": float(north),
            "epsg": one.epsg,
            "geometry": one.geometry,
            "state": dict(vars(one.state)),
        }
        for one, (lon, lat), (west, south, east, north) in zip(some, lonlat, box, strict=True)
    ]


def _to_lonlat(epsg: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(epsg, _CGCS2000, always_xy=True)


def read(row: Any) -> Standing:
    """The standing in a row of the table (``state, epsg, geometry``)."""
    return Standing(State(**row.state), row.epsg, row.geometry)


def folded(connection: Connection, *where: sa.ColumnElement[bool]) -> Iterator[Standing]:
    """Standing of each case from nothing but its events (those of ``where``), in order of number."""
    known = [column for column in cases.c if column.name not in ("series", "seq")]
    rows = {row["case_no"]: dict(row) for row in connection.execute(sa.select(*known)).mappings()}
    query = sa.select(
        events.c.id, events.c.case_no, events.c.at, events.c.actor, events.c.what, events.c.on_date,
        events.c.finding_id, events.c.detail, events.c.epsg, events.c.geometry,
    ).where(*where).order_by(events.c.case_no, events.c.id)  # fmt: skip
    current: Standing | None = None
    for row in map(dict, connection.execute(query).mappings()):
        if current is None or current.state.case_no != row["case_no"]:
            if current is not None:
                yield current
            case = rows[row["case_no"]]
            current = Standing(opening(case), case["epsg"], case["geometry"])
        current = step(current, row)
    if current is not None:
        yield current


def is_current(connection: Connection) -> bool:
    """Whether the table holds what this program makes of the events."""
    return connection.scalar(sa.select(meta.c.value).where(meta.c.key == _FOLD_KEY)) == _FOLD


def make_current(connection: Connection) -> None:
    """Make the table from the events where it is of another program's making."""
    if is_current(connection):
        return
    connection.execute(sa.delete(standings))
    for some in _batches(folded(connection)):
        connection.execute(sa.insert(standings), rows_of(some))
    connection.execute(sa.delete(meta).where(meta.c.key == _FOLD_KEY))
    connection.execute(sa.insert(meta).values(key=_FOLD_KEY, value=_FOLD))


def _batches(some: Iterable[Standing]) -> Iterator[list[Standing]]:
    batch: list[Standing] = []
    for one in some:
        batch.append(one)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def fetch(connection: Connection, numbers: Sequence[str]) -> dict[str, Standing]:
    """Standing of each of these cases that exists."""
    columns = (standings.c.state, standings.c.epsg, standings.c.geometry)
    found: dict[str, Standing] = {}
    for start in range(0, len(numbers), 500):
        query = sa.select(standings.c.case_no, *columns).where(standings.c.case_no.in_(numbers[start : start + 500]))
        found |= {row.case_no: read(row) for row in connection.execute(query)}
    return found


def store(connection: Connection, some: Sequence[Standing], known: set[str]) -> None:
    """Write standings; ``known``: numbers that have a row already."""
    rows = rows_of(some)
    fresh = [row for row in rows if row["case_no"] not in known]
    if fresh:
        connection.execute(sa.insert(standings), fresh)
    names = [column.name for column in standings.c if column.name != "case_no"]
    old = [{f"to_{name}": value for name, value in row.items()} for row in rows if row["case_no"] in known]
    if old:
        change = sa.update(standings).where(standings.c.case_no == sa.bindparam("to_case_no"))
        connection.execute(change.values({name: sa.bindparam(f"to_{name}") for name in names}), old)
