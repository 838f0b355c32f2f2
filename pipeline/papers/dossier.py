"""The dossier of a road section (路域环境调查档案): all cases along it by stake, figures, coverage, assets, a strip sketch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from ..errors import LuyuError
from ..model.kinds import Status
from ..model.stake import Stake
from ..reports import coverage as seen_of
from ..reports import style, values
from ..reports.pages import records
from . import sketch, words
from .source import settled
from .templates import Picture, render

_STRIP_CM = 25.0
_NEAR_ASSET_M = 50.0
_END_M = 50.0  # road beyond the first and last case where no section is named


def dossier(
    cases: gpd.GeoDataFrame,
    *,
    route: str,
    section: tuple[Stake, Stake] | None = None,
    where: str = "",
    as_of: dt.date,
    coverage: pd.DataFrame | None = None,
    templates: Path | None = None,
) -> bytes:
    """The dossier as the bytes of a .docx file.

    ``cases``: rows of ``source.cases``; those of other routes, or outside ``section`` (both ends counted), are left out.
    ``where``: the county's name, for the heading. ``as_of``: the day that it is dated with. ``coverage``: the rows of a
    run's coverage.csv for this route. LuyuError when no case is left.
    """
    rows = _along(cases, route, section)
    if not rows:
        stretch = f" {section[0]}～{section[1]}" if section else ""
        raise LuyuError(f"dossier: no case on {route}{stretch}; 'luyu cases list' shows routes and stakes")
    ends = (section[0].measure_m, section[1].measure_m) if section else _ends(rows)
    stretch = f"{Stake(ends[0])}～{Stake(ends[1])}" if section else "全线"
    fields = {
        "title": "路域环境调查档案",
        "mark": f"草稿　{style.INTERNAL.zh}",
        "foot": f"{style.DISCLAIMER.zh}；经核查属实的以执法文书为准（{style.DISCLAIMER.en}）",
        "section": "　".join(filter(None, (where, route, stretch))),
        "as_of": words.day_zh(as_of.isoformat()),
        "summary": _summary(rows),
        "by_kind": f"按类型：{_counted(words.kind({'kind': row.get('kind')}) for row in rows)}。",
        "by_status": f"按状态：{_counted(words.fields(row)['status'] for row in rows)}。",
        "coverage": _coverage(coverage, whole=section is None),
        "assets": _assets(rows),
        "strip": Picture(sketch.strip(route, *ends, _marks(rows)), _STRIP_CM),
        "rows": [words.fields(row) | {"n": str(n)} for n, row in enumerate(rows, start=1)],
    }
    return render("dossier", fields, created=as_of, folder=templates)


def _along(cases: gpd.GeoDataFrame, route: str, section: tuple[Stake, Stake] | None) -> list[dict[str, Any]]:
    """Cases of the route that reach into the section, by stake; without a section also those whose stake is unknown."""
    rows = [row | {"_span": words.span_m(row)} for row in records(cases) if values.text(row.get("route_code")) == route]
    if section is not None:
        low, high = section[0].measure_m, section[1].measure_m
        rows = [row for row in rows if row["_span"] and row["_span"][0] <= high and row["_span"][2] >= low]
    return sorted(rows, key=words.in_order)


def _ends(rows: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    spans = [row["_span"] for row in rows if row["_span"]]
    if not spans:
        return 0.0, 1000.0
    return max(0.0, min(span[0] for span in spans) - _END_M), max(span[2] for span in spans) + _END_M


def _marks(rows: Iterable[Mapping[str, Any]]) -> list[sketch.Mark]:
    marks = []
    for n, row in enumerate(rows, start=1):
        if row["_span"]:
            begin, middle, end = row["_span"]
            side, kind = values.text(row.get("side")), values.text(row.get("kind"))
            marks.append(sketch.Mark(n, middle, begin, end, side, kind, settled(row.get("status"))))
    return marks


def _summary(rows: list[dict[str, Any]]) -> str:
    done = sum(settled(row.get("status")) for row in rows)
    judged = [row for row in rows if words.confirmed(row) or values.text(row.get("status")) == Status.DISMISSED]
    confirmed = sum(map(words.confirmed, rows))
    overdue = sum(row.get("overdue") is True for row in rows)
    again = sum(bool(row.get("repeats")) for row in rows)
    parts = [
        f"本路段案件 {len(rows)} 件：未了结 {len(rows) - done} 件，已了结 {done} 件",
        f"已核查 {len(judged)} 件，其中属实 {confirmed} 件",
        f"逾期 {overdue} 件",
        f"复发 {again} 件",
    ]
    return "；".join(parts) + "。"


def _counted(names: Iterable[str]) -> str:
    counts = pd.Series([name or "未注明" for name in names]).value_counts(sort=False)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return "，".join(f"{name} {count} 件" for name, count in ordered)


def _coverage(coverage: pd.DataFrame | None, *, whole: bool) -> str:
    if coverage is None or coverage.empty:
        return "观测情况：未提供本期影像任务，未列；未观测路段不等于没有问题。"
    due, seen = (float(coverage[name].sum()) for name in ("km_due", "km_observed"))
    why = seen_of.km_by_cause(coverage)
    missed = "；".join(f"{seen_of.look(name).zh} {km:.2f} km" for name, km in why.items())
    share = f"（{100 * seen / due:.0f}%）" if due > 0 else ""
    tail = f"；未观测：{missed}，未观测路段不等于没有问题" if missed else ""
    scope = "" if whole else "（该路线全程，不限于本路段）"
    return f"观测情况{scope}：应观测 {due:.2f} km，已观测 {seen:.2f} km{share}{tail}。"


def _assets(rows: Iterable[Mapping[str, Any]]) -> str:
    """Assets that a case is said to harm or that it lies beside, with the numbers of the cases."""
    touched: dict[str, list[str]] = {}
    for n, row in enumerate(rows, start=1):
        distance = values.number(row.get("asset_distance_m"), 1)
        if values.text(row.get("impact")) or (distance and float(distance) <= _NEAR_ASSET_M):
            said = words.asset(row)
            touched.setdefault(said.split("，")[0], []).append("，".join((f"序号 {n}", *said.split("，")[1:])))
    if not touched:
        return f"涉及设施：无（{_NEAR_ASSET_M:.0f} m 内无在册设施，或未提供设施资料）。"
    return "涉及设施：" + "；".join(f"{name}（{'；'.join(cases)}）" for name, cases in touched.items()) + "。"
