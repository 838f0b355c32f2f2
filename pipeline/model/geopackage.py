"""What a GeoPackage must be before a reader opens it: a database of plain tables, and no program. And one without a clock.

A view may be a query without end, a virtual table whatever its module makes of it, a generated column a gigabyte out of
nothing. None of them runs here; only the names of things are asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

MAGIC = b"SQLite format 3\x00"
_MOST_STEPS = 2_000  # of a million operations of SQLite's machine; names of things take a few hundred at all
_OF_OLD = frozenset({"st_spatial_ref_sys", "st_geometry_columns", "spatial_ref_sys", "geometry_columns"})


@contextmanager
def undated(moment: str = "2024-01-01T00:00:00.000Z") -> Iterator[None]:
    """GeoPackages that are written meanwhile bear this time: the same tables give the same bytes.

    By the clock GDAL writes its stamp once more when a file is closed in a later millisecond, which SQLite counts.
    """
    import pyogrio

    name = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: moment})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})


def why_not(path: Path, layers: Iterable[str] = ()) -> str | None:
    """Why no reader should open the file for these layers (none named: for any), with what to do; None if it may."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return "is no GeoPackage whatever its name says; export it again"
    still = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro{still}", uri=True)) as base:
            base.execute("PRAGMA trusted_schema = OFF")
            steps = iter(range(_MOST_STEPS))
            base.set_progress_handler(lambda: next(steps, None) is None, 1_000_000)
            base.text_factory = lambda raw: raw.decode("utf-8", "replace")
            return _odd(base, frozenset(name.casefold() for name in layers))
    except sqlite3.Error as error:
        return f"cannot be read ({error}); ask for it again"


def _odd(base: sqlite3.Connection, wanted: frozenset[str]) -> str | None:
    kinds = {str(name).casefold(): _kind(kind, sql) for name, kind, sql in base.execute(
        "SELECT name, type, coalesce(sql, '') FROM sqlite_master WHERE type IN ('table', 'view')")}  # fmt: skip
    for name, kind in kinds.items():
        own = name.startswith("gpkg_")
        read = name in wanted if wanted else not name.startswith("rtree_") and name not in _OF_OLD
        if kind != "table" and (own or read):
            return f"{name!r} in it is a {kind}, which may do anything; export it as a table"
        if own or read:
            for row in base.execute(f'PRAGMA table_xinfo("{name.replace(chr(34), chr(34) * 2)}")'):
                if row[6] in (2, 3):
                    return f"column {row[1]!r} of {name!r} is computed; export the table with plain values"
    if "gpkg_contents" not in kinds:
        return "has no table gpkg_contents, so it is no GeoPackage; export it again"
    return _missing(base, kinds)


def _kind(kind: str, sql: str) -> str:
    virtual = sql.lstrip().casefold().startswith("create virtual")
    return "virtual table" if virtual else kind


def _missing(base: sqlite3.Connection, kinds: Mapping[str, str]) -> str | None:
    for (name,) in base.execute("SELECT table_name FROM gpkg_contents"):
        if str(name).casefold() not in kinds:
            return f"its contents name {name!r}, which is not in it; ask for it again"
    return None
