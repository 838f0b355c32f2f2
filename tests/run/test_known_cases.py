"""What the ledger adds to a county's map: where cases stand, their history, and open cases that this run did not find."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import box

from pipeline.ledger import CasePicture, Ledger
from pipeline.maps.card import reading
from pipeline.maps.texts import Texts
from pipeline.model.tables import FINDINGS
from pipeline.run.known_cases import at_county, with_status

COUNTY = "320322"


def at(day: int) -> dt.datetime:
    return dt.datetime(2024, 11, day, 3, tzinfo=dt.UTC)


def found(
    places: list[int], county: str = COUNTY, scene: str = "202410", status: str = "suspected"
) -> gpd.GeoDataFrame:
    """Buildings at these metres along a road, with all columns."""
    table = gpd.GeoDataFrame(
        {
            "finding_id": [f"{scene}-{x}" for x in places], "kind": "building", "county_code": county, "county_name": "沛县",
            "route_code": "G311", "stake": [f"K{x // 1000}+{x % 1000:03d}" for x in places], "side": "left", "zone": "control_zone",
            "confidence": 0.8, "priority": 50.0, "first_seen": dt.date(2024, 10, 12), "last_absent": dt.date(2024, 4, 28),
            "scene_before": "202404", "scene_after": scene, "permit_no": None, "status": status, "law": "条例第十三条",
            "area_m2": 240.0, "evidence": "{}", "lon": 117.2, "lat": 34.6,
        },
        geometry=[box(520_000 + x, 3_800_000, 520_020 + x, 3_800_012) for x in places],
        crs=4548,
    )  # fmt: skip
    return table.assign(**{name: None for name in FINDINGS.columns if name not in table})


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def settled(ledger: Ledger, table: gpd.GeoDataFrame, day: int) -> gpd.GeoDataFrame:
    cases = ledger.settle(table, run_id="run", now=at(day))
    return table.assign(case_no=cases["case_no"], status=cases["status"])


def test_open_cases_of_earlier_runs_stand_on_the_map_too(ledger: Ledger) -> None:
    first = settled(ledger, found([0, 1000, 2000, 3000]), 1)
    seen, still, done, away = first["case_no"]
    ledger.advance(still, "assigned", "Li", at=at(2), details={"to": "路政一中队", "due_on": "2024-11-20"})
    ledger.advance(done, "dismissed", "Li", at=at(2), details={"reason": "greenhouse"})
    settled(ledger, found([9000], county="320321"), 1)
    picture = CasePicture(still, "before", "202404", "2024-04-28", "image/webp", b"RIFF....WEBPb", {})
    ledger.keep_pictures([picture])
    now = with_status(settled(ledger, found([0], scene="202411"), 5), ledger)
    here = at_county(now, COUNTY, ledger)
    table = here.findings.set_index("case_no")
    assert set(table.index) == {seen, still, away}
    assert table["earlier"].to_dict() == {seen: False, still: True, away: True}
    assert table.loc[still, "status"] == "assigned"
    assert table.loc[still, "law"] == "条例第十三条"
    assert table.loc[still, "finding_id"] == "202410-1000"
    assert table.crs.to_epsg() == 4548
    assert table.loc[still].geometry.equals(first.geometry[1])
    assert here.cases[still]["due_on"] == "2024-11-20"
    assert here.cases[still]["version"] > 0
    assert [event["what"] for event in here.cases[still]["history"]] == ["observed", "assigned"]
    assert here.pictures == {}  # one picture is no pair
    ledger.keep_pictures([CasePicture(still, "after", "202410", "2024-10-12", "image/webp", b"RIFF....WEBPa", {})])
    assert at_county(now, COUNTY, ledger).pictures == {"202410-1000": (b"RIFF....WEBPb", b"RIFF....WEBPa")}


def test_the_evidence_of_an_earlier_case_reads_as_it_did(ledger: Ledger) -> None:
    table = found([0, 1000]).assign(evidence='{"cues": {"edge": 0.5, "shade": -0.2}, "priority": {"zone": 20.0}}')
    settled(ledger, table, 1)
    now = settled(ledger, table.head(1).assign(finding_id="202411-0", scene_after="202411"), 5)
    both = at_county(now, COUNTY, ledger).findings
    told = [reading(row, Texts()) for row in both.to_dict("records")]
    assert told[0] == told[1]
    assert told[1]["cues"][0][1] == "0.50"
    assert told[1]["points"]


def test_a_case_that_the_run_found_in_another_county_is_on_one_map(ledger: Ledger) -> None:
    number = settled(ledger, found([0]), 1)["case_no"][0]
    moved = settled(ledger, found([0], county="320321", scene="202411"), 5)
    assert list(at_county(moved, "320321", ledger).findings["case_no"]) == [number]
    assert at_county(moved.head(0), COUNTY, ledger, {number}).findings.empty
    assert list(at_county(moved.head(0), COUNTY, ledger).findings["case_no"]) == [number]


def test_a_finding_that_a_case_already_holds_is_that_case(ledger: Ledger) -> None:
    first = settled(ledger, found([0]), 1)
    capped = found([0]).assign(case_no=None, status=None)
    here = at_county(capped, COUNTY, ledger)
    assert list(here.findings["case_no"]) == [first["case_no"][0]]
    assert list(here.findings["status"]) == ["suspected"]
    assert here.findings["finding_id"].is_unique


def test_a_ledger_that_knows_none_of_the_cases_stops_nothing(ledger: Ledger, tmp_path: Path) -> None:
    table = settled(ledger, found([0]), 1)
    with Ledger.open(tmp_path / "empty.sqlite") as empty:
        here = at_county(with_status(table, empty), COUNTY, empty)
    assert list(here.findings["status"]) == ["suspected"]
    assert here.cases == {}


def test_what_people_said_outlives_any_number_of_images(ledger: Ledger) -> None:
    number = settled(ledger, found([0]), 1)["case_no"][0]
    ledger.advance(number, "confirmed", "Li", at=at(2))
    for i in range(40):
        table = found([0], scene=f"S{i:02d}").assign(first_seen=dt.date(2024, 10, 12) + dt.timedelta(days=i))
        settled(ledger, table, 3)
    here = at_county(settled(ledger, found([0], scene="S99"), 5), COUNTY, ledger)
    history = [event["what"] for event in here.cases[number]["history"]]
    assert "confirmed" in history
    assert len(history) == 21
    assert [(case_no, by) for case_no, _, by in here.answered] == [(number, "Li")]


def test_a_case_of_another_county_keeps_its_history(ledger: Ledger) -> None:
    """A footprint at a border may be placed in the neighbour by a later run; its case stays what it is."""
    number = settled(ledger, found([0], county="320321"), 1)["case_no"][0]
    now = settled(ledger, found([0], scene="202411"), 5)
    assert now["case_no"][0] == number
    here = at_county(now, COUNTY, ledger)
    assert [event["what"] for event in here.cases[number]["history"]] == ["observed", "observed"]
    assert here.cases[number]["status"] == "suspected"


def test_findings_without_a_case_are_shown_as_they_are(ledger: Ledger) -> None:
    table = found([0]).assign(case_no=None, status="permitted")
    here = at_county(with_status(table, ledger), COUNTY, ledger)
    assert list(here.findings["status"]) == ["permitted"]
    assert here.cases == {}
