"""What was decided since a list was exported, and whether a verdict from the field agrees with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..ledger.answers import Verdict
from ..ledger.lifecycle import LABELS, What, turned
from ..model.kinds import Status
from .checked import Said
from .verdict import ACT, CHINA

History = Sequence[Mapping[str, Any]]

#: What a status says was found: the verdict that stands behind it. The others say that nothing is decided.
_FOUND: Mapping[Status, Verdict] = MappingProxyType(
    {
        Status.CONFIRMED: Verdict.CONFIRM,
        Status.NOTIFIED: Verdict.CONFIRM,
        Status.RECTIFIED: Verdict.RECTIFIED,
        Status.CLOSED: Verdict.RECTIFIED,
        Status.REVISITED: Verdict.RECTIFIED,
        Status.DISMISSED: Verdict.DISMISS,
    }
)


def has_said(history: History, said: Said) -> bool:
    """Whether this very verdict, by this person at this time, stands in the ledger."""
    return any(
        event["what"] == ACT[said.verdict] and event["actor"] == said.by and _moment(event) == _milliseconds(said.at)
        for event in history
    )


def already_said(history: History, said: Said) -> str | None:
    """Why a verdict adds nothing to what is decided; None where it adds something, or contradicts it.

    What was put right was also so; that it cannot be told from the road adds nothing to a decision.
    """
    decision, verdict = _decision(history)
    if decision is None or verdict is None:
        return None
    agrees = verdict is said.verdict or (verdict is Verdict.RECTIFIED and said.verdict is Verdict.CONFIRM)
    if not agrees and said.verdict is not Verdict.CANNOT_TELL:
        return None
    return f"{_told(decision)}; the verdict adds nothing"


def contradicts(history: History, said: Said) -> str | None:
    """What the verdict contradicts that was decided after its list was exported; None where it contradicts nothing.

    That a confirmed thing has been put right goes on from there and is no contradiction.
    """
    decision, verdict = _decision(history)
    if decision is None or decision["id"] <= said.version:
        return None
    if verdict is said.verdict or (verdict, said.verdict) == (Verdict.CONFIRM, Verdict.RECTIFIED):
        return None
    return f"the field says {said.verdict.value}, but {_told(decision)} after the export; kept as a contradiction, look at the case"


def _decision(history: History) -> tuple[Mapping[str, Any], Verdict] | tuple[None, None]:
    """The event on which the decision rests that stands, and what it says was found; nothing after a reopening."""
    decision: Mapping[str, Any] | None = None
    found: Verdict | None = None
    for event in history:
        if (status := turned(event["what"], event["detail"].get("outcome"))) is not None:
            found = _FOUND.get(status)
            decision = event if found else None
    return (decision, found) if decision is not None and found is not None else (None, None)


def _told(event: Mapping[str, Any]) -> str:
    day = _moment(event).astimezone(CHINA).date().isoformat()
    reason = f" ({event['detail']['reason']})" if event["detail"].get("reason") else ""
    return f"{event['what']} {LABELS[What(event['what'])]}{reason} was entered by {event['actor']} for {day}"


def _moment(event: Mapping[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(event["at"])


def _milliseconds(moment: dt.datetime) -> dt.datetime:
    """A moment as finely as a ledger keeps it."""
    utc = moment.astimezone(dt.UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
