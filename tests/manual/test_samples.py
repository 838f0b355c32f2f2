"""Pieces of YAML on the manual's pages are taken by what reads them."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from basemap_tiles import tiles, write_mbtiles
from collecting import ROOT
from collecting import blocks_of as samples_of
from ruamel.yaml import YAML

from pipeline.catalog import sensors
from pipeline.catalog.layer_entries import read_entries
from pipeline.config import RunConfig
from pipeline.detectors.registry import parse_options
from pipeline.legal.rules import LegalRules
from pipeline.model.kinds import RoadClass
from pipeline.model.shipped import shipped

PAGES = sorted((ROOT / "docs").glob("*/*/*.md"))
SAMPLES = [(page, number, text) for page in PAGES for number, text in enumerate(samples_of(page, "yaml"), 1)]
LEAST: dict[str, Any] = {
    "name": "x", "layers": "layers.yaml", "detectors": [{"use": "building"}],
    "imagery": {
        "source": {"kind": "files", "sensor": "rgb_vhr", "scenes": ["*.tif"]}, "before": "2024-04-01/2024-05-31",
        "after": "2024-10-01/2024-11-30", "resolution_m": 0.5,
    },
}  # fmt: skip
LAYERS = {
    "roads": {"path": "r.shp", "columns": {"route": "LXBM"}},
    "counties": {"path": "c.gpkg", "columns": {"code": "A", "name": "B"}},
}


def written(path: Path, data: Any) -> Path:
    out = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, out)
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("page", "number", "text"), SAMPLES, ids=[f"{p.parts[-3]}-{p.stem}-{n}" for p, n, _ in SAMPLES]
)
def test_a_sample_is_taken(page: Path, number: int, text: str, tmp_path: Path) -> None:
    told = YAML(typ="safe", pure=True).load(text)
    if "bands" in told:
        (tmp_path / "my_uav.yaml").write_text(text, encoding="utf-8")
        found = sensors.profile(str(tmp_path / "my_uav.yaml"))
        assert (found.geo_rmse_m, len(found.bands)) == (1.0, 3)
    elif "extends" in told:
        shutil.copy(shipped("legal") / told["extends"], tmp_path)
        (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
        assert LegalRules.load(tmp_path / "own.yaml").addressees[RoadClass.NATIONAL] == told["addressees"]["G"]
    elif set(told) & {"imagery", "dask", "maps", "decisions"}:
        write_mbtiles(tmp_path / "base.mbtiles", tiles())
        whole = LEAST | {key: LEAST[key] | value if key == "imagery" else value for key, value in told.items()}
        assert RunConfig.load(written(tmp_path / "run.yaml", whole)).name == "x"
    elif "detectors" in told:
        assert parse_options(told["detectors"][0]).model_dump()["kind"] == "steel_shed"
    else:
        roles = {entry.role for entry in read_entries(written(tmp_path / "layers.yaml", LAYERS | told))}
        assert set(told) <= roles
