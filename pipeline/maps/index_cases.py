"""What the overview tells of the cases: run by run, month by month, each figure as a chart with its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ..ledger.definitions import DEFINITIONS, RATES
from ..reports import values
from ..reports.labels import Word
from ..reports.pages import records
from .index_charts import MONTHS, RUNS, Point, chart, month_point, run_point, share_of, spark, stack
from .index_rows import county_link, percent
from .index_words import TREND, WORDS

MEASURES = ("opened", "finished", "open", "check", "true", "rectified", "closure", "repeat", "overdue", "per_100_km")
"""Figures that are shown, in the order in which a case meets them."""
_PARTS = ("opened", "still", "gone", "unseen")  # each case that a run spoke of is in one
_MOST_RUNS = 60  # in the table


def trend(table: pd.DataFrame | None, by_county: pd.DataFrame | None) -> dict[str, Any] | None:
    """Runs as charts and rows, the newest also by county; None without a ledger or where no run spoke of a case."""
    if table is None or table.empty:
        return None
    runs = records(table)
    newest = runs[-1]
    points = [(run, _day(run)) for run in runs]
    return {
        "newest": stack([(name, TREND[name], int(newest[name])) for name in _PARTS]),
        "grown": int(newest["grown"]),
        "returned": int(newest["returned"]),
        "day": _day(newest),
        "charts": [
            chart(f"trend-{name}", TREND[name], [run_point(day, int(run[name])) for run, day in points], slots=RUNS)
            for name in TREND
            if name != "cases"
        ],
        "rows": [
            (day, values.text(run["run_id"])[:12], [int(run[name]) for name in TREND])
            for run, day in reversed(points[-_MOST_RUNS:])
        ],
        "total": len(runs),
        "counties": _newest_by_county(by_county, newest),
    }


def _newest_by_county(by_county: pd.DataFrame | None, newest: Mapping[str, Any]) -> list[tuple[str, str, list[int]]]:
    if by_county is None or by_county.empty:
        return []
    mine = by_county[by_county["run_id"] == newest["run_id"]]
    names = values.column(mine, "county_name")
    return [
        (
            values.text(name) or values.text(row["county_code"]),
            values.text(row["county_code"]),
            [int(row[k]) for k in TREND],
        )
        for name, row in zip(names, records(mine), strict=True)
    ]


def _day(run: Mapping[str, Any]) -> str:
    """Day of the newest image; of a run whose images bear none, the day on which it spoke."""
    return values.day(run["on_date"]) or values.text(run["at"])[:10]


def months(table: pd.DataFrame | None, by_county: pd.DataFrame | None) -> list[dict[str, Any]]:
    """A block for each measure: definition, chart of the area, a line of columns for each county, and all figures."""
    if table is None or table.empty:
        return []
    area = records(table)[-MONTHS:]
    shown = [values.text(row["month"]) for row in area]
    counties = _by_county(by_county, shown)
    return [_block(name, area, shown, counties) for name in MEASURES if _has(table, name)]


def _has(table: pd.DataFrame, name: str) -> bool:
    return (name if name in ("opened", "finished", "open") else f"{name}_of") in table.columns


def _by_county(table: pd.DataFrame | None, shown: Sequence[str]) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """Code, name and rows by month of each county, by code; a month without a row has an empty one."""
    if table is None or table.empty:
        return []
    found: dict[str, tuple[str, dict[str, Mapping[str, Any]]]] = {}
    for row in records(table):
        code = values.text(row["county_code"])
        name = values.text(row.get("county_name")) or code or WORDS["no_county"].zh
        found.setdefault(code, (name, {}))[1][values.text(row["month"])] = row
    return [(code, name, [rows.get(month, {}) for month in shown]) for code, (name, rows) in sorted(found.items())]


def _block(
    name: str,
    area: Sequence[Mapping[str, Any]],
    shown: Sequence[str],
    counties: Sequence[tuple[str, str, list[Mapping[str, Any]]]],
) -> dict[str, Any]:
    definition = DEFINITIONS[name]
    title = Word(definition.zh, definition.en)
    points = [_point(name, month, row) for month, row in zip(shown, area, strict=True)]
    heights = {code: [_height(name, row) for row in rows] for code, _, rows in counties}
    top = 1.0 if name in RATES else max((h for some in heights.values() for h in some if h is not None), default=0.0)
    better = definition.better
    return {
        "name": name,
        "title": title,
        "says": Word(definition.says_zh, definition.says_en),
        "better": WORDS[better] if better else None,
        "fraction": _is_fraction(name),
        "chart": chart(f"month-{name}", title, points, as_share=name in RATES),
        "months": shown,
        "area": [_cell(name, row) for row in area],
        "counties": [
            {
                "code": code,
                "county": county,
                "link": county_link(code) if code else "",
                "spark": spark(heights[code], top),
                "fraction": _cell(name, rows[-1]),
                "figure": _label(name, rows[-1]),
                "cells": [_cell(name, row) for row in rows],
            }
            for code, county, rows in counties
        ],
    }


def _is_fraction(name: str) -> bool:
    return name in RATES or name == "per_100_km"


def _parts(name: str, row: Mapping[str, Any]) -> tuple[object, object]:
    return row.get(f"{name}_n"), row.get(f"{name}_of")


def _height(name: str, row: Mapping[str, Any]) -> float | None:
    if not _is_fraction(name):
        return None if values.is_null(row.get(name)) else float(row[name])
    share = share_of(*_parts(name, row)) if not values.is_null(row.get(f"{name}_n")) else None
    return share if share is None or name in RATES else 100.0 * share


def _label(name: str, row: Mapping[str, Any]) -> str:
    height = _height(name, row)
    if height is None:
        return "—"
    if name in RATES:
        return percent(height, 0)
    return values.number(height, 1 if name == "per_100_km" else 0)


def _cell(name: str, row: Mapping[str, Any]) -> str:
    """A figure as a table shows it: ``3/5``, a count, or a dash."""
    if not _is_fraction(name):
        return values.number(row.get(name)) or "—"
    n, of = (values.number(part) for part in _parts(name, row))
    return f"{n}/{of}" if n and of else "—"


def _point(name: str, month: str, row: Mapping[str, Any]) -> Point:
    if not _is_fraction(name):
        return month_point(month, _height(name, row), _label(name, row))
    n, of = (values.number(part) or "—" for part in _parts(name, row))
    bounds = {end: _bound(row.get(f"{name}_{end}")) for end in ("low", "high")} if name in RATES else {}
    return month_point(month, _height(name, row), _label(name, row), n=n, of=of, **bounds)


def _bound(value: object) -> float | None:
    return None if values.is_null(value) else float(value)  # type: ignore[arg-type]


def named(by_county: pd.DataFrame | None, names: Mapping[str, str]) -> pd.DataFrame | None:
    """A table by county with the counties' names, where it has codes alone."""
    if by_county is None or "county_name" in by_county.columns:
        return by_county
    return by_county.assign(county_name=_names(values.column(by_county, "county_code"), names))


def _names(codes: Iterable[object], names: Mapping[str, str]) -> list[str]:
    return [names.get(values.text(code), values.text(code)) for code in codes]
