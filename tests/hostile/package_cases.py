"""GeoPackages that are programs, and GeoPackages that are damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from .cases import REFUSED, add, handled, refused
from .ground import Ground, roads
from .vector_cases import KIND, with_roads


def _rewritten(ground: Ground, script: str) -> list[str]:
    path = ground.folder / "roads.gpkg"
    roads().to_file(path, layer="roads", SPATIAL_INDEX="NO")
    with closing(sqlite3.connect(path)) as base:
        base.executescript(script)
    return with_roads(ground, path)


_AS_VIEW = """
ALTER TABLE roads RENAME TO held;
CREATE VIEW roads AS {0};
"""
for _name, _script in (
    ("a view without end", _AS_VIEW.format(
        "WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n)"
        " SELECT n.fid, geom, LXBM, LXMC, LMKD FROM n, (SELECT * FROM held LIMIT 1)")),
    ("a view that multiplies", _AS_VIEW.format(
        "SELECT a.fid, a.geom, a.LXBM, hex(zeroblob(100000000)) AS LXMC, a.LMKD FROM held a")),
    ("a view that reads files", _AS_VIEW.format(
        "SELECT fid, geom, LXBM, readfile('SECRET') AS LXMC, LMKD FROM held")),
    ("a view that loads a library", _AS_VIEW.format(
        "SELECT fid, geom, LXBM, load_extension('escaped') AS LXMC, LMKD FROM held")),
    ("a view that asks the web", _AS_VIEW.format(
        "SELECT fid, geom, LXBM, ogr_http_fetch('TRAP/x') AS LXMC, LMKD FROM held")),
    ("a virtual table", ("ALTER TABLE roads RENAME TO held;"
        "CREATE VIRTUAL TABLE roads USING fts5(fid, geom, LXBM, LXMC, LMKD);")),
    ("no contents", "DELETE FROM gpkg_contents;"),
    ("contents of tables that are not there", "UPDATE gpkg_contents SET table_name = 'sqlite_master';"),
):  # fmt: skip

    def _scripted(ground: Ground, script: str = _script) -> list[str]:
        secret = str(ground.secret)
        return _rewritten(ground, script.replace("SECRET", secret).replace("TRAP", ground.trap))

    add(KIND, f"gpkg: {_name}", _scripted, REFUSED, "roads" if _name == "no contents" else "roads.gpkg")


@handled(KIND, "nothing stands in the way")
def _gpkg_with_a_trigger_that_attaches(ground: Ground) -> list[str]:
    return _rewritten(
        ground,
        "CREATE TRIGGER t AFTER INSERT ON roads BEGIN SELECT writefile('escaped', 'x'); END;",
    )


@refused(KIND, "roads.gpkg")
def _gpkg_with_a_page_gone(ground: Ground) -> list[str]:
    path = ground.folder / "roads.gpkg"
    roads(400).to_file(path, layer="roads")
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096, 2):
        content[page * 4096 : page * 4096 + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    return with_roads(ground, path)


@refused(KIND, "roads.gpkg")
def _gpkg_cut(ground: Ground) -> list[str]:
    content = (ground.base / "layers.gpkg").read_bytes()
    return with_roads(ground, ground.file("roads.gpkg", content[: len(content) // 3]))
