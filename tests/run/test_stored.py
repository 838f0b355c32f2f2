"""A finished run that is opened again: of an earlier version, carried away from its ledger, or changed by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest

from pipeline.cli import main
from pipeline.errors import WorkspaceError
from pipeline.run.county_pages import county_page
from pipeline.run.files import RunFolder
from pipeline.run.publish import publish_maps
from pipeline.run.runner import RunReport
from pipeline.run.stored import StoredRun


@pytest.fixture
def carried(finished: RunReport, tmp_path: Path) -> RunFolder:
    """A copy of the run, whose record names its own ledger."""
    folder = RunFolder(Path(shutil.copytree(finished.folder.root, tmp_path / "run")))
    amend(folder, lambda record: record["configuration"].update(ledger=str(folder.root / "ledger.sqlite")))
    return folder


def amend(folder: RunFolder, change) -> None:
    record = json.loads(folder.run_json.read_text(encoding="utf-8"))
    change(record)
    folder.run_json.write_text(json.dumps(record), encoding="utf-8")


def test_a_run_of_an_earlier_version_is_shown_without_what_it_did_not_know(carried: RunFolder) -> None:
    amend(carried, lambda record: (record.pop("maps"), record["configuration"].pop("maps"), record.pop("alarms")))
    kept = [
        name for name, _ in pyogrio.list_layers(carried.findings_gpkg) if name not in ("corridor", "sight", "sites")
    ]
    layers = {name: gpd.read_file(carried.findings_gpkg, layer=name) for name in kept}
    carried.findings_gpkg.unlink()
    for name, table in layers.items():
        table.to_file(
            carried.findings_gpkg, layer=name, driver="GPKG", geometry_type="Unknown" if table.empty else None
        )
    run = StoredRun.read(carried)
    assert run.missing == []
    assert county_page(run, run.counties["code"].iloc[0]).corridor is None
    assert publish_maps(run)["maps"]


def test_without_its_ledger_a_run_says_so_and_takes_no_verdict(carried: RunFolder, capfd) -> None:
    for file in carried.root.glob("ledger.sqlite*"):
        file.unlink()
    assert main(["report", str(carried.root)]) == 0
    assert "ledger.sqlite is not there" in capfd.readouterr().err
    for page in (carried.root / "counties").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert '"ledger":false' in text
        assert "未随附，状态为运行时" in text


def test_a_basemap_that_is_away_is_done_without(carried: RunFolder, tmp_path: Path) -> None:
    away = {"kind": "folder", "name": "离线", "path": str(tmp_path / "gone")}
    amend(carried, lambda record: record["configuration"]["maps"].update(basemaps=[away]))
    run = StoredRun.read(carried)
    assert run.options.basemaps == ()
    assert [str(tmp_path / "gone") in told for told in run.missing] == [True]


def test_a_record_changed_by_hand_is_refused_without_its_values(carried: RunFolder) -> None:
    key = "0123456789abcdef0123456789abcdef"
    wrong = {"kind": "tianditu", "layer": "img", "tk": key}
    amend(carried, lambda record: record["configuration"]["maps"].update(basemaps=[wrong], futurekey=key))
    with pytest.raises(WorkspaceError, match=r"run\.json: configuration\.maps cannot be used.*futurekey") as told:
        _ = StoredRun.read(carried).options
    assert key not in str(told.value)
    assert told.value.__cause__ is None


def test_the_edge_of_the_highway_land_is_told(finished: RunReport) -> None:
    """公路安全保护条例 11: the control zone is measured from there."""
    run = StoredRun.read(finished.folder)
    land = run.tables["zones"][run.tables["zones"]["zone"].isin(["pavement", "highway_land"])].union_all()
    told = [county_page(run, code).findings for code in run.counties["code"]]
    seen = 0
    for table in told:
        for row in table.itertuples():
            assert row.land_distance_m == pytest.approx(row.geometry.distance(land), abs=1e-6)
            seen += row.land_distance_m > 0
    assert seen > 0
