"""What else comes in: findings to be scored, verdicts, models, rankings, ledgers; names that people read; servers."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
from shapely import box

from .cases import HANDLED, REFUSED, add, handled, refused
from .catalogue_cases import catalogue, item, with_catalogue
from .ground import EAST, EPSG, NORTH, Ground, counties, roads
from .vector_cases import entry


class _Bomb:
    """A pickle that writes a file when it is loaded."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch escaped-by-pickle",)


PICKLE = pickle.dumps(_Bomb())


def _vrt(ground: Ground) -> str:
    secret = ground.base / "secret" / "secret.geojson"
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="findings"><SrcDataSource>{secret}</SrcDataSource>'
        "<SrcLayer>secret</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )


def _truth(ground: Ground) -> Path:
    path = ground.folder / "truth.gpkg"
    shape = box(EAST, NORTH - 30, EAST + 20, NORTH)
    gpd.GeoDataFrame({"kind": ["building"]}, geometry=[shape], crs=EPSG).to_file(path, layer="findings")
    return path


def _program(ground: Ground) -> bytes:
    """A GeoPackage whose layer is a query without end."""
    path = _truth(ground)
    with closing(sqlite3.connect(path)) as base:
        base.executescript(
            "ALTER TABLE findings RENAME TO held; CREATE VIEW findings AS WITH RECURSIVE n(fid) AS"
            " (SELECT 1 UNION ALL SELECT fid + 1 FROM n) SELECT n.fid, geom, kind FROM n, held;"
        )
    return path.read_bytes()


_FILES = (
    ("a vrt", _vrt),
    ("a pickle", lambda _: PICKLE),
    ("numbers without end", lambda _: '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": '
     '{"kind": "building"}, "geometry": {"type": "Point", "coordinates": [1%s, 34]}}]}' % ("0" * 400)),
    ("text", lambda _: "hello"),
    ("nothing", lambda _: ""),
    ("deep brackets", lambda _: '{"type": "FeatureCollection", "features": ' + "[" * 200_000),
    ("features of nulls", lambda _: '{"type": "FeatureCollection", "features": [null, null]}'),
    ("a system by a link", lambda g: '{"type": "FeatureCollection", "crs": {"type": "link", "properties": {"href":'
     f' "{g.trap}/crs"}}}}, "features": []}}'),
    ("coordinates of infinity", lambda _: '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties":'
     ' {"kind": "building"}, "geometry": {"type": "Polygon", "coordinates": [[[1e999, 1], [2, 2], [3, 1], [1e999, 1]]]}}]}'),
)  # fmt: skip
for _name, _content in _FILES:
    for _suffix in ("gpkg", "geojson"):

        def _scored(ground: Ground, content: object = _content, suffix: str = _suffix) -> list[str]:
            path = ground.file(f"findings.{suffix}", content(ground))  # type: ignore[operator]
            return ["evaluate", str(path), str(_truth(ground))]

        def _learnt(ground: Ground, content: object = _content, suffix: str = _suffix) -> list[str]:
            path = ground.file(f"findings.{suffix}", content(ground))  # type: ignore[operator]
            return ["train", "--labelled", str(path), "--out", str(ground.out / "ranking.json")]

        add("findings", f"evaluate {_name} named {_suffix}", _scored, REFUSED, f"findings.{_suffix}")
        add("findings", f"train on {_name} named {_suffix}", _learnt, REFUSED, f"findings.{_suffix}")


@refused("findings", "findings.gpkg")
def _evaluate_a_query_without_end(ground: Ground) -> list[str]:
    path = ground.file("findings.gpkg", _program(ground))
    (ground.folder / "truth.gpkg").unlink()
    return ["evaluate", str(path), str(_truth(ground))]


@refused("findings", "findings.gpkg")
def _train_on_a_query_without_end(ground: Ground) -> list[str]:
    path = ground.file("findings.gpkg", _program(ground))
    return ["train", "--labelled", str(path), "--out", str(ground.out / "ranking.json")]


for _name, _file, _content in (
    ("a pickle", "verdicts.json", PICKLE),
    ("deep brackets", "verdicts.json", b"[" * 200_000),
    ("a list of numbers", "verdicts.json", b"[1, 2]"),
    ("a workbook that is none", "cases.xlsx", b"PK\x03\x04" + bytes(500)),
    ("a package that is none", "cases.gpkg", b"hello"),
    ("a package that is a vrt", "cases.gpkg", b"<OGRVRTDataSource/>"),
    ("a shapefile", "cases.shp", b""),
):

    def _imported(ground: Ground, file: str = _file, content: bytes = _content) -> list[str]:
        ground.out.mkdir()
        ledger = ground.out / "ledger.sqlite"
        shutil.copy(ground.base / "ledger.sqlite", ledger)
        return ["cases", "import", str(ground.file(file, content)), "--ledger", str(ledger)]

    add("field", f"import {_name}", _imported, REFUSED, _file)

for _name, _content in (("a pickle", PICKLE), ("text", b"hello"), ("nothing", b""), ("another database", None)):

    def _listed(ground: Ground, content: bytes | None = _content) -> list[str]:
        path = ground.file("ledger.sqlite", content or b"")
        if content is None:
            with closing(sqlite3.connect(path)) as base:
                base.executescript("CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE x (y)")
        return ["cases", "list", "--ledger", str(path)]

    add("ledger", f"a ledger of {_name}", _listed, REFUSED, "ledger.sqlite")

for _name, _file, _content in (
    ("a pickle named onnx", "model.onnx", PICKLE),
    ("text named onnx", "model.onnx", b"hello"),
    ("an onnx cut", "model.onnx", b"\x08\x07\x12\x07pytorch"),
    ("nothing named onnx", "model.onnx", b""),
    ("an npz named onnx", "model.onnx", b"PK\x03\x04" + bytes(300)),
):

    def _opened(ground: Ground, file: str = _file, content: bytes = _content) -> list[str]:
        argv = ground.config(command="run")
        path = ground.file(file, content)
        return [*argv, "--set", f"detectors=[{{use: network, model: '{path}', bands: [red, green, blue]}}]"]

    add("models", _name, _opened, REFUSED, _file)

for _name, _content in (("a pickle", PICKLE), ("text", b"hello"), ("deep brackets", b"[" * 200_000), ("{}", b"{}")):

    def _ranked(ground: Ground, content: bytes = _content) -> list[str]:
        path = ground.file("ranking.joblib", content)
        return [*ground.config(), "--set", f"decisions.rankings=['{path}']"]

    add("models", f"a ranking of {_name}", _ranked, REFUSED, "ranking.joblib")


@refused("models", "model.json")
def _a_card_that_is_a_bomb(ground: Ground) -> list[str]:
    ground.file("model.onnx", b"x")
    ground.file("model.json", "[" * 200_000)
    argv = ground.config()
    return [*argv, "--set", f"detectors=[{{use: network, model: '{ground.folder / 'model.onnx'}'}}]"]


_NAMES = (
    "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1+1", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "${alert(1)}", "`", "</script>", "{{7*7}}", "{% raw %}", "..\\..\\escaped", "../../escaped", "汉" * 90, "a\u202eb",
    "\x1b[31m", "line\nbreak", "https://example.org/?q=1", "'; DROP TABLE cases; --",
)  # fmt: skip


def _named(ground: Ground, name: str, command: str = "run") -> list[str]:
    """A run whose road and county bear the name."""
    frame, area = roads(), counties()
    frame["LXMC"], area["XZQMC"] = name, name
    frame.to_file(ground.folder / "named.gpkg", layer="roads")
    area.to_file(ground.folder / "named.gpkg", layer="counties")
    where = f"{{path: '{ground.folder / 'named.gpkg'}', layer: counties, columns: {{code: XZQDM, name: XZQMC}}}}"
    return ground.config(layers={"roads": entry(ground.folder / "named.gpkg", ", layer: roads"), "counties": where},
                         command=command)  # fmt: skip


for _name in _NAMES:
    _run = _name in ("=1+1", "<script>alert(1)</script>", "汉" * 90, "../../escaped")
    add("names", f"a name of {_name[:30]!a}",
        lambda ground, n=_name, r=_run: _named(ground, n, "run" if r else "check"), HANDLED,
        "km observed" if _run else "nothing stands in the way")  # fmt: skip

for _name, _fault in (
    ("hangs", "hang"), ("hangs half way", "hang half"), ("cuts", "cut"), ("sends other bytes", "other range"),
    ("sends noise", "garbage"), ("sends a login page", "page"), ("sends a page as a part", "page as part"),
    ("speaks another language", "no http"), ("leads to another port", "to other port"), ("leads in a circle", "circle"),
    ("leads nowhere", "to nowhere"), ("sends a bomb", "bomb"), ("is always busy", "429 soon"), ("is down", "503"),
    ("asks to wait a day", "429 86400"), ("forbids", "403"), ("resets", "reset"), ("does not answer", "no answer"),
):  # fmt: skip

    def _served(ground: Ground, fault: str = _fault) -> list[str]:
        for when in ("before", "after"):
            ground.file(f"{when}.tif", (ground.base / f"{when}.tif").read_bytes())
        ground.faults["after.tif"] = fault
        items = [item(ground, when, href=f"{ground.server}/{when}.tif") for when in ("before", "after")]
        return with_catalogue(ground, catalogue(items), web=True)

    add("servers", f"an image's server {_name}", _served, REFUSED, "after.tif")

for _name, _fault in (("hangs", "hang"), ("sends a bomb", "bomb"), ("sends a login page", "page"), ("is busy", "503")):

    def _searched(ground: Ground, fault: str = _fault) -> list[str]:
        ground.faults["catalog.json"] = fault
        return with_catalogue(ground, catalogue([]), web=True)

    add("servers", f"a catalogue's server {_name}", _searched, REFUSED, "catalog.json")


@refused("servers")
def _a_server_that_leads_to_a_file(ground: Ground) -> list[str]:
    return ground.config(
        source=f"{{kind: tiles, layers: [{{date: 2024-04-20, url: 'file://{ground.secret}'}}], zoom: 17}}"
    )


@refused("servers", "asset_hosts")
def _tiles_of_the_own_network(ground: Ground) -> list[str]:
    url = f"{ground.trap}/{{z}}/{{x}}/{{y}}.png"
    layers = ", ".join(f"{{date: {day}, url: '{url}'}}" for day in ("2024-04-20", "2024-10-10"))
    return ground.config(source=f"{{kind: tiles, layers: [{layers}], zoom: 17}}")


@refused("names", "basemap")
def _a_basemap_that_is_a_vrt(ground: Ground) -> list[str]:
    path = ground.file("base.mbtiles", _vrt(ground))
    return ground.config(more=f"maps:\n  basemaps:\n    - {{path: '{path}', name: a}}\n")


@handled("names", "rows kept")
def _a_sheet_of_permits_with_formulas(ground: Ground) -> list[str]:
    text = "=1+1,G311,K0+100,2024-01-01\n@x,G311,K0+200,2024-01-01\n"
    path = ground.file("permits.csv", "number,route,stake,valid_from\n" + text)
    where = f"{{path: '{path}', columns: {{number: number, route: route, stake: stake, valid_from: valid_from}}}}"
    return ground.config(layers={"permits": where})
