"""The verdicts that stand, each with the sighting that it was given on."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..model.kinds import Status
from .lifecycle import What, turned
from .schema import cases, events

_TELLING = (What.OBSERVED, What.CONFIRMED, What.DISMISSED, What.REOPENED, What.AUDITED, What.ANSWERED)
COLUMNS = ("case_no", "county_code", "epsg", "verdict", "reason", "decided_on", "seen_at", "finding_id", "detail")


def verdicts(connection: Connection, kind: str) -> gpd.GeoDataFrame:
    """Confirmed and dismissed cases of a kind, by number: ``COLUMNS`` and ``geometry`` in each row's own ``epsg``.

    ``verdict``: the last ``confirmed`` or ``dismissed``; a dismissal that was reopened stands no more, a confirmed case
    that was rebuilt stays confirmed. What a second person found wrong, or a request to correct has undone, stands no more
    either. ``reason``: of a dismissal, else empty. ``decided_on``: UTC day. ``seen_at`` (UTC), ``finding_id``, ``detail``: of
    the last finding before it.
    """
    query = (
        sa.select(
            events.c.case_no,
            events.c.what,
            events.c.at,
            events.c.finding_id,
            events.c.detail,
            cases.c.county_code,
            cases.c.epsg,
            cases.c.geometry,
        )
        .join(cases)
        .where(cases.c.kind == kind, events.c.what.in_([str(what) for what in _TELLING]))
        .order_by(events.c.case_no, events.c.id)
    )
    seen: dict[str, sa.Row] = {}
    standing: dict[str, tuple[sa.Row, sa.Row]] = {}
    for row in connection.execute(query):
        if row.what == What.OBSERVED:
            seen[row.case_no] = row if row.finding_id else seen[row.case_no]  # a mere sighting has no evidence
        elif row.what in (What.CONFIRMED, What.DISMISSED):
            standing[row.case_no] = (row, seen[row.case_no])
        elif row.case_no in standing and _undone(standing[row.case_no][0].what, row):
            del standing[row.case_no]
    rows = [
        {
            "case_no": said.case_no,
            "county_code": said.county_code or "",
            "epsg": said.epsg,
            "verdict": said.what,
            "reason": said.detail.get("reason", ""),
            "decided_on": str(said.at)[:10],
            "seen_at": seen_in.at,
            "finding_id": seen_in.finding_id,
            "detail": seen_in.detail,
        }
        for said, seen_in in standing.values()
    ]
    shapes = shapely.from_wkb([said.geometry for said, _ in standing.values()])
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=list(COLUMNS)), geometry=shapes)


def _undone(verdict: str, row: sa.Row) -> bool:
    """Whether an event takes a verdict back."""
    after = turned(row.what, row.detail.get("outcome"))
    return {What.DISMISSED: Status.SUSPECTED, What.CONFIRMED: Status.DISMISSED}[What(verdict)] == after
