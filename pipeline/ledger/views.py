"""What is read of a ledger, each on an open connection."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..errors import LedgerError
from ..model.kinds import Status
from .lifecycle import MACHINE, What
from .schema import cases, events, looks, photos, pictures, standings
from .standing import Standing, fetch, folded, read
from .state import CHINA, State

_CHUNK = 500  # numbers in one IN (...) list
_CGCS2000 = 4490
_NEAR_DEG = 0.001  # about 100 m: no case farther from all findings is one of them
_SHOWN_EVENT = ("id", "at", "actor", "what", "on_date", "finding_id", "run_id", "detail")
_COLUMNS = ("case_no", "status", "kind", "county_code", "route_code", "stake", "side", "zone")  # come first


def utc_text(moment: dt.datetime) -> str:
    """UTC text of a moment; a time without zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def marks(connection: Connection) -> list[int]:
    """Last id of each table that is only ever added to."""
    newest = (sa.func.coalesce(sa.func.max(table.c.id), 0) for table in (events, looks, pictures, photos))
    return [int(connection.execute(sa.select(one)).scalar_one()) for one in newest]


def statuses(connection: Connection, numbers: Sequence[str]) -> dict[str, str]:
    """Status of each of these cases."""
    query = sa.select(standings.c.case_no, standings.c.status)
    return {row.case_no: row.status for row in _for_numbers(connection, query, standings.c.case_no, numbers)}


def places(connection: Connection, kinds: Sequence[str], findings: gpd.GeoDataFrame) -> pd.DataFrame:
    """``case_no, kind, epsg, geometry`` (WKB), ``live, acted`` of the cases of these kinds near the findings.

    A case that runs on in another one, and of which nobody has said anything, is that other one.
    """
    west, south, east, north = findings.geometry.to_crs(_CGCS2000).total_bounds
    c = standings.c
    query = sa.select(c.case_no, c.kind, c.epsg, c.geometry, c.status, c.state).where(
        c.kind.in_(kinds),
        c.west <= float(east) + _NEAR_DEG,
        c.east >= float(west) - _NEAR_DEG,
        c.south <= float(north) + _NEAR_DEG,
        c.north >= float(south) - _NEAR_DEG,
    )
    rows = [
        (row.case_no, row.kind, row.epsg, row.geometry, row.status != Status.DISMISSED, row.state["acted"])
        for row in connection.execute(query.order_by(c.case_no))
        if row.state["merged_into"] is None or row.state["acted"]
    ]
    return pd.DataFrame(rows, columns=["case_no", "kind", "epsg", "geometry", "live", "acted"])


def known_ids(connection: Connection, finding_ids: Sequence[str]) -> pd.Series:
    """Case numbers by finding id, for those that were observed before."""
    query = sa.select(events.c.finding_id, events.c.case_no).where(events.c.what == What.OBSERVED)
    rows = _for_numbers(connection, query, events.c.finding_id, finding_ids, events.c.id)
    return pd.Series({row.finding_id: row.case_no for row in rows}, dtype=object)


def known_parts(connection: Connection, numbers: Sequence[str], pairs: set[str]) -> dict[str, str]:
    """Case numbers by ids of findings that were parts of what these cases showed in these pairs of scenes."""
    query = sa.select(events.c.case_no, events.c.detail).where(
        events.c.what == What.OBSERVED, events.c.key.in_(sorted(pairs))
    )
    return {
        part: row.case_no
        for row in _for_numbers(connection, query, events.c.case_no, numbers, events.c.id)
        for part in row.detail.get("parts", ())
    }


@dataclass
class Readings:
    """Who has read a pair of scenes of a case: detectors with their versions, and ids of the findings."""

    versions: set[str] = field(default_factory=set)
    finding_ids: set[str] = field(default_factory=set)


def readings(connection: Connection, numbers: Sequence[str]) -> dict[tuple[str, str], Readings]:
    """By case and pair of scenes that it was observed in."""
    query = sa.select(events.c.case_no, events.c.key, events.c.finding_id, events.c.detail).where(
        events.c.what.in_([What.OBSERVED, What.REREAD])
    )
    found: dict[tuple[str, str], Readings] = {}
    for row in _for_numbers(connection, query, events.c.case_no, numbers, events.c.id):
        pair = "\n".join(row.key.split("\n")[:2])
        mine = found.setdefault((row.case_no, pair), Readings())
        mine.versions.add(f"{row.detail.get('detector', '')} {row.detail.get('detector_version', '')}".strip())
        mine.finding_ids |= {row.finding_id, *row.detail.get("parts", ())} - {None}
    return found


def opened_by(
    connection: Connection, counties: Sequence[str | None], pairs: set[str], week: str
) -> dict[str | None, int]:
    """How many cases of these counties one of these pairs of scenes opened, or any pair since ``week``."""
    codes = [code for code in counties if code is not None]
    here = sa.or_(cases.c.county_code.in_(codes), cases.c.county_code.is_(None))
    first = (
        sa.select(events.c.case_no, sa.func.min(events.c.id).label("id"))
        .join(cases)
        .where(events.c.what == What.OBSERVED, here)
        .group_by(events.c.case_no)
        .subquery()
    )
    query = sa.select(events.c.key, events.c.at, cases.c.county_code).join(first, first.c.id == events.c.id).join(cases)
    counts: dict[str | None, int] = {}
    for row in connection.execute(query):
        if row.key in pairs or row.at >= week:
            counts[row.county_code] = counts.get(row.county_code, 0) + 1
    return counts


def opened_with(connection: Connection, numbers: Sequence[str]) -> dict[str, str]:
    """Evidence, JSON text, of the first observation of each of these cases."""
    query = sa.select(events.c.case_no, events.c.detail).where(events.c.what == What.OBSERVED)
    found: dict[str, str] = {}
    for row in _for_numbers(connection, query, events.c.case_no, numbers, events.c.id):
        found.setdefault(row.case_no, json.dumps(row.detail.get("evidence", {}), ensure_ascii=False))
    return found


def last_seq(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """Highest number given in each of these series."""
    query = sa.select(cases.c.series, sa.func.max(cases.c.seq).label("seq")).group_by(cases.c.series)
    return {row.series: row.seq for row in _for_numbers(connection, query, cases.c.series, names)}


def keys(connection: Connection, numbers: Sequence[str]) -> set[tuple[str, str, str]]:
    """``(case_no, what, key)`` of every event of these cases."""
    query = sa.select(events.c.case_no, events.c.what, events.c.key)
    return {tuple(row) for row in _for_numbers(connection, query, events.c.case_no, numbers)}


def one(connection: Connection, case_no: str, place: str) -> Standing:
    """Where a case stands; LedgerError when there is none of that number."""
    c = standings.c
    row = connection.execute(sa.select(c.state, c.epsg, c.geometry).where(c.case_no == case_no)).one_or_none()
    if row is None:
        raise LedgerError(f"ledger {place}: no case {case_no!r}; list the numbers with 'luyu cases list'")
    return read(row)


def listing(
    connection: Connection, county: str | None, as_of: dt.datetime | None, *, open_only: bool = False
) -> list[dict[str, Any]]:
    """Cases by number, ready for JSON; as they stood at ``as_of`` when given."""
    today = (as_of or dt.datetime.now(dt.UTC)).astimezone(CHINA).date()
    if as_of is not None:
        mine = sa.true() if county is None else events.c.case_no.in_(_of_county(county))
        then = folded(connection, events.c.at <= utc_text(as_of), mine)
        where = {row.case_no: (row.lon, row.lat) for row in _in_place(connection, county)}
        rows = [(standing.state, *where[standing.state.case_no]) for standing in then]
        rows = [row for row in rows if row[0].is_open or not open_only]
    else:
        c = standings.c
        query = sa.select(c.case_no, c.state, c.epsg, c.lon, c.lat).order_by(c.case_no)
        query = query if county is None else query.where(c.county_code == county)
        query = query.where(c.is_open) if open_only else query
        rows = [(State(**row.state), row.lon, row.lat) for row in connection.execute(query)]
    return [_tidy(state.shown(today) | {"lon": lon, "lat": lat}) for state, lon, lat in rows]


def listed(connection: Connection, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of these cases that the ledger has, by number, as ``listing`` shows them."""
    c, today = standings.c, dt.datetime.now(CHINA).date()
    query = sa.select(c.case_no, c.state, c.lon, c.lat)
    rows = _for_numbers(connection, query, c.case_no, numbers)
    return {row.case_no: _tidy(State(**row.state).shown(today) | {"lon": row.lon, "lat": row.lat}) for row in rows}


def histories(connection: Connection, numbers: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Events of each of these cases in their order, ready for JSON."""
    query = sa.select(events.c.case_no, *(events.c[name] for name in _SHOWN_EVENT))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _for_numbers(connection, query, events.c.case_no, numbers, events.c.id):
        number, *values = row
        found.setdefault(number, []).append(dict(zip(_SHOWN_EVENT, values, strict=True)))
    return found


def newest_acts(connection: Connection, county: str, acts: Sequence[str], most: int) -> list[tuple[str, str, str]]:
    """``(case_no, at, actor)`` of the newest of these acts of people in a county, by number and time."""
    query = sa.select(events.c.case_no, events.c.at, events.c.actor).join(cases)
    mine = query.where(cases.c.county_code == county, events.c.what.in_(acts), events.c.actor != MACHINE)
    return sorted(tuple(row) for row in connection.execute(mine.order_by(events.c.id.desc()).limit(most)))


def shown(standing: Standing, lon: float, lat: float, today: dt.date) -> dict[str, Any]:
    """One case as ``listing`` shows it."""
    return _tidy(standing.state.shown(today) | {"lon": lon, "lat": lat})


def position(connection: Connection, case_no: str) -> tuple[float, float]:
    """Longitude and latitude of a case."""
    found = connection.execute(sa.select(standings.c.lon, standings.c.lat).where(standings.c.case_no == case_no)).one()
    return float(found.lon), float(found.lat)


def findings(connection: Connection, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Columns of FINDINGS of each of these cases as of the newest sighting by a detector."""
    held = {one.state.finding_event: number for number, one in fetch(connection, list(numbers)).items()}
    query = sa.select(events.c.id, events.c.detail, events.c.finding_id)
    rows = _for_numbers(connection, query, events.c.id, sorted(held))
    return {held[row.id]: row.detail | {"finding_id": row.finding_id} for row in rows}


def history(connection: Connection, case_no: str) -> list[dict[str, Any]]:
    """Events of one case in their order, ready for JSON."""
    query = sa.select(*(events.c[name] for name in _SHOWN_EVENT)).where(events.c.case_no == case_no)
    return [dict(row) for row in connection.execute(query.order_by(events.c.id)).mappings()]


def told(
    connection: Connection, county: str | None, since: dt.datetime | None, until: dt.datetime | None
) -> list[dict[str, Any]]:
    """Events of a county in their order, ready for JSON, with ``case_no, kind, county_code, route_code``."""
    query = sa.select(
        *(events.c[name] for name in _SHOWN_EVENT), events.c.case_no,
        cases.c.kind, cases.c.county_code, cases.c.route_code,
    ).join(cases)  # fmt: skip
    if county is not None:
        query = query.where(cases.c.county_code == county)
    if since is not None:
        query = query.where(events.c.at >= utc_text(since))
    if until is not None:
        query = query.where(events.c.at < utc_text(until))
    return [dict(row) for row in connection.execute(query.order_by(events.c.id)).mappings()]


def footprints(connection: Connection, rows: list[dict[str, Any]], epsg: int) -> gpd.GeoDataFrame:
    """The listed cases with the newest footprint of each, in ``epsg``."""
    c = standings.c
    numbers = [str(row["case_no"]) for row in rows]
    query = sa.select(c.case_no, c.epsg, c.geometry)
    stored = {row.case_no: row for row in _for_numbers(connection, query, c.case_no, numbers)}
    table = pd.DataFrame(rows, columns=list(rows[0]) if rows else [*_COLUMNS, "opened_on"])
    parts = []
    for code in sorted({stored[number].epsg for number in numbers}):
        part = table[[stored[number].epsg == code for number in numbers]]
        shapes = shapely.from_wkb([stored[number].geometry for number in part["case_no"]])
        parts.append(gpd.GeoDataFrame(part, geometry=shapes, crs=code).to_crs(epsg))
    if not parts:
        return gpd.GeoDataFrame(table, geometry=[], crs=epsg)
    return pd.concat(parts).sort_index()


def _tidy(row: Mapping[str, Any]) -> dict[str, Any]:
    first = {name: row[name] for name in _COLUMNS}
    hidden = ("finding_event", "known_m2", "acted", "dismissed_by")
    return first | {name: value for name, value in row.items() if name not in first and name not in hidden}


def _of_county(county: str) -> sa.Select:
    return sa.select(cases.c.case_no).where(cases.c.county_code == county)


def _in_place(connection: Connection, county: str | None) -> Iterable[sa.Row]:
    query = sa.select(standings.c.case_no, standings.c.lon, standings.c.lat)
    return connection.execute(query if county is None else query.where(standings.c.county_code == county))


def _for_numbers(
    connection: Connection,
    query: sa.Select,
    column: sa.Column,
    numbers: Sequence[str] | Sequence[int],
    order: sa.Column | None = None,
) -> Iterable[sa.Row]:
    """Rows whose ``column`` is one of ``numbers``, in ``order`` within each, however many there are."""
    for start in range(0, len(numbers), _CHUNK):
        chunk = query.where(column.in_(list(numbers[start : start + _CHUNK])))
        yield from connection.execute(chunk if order is None else chunk.order_by(order))
