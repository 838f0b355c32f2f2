"""Looks at places: what each image said of stretches of road and of known sites, kept from run to run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from .claims import plain
from .schema import looks as table

COLUMNS = ("kind", "place", "side", "first_cell", "last_cell", "day", "state", "confidence", "detector_version")
"""``place``: route code or key of a site; ``side``: '' of a site; cells of 10 m by stakes, 0 of a site; ``day``: date."""

_KEY = ("kind", "place", "side", "day", "first_cell", "last_cell", "state", "detector_version")
_AT_ONCE = 500  # parameters of one statement are limited


def write(connection: Connection, seen: pd.DataFrame, run_id: str) -> int:
    """Number of looks that were not known yet, now written."""
    seen = seen.assign(day=[str(day)[:10] for day in seen["day"]], side=seen["side"].fillna(""))
    rows = [{name: plain(row[name]) for name in COLUMNS} for row in seen.to_dict("records")]
    fresh = {tuple(row[name] for name in _KEY): row for row in rows}
    columns = [table.c[name] for name in _KEY]
    for place, day in sorted({(str(row["place"]), str(row["day"])) for row in rows}):
        known = sa.select(*columns).where(table.c.place == place, table.c.day == day)
        for one in connection.execute(known):
            fresh.pop(tuple(one), None)
    if fresh:
        connection.execute(sa.insert(table), [{**row, "run_id": run_id} for row in fresh.values()])
    return len(fresh)


def read(connection: Connection, kind: str, places: Collection[str] | None) -> pd.DataFrame:
    """Looks of a kind, by place, side, day and cell; of some places, or of all."""
    columns = [table.c[name] for name in COLUMNS]
    wanted = sa.select(*columns).where(table.c.kind == kind)
    if places is None:
        found = list(connection.execute(wanted))
    else:
        names = sorted(places)
        groups = [names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE)]
        found = [row for group in groups for row in connection.execute(wanted.where(table.c.place.in_(group)))]
    frame = pd.DataFrame([tuple(row) for row in found], columns=list(COLUMNS))
    frame["day"] = [dt.date.fromisoformat(day) for day in frame["day"]]
    return frame.sort_values(["place", "side", "day", "first_cell", "last_cell"], kind="stable").reset_index(drop=True)
