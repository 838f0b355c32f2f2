"""Which verdicts stand, and the finding that each was given on."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd

from .conftest import NOW, make_findings

PLACES = [(100 * k, 0) for k in range(4)]


def later(days: int) -> dt.datetime:
    return NOW + dt.timedelta(days=days)


def test_a_verdict_comes_with_the_finding_that_it_was_given_on(ledger):
    found = make_findings(PLACES[:2], evidence=[json.dumps({"shade": k}) for k in (1.5, 2.5)], area_m2=[240.0, 240.0])
    one, two = ledger.settle(found, run_id="r1", now=NOW)["case_no"]
    ledger.advance(one, "confirmed", "Li", at=later(1))
    ledger.advance(two, "dismissed", "Wang", at=later(2), details={"reason": "greenhouse"})
    after = found.iloc[:1].assign(finding_id="new", scene_after="2019", evidence="{}")
    ledger.settle(after, run_id="r2", now=later(3))
    rows = ledger.verdicts("building").set_index("case_no")
    assert rows["verdict"].to_dict() == {one: "confirmed", two: "dismissed"}
    assert rows["reason"].to_dict() == {one: "", two: "greenhouse"}
    assert rows["decided_on"].to_dict() == {one: "2024-12-02", two: "2024-12-03"}
    assert rows.loc[one, "finding_id"] == "f0-0", "not the finding that came after the verdict"
    assert rows.loc[two, "detail"]["evidence"] == {"shade": 2.5}
    assert rows.geometry.loc[one].equals(found.geometry.iloc[0])
    assert "Li" not in json.dumps(rows.drop(columns="geometry").to_dict("records"))


def test_what_was_reopened_stands_no_more_unless_it_was_rebuilt(ledger):
    dismissed, again, rebuilt, _ = ledger.settle(make_findings(PLACES), run_id="r1", now=NOW)["case_no"]
    for case_no in (dismissed, again):
        ledger.advance(case_no, "dismissed", "Li", at=later(1), details={"reason": "shadow"})
        ledger.advance(case_no, "reopened", "Li", at=later(2))
    ledger.advance(again, "confirmed", "Li", at=later(3))
    for day, what in enumerate(("confirmed", "rectified", "reopened"), start=1):
        ledger.advance(rebuilt, what, "Li", at=later(day))
    rows = ledger.verdicts("building")
    assert dict(zip(rows["case_no"], rows["verdict"], strict=True)) == {again: "confirmed", rebuilt: "confirmed"}
    assert ledger.verdicts("grain_drying").empty


def test_a_mere_sighting_does_not_hide_the_finding(ledger):
    number = ledger.settle(make_findings(PLACES[:1]), run_id="r1", now=NOW)["case_no"].iloc[0]
    sighting = {
        "case_no": number,
        "what": "observed",
        "scene_before": "2012",
        "scene_after": "2020",
        "day": "2020-01-01",
    }
    ledger.witness(pd.DataFrame([sighting]), run_id="r2", now=later(1))
    ledger.advance(number, "confirmed", "Li", at=later(2))
    assert ledger.verdicts("building")["finding_id"].tolist() == ["f0-0"]
