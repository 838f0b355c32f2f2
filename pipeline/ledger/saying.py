"""What a person says of a case, checked before it is written."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping

from ..errors import LedgerError
from ..model.kinds import Status
from .lifecycle import ACT, MACHINE, OBJECTED_STATE, OUTCOMES, What, move
from .options import LedgerOptions
from .privacy import refuse_personal, refuse_unreadable
from .state import CHINA, State
from .views import utc_text

_AHEAD = dt.timedelta(minutes=10)  # clocks of two machines differ
DETAILS = frozenset({"reason", "to", "due_on", "outcome", "ref", "verdict", "verdict_by", "verdict_at"})


def act_key(by: str, at: dt.datetime, note: str, details: Mapping[str, str]) -> str:
    """What an act is known by: who said it, when and what; the same again is not written again."""
    told = json.dumps([note, sorted(details.items())], ensure_ascii=False).encode(errors="backslashreplace")
    return f"{by}@{utc_text(at)}#{hashlib.sha256(told).hexdigest()[:8]}"


def checked(
    state: State, what: str, by: str, note: str, details: Mapping[str, str], at: dt.datetime, options: LedgerOptions
) -> tuple[Status, dict[str, object]]:
    """Status after the act, and what its event remembers, with the deadline that it sets.

    LedgerError for an act without a name, one that may not follow, what it needs and lacks, or personal data in it.
    """
    case_no = state.case_no
    _refuse_nobody(case_no, what, by)
    after = move(case_no, Status(state.status), what, details.get("outcome"))
    act = ACT[What(what)]
    if unknown := sorted(set(details) - DETAILS):
        raise LedgerError(f"case {case_no}: unknown details {unknown}; known: {sorted(DETAILS)}")
    said: dict[str, object] = {name: text for name, text in {"note": note, **details}.items() if text}
    for text in said.values():
        refuse_unreadable(f"case {case_no}", str(text))
        refuse_personal(f"case {case_no}", str(text))
    _check_moment(state, at)
    if "reason" in act.needs and not said.setdefault("reason", note):
        raise LedgerError(
            f"case {case_no}: {act.what.value} ({act.zh}) needs a reason, e.g. 'not_a_building' or 'lawful_before'"
        )
    if missing := [name for name in act.needs if not said.get(name)]:
        raise LedgerError(f"case {case_no}: {act.what.value} ({act.zh}) needs {', '.join(missing)}")
    _check_outcome(state, act.what, said, by)
    if "due_on" in said:
        said["due_on"] = _day(case_no, str(said["due_on"]))
    elif (due := options.deadlines.due_on(act.what, at.astimezone(CHINA).date())) is not None:
        said["due_on"] = due.isoformat()
    return after, said


def _refuse_nobody(case_no: str, what: str, by: str) -> None:
    if not by.strip() or by.strip() == MACHINE:
        raise LedgerError(f"case {case_no}: {what!r} needs the name of the person who says so, not {by!r}")
    refuse_personal(f"case {case_no}", by)


def _check_outcome(state: State, what: What, said: Mapping[str, object], by: str) -> None:
    if (known := OUTCOMES.get(what)) is not None and said.get("outcome") not in known:
        raise LedgerError(f"case {state.case_no}: unknown outcome {said.get('outcome')!r}; one of {', '.join(known)}")
    if what is What.AUDITED and by.strip() == (state.dismissed_by or "").strip():
        raise LedgerError(f"case {state.case_no}: {by} dismissed it; a second person has to check that")
    if what is What.ANSWERED and state.objection != OBJECTED_STATE:
        raise LedgerError(f"case {state.case_no}: no request to correct is open; nothing to answer")
    if what is What.OBJECTED and state.objection == OBJECTED_STATE:
        raise LedgerError(f"case {state.case_no}: a request to correct is open already; answer it first")


def _check_moment(state: State, at: dt.datetime) -> None:
    if at > dt.datetime.now(dt.UTC) + _AHEAD:
        raise LedgerError(f"case {state.case_no}: {at:%Y-%m-%d %H:%M} UTC lies ahead; check the date")
    if at.astimezone(CHINA).date().isoformat() < state.opened_on:
        raise LedgerError(f"case {state.case_no}: {at:%Y-%m-%d} is before the image that opened it ({state.opened_on})")


def _day(case_no: str, text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise LedgerError(f"case {case_no}: due_on {text!r} is not a day such as 2024-11-30") from error
