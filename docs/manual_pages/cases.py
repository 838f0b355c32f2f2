"""The life of a case: acts, statuses, coded reasons, from the tables of the ledger."""

from __future__ import annotations

from pipeline.ledger import lifecycle
from pipeline.ledger.deadlines import DeadlineOptions
from pipeline.ledger.reasons import REASONS, UNDECIDED, Reason, Says
from pipeline.model.kinds import Status
from pipeline.reports import style

from .words import Lang, Pair, anchored, code, table, whole_page

_ROLES = {
    lifecycle.Role.DISPATCHER: Pair("交办人：县（市）路政部门", "dispatcher: the county's office"),
    lifecycle.Role.OFFICER: Pair("承办人：两名以上执法人员", "officers: two or more"),
    lifecycle.Role.SUPERVISOR: Pair("督办人", "supervisor"),
    lifecycle.Role.AUDITOR: Pair("复核人：不得是原核查人", "auditor: not the one who checked"),
    lifecycle.Role.PARTY: Pair(
        "当事方：由受理人代录，不记姓名", "affected party: entered by an office, without a name"
    ),
}
_SAYS = {
    Says.WRONG: Pair("识别有误", "the detector was wrong"),
    Says.RIGHT: Pair("识别无误，另有法律上的原因", "it was right; the law is another matter"),
    Says.NOTHING: Pair("不说明识别对错", "nothing"),
}
_NEEDS = {
    "reason": Pair("原因", "reason"),
    "note": Pair("说明", "note"),
    "outcome": Pair("结论", "outcome"),
    "verdict": Pair("核查结论", "verdict"),
}
_YES, _UNCHANGED = Pair("是", "yes"), Pair("不变", "unchanged")


def page(lang: Lang) -> str:
    """The whole page."""
    return whole_page(
        lang,
        Pair("案件：环节与原因", "Cases: acts and reasons"),
        Pair(
            "谁在什么状态之后可以做什么，之后是什么状态，期限多少个工作日。做法见[一周的办案](../how-to/cases-week.md)。",
            "Who may do what after which status, what the status is then, and under which deadline in working days."
            " In practice: [a week of cases](../how-to/cases-week.md).",
        ),
        Pair("## 环节", "## Acts").of(lang) + " {#acts}",
        table(_ACT_HEADS, [_act(one, lang) for one in lifecycle.ACTS], lang),
        Pair("## 状态", "## Statuses").of(lang) + " {#statuses}",
        table(_STATUS_HEADS, [_status(one, lang) for one in Status], lang),
        Pair("## 原因代码", "## Coded reasons").of(lang) + " {#reasons}",
        table(_REASON_HEADS, [_reason(one, lang) for one in REASONS.values()], lang),
    )


_ACT_HEADS = (
    Pair("环节", "act"),
    Pair("之前的状态", "after status"),
    Pair("之后的状态", "status then"),
    Pair("由谁", "by whom"),
    Pair("必须写明", "must say"),
    Pair("下一步期限（工作日，默认）", "deadline of the next step, working days by default"),
)
_STATUS_HEADS = (Pair("代码", "code"), Pair("状态", "status"), Pair("在办", "open"), Pair("计逾期", "may be overdue"))
_REASON_HEADS = (
    Pair("代码", "code"),
    Pair("中文", "Chinese"),
    Pair("英文", "English"),
    Pair("对识别的意义", "what it says of the detection"),
    Pair("可用于“无法判断”", "for “cannot tell”"),
)


def _act(one: lifecycle.Act, lang: Lang) -> tuple[object, ...]:
    before = "、".join(_name(status, lang) for status in Status if status in one.before)
    after = _UNCHANGED.of(lang) if one.after is None else _name(one.after, lang)
    days = None if one.deadline is None else getattr(DeadlineOptions(), one.deadline)
    name = Pair(f"{one.zh}（{one.what.value}）", f"{one.what.value} ({one.zh})").of(lang)
    return name, before, after, _ROLES[one.by].of(lang), "、".join(_NEEDS[need].of(lang) for need in one.needs), days


def _status(one: Status, lang: Lang) -> tuple[object, ...]:
    is_open, timed = one in lifecycle.OPEN, one in lifecycle.TIMED
    return code(one.value), _name(one, lang), _yes(is_open, lang), _yes(timed, lang)


def _reason(one: Reason, lang: Lang) -> tuple[object, ...]:
    return anchored(one.code), one.zh, one.en, _SAYS[one.says].of(lang), _yes(one.code in UNDECIDED, lang)


def _name(status: Status, lang: Lang) -> str:
    return Pair(*style.STATUS[status.value]).of(lang)


def _yes(fact: bool, lang: Lang) -> str:
    return _YES.of(lang) if fact else ""
