"""The package as a workbook: rows with drop-downs, everything else locked, and the codes on a second sheet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ..reports import style, values
from .rows import CODES, FILLED_IN, KEPT, TITLES, TOLD, Column
from .verdict import CHINA

ROWS_SHEET, CODES_SHEET = "核查", "代码"
_WHICH = ("case_no", "kind", "route_code", "stake", "side", "township_name")
_FIRST = (*(column for column in TOLD if column.name in _WHICH), *FILLED_IN)
COLUMNS: tuple[Column, ...] = (*_FIRST, *(column for column in TOLD if column not in _FIRST), *KEPT)
"""In the order of the sheet: which case, what is to be filled in, what else is told, and, hidden, what the way back needs."""

_LONGEST = 32_000  # Excel cuts a cell at 32 767
_CODES_ROW = 8
_WIDE = {
    "case_no": 30,
    "kind": 12,
    "route_code": 9,
    "side": 6,
    "township_name": 10,
    "why": 44,
    "law": 34,
    "next_step": 34,
}
# Never a formula, never a link: what stands in a name stays text.
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_PERMITTED = {"format_cells": True, "format_columns": True, "format_rows": True, "sort": True, "autofilter": True}


def write_workbook(path: Path, rows: Sequence[Mapping[str, Any]], exported_at: dt.datetime) -> None:
    """Write ``cases.xlsx``: ``rows`` of `rows.package_rows` on the first sheet, one row each under the heading."""
    with xlsxwriter.Workbook(path, _SAFE) as book:
        # A file property has no time zone; it is China's time, as everything that officers read.
        stamp = exported_at.astimezone(CHINA).replace(tzinfo=None)
        book.set_properties({"title": "路域线索现场核查表", "comments": style.DISCLAIMER.zh, "created": stamp})
        formats = {
            "head": book.add_format(
                {"bold": True, "bg_color": "#DCE6EE", "border": 1, "text_wrap": True, "valign": "top"}
            ),
            "fill": book.add_format(
                {"bold": True, "bg_color": "#FFF2CC", "border": 1, "text_wrap": True, "valign": "top"}
            ),
            "open": book.add_format({"locked": False, "bg_color": "#FFFBEE", "border": 1, "num_format": "@"}),
            "day": book.add_format({"locked": False, "bg_color": "#FFFBEE", "border": 1, "num_format": "yyyy-mm-dd"}),
            "figure": book.add_format({"locked": False, "bg_color": "#FFFBEE", "border": 1}),
        }
        sheet = book.add_worksheet(ROWS_SHEET)
        _rows_sheet(sheet, rows, formats)
        _codes_sheet(book.add_worksheet(CODES_SHEET), stamp, formats["head"])


def _rows_sheet(sheet: Worksheet, rows: Sequence[Mapping[str, Any]], formats: Mapping[str, Format]) -> None:
    filled_in = {column.name for column in FILLED_IN}
    for col, column in enumerate(COLUMNS):
        sheet.write_string(0, col, column.zh, formats["fill" if column.name in filled_in else "head"])
        hidden = {"hidden": True} if column in KEPT else {}
        sheet.set_column(col, col, _WIDE.get(column.name, column.width), None, hidden)
        for at, row in enumerate(rows, start=1):
            if column.name in filled_in:
                look = {"DATE": "day", "DOUBLE": "figure"}.get(column.type, "open")
                sheet.write_blank(at, col, None, formats[look])
            else:
                _write(sheet, at, col, row.get(column.name))
    if rows:
        _validate(sheet, len(rows))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(rows), 1), len(COLUMNS) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.print_area(0, 0, max(len(rows), 1), len(_FIRST) - 1)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{style.INTERNAL.zh}&C{style.DISCLAIMER.zh}&R&P/&N")
    sheet.protect("", _PERMITTED)  # against slips of the hand, not against malice: there is no password


def _write(sheet: Worksheet, row: int, col: int, value: object) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(row, col, value)
    elif text := values.text(value):
        sheet.write_string(row, col, text[:_LONGEST])


def _validate(sheet: Worksheet, count: int) -> None:
    names = [column.name for column in COLUMNS]
    for number, (name, words) in enumerate(CODES.items()):
        col = names.index(name)
        letter, first = "AD"[number], _CODES_ROW + 2
        sheet.data_validation(1, col, count, col, {
            "validate": "list",
            "source": f"='{CODES_SHEET}'!${letter}${first}:${letter}${first + len(words) - 1}",
            "error_title": TITLES[name], "error_message": f"请从下拉列表选择，列表见“{CODES_SHEET}”表。",
        })  # fmt: skip
    col = names.index("checked_on")
    sheet.data_validation(1, col, count, col, {
        "validate": "date", "criteria": ">=", "value": dt.date(2000, 1, 1),
        "error_title": TITLES["checked_on"], "error_message": "请填写日期，如 2024-11-05。",
    })  # fmt: skip


def _codes_sheet(sheet: Worksheet, stamp: dt.datetime, head: Format) -> None:
    """How to fill in, and the words of the drop-downs with their codes."""
    lines = (
        f"{style.DISCLAIMER.zh}；{style.INTERNAL.zh}。",
        f"导出时间：{stamp:%Y-%m-%d %H:%M}（北京时间）",
        "只填黄色各列。没有到现场核查的，结论留空。",
        "结论为“不属实”的必须选原因；“属实”“已整改”的原因留空。",
        "备注不得填写姓名、电话、身份证号、车牌号等个人信息；“核查人”填执法人员姓名或单位。",
        "照片放入同一文件夹的 photos 内，“照片”列填文件名，多张用分号隔开。",
        "不要删除列或改列名；隐藏的“版本”“导出时间”两列供导入核对，勿改。",
    )
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, line)
    sheet.set_column(0, 4, 26)
    for number, (name, words) in enumerate(CODES.items()):
        first = 3 * number
        for col, title in enumerate((TITLES[name], "代码")):
            sheet.write_string(_CODES_ROW, first + col, title, head)
        for row, (code, zh) in enumerate(words.items(), start=_CODES_ROW + 1):
            sheet.write_string(row, first, zh)
            sheet.write_string(row, first + 1, code)
    sheet.fit_to_pages(1, 0)
    sheet.protect("")
