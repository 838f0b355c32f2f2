"""What decisions make of a finished run's candidates: too uncertain, capped, ranked anew; no tile is done again."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import geopandas as gpd
import pytest

from pipeline.cli import show
from pipeline.config import RunConfig
from pipeline.detectors import registry
from pipeline.errors import ConfigError
from pipeline.run.plan import make_plan
from pipeline.run.runner import RunReport, run
from tests.ranking.world import plain_ranking


def said(report, label):
    """The figure that follows a label on the overview, whatever marks its languages."""
    words = re.sub(r"<[^>]+>", "", report.folder.index.read_text(encoding="utf-8"))
    return int(re.search(rf"{label}[^0-9]*(\d+)", words)[1])


def again(finished: RunReport, world: Path, out: Path, *decisions: str) -> RunReport:
    """The finished run once more with other decisions and a new ledger."""
    if not out.exists():
        shutil.copytree(finished.folder.root, out, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    report = run(RunConfig.load(world / "run.yaml", [f"output={out}", f"ledger={out / 'ledger.sqlite'}", *decisions]))
    assert report.summary()["tiles_reused"] == report.summary()["tiles"]
    return report


def candidates(report: RunReport) -> gpd.GeoDataFrame:
    return gpd.read_file(report.folder.findings_gpkg, layer="candidates").set_index("finding_id")


def test_what_is_too_uncertain_is_kept_counted_and_told(finished: RunReport, world: Path, tmp_path: Path) -> None:
    unsure = "decisions.confidence={building: {sure: 1.0, sure_alone: 1.0, unsure: 0.0}}"
    report = again(finished, world, tmp_path / "out", unsure)
    shown = finished.findings[finished.findings["kind"] == "building"]
    assert len(shown), "the world has buildings to be unsure of"
    assert "building" not in set(report.findings["kind"])
    why = candidates(report)["why_not"]
    assert (why[shown["finding_id"]] == "too_uncertain").all()
    totals = report.record["totals"]
    assert totals["too_uncertain"] == (why == "too_uncertain").sum() == report.summary()["too_uncertain"]
    assert sum(county["too_uncertain"] for county in totals["counties"]) == totals["too_uncertain"]
    assert said(report, "存疑未列入（处）") == totals["too_uncertain"]


def test_a_cap_keeps_the_most_urgent_and_says_so(
    finished: RunReport,
    world: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = again(finished, world, tmp_path / "out", "decisions.cap_per_county=1")
    due = finished.findings[finished.findings["permit_no"].isna()]
    cases = report.findings.dropna(subset="case_no")
    assert (cases["county_code"].value_counts() == 1).all()
    assert set(cases["county_code"]) == set(due["county_code"])
    for county, mine in due.groupby("county_code"):
        assert cases.set_index("county_code").loc[county, "priority"] == mine["priority"].max()
    capped = candidates(report)["why_not"] == "capped"
    assert capped.sum() == len(due) - len(cases) == report.record["totals"]["capped"] > 0
    assert said(report, "未立案（处）") == capped.sum()
    show.capped(report)
    assert "CAPPED 3203" in capsys.readouterr().err
    monkeypatch.setenv("LUYU_LANG", "zh")
    show.capped(report)
    assert "超出核查上限 3203" in capsys.readouterr().err
    twice = again(finished, world, tmp_path / "out", "decisions.cap_per_county=1")
    assert twice.findings["case_no"].tolist() == report.findings["case_no"].tolist(), "the same images open no more"


def test_a_ranking_gives_the_confidence_and_run_json_names_it(finished: RunReport, world: Path, tmp_path: Path) -> None:
    version = registry.known()["building"].version
    path = tmp_path / "building.json"
    path.write_text(plain_ranking(version, confidence_log_odds=0.5).model_dump_json(), encoding="utf-8")
    report = again(
        finished, world, tmp_path / "out", f"decisions.rankings=[{path}]", "decisions.confidence={building: null}"
    )
    told = json.loads(report.folder.run_json.read_text(encoding="utf-8"))
    (ranking,) = told["rankings"]
    assert ranking["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert ranking["trained_on"]["right"] == 30
    assert told["confidence_calibrated"]["building"] is True
    before, after = candidates(finished), candidates(report)
    mine = after["kind"] == "building"
    assert mine.any()
    own = after.loc[mine, "evidence"].map(lambda text: json.loads(text)["detector_confidence"])
    assert own.to_numpy() == pytest.approx(before.loc[own.index, "confidence"].to_numpy(), abs=1e-4)
    assert ((after.loc[mine, "confidence"] - 0.5).abs() < (own - 0.5).abs()).all(), "half the log-odds"
    assert after.loc[~mine, "confidence"].equals(before.loc[after.index[~mine], "confidence"])


def test_a_ranking_that_does_not_fit_is_refused_before_any_pixel(world: Path, tmp_path: Path) -> None:
    path = tmp_path / "building.json"
    path.write_text(plain_ranking("0.1", shade=0.5).model_dump_json(), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"trained on version 0\.1 of detector 'building'"):
        make_plan(RunConfig.load(world / "run.yaml", [f"decisions.rankings=[{path}]", f"output={tmp_path / 'out'}"]))


@pytest.mark.parametrize(
    ("resolution_m", "use", "why"),
    [
        (3.0, "grain_drying", "grain_hint"),
        (0.5, "grain_hint", "use grain_drying"),
        (3.0, "roadworks", "an access is 4 m wide"),
        (0.5, "built_up_screening", "use the detector 'building'"),
    ],
)
def test_pixels_that_a_detector_cannot_use_are_refused_before_anything_is_read(world, tmp_path, resolution_m, use, why):
    changes = [f"output={tmp_path}", f"detectors=[{{use: {use}}}]", f"imagery.resolution_m={resolution_m}"]
    with pytest.raises(ConfigError, match=why):
        make_plan(RunConfig.load(world / "run.yaml", changes))
