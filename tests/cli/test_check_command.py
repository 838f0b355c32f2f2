"""``luyu check``: what it says of each layer, what it writes, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import geopandas as gpd
import pytest

from pipeline.cli import main


def luyu(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


def test_it_tells_layers_routes_and_where_the_page_is(
    capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path
) -> None:
    code, out, _ = luyu(capsys, "check", world / "run.yaml", "--set", f"output={tmp_path / 'out'}")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"roads: {world / 'layers.gpkg'} (roads)"
    assert lines[1].startswith("  GPKG, UTF-8 by format, EPSG:4548")
    assert re.search(r"^  (\d+) of \1 rows kept$", out, re.MULTILINE)
    assert re.search(r"^route G311 +\d+ sections, [\d.]+ km, \d+ posts$", out, re.MULTILINE)
    assert lines[-2] == f"check.html: {tmp_path / 'out' / 'check.html'}"
    assert "nothing stands in the way" in lines[-1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["check.html"]


def test_the_same_as_data(capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path) -> None:
    code, out, _ = luyu(capsys, "check", world / "run.yaml", "--json", "--set", f"output={tmp_path / 'out'}")
    assert code == 0
    summary = json.loads(out)
    roads = next(layer for layer in summary["layers"] if layer["role"] == "roads")
    assert roads["kept"] == roads["read"] == sum(route["sections"] for route in summary["routes"])
    assert not summary["roads_look_shifted"]
    assert Path(summary["page"]).is_file()


def test_the_page_is_sealed_and_shows_what_there_is(
    capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "world"
    shutil.copytree(world, mine, ignore=shutil.ignore_patterns("output"))
    roads = gpd.read_file(mine / "layers.gpkg", layer="roads")
    evil = "<script>alert(1)</script>"
    roads.assign(LXMC=evil).to_file(mine / "layers.gpkg", layer="roads")
    code, _, _ = luyu(capsys, "check", mine / "run.yaml", "--set", f"name={json.dumps('a<b>&c')}")
    assert code == 0
    page = (mine / "output" / "check.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "a&lt;b&gt;&amp;c 数据检查" in page
    policy = re.search(r'content="(default-src [^"]*)"', page)
    assert policy is not None
    assert "script-src 'none'" in policy[1]
    assert "http" not in page.replace("http-equiv", "")
    for css in ("road road-G", "counties", "stakes", "zones", "images", "permits", "assets"):
        assert f'class="{css}"' in page
    assert re.search(r'<path class="road road-G" [^>]*d="M[\d. ML]+"', page)
    first = page
    luyu(capsys, "check", mine / "run.yaml", "--set", f"name={json.dumps('a<b>&c')}")
    assert (mine / "output" / "check.html").read_text(encoding="utf-8") == first


def test_all_problems_at_once_and_nothing_written(
    capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "world"
    shutil.copytree(world, mine, ignore=shutil.ignore_patterns("output"))
    layers = {name: gpd.read_file(mine / "layers.gpkg", layer=name) for name in ("roads", "counties")}
    layers["roads"].assign(LXBM="nonsense").to_file(mine / "layers.gpkg", layer="roads")
    layers["counties"].assign(XZQDM="12").to_file(mine / "layers.gpkg", layer="counties")
    code, out, err = luyu(capsys, "check", mine / "run.yaml")
    assert code == 2
    assert out == ""
    assert "no route code" in err
    assert "no county code" in err
    assert not (mine / "output").exists()


def test_a_folder_that_cannot_be_written_is_refused(
    capsys: pytest.CaptureFixture[str], world: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = luyu(capsys, "check", world / "run.yaml", "--set", f"output={tmp_path / 'file' / 'out'}")
    assert code == 2
    assert "check.html: cannot be written" in err
