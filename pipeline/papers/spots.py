"""Tables of spots (图斑) under the field names of enforcement by satellite image (卫片执法), with those of highways beside.

One dictionary of fields for the workbook, the GeoPackage and the shapefile: JCBH, TBLX, QSX, HSX, SJY, JCMJ, XZB, YZB, XZQDM,
XMC, BZ as such systems call them. In survey notation X is north and Y is east.
"""

from __future__ import annotations

import datetime as dt
import io
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
import xlsxwriter

from ..model.geopackage import undated
from ..reports import style, values
from ..reports.pages import records
from . import words
from .templates import timeless

_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
_DTYPES = {str: "object", float: "float64", int: "int64"}
_LONGEST = 254  # bytes of a text field of a shapefile
_LONGEST_CELL = 32_000  # Excel cuts a cell at 32 767


@dataclass(frozen=True)
class Spot:
    """One field: its name (10 letters at most, as a shapefile holds), what it is called, its type, how it is had from a case."""

    name: str
    zh: str
    kind: type
    of: Callable[[Mapping[str, Any]], Any]


def _text(column: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: values.text(row.get(column))


def _number(column: str, digits: int) -> Callable[[Mapping[str, Any]], float | None]:
    def of(row: Mapping[str, Any]) -> float | None:
        shown = values.number(row.get(column), digits)
        return float(shown) if shown else None

    return of


def _day(*columns: str) -> Callable[[Mapping[str, Any]], str]:
    """``20241021`` of the first of these that is known."""
    return lambda row: next((day for c in columns if (day := values.day(row.get(c)).replace("-", ""))), "")


def _word(column: str, words_: Mapping[str, style.Word]) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: style.word(words_, values.text(row.get(column))).zh


FIELDS: tuple[Spot, ...] = (
    Spot("JCBH", "监测编号", str, lambda row: values.text(row.get("case_no")) or values.text(row.get("finding_id"))),
    Spot("TBLX", "图斑类型", str, words.kind),
    Spot("TBLXDM", "图斑类型代码", str, _text("kind")),
    Spot("QSX", "前时相", str, _day("last_absent")),
    Spot("HSX", "后时相", str, _day("first_seen", "opened_on")),
    Spot("QSJY", "前时相数据源", str, _text("scene_before")),
    Spot("SJY", "数据源", str, _text("scene_after")),
    Spot("JCMJ", "监测面积（m²）", float, _number("area_m2", 2)),
    Spot("MJMU", "监测面积（亩）", float, _number("_area_mu", 3)),
    Spot("XZB", "X坐标（北，m）", float, _number("_north_m", 2)),
    Spot("YZB", "Y坐标（东，m）", float, _number("_east_m", 2)),
    Spot("JD", "经度（CGCS2000）", float, _number("lon", 7)),
    Spot("WD", "纬度（CGCS2000）", float, _number("lat", 7)),
    Spot("XZQDM", "县代码", str, _text("county_code")),
    Spot("XMC", "县名称", str, _text("county_name")),
    Spot("XZMC", "乡镇名称", str, _text("township_name")),
    Spot("NF", "年份", int, lambda row: int((_day("first_seen", "opened_on")(row) or "0")[:4])),
    Spot("LXBH", "路线编号", str, _text("route_code")),
    Spot("QDZH", "起点桩号", str, _text("stake_from")),
    Spot("ZDZH", "止点桩号", str, _text("stake_to")),
    Spot("ZXZH", "中心桩号", str, _text("stake")),
    Spot("CB", "侧别", str, _word("side", style.SIDES)),
    Spot("JZXJL", "距中心线（m）", float, _number("offset_m", 1)),
    Spot("JJXJL", "伸入界线（m，负为界外）", float, _number("edge_distance_m", 1)),
    Spot("SZQY", "所在区域", str, lambda row: style.zone_style(values.text(row.get("zone"))).zh),
    Spot("QYPD", "区域判定", str, _word("membership", style.MEMBERSHIP)),
    Spot("QNGL", "在区内的概率", float, _number("zone_probability", 3)),
    Spot("QNMJ", "区内面积（m²）", float, _number("zone_overlap_m2", 2)),
    Spot("JXYJ", "界线依据", str, _word("zone_basis", style.BASIS)),
    Spot("DWWC", "定位误差（m）", float, _number("geo_rmse_m", 2)),
    Spot("ZXD", "置信度", float, _number("confidence", 4)),
    Spot("YXJ", "优先级", float, _number("priority", 1)),
    Spot("XKWH", "许可文号", str, _text("permit_no")),
    Spot("XGTK", "相关条款", str, _text("law")),
    Spot("BLZT", "办理状态", str, _word("status", style.STATUS)),
    Spot("BLQX", "办理期限", str, _day("due_on")),
    Spot("BZ", "备注", str, _text("_remark")),
)
"""The dictionary of fields, in order."""


def table(cases: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """One row per case under the names of ``FIELDS``, with its footprint in the CRS that ``cases`` (metric) are in.

    ``XZB`` and ``YZB`` are of a point inside the footprint.
    """
    points = shapely.get_coordinates(shapely.point_on_surface(cases.geometry.to_numpy()))
    rows = [
        row | {"_east_m": east, "_north_m": north, "_area_mu": _mu(row.get("area_m2")), "_remark": _remark(row)}
        for row, (east, north) in zip(records(cases), points.tolist(), strict=True)
    ]
    columns = {field.name: pd.Series([field.of(row) for row in rows], dtype=_DTYPES[field.kind]) for field in FIELDS}
    frame = pd.DataFrame(columns)
    return gpd.GeoDataFrame(frame, geometry=cases.geometry.to_numpy(), crs=cases.crs)


def workbook(spots: gpd.GeoDataFrame, *, created: dt.date) -> bytes:
    """The table as the bytes of an .xlsx: heading in Chinese, names of fields below it, a sheet that explains them."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _SAFE) as book:
        stamp = dt.datetime.combine(created, dt.time())  # a file property, which has no time zone
        book.set_properties({"title": "疑似图斑表", "comments": style.DISCLAIMER.zh, "created": stamp})
        bold = book.add_format({"bold": True, "bg_color": "#DCE6EE", "border": 1, "text_wrap": True})
        sheet = book.add_worksheet("图斑")
        for col, field in enumerate(FIELDS):
            sheet.write_string(0, col, field.zh, bold)
            sheet.write_string(1, col, field.name, bold)
            sheet.set_column(col, col, 26 if field.name in ("JCBH", "XGTK", "QSJY", "SJY", "BZ") else 13)
            for row, value in enumerate(spots[field.name], start=2):
                if field.kind is str:
                    sheet.write_string(row, col, value[:_LONGEST_CELL])
                elif not values.is_null(value):
                    sheet.write_number(row, col, float(value))
        sheet.freeze_panes(2, 1)
        sheet.autofilter(1, 0, max(len(spots) + 1, 2), len(FIELDS) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, 1)
        sheet.set_footer(f"&L{style.INTERNAL.zh}&C{style.DISCLAIMER.zh}&R&P/&N")
        notes = book.add_worksheet("字段说明")
        notes.set_column(0, 1, 24)
        lines = [(style.INTERNAL.zh, ""), (style.DISCLAIMER.zh, ""), (f"坐标系 {_crs(spots)}；X 为北，Y 为东", "")]
        for row, (left, right) in enumerate([*lines, *((field.name, field.zh) for field in FIELDS)]):
            notes.write_string(row, 0, left)
            notes.write_string(row, 1, right)
    return out.getvalue()


def geopackage(spots: gpd.GeoDataFrame) -> bytes:
    """The table as a GeoPackage with one layer, ``spots``; the same table, the same bytes."""
    with undated(), tempfile.TemporaryDirectory(prefix="luyu-spots-") as scratch:
        path = Path(scratch, "spots.gpkg")
        spots.to_file(path, layer="spots", driver="GPKG", engine="pyogrio")
        return path.read_bytes()


def shapefile(spots: gpd.GeoDataFrame) -> bytes:
    """The table as a zipped shapefile in GBK; texts end where 254 bytes are full, signs that GBK lacks become ``?``."""
    texts = {f.name: [_gbk(value) for value in spots[f.name]] for f in FIELDS if f.kind is str}
    with tempfile.TemporaryDirectory(prefix="luyu-spots-") as scratch:
        path = Path(scratch, "spots.shp")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL tells of rounded decimals
            spots.assign(**texts).to_file(path, driver="ESRI Shapefile", engine="pyogrio", encoding="GBK")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for part in sorted(Path(scratch).iterdir()):
                content = bytearray(part.read_bytes())
                if part.suffix == ".dbf":
                    content[1:4] = bytes((80, 1, 1))  # the day of writing, which would make every copy differ
                archive.writestr(part.name, bytes(content))
        return timeless(out.getvalue())


def _gbk(text: str) -> str:
    return text.encode("gbk", "replace")[:_LONGEST].decode("gbk", "ignore")


def _mu(area_m2: object) -> float | None:
    shown = values.number(area_m2, 9)
    return float(shown) * 3 / 2000 if shown else None  # 1 亩 = 2000/3 m²


def _remark(row: Mapping[str, Any]) -> str:
    """What the row is worth: a clue, or what officers have confirmed; and what its kind cannot say."""
    said = words.fields(row)
    parts = ("执法人员已核查属实" if words.confirmed(row) else style.DISCLAIMER.zh, said["caveat"], said["seen"])
    return "；".join(filter(None, parts))


def _crs(spots: gpd.GeoDataFrame) -> str:
    return f"EPSG:{spots.crs.to_epsg()}" if spots.crs is not None else "未注明"
