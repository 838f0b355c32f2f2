"""Counties side by side for a month or a quarter (月督查、季通报): each rate with numerator and denominator, and what it means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import LuyuError
from ..ledger.definitions import DEFINITIONS, RATES
from ..ledger.figures import ranked
from ..ledger.period import Period
from ..reports import style, values
from ..reports.pages import records
from . import words
from .templates import render

_SHOWN = ("check", "true", "rectified", "closure", "repeat", "overdue")
_COUNTS = ("opened", "open", "closed_late")
BY = "closure"
"""The rate by which counties are ranked (案件办结率)."""


def ranking(
    figures: pd.DataFrame, period: Period, *, sender: str = "", as_of: dt.date, templates: Path | None = None
) -> bytes:
    """The report as the bytes of a .docx file.

    ``figures``: what ``ledger.figures.county_figures`` gives for ``period``. ``as_of``: the day that the figures are of, and
    that the file is dated with. LuyuError when there is no county.
    """
    if figures.empty:
        raise LuyuError(f"ranking of {period.label_zh}: no county has a case until then; name another period")
    table = ranked(figures, BY)
    fields = {
        "title": f"公路路域环境治理{_sort(period)}通报",
        "mark": f"草稿　{style.INTERNAL.zh}",
        "foot": f"{style.DISCLAIMER.zh}（{style.DISCLAIMER.en}）；工作统计，非官方统计数据",
        "period": f"{period.label_zh}（截至 {words.day_zh(as_of.isoformat())}）",
        "lead": _lead(table),
        "heads": {name: RATES[name].zh for name in _SHOWN} | {name: DEFINITIONS[name].zh for name in _COUNTS},
        "rows": [_row(row) for row in records(table)],
        "notes": _notes(),
        "sender": sender or words.BLANK * 3,
        "contact": words.LINE,
    }
    return render("ranking", fields, created=as_of, folder=templates)


def _sort(period: Period) -> str:
    label = period.label_zh
    return (
        "月督查"
        if label.endswith("月")
        else "季度"
        if label.endswith("季度")
        else "年度"
        if label.endswith("年")
        else ""
    )


def rate(row: Mapping[str, Any], name: str) -> str:
    """``67%（2/3）``; ``—（0/0）`` where there is nothing to divide by: none is neither good nor bad.

    >>> rate({"check_n": 2, "check_of": 3}, "check"), rate({"check_n": 0, "check_of": 0}, "check")
    ('67%（2/3）', '—（0/0）')
    """
    hit, of = int(row[f"{name}_n"]), int(row[f"{name}_of"])
    return f"{100 * hit / of:.0f}%（{hit}/{of}）" if of else "—（0/0）"


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    rank = "" if values.is_null(row["rank"]) else f"{'并列' if row['tied'] else ''}{row['rank']}"
    county = values.text(row.get("county_name")) or values.text(row.get("county_code")) or "未定县区"
    counts = {name: values.number(row[name]) for name in _COUNTS}
    km = values.number(row["per_100_km_of"], 1)
    per_100_km = f"{values.number(row['per_100_km'], 1)}（{counts['opened']}/{km}km）" if km else "—（无里程）"
    return (
        {"rank": rank or "—", "county": county, "per_100_km": per_100_km} | counts | {n: rate(row, n) for n in _SHOWN}
    )


def _lead(table: pd.DataFrame) -> str:
    """Sums over all counties, so that a county sees itself beside the whole."""
    sums = {f"{name}_{part}": int(table[f"{name}_{part}"].sum()) for name in _SHOWN for part in ("n", "of")}
    shares = "，".join(f"{RATES[name].zh} {rate(sums, name)}" for name in _SHOWN)
    return (
        f"本期共 {len(table)} 个县区，新增线索 {int(table['opened'].sum())} 件，"
        f"期末在办 {int(table['open'].sum())} 件。合计：{shares}。"
    )


def _notes() -> list[str]:
    defined = [f"{DEFINITIONS[name].zh}：{DEFINITIONS[name].says_zh}" for name in (*_SHOWN, *_COUNTS, "per_100_km")]
    return [
        "各率均列分子、分母；分母为零的不计，记“—”。",
        f"名次按{RATES[BY].zh}的95%置信下限（威尔逊区间）排列，件数少的不因一两件而居前；分母为零的不排名。",
        *defined,
        "未观测路段不等于没有问题；里程未提供的，每百公里不计。",
    ]
