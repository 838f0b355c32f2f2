"""Events as rounds of handling (办理轮次): what figures count.

A round begins where a case is opened or falls back to suspected, and ends where it falls back the next time. So a building
that was removed and rebuilt is handled twice, and what was said of the first does not colour the second.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..model.kinds import Status
from .lifecycle import AGREED, MACHINE, OPEN, REBUILT_FROM, SIGHTINGS, STATUS_AFTER, What, turned
from .reasons import Says, says
from .schema import cases as cases_table
from .schema import events as events_table
from .schema import standings
from .views import utc_text

EVENTS = ("id", "case_no", "at", "actor", "what", "on_date", "due_on", "reason", "outcome")
CASES = ("case_no", "county_code", "county_name", "kind", "route_code", "stake")
DETAILS = ("due_on", "reason", "outcome")
_SEES = [what.value for what in SIGHTINGS]
_LOOKS = [what.value for what in (What.OBSERVED, What.GROWN, What.NOT_SEEN)]  # say whether a thing is there
_FINISHED = [status.value for status in Status if status not in OPEN]
_CHINA = np.timedelta64(8, "h")
_DAY: Final = "datetime64[s]"


@dataclass(frozen=True)
class Facts:
    """What had been said until a moment.

    Attributes
    ----------
    rounds
        One row a round, by case and time: ``CASES`` (``county_code`` empty in no county); ``first`` (whether it is the
        case's first); ``status`` at its end; ``verdict`` (``confirmed``, ``dismissed`` or empty) and ``wrong`` (dismissed
        for a reason that speaks against the detection); ``gone`` (its newest image that shows the place is without it);
        days in China, NaT where not: ``started_on``, ``seen_on`` (image that it starts with, else the same),
        ``assigned_on`` (first), ``checked_on`` (first verdict), ``rectified_on``, ``finished_on`` (closed or dismissed),
        ``due_on`` (deadline it stands under, or stood under when it was finished), ``next_on`` (start of the case's next
        round) and ``returned_on`` (the same, where the thing had been rectified). What was said up to a dismissal that a
        person undid does not count. Cases that ran on in another one before anybody acted on them are left out.
    audits
        One row a second look at a dismissal: ``case_no, county_code, kind, on`` (day in China), ``agreed``.
    """

    rounds: pd.DataFrame
    audits: pd.DataFrame


def read(connection: Connection, until: dt.datetime) -> Facts:
    """Facts of a ledger as they were at ``until``."""
    events, cases = said(connection, until=until)
    return facts(events, cases, until)


def said(
    connection: Connection, *, until: dt.datetime | None = None, counties: Collection[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables ``EVENTS`` (before ``until``) and ``CASES`` of a ledger or of some counties of it.

    Of what events remember only ``DETAILS`` leave the database, and of sightings nothing: it is long, and no figure needs it.
    """
    told = [events_table.c[name] for name in EVENTS if name not in DETAILS]
    people = events_table.c.what.not_in(_SEES)
    details = [sa.case((people, events_table.c.detail[name].as_string())).label(name) for name in DETAILS]
    named = standings.c.state["county_name"].as_string().label("county_name")
    events = sa.select(*told, *details)
    cases = sa.select(*(named if name == "county_name" else cases_table.c[name] for name in CASES))
    cases = cases.outerjoin(standings, standings.c.case_no == cases_table.c.case_no)
    if until is not None:
        events = events.where(events_table.c.at < utc_text(until))
    if counties is not None:
        here = cases_table.c.county_code.in_(sorted(counties))
        events, cases = events.join(cases_table).where(here), cases.where(here)
    return pd.read_sql(events, connection), pd.read_sql(cases, connection)


def facts(events: pd.DataFrame, cases: pd.DataFrame, until: dt.datetime) -> Facts:
    """Facts of ``EVENTS`` before ``until`` on ``CASES``, in any order: that of the events' ``id`` decides."""
    frame = _with_moves(_frame(events, until))
    back = frame["after"] == Status.SUSPECTED.value
    undone = back & (frame["before"] == Status.DISMISSED.value) & (frame["actor"] != MACHINE)
    frame["round"] = _round_numbers(frame, back & ~undone)
    again = frame[undone].groupby("round")["place"].max()
    frame["stands"] = frame["place"] > frame["round"].map(again).fillna(-1)
    rounds = _rounds(frame, frame[frame["stands"] & frame["after"].notna()])
    came = _one_of(frame[back & ~undone], rounds, "before").shift(-1)
    next_on = rounds["started_on"].shift(-1).where(came.notna())  # the row after a round is the case's next one
    rebuilt = came.isin([status.value for status in REBUILT_FROM])
    places = cases.assign(county_code=cases["county_code"].fillna("")).set_index("case_no")
    rounds = rounds.assign(next_on=next_on, returned_on=next_on.where(rebuilt)).join(places, on="case_no")
    audited = frame[frame["what"] == What.AUDITED.value]
    audits = audited[["case_no"]].assign(on=audited["day"], agreed=audited["outcome"] == AGREED)
    audits = audits.join(places[["county_code", "kind"]], on="case_no")
    return Facts(rounds.reset_index(drop=True), audits.reset_index(drop=True))


def _frame(events: pd.DataFrame, until: dt.datetime) -> pd.DataFrame:
    """Events before ``until`` of cases that stand by themselves, by case and id; ``day``: of the event in China."""
    at = pd.to_datetime(events["at"], format="ISO8601", utc=True).dt.tz_localize(None)
    frame = events.assign(day=(at + _CHINA).dt.floor("D").astype(_DAY), on_date=_days(events["on_date"]))
    frame["case"] = pd.factorize(frame["case_no"], sort=True)[0]
    frame = frame[at < until.astimezone(dt.UTC).replace(tzinfo=None)].astype({"id": "int64"})
    merged = frame.loc[frame["what"] == What.MERGED.value, "case"]
    acted = frame.loc[frame["actor"] != MACHINE, "case"]
    frame = frame[~frame["case"].isin(merged) | frame["case"].isin(acted)]
    frame = frame.sort_values(["case", "id"], ignore_index=True)
    return frame.assign(place=frame.index)


def _with_moves(frame: pd.DataFrame) -> pd.DataFrame:
    """The events with the status that each brings about (``after``, null where none) and the one ``before`` it."""
    after = frame["what"].map({what.value: status.value for what, status in STATUS_AFTER.items()}).astype(object)
    answers = frame[frame["what"].isin([What.AUDITED.value, What.ANSWERED.value])]
    turns = [turned(what, outcome) for what, outcome in zip(answers["what"], answers["outcome"], strict=True)]
    after[answers.index] = np.array([status and status.value for status in turns], dtype=object)
    before = after[after.notna()].groupby(frame["case"]).shift().reindex(frame.index)
    return frame.assign(after=after, before=before.where(before.notna() | after.isna(), Status.SUSPECTED.value))


def _round_numbers(frame: pd.DataFrame, back: pd.Series) -> pd.Series:
    """Number of the round that each event belongs to. The image that a case is reopened for shows the new round's thing."""
    first = frame["case"].ne(frame["case"].shift())
    same_image = frame["what"].isin(_SEES) & (frame["on_date"] == frame["on_date"].shift(-1))
    shows = back.shift(-1, fill_value=False) & same_image
    shows |= shows.shift(-1, fill_value=False) & same_image  # observed and grown
    starts = first | ((shows | back) & ~shows.shift(fill_value=False))
    return starts.cumsum() - 1


def _rounds(frame: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """A row for each round, on its number; ``moves``: those that stand."""
    rounds = frame.drop_duplicates("round").set_index("round")
    seen_on = rounds["on_date"].fillna(rounds["day"])
    first = rounds["case"].ne(rounds["case"].shift())
    rounds = rounds[["case_no"]].assign(first=first, started_on=rounds["day"], seen_on=seen_on)
    verdicts = moves[moves["after"].isin([Status.CONFIRMED.value, Status.DISMISSED.value])]
    last = verdicts.drop_duplicates("round", keep="last").set_index("round")
    wrong = last["reason"].isin([reason for reason in last["reason"].dropna().unique() if says(reason) is Says.WRONG])
    rounds["verdict"] = last["after"].reindex(rounds.index).fillna("")
    rounds["wrong"] = (wrong & (last["after"] == Status.DISMISSED.value)).reindex(rounds.index, fill_value=False)
    rounds["status"] = _one_of(moves, rounds, "after", keep="last").fillna(Status.SUSPECTED.value)
    rounds["assigned_on"] = _one_of(moves[moves["what"] == What.ASSIGNED.value], rounds, "day")
    rounds["checked_on"] = _one_of(verdicts, rounds, "day")
    rounds["rectified_on"] = _one_of(moves[moves["after"] == Status.RECTIFIED.value], rounds, "day")
    rounds["finished_on"] = _one_of(moves[moves["after"].isin(_FINISHED)], rounds, "day")
    rounds["due_on"] = _due(frame, rounds)
    rounds["gone"] = _gone(frame, rounds)
    return rounds


def _one_of(
    events: pd.DataFrame, rounds: pd.DataFrame, column: str, keep: Literal["first", "last"] = "first"
) -> pd.Series:
    """``column`` of the first (or last) of these events in each round."""
    return events.drop_duplicates("round", keep=keep).set_index("round")[column].reindex(rounds.index)


def _due(frame: pd.DataFrame, rounds: pd.DataFrame) -> pd.Series:
    """Deadline that each round stands under, or stood under when it was finished.

    Every move sets it anew, also to none; 督办 only where it names a day.
    """
    acts = frame[frame["stands"] & (frame["after"].notna() | (frame["what"] == What.ESCALATED.value))]
    acts = acts.assign(due=_days(acts["due_on"]))
    setting = (acts["after"].notna() & ~acts["after"].isin(_FINISHED)) | (acts["after"].isna() & acts["due"].notna())
    return _one_of(acts[setting], rounds, "due", keep="last")


def _gone(frame: pd.DataFrame, rounds: pd.DataFrame) -> pd.Series:
    """Whether the newest image that shows a place shows it without the thing; what an image cannot show says nothing."""
    looks = frame[frame["what"].isin(_LOOKS) & frame["on_date"].notna()]
    newest = looks.sort_values(["round", "on_date", "id"])
    return _one_of(newest, rounds, "what", keep="last") == What.NOT_SEEN.value


def _days(text: pd.Series) -> pd.Series:
    days = {day: np.datetime64(dt.date.fromisoformat(day), "s") for day in text.dropna().unique()}
    return text.astype(object).map(days).astype(_DAY)  # of a categorical without a day pandas makes no days
