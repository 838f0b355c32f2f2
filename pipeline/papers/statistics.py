"""What the public may be told: counts by township, small ones hidden, under the number of the map's approval (审图号).

No case, no place, no picture, no sketch. 地图管理条例 15 to 19; 个人信息保护法 4, 51.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ..model.audience import SMALLEST_COUNT, Audience, admitted
from ..model.kinds import Status
from ..reports import values
from ..reports.pages import records
from . import words
from .templates import render

_RECTIFIED = frozenset({Status.RECTIFIED, Status.CLOSED, Status.REVISITED})
_FEW = f"少于{SMALLEST_COUNT}"
_COUNTS = ("cases", "confirmed", "rectified")


def statistics(
    cases: pd.DataFrame, *, where: str, as_of: dt.date, map_approval: str, templates: Path | None = None
) -> bytes:
    """The paper as the bytes of a .docx file.

    ``cases``: rows of ``source.cases``; ``where``: name of the area, for the heading. Counts below ``SMALLEST_COUNT`` are
    only said to be small, and a sum is only given where nothing can be subtracted from it. LuyuError without an approval number.
    """
    admitted(Audience.PUBLIC, map_approval)
    table = by_township(cases)
    rows: list[dict[str, Any]] = [
        {"county": row["county"], "township": row["township"]} | {name: _shown(row[name]) for name in _COUNTS}
        for row in table.to_dict("records")
    ]
    hidden = {name: any(0 < count < SMALLEST_COUNT for count in table[name]) for name in _COUNTS}
    sums = {name: "—" if hidden[name] else str(int(table[name].sum())) for name in _COUNTS}
    rows.append({"county": "合计", "township": "", **sums})
    fields = {
        "title": "公路路域环境治理统计",
        "mark": "公开",
        "foot": "统计数据，不指向任何单个地点或当事人",
        "area": where,
        "as_of": words.day_zh(as_of.isoformat()),
        "rows": rows,
        "notes": [
            f"注：疑似线索由影像自动识别，须经现场核查；少于 {SMALLEST_COUNT} 件的不列具体数，所在列不列合计（“—”）。",
            "核查属实：执法人员现场核查认定属实的累计件数。已整改：其中已整改或办结的件数。",
        ],
        "map_approval": map_approval.strip(),
    }
    return render("statistics", fields, created=as_of, folder=templates)


def by_township(cases: pd.DataFrame) -> pd.DataFrame:
    """``county, township, cases, confirmed, rectified``, one row a township, in order of their names; permitted ones left out."""
    status = pd.Series([values.text(value) for value in cases["status"]], dtype=object)
    counted = pd.DataFrame(
        {
            "county": [_county(row) for row in records(cases)],
            "township": [values.text(name) or "未定乡镇" for name in values.column(cases, "township_name")],
            "cases": (status != Status.PERMITTED).to_numpy(int),
            "confirmed": status.isin(words.CONFIRMED).to_numpy(int),
            "rectified": status.isin(_RECTIFIED).to_numpy(int),
        }
    )
    return counted.groupby(["county", "township"], sort=True, as_index=False)[list(_COUNTS)].sum()


def _county(row: Mapping[str, Any]) -> str:
    return values.text(row.get("county_name")) or values.text(row.get("county_code")) or "未定县区"


def _shown(count: int) -> str:
    return _FEW if 0 < count < SMALLEST_COUNT else str(int(count))
