"""The report of a finished run: made from its folder alone, the same each time, and what run.json says for it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from pipeline.config import RunConfig
from pipeline.legal.rule_file import rule_files
from pipeline.maps import run_report
from pipeline.run.asked import differing, every_key
from pipeline.run.files import RunFolder
from pipeline.run.provenance import cleaned
from pipeline.run.report_page import report_page
from pipeline.run.runner import RunReport, rebuild
from pipeline.run.spent import Spent
from pipeline.run.stored import StoredRun


def test_the_report_is_made_from_the_folder_alone_and_linked_from_the_overview(
    finished: RunReport, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished.folder.root, tmp_path / "run"))
    written = (root / "report.html").read_bytes()
    assert run_report.render(report_page(StoredRun.read(RunFolder(root)))).encode() == written
    rebuild(root)
    assert (root / "report.html").read_bytes() == written
    assert 'href="report.html"' in finished.folder.index.read_text(encoding="utf-8")
    assert len(written) < 300_000


def test_the_report_says_the_runs_own_figures(finished: RunReport) -> None:
    record, html = finished.record, finished.folder.report.read_text(encoding="utf-8")
    assert f"应观测 {record['totals']['km_due']:.3f} km" in html
    assert f"候选 {record['totals']['candidates']} 处" in html
    for model in record["models"]:
        assert model["sha256"] in html
    page = report_page(StoredRun.read(finished.folder))
    watched_m = 100.0 * len(page.stakes)
    assert watched_m == pytest.approx(1000 * record["totals"]["km_due"], abs=300 * len(page.coverage))
    assert set(page.stakes["county_code"]) <= set(page.coverage["county_code"])


def test_run_json_names_versions_machine_and_files_with_their_digests(finished: RunReport) -> None:
    record = json.loads(finished.folder.run_json.read_text(encoding="utf-8"))
    assert record["gdal"].keys() == {"rasterio", "pyogrio"}
    assert record["proj"].keys() == {"rasterio", "pyproj"}
    assert record["libraries"]["numpy"]
    assert record["libraries"].keys() >= {"rasterio", "pydantic", "sqlalchemy"}
    assert record["machine"]["cores"] >= 1
    assert record["spent"]["cpu_s"] > 0
    rules = {Path(one["file"]).name: one["sha256"] for one in record["rules"]}
    assert {"china.yaml", "jiangsu.yaml"} <= set(rules)
    for one in (*record["rules"], *record["layers"]):
        assert one["sha256"] == hashlib.sha256(Path(one["file"]).read_bytes()).hexdigest()
    assert all(scene["bytes"] > 0 for scene in record["scenes"]["after"])


def test_rules_name_all_that_they_extend(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("name: a\ntitle: t\n", encoding="utf-8")
    (tmp_path / "own.yaml").write_text("extends: base.yaml\n", encoding="utf-8")
    (tmp_path / "all.yaml").write_text("extends: base.yaml\njurisdictions: {'32': own.yaml}\n", encoding="utf-8")
    assert [path.name for path in rule_files(tmp_path / "all.yaml")] == ["all.yaml", "base.yaml", "own.yaml"]


def test_what_differs_from_the_defaults_is_told_key_by_key(world: Path, tmp_path: Path) -> None:
    config = RunConfig.load(
        world / "run.yaml",
        [f"output={tmp_path}", "imagery.tile_px=512", "detectors.0.flips=1", "decisions.confidence.building.sure=0.45",
         "area.routes=[G311]"],
    )  # fmt: skip
    told = {one.key: (one.value, one.default) for one in differing(config.dump()) or ()}
    assert told["imagery.tile_px"] == ("512", "768")
    assert told["detectors.building.flips"] == ("1", "0")
    assert told["decisions.confidence.building.sure"] == ("0.45", "0.5")
    assert told["area.routes"] == ("[G311]", "[]")
    assert told["name"][1] is None
    assert told["detectors"][0].startswith("[building, ")
    assert "imagery.resolution_m" not in told
    assert "decisions.confidence.building.sure_alone" not in told


def test_every_key_stands_in_the_whole_list_without_secrets(world: Path, tmp_path: Path) -> None:
    config = RunConfig.load(world / "run.yaml", [f"output={tmp_path}", "ledger=postgresql://me:pass1234@host/db"])
    told = dict(every_key(cleaned(config.dump())))
    assert told["imagery.pair.clouds.window_m"] == "50.0"
    assert told["detectors.building.min_area_m2"] == "20.0"
    assert told["area.corridor_m"] == "null"
    assert "pass1234" not in json.dumps(told)


@pytest.mark.parametrize(
    "place",
    [
        "postgresql://me:s3cret@host/db", "postgresql://me:1/s3cret@host/db", "postgresql://me:s3@cret@host/db",
        "postgresql://host/db?user=me&password=s3cret&sslmode=require", "https://me:s3/cret@host/a.json?sig=s3cret",
        "https://host/{z}/{x}/{y}?tk=s3cret", "https://host/a#token=s3cret",
    ],
)  # fmt: skip
def test_no_address_keeps_a_secret(place: str) -> None:
    kept = cleaned({"at": [place]})["at"][0]
    assert "s3" not in kept
    assert "cret" not in kept
    assert "host/" in kept


def test_what_only_looks_like_an_address_is_kept() -> None:
    for text in (
        "//[x",
        "http://[x/y",
        "/home/a@b:c",
        "https://h:8080/a@2x.png",
        "tcp://10.0.0.1:8786",
        "s3://b/a:b@c",
    ):
        assert cleaned(text) == text


def test_a_configuration_of_another_version_has_no_defaults_to_be_compared() -> None:
    assert differing({"name": "x", "of_the_future": 1}) is None


def test_processor_time_grows_with_work() -> None:
    spent = Spent()
    sum(n * n for n in range(200_000))
    assert spent.cpu_s > 0
