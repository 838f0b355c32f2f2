"""The register (台账) as an Excel workbook: counties ranked, then one sheet per county."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ..model.tables import FINDINGS
from . import labels, ranking, style, values, watched
from .coverage import in_words
from .pages import by_priority, records

COLUMNS = (
    "case_no", "status", "priority", "kind", "confidence", "route_code", "stake_from", "stake_to", "stake", "side",
    "offset_m", "concurrent", "zone", "membership", "zone_basis", "zone_overlap_m2", "edge_distance_m", "zone_probability",
    "sight", "area_m2", "length_m", "width_m", "county_name", "near_border", "counties", "township_name", "asset_name",
    "asset_distance_m", "asset_along_m", "impact", "permit_no", "permit_state", "law", "addressee", "next_step",
    "last_absent", "first_seen", "confirmed_on", "gone_on", "transience", "stage", "lon", "lat", "geo_rmse_m",
    "scene_before", "scene_after", "detector", "finding_id",
)  # fmt: skip
"""Columns of a county's sheet, in order; the last one after them says on every row that it is a clue."""

_WIDTHS = {
    "case_no": 32, "kind": 16, "stake_from": 13, "stake_to": 13, "stake": 13, "zone": 16, "membership": 20,
    "zone_basis": 18, "asset_name": 16, "permit_no": 22, "law": 34, "scene_before": 26, "scene_after": 26,
    "finding_id": 22, "transience": 26, "concurrent": 18, "counties": 22, "township_name": 14, "impact": 22, "permit_state": 18,
    "addressee": 24, "next_step": 40, "sight": 22,
}  # fmt: skip
_DIGITS = {
    "priority": "0", "confidence": "0.00", "lon": "0.000000", "lat": "0.000000", "zone_overlap_m2": "0", "area_m2": "0",
    "edge_distance_m": "0.0", "zone_probability": "0.00", "asset_along_m": "0",
}  # fmt: skip
_WORDS: Mapping[str, Mapping[str, style.Word]] = {
    "transience": style.COURSE, "stage": style.STAGES, "permit_state": style.PERMIT_STATES, "sight": style.SIGHT,
    "status": style.STATUS, "side": style.SIDES, "membership": style.MEMBERSHIP, "zone_basis": style.BASIS,
}  # fmt: skip
_LONGEST = 32_000  # Excel cuts a cell at 32 767
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# Never a formula, never a link: what stands in a name stays text.
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}


def workbook(
    findings: gpd.GeoDataFrame,
    counties: pd.DataFrame,
    coverage: pd.DataFrame,
    *,
    created: dt.date,
    meta: Mapping[str, Any] | None = None,
    hot_spots: pd.DataFrame | None = None,
    sites: pd.DataFrame | None = None,
) -> bytes:
    """The register as the bytes of an .xlsx file; the same input gives the same bytes.

    ``findings``: FINDINGS in any CRS (geometry is not written); ``counties``: COUNTIES, each gets a sheet even without
    findings; ``coverage``: see ``pages.IndexPage``; ``created``: the day written into the file's properties (no clock
    is read); ``meta``: run facts for the sheet of notes. ``hot_spots``, ``sites``: HOT_SPOTS and SITES, a sheet each where
    there are any.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _SAFE) as book:
        stamp = dt.datetime.combine(created, dt.time())  # a file property, which has no time zone
        book.set_properties({"title": "路域疑似线索台账", "comments": style.DISCLAIMER.zh, "created": stamp})
        formats = {
            "head": book.add_format(
                {"bold": True, "bg_color": "#DCE6EE", "border": 1, "text_wrap": True, "valign": "top"}
            ),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "share": book.add_format({"num_format": "0.0%"}),
            "red": book.add_format({"bold": True, "font_color": "#9C2A12"}),
        } | {digits: book.add_format({"num_format": digits}) for digits in ("0", "0.0", "0.00", "0.000000")}
        names = _SheetNames()
        table = ranking.rank(counties, findings, coverage)
        _ranking_sheet(book.add_worksheet(names.fit("排名")), table, formats)
        ordered = by_priority(findings)
        codes = pd.Series([values.text(code) for code in ordered["county_code"]], index=ordered.index, dtype=object)
        for code, name in sorted(zip(table["county_code"], table["county_name"], strict=True)):
            _county_sheet(book.add_worksheet(names.fit(f"{code} {name}".strip())), ordered[codes == code], formats)
        for title, table_, columns in (("多发路段", hot_spots, watched.HOT_SPOTS), ("在册标牌", sites, watched.SITES)):
            if table_ is not None and len(table_):
                _watched_sheet(book.add_worksheet(names.fit(title)), table_, columns, formats)
        _coverage_sheet(book.add_worksheet(names.fit("观测覆盖")), coverage, formats)
        _notes_sheet(book.add_worksheet(names.fit("说明")), meta or {}, formats)
    return out.getvalue()


class _SheetNames:
    r"""Names that Excel accepts: 31 characters, none of ``[]:*?/\``, no quote at the ends, no two alike."""

    def __init__(self) -> None:
        self._taken = {"history"}  # reserved by Excel

    def fit(self, wanted: str) -> str:
        base = _FORBIDDEN.sub("_", values.text(wanted)).strip("' ") or "_"
        name, count = base[:31].rstrip("' "), 1
        while name.casefold() in self._taken:
            count += 1
            name = f"{base[: 31 - len(str(count)) - 1].rstrip()}~{count}"
        self._taken.add(name.casefold())
        return name


def _head(sheet: Worksheet, titles: list[str], formats: dict[str, Format], rows: int) -> None:
    """A frozen heading with filters, and what every printed page says."""
    for col, title in enumerate(titles):
        sheet.write_string(0, col, title, formats["head"])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(rows, 1), len(titles) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{style.INTERNAL.zh}&C{style.DISCLAIMER.zh}&R&P/&N")


def _county_sheet(sheet: Worksheet, findings: pd.DataFrame, formats: dict[str, Format]) -> None:
    _head(sheet, [*(labels.COLUMNS[name].zh for name in COLUMNS), "性质"], formats, len(findings))
    for col, name in enumerate(COLUMNS):
        sheet.set_column(col, col, _WIDTHS.get(name, 11))
        for row, value in enumerate(values.column(findings, name), start=1):
            _write(sheet, row, col, name, value, formats)
    sheet.set_column(len(COLUMNS), len(COLUMNS), 26)
    for row in range(1, len(findings) + 1):
        sheet.write_string(row, len(COLUMNS), style.DISCLAIMER.zh)


def _write(sheet: Worksheet, row: int, col: int, name: str, value: object, formats: dict[str, Format]) -> None:
    """One cell in the type of its column: dates as dates, numbers as numbers, everything else as text."""
    kind = FINDINGS.columns[name]
    if values.is_null(value):
        return
    if kind == "date":
        sheet.write_datetime(row, col, dt.datetime.fromisoformat(values.day(value)), formats["date"])
    elif kind == "float":
        if shown := values.number(value, 9):
            sheet.write_number(row, col, float(shown), formats[_DIGITS.get(name, "0.0")])
    elif kind == "bool":
        sheet.write_string(row, col, "是" if value else "否")
    else:
        sheet.write_string(row, col, _shown(name, values.text(value))[:_LONGEST])


def _shown(name: str, value: str) -> str:
    if name == "kind":
        return style.kind_style(value).zh
    if name == "zone":
        return style.zone_style(value).zh
    return style.word(_WORDS[name], value).zh if name in _WORDS else value


def _ranking_sheet(sheet: Worksheet, table: pd.DataFrame, formats: dict[str, Format]) -> None:
    kinds = [name for name in table.columns if name.startswith("kind:")]
    names = ["rank", "county_code", "county_name", "findings", *kinds]
    names += [name for name in ranking.COLUMNS if name not in names]
    titles = [
        ranking.COLUMNS[n].zh if n in ranking.COLUMNS else style.kind_style(n.removeprefix("kind:")).zh for n in names
    ]
    _head(sheet, titles, formats, len(table))
    sheet.set_column(0, len(names) - 1, 12)
    for col, name in enumerate(names):
        look = formats["share"] if name == "observed_share" else formats["0.0"] if "km" in name else formats["0"]
        for row, value in enumerate(table[name], start=1):
            if isinstance(value, str):
                sheet.write_string(row, col, value[:_LONGEST])
            elif not values.is_null(value):
                sheet.write_number(row, col, float(value), look)


def _watched_sheet(sheet: Worksheet, table: pd.DataFrame, names: tuple[str, ...], formats: dict[str, Format]) -> None:
    """Hot spots or known sites as text, ranks and counts as numbers."""
    _head(sheet, [labels.COLUMNS[name].zh for name in names], formats, len(table))
    for col, name in enumerate(names):
        sheet.set_column(col, col, 22 if name in ("name", "number", "kind") else 13)
    for row, shown in enumerate(watched.rows(table, names), start=1):
        for col, (name, text) in enumerate(zip(names, shown, strict=True)):
            if name in ("rank", "events", "years", "days_seen", "looks") and text:
                sheet.write_number(row, col, float(text), formats["0"])
            else:
                sheet.write_string(row, col, text[:_LONGEST])


def _coverage_sheet(sheet: Worksheet, coverage: pd.DataFrame, formats: dict[str, Format]) -> None:
    names = ("county_code", "county_name", "route_code", "km_due", "km_observed", "km_unobserved")
    titles = [(ranking.COLUMNS.get(name) or labels.COLUMNS[name]).zh for name in names]
    _head(sheet, [*titles, "未观测原因"], formats, len(coverage))
    sheet.set_column(0, len(names) - 1, 13)
    sheet.set_column(len(names), len(names), 50)
    for col, name in enumerate(names):
        for row, value in enumerate(values.column(coverage, name), start=1):
            if name.startswith("km_") and (shown := values.number(value, 3)):
                sheet.write_number(row, col, float(shown), formats["0.00"])
            elif not name.startswith("km_"):
                sheet.write_string(row, col, values.text(value)[:_LONGEST])
    for row, record in enumerate(records(coverage), start=1):
        sheet.write_string(row, len(names), in_words(record)[:_LONGEST])


def _notes_sheet(sheet: Worksheet, meta: Mapping[str, Any], formats: dict[str, Format]) -> None:
    lines = [
        f"{style.DISCLAIMER.zh}（{style.DISCLAIMER.en}）",
        f"{style.INTERNAL.zh}；{style.BOUNDARY_NOTE.zh}",
        values.facts_line(meta),
        *([f"{labels.META['credit'].zh}：{values.text(meta['credit'])}"] if meta.get("credit") else []),
        "“每百公里线索”以已观测公里为分母；未观测路段不等于没有问题。",
        "“区域判定”为待定的，足迹与界线之距在定位误差之内，须现场量测。",
        "经纬度为 CGCS2000；面积、长度为平面量测，供核查参考。",
        "",
        "列名对照",
    ]
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 2, 26)
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, line[:_LONGEST], *([formats["red"]] if row == 0 else []))
    for row, name in enumerate(COLUMNS, start=len(lines)):
        for col, shown in enumerate((labels.COLUMNS[name].zh, name, labels.COLUMNS[name].en)):
            sheet.write_string(row, col, shown)
