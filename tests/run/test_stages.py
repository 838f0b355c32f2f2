"""A site that was bare earth, then a foundation, then a building, says so."""

import datetime as dt
import json

import geopandas as gpd
import pytest
from shapely import box

from pipeline.ledger import Ledger
from pipeline.run.stages import with_stages

SITE = box(520_000, 3_800_000, 520_030, 3_800_020)


def finding(kind, day, shape=SITE, **evidence):
    return gpd.GeoDataFrame(
        {
            "finding_id": [f"{kind}-{day}"], "kind": kind, "county_code": "320322", "route_code": "G311",
            "stake": "K512+100", "first_seen": [day], "scene_before": "s0", "scene_after": day.isoformat(),
            "permit_no": None, "evidence": json.dumps(evidence),
        },
        geometry=[shape], crs=4548,
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "l.sqlite") as opened:
        yield opened


def stages(table):
    return [(step["stage"], step["day"]) for step in json.loads(table["evidence"].iloc[0]).get("stages", ())]


def test_the_chain_of_a_site(ledger):
    for kind, month, stage in (("roadworks", 3, "bare"), ("roadworks", 6, "foundation")):
        now = with_stages(finding(kind, dt.date(2024, month, 1), stage=stage), ledger)
        assert now["stage"].iloc[0] == stage
        shape = SITE if stage == "bare" else SITE.buffer(-3)
        ledger.settle(finding(kind, dt.date(2024, month, 1), shape, stage=stage), run_id="r")
    table = with_stages(finding("building", dt.date(2024, 9, 1), SITE.buffer(-4)), ledger)
    assert table["stage"].iloc[0] == "building"
    assert stages(table)[0] == ("bare", "2024-03-01")
    assert stages(table)[-1] == ("building", "2024-09-01")


def test_a_building_beside_an_old_site_has_no_chain(ledger):
    ledger.settle(finding("roadworks", dt.date(2024, 3, 1), stage="bare"), run_id="r")
    elsewhere = box(520_100, 3_800_000, 520_130, 3_800_020)
    assert stages(with_stages(finding("building", dt.date(2024, 9, 1), elsewhere), ledger)) == []


def test_the_same_stage_again_is_no_chain_and_later_cases_are_not_before(ledger):
    ledger.settle(finding("building", dt.date(2024, 3, 1)), run_id="r")
    assert stages(with_stages(finding("building", dt.date(2024, 9, 1)), ledger)) == []
    assert stages(with_stages(finding("roadworks", dt.date(2024, 1, 1), stage="bare"), ledger)) == []


def test_other_kinds_have_no_stage(ledger):
    assert with_stages(finding("grain_drying", dt.date(2024, 6, 1)), ledger)["stage"].isna().all()
