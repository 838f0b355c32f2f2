"""The rows of a field package: what an officer is told of each case, and what is left to fill in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import geopandas as gpd

from ..ledger import Ledger
from ..reports import style, values
from ..reports.labels import COLUMNS
from .verdict import REASON_LABELS, VERDICTS

LONLAT = 4490  # CGCS2000
_DIGITS = {"lon": 7, "lat": 7, "confidence": 2}
EXPORTED_AT = "%Y-%m-%dT%H:%M:%SZ"


class Column(NamedTuple):
    """A column of the package: its name, what officers read above it, and its type in a GeoPackage."""

    name: str
    zh: str
    type: str = "TEXT"
    width: int = 14  # of a sheet's column, characters


def _told(*names: str, **others: str) -> tuple[Column, ...]:
    numbers = {"priority", "confidence", "area_m2", "lon", "lat", "edge_distance_m", "offset_m"}
    labels = {name: others.get(name) or COLUMNS[name].zh for name in names}
    return tuple(Column(name, zh, "DOUBLE" if name in numbers else "TEXT") for name, zh in labels.items())


#: What is told; not to be changed.
TOLD: tuple[Column, ...] = _told(
    "case_no", "status", "kind", "route_code", "stake", "side", "zone", "membership", "priority", "confidence",
    "area_m2", "county_name", "township_name", "last_absent", "first_seen", "last_seen_on", "assigned_to", "due_on", "why", "law",
    "next_step", "sight_on", "conflict", "lon", "lat",
    last_seen_on="最近影像可见", assigned_to="承办", due_on="办理期限", why="判定理由", sight_on="最新影像日期",
    conflict="有无冲突结论",
)  # fmt: skip
#: What is filled in.
FILLED_IN: tuple[Column, ...] = (
    Column("verdict", "核查结论", width=12),
    Column("reason", "不属实或存疑原因", width=22),
    Column("note", "备注", width=36),
    Column("checked_by", "核查人", width=14),
    Column("checked_on", "核查日期", "DATE", 13),
    Column("photo", "照片", width=28),
    Column("azimuth_deg", "照片方位角（°）", "DOUBLE", 12),
)
#: What the way back needs and nobody should touch.
KEPT: tuple[Column, ...] = (
    Column("version", "版本（勿改）", "INTEGER", 8),
    Column("exported_at", "导出时间（勿改）", width=20),
)
#: Columns without which nothing can be taken back.
NEEDED = ("case_no", "verdict", "reason", "note", "checked_by", "checked_on", *(column.name for column in KEPT))
#: Coded columns and their words.
CODES: Mapping[str, Mapping[str, str]] = MappingProxyType({"verdict": VERDICTS, "reason": REASON_LABELS})
TITLES: Mapping[str, str] = MappingProxyType({column.name: column.zh for column in (*TOLD, *FILLED_IN, *KEPT)})


def package_rows(ledger: Ledger, numbers: Sequence[str], exported_at: dt.datetime) -> list[dict[str, Any]]:
    """One dict for each of these cases, with `TOLD` and `KEPT` filled, texts in Chinese and fit for any document."""
    stamp = exported_at.astimezone(dt.UTC).strftime(EXPORTED_AT)
    return [_row(ledger.case(number)) | {"exported_at": stamp} for number in numbers]


def shapes(ledger: Ledger, county: str | None) -> gpd.GeoSeries:
    """Newest footprints in CGCS2000 degrees (lon, lat), by case number."""
    frame = ledger.footprints(epsg=LONLAT, county=county)
    return frame.set_index("case_no").geometry


def _row(case: Mapping[str, Any]) -> dict[str, Any]:
    finding: Mapping[str, Any] = case.get("finding") or {}
    both = {**finding, **{name: value for name, value in case.items() if value is not None}}
    words = {
        "status": style.word(style.STATUS, values.text(case["status"])).zh,
        "kind": style.kind_style(values.text(case["kind"])).zh,
        "side": style.word(style.SIDES, values.text(both.get("side"))).zh,
        "zone": style.zone_style(values.text(both["zone"])).zh if both.get("zone") else "",
        "membership": style.word(style.MEMBERSHIP, values.text(both.get("membership"))).zh,
        "why": values.why_member(both).zh,
        "conflict": "有，须复核" if case.get("conflict") else "",
    }
    row: dict[str, Any] = {}
    for column in TOLD:
        value = words.get(column.name, both.get(column.name))
        row[column.name] = (
            _number(value, _DIGITS.get(column.name, 1)) if column.type == "DOUBLE" else values.text(value) or None
        )
    return row | {"version": int(case["version"])}


def _number(value: object, digits: int) -> float | None:
    shown = values.number(value, digits)
    return float(shown) if shown else None
