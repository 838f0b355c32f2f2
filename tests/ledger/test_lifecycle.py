from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import LedgerError
from pipeline.ledger.lifecycle import SIGHTINGS, STATUS_AFTER, TRANSITIONS, What, move, status_after
from pipeline.model.kinds import Status

from .conftest import NOW, make_findings


@pytest.fixture
def number(ledger):
    return ledger.settle(make_findings([(0, 0)]), run_id="r1", now=NOW)["case_no"].iloc[0]


def seen(day: str, **columns):
    return make_findings(
        [(0, 0)], first_seen=[dt.date.fromisoformat(day)], scene_after=[day], finding_id=[day], **columns
    )


def test_every_status_is_in_the_table_and_can_be_reached():
    assert set(TRANSITIONS) == set(Status)
    reached, waiting = set(), [Status.SUSPECTED]
    while waiting:
        status = waiting.pop()
        reached.add(status)
        waiting += [after for act in TRANSITIONS[status] if (after := STATUS_AFTER.get(act, status)) not in reached]
    assert reached == set(Status) - {Status.PERMITTED}


@given(st.lists(st.sampled_from(sorted(What)), max_size=12))
def test_a_case_is_what_its_events_add_up_to(acts):
    """Walking the table step by step and folding the events give one status; sightings change nothing."""
    status, legal = Status.SUSPECTED, []
    for act in acts:
        if act in SIGHTINGS:
            legal.append(act)
            continue
        try:
            status = move("n", status, act)
        except LedgerError:
            continue
        legal.append(act)
    assert status_after(legal) is status


def test_the_whole_life(ledger, number):
    for what, after in [
        ("assigned", "assigned"),
        ("escalated", "assigned"),
        ("confirmed", "confirmed"),
        ("notified", "notified"),
        ("rectified", "rectified"),
        ("closed", "closed"),
        ("revisited", "revisited"),
    ]:
        assert ledger.advance(number, what, "Wang", at=NOW) == after
    case = ledger.case(number)
    assert case["status"] == "revisited"
    assert case["history"][0]["what"] == "observed"
    assert len(case["history"]) == 8


def test_an_illegal_act_is_refused_and_not_stored(ledger, number):
    with pytest.raises(
        LedgerError, match=r"'suspected': 'closed' may not follow; allowed: answered, assigned, confirmed"
    ):
        ledger.advance(number, "closed", "Wang", at=NOW)
    with pytest.raises(LedgerError, match="unknown act 'burnt'"):
        ledger.advance(number, "burnt", "Wang", at=NOW)
    with pytest.raises(LedgerError, match="'observed' may not follow"):
        ledger.advance(number, "observed", "Wang", at=NOW)
    assert len(ledger.case(number)["history"]) == 1


def test_acts_need_a_name_a_reason_and_a_case(ledger, number):
    for nobody in ("", "  ", "machine"):
        with pytest.raises(LedgerError, match="needs the name"):
            ledger.advance(number, "confirmed", nobody, at=NOW)
    with pytest.raises(LedgerError, match="needs a reason"):
        ledger.advance(number, "dismissed", "Wang", at=NOW)
    with pytest.raises(LedgerError, match="no case '1'"):
        ledger.advance("1", "confirmed", "Wang", at=NOW)
    with pytest.raises(LedgerError, match="no case '1'"):
        ledger.case("1")
    with pytest.raises(LedgerError, match="unknown details"):
        ledger.advance(number, "confirmed", "Wang", at=NOW, details={"plate": "x"})
    with pytest.raises(LedgerError, match="not a day"):
        ledger.advance(number, "assigned", "Wang", at=NOW, details={"due_on": "soon"})


def test_the_same_act_imported_twice_is_written_once(ledger, number):
    assert ledger.advance(number, "confirmed", "Wang", at=NOW) == "confirmed"
    assert ledger.advance(number, "confirmed", "Wang", at=NOW) == "confirmed"
    assert len(ledger.case(number)["history"]) == 2
    with pytest.raises(LedgerError, match="may not follow"):
        ledger.advance(number, "confirmed", "Zhao", at=NOW)


def test_a_rebuilt_structure_reopens_once(ledger, number):
    ledger.advance(number, "confirmed", "Wang", at=NOW)
    ledger.advance(number, "rectified", "Wang", at=NOW)
    before = ledger.settle(seen("2024-11-30"), run_id="r2", now=NOW)
    assert before["status"].iloc[0] == "rectified"  # an image from before the clearing proves nothing
    after = ledger.settle(seen("2025-03-01"), run_id="r3", now=NOW)
    assert (after["case_no"].iloc[0], after["status"].iloc[0]) == (number, "suspected")
    length = len(ledger.case(number)["history"])
    ledger.advance(number, "confirmed", "Wang", at=NOW + dt.timedelta(days=1))
    ledger.advance(number, "rectified", "Wang", at=NOW + dt.timedelta(days=2))
    again = ledger.settle(seen("2025-03-01"), run_id="r4", now=NOW)
    assert again["status"].iloc[0] == "rectified"
    assert len(ledger.case(number)["history"]) == length + 2


def test_a_dismissed_case_is_never_reopened_by_the_machine_but_can_be_by_people(ledger, number):
    ledger.advance(number, "dismissed", "Wang", at=NOW, note="barn")
    assert ledger.settle(seen("2026-01-01"), run_id="r2", now=NOW)["status"].iloc[0] == "dismissed"
    assert ledger.advance(number, "reopened", "Zhao", at=NOW) == "suspected"


def test_sightings_are_said_once_and_change_no_status(ledger, number):
    sightings = pd.DataFrame(
        {"case_no": [number], "what": ["not_seen"], "scene_before": ["a"], "scene_after": ["b"], "day": ["2024-05-01"]}
    )
    assert ledger.witness(sightings, run_id="r2", now=NOW) == 1
    assert ledger.witness(sightings, run_id="r3", now=NOW) == 0
    assert ledger.case(number)["status"] == "suspected"
    with pytest.raises(LedgerError, match="not a sighting"):
        ledger.witness(sightings.assign(what="closed"), run_id="r2")
    with pytest.raises(LedgerError, match="no case"):
        ledger.witness(sightings.assign(case_no="1"), run_id="r2")


def test_cases_are_ready_for_json_and_as_they_stood(ledger, number):
    later = NOW + dt.timedelta(days=10)
    ledger.advance(number, "assigned", "Wang", at=later, details={"to": "沛县大队", "due_on": "2024-12-31"})
    row = json.loads(json.dumps(ledger.cases("320322")))[0]
    assert {"case_no", "status", "kind", "county_code", "route_code", "stake"} <= set(row)
    assert (row["status"], row["assigned_to"], row["due_on"]) == ("assigned", "沛县大队", "2024-12-31")
    assert ledger.cases("000000") == []
    assert ledger.cases(as_of=NOW)[0]["status"] == "suspected"
    assert ledger.cases(as_of=NOW - dt.timedelta(days=1)) == []
    ledger.advance(number, "confirmed", "Wang", at=later)
    assert ledger.cases()[0]["due_on"] is None
