"""Draft notices: a request to check clues (线索核查), and a term to put right what officers have confirmed (限期整改).

Neither is one of the 24 enforcement forms (交通运输行政执法文书式样, 2021): the first asks a unit to look, the
second is the coordination notice that a county brigade sends to a township. Whoever signs fills what stays blank.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from pydantic import Field

from ..errors import LuyuError
from ..geo.crs import metric_crs
from ..model import kinds
from ..model.kinds import Status
from ..model.options import Options
from ..reports import style, values, watched
from ..reports.pages import records
from . import sketch, words
from .evidence import NONE_KEPT, View
from .sketch import Surroundings
from .templates import Picture, render

_MOST_SPOTS = 30
_SETTING_A_TERM = frozenset({Status.CONFIRMED, Status.NOTIFIED})
_GROUND = "界线依据为推算的，须以县级人民政府公告的建筑控制区或实测公路用地为准；划定前依法建成的，不按违法建筑处理。"
_MOST_STAKES = 8  # more of them would write over one another; the numbers lead to the table
_SKETCH_CM = 12.0


class NoticeForm(StrEnum):
    """What the notice asks for."""

    CHECK = "check"  # 线索核查
    RECTIFY = "rectify"  # 限期整改


class NoticeOptions(Options):
    """Who writes to whom; what is left empty stays a blank to fill in by hand."""

    addressee: str = Field(
        default="", max_length=200, description="Unit that receives the notice; empty leaves a blank."
    )
    sender: str = Field(default="", max_length=200, description="Unit that sends the notice; empty leaves a blank.")
    contact: str = Field(
        default="", max_length=200, description="Office and duty telephone of the sender; empty leaves a blank."
    )
    picture_cm: float = Field(default=7.5, gt=1, le=15, description="Width of a before or after picture, cm.")


def notice(
    cases: gpd.GeoDataFrame,
    *,
    form: NoticeForm = NoticeForm.CHECK,
    created: dt.date,
    options: NoticeOptions | None = None,
    pictures: Mapping[str, tuple[View, View]] | None = None,
    around: Surroundings | None = None,
    hot_spots: pd.DataFrame | None = None,
    templates: Path | None = None,
) -> bytes:
    """The draft as the bytes of a .docx file: one case, or all stretches of one unit; the same input, the same bytes.

    ``cases``: rows of FINDINGS, or of ``source.cases``, in any CRS; those with a permit are left out. ``created``: the day for
    the file's properties (the notice itself is dated by hand). ``pictures``: by ``case_no`` or ``finding_id``; where given at
    all, the paper says of which cases none is kept. ``around``: roads for the sketch, in the CRS that the sketch is drawn in.
    ``hot_spots``: HOT_SPOTS of the unit that is written to.
    Raises LuyuError when nothing is left to write about, or when a term is to be set for a case that no officer has confirmed.
    """
    options = options or NoticeOptions()
    rows = _listed(cases)
    if form is NoticeForm.RECTIFY:
        unchecked = [_name(row) for row in rows if values.text(row.get("status")) not in _SETTING_A_TERM]
        if unchecked:
            raise LuyuError(
                f"cannot set a term for {', '.join(unchecked[:5])}: not confirmed by an officer; "
                "record the verdict first (luyu cases verdict CASE_NO --confirm), or write a notice to check"
            )
    laws = {law: n for n, law in enumerate(dict.fromkeys(filter(None, (values.text(r.get("law")) for r in rows))), 1)}
    shown = [
        words.fields(row) | {"n": str(n), "law": str(laws.get(values.text(row.get("law")), ""))}
        for n, row in enumerate(rows, start=1)
    ]
    pairs, without = _pairs(rows, pictures, options)
    suspected = form is NoticeForm.CHECK
    fields = {
        "title": title(rows, form),
        "mark": f"草稿　{style.INTERNAL.zh}",
        "foot": f"{style.DISCLAIMER.zh}（{style.DISCLAIMER.en}）" if suspected else words.DRAFT,
        "addressee": options.addressee or words.LINE,
        "sender": options.sender or words.BLANK * 3,
        "contact": options.contact or words.LINE,
        "body": _body(rows, form),
        "rows": shown,
        "laws": [{"n": str(n), "text": law} for law, n in laws.items()],
        "spots": _spots(hot_spots),
        "note": f"{style.DISCLAIMER.zh}。{_GROUND}" if suspected else _GROUND,
        "sketch": _sketch(rows, cases, around),
        "pairs": pairs,
        "without": without,
    }
    return render("notice", fields, created=created, folder=templates)


def title(rows: Sequence[Mapping[str, Any]], form: NoticeForm) -> str:
    """The notice's name: the one that brigades use where all is grain drying, a general one otherwise."""
    if form is NoticeForm.CHECK:
        return "公路路域疑似线索核查通知书"
    grain = {values.text(row["kind"]) for row in rows} == {kinds.GRAIN_DRYING}
    return "禁打禁晒限期整改通知书" if grain else "公路路域问题限期整改通知书"


def _listed(cases: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Cases without a permit as records in the order of route and stake, as somebody drives along."""
    rows = [row for row in records(cases) if values.text(row.get("status")) != Status.PERMITTED]
    if not rows:
        raise LuyuError("no finding to write a notice about: the table is empty or all have permits")
    return sorted(rows, key=words.in_order)


def _name(row: Mapping[str, Any]) -> str:
    return values.text(row.get("case_no")) or values.text(row.get("finding_id"))


def _body(rows: Sequence[Mapping[str, Any]], form: NoticeForm) -> str:
    until = words.deadline(rows)
    if form is NoticeForm.RECTIFY:
        return (
            f"经执法人员现场核查，你辖区公路沿线下列 {len(rows)} 处问题属实（见下表）。"
            f"请于{until}组织整改，并书面反馈整改情况。逾期未整改的，依法处理。"
        )
    seen = sorted(filter(None, (words.fields(row)["first_seen"] for row in rows)))
    days = "至".join(dict.fromkeys((seen[0], seen[-1]))) if seen else words.BLANK
    return (
        f"经 {days} 卫星影像比对，发现你辖区公路沿线疑似线索 {len(rows)} 处（见下表）。"
        "线索由影像自动识别，未经现场核实。"
        f"请于{until}由两名以上执法人员现场核查，核对许可、建成时间与权属，反馈核查结果及现场照片（注明方位角）。"
    )


def _spots(hot_spots: pd.DataFrame | None) -> list[dict[str, str]]:
    """Where it recurs, so that a township keeps watch there and offers another place in time."""
    if hot_spots is None or hot_spots.empty:
        return []
    names = watched.HOT_SPOTS
    return [dict(zip(names, row, strict=True)) for row in watched.rows(hot_spots, names, _MOST_SPOTS)]


def _pairs(
    rows: Sequence[Mapping[str, Any]], pictures: Mapping[str, tuple[View, View]] | None, options: NoticeOptions
) -> tuple[list[dict[str, Any]], str]:
    """Pictures under the numbers of the table, and the line that says of which cases none is kept."""
    if pictures is None:
        return [], ""
    pairs, lacking = [], []
    for n, row in enumerate(rows, start=1):
        views = pictures.get(values.text(row.get("case_no"))) or pictures.get(values.text(row.get("finding_id")))
        if views is None or all(view.content is None for view in views):
            lacking.append(str(n))
            continue
        before, after = views
        place = f"{values.text(row.get('route_code'))} {values.stake_range(row)}　{words.kind(row)}"
        pairs.append(
            {"n": str(n), "place": place, "before": before.field(options.picture_cm), "after": after.field(options.picture_cm)}
            | {"before_day": before.day, "after_day": after.day}
        )  # fmt: skip
    if len(lacking) == len(rows):
        return [], f"上列各处均{NONE_KEPT}。"
    return pairs, f"序号 {'、'.join(lacking)} {NONE_KEPT}。" if lacking else ""


def _sketch(rows: Sequence[Mapping[str, Any]], cases: gpd.GeoDataFrame, around: Surroundings | None) -> Picture | str:
    """All places with their numbers; without roads to find them by, with their stakes too."""
    shapes = gpd.GeoSeries([row.get(cases.geometry.name) for row in rows], crs=cases.crs)
    if cases.crs is None or shapes.isna().any():
        return ""
    around = around or Surroundings(int(metric_crs(cases).to_epsg() or 0))
    places = shapes.to_crs(around.epsg).centroid
    names = [str(n) for n in range(1, len(rows) + 1)]
    if around.roads is None and len(rows) <= _MOST_STAKES:
        names = [
            f"{n} {values.text(row.get('route_code'))} {values.text(row.get('stake'))}"
            for n, row in zip(names, rows, strict=True)
        ]
    return Picture(sketch.of_many([(p.x, p.y) for p in places], names, around), _SKETCH_CM)
