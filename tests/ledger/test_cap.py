"""No more new cases than a county can visit; what is known always stays."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from pandas.testing import assert_frame_equal

from pipeline.ledger import Ledger

from .conftest import NOW, make_findings
from .test_settle import dump

PLACES = [(100 * k, 0) for k in range(6)]
PRIORITY = [10.0, 60.0, 30.0, 60.0, 20.0, 50.0]
CONFIDENCE = [0.9, 0.5, 0.9, 0.8, 0.9, 0.9]


def findings(**columns):
    return make_findings(PLACES, **{"priority": PRIORITY, "confidence": CONFIDENCE} | columns)


def test_the_most_urgent_become_cases_then_the_surest(ledger):
    settled = ledger.settle(findings(), run_id="r", cap_per_county=3, now=NOW)
    assert settled["case_no"].notna().tolist() == [False, True, False, True, False, True]
    assert settled["status"].isna().tolist() == settled["case_no"].isna().tolist()
    assert settled["case_no"].dropna().str[-4:].tolist() == ["0001", "0002", "0003"], "numbered along the road as ever"


def test_the_order_of_the_findings_has_no_say(ledger, tmp_path):
    found = findings(priority=[50.0] * 6, confidence=[0.5] * 6)
    straight = ledger.settle(found, run_id="r", cap_per_county=2, now=NOW)
    with Ledger.open(tmp_path / "other.sqlite") as other:
        mixed = other.settle(found.iloc[[4, 2, 0, 5, 1, 3]], run_id="r", cap_per_county=2, now=NOW)
    assert_frame_equal(mixed.sort_index(), straight)


def test_each_county_has_its_own(ledger):
    found = findings(county_code=["320322", "320322", "320322", "341322", "341322", None])
    settled = ledger.settle(found, run_id="r", cap_per_county=1, now=NOW)
    assert settled["case_no"].notna().tolist() == [False, True, False, True, False, True]


def test_the_same_images_again_open_no_more(path):
    with Ledger.open(path) as ledger:
        first = ledger.settle(findings(), run_id="r1", cap_per_county=3, now=NOW)
        before = dump(path)
        again = ledger.settle(findings(), run_id="r2", cap_per_county=3, now=NOW + dt.timedelta(days=1))
    assert_frame_equal(again, first)
    assert dump(path) == before


def test_known_cases_stay_and_leave_the_cap_of_new_images_alone(ledger):
    first = ledger.settle(findings().iloc[:4], run_id="r1", now=NOW)
    later = findings(scene_after=["2019"] * 6, finding_id=[f"n{k}" for k in range(6)])
    settled = ledger.settle(later, run_id="r2", cap_per_county=1, now=NOW + dt.timedelta(days=7))
    assert settled["case_no"].iloc[:4].tolist() == first["case_no"].tolist(), "four known ones above a cap of one"
    assert settled["case_no"].iloc[4:].notna().tolist() == [False, True], "and the most urgent new one"


def test_a_week_has_room_for_so_many_whatever_images_come(ledger):
    """NOW is a Sunday in UTC and a Sunday noon in China; the next week begins on Monday there."""
    ledger.settle(findings().iloc[:2], run_id="r1", cap_per_county=3, now=NOW)
    more = findings(scene_after=["2019"] * 6, finding_id=[f"n{k}" for k in range(6)])
    same_week = ledger.settle(more, run_id="r2", cap_per_county=3, now=NOW + dt.timedelta(hours=12))
    assert same_week["case_no"].notna().tolist() == [True, True, False, True, False, False]
    last = findings(scene_after=["2020"] * 6, finding_id=[f"m{k}" for k in range(6)])
    monday = dt.datetime(2024, 12, 1, 16, 0, tzinfo=dt.UTC)
    assert ledger.settle(last, run_id="r3", cap_per_county=3, now=monday)["case_no"].notna().all()


def test_a_permit_takes_no_place(ledger):
    found = findings(permit_no=[None, "P1", None, "P2", None, None])
    settled = ledger.settle(found, run_id="r", cap_per_county=1, now=NOW)
    assert settled["status"].where(settled["status"].notna(), None).tolist() == [
        None, "permitted", None, "permitted", None, "suspected"
    ]  # fmt: skip
    assert isinstance(settled, pd.DataFrame)
