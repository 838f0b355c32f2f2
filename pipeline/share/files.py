"""Tables as GeoParquet and GeoPackage, each with its dictionary inside."""

from __future__ import annotations

import datetime as dt
import io
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from ..model.geopackage import undated
from ..reports import style
from . import tables
from .fields import Dictionary, Field

_ROWS_PER_GROUP = 4096
AXES = "longitude, latitude (x, y) in degrees, EPSG:4490 (CGCS2000)"
"""GeoParquet and GeoPackage hold x before y whatever the CRS's own axis order; EPSG:4490 by itself has latitude first."""

_SCHEMA = """
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
  constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,
  max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
"""  # OGC 12-128r18, extension Schema
_EXTENSION = ("gpkg_schema", "http://www.geopackage.org/spec121/#extension_schema", "read-write")


def write_parquet(path: Path, name: str, frame: pd.DataFrame, fields: tuple[Field, ...]) -> None:
    """GeoParquet 1.1 with a covering bbox (Parquet alone where ``frame`` has no geometry), zstd, small row groups.

    The dictionary lies in the file's metadata under ``luyu``, the labels of a column also in that column's. The same table
    gives the same bytes with the same pyarrow, whose version the format records.
    """
    if isinstance(frame, gpd.GeoDataFrame):
        held = io.BytesIO()
        frame.to_parquet(held, index=False, write_covering_bbox=True, schema_version="1.1.0")
        table = pq.read_table(held)
    else:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    words = {one.name: {"zh": one.zh, "en": one.en, "unit": one.unit} for one in fields}
    schema = pa.schema([one.with_metadata(words.get(one.name)) for one in table.schema], table.schema.metadata)
    told = {
        "table": name,
        "title": f"{tables.TITLES[name].zh} {tables.TITLES[name].en}",
        "description": f"{tables.SAYS[name].zh} {tables.SAYS[name].en}",
        "notice": f"{style.DISCLAIMER.zh} {style.DISCLAIMER.en}",
        "axes": AXES,
        "fields": [one.record() for one in fields],
    }
    metadata = {**(schema.metadata or {}), b"luyu": json.dumps(told, ensure_ascii=False).encode()}
    pq.write_table(
        table.cast(schema).replace_schema_metadata(metadata), path, compression="zstd", row_group_size=_ROWS_PER_GROUP
    )


def write_gpkg(path: Path, frames: Mapping[str, pd.DataFrame], dictionary: Dictionary, day: dt.date) -> None:
    """A GeoPackage with one layer per table; columns and codes are described inside it (extension Schema), dated ``day``.

    The same tables give the same bytes with the same GDAL and SQLite.
    """
    with undated():
        for name, frame in frames.items():
            said = f"{tables.TITLES[name].zh} {tables.TITLES[name].en}: {tables.SAYS[name].zh} {tables.SAYS[name].en}"
            options: dict[str, Any] = {"DESCRIPTION": f"{said}. {style.DISCLAIMER.zh} {style.DISCLAIMER.en}"}
            given: dict[str, Any] = {"layer": name, "driver": "GPKG", "use_arrow": True, "layer_options": options}
            if isinstance(frame, gpd.GeoDataFrame):
                kind = "MultiPolygon" if "Polygon" in tables.TABLES[name].geometry else "MultiLineString"
                frame.to_file(path, geometry_type=kind, promote_to_multi=True, **given)
            else:
                pyogrio.write_dataframe(frame, path, **given)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        _describe(connection, dictionary)
        connection.execute("UPDATE gpkg_contents SET last_change = ?", (f"{day.isoformat()}T00:00:00.000Z",))


def _describe(connection: sqlite3.Connection, dictionary: Dictionary) -> None:
    rows: list[tuple[Any, ...]] = []
    enums: list[tuple[Any, ...]] = []
    for table, fields in dictionary.items():
        for one in fields:
            coded = bool(one.codes) and not one.several  # an enumeration cannot say that a cell holds several
            name = f"{table}_{one.name}" if coded else None
            meanings = "；".join(f"{code}={word.zh} {word.en}" for code, word in one.codes.items())
            said = " · ".join(part for part in (one.en, one.unit, meanings if one.several else "") if part)
            mime = "application/json" if one.kind == "json" else None
            rows.append((table, one.name, one.zh, f"{one.zh} {one.en}", said, mime, name))
            if coded:
                enums += [(name, "enum", code, f"{word.zh} {word.en}") for code, word in one.codes.items()]
    connection.executemany("INSERT INTO gpkg_data_columns VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.executemany(
        "INSERT INTO gpkg_data_column_constraints (constraint_name, constraint_type, value, description)"
        " VALUES (?, ?, ?, ?)",
        enums,
    )
    connection.executemany(
        "INSERT INTO gpkg_extensions VALUES (?, NULL, ?, ?, ?)",
        [(table, *_EXTENSION) for table in ("gpkg_data_columns", "gpkg_data_column_constraints")],
    )
