"""What the overview page tells of the cases: the trend over runs, the figures of a year's months, and where counties stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ..ledger import Ledger
from ..ledger.definitions import RATES
from ..ledger.figures import Figures, with_rates
from ..ledger.period import Period
from ..ledger.state import CHINA
from ..ledger.trend import Trend, of_area

MONTHS = 12
_COUNTS = ("opened", "finished", "open")
_STANDING = ("county_code", "county_name", "open", "overdue_n", "overdue_of", "overdue")
_KEYS = ["month", "county_code", "county_name"]


@dataclass(frozen=True)
class Overview:
    """What a ledger tells of some counties on a day.

    Attributes
    ----------
    trend
        One row a run, see ``ledger.trend.Trend.runs``, of all counties together.
    trend_by_county
        The same by county.
    months
        One row a month, ``month`` as ``2024-11``: the figures of ``ledger.figures.Figures.by_county`` but those in days,
        of all counties together. The last is the month of the day, as far as it has run; at most `MONTHS`, none before
        the first in which anything was said.
    months_by_county
        The same by month and county: ``month, county_code, county_name``.
    standing
        One row a county: ``county_code, county_name, open, overdue_n, overdue_of, overdue`` on that day.
    as_of
        The day; None where nothing was said.
    """

    trend: pd.DataFrame
    trend_by_county: pd.DataFrame
    months: pd.DataFrame
    months_by_county: pd.DataFrame
    standing: pd.DataFrame
    as_of: dt.date | None


def overview(
    ledger: Ledger, counties: Mapping[str, str], km_due: Mapping[str, float], today: dt.date | None = None
) -> Overview:
    """The overview of these counties as a ledger has them on ``today``, from one reading of it.

    ``counties``: names by code; ``km_due``: kilometres to be watched by code. ``today`` None: the day in China on which the
    ledger was last told something of them, so that the same ledger gives the same overview whatever the clock says.
    """
    told = ledger.trend(list(counties))
    if today is None and not told.events.empty:
        today = _day(told.events["at"].max())
    months = [] if today is None else _months(told, today)
    if today is None or not months:
        return _nothing(told, counties)
    calendar = ledger.options.deadlines.calendar
    parts = [
        _month(Figures(period, facts, calendar), counties, km_due)
        for period, facts in zip(months, told.facts([period.end for period in months]), strict=True)
    ]
    by_county = pd.concat(parts, ignore_index=True)
    by_county = by_county[[*_KEYS, *(name for name in by_county.columns if name not in _KEYS)]]
    standing = parts[-1][list(_STANDING)]  # what is open and overdue is that of the last month's end, which is today
    runs = told.runs[told.runs["on_date"].isna() | (told.runs["on_date"] <= today.isoformat())]
    runs = runs.reset_index(drop=True)
    return Overview(of_area(runs), runs, _area(by_county, km_due), by_county, standing, today)


def _month(figures: Figures, counties: Mapping[str, str], km_due: Mapping[str, float]) -> pd.DataFrame:
    table = figures.by_county(list(counties), km_due)
    table = table.drop(columns=[name for name in table.columns if name.startswith("days_")])
    names = pd.Series([counties[code] for code in table["county_code"]], index=table.index, dtype=object)
    return table.assign(county_name=names, month=f"{figures.period.first:%Y-%m}")


def _months(told: Trend, today: dt.date) -> list[Period]:
    """The last months up to the one of ``today``, from the first in which anything was said."""
    said = told.events["at"]
    if said.empty:
        return []
    first = _day(said.min())
    year, month = today.year, today.month
    periods: list[Period] = []
    while len(periods) < MONTHS and (year, month) >= (first.year, first.month):
        periods.append(Period.parse(f"{year:04d}-{month:02d}").until(today))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return periods[::-1]


def _area(by_county: pd.DataFrame, km_due: Mapping[str, float]) -> pd.DataFrame:
    """All counties together: numerators and denominators added up, and the rates of the sums."""
    parts = [f"{rate}_{end}" for rate in RATES for end in ("n", "of")]
    sums = by_county.groupby("month", sort=False)[[*_COUNTS, "closed_late", "rectified_by_word", *parts]].sum()
    table = sums.drop(columns=parts).join(with_rates(sums[parts]))
    codes = set(by_county["county_code"])
    km = sum(float(length) for code, length in km_due.items() if code in codes)
    per_100_km = 100.0 * table["opened"] / km if km > 0 else float("nan")
    known = km if km > 0 else float("nan")
    return table.assign(per_100_km_n=table["opened"], per_100_km_of=known, per_100_km=per_100_km).reset_index()


def _nothing(told: Trend, counties: Mapping[str, str]) -> Overview:
    """The overview of a ledger that was told nothing of these counties: every table has its columns."""
    empty = pd.DataFrame(
        {"county_code": sorted(counties), "county_name": [counties[code] for code in sorted(counties)]}
    )
    standing = with_rates(empty.assign(open=0, overdue_n=0, overdue_of=0)[["overdue_n", "overdue_of"]])
    standing = pd.concat([empty.assign(open=0), standing[["overdue_n", "overdue_of", "overdue"]]], axis=1)
    names = ["month", *_COUNTS, *(f"{rate}{end}" for rate in RATES for end in ("_n", "_of", ""))]
    months = pd.DataFrame(columns=[*names, "per_100_km_n", "per_100_km_of", "per_100_km"])
    by_county = pd.DataFrame(columns=[*_KEYS, *(name for name in months.columns if name != "month")])
    return Overview(of_area(told.runs), told.runs, months, by_county, standing, None)


def _day(moment: str) -> dt.date:
    return dt.datetime.fromisoformat(moment).astimezone(CHINA).date()
