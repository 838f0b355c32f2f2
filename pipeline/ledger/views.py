"""What the events add up to: reads of a ledger, each on an open connection."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..errors import LedgerError
from ..model.kinds import Status
from .lifecycle import SIGHTINGS, STATUS_AFTER, What, status_after
from .schema import cases, events

_CHUNK = 500  # numbers in one IN (...) list
_SHOWN = ("kind", "county_code", "route_code", "stake", "side", "zone", "area_m2", "opened_on")


def statuses(connection: Connection, numbers: Sequence[str]) -> dict[str, str]:
    """Status of each of these cases."""
    return {name: status.value for name, (status, _) in standing(connection, numbers).items()}


def standing(connection: Connection, numbers: Sequence[str]) -> dict[str, tuple[Status, str]]:
    """Status of each of these cases, and since when (UTC text, empty before the first act)."""
    found = dict.fromkeys(numbers, (Status.SUSPECTED, ""))
    query = sa.select(events.c.case_no, events.c.what, events.c.at).where(events.c.what.in_(list(STATUS_AFTER)))
    for row in _for_numbers(connection, query, events.c.case_no, numbers, events.c.id):
        found[row.case_no] = (STATUS_AFTER[What(row.what)], row.at)
    return found


def places(connection: Connection, kinds: Sequence[str]) -> pd.DataFrame:
    """``case_no, kind, epsg, geometry`` (WKB) of every case of these kinds."""
    query = sa.select(cases.c.case_no, cases.c.kind, cases.c.epsg, cases.c.geometry).where(cases.c.kind.in_(kinds))
    rows = connection.execute(query.order_by(cases.c.case_no)).all()
    return pd.DataFrame(rows, columns=["case_no", "kind", "epsg", "geometry"])


def known_ids(connection: Connection, finding_ids: Sequence[str]) -> pd.Series:
    """Case numbers by finding id, for those that were observed before."""
    query = sa.select(events.c.finding_id, events.c.case_no).where(events.c.what == What.OBSERVED)
    rows = _for_numbers(connection, query, events.c.finding_id, finding_ids, events.c.id)
    return pd.Series({row.finding_id: row.case_no for row in rows}, dtype=object)


def opened_by(connection: Connection, numbers: Sequence[str], pairs: set[str]) -> dict[str | None, int]:
    """How many of these cases one of these pairs of scenes opened, by county."""
    query = sa.select(events.c.case_no, events.c.key, cases.c.county_code).join(cases)
    rows = _for_numbers(connection, query.where(events.c.what == What.OBSERVED), events.c.case_no, numbers, events.c.id)
    first: dict[str, sa.Row] = {}
    for row in rows:
        first.setdefault(row.case_no, row)
    return Counter(row.county_code for row in first.values() if row.key in pairs)


def opened_with(connection: Connection, numbers: Sequence[str]) -> dict[str, str]:
    """Evidence, JSON text, of the first observation of each of these cases."""
    query = sa.select(events.c.case_no, events.c.detail).where(events.c.what == What.OBSERVED)
    found: dict[str, str] = {}
    for row in _for_numbers(connection, query, events.c.case_no, numbers, events.c.id):
        found.setdefault(row.case_no, json.dumps(row.detail.get("evidence", {}), ensure_ascii=False))
    return found


def last_seq(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """Highest number given in each of these series."""
    query = sa.select(cases.c.series, cases.c.seq)
    found: dict[str, int] = {}
    for row in _for_numbers(connection, query, cases.c.series, names, cases.c.seq):
        found[row.series] = row.seq
    return found


def keys(connection: Connection, numbers: Sequence[str]) -> set[tuple[str, str, str]]:
    """``(case_no, what, key)`` of every event of these cases."""
    query = sa.select(events.c.case_no, events.c.what, events.c.key)
    return {tuple(row) for row in _for_numbers(connection, query, events.c.case_no, numbers, events.c.id)}


def written(connection: Connection, event: Mapping[str, object]) -> bool:
    """Whether this very event is there already."""
    return (event["case_no"], event["what"], event["key"]) in keys(connection, [str(event["case_no"])])


def one(connection: Connection, case_no: str, place: str) -> None:
    """Nothing when there is a case of that number; LedgerError otherwise."""
    if connection.scalar(sa.select(cases.c.seq).where(cases.c.case_no == case_no)) is None:
        raise LedgerError(f"ledger {place}: no case {case_no!r}; list the numbers with 'luyu cases list'")


def listing(
    connection: Connection, county: str | None, as_of: str | None, case_no: str | None = None
) -> list[dict[str, object]]:
    """Cases by number, with status and dates; only what was known at ``as_of`` (UTC text)."""
    query = sa.select(cases.c.case_no, *(cases.c[name] for name in _SHOWN)).order_by(cases.c.case_no)
    if county is not None:
        query = query.where(cases.c.county_code == county)
    if case_no is not None:
        query = query.where(cases.c.case_no == case_no)
    until = events.c.at <= as_of if as_of is not None else sa.true()
    mine = events.c.case_no == case_no if case_no is not None else sa.true()
    seen, acts = _seen(connection, until, mine), _acts(connection, until, mine)
    found = []
    for row in connection.execute(query):
        if row.case_no not in seen:
            continue  # not opened yet at ``as_of``
        mine_acts = acts.get(row.case_no, [])
        dates = seen[row.case_no]
        last = {act.what: act for act in mine_acts}
        found.append(
            {"case_no": row.case_no, "status": status_after(act.what for act in mine_acts).value}
            | {name: getattr(row, name) for name in _SHOWN}
            | {"last_seen_on": dates.last_seen, "observations": dates.times, "updated_at": dates.updated}
            | {
                "assigned_to": _detail(last.get(What.ASSIGNED), "to"),
                "due_on": _due(mine_acts),
                "reason": _detail(last.get(What.DISMISSED), "reason"),
            }
        )
    return found


def history(connection: Connection, case_no: str) -> list[dict[str, object]]:
    """Events of one case in their order, ready for JSON."""
    query = sa.select(events).where(events.c.case_no == case_no).order_by(events.c.id)
    names = ("at", "actor", "what", "on_date", "finding_id", "run_id", "detail")
    return [{name: getattr(row, name) for name in names} for row in connection.execute(query)]


def footprints(connection: Connection, rows: list[dict[str, object]], epsg: int) -> gpd.GeoDataFrame:
    """The listed cases with the footprint that opened each, in ``epsg``."""
    query = sa.select(cases.c.case_no, cases.c.epsg, cases.c.geometry)
    numbers = [str(row["case_no"]) for row in rows]
    stored = {row.case_no: row for row in _for_numbers(connection, query, cases.c.case_no, numbers, cases.c.case_no)}
    table = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["case_no", "status", *_SHOWN])
    parts = []
    for code in sorted({stored[number].epsg for number in numbers}):
        part = table[[stored[number].epsg == code for number in numbers]]
        shapes = shapely.from_wkb([stored[number].geometry for number in part["case_no"]])
        parts.append(gpd.GeoDataFrame(part, geometry=shapes, crs=code).to_crs(epsg))
    if not parts:
        return gpd.GeoDataFrame(table, geometry=[], crs=epsg)
    return pd.concat(parts).sort_index()


def _seen(connection: Connection, *where: sa.ColumnElement[bool]) -> dict[str, sa.Row]:
    query = sa.select(
        events.c.case_no,
        sa.func.max(events.c.on_date).filter(events.c.what == What.OBSERVED).label("last_seen"),
        sa.func.count().filter(events.c.what == What.OBSERVED).label("times"),
        sa.func.max(events.c.at).label("updated"),
    )
    return {row.case_no: row for row in connection.execute(query.where(*where).group_by(events.c.case_no))}


def _acts(connection: Connection, *where: sa.ColumnElement[bool]) -> dict[str, list[sa.Row]]:
    query = sa.select(events.c.case_no, events.c.what, events.c.detail).where(*where)
    found: dict[str, list[sa.Row]] = {}
    for row in connection.execute(query.where(events.c.what.not_in(list(SIGHTINGS))).order_by(events.c.id)):
        found.setdefault(row.case_no, []).append(row)
    return found


def _detail(act: sa.Row | None, name: str) -> str | None:
    return None if act is None else act.detail.get(name)


def _due(acts: list[sa.Row]) -> str | None:
    """Deadline that the case stands under: of its last act, when that set one."""
    running = [act for act in acts if What(act.what) in STATUS_AFTER]
    return running[-1].detail.get("due_on") if running else None


def _for_numbers(
    connection: Connection, query: sa.Select, column: sa.Column, numbers: Sequence[str], order: sa.Column
) -> Iterable[sa.Row]:
    """Rows whose ``column`` is one of ``numbers``, in ``order`` within each, however many there are."""
    for start in range(0, len(numbers), _CHUNK):
        chunk = list(numbers[start : start + _CHUNK])
        yield from connection.execute(query.where(column.in_(chunk)).order_by(order))
