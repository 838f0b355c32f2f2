"""A scorecard: the numbers, as a table, as JSON and as text for a terminal."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

ALL = "all"

#: Columns of the terminal's two tables and their headers.
_OBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "due": "应有 due",
        "found": "检出 found",
        "tp": "命中 TP",
        "fp": "误报 FP",
        "fn": "漏报 FN",
        "not_due": "不计 n/d",
        "precision": "准确率 precision",
        "recall": "召回率 recall",
        "f1": "F1",
    }
)
_PLACES: Mapping[str, str] = MappingProxyType(
    {
        "area_precision": "面积准确率 area P",
        "area_recall": "面积召回率 area R",
        "area_f1": "面积F1",
        "area_iou": "面积IoU",
        "median_iou": "中位IoU",
        "position_error_m": "位置误差 m",
        "stake_error_m": "桩号误差 m",
        "zone_agreement": "区域一致 zone",
        "side_agreement": "侧别一致 side",
        "county_agreement": "县一致 county",
        "false_per_km": "误报/km",
    }
)
_WITH_BOUNDS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Scorecard:
    """Scores of findings against truth.

    ``table`` has the row ``all`` and one for each group (index level ``group`` with the names of ``by`` joined by
    ``/``); ``pairs`` one row for each hit (labels of finding and truth, ``iou``, ``position_error_m``, ...);
    ``notes`` says in words what was left out and why.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    by: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """The scorecard as JSON text; what cannot be computed is null, never NaN."""
        rows = [
            {"group": group} | {str(name): _plain(value) for name, value in row.items()}
            for group, row in zip(self.table.index, self.table.to_dict("records"), strict=True)
        ]
        card = {"by": list(self.by), "scores": rows, "notes": list(self.notes)}
        return json.dumps(card, ensure_ascii=False, indent=2, allow_nan=False)

    def text(self) -> str:
        """Two aligned tables for a terminal, with the 95 % intervals, and the notes."""
        head = "/".join(self.by) if self.by else ""
        parts = [self._block(head, _OBJECTS), self._block(head, _PLACES), *self.notes]
        return "\n\n".join(part for part in parts if part)

    def _block(self, head: str, headers: Mapping[str, str]) -> str:
        shown = {name: text for name, text in headers.items() if self.table[name].notna().any()}
        if not shown:
            return ""
        lines = [[head, *shown.values()]]
        for group, row in self.table.iterrows():
            lines.append([str(group), *(_cell(row, name) for name in shown)])
        wide = [max(_width(line[place]) for line in lines) for place in range(len(lines[0]))]
        return "\n".join(
            "  ".join(_padded(text, wide[place], left=place == 0) for place, text in enumerate(line)).rstrip()
            for line in lines
        )


def _cell(row: pd.Series, name: str) -> str:
    value = row[name]
    if pd.isna(value):
        return "–"
    if name in _WITH_BOUNDS:
        return f"{value:.3f} ({row[name + '_low']:.2f}–{row[name + '_high']:.2f})"
    return f"{value:.0f}" if float(value).is_integer() and name in _OBJECTS else f"{value:.3f}"


def _plain(value: object) -> object:
    number = value.item() if hasattr(value, "item") else value
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _width(text: str) -> int:
    """Columns of a terminal that a text takes; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, width: int, *, left: bool) -> str:
    blank = " " * (width - _width(text))
    return text + blank if left else blank + text
