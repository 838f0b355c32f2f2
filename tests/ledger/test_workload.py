from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import LedgerError
from pipeline.ledger.workload import week_plan, week_start

from .conftest import NOW, make_findings


def case(number, priority, stake="K512+100", *, county="320322", route="G311", status="suspected"):
    return {"case_no": number, "priority": priority, "stake": stake, "county_code": county} | {
        "route_code": route,
        "status": status,
    }


def assigned(*cases):
    return [{"what": "assigned", "case_no": one["case_no"], "county_code": one["county_code"]} for one in cases]


def plan(cases, most, events=()):
    return [one["case_no"] for one in week_plan(cases, events, most_per_county=most)]


def test_the_highest_priority_first_and_ties_by_number():
    cases = [case("c", 40, "K1+000"), case("b", 60, "K100+000"), case("a", 60, "K200+000"), case("d", None, None)]
    assert plan(cases, 9) == ["a", "b", "c", "d"]
    assert plan(cases, 2) == ["a", "b"]
    assert plan(cases[::-1], 2) == ["a", "b"]
    assert plan(cases, 0) == []


def test_a_neighbour_of_nearly_equal_priority_goes_before_a_farther_one():
    first, far = case("a", 80, "K10+000"), case("b", 60, "K90+000")
    assert plan([first, far, case("c", 55, "K15+000")], 2) == ["a", "c"]
    assert plan([first, far, case("c", 55, "K15+001")], 2) == ["a", "b"]  # more than 5 km
    assert plan([first, far, case("c", 54.9, "K15+000")], 2) == ["a", "b"]  # more than 5 points
    assert plan([first, far, case("c", 55, "K15+000", route="S239")], 2) == ["a", "b"]
    assert plan([first, far, case("c", 55, None)], 2) == ["a", "b"]


def test_one_drive_may_go_on_from_neighbour_to_neighbour_but_never_far_down_the_list():
    cases = [case("a", 80, "K10+000"), case("b", 79, "K90+000"), case("c", 76, "K14+000"), case("d", 75, "K18+000")]
    assert plan(cases, 4) == ["a", "c", "d", "b"]
    assert plan([*cases, case("e", 73, "K19+000")], 5) == ["a", "c", "d", "b", "e"]


def test_what_was_assigned_this_week_takes_places_and_is_driven_to():
    mine = case("z", 90, "K90+100", status="assigned")
    cases = [mine, case("a", 60, "K10+000"), case("b", 58, "K90+000"), case("c", 10, "K1+000")]
    assert plan(cases, 2, assigned(mine)) == ["b"]
    assert plan(cases, 2) == ["a", "b"]
    checked = case("y", 50, county="320322", status="confirmed")  # assigned and checked within the week
    assert plan(cases, 2, assigned(mine, mine, checked)) == []


def test_each_county_has_its_own_places():
    cases = [case("a", 60), case("b", 50), case("c", 40, county="320382"), case("d", 30, county=None)]
    assert plan(cases, 1) == ["d", "a", "c"]
    assert plan(cases, 1, assigned(cases[0] | {"case_no": "z"})) == ["d", "c"]


def test_only_suspected_cases_are_assigned_and_the_number_is_checked():
    assert plan([case("a", 60, status="confirmed"), case("b", 50)], 5) == ["b"]
    with pytest.raises(LedgerError, match="give 0 or more"):
        plan([], -1)


points = st.floats(0, 100) | st.none()
stakes = st.sampled_from(["K10+000", "K12+000", "K60+000", None])
some = st.lists(st.tuples(points, stakes, st.sampled_from(["320322", "320382"])), max_size=12)


@given(some, st.integers(0, 6), st.randoms())
def test_a_smaller_plan_is_the_beginning_of_a_larger_one_in_whatever_order_cases_come(rows, most, random):
    cases = [case(f"{n:02d}", p, s, county="320322") for n, (p, s, _) in enumerate(rows)]
    larger = plan(cases, most + 1)
    random.shuffle(cases)
    assert plan(cases, most) == larger[:most]
    assert len(larger) == min(most + 1, len(cases))


@given(some, st.integers(1, 6))
def test_no_case_left_out_is_more_than_five_points_above_one_chosen(rows, most):
    cases = [case(f"{n:02d}", p, s, county=c) for n, (p, s, c) in enumerate(rows)]
    chosen = week_plan(cases, (), most_per_county=most)
    numbers = {one["case_no"] for one in chosen}
    for one in cases:
        if one["case_no"] not in numbers:
            mine = [taken["priority"] or 0 for taken in chosen if taken["county_code"] == one["county_code"]]
            assert (one["priority"] or 0) <= min(mine) + 5


def test_the_week_of_a_ledger(ledger):
    findings = make_findings([(0, 0), (200, 0), (400, 0)], priority=[50.0, 70.0, 60.0], confidence=[0.9] * 3)
    numbers = ledger.settle(findings, run_id="r", now=NOW - dt.timedelta(days=30))["case_no"].tolist()
    friday = dt.datetime(2024, 11, 29, 1, tzinfo=dt.UTC)
    ledger.advance(numbers[1], "assigned", "张", at=friday)

    def of(day):
        week = week_plan(ledger.cases(open_only=True), ledger.events(since=week_start(day)), most_per_county=2)
        return [one["case_no"] for one in week]

    assert of(dt.date(2024, 12, 1)) == [numbers[2]]  # Sunday of the same week
    assert of(dt.date(2024, 12, 2)) == [numbers[2], numbers[0]]
