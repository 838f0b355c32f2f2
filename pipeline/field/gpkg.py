"""The package as a GeoPackage for QField and QGIS: cases, their photos, and the words of what is to be filled in.

GeoPackage 1.3 with its schema extension (OGC 12-128r18, annex F.9): titles of columns, and enumerations of the coded ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import pandas as pd
from shapely import MultiPolygon

from ..errors import LuyuError
from .bounds import MOST_ROWS, sound
from .given import Given, GivenPhoto, Place, Sheaf
from .rows import CODES, FILLED_IN, KEPT, LONLAT, NEEDED, TITLES, TOLD, Column

CASES, PHOTOS = "cases", "photos"
LAYER_TITLES = {CASES: "核查案件", PHOTOS: "现场照片"}
CASE_COLUMNS: tuple[Column, ...] = (*TOLD, *KEPT, *FILLED_IN)
PHOTO_COLUMNS: tuple[Column, ...] = (
    Column("case_no", "案件统一编号"),
    Column("photo", "照片"),
    Column("taken_at", "拍摄时间", "DATETIME"),
    Column("lon", "经度", "DOUBLE"),
    Column("lat", "纬度", "DOUBLE"),
    Column("azimuth_deg", "方位角（°）", "DOUBLE"),
)
_SPEC = "http://www.geopackage.org/spec121/#extension_schema"
_SCHEMA = """
CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT,
  description TEXT, mime_type TEXT, constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT,
  min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
"""


def write_gpkg(path: Path, rows: Sequence[Mapping[str, Any]], shapes: gpd.GeoSeries) -> None:
    """Write ``cases.gpkg``: ``rows`` of `rows.package_rows` with their footprints (lon, lat) by case number."""
    table = pd.DataFrame(rows, columns=[column.name for column in (*TOLD, *KEPT)])
    types = {"TEXT": "object", "DOUBLE": "float64", "INTEGER": "int64"}
    table = table.astype({column.name: types[column.type] for column in (*TOLD, *KEPT)})
    whole = [
        shape if shape.geom_type == "MultiPolygon" else MultiPolygon([shape]) for shape in shapes.loc[table["case_no"]]
    ]
    frame = gpd.GeoDataFrame(table, geometry=whole, crs=LONLAT)
    frame.to_file(
        path,
        layer=CASES,
        driver="GPKG",
        engine="pyogrio",
        geometry_type="MultiPolygon",
        IDENTIFIER=LAYER_TITLES[CASES],
        VERSION="1.3",
        SPATIAL_INDEX="NO",  # its triggers need functions that only GIS have
    )
    with closing(sqlite3.connect(path)) as base, base:
        for column in FILLED_IN:
            base.execute(f'ALTER TABLE {CASES} ADD COLUMN "{column.name}" {column.type}')
        typed = ", ".join(f'"{column.name}" {column.type}' for column in PHOTO_COLUMNS)
        base.execute(f"CREATE TABLE {PHOTOS} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, {typed})")
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, 'attributes', ?, 0)",
            (PHOTOS, LAYER_TITLES[PHOTOS]),
        )
        _describe(base)


def _describe(base: sqlite3.Connection) -> None:
    """Write the schema extension: titles of all columns, enumerations of the coded ones."""
    base.executescript(_SCHEMA)
    base.executemany(
        "INSERT INTO gpkg_extensions VALUES (?, NULL, 'gpkg_schema', ?, 'read-write')",
        [(name, _SPEC) for name in ("gpkg_data_columns", "gpkg_data_column_constraints")],
    )
    base.executemany(
        "INSERT INTO gpkg_data_columns VALUES (?, ?, ?, ?, NULL, ?, ?)",
        [
            (table, column.name, column.name, column.zh, None, column.name if column.name in CODES else None)
            for table, columns in ((CASES, CASE_COLUMNS), (PHOTOS, PHOTO_COLUMNS))
            for column in columns
        ],
    )
    base.executemany(
        "INSERT INTO gpkg_data_column_constraints VALUES (?, 'enum', ?, NULL, NULL, NULL, NULL, ?)",
        [(name, code, zh) for name, words in CODES.items() for code, zh in words.items()],
    )


def read_gpkg(path: Path) -> Sheaf:
    """Rows of the layer ``cases`` with their photos; LuyuError for what is no such file or lacks a column.

    It is read as the SQLite database that it is, without any code of the file's: no view, no trigger, nothing is written.
    """
    sound(path)
    wanted = (*NEEDED, "photo", "azimuth_deg")
    try:
        # What QField has not yet moved into the file lies beside it; where there is none, nothing need be made there.
        still = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro{still}", uri=True)) as base:
            base.execute("PRAGMA trusted_schema = OFF")
            base.execute("PRAGMA cell_size_check = ON")
            base.text_factory = lambda raw: raw.decode("utf-8", "replace")
            rows = _rows(base, path, CASES, wanted, NEEDED)
            photos: list[dict[str, Any]] = []
            if _columns(base, PHOTOS):
                photos = _rows(base, path, PHOTOS, tuple(column.name for column in PHOTO_COLUMNS), ("case_no", "photo"))
            added = sorted(
                _columns(base, CASES) - {column.name for column in CASE_COLUMNS} - {"fid", "geom", "geometry"}
            )
    except sqlite3.Error as error:
        raise LuyuError(f"{path}: a damaged GeoPackage ({error}); copy it from the device anew") from error
    sheaf = Sheaf(notes=[f"{path.name}: columns {', '.join(added)} are not of the package; ignored"] if added else [])
    named: dict[str, list[GivenPhoto]] = {}
    for photo in photos:
        place = Place(path.name, f"layer {PHOTOS!r}", photo["fid"])
        if photo["photo"]:
            one = GivenPhoto(place, str(photo["photo"]), photo["lon"], photo["lat"], photo["azimuth_deg"])
            named.setdefault(str(photo["case_no"]), []).append(one)
    for row in rows:
        place = Place(path.name, f"layer {CASES!r}", row["fid"])
        own = [GivenPhoto(place, str(row["photo"]), azimuth_deg=row["azimuth_deg"])] if row["photo"] else []
        sheaf.rows.append(Given(place, row, (*own, *named.pop(str(row["case_no"]), ()))))
    for case_no, lost in named.items():
        sheaf.refused += [
            (one.place, case_no, "the photo belongs to no case of the file; choose its case") for one in lost
        ]
    return sheaf


def _columns(base: sqlite3.Connection, table: str) -> set[str]:
    """Names of the columns of a table; none where there is no table (a view is none)."""
    if base.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone() is None:
        return set()
    return {str(row[1]) for row in base.execute(f'PRAGMA table_info("{table}")')}


def _rows(
    base: sqlite3.Connection, path: Path, table: str, wanted: Sequence[str], needed: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of a table as dicts with all of ``wanted`` and ``fid``, columns that are not there None."""
    there = _columns(base, table)
    if not there:
        raise LuyuError(
            f"{path}: no layer {table!r}; it is no package of 'luyu cases export', or the layer was renamed"
        )
    if gone := [name for name in (*needed, "fid") if name not in there]:
        titles = ", ".join(f"{name} ({TITLES[name]})" if name in TITLES else name for name in gone)
        raise LuyuError(f"{path}: layer {table!r} lacks {titles}; export anew and copy the verdicts over")
    names = ["fid", *(name for name in wanted if name in there)]
    columns = ", ".join(f'"{name}"' for name in names)
    found = base.execute(f'SELECT {columns} FROM "{table}" ORDER BY fid LIMIT ?', (MOST_ROWS + 1,)).fetchall()  # noqa: S608
    if len(found) > MOST_ROWS:
        raise LuyuError(f"{path}: layer {table!r} has more than {MOST_ROWS} rows; import it in parts")
    return [dict.fromkeys(wanted) | dict(zip(names, row, strict=True)) for row in found]
