"""A provider for pygeoapi that reads our GeoParquet; loaded by pygeoapi by the name in ``pygeoapi.yml``.

None of those that pygeoapi 0.21 brings will do: SQLiteGPKG needs the system's mod_spatialite and OGR the system's GDAL;
Parquet needs s3fs and answers a bbox with what lies wholly within it, where OGC asks for what touches it; TinyDB runs the
text of a request through ``eval``; GeoJSON reads the whole file for each request and cannot hold an empty table.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from pygeoapi.provider.base import BaseProvider, ProviderInvalidQueryError, ProviderItemNotFoundError
from pygeoapi.util import crs_transform

_DECIMALS = 7  # 1 cm
_TYPES = {"str": "string", "json": "string", "date": "string", "datetime": "string"} | {
    "float": "number", "int": "integer", "bool": "boolean",
}  # fmt: skip
_FORMATS = {"date": "date", "datetime": "date-time"}
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@lru_cache(maxsize=16)
def _read(path: Path, _changed_ns: int) -> tuple[gpd.GeoDataFrame, Mapping[str, Mapping[str, Any]]]:
    """The table and what its file says of each column; read again only when the file has changed."""
    told = json.loads(pq.read_schema(path).metadata[b"luyu"])
    return gpd.read_parquet(path), {field["name"]: field for field in told["fields"]}


class GeoParquetProvider(BaseProvider):
    """Features of a GeoParquet file as ``luyu share`` writes it, read only."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        path = Path(self.data)
        self._table, self._told = _read(path, path.stat().st_mtime_ns)
        self.get_fields()

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """JSON Schema of each property: type, Chinese and English name, codes."""
        self._fields = {name: _schema(field) for name, field in self._told.items()}
        return self._fields

    @crs_transform
    def query(
        self,
        offset: int = 0,
        limit: int = 10,
        resulttype: str = "results",
        bbox: Sequence[float] = (),
        datetime_: str | None = None,
        properties: Sequence[tuple[str, str]] = (),
        sortby: Sequence[Mapping[str, str]] = (),
        select_properties: Sequence[str] = (),
        skip_geometry: bool = False,
        filterq: object = None,
        **_other: object,
    ) -> dict[str, Any]:
        """FeatureCollection of what touches ``bbox``, falls in ``datetime_`` and has these properties, a page of it."""
        if filterq is not None:
            raise ProviderInvalidQueryError(user_msg="filter is not offered here; use property=value, bbox, datetime")
        found = self._table
        if len(bbox) > 0:
            half = len(bbox) // 2
            area = shapely.box(bbox[0], bbox[1], bbox[half], bbox[half + 1])
            found = found.iloc[np.sort(found.sindex.query(area, predicate="intersects"))]
        for name, value in properties:
            found = found[self._equal(found[name], self._told[name]["type"], value)]
        if datetime_ is not None and self.time_field is not None:
            found = found[_within(found[self.time_field], datetime_)]
        if sortby:
            names, up = [one["property"] for one in sortby], [one["order"] == "+" for one in sortby]
            found = found.sort_values(names, ascending=up, kind="stable")
        page = found.iloc[0:0] if resulttype == "hits" else found.iloc[offset : offset + limit]
        features = self._features(page, select_properties, skip_geometry=skip_geometry)
        counts = {"numberMatched": len(found), "numberReturned": len(features)}
        return {"type": "FeatureCollection", "features": features} | counts

    @crs_transform
    def get(self, identifier: str, **_other: object) -> dict[str, Any]:
        """One feature by its key."""
        row = self._table[(self._table[self.id_field] == str(identifier)).fillna(value=False)]
        if row.empty:
            raise ProviderItemNotFoundError(user_msg=f"no {self.id_field} {identifier!r}")
        return self._features(row.iloc[:1], (), skip_geometry=False)[0]

    def _features(self, rows: gpd.GeoDataFrame, chosen: Sequence[str], *, skip_geometry: bool) -> list[dict[str, Any]]:
        names = [name for name in self._told if name in (chosen or self._told)]
        cells = [[_plain(value) for value in rows[name].astype(object)] for name in names]
        shapes = shapely.transform(rows.geometry.to_numpy(), lambda points: np.round(points, _DECIMALS))
        texts = [None if skip_geometry or shape is None else shapely.to_geojson(shape) for shape in shapes]
        properties = [dict(zip(names, values, strict=True)) for values in zip(*cells, strict=True)] or [
            {} for _ in texts
        ]
        return [
            {"type": "Feature", "id": key, "geometry": json.loads(text) if text else None, "properties": told}
            for key, text, told in zip(rows[self.id_field], texts, properties, strict=True)
        ]

    @staticmethod
    def _equal(column: pd.Series, kind: str, value: str) -> pd.Series:
        """Which cells are ``value``, a text out of a request; nulls are nothing."""
        try:
            if kind in ("float", "int"):
                return (column == float(value)).fillna(value=False).astype(bool)
            if kind == "bool":
                return column == _TRUTH[value.lower()]
        except (ValueError, KeyError) as error:
            raise ProviderInvalidQueryError(user_msg=f"{value!r} is no {kind}") from error
        same = column.astype(str) == value if kind in _FORMATS else column == value
        return (same & column.notna()).fillna(value=False).astype(bool)

    def __repr__(self) -> str:
        return f"<GeoParquetProvider> {self.data}"


def _schema(field: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": _TYPES[field["type"]], "title": f"{field['zh']} {field['en']}"}
    if field["type"] in _FORMATS:
        told["format"] = _FORMATS[field["type"]]
    if field.get("codes"):
        told["description"] = "；".join(f"{code}={word['zh']} {word['en']}" for code, word in field["codes"].items())
        if not field.get("separator"):
            told["enum"] = list(field["codes"])
    return told


def _within(days: pd.Series, said: str) -> pd.Series:
    """Which days fall on ``said``: an instant, or an interval with ``..`` for an open end (RFC 3339)."""
    start, slash, end = said.partition("/")
    texts = days.astype(str).str[:10]
    inside = days.notna()
    for bound, kept in ((start, texts.ge), (end if slash else start, texts.le)):
        if bound in ("..", ""):
            continue
        try:
            day = dt.date.fromisoformat(bound[:10]).isoformat()
        except ValueError as error:
            raise ProviderInvalidQueryError(user_msg=f"datetime {said!r} is no date or interval of dates") from error
        inside &= kept(day)
    return inside.fillna(value=False).astype(bool)


def _plain(value: Any) -> Any:
    """A cell as JSON knows it."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value
