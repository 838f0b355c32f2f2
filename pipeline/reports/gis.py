"""Findings for other systems: GeoJSON, and the coverage table as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import MultiPolygon, Polygon, mapping
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from ..model.tables import FINDINGS
from . import values
from .pages import lonlat

_DECIMALS = 7  # 1 cm
_RISKY = ("=", "+", "-", "@", "\t", "\r")
COVERAGE_COLUMNS = ("route_code", "county_code", "county_name", "km_due", "km_observed", "km_unobserved", "why")


def findings_geojson(findings: gpd.GeoDataFrame) -> bytes:
    """The findings as an RFC 7946 FeatureCollection in UTF-8: the same rows give the same bytes, in any row order.

    Positions are lon, lat with 7 decimals (CGCS2000, which agrees with WGS 84 within centimetres); outer rings run
    counter-clockwise; features are sorted by ``finding_id`` and carry it as ``id``. Dates are ISO text, nulls stay
    null, ``evidence`` is JSON text as in every other format. Raises LuyuError when the table has no CRS.
    """
    frame = lonlat(findings, "findings").sort_values("finding_id", kind="stable")
    names = [name for name in FINDINGS.columns if name in frame.columns]
    rows = frame[names].to_dict("records")
    features = [_feature(row, shape) for row, shape in zip(rows, frame.geometry, strict=True)]
    text = ",\n".join(json.dumps(f, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for f in features)
    return f'{{"type":"FeatureCollection","features":[\n{text}\n]}}\n'.encode()


def _feature(row: dict[str, Any], shape: BaseGeometry | None) -> dict[str, Any]:
    properties = {name: _plain(name, value) for name, value in row.items()}
    return {"type": "Feature", "id": properties["finding_id"], "geometry": _geometry(shape), "properties": properties}


def _plain(name: str, value: object) -> object:
    """A cell as JSON knows it."""
    kind = FINDINGS.columns[name]
    if values.is_null(value):
        return None
    if kind == "date":
        return values.day(value)
    if kind == "bool":
        return bool(value)
    if kind == "float":
        figure = float(value)  # type: ignore[arg-type]
        return round(figure, _DECIMALS) if math.isfinite(figure) else None
    return values.text(value)


def _geometry(shape: BaseGeometry | None) -> dict[str, Any] | None:
    if shape is None or shape.is_empty:
        return None
    rounded = shapely.transform(shape, lambda points: np.round(points, _DECIMALS))
    if isinstance(rounded, Polygon):
        return mapping(orient(rounded, 1.0))
    if isinstance(rounded, MultiPolygon):
        return mapping(MultiPolygon([orient(part, 1.0) for part in rounded.geoms]))
    return mapping(rounded)


def coverage_csv(coverage: pd.DataFrame) -> str:
    """The coverage table as CSV text, one row per route and county; the caller writes it as ``utf-8-sig`` for Excel.

    Known columns come first, kilometres have three decimals, rows are sorted by county and route. Text that a
    spreadsheet would take for a formula gets a leading apostrophe.
    """
    known = [name for name in COVERAGE_COLUMNS if name in coverage.columns]
    names = known + [name for name in coverage.columns if name not in known]
    order = [name for name in ("county_code", "route_code") if name in known]
    frame = coverage.sort_values(order, kind="stable") if order else coverage
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutral(name) for name in names])
    writer.writerows([_cell(value) for value in row] for row in frame[names].itertuples(index=False, name=None))
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return values.number(value, 3)
    if isinstance(value, int | np.integer):
        return str(value)
    return neutral(value)


def neutral(value: object) -> str:
    """Text that no spreadsheet takes for a formula.

    >>> neutral("=1+1"), neutral("G311"), neutral(None)
    ("'=1+1", 'G311', '')
    """
    shown = values.text(value)
    return f"'{shown}" if shown.startswith(_RISKY) else shown
