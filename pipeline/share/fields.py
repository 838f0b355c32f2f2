"""The dictionary of the shared tables: every column and every code in Chinese and English, made from the contracts alone."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd
import xlsxwriter

from ..model.tables import Table
from ..reports import style
from ..reports.gis import neutral
from ..reports.labels import Word
from ..reports.values import text
from . import tables

_UNITS = {"_m2": "m²", "_m": "m", "_px": "px"}
_UNIT_OF = {"lon": "°", "lat": "°", "priority": "0-100"} | dict.fromkeys(
    ("confidence", "zone_probability", "county_share"), "0-1"
)
_HEAD = ("表 table", "字段 field", "类型 type", "单位 unit", "中文", "English", "代码 codes")
_CODE_HEAD = ("表 table", "字段 field", "代码 code", "中文", "English")
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}


@dataclass(frozen=True)
class Field:
    """One column: ``kind`` is a type of the table contracts, ``unit`` empty where it has none."""

    name: str
    kind: str
    unit: str
    zh: str
    en: str
    codes: Mapping[str, Word]
    several: bool = False

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        told: dict[str, Any] = {"name": self.name, "type": self.kind, "unit": self.unit or None}
        told |= {"zh": self.zh, "en": self.en}
        if self.codes:
            told["codes"] = {code: {"zh": word.zh, "en": word.en} for code, word in self.codes.items()}
        if self.several:
            told["separator"] = ";"
        return told


Dictionary = Mapping[str, tuple[Field, ...]]


def fields_of(table: Table, frame: pd.DataFrame) -> tuple[Field, ...]:
    """Every column of the contract; codes in ``frame`` that no vocabulary knows (a plug-in's kind) stand for themselves."""
    return tuple(_field(table.name, name, kind, frame) for name, kind in table.columns.items())


def _field(table: str, name: str, kind: str, frame: pd.DataFrame) -> Field:
    word, known = tables.label(table, name), tables.codes(table, name)
    several = name in tables.SEVERAL
    if known and name in frame.columns:
        cells = frame[name].dropna().astype(str)
        found = cells.str.split(";").explode().str.strip() if several else cells
        known = MappingProxyType({**known, **{code: Word(code, code) for code in sorted(set(found) - {*known, ""})}})
    return Field(name, kind, unit_of(name), word.zh, word.en, known, several)


def unit_of(name: str) -> str:
    """Unit that a column's name tells; empty where it has none."""
    if name.startswith("km_"):
        return "km"
    return _UNIT_OF.get(name) or next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")


def fields_json(dictionary: Dictionary) -> str:
    """The dictionary for machines."""
    told = {
        "tables": {
            name: {
                "title": {"zh": tables.TITLES[name].zh, "en": tables.TITLES[name].en},
                "description": {"zh": tables.SAYS[name].zh, "en": tables.SAYS[name].en},
                "fields": [one.record() for one in fields],
            }
            for name, fields in dictionary.items()
        }
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _rows(dictionary: Dictionary) -> Iterator[tuple[str, ...]]:
    for table, fields in dictionary.items():
        for one in fields:
            meanings = "；".join(f"{code}={word.zh} {word.en}" for code, word in one.codes.items())
            yield f"{table} {tables.TITLES[table].zh}", one.name, one.kind, one.unit, one.zh, one.en, meanings


def _code_rows(dictionary: Dictionary) -> Iterator[tuple[str, ...]]:
    for table, fields in dictionary.items():
        for one in fields:
            yield from ((table, one.name, code, word.zh, word.en) for code, word in one.codes.items())


def fields_csv(dictionary: Dictionary) -> str:
    """The dictionary for people as CSV; to be written as ``utf-8-sig`` for Excel."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_HEAD)
    writer.writerows([neutral(cell) for cell in row] for row in _rows(dictionary))
    return out.getvalue()


def fields_xlsx(dictionary: Dictionary, created: dt.date) -> bytes:
    """The dictionary for people as a workbook: columns on one sheet, codes on another; the same bytes each time."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _SAFE) as book:
        stamp = dt.datetime.combine(created, dt.time())  # a file property, which has no time zone
        book.set_properties({"title": "数据字典", "comments": style.DISCLAIMER.zh, "created": stamp})
        bold = book.add_format({"bold": True, "bg_color": "#DCE6EE", "border": 1})
        for title, head, rows in (
            ("字段", _HEAD, list(_rows(dictionary))),
            ("代码", _CODE_HEAD, list(_code_rows(dictionary))),
        ):
            _sheet(book.add_worksheet(title), [head, *rows], bold)
    return out.getvalue()


def _sheet(sheet: Any, rows: Sequence[tuple[str, ...]], bold: Any) -> None:
    for at, row in enumerate(rows):
        for col, cell in enumerate(row):
            sheet.write_string(at, col, text(cell)[:32_000], bold if at == 0 else None)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(rows[0]) - 1, 22)
