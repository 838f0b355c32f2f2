"""What each run said of the cases, run by run, and one reading of a ledger that gives the facts of any month in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from .lifecycle import MACHINE, What
from .rounds import DETAILS, Facts, facts, said
from .schema import cases, events
from .views import utc_text

COUNTS = ("cases", "opened", "still", "grown", "gone", "unseen", "returned")
COLUMNS = ("run_id", "on_date", "at", "county_code", *COUNTS)
_FEW = ("actor", "what", "on_date", *DETAILS)  # texts of which there are few: compared as numbers
_TOLD = (What.OBSERVED, What.GROWN, What.NOT_SEEN, What.UNOBSERVABLE)
_LOOKS = (What.OBSERVED, What.NOT_SEEN)  # say whether a thing is there
_REBUILT = "rebuilt"  # why the machine reopens what had been put right


@dataclass(frozen=True)
class Trend:
    """What runs said of the cases of some counties, and all that was said of these cases.

    Attributes
    ----------
    runs
        One row a run and county where it spoke of a case, the oldest images first: ``run_id``; ``on_date`` (ISO day of
        the run's newest image) and ``at`` (UTC, when it first spoke), the same in all rows of a run; ``county_code``;
        ``cases`` that it spoke of, each in one of ``opened`` (seen for the first time), ``still`` (known, still there),
        ``gone`` (its newest image that shows the place is without it) and ``unseen`` (no image of the run shows the
        place). Besides, ``grown`` and ``returned``: parts of them that have grown, or are there again after an image
        without them or after they were put right. A mere second reading of the same images says nothing here.
    events, cases
        Tables ``EVENTS`` and ``CASES`` of ``rounds``.
    """

    runs: pd.DataFrame
    events: pd.DataFrame
    cases: pd.DataFrame

    def facts(self, moments: Sequence[dt.datetime]) -> list[Facts]:
        """What figures are made from, as it stood at each of ``moments``; the same as `Ledger.facts` of these counties.

        A case of which nothing was said after a moment stood then as it stands at the last of them: it is worked out once.
        """
        if not moments:
            return []
        events = self.events.astype(dict.fromkeys(_FEW, "category"))
        events = events[events["at"] < utc_text(max(moments))]
        last = facts(events, self.cases, max(moments))
        said_last = events.groupby("case_no")["at"].max()
        ends = events["case_no"].map(said_last).astype(str)
        tables = [(table, table["case_no"].map(said_last).astype(str)) for table in (last.rounds, last.audits)]
        found = []
        for until in moments:
            text = utc_text(until)
            then = facts(events[(events["at"] < text) & (ends >= text)], self.cases, until)
            settled = [table[table_ends < text] for table, table_ends in tables]
            found.append(Facts(_joined(settled[0], then.rounds), _joined(settled[1], then.audits)))
        return found


def _joined(settled: pd.DataFrame, then: pd.DataFrame) -> pd.DataFrame:
    parts = [part for part in (settled, then) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else then


def read(connection: Connection, counties: Collection[str] | None = None) -> Trend:
    """The trend of a ledger, all of it from one state; ``counties``: codes, default all, also cases in none."""
    told, listed = said(connection, counties=counties)
    return Trend(by_run(connection, counties), told, listed)


def by_run(connection: Connection, counties: Collection[str] | None = None) -> pd.DataFrame:
    """``Trend.runs``, added up by the database."""
    spoken = _said_of_each_case()
    found = spoken.c.first_seen | spoken.c.present | spoken.c.absent
    county = sa.func.coalesce(cases.c.county_code, "").label("county_code")
    marks = {
        "opened": spoken.c.first_seen,
        "still": spoken.c.present & ~spoken.c.first_seen,
        "grown": spoken.c.grown,
        "gone": spoken.c.absent & ~spoken.c.present & ~spoken.c.first_seen,
        "unseen": ~found,
        "returned": spoken.c.returned,
    }
    sums = [sa.func.sum(sa.case((mark, 1), else_=0)).label(name) for name, mark in marks.items()]
    query = sa.select(
        spoken.c.run_id,
        sa.func.max(spoken.c.on_date).label("on_date"),
        sa.func.min(spoken.c.at).label("at"),
        county,
        sa.func.count().label("cases"),
        *sums,
    ).join(cases, cases.c.case_no == spoken.c.case_no)
    if counties is not None:
        query = query.where(cases.c.county_code.in_(sorted(counties)))
    table = pd.read_sql(query.group_by(spoken.c.run_id, county), connection).reindex(columns=list(COLUMNS))
    of_run = table.groupby("run_id")
    table = table.assign(on_date=of_run["on_date"].transform("max"), at=of_run["at"].transform("min"))
    return table.astype(dict.fromkeys(COUNTS, "int64")).sort_values(
        ["on_date", "at", "run_id", "county_code"], ignore_index=True
    )


def of_area(runs: pd.DataFrame) -> pd.DataFrame:
    """``Trend.runs`` of all its counties together: one row a run, in the same order. A case lies in one county."""
    keys = ["run_id", "on_date", "at"]
    return runs.groupby(keys, sort=False)[list(COUNTS)].sum().reset_index()


def _said_of_each_case() -> sa.Subquery:
    """One row a run and case, with what the run says of it as truth values.

    Where images of one run differ, the newer one that shows the place decides.
    """
    told = events.alias()
    first = (
        sa.select(told.c.case_no, sa.func.min(told.c.id).label("id"))
        .where(told.c.what == What.OBSERVED.value)
        .group_by(told.c.case_no)
        .subquery()
    )
    again = _again()
    seen_on, absent_on = _newest(What.OBSERVED), _newest(What.NOT_SEEN)
    why = sa.case((events.c.what == What.REOPENED.value, events.c.detail["why"].as_string()))
    reopened = (events.c.what == What.REOPENED.value) & (events.c.actor == MACHINE) & (why == _REBUILT)
    query = (
        sa.select(
            events.c.run_id,
            events.c.case_no,
            sa.func.max(events.c.on_date).label("on_date"),
            sa.func.min(events.c.at).label("at"),
            _any(events.c.id == first.c.id).label("first_seen"),
            (seen_on.is_not(None) & (absent_on.is_(None) | (seen_on >= absent_on))).label("present"),
            (absent_on.is_not(None) & (seen_on.is_(None) | (absent_on > seen_on))).label("absent"),
            _any(events.c.what == What.GROWN.value).label("grown"),
            _any(sa.or_(reopened, again.c.id.is_not(None))).label("returned"),
        )
        .outerjoin(first, first.c.case_no == events.c.case_no)
        .outerjoin(again, again.c.id == events.c.id)
    )
    spoken = sa.or_(events.c.what.in_([what.value for what in _TOLD]), reopened)
    return query.where(events.c.run_id.is_not(None), spoken).group_by(events.c.run_id, events.c.case_no).subquery()


def _again() -> sa.Subquery:
    """Events that show a thing on an image whose forerunner, by day, was without it."""
    before = sa.func.lag(events.c.what).over(partition_by=events.c.case_no, order_by=(events.c.on_date, events.c.id))
    looks = (
        sa.select(events.c.id, events.c.what, before.label("before"))
        .where(events.c.what.in_([what.value for what in _LOOKS]), events.c.on_date.is_not(None))
        .subquery()
    )
    return (
        sa.select(looks.c.id)
        .where(looks.c.what == What.OBSERVED.value, looks.c.before == What.NOT_SEEN.value)
        .subquery()
    )


def _newest(what: What) -> sa.ColumnElement[str]:
    """Day of the newest image that says so; sightings without a day count as of no day."""
    day = sa.func.coalesce(events.c.on_date, "")
    return sa.func.max(sa.case((events.c.what == what.value, day)))


def _any(mark: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.func.max(sa.case((mark, 1), else_=0)) == 1
