"""Every file of two real collections of odd and broken layers: read right, or refused with a sentence that helps."""

import json
import subprocess
import sys
from collections import Counter

import pytest

REMEDIES = (
    "ask for",
    "add ",
    "name ",
    "rename",
    "convert",
    "export",
    "unpack",
    "correct",
    "write ",
    "save it",
    "use ",
    "delete",
)
WALK = """
import json, sys
from pathlib import Path
from types import MappingProxyType
from pipeline.catalog.layer_entries import Entry
from pipeline.catalog.layer_file import read_layer
from pipeline.errors import LayerError

for line in sys.stdin:
    path = Path(line.rstrip("\\n"))
    try:
        read = read_layer(Entry("assets", path, "layers.yaml:6", MappingProxyType({})))
    except LayerError as error:
        said = {"outcome": "refused", "why": str(error)}
    else:
        located = int(read.frame.geometry.notna().sum())
        said = {"outcome": "read", "rows": len(read.frame), "located": located, "crs": read.source.crs}
    print(json.dumps({"path": str(path), **said}), flush=True)
"""


@pytest.mark.real
@pytest.mark.parametrize("tree", ["messy_vectors", "cn_city_shapes_gbk"])
def test_no_file_crashes_hangs_or_is_refused_without_a_remedy(real, tree):
    """In a process of its own: a reader written in C may take the whole process with it."""
    paths = sorted(str(path) for path in real(f"gis/{tree}").rglob("*") if path.is_file())
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        input="\n".join(paths),
        capture_output=True,
        text=True,
        timeout=240,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["path"] for row in rows] == paths
    for row in rows:
        if row["outcome"] == "refused":
            assert row["path"] in row["why"]
            assert any(remedy in row["why"].lower() for remedy in REMEDIES), row["why"]
        else:
            assert row["located"] == 0 or row["crs"], row
    counts = Counter(row["outcome"] for row in rows)
    assert counts["read"] >= {"messy_vectors": 25, "cn_city_shapes_gbk": 2}[tree], counts


FILES = {
    "cn_city_shapes_gbk/chongqing_shp/区县界_area.shp": (
        None,
        "ADMINCODE",
        "NAME",
        "奉节县",
        (105.2, 28.1, 110.2, 32.3),
    ),
    "cn_city_shapes_gbk/shanghai_shp/区县界_area.shp": (
        None,
        "ADMINCODE",
        "NAME",
        "宝山区",
        (120.8, 30.6, 122.3, 31.9),
    ),
}


@pytest.mark.real
@pytest.mark.parametrize("name", FILES)
def test_whole_deliveries_of_real_counties(real, tmp_path, roads, name):
    from pipeline.catalog.layers import Layers

    crs, code, column, value, (west, south, east, north) = FILES[name]
    roads.to_file(tmp_path / "roads.gpkg")
    said = f", crs: '{crs}'" if crs else ""
    (tmp_path / "layers.yaml").write_text(
        "roads: {path: roads.gpkg, columns: {route: LXBM}}\n"
        f"counties: {{path: '{real(f'gis/{name}')}', columns: {{code: {code}, name: {column}}}{said}}}\n",
        encoding="utf-8",
    )
    layers = Layers.load(tmp_path / "layers.yaml")
    assert value in set(layers.counties["name"])
    left, low, right, top = layers.counties.to_crs(4490).total_bounds
    assert west < left < right < east
    assert south < low < top < north
    assert layers.reports[1].encoding == "GBK"
    assert layers.counties.geometry.is_valid.all()


@pytest.mark.real
@pytest.mark.parametrize("role", ["roads", "counties", "stakes"])
def test_any_file_in_any_role_is_a_table_or_a_list_of_problems(real, tmp_path, roads, counties, role):
    """Shapes, columns and systems that fit nothing: the whole way through ``Layers.load`` ends in words."""
    from pipeline.catalog.layers import Layers
    from pipeline.errors import Problems

    roads.to_file(tmp_path / "roads.gpkg")
    counties.to_file(tmp_path / "counties.gpkg")
    usual = {
        "roads": "roads: {path: roads.gpkg, columns: {route: LXBM}}\n",
        "counties": "counties: {path: counties.gpkg, columns: {code: XZQDM}}\n",
    }
    needs = {"roads": "route: {0}", "counties": "code: {0}", "stakes": "route: {0}, stake: {0}"}[role]
    refused = 0
    paths = [
        p for p in sorted(real("gis/messy_vectors").rglob("*")) if p.suffix in (".shp", ".gpkg", ".geojson", ".dbf")
    ]
    for path in paths:
        column = json.dumps("name" if path.suffix == ".geojson" else "NAME")
        entry = f"{role}: {{path: {json.dumps(str(path))}, crs: 'EPSG:4490', columns: {{{needs.format(column)}}}}}\n"
        text = "".join(line for name, line in usual.items() if name != role) + entry
        (tmp_path / "layers.yaml").write_text(text, encoding="utf-8")
        try:
            Layers.load(tmp_path / "layers.yaml")
        except Problems as problems:
            refused += 1
            assert str(path) in str(problems) or "no road with a geometry" in str(problems)  # noqa: PT017
    assert refused > 0.8 * len(paths), "counties of Fiji and roads of Utah have no Chinese codes"
