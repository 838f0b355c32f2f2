"""Where each case stands: what its events add up to, one event at a time, and the table that keeps it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..model.kinds import Status
from .lifecycle import MACHINE, OBJECTED_STATE, OPEN, REBUILT_FROM, SIGHTINGS, TIMED, UPHELD, What, turned
from .schema import cases, events, meta, standings

CHINA = dt.timezone(dt.timedelta(hours=8))  # image days and deadlines are local days, event times are UTC
_FOLD = "1"  # changes when the same events add up to something else: the table is then made anew
_FOLD_KEY = "standings"
_CGCS2000 = 4490
_AT_ONCE = 2000
_WAVERS_M = 3.0  # outlines of one thing differ by so much from image to image
_MISSED = 0.25  # of the known footprint lies farther than that from a sighting: it shows a part
_DETECTED = frozenset({What.OBSERVED, What.REREAD})
_SIGHT = {
    What.OBSERVED: "present",
    What.GROWN: "grown",
    What.NOT_SEEN: "gone",
    What.UNOBSERVABLE: "unseen",
}


@dataclass(frozen=True)
class State:
    """A case as its events leave it; text dates are ISO, moments UTC."""

    case_no: str
    kind: str
    county_code: str | None
    opened_on: str
    route_code: str | None = None
    stake: str | None = None
    side: str | None = None
    zone: str | None = None
    county_name: str | None = None
    township_name: str | None = None
    status: str = Status.SUSPECTED.value
    since: str = ""  # last change of status
    area_m2: float | None = None  # newest whole footprint
    known_m2: float | None = None  # what people, or the last word on growth, knew of
    confidence: float | None = None
    priority: float | None = None
    last_seen_on: str | None = None
    observations: int = 0
    updated_at: str = ""
    assigned_to: str | None = None
    due_on: str | None = None
    reason: str | None = None
    repeats: int = 0  # came back after it was put right
    renewals: int = 0  # something new at a dismissed place
    sight: str | None = None  # newest image: present | grown | gone | unseen
    sight_on: str | None = None
    gone_on: str | None = None
    escalations: int = 0
    objection: str | None = None  # open | upheld | rejected
    answer_due_on: str | None = None
    audit: str | None = None  # agreed | disagreed
    dismissed_by: str | None = None
    conflict: bool = False
    merged_into: str | None = None
    split_from: str | None = None
    acted: bool = False  # a person has said something
    version: int = 0  # last event of a person
    finding_event: int = 0  # last event that holds a finding

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something; what runs on in another case, untouched here, is not asked twice."""
        return Status(self.status) in OPEN and (self.merged_into is None or self.acted)

    def comes_back(self, day: dt.date) -> bool:
        """Whether a sighting on ``day`` is of a thing that was put right, or seen gone, before."""
        if Status(self.status) in REBUILT_FROM:
            return day > dt.datetime.fromisoformat(self.since).astimezone(CHINA).date()
        return Status(self.status) in OPEN and self.gone_on is not None and day.isoformat() > self.gone_on

    def shown(self, today: dt.date) -> dict[str, Any]:
        """The state ready for JSON, with ``overdue`` as of a day."""
        overdue = Status(self.status) in TIMED and self.due_on is not None and self.due_on < today.isoformat()
        return vars(self) | {"overdue": overdue, "open": self.is_open}


def _with(state: State, **changes: Any) -> State:
    """The state with some fields changed; a ledger's events are many, and `dataclasses.replace` costs as many steps as fields."""
    new = object.__new__(State)
    vars(new).update(vars(state), **changes)
    return new


def opening(case: Mapping[str, Any]) -> State:
    """State of a row of ``cases`` before any event."""
    names = ("case_no", "kind", "county_code", "opened_on", "route_code", "stake", "side", "zone", "area_m2")
    return State(**{name: case[name] for name in names}, known_m2=case["area_m2"])


def after(state: State, event: Mapping[str, Any]) -> State:
    """State after one more event (a row of ``events`` with its ``id``), its footprint aside."""
    what = What(event["what"])
    state = _with(state, updated_at=max(state.updated_at, event["at"]))
    if what in SIGHTINGS:
        return _sighted(state, what, event)
    detail = event["detail"]
    if what is What.MERGED:
        return _with(state, merged_into=detail["into"])
    if what is What.SPLIT:
        return _with(state, split_from=detail["from"])
    return _said(state, what, event)


def _sighted(state: State, what: What, event: Mapping[str, Any]) -> State:
    detail, day = event["detail"], event["on_date"]
    if what in _DETECTED and event["finding_id"]:
        told = {
            name: detail[name]
            for name in ("confidence", "priority", "zone", "side", "stake", "county_name", "township_name")
            if detail.get(name) is not None
        }
        state = _with(state, finding_event=event["id"], **told)
    if what is What.REREAD:
        return state
    newest = day is not None and (state.sight_on is None or day >= state.sight_on)
    if what is What.OBSERVED:
        came_back = newest and state.gone_on is not None and day > state.gone_on
        state = _with(
            state,
            observations=state.observations + 1,
            last_seen_on=max(filter(None, (state.last_seen_on, day)), default=None),
            # What was put right is reopened, and counted there.
            repeats=state.repeats + (came_back and Status(state.status) in OPEN - REBUILT_FROM),
            gone_on=None if came_back else state.gone_on,
        )
    if what is What.GROWN:
        state = _with(state, known_m2=detail.get("to_m2", state.known_m2))
    if newest:
        state = _with(state, sight=_SIGHT[what], sight_on=day)
        if what is What.NOT_SEEN:
            state = _with(state, gone_on=day)
    return state


def _said(state: State, what: What, event: Mapping[str, Any]) -> State:
    detail, by_machine = event["detail"], event["actor"] == MACHINE
    was, status = Status(state.status), turned(what, detail.get("outcome"))
    if not by_machine:
        state = _with(state, acted=True, version=event["id"], known_m2=state.area_m2)
    if status is not None:
        conflict = state.conflict and by_machine
        state = _with(state, status=status.value, since=event["at"], due_on=detail.get("due_on"), conflict=conflict)
    if what is What.REOPENED and by_machine:
        renewed = was is Status.DISMISSED
        return _with(state, renewals=state.renewals + renewed, repeats=state.repeats + (not renewed))
    told = _TOLD.get(what)
    return state if told is None else _with(state, **told(state, event["actor"], detail))


def _answered(_state: State, actor: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"objection": detail["outcome"], "answer_due_on": None}
    if detail["outcome"] == UPHELD:
        told |= {"reason": "corrected", "dismissed_by": actor}
    return told


#: What an act tells beside the status that it brings about.
_TOLD: Mapping[What, Callable[[State, str, Mapping[str, Any]], dict[str, Any]]] = {
    What.ASSIGNED: lambda state, _, detail: {"assigned_to": detail.get("to") or state.assigned_to},
    What.ESCALATED: lambda state, _, detail: {
        "escalations": state.escalations + 1,
        "due_on": detail.get("due_on") or state.due_on,
    },
    What.DISMISSED: lambda _, actor, detail: {"reason": detail.get("reason"), "dismissed_by": actor, "audit": None},
    What.AUDITED: lambda _state, _, detail: {"audit": detail["outcome"]},
    What.OBJECTED: lambda _state, _, detail: {"objection": OBJECTED_STATE, "answer_due_on": detail.get("due_on")},
    What.ANSWERED: _answered,
    What.CONTRADICTED: lambda _state, _, _detail: {"conflict": True},
}


@dataclass(frozen=True)
class Standing:
    """State and newest whole footprint (WKB in ``epsg``) of a case."""

    state: State
    epsg: int
    geometry: bytes


def step(standing: Standing, event: Mapping[str, Any]) -> Standing:
    """Standing after one more event, its footprint included."""
    state = after(standing.state, event)
    if What(event["what"]) is not What.OBSERVED or event.get("geometry") is None:
        return Standing(state, standing.epsg, standing.geometry)
    epsg, geometry = int(event["epsg"]), event["geometry"]
    if epsg == standing.epsg:
        geometry = _whole(standing.geometry, geometry)
    return Standing(_with(state, area_m2=float(shapely.area(shapely.from_wkb(geometry)))), epsg, geometry)


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
    for epsg in np.unique(codes):
        mine = codes == epsg
        lonlat[mine] = np.column_stack(_to_lonlat(int(epsg)).transform(*points[mine].T))
    return [
        {
            "case_no": one.state.case_no,
            "county_code": one.state.county_code,
            "kind": one.state.kind,
            "status": one.state.status,
            "is_open": one.state.is_open,
            "lon": round(float(lon), 7),
            "lat": round(float(lat), 7),
            "epsg": one.epsg,
            "geometry": one.geometry,
            "state": dict(vars(one.state)),
        }
        for one, (lon, lat) in zip(some, lonlat, strict=True)
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
