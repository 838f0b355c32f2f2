"""What a finding's card says, line by line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..ledger.lifecycle import LABELS, MACHINE, What
from ..ledger.reasons import REASONS
from ..reports import style, terms, values
from ..reports.labels import Word
from .texts import Text, Texts

CARD = (
    "zone", "membership", "why", "size", "offset_m", "land_distance_m", "concurrent", "county_name", "township_name",
    "asset", "impact", "sight", "permit_no", "permit_state", "law", "addressee", "next_step", "last_absent",
    "first_seen", "seen", "confirmed_on", "gone_on", "transience", "stage", "assigned_to", "due_on", "repeats",
    "doubts", "case_no", "finding_id", "scene_before", "scene_after", "shift_px", "detector",
)  # fmt: skip
"""Lines of a finding's card, by name in ``labels.COLUMNS`` or ``labels.PAGE``."""
OWN = frozenset({"zone", "membership", "last_absent", "first_seen", "due_on", "case_no", "finding_id"})
"""Lines whose text stands in the finding itself, where the page's filters need it."""
_PLAIN = (
    "concurrent", "township_name", "permit_no", "law", "addressee", "next_step", "scene_before", "scene_after", "assigned_to",
)  # fmt: skip
_SAID = (
    ("to", "交", "to "), ("due_on", "期限 ", "due "), ("outcome", "结果 ", "outcome "), ("ref", "文号 ", "no. "),
    ("verdict", "外业结论 ", "said "), ("verdict_by", "核查人 ", "by "), ("note", "", ""),
)  # fmt: skip
_EN = {
    What.OBSERVED: "seen", What.REREAD: "read anew", What.GROWN: "grown", What.NOT_SEEN: "not there",
    What.UNOBSERVABLE: "cannot be seen", What.MERGED: "runs on in another case", What.SPLIT: "came from another case",
    What.ASSIGNED: "assigned", What.CONFIRMED: "confirmed", What.DISMISSED: "dismissed", What.UNDECIDED: "undecided",
    What.NOTIFIED: "notified", What.ESCALATED: "escalated", What.RECTIFIED: "rectified", What.CLOSED: "closed",
    What.REVISITED: "revisited", What.REOPENED: "reopened", What.AUDITED: "audited", What.OBJECTED: "correction asked for",
    What.ANSWERED: "request answered", What.CONTRADICTED: "contradicting verdict kept",
}  # fmt: skip


def acts() -> dict[str, list[str]]:
    """What each event is called, in both languages."""
    return {what.value: [LABELS[what], _EN[what]] for what in What}


def card(row: Mapping[str, Any], case: Mapping[str, Any]) -> list[Text]:
    """The card's lines in the order of ``CARD``, empty where there is nothing to say; those of ``OWN`` are left empty.

    ``row``: columns of FINDINGS; ``case``: its case as the ledger lists it, empty where it is none.
    """
    shown: dict[str, Text] = {name: values.text(row.get(name)) for name in _PLAIN}
    shown |= {
        "why": values.why_member(row),
        "size": _size(row),
        "offset_m": values.number(row.get("offset_m"), 1),
        "land_distance_m": _from_land(row.get("land_distance_m")),
        "county_name": _county(row),
        "asset": _asset(row),
        "impact": _all_said(style.IMPACTS, row.get("impact")),
        "sight": _said(style.SIGHT, row.get("sight")),
        "permit_state": _said(style.PERMIT_STATES, row.get("permit_state")),
        "seen": _seen(case),
        "confirmed_on": values.day(row.get("confirmed_on")),
        "gone_on": values.day(row.get("gone_on")),
        "transience": _said(style.COURSE, row.get("transience")),
        "stage": _said(style.STAGES, row.get("stage")),
        "shift_px": values.number(row.get("shift_px"), 2),
        "assigned_to": values.text(case.get("assigned_to")),
        "repeats": values.text(case.get("repeats")) if case.get("repeats") else "",
        "doubts": _doubts(case),
        "detector": " ".join(filter(None, (values.text(row.get(n)) for n in ("detector", "detector_version")))),
    }
    return [shown.get(name, "") for name in CARD]


def reading(row: Mapping[str, Any], texts: Texts) -> dict[str, list[Any]]:
    """``cues`` (of the confidence) and ``points`` (of the priority) by name and figure, ``evidence`` all that is behind them."""
    told = _evidence(row)
    return {
        "cues": _named(terms.CUES, terms.weighed(told), 2, texts),
        "points": _named(terms.PRIORITY, terms.points(told), 1, texts),
        "evidence": [[texts.place(name), figure] for name, figure in values.evidence_terms(row.get("evidence"))],
    }


def history(case: Mapping[str, Any], texts: Texts) -> list[list[Any]]:
    """The events of a case that the page was given, the last first: moment (UTC), what, who, day of the image, and what was said.

    What an image shows bears the image's day alone: when a machine read it is not of the case, and would make two runs of
    the same images two different pages.
    """
    told = list(case.get("history", ()))
    return [
        [
            values.day(event.get("on_date")) if event["actor"] == MACHINE else values.text(event["at"]),
            values.text(event["what"]),
            texts.place("" if event["actor"] == MACHINE else values.text(event["actor"])),
            values.day(event.get("on_date")),
            texts.place(_remark(event.get("detail") or {})),
        ]
        for event in reversed(told)
    ]


def _remark(detail: Mapping[str, Any]) -> Text:
    """What a person added to an act: reason, addressee, deadline and note."""
    reason = values.text(detail.get("reason"))
    known = REASONS.get(reason)
    zh, en = ([known.zh], [known.en]) if known else ([reason], [reason])
    for name, before_zh, before_en in _SAID:
        if said := values.text(detail.get(name)):
            zh.append(f"{before_zh}{said}")
            en.append(f"{before_en}{said}")
    return "；".join(dict.fromkeys(filter(None, zh))), "; ".join(dict.fromkeys(filter(None, en)))


def _named(words: Mapping[str, Word], told: Mapping[str, float], digits: int, texts: Texts) -> list[list[Any]]:
    return [[texts.place(style.word(words, name)), values.number(value, digits)] for name, value in told.items()]


def _evidence(row: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        told = json.loads(values.text(row.get("evidence")) or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, Mapping) else {}


def _size(row: Mapping[str, Any]) -> Text:
    parts = (("", "", values.number(row.get("area_m2")), " m²"),
             ("长 ", "length ", values.number(row.get("length_m"), 1), " m"),
             ("宽 ", "width ", values.number(row.get("width_m"), 1), " m"))  # fmt: skip
    zh = "，".join(f"{head}{figure}{unit}" for head, _, figure, unit in parts if figure)
    return zh, ", ".join(f"{head}{figure}{unit}" for _, head, figure, unit in parts if figure)


def _from_land(distance_m: object) -> Text:
    """How far outside the highway land it begins."""
    shown = values.number(distance_m, 1)
    return ("伸入公路用地", "reaches into highway land") if shown == "0.0" else shown


def _county(row: Mapping[str, Any]) -> Text:
    county = values.text(row.get("counties")) or values.text(row.get("county_name"))
    near = row.get("near_border")
    return (f"{county}（邻近县界）", f"{county} (near the border)") if not values.is_null(near) and near else county


def _asset(row: Mapping[str, Any]) -> Text:
    name, distance = values.text(row.get("asset_name")), values.number(row.get("asset_distance_m"))
    sort = _said(style.ASSET_KINDS, row.get("asset_kind"))
    pair = (sort, sort) if isinstance(sort, str) else (sort[0], sort[1])
    said = [" ".join(filter(None, (word, name, f"{distance} m" if distance else ""))) for word in pair]
    return (said[0], said[1]) if said[0] != said[1] else said[0]


def _seen(case: Mapping[str, Any]) -> Text:
    word, day = terms.SIGHTS.get(values.text(case.get("sight"))), values.day(case.get("sight_on"))
    return (f"{word.zh} {day}".strip(), f"{word.en} {day}".strip()) if word else ""


def _doubts(case: Mapping[str, Any]) -> Text:
    """What somebody still has to look at in the case."""
    told = [
        ("外业结论与已有结论冲突", "a verdict contradicts another one") if case.get("conflict") else None,
        ("当事方申请更正", "a correction is asked for") if case.get("objection") == "open" else None,
        ("复核不同意不属实结论", "an audit disagreed with the dismissal") if case.get("audit") == "disagreed" else None,
    ]
    said = [pair for pair in told if pair]
    return ("；".join(zh for zh, _ in said), "; ".join(en for _, en in said)) if said else ""


def _all_said(words: Mapping[str, Word], codes: object) -> Text:
    said = [style.word(words, code) for code in values.text(codes).split(";") if code]
    return ("；".join(word.zh for word in said), "; ".join(word.en for word in said)) if said else ""


def _said(words: Mapping[str, Word], value: object) -> Text:
    name = values.text(value)
    return style.word(words, name) if name else ""
