"""What a case says in a paper: every fact as Chinese text under a fixed name, the fields that templates may use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import StakeError
from ..model.kinds import Status
from ..reports import style, terms, values

CONFIRMED = frozenset({Status.CONFIRMED, Status.NOTIFIED, Status.RECTIFIED, Status.CLOSED, Status.REVISITED})
"""Statuses in which an officer has said that it is so."""
BLANK = "　　　　"
"""A place to be filled in by hand."""
LINE = "＿" * 10
"""A line to be filled in by hand."""
DRAFT = "草稿，经审核签发后生效；卫星影像仅为疑似线索，以现场核查为准；本件不是行政处罚决定"
_MOST_TERMS = 6


def confirmed(row: Mapping[str, Any]) -> bool:
    """Whether an officer has confirmed the case."""
    return values.text(row.get("status")) in CONFIRMED


def kind(row: Mapping[str, Any]) -> str:
    """The kind's name: 疑似 before it until an officer has confirmed."""
    name = style.kind_style(values.text(row.get("kind"))).zh
    return name.removeprefix("疑似") if confirmed(row) else name


def fields(row: Mapping[str, Any]) -> dict[str, str]:
    """All facts of one case as texts; empty where nothing is known.

    ``row``: columns of FINDINGS and of the ledger's list of cases, any of them missing; what the newest image says of the
    case (the list's ``sight``) stands under ``seen``, since a finding's ``sight`` is about the view of drivers.
    """
    zone, member, side, status = (values.text(row.get(name)) for name in ("zone", "membership", "side", "status"))
    level, cues = confidence(row)
    county = next(
        (text for name in ("counties", "county_name", "county_code") if (text := values.text(row.get(name)))), ""
    )
    township = values.text(row.get("township_name"))
    return {
        "no": values.text(row.get("case_no")) or values.text(row.get("finding_id")),
        "kind": kind(row),
        "status": style.word(style.STATUS, status).zh if status else "",
        "route": values.text(row.get("route_code")),
        "stake": values.stake_range(row),
        "stake_at": values.text(row.get("stake")),
        "side": style.word(style.SIDES, side).zh if side else "",
        "offset": _with_unit(values.number(row.get("offset_m"), 1), " m"),
        "county": county,
        "township": township,
        "area_of": f"{county} {township}".strip(),
        "lon": values.number(row.get("lon"), 6),
        "lat": values.number(row.get("lat"), 6),
        "zone": style.zone_style(zone).zh if zone else "",
        "membership": style.word(style.MEMBERSHIP, member).zh if member else "",
        "why": values.why_member(row).zh,
        "area": values.number(row.get("area_m2")),
        "size": size(row),
        "last_absent": values.day(row.get("last_absent")),
        "first_seen": values.day(row.get("first_seen")) or values.day(row.get("opened_on")),
        "confirmed_on": values.day(row.get("confirmed_on")),
        "scenes": "；".join(filter(None, (values.text(row.get(name)) for name in ("scene_before", "scene_after")))),
        "law": values.text(row.get("law")),
        "permit": permit(row),
        "asset": asset(row),
        "addressee": values.text(row.get("addressee")),
        "next_step": values.text(row.get("next_step")),
        "confidence": level,
        "confidence_terms": cues,
        "priority": values.number(row.get("priority")),
        "priority_terms": priority_terms(row),
        "due": values.day(row.get("due_on")),
        "overdue": "已逾期" if row.get("overdue") is True else "",
        "repeats": values.text(row.get("repeats")) if row.get("repeats") else "",
        "seen": _sight(row),
        "advisory": style.word(style.SIGHT, values.text(row.get("sight"))).zh,
        "caveat": style.CAVEATS[values.text(row.get("kind"))].zh
        if values.text(row.get("kind")) in style.CAVEATS
        else "",
    }


def size(row: Mapping[str, Any]) -> str:
    """``138 m²，长 12.9 m，宽 10.7 m``."""
    parts = (
        _with_unit(values.number(row.get("area_m2")), " m²"),
        _with_unit(values.number(row.get("length_m"), 1), " m", "长 "),
        _with_unit(values.number(row.get("width_m"), 1), " m", "宽 "),
    )
    return "，".join(filter(None, parts))


def permit(row: Mapping[str, Any]) -> str:
    """The permit's number and what it says; that none was found where there is none."""
    number, state = values.text(row.get("permit_no")), values.text(row.get("permit_state"))
    shown = " ".join(filter(None, (number, f"（{style.word(style.PERMIT_STATES, state).zh}）" if state else "")))
    return shown or "已有许可资料中未查到"


def asset(row: Mapping[str, Any]) -> str:
    """The nearest asset, how far it is and what happens to it."""
    name, sort = values.text(row.get("asset_name")), values.text(row.get("asset_kind"))
    if not name and not sort:
        return ""
    impacts = [style.word(style.IMPACTS, code).zh for code in values.text(row.get("impact")).split(";") if code]
    distance = _with_unit(values.number(row.get("asset_distance_m")), " m", "距 ")
    return "，".join(
        filter(None, (f"{style.word(style.ASSET_KINDS, sort).zh if sort else ''}{name}", distance, *impacts))
    )


def evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    """The statistics behind the case as a dict; empty when there are none or they are no JSON."""
    raw = row.get("evidence")
    try:
        parsed = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        return {}
    return dict(parsed) if isinstance(parsed, Mapping) else {}


def confidence(row: Mapping[str, Any]) -> tuple[str, str]:
    """How sure the image reading is, in words, and the terms that it rests on, weightiest first."""
    figure = row.get("confidence")
    shown = values.number(figure, 2)
    if not shown:
        return "未给出", ""
    level = terms.level(float(shown)).zh
    weighed = list(terms.weighed(evidence(row)).items())[:_MOST_TERMS]
    told = "，".join(f"{style.word(terms.CUES, name).zh} {values.number(value, 2)}" for name, value in weighed)
    shown = "大于 0.99" if float(shown) > 0.99 else shown
    return f"{level}（{shown}，{terms.NO_PROBABILITY.zh}）", told


def priority_terms(row: Mapping[str, Any]) -> str:
    """What the priority is made of, points each, those that add nothing left out."""
    told = terms.points(evidence(row)).items()
    return "，".join(f"{style.word(terms.PRIORITY, name).zh} {values.number(points, 1)}" for name, points in told)


def deadline(rows: Sequence[Mapping[str, Any]]) -> str:
    """The one day by which all are due; a reference to the table where days differ; a blank to fill where none is set."""
    days = {values.day(row.get("due_on")) for row in rows}
    if days == {""} or not days:
        return f"{BLANK}年{BLANK}月{BLANK}日前"
    if len(days) == 1:
        return f"{day_zh(days.pop())}前"
    return "下表所列期限前"


def day_zh(day: str) -> str:
    """``2024年12月5日`` of an ISO day.

    >>> day_zh("2024-12-05")
    '2024年12月5日'
    """
    year, month, date = (int(part) for part in day.split("-"))
    return f"{year}年{month}月{date}日"


def span_m(row: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Begin, middle and end of a case along its route in metres of stake; None where no stake of it can be read.

    >>> span_m({"stake_from": "K1+200", "stake": "K1+210", "stake_to": "K1+220"}), span_m({"stake": "?"})
    ((1200.0, 1210.0, 1220.0), None)
    """
    known = [metres for name in ("stake_from", "stake", "stake_to") if (metres := _metres(row.get(name))) is not None]
    if not known:
        return None
    middle = _metres(row.get("stake"))
    return min(known), (min(known) + max(known)) / 2 if middle is None else middle, max(known)


def in_order(row: Mapping[str, Any]) -> tuple[str, float, str]:
    """What cases are sorted by: route, where they begin along it (unknown last), number."""
    span = span_m(row)
    number = values.text(row.get("case_no")) or values.text(row.get("finding_id"))
    return values.text(row.get("route_code")), span[0] if span else math.inf, number


def _metres(label: object) -> float | None:
    try:
        return values.stake_m(values.text(label))
    except StakeError:
        return None


def _sight(row: Mapping[str, Any]) -> str:
    said = values.text(row.get("seen"))
    day = values.day(row.get("sight_on"))
    shown = terms.SIGHTS[said].zh if said in terms.SIGHTS else ""
    return f"{shown}（{day}）" if shown and day else shown


def _with_unit(figure: str, unit: str, head: str = "") -> str:
    return f"{head}{figure}{unit}" if figure else ""
