"""The clue sheet (核查单): one case on one page, as a number-plate photo is: what, where, when, why, and room for what is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

from ..ledger.lifecycle import LABELS, SIGHTINGS, What
from ..ledger.reasons import REASONS, UNDECIDED
from ..reports import style, values
from . import sketch, words
from .evidence import View
from .sketch import Surroundings
from .templates import Picture, render

_PICTURE_CM = 5.5
_MOST_EVENTS = 12
_OUTCOMES = {"agreed": "同意", "disagreed": "不同意", "upheld": "成立", "rejected": "不成立"}


def sheet(
    case: Mapping[str, Any],
    shape: BaseGeometry,
    *,
    views: tuple[View, View],
    around: Surroundings,
    history: Sequence[Mapping[str, Any]] = (),
    photos: Sequence[Any] = (),
    created: dt.date,
    templates: Path | None = None,
) -> bytes:
    """The sheet as the bytes of a .docx file.

    ``case``: a row of ``source.cases``; ``shape``: its footprint in ``around.epsg``; ``history``: events of
    ``ledger.case``; ``photos``: what ``ledger.photos`` keeps. Names of people and free text of events are left out: the
    form may be copied and filed, and needs neither. ``created``: the day for the file's properties.
    """
    before, after = views
    place = f"{values.text(case.get('route_code'))} {values.text(case.get('stake'))}".strip()
    verdict = words.confirmed(case)
    fields = {
        "title": "公路路域问题核查单" if verdict else "公路路域疑似线索核查单",
        "mark": f"草稿　{style.INTERNAL.zh}",
        "foot": words.DRAFT if verdict else f"{style.DISCLAIMER.zh}（{style.DISCLAIMER.en}）",
        "case": words.fields(case),
        "before": before.field(_PICTURE_CM),
        "after": after.field(_PICTURE_CM),
        "before_day": before.day,
        "after_day": after.day,
        "before_scene": before.scene,
        "after_scene": after.scene,
        "sketch": Picture(sketch.of_case(shape, place, around), _PICTURE_CM),
        "history": told(history),
        "photos": _photos(photos),
    }
    return render("sheet", fields, created=created, folder=templates)


def told(history: Sequence[Mapping[str, Any]]) -> str:
    """What happened to a case in one line: acts with their day, sightings of a kind together; no names, no free text.

    >>> told([{"what": "observed", "on_date": "2024-10-21", "detail": {}},
    ...       {"what": "dismissed", "at": "2024-11-02T01:00:00+00:00", "actor": "x", "detail": {"reason": "greenhouse"}}])
    '2024-10-21 影像可见；2024-11-02 核查不属实（大棚）'
    """
    parts: list[tuple[str, str, str]] = []
    for event in history:
        what = values.text(event.get("what"))
        label = LABELS.get(What(what), what) if what in set(What) else what
        day = values.day(event.get("on_date") or event.get("at"))
        detail = event.get("detail")
        note = _note(detail if isinstance(detail, Mapping) else {})
        if parts and what in SIGHTINGS and parts[-1][1:] == (label, note):
            parts[-1] = (f"{parts[-1][0].split('至')[0]}至{day}", label, note)
        else:
            parts.append((day, label, note))
    left = f"（前略 {len(parts) - _MOST_EVENTS} 项）" if len(parts) > _MOST_EVENTS else ""
    return left + "；".join(f"{day} {label}{note}" for day, label, note in parts[-_MOST_EVENTS:])


def _note(detail: Mapping[str, Any]) -> str:
    """What is coded in an event, nothing that somebody typed."""
    known = {**REASONS, **UNDECIDED}
    reason = values.text(detail.get("reason"))
    outcome = values.text(detail.get("outcome"))
    parts = [
        known[reason].zh if reason in known else "其他原因" if reason else "",
        _OUTCOMES.get(outcome, ""),
        f"期限 {values.day(detail['due_on'])}" if values.text(detail.get("due_on")) else "",
    ]
    said = "，".join(filter(None, parts))
    return f"（{said}）" if said else ""


def _photos(photos: Sequence[Any]) -> str:
    """Photos that are kept, by the head of their digest; one without a bearing is called so."""
    if not photos:
        return ""
    shown = (
        f"{photo.sha256[:8]} {'缺方位角' if values.is_null(photo.azimuth_deg) else f'{photo.azimuth_deg:.0f}°'}"
        for photo in photos
    )
    return f"已存 {len(photos)} 张：{'，'.join(shown)}"
