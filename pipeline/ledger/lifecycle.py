"""The life of a case as a table: which act may follow which status, and what the status is then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from ..errors import LedgerError
from ..model.kinds import Status


class What(StrEnum):
    """What an event says. The first three are the machine's, the rest people's (``reopened`` may be either's)."""

    OBSERVED = "observed"  # 影像上可见
    NOT_SEEN = "not_seen"  # 影像清晰而不可见
    UNOBSERVABLE = "unobservable"  # 云遮或无影像
    ASSIGNED = "assigned"  # 交办
    CONFIRMED = "confirmed"  # 核查属实
    DISMISSED = "dismissed"  # 核查不属实
    NOTIFIED = "notified"  # 下达限期整改通知
    ESCALATED = "escalated"  # 督办
    RECTIFIED = "rectified"  # 已整改
    CLOSED = "closed"  # 办结
    REVISITED = "revisited"  # 回访
    REOPENED = "reopened"  # 复发或复核，重新立为疑似


MACHINE = "machine"
SIGHTINGS = frozenset({What.OBSERVED, What.NOT_SEEN, What.UNOBSERVABLE})

#: Status after an event; events that are not here leave the status as it is.
STATUS_AFTER: Mapping[What, Status] = MappingProxyType(
    {
        What.ASSIGNED: Status.ASSIGNED,
        What.CONFIRMED: Status.CONFIRMED,
        What.DISMISSED: Status.DISMISSED,
        What.NOTIFIED: Status.NOTIFIED,
        What.RECTIFIED: Status.RECTIFIED,
        What.CLOSED: Status.CLOSED,
        What.REVISITED: Status.REVISITED,
        What.REOPENED: Status.SUSPECTED,
    }
)

#: Acts allowed from each status. Sightings are always allowed: what was seen cannot be illegal.
TRANSITIONS: Mapping[Status, frozenset[What]] = MappingProxyType(
    {
        Status.SUSPECTED: frozenset({What.ASSIGNED, What.CONFIRMED, What.DISMISSED}),
        Status.ASSIGNED: frozenset({What.ASSIGNED, What.ESCALATED, What.CONFIRMED, What.DISMISSED}),
        Status.CONFIRMED: frozenset({What.NOTIFIED, What.RECTIFIED, What.DISMISSED}),
        Status.NOTIFIED: frozenset({What.NOTIFIED, What.ESCALATED, What.RECTIFIED}),
        Status.RECTIFIED: frozenset({What.NOTIFIED, What.CLOSED, What.REOPENED}),
        Status.CLOSED: frozenset({What.REVISITED, What.REOPENED}),
        Status.REVISITED: frozenset({What.REVISITED, What.REOPENED}),
        Status.DISMISSED: frozenset({What.REOPENED}),
        Status.PERMITTED: frozenset(),
    }
)

#: From these a later image that shows the thing again reopens the case; a dismissed place stays dismissed.
REBUILT_FROM = frozenset({Status.RECTIFIED, Status.CLOSED, Status.REVISITED})


def status_after(acts: Iterable[str]) -> Status:
    """Status of a case after its events in their order.

    >>> status_after(["observed", "confirmed", "observed", "notified"]).value
    'notified'
    """
    status = Status.SUSPECTED
    for act in acts:
        status = STATUS_AFTER.get(What(act), status)
    return status


def move(case_no: str, status: Status, what: str) -> Status:
    """Status of ``case_no`` after ``what``; LedgerError naming what is allowed when it may not follow ``status``.

    >>> move("320322-201710-building-0001", Status.SUSPECTED, "closed")
    Traceback (most recent call last):
    pipeline.errors.LedgerError: case 320322-201710-building-0001 is 'suspected': 'closed' may not follow; \
allowed: assigned, confirmed, dismissed
    """
    allowed = ", ".join(sorted(TRANSITIONS[status])) or "nothing"
    try:
        act = What(what)
    except ValueError as error:
        raise LedgerError(f"case {case_no}: unknown act {what!r}; from {status.value!r} allowed: {allowed}") from error
    if act not in TRANSITIONS[status]:
        raise LedgerError(f"case {case_no} is {status.value!r}: {act.value!r} may not follow; allowed: {allowed}")
    return STATUS_AFTER.get(act, status)
