"""A finished run as researchers open it: its tables, cases with their history, pictures, and what a notebook shows of it."""

from __future__ import annotations

import datetime as dt
import json
import shutil

import geopandas as gpd
import pytest
from matplotlib.figure import Figure

import pipeline as luyu
from pipeline.errors import LedgerError, LuyuError, WorkspaceError
from pipeline.explore import MapView
from pipeline.explore.stored import stored
from pipeline.ledger import Ledger
from pipeline.model.tables import FINDINGS, ROADS, ZONES


@pytest.fixture(scope="module")
def run(finished) -> luyu.Run:
    return luyu.open_run(finished.folder.root)


@pytest.fixture
def carried(finished, tmp_path):
    """A copy of the run with its ledger, which may be written to."""
    folder = tmp_path / "carried"
    shutil.copytree(finished.folder.root, folder, ignore=shutil.ignore_patterns("work", ".lock"))
    return folder


def test_tables_are_there_in_the_run_s_crs(run, finished) -> None:
    assert len(run.findings) == len(finished.findings)
    FINDINGS.check(run.findings)
    ZONES.check(run.zones)
    ROADS.check(run.roads)
    assert len(run.candidates) >= len(run.findings)
    assert set(run.tiles["tile_id"]) == set(finished.tiles)
    assert {table.crs.to_epsg() for table in (run.findings, run.candidates, run.zones, run.tiles, run.roads)} == {
        run.epsg
    }
    assert run.coverage["km_due"].sum() == pytest.approx(run.record["totals"]["km_due"], abs=0.01)
    assert run.record["totals"]["findings"] == len(run.findings)
    assert run.pixel_m == 0.5


def test_cases_come_with_their_history(run) -> None:
    cases = run.cases
    assert isinstance(cases, gpd.GeoDataFrame)
    assert set(run.findings["case_no"].dropna()) <= set(cases.index)
    number = cases.index[0]
    told = run.history(number)
    assert told["what"].iloc[0] == "observed"
    assert told["actor"].iloc[0] == "machine"
    with pytest.raises(LedgerError, match="no case 'x'"):
        run.history("x")


def test_what_the_ledger_says_now_is_shown(carried, finished) -> None:
    number = finished.findings["case_no"].dropna().iloc[0]
    place = carried / "ledger.sqlite"
    with Ledger.open(place) as ledger:
        ledger.advance(number, "confirmed", "officer", at=dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    run = luyu.open_run(carried, place)
    assert run.cases.loc[number, "status"] == "confirmed"
    assert run.findings.set_index("case_no").loc[number, "status"] == "confirmed"
    assert run.history(number)["what"].tolist()[-1] == "confirmed"


def test_without_its_ledger_a_run_still_opens(carried) -> None:
    (carried / "ledger.sqlite").unlink()
    run = luyu.open_run(carried, carried / "ledger.sqlite")
    assert len(run.findings)
    assert "不在 not there" in repr(run)
    with pytest.raises(LedgerError, match=r"is not there; say where it is: open_run\(folder, ledger=…\)"):
        run.cases  # noqa: B018


def test_pictures_and_figures_of_a_finding(run) -> None:
    finding = run.findings.iloc[0]
    for name in (finding["finding_id"], finding["case_no"]):
        found = run.pictures(name)
        assert set(found) == {"before", "after"}
        assert found["before"].size == found["after"].size
    assert isinstance(run.evidence(finding["finding_id"]), Figure)
    with pytest.raises(LuyuError, match="no finding 'x'"):
        run.pictures("x")


def test_the_map_is_that_of_its_county(run) -> None:
    view = run.explore()
    assert isinstance(view, MapView)
    assert view == luyu.open_run(run.folder.root).explore()
    some = run.explore(findings=run.findings.head(1), height_px=300)
    assert 'height="300"' in some._repr_html_()


def test_a_notebook_shows_it_at_a_glance(run, finished) -> None:
    text = repr(run)
    assert str(finished.folder.root) in text
    assert f"{len(finished.findings)} (" in text
    assert "km observed" in text
    assert len(text.splitlines()) < 12
    shown = run._repr_html_()
    assert shown.count("<tr>") == len(text.splitlines()) - 1
    assert "疑似" in shown


def test_nothing_of_a_record_runs_in_a_notebook(carried) -> None:
    record = json.loads((carried / "run.json").read_text("utf-8"))
    record["configuration"]["name"] = "<script>alert(1)</script>"
    (carried / "run.json").write_text(json.dumps(record), encoding="utf-8")
    shown = luyu.open_run(carried)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_other_doors_take_an_opened_run(run) -> None:
    assert stored(run) is run
    assert isinstance(luyu.finding_evidence(run, run.findings["finding_id"].iloc[0]), Figure)


def test_a_folder_without_a_run_is_refused(tmp_path) -> None:
    with pytest.raises(WorkspaceError, match="holds no finished run"):
        luyu.open_run(tmp_path)
