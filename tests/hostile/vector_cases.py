"""Layers as somebody's system wrote them, or as somebody who means harm made them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
from shapely import LineString, MultiLineString, Polygon

from .cases import REFUSED, add, handled, refused
from .ground import EAST, EPSG, NORTH, Ground, counties, roads

KIND = "vectors"
_COLUMNS = "columns: {route: LXBM, name: LXMC, pavement_width_m: LMKD}"


def entry(path: Path | str, more: str = "") -> str:
    """An entry of roads."""
    return f"{{path: {json.dumps(str(path), ensure_ascii=False)}, {_COLUMNS}{more}}}"


def with_roads(ground: Ground, path: Path | str, more: str = "") -> list[str]:
    """The command line of a check whose roads lie at ``path``."""
    return ground.config(layers={"roads": entry(path, more)})


def _of(frame: gpd.GeoDataFrame, ground: Ground, name: str = "roads.gpkg", more: str = "") -> list[str]:
    path = ground.folder / name
    frame.to_file(path, layer=path.stem) if path.suffix == ".gpkg" else frame.to_file(path)
    return with_roads(ground, path, more)


def _vrt(ground: Ground) -> str:
    secret = ground.base / "secret" / "secret.geojson"
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="roads"><SrcDataSource>{secret}</SrcDataSource>'
        "<SrcLayer>secret</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )


def _far_vrt(ground: Ground) -> str:
    return _vrt(ground).replace(str(ground.base / "secret" / "secret.geojson"), f"/vsicurl/{ground.trap}/a.geojson")


for _suffix in ("geojson", "json", "gpkg", "kml", "shp", "fgb", "csv", "tab", "mif", "xlsx", "parquet"):
    add(KIND, f"a vrt named {_suffix}",
        lambda ground, s=_suffix: with_roads(ground, ground.file(f"roads.{s}", _vrt(ground))), REFUSED,
        "layers.yaml" if _suffix in ("csv", "xlsx") else f"roads.{_suffix}")  # fmt: skip
    add(KIND, f"a vrt of the web named {_suffix}",
        lambda ground, s=_suffix: with_roads(ground, ground.file(f"roads.{s}", _far_vrt(ground))), REFUSED,
        "layers.yaml" if _suffix in ("csv", "xlsx") else f"roads.{_suffix}")  # fmt: skip

for _name, _path in (
    ("xml for a path", "<OGRVRTDataSource></OGRVRTDataSource>"),
    ("a web address", "{trap}/roads.geojson"),
    ("vsicurl", "/vsicurl/{trap}/roads.geojson"),
    ("vsizip", "/vsizip/{base}/secret/secret.zip/a.geojson"),
    ("a database", "PG:host=127.0.0.1 dbname=x"),
    ("a web service", "WFS:{trap}/wfs"),
    ("a driver's prefix", "GPKG:/etc/passwd"),
    ("inline geojson", '{{"type":"FeatureCollection","features":[]}}'),
    ("a device", "/dev/zero"),
    ("a folder", "."),
    ("a password file", "/etc/passwd"),
    ("a path too long", "a" * 5000 + ".gpkg"),
    ("a null byte", "a\\0b.gpkg"),
    ("an archive's inside", "a.zip!roads.shp"),
):
    add(KIND, _name, lambda ground, p=_path: with_roads(ground, p.format(trap=ground.trap, base=ground.base)), REFUSED)


@refused(KIND, "roads.geojson")
def _a_pipe(ground: Ground) -> list[str]:
    os.mkfifo(ground.folder / "roads.geojson")
    return with_roads(ground, ground.folder / "roads.geojson")


def _features(features: str) -> str:
    return f'{{"type": "FeatureCollection", "features": [{features}]}}'


def _feature(coordinates: str, kind: str = "LineString", route: str = '"G311"') -> str:
    return (
        f'{{"type": "Feature", "properties": {{"LXBM": {route}, "LXMC": "a", "LMKD": 9}},'
        f' "geometry": {{"type": "{kind}", "coordinates": {coordinates}}}}}'
    )


_LINE = "[[117.0, 34.32], [117.003, 34.321]]"
for _name, _content in (
    ("no features", _features("")),
    ("deep brackets", _features(_feature("[" * 1_000_000))),
    ("deep properties", _features(_feature(_LINE).replace('"a"', '{"a":' * 200_000 + "1" + "}" * 200_000))),
    ("infinite coordinates", _features(_feature("[[117.0, 34.3], [1e999, 34.321]]"))),
    ("not a number", _features(_feature("[[117.0, 34.3], [NaN, NaN]]"))),
    ("latitude first", _features(_feature("[[34.32, 117.0], [34.321, 117.003]]"))),
    ("beyond the earth", _features(_feature("[[117.0, 934.3], [5117.0, 34.321]]"))),
    ("a road round the earth", _features(_feature("[[-179, 34.3], [179, 34.3]]"))),
    ("points for roads", _features(_feature("[117.0, 34.3]", "Point"))),
    ("one point twice", _features(_feature("[[117.0, 34.3], [117.0, 34.3]]"))),
    ("null geometries", _features(_feature("null").replace('{"type": "LineString", "coordinates": null}', "null"))),
    ("empty geometries", _features(_feature("[]"))),
    ("cut", _features(_feature(_LINE))[:150]),
    ("not json", "roads roads roads"),
    ("a login page", "<!DOCTYPE html><html><body>sign in</body></html>"),
    ("empty", ""),
    ("a pipeline of gdal", '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/passwd"}'),
    ("a system of the web", _features(_feature(_LINE)).replace(
        '{"type": "FeatureCollection"',
        '{"type": "FeatureCollection", "crs": {"type": "link", "properties": {"href": "TRAP/crs"}}')),
    ("route code of null", _features(_feature(_LINE, route="null"))),
    ("route code that climbs out", _features(_feature(_LINE, route='"../../escaped"'))),
    ("route code of a number", _features(_feature(_LINE, route="1e308"))),
    ("lone surrogate", _features(_feature(_LINE, route='"\\ud800"'))),
):  # fmt: skip
    add(KIND, f"geojson: {_name}",
        lambda ground, c=_content: with_roads(ground, ground.file("roads.geojson", c.replace("TRAP", ground.trap))),
        REFUSED, cpu_s=60.0 if _name.startswith("deep") else 25.0)  # fmt: skip

for _name, _shapes in (
    ("infinite coordinates", [LineString([(EAST, NORTH), (np.inf, NORTH)])]),
    ("coordinates of 1e300", [LineString([(1e300, -1e300), (-1e300, 1e300)])]),
    ("degrees for metres", [LineString([(117.0, 34.3), (117.01, 34.31)])]),
    ("axes swapped", [LineString([(NORTH, EAST), (NORTH, EAST + 300)])]),
    ("polygons for roads", [Polygon([(EAST, NORTH), (EAST + 9, NORTH), (EAST, NORTH - 9)])]),
    ("nothing at all", []),
    ("only nulls", [None]),
    ("only empties", [LineString()]),
):
    add(KIND, f"gpkg: {_name}",
        lambda ground, s=_shapes: _of(gpd.GeoDataFrame(
            {"LXBM": ["G311"] * len(s), "LXMC": ["a"] * len(s), "LMKD": [9.0] * len(s)}, geometry=s, crs=EPSG), ground),
        REFUSED)  # fmt: skip


@handled(KIND, "left out")
def _some_nulls_empties_and_odd_kinds(ground: Ground) -> list[str]:
    line = roads().geometry[0]
    shapes = [line, None, LineString(), MultiLineString([line])]
    values = {"LXBM": [f"G31{n}" for n in range(4)], "LXMC": ["a"] * 4, "LMKD": [9.0] * 4}
    return _of(gpd.GeoDataFrame(values, geometry=shapes, crs=EPSG), ground)


@handled(KIND, "repaired")
def _a_bow_tie_for_a_county(ground: Ground) -> list[str]:
    west, south, east, north = counties().total_bounds
    loop = [(west, south + 10), (west - 50, south + 40), (west - 50, south + 10), (west, south + 40)]
    broken = Polygon([(west, south), (east, south), (east, north), (west, north), *loop[::-1]])
    counties().set_geometry([broken]).to_file(ground.folder / "c.gpkg", layer="c")
    where = f"{{path: '{ground.folder / 'c.gpkg'}', columns: {{code: XZQDM, name: XZQMC}}}}"
    return ground.config(layers={"counties": where})


@refused(KIND, "crs")
def _no_coordinate_system(ground: Ground) -> list[str]:
    return _of(roads().set_crs(None, allow_override=True), ground, "roads.shp")


@refused(KIND)
def _the_wrong_zone(ground: Ground) -> list[str]:
    return _of(roads().set_crs(4528, allow_override=True), ground)


@handled(KIND, "gb18030")
def _gbk_without_a_cpg(ground: Ground) -> list[str]:
    roads().to_file(ground.folder / "roads.shp", encoding="GBK")
    (ground.folder / "roads.cpg").unlink()
    return with_roads(ground, ground.folder / "roads.shp")


@refused(KIND, "XZQDM")
def _a_column_that_is_not_there(ground: Ground) -> list[str]:
    frame = counties().rename(columns={"XZQDM": "CODE"})
    frame.to_file(ground.folder / "c.gpkg", layer="c")
    where = f"{{path: '{ground.folder / 'c.gpkg'}', columns: {{code: XZQDM, name: XZQMC}}}}"
    return ground.config(layers={"counties": where})


def _with_code(ground: Ground, code: str) -> list[str]:
    frame = counties()
    frame["XZQDM"] = code
    frame.to_file(ground.folder / "c.gpkg", layer="c")
    where = f"{{path: '{ground.folder / 'c.gpkg'}', columns: {{code: XZQDM, name: XZQMC}}}}"
    return ground.config(layers={"counties": where}, command="run")


for _name, _code in (
    ("climbs out", "../../escaped"), ("is absolute", "/var/escaped"), ("is empty", ""), ("has a null", "3203\x0022"),
    ("is a formula", "=1+1"), ("is a script", "<script>"), ("is a drive", "C:\\escaped"),
):  # fmt: skip
    add(KIND, f"county code that {_name}", lambda ground, c=_code: _with_code(ground, c), REFUSED, "c.gpkg")


@refused(KIND, "roads.shp")
def _a_shapefile_without_its_index(ground: Ground) -> list[str]:
    argv = _of(roads(), ground, "roads.shp")
    (ground.folder / "roads.shx").unlink()
    return argv


@refused(KIND, "roads.shp")
def _a_shapefile_that_claims_two_billion_rows(ground: Ground) -> list[str]:
    argv = _of(roads(), ground, "roads.shp")
    for suffix, at, content in ((".dbf", 4, b"\xff\xff\xff\x7f"), (".shx", 24, b"\x7f\xff\xff\xff")):
        path = ground.folder / f"roads{suffix}"
        data = bytearray(path.read_bytes())
        data[at : at + 4] = content
        path.write_bytes(data)
    return argv


@refused(KIND, "roads")
def _a_part_that_claims_a_billion_points(ground: Ground) -> list[str]:
    argv = _of(roads(), ground, "roads.shp")
    path = ground.folder / "roads.shp"
    data = bytearray(path.read_bytes())
    data[100 + 8 + 4 + 32 : 100 + 8 + 4 + 40] = b"\x01\x00\x00\x00\xff\xff\xff\x3f"
    path.write_bytes(data)
    return argv


@refused(KIND, "roads.kml")
def _kml_with_an_entity_bomb(ground: Ground) -> list[str]:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY l0 "ha">{entities}]><kml><name>&l9;</name></kml>'
    return with_roads(ground, ground.file("roads.kml", text))


@refused(KIND, "roads.kml")
def _kml_that_takes_in_a_file(ground: Ground) -> list[str]:
    text = f'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY f SYSTEM "{ground.secret}">]><kml><name>&f;</name></kml>'
    return with_roads(ground, ground.file("roads.kml", text))


@refused(KIND, "roads.kml")
def _kml_that_links_to_the_web(ground: Ground) -> list[str]:
    text = f"<kml><NetworkLink><Link><href>{ground.trap}/x.kml</href></Link></NetworkLink></kml>"
    return with_roads(ground, ground.file("roads.kml", text))


def _pasted(ground: Ground, marked: str) -> Path:
    """A MapInfo table that is made up of others, the secret one among them."""
    other = os.path.relpath(ground.base / "secret" / "secret.tab", ground.folder)
    frame = gpd.GeoDataFrame({"Table": [other]}, geometry=[roads().union_all().envelope.buffer(500)], crs=EPSG)
    path = ground.folder / "roads.tab"
    frame.to_file(path, driver="MapInfo File")
    told = path.read_text(encoding="latin-1").rstrip()
    path.write_text(f'{told}\nbegin_metadata\n"\\{marked}" = "TRUE"\nend_metadata\n', encoding="latin-1")
    return path


@refused(KIND, "roads.tab")
def _tab_that_is_pasted_together_of_others(ground: Ground) -> list[str]:
    return with_roads(ground, _pasted(ground, "IsSeamless"))


@refused(KIND, "roads.tab")
def _tab_that_says_so_in_small_letters(ground: Ground) -> list[str]:
    return with_roads(ground, _pasted(ground, "isseamless"))


@refused(KIND, "roads.tab")
def _tab_that_is_a_view(ground: Ground) -> list[str]:
    text = '!table\n!version 100\n\nOPEN  TABLE "../base/secret/secret.tab" Hide\nCREATE VIEW roads As Select * From secret\n'
    return with_roads(ground, ground.file("roads.tab", text))


@refused(KIND, "roads.gml")
def _gml_with_a_schema_elsewhere(ground: Ground) -> list[str]:
    text = f'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x {ground.trap}/a.xsd"/>'
    return with_roads(ground, ground.file("roads.gml", text))


@handled(KIND, "nothing stands in the way")
def _a_link_to_a_layer(ground: Ground) -> list[str]:
    (ground.folder / "roads.gpkg").symlink_to(ground.base / "layers.gpkg")
    where = f"{{path: roads.gpkg, layer: roads, {_COLUMNS}}}"
    return ground.config(layers={"roads": where})


@refused(KIND, "roads.gdb.zip")
def _a_geodatabase_that_climbs_out_of_its_zip(ground: Ground) -> list[str]:
    import zipfile

    with zipfile.ZipFile(ground.folder / "roads.gdb.zip", "w") as archive:
        archive.writestr("../escaped", "x")
        archive.writestr("a.gdb/a00000001.gdbtable", b"\0" * 100)
    return with_roads(ground, ground.folder / "roads.gdb.zip")


@refused(KIND, "roads.parquet")
def _parquet_cut(ground: Ground) -> list[str]:
    roads().to_parquet(ground.folder / "whole.parquet")
    content = (ground.folder / "whole.parquet").read_bytes()
    return with_roads(ground, ground.file("roads.parquet", content[:200] + content[-60:]))


@refused(KIND, "roads.parquet")
def _a_pickle_named_parquet(ground: Ground) -> list[str]:
    import pickle

    class _Bomb:
        def __reduce__(self) -> tuple:
            return os.system, ("touch escaped",)

    return with_roads(ground, ground.file("roads.parquet", pickle.dumps(_Bomb())))


def copied(ground: Ground) -> Path:
    """The sound layers in the case's folder."""
    return Path(shutil.copy(ground.base / "layers.gpkg", ground.folder / "layers.gpkg"))
