"""What the ledger knows of the places of candidates: cases that come back, and how long they have been open."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd

from ..ledger import Ledger


def known_of(table: gpd.GeoDataFrame, shown: pd.Series, ledger: Ledger) -> pd.DataFrame:
    """``repeated`` (bool), ``repeats`` and ``age_days`` (days from the first sight of it to the image) of each row.

    ``shown``: day of the image that shows each row.
    """
    cases = ledger.recognise(table.assign(seen_on=shown))
    repeats = cases["repeats"].fillna(0.0)
    since = [_earliest(*days) for days in zip(cases["opened_on"], table["first_seen"], strict=True)]
    age = [_days(first, day) for first, day in zip(since, shown, strict=True)]
    return pd.DataFrame({"repeated": repeats > 0, "repeats": repeats, "age_days": age}, index=table.index)


def _earliest(opened_on: object, first_seen: object) -> dt.date | None:
    days = [dt.date.fromisoformat(str(day)[:10]) for day in (opened_on, first_seen) if not pd.isna(day)]  # type: ignore[call-overload]
    return min(days, default=None)


def _days(first: dt.date | None, day: object) -> float:
    if first is None or pd.isna(day):  # type: ignore[call-overload]
        return float("nan")
    return float(max(0, (dt.date.fromisoformat(str(day)[:10]) - first).days))
