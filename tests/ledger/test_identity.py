"""Hard cases of identity: late images, wavering outlines, neighbours, wrong merges, parts, and what people have decided."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger, LedgerOptions

from .conftest import EPSG
from .test_settle import dump

X, Y = 520_000, 3_800_000


def found(day: str, *boxes, name: str | None = None, before: str = "b", **columns) -> gpd.GeoDataFrame:
    """Findings of the image of a day, each a box (x, y, width, depth) in metres."""
    columns = {"detector": "d", "detector_version": "1", "confidence": 0.7, "last_absent": None} | columns
    data = {
        "finding_id": [f"{name or day}-{k}" for k in range(len(boxes))], "kind": "building", "county_code": "320322",
        "route_code": "G311", "stake": "K512+300", "first_seen": dt.date.fromisoformat(day), "scene_before": before,
        "scene_after": day, "permit_no": None, **columns,
    }  # fmt: skip
    shapes = [box(X + x, Y + y, X + x + w, Y + y + h) for x, y, w, h in boxes]
    return gpd.GeoDataFrame(data, geometry=shapes, crs=EPSG)


def at(day: str) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(4), tzinfo=dt.UTC)


def settle(ledger: Ledger, table: gpd.GeoDataFrame, on: str | None = None) -> list:
    now = at(on) if on else at(str(table["first_seen"].iloc[0])) + dt.timedelta(days=2)
    return ledger.settle(table, run_id="r", now=now)["case_no"].tolist()


def said(ledger: Ledger, number: str) -> list[str]:
    return [event["what"] for event in ledger.case(number)["history"]]


def state(ledger: Ledger, number: str) -> dict:
    return ledger.case(number)


HOUSE = (0, 0, 20, 12)


def test_a_dismissed_place_that_grew_before_the_decision_was_entered_reopens_with_the_next_image(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    ledger.advance(one, "dismissed", "Li", at=at("2018-06-10"), details={"reason": "lawful"})
    settle(ledger, found("2018-05-01", (0, 0, 80, 40)), on="2018-07-01")
    assert state(ledger, one)["status"] == "dismissed"
    settle(ledger, found("2019-05-01", (0, 0, 80, 40)))
    assert (state(ledger, one)["status"], state(ledger, one)["renewals"]) == ("suspected", 1)


def test_what_was_seen_to_be_gone_and_stands_again_reopens_a_dismissed_place(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    ledger.advance(one, "dismissed", "Li", at=at("2018-06-10"), details={"reason": "lawful"})
    settle(ledger, found("2019-05-01", HOUSE, last_absent=dt.date(2017, 1, 1)))
    assert state(ledger, one)["status"] == "dismissed", "the same baseline as ever"
    settle(ledger, found("2020-05-01", HOUSE, last_absent=dt.date(2019, 5, 1)))
    assert state(ledger, one)["status"] == "dismissed", "that image showed it once: the detector wavers"
    settle(ledger, found("2021-05-01", HOUSE, last_absent=dt.date(2020, 11, 1)))
    assert state(ledger, one)["status"] == "suspected"


@pytest.mark.parametrize(("confidence", "status"), [(0.75, "dismissed"), (0.95, "suspected")])
def test_where_the_detector_was_wrong_it_must_be_surer(ledger, confidence, status):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    ledger.advance(one, "dismissed", "Li", at=at("2018-06-10"), details={"reason": "bare_soil"})
    settle(ledger, found("2020-05-01", HOUSE, last_absent=dt.date(2019, 5, 1), confidence=confidence))
    assert state(ledger, one)["status"] == status


def test_grain_of_the_next_harvest_is_another_event(ledger):
    (one,) = settle(ledger, found("2018-06-05", HOUSE, kind="grain_drying"))
    ledger.advance(one, "dismissed", "Li", at=at("2018-06-10"), details={"reason": "gone"})
    settle(ledger, found("2018-06-25", HOUSE, kind="grain_drying"))
    assert state(ledger, one)["status"] == "dismissed"
    settle(ledger, found("2019-06-05", HOUSE, kind="grain_drying"))
    assert state(ledger, one)["status"] == "suspected"


def test_a_wavering_outline_is_no_growth(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    settle(ledger, found("2018-03-05", (2, 1.5, 16, 9)))
    ledger.advance(one, "dismissed", "Li", at=at("2018-06-10"), details={"reason": "lawful"})
    settle(ledger, found("2019-05-01", HOUSE))
    assert "grown" not in said(ledger, one)
    assert state(ledger, one)["status"] == "dismissed"


def test_dismissed_neighbours_drawn_as_one_stay_dismissed(ledger):
    numbers = settle(ledger, found("2018-01-05", HOUSE, (22, 0, 20, 12)))
    for number in numbers:
        ledger.advance(number, "dismissed", "Li", at=at("2018-06-10"), details={"reason": "lawful"})
    settle(ledger, found("2019-05-01", (0, 0, 42, 12)))
    assert {state(ledger, number)["status"] for number in numbers} == {"dismissed"}
    assert not any("grown" in said(ledger, number) for number in numbers)
    assert not any(state(ledger, number)["merged_into"] for number in numbers), "a dismissed case is never swallowed"


def test_a_case_that_people_acted_on_takes_what_covers_it_and_is_never_swallowed(ledger):
    small, large = settle(ledger, found("2018-01-05", HOUSE, (21, 0, 40, 12)))
    ledger.advance(small, "confirmed", "Li", at=at("2018-02-01"))
    assert settle(ledger, found("2018-05-01", (0, 0, 61, 12))) == [small]
    assert (state(ledger, small)["merged_into"], state(ledger, large)["merged_into"]) == (None, small)
    assert [case["case_no"] for case in ledger.cases(open_only=True)] == [small]
    ledger.advance(large, "confirmed", "Li", at=at("2018-06-01"))
    assert sorted(settle(ledger, found("2018-07-01", HOUSE, (21, 0, 40, 12)))) == sorted([small, large])
    assert (state(ledger, large)["merged_into"], state(ledger, large)["split_from"]) == (None, small)


def test_an_image_that_comes_late_undoes_nothing(ledger):
    one, two = settle(ledger, found("2020-05-01", HOUSE, (22, 0, 20, 12)))
    settle(ledger, found("2015-05-01", (0, 0, 42, 12)), on="2020-06-01")
    assert state(ledger, two)["merged_into"] is None
    assert state(ledger, one)["finding"]["scene_after"] == "2020-05-01"
    assert state(ledger, one)["area_m2"] == pytest.approx(240)


def test_a_reading_of_an_old_image_by_a_newer_version_changes_no_verdict_and_nothing_that_is_newer(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    settle(ledger, found("2020-01-05", HOUSE))
    ledger.advance(one, "confirmed", "Li", at=at("2020-02-01"))
    settle(ledger, found("2018-01-05", (0, 0, 60, 30), name="v2", detector_version="2"), on="2020-03-01")
    case = state(ledger, one)
    assert (case["status"], case["finding"]["scene_after"], said(ledger, one)[-1]) == (
        "confirmed",
        "2020-01-05",
        "reread",
    )


def test_the_whole_of_what_another_corridor_had_cut_is_no_growth(ledger):
    (one,) = settle(ledger, found("2018-01-05", (0, 0, 8, 12)))
    settle(ledger, found("2018-01-05", HOUSE, name="whole"))
    ledger.advance(one, "dismissed", "Li", at=at("2018-02-01"), details={"reason": "lawful"})
    settle(ledger, found("2019-01-05", HOUSE))
    assert state(ledger, one)["status"] == "dismissed"


def test_parts_merges_and_caps_write_nothing_when_settled_again(path):
    tables = [
        found(
            "2018-01-05", (0, 0, 40, 12), (60, 0, 20, 12), (82, 0, 20, 12), (200, 0, 20, 12), priority=[4.0, 3, 2, 1]
        ),
        found("2018-03-05", (0, 0, 30, 12), (32, 0, 8, 12), (60, 0, 42, 12), priority=1.0),
        found("2018-05-05", (0, 0, 30, 12), (60, 0, 42, 12), priority=1.0),
    ]
    with Ledger.open(path) as ledger:
        for number, table in enumerate(tables):
            ledger.settle(table, run_id="r", cap_per_county=3, now=at(f"2018-0{2 * number + 1}-20"))
        before = dump(path)
        for number, table in enumerate(tables):
            ledger.settle(
                table.sample(frac=1, random_state=1), run_id="r", cap_per_county=3, now=at(f"2018-0{number + 6}-20")
            )
            assert dump(path) == before, number


def test_a_returned_building_is_one_repeat_however_many_pairs_show_it(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    for what, day in (("confirmed", "2018-02-01"), ("rectified", "2018-03-01"), ("closed", "2018-03-05")):
        ledger.advance(one, what, "Li", at=at(day))
    both = pd.concat(
        [found("2019-05-01", (0, 0, 10, 12), name="c1"), found("2019-05-01", (10, 0, 10, 12), name="c2", before="b2")]
    )
    settle(ledger, gpd.GeoDataFrame(both.reset_index(drop=True), crs=EPSG))
    assert (state(ledger, one)["status"], state(ledger, one)["repeats"]) == ("suspected", 1)


def test_a_person_who_finds_it_standing_again_counts_a_repeat(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    for what, day in (
        ("confirmed", "2018-02-01"),
        ("rectified", "2018-03-01"),
        ("closed", "2018-03-05"),
        ("reopened", "2018-09-05"),
    ):
        ledger.advance(one, what, "Li", at=at(day))
    assert state(ledger, one)["repeats"] == 1


def witness(ledger, number, what, day):
    row = {"case_no": number, "what": what, "scene_before": "b", "scene_after": day, "day": day}
    ledger.witness(pd.DataFrame([row]), run_id="r", now=at(day))


def test_a_detector_that_finds_it_where_a_comparison_did_not_makes_no_repeat(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    witness(ledger, one, "not_seen", "2018-05-01")
    settle(ledger, found("2018-05-01", HOUSE))
    settle(ledger, found("2018-07-01", HOUSE))
    assert state(ledger, one)["repeats"] == 0
    witness(ledger, one, "not_seen", "2018-09-01")
    settle(ledger, found("2018-11-01", HOUSE))
    assert state(ledger, one)["repeats"] == 1


def test_two_acts_of_one_day_are_two(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    for unit in ("甲大队", "乙大队", "乙大队"):
        ledger.advance(one, "assigned", "Li", at=at("2018-02-01"), details={"to": unit})
    assert (state(ledger, one)["assigned_to"], said(ledger, one).count("assigned")) == ("乙大队", 2)


def test_a_finding_of_another_zone_keeps_the_whole_roof(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    half = found("2018-05-01", (0, 0, 8, 12)).to_crs(4549)
    assert settle(ledger, half) == [one]
    assert state(ledger, one)["area_m2"] == pytest.approx(240, rel=0.02)


def test_works_of_many_kilometres_are_known_by_their_end(ledger):
    (one,) = settle(ledger, found("2018-01-05", (0, 0, 12_000, 12), kind="roadworks"))
    assert settle(ledger, found("2018-05-01", (10_500, 0, 1_400, 12), kind="roadworks")) == [one]


@pytest.mark.parametrize(
    ("note", "day", "why"),
    [
        ("a\x00b", "2018-02-01", "control characters"),
        ("a\ud800b", "2018-02-01", "control characters"),
        ("a" * 3000, "2018-02-01", "3000 characters"),
        ("", "2107-02-01", "lies ahead"),
        ("", "2017-02-01", "before the image that opened it"),
        ("车牌苏c12345", "2018-02-01", "number plate"),
        ("身份证320322199001011234", "2018-02-01", "identity card"),
    ],
)
def test_what_no_ledger_should_hold_is_refused(ledger, note, day, why):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    with pytest.raises(LedgerError, match=why):
        ledger.advance(one, "confirmed", "Li", note, at(day))


@pytest.mark.parametrize(
    "note", ["改线后新S323K12+300处", "沿新G311K12段", "许可苏徐交许〔2016〕0123号", "新house", "面积12345678平方米"]
)
def test_ordinary_words_of_the_road_are_no_personal_data(ledger, note):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    ledger.advance(one, "confirmed", "Li", note, at("2018-02-01"))


def test_verdicts_that_were_undone_teach_nothing(ledger):
    one, two = settle(ledger, found("2018-01-05", HOUSE, (100, 0, 20, 12)))
    ledger.advance(one, "dismissed", "Li", at=at("2018-02-01"), details={"reason": "not_a_building"})
    ledger.advance(two, "confirmed", "Li", at=at("2018-02-01"))
    assert list(ledger.verdicts("building")["verdict"]) == ["dismissed", "confirmed"]
    ledger.advance(one, "audited", "Zhao", at=at("2018-03-01"), details={"outcome": "disagreed"})
    ledger.advance(two, "objected", "大厅", "边界有误", at=at("2018-03-01"))
    ledger.advance(two, "answered", "Zhao", at=at("2018-03-02"), details={"outcome": "upheld"})
    assert ledger.verdicts("building").empty
    assert [case["reason"] for case in ledger.cases()] == [None, "corrected"]


def test_options_are_remembered_and_those_of_a_newer_program_do_not_stop_this_one(path):
    Ledger.open(path, LedgerOptions.model_validate({"deadlines": {"check_days": 3}})).close()
    with Ledger.open(path) as ledger:
        assert ledger.options.deadlines.check_days == 3
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("UPDATE luyu_ledger SET value = json_set(value, '$.deadlines.newer', 1) WHERE key = 'options'")
    connection.commit()
    connection.close()
    with Ledger.open(path) as ledger:
        assert ledger.options.deadlines.check_days == 3


def test_candidates_that_share_a_place_are_all_recognised(ledger):
    (one,) = settle(ledger, found("2018-01-05", HOUSE))
    told = ledger.recognise(found("2019-01-05", HOUSE, (1, 0, 19, 12)))
    assert told["case_no"].tolist() == [one, one]
