"""The one way in which events are written: each once, and where its case stands with it, in one transaction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from . import standing, views
from .lifecycle import MACHINE
from .schema import cases
from .schema import events as events_table


def event(
    case_no: str, what: str, key: str, *, actor: str = MACHINE, detail: dict[str, object] | None = None
) -> dict[str, Any]:
    """An event to be appended; ``key`` makes saying the same thing twice impossible."""
    empty = {"on_date": None, "finding_id": None, "epsg": None, "geometry": None}
    return {"case_no": case_no, "actor": actor, "what": str(what), "key": key, "detail": detail or {}} | empty


def append(connection: Connection, rows: list[dict[str, Any]], *, at: dt.datetime, run_id: str | None = None) -> int:
    """Number of events written: those that were not said before, once each; their cases' standings follow."""
    numbers = sorted({row["case_no"] for row in rows})
    known = views.keys(connection, numbers)
    fresh = {(row["case_no"], row["what"], row["key"]): row for row in reversed(rows)}
    new = [row for name, row in reversed(fresh.items()) if name not in known]
    if not new:
        return 0
    moment = views.utc_text(at)
    first = (connection.scalar(sa.select(sa.func.max(events_table.c.id))) or 0) + 1
    new = [row | {"id": first + place, "at": moment, "run_id": run_id} for place, row in enumerate(new)]
    connection.execute(sa.insert(events_table), new)
    _follow(connection, new)
    return len(new)


def _follow(connection: Connection, new: list[dict[str, Any]]) -> None:
    numbers = sorted({row["case_no"] for row in new})
    current = standing.fetch(connection, numbers)
    known = set(current)
    fresh = [number for number in numbers if number not in known]
    for start in range(0, len(fresh), 500):
        query = sa.select(cases).where(cases.c.case_no.in_(fresh[start : start + 500]))
        for case in map(dict, connection.execute(query).mappings()):
            current[case["case_no"]] = standing.Standing(standing.opening(case), case["epsg"], case["geometry"])
    for row in new:
        current[row["case_no"]] = standing.step(current[row["case_no"]], row)
    standing.store(connection, [current[number] for number in numbers], known)
