"""What is known of the case: where it stands, by when, what was said of it, what lies near it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..ledger.lifecycle import LABELS, MACHINE, What
from ..ledger.reasons import REASONS
from ..reports import labels, style, terms, values
from ..reports.labels import Word
from .said import Row, Section, row
from .subject import Subject

_C, _P = labels.COLUMNS, labels.PAGE
_MOST = 12  # events, near cases


def case(subject: Subject) -> Section:
    """The ledger's word, earlier stages of the site, near cases of the kind, hot spots."""
    return Section("case", Word("案件", "the case"), (*_case(subject), *_around(subject)))


def _case(subject: Subject) -> Iterator[Row]:
    known = subject.case
    if known is None:
        told = (
            Word("未列为线索，没有立案", "no finding, so no case")
            if subject.why_not
            else Word("有许可，列出而不立案", "it has a permit: shown, and no case")
            if subject.text("permit_no")
            else Word(
                "未读案件库，办理情况不详（用 --ledger 指定）",
                "no ledger was asked what became of it; --ledger names one",
            )
            if subject.text("case_no")
            else Word("没有立案，或未读案件库", "it has none, or no ledger was asked")
        )
        yield row(Word("案件", "case"), *told)  # fmt: skip
        return
    yield row(_C["case_no"], values.text(known["case_no"]))
    yield row(_C["status"], *style.word(style.STATUS, values.text(known["status"])))
    yield row(Word("立案日期（影像）", "opened on (image)"), values.text(known["opened_on"]))
    if sight := values.text(known.get("sight")):
        word, day = style.word(terms.SIGHTS, sight), values.text(known.get("sight_on"))
        yield row(_P["seen"], f"{day} {word.zh}", f"{day} {word.en}")
    if to := values.text(known.get("assigned_to")):
        yield row(_P["assigned_to"], to)
    if due := values.text(known.get("due_on")):
        late = bool(known.get("overdue"))
        yield row(_P["due_on"], f"{due}{'，已逾期' if late else ''}", f"{due}{', overdue' if late else ''}")
    else:
        yield row(_P["due_on"], "当前状态没有办理期限", "no deadline in this status")
    if known.get("repeats"):
        yield row(_P["repeats"], values.text(known["repeats"]))
    yield from _history(known)


def _history(known: Mapping[str, Any]) -> Iterator[Row]:
    """What people did, and the first and the last thing that images said; the newest last."""
    events = list(known.get("history", ()))
    seen = [event for event in events if event["actor"] == MACHINE]
    kept = {event["id"] for event in (*seen[:1], *seen[-1:])}
    told = [event for event in events if event["actor"] != MACHINE or event["id"] in kept]
    if len(told) > _MOST:
        yield row(Word("办理记录", "history"), f"之前还有 {len(told) - _MOST} 条", f"{len(told) - _MOST} more before")
    for event in told[-_MOST:]:
        machine = event["actor"] == MACHINE
        day = values.text(event.get("on_date")) if machine else values.text(event["at"])[:10]
        what = values.text(event["what"])
        label = LABELS[What(what)] if what in set(What) else what
        who = ("影像", "image") if machine else (values.text(event["actor"]), values.text(event["actor"]))
        reason = values.text((event.get("detail") or {}).get("reason"))
        known_reason = REASONS.get(reason)
        why = (f"：{known_reason.zh}", f": {known_reason.en}") if known_reason else ("", "")
        yield row(Word("办理记录", "history"), f"{day} {label} {who[0]}{why[0]}", f"{day} {what} {who[1]}{why[1]}")


def _around(subject: Subject) -> Iterator[Row]:
    if stages := subject.told_each("stages"):
        said = [
            (
                values.text(one.get("day")),
                style.word(style.STAGES, values.text(one.get("stage"))),
                values.text(one.get("case_no")),
            )
            for one in stages
        ]
        yield row(
            Word("此处历次阶段", "stages of this site"),
            "；".join(f"{day} {word.zh} {no}".strip() for day, word, no in said),
            "; ".join(f"{day} {word.en} {no}".strip() for day, word, no in said),
        )  # fmt: skip
    for other in subject.nearby[:_MOST]:
        status = style.word(style.STATUS, values.text(other["status"]))
        place = f"{other['case_no']} {values.text(other.get('route_code'))} {values.text(other.get('stake'))}"
        apart = f"{other['apart_m']:.0f} m"
        yield row(
            Word("附近同类案件", "same kind near"), f"{place}，相距 {apart}，{status.zh}", f"{place}, {apart} away, {status.en}",
            apart_m=float(other["apart_m"]),
        )  # fmt: skip
    if len(subject.nearby) > _MOST:
        more = len(subject.nearby) - _MOST
        yield row(Word("附近同类案件", "same kind near"), f"另有 {more} 件", f"and {more} more")
    for spot in subject.hot_spots[:_MOST]:
        stretch = f"{spot['route_code']} {spot['stake_from']}～{spot['stake_to']}"
        yield row(
            Word("多发路段", "hot spot"),
            f"{stretch}：{spot['events']} 次，{spot['years']} 个年份",
            f"{stretch}: {spot['events']} times in {spot['years']} years",
        )  # fmt: skip
