"""The life of a case as a table: who may say what, after which status, and what the status and the deadline are then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ..errors import LedgerError
from ..model.kinds import Status


class What(StrEnum):
    """What an event says. Sightings and links are the machine's, the rest people's (``reopened`` may be either's)."""

    OBSERVED = "observed"  # 影像上可见
    REREAD = "reread"  # 新版检测器重读同一对影像，仍可见
    GROWN = "grown"  # 影像显示扩大
    NOT_SEEN = "not_seen"  # 影像清晰而不可见
    UNOBSERVABLE = "unobservable"  # 云遮或无影像
    MERGED = "merged"  # 与另一案件连成一体
    SPLIT = "split"  # 由另一案件分出
    ASSIGNED = "assigned"  # 交办
    CONFIRMED = "confirmed"  # 核查属实
    DISMISSED = "dismissed"  # 核查不属实
    UNDECIDED = "undecided"  # 存疑：无法判断
    NOTIFIED = "notified"  # 下达限期整改通知
    ESCALATED = "escalated"  # 督办
    RECTIFIED = "rectified"  # 已整改
    CLOSED = "closed"  # 办结
    REVISITED = "revisited"  # 回访
    REOPENED = "reopened"  # 复发或复核，重新立为疑似
    AUDITED = "audited"  # 抽查复核不属实的结论
    OBJECTED = "objected"  # 当事方申请更正
    ANSWERED = "answered"  # 答复更正申请
    CONTRADICTED = "contradicted"  # 外业结论与已有结论冲突，留存待核


MACHINE = "machine"
SIGHTINGS = frozenset({What.OBSERVED, What.REREAD, What.GROWN, What.NOT_SEEN, What.UNOBSERVABLE})


class Role(StrEnum):
    """Who says it. The ledger keeps the name that is given; the role tells whose name it should be."""

    DISPATCHER = "dispatcher"  # 交办人：县（市）路政部门
    OFFICER = "officer"  # 承办人：两名以上执法人员
    SUPERVISOR = "supervisor"  # 督办人
    AUDITOR = "auditor"  # 复核人：不得是原核查人
    PARTY = "party"  # 当事方，由受理人代录，不记姓名


_S = Status
_ANY = frozenset(_S) - {_S.PERMITTED}


@dataclass(frozen=True)
class Act:
    """One row of the table: after which statuses, what then, by whom, what must be said, under which deadline.

    ``after`` None leaves the status; ``deadline``: field of ``DeadlineOptions`` that sets ``due_on`` where nobody did.
    """

    what: What
    zh: str
    before: frozenset[Status]
    after: Status | None
    by: Role
    needs: tuple[str, ...] = ()
    deadline: str | None = None


ACTS: tuple[Act, ...] = (
    Act(What.ASSIGNED, "交办", frozenset({_S.SUSPECTED, _S.ASSIGNED}), _S.ASSIGNED, Role.DISPATCHER, (), "check_days"),
    Act(
        What.CONFIRMED,
        "核查属实",
        frozenset({_S.SUSPECTED, _S.ASSIGNED}),
        _S.CONFIRMED,
        Role.OFFICER,
        (),
        "notify_days",
    ),
    Act(
        What.DISMISSED,
        "核查不属实",
        frozenset({_S.SUSPECTED, _S.ASSIGNED, _S.CONFIRMED}),
        _S.DISMISSED,
        Role.OFFICER,
        ("reason",),
    ),
    Act(What.UNDECIDED, "存疑", frozenset({_S.SUSPECTED, _S.ASSIGNED}), None, Role.OFFICER, ("reason",)),
    Act(
        What.NOTIFIED,
        "限期整改",
        frozenset({_S.CONFIRMED, _S.NOTIFIED, _S.RECTIFIED}),
        _S.NOTIFIED,
        Role.OFFICER,
        (),
        "rectify_days",
    ),
    Act(
        What.ESCALATED, "督办", frozenset({_S.ASSIGNED, _S.CONFIRMED, _S.NOTIFIED, _S.RECTIFIED}), None, Role.SUPERVISOR
    ),
    Act(
        What.RECTIFIED,
        "已整改",
        frozenset({_S.CONFIRMED, _S.NOTIFIED}),
        _S.RECTIFIED,
        Role.OFFICER,
        (),
        "close_days",
    ),
    Act(What.CLOSED, "办结", frozenset({_S.RECTIFIED}), _S.CLOSED, Role.OFFICER, (), "revisit_days"),
    Act(What.REVISITED, "回访", frozenset({_S.CLOSED, _S.REVISITED}), _S.REVISITED, Role.OFFICER),
    Act(
        What.REOPENED,
        "重新立案",
        frozenset({_S.RECTIFIED, _S.CLOSED, _S.REVISITED, _S.DISMISSED}),
        _S.SUSPECTED,
        Role.SUPERVISOR,
    ),
    Act(What.AUDITED, "抽查复核", frozenset({_S.DISMISSED}), None, Role.AUDITOR, ("outcome",)),
    Act(What.OBJECTED, "申请更正", _ANY - {_S.DISMISSED}, None, Role.PARTY, ("note",)),
    Act(What.ANSWERED, "答复更正", _ANY, None, Role.SUPERVISOR, ("outcome",)),
    Act(What.CONTRADICTED, "结论冲突", _ANY, None, Role.OFFICER, ("verdict",)),
)
ACT: Mapping[What, Act] = MappingProxyType({act.what: act for act in ACTS})

#: What each event is called.
LABELS: Mapping[What, str] = MappingProxyType(
    {act.what: act.zh for act in ACTS}
    | {
        What.OBSERVED: "影像可见",
        What.REREAD: "新版重读",
        What.GROWN: "影像显示扩大",
        What.NOT_SEEN: "影像显示已消失",
        What.UNOBSERVABLE: "影像无法观测",
        What.MERGED: "并入他案",
        What.SPLIT: "由他案分出",
    }
)

#: Status after an event; events that are not here leave the status as it is.
STATUS_AFTER: Mapping[What, Status] = MappingProxyType({act.what: act.after for act in ACTS if act.after is not None})

#: Acts allowed from each status. Sightings are always allowed: what was seen cannot be illegal.
TRANSITIONS: Mapping[Status, frozenset[What]] = MappingProxyType(
    {status: frozenset(act.what for act in ACTS if status in act.before) for status in Status}
)

#: Cases that somebody still has to do something about.
OPEN = frozenset({_S.SUSPECTED, _S.ASSIGNED, _S.CONFIRMED, _S.NOTIFIED, _S.RECTIFIED})
#: Of these a deadline that has passed is overdue (逾期).
TIMED = OPEN - {_S.SUSPECTED}
#: From these a later image that shows the thing again reopens the case.
REBUILT_FROM = frozenset({_S.RECTIFIED, _S.CLOSED, _S.REVISITED})

AGREED, DISAGREED = "agreed", "disagreed"  # outcomes of an audit
OBJECTED_STATE = "open"  # of a correction request that waits for its answer
UPHELD, REJECTED = "upheld", "rejected"  # outcomes of a correction request
OUTCOMES: Mapping[What, tuple[str, str]] = MappingProxyType(
    {What.AUDITED: (AGREED, DISAGREED), What.ANSWERED: (UPHELD, REJECTED)}
)
#: An answer may undo what it is about: the auditor disagrees with a dismissal, a request to correct is upheld.
_STATUS_AFTER_OUTCOME: Mapping[tuple[What, str], Status] = MappingProxyType(
    {(What.AUDITED, DISAGREED): _S.SUSPECTED, (What.ANSWERED, UPHELD): _S.DISMISSED}
)


def turned(what: str, outcome: object = None) -> Status | None:
    """The status that an event brings about, None where it leaves it.

    >>> turned("notified").value, turned("audited", "agreed"), turned("audited", "disagreed").value
    ('notified', None, 'suspected')
    """
    act = What(what)
    return STATUS_AFTER.get(act) or _STATUS_AFTER_OUTCOME.get((act, str(outcome)))


def status_after(acts: Iterable[str]) -> Status:
    """Status of a case after its events in their order, as far as it hangs on no outcome.

    >>> status_after(["observed", "confirmed", "observed", "notified"]).value
    'notified'
    """
    status = Status.SUSPECTED
    for act in acts:
        status = turned(act) or status
    return status


def move(case_no: str, status: Status, what: str, outcome: object = None) -> Status:
    """Status of ``case_no`` after ``what``; LedgerError naming what is allowed when it may not follow ``status``.

    >>> move("320322-201710-building-0001", Status.SUSPECTED, "closed")
    Traceback (most recent call last):
    pipeline.errors.LedgerError: case 320322-201710-building-0001 is 'suspected': 'closed' may not follow; \
allowed: answered, assigned, confirmed, contradicted, dismissed, objected, undecided
    """
    allowed = ", ".join(sorted(TRANSITIONS[status])) or "nothing"
    try:
        act = What(what)
    except ValueError as error:
        raise LedgerError(f"case {case_no}: unknown act {what!r}; from {status.value!r} allowed: {allowed}") from error
    if act not in TRANSITIONS[status]:
        raise LedgerError(f"case {case_no} is {status.value!r}: {act.value!r} may not follow; allowed: {allowed}")
    return turned(act, outcome) or status
