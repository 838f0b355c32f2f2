"""What the events of a case add up to, one event at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.kinds import Status
from .lifecycle import MACHINE, OBJECTED_STATE, OPEN, REBUILT_FROM, SIGHTINGS, TIMED, UPHELD, What, turned

CHINA = dt.timezone(dt.timedelta(hours=8))  # image days and deadlines are local days, event times are UTC
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
    finding_event: int = 0  # event of the newest image that holds a finding
    finding_on: str | None = None  # day of that image
    judged_on: str | None = None  # last day on which it had been seen when it was dismissed

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


def changed(state: State, **changes: Any) -> State:
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
    state = changed(state, updated_at=max(state.updated_at, event["at"]))
    if what in SIGHTINGS:
        return _sighted(state, what, event)
    detail = event["detail"]
    if what is What.MERGED:
        return changed(state, merged_into=detail["into"])
    if what is What.SPLIT:
        return changed(state, split_from=detail["from"])
    return _said(state, what, event)


def newest_finding(state: State, day: str | None) -> bool:
    """Whether a finding of that day says more of the case than what is known: images may come late."""
    return state.finding_on is None or (day is not None and day >= state.finding_on)


def _sighted(state: State, what: What, event: Mapping[str, Any]) -> State:
    detail, day = event["detail"], event["on_date"]
    if what in _DETECTED and event["finding_id"] and newest_finding(state, day):
        told = {
            name: detail[name]
            for name in ("confidence", "priority", "zone", "side", "stake", "county_name", "township_name")
            if detail.get(name) is not None
        }
        state = changed(state, finding_event=event["id"], finding_on=day, **told)
    if what in _DETECTED and event["finding_id"] and state.merged_into is not None:
        state = changed(state, merged_into=None, split_from=state.merged_into)  # it stands by itself again
    if what is What.REREAD:
        return state
    newest = day is not None and (state.sight_on is None or day >= state.sight_on)
    if what is What.OBSERVED:
        came_back = newest and state.gone_on is not None and day > state.gone_on
        state = changed(
            state,
            observations=state.observations + 1,
            last_seen_on=max(filter(None, (state.last_seen_on, day)), default=None),
            # What was put right is reopened, and counted there.
            repeats=state.repeats + (came_back and Status(state.status) in OPEN - REBUILT_FROM),
            gone_on=None if newest else state.gone_on,
        )
    if (
        what is What.GROWN and Status(state.status) is not Status.DISMISSED
    ):  # what was dismissed is measured by what was dismissed
        state = changed(state, known_m2=detail.get("to_m2", state.known_m2))
    if newest:
        state = changed(state, sight=_SIGHT[what], sight_on=day)
        if what is What.NOT_SEEN:
            state = changed(state, gone_on=day)
    return state


def _said(state: State, what: What, event: Mapping[str, Any]) -> State:
    detail, by_machine = event["detail"], event["actor"] == MACHINE
    was, status = Status(state.status), turned(what, detail.get("outcome"))
    if not by_machine:
        known = max(state.known_m2 or 0.0, state.area_m2 or 0.0)  # outlines waver; what was larger once is no growth
        state = changed(state, acted=True, version=event["id"], known_m2=known)
    if status is not None:
        conflict = state.conflict and by_machine
        state = changed(state, status=status.value, since=event["at"], due_on=detail.get("due_on"), conflict=conflict)
    if status is not None and was is Status.DISMISSED and status is not Status.DISMISSED:
        state = changed(state, reason=None, dismissed_by=None, judged_on=None, known_m2=state.area_m2)
    if status is Status.DISMISSED:
        state = changed(state, judged_on=state.last_seen_on, audit=None)
    if what is What.REOPENED:
        renewed = was is Status.DISMISSED
        return changed(
            state, renewals=state.renewals + (renewed and by_machine), repeats=state.repeats + (was in REBUILT_FROM)
        )
    told = _TOLD.get(what)
    return state if told is None else changed(state, **told(state, event["actor"], detail))


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
    What.DISMISSED: lambda _, actor, detail: {"reason": detail.get("reason"), "dismissed_by": actor},
    What.AUDITED: lambda _state, _, detail: {"audit": detail["outcome"]},
    What.OBJECTED: lambda _state, _, detail: {"objection": OBJECTED_STATE, "answer_due_on": detail.get("due_on")},
    What.ANSWERED: _answered,
    What.CONTRADICTED: lambda _state, _, _detail: {"conflict": True},
}
