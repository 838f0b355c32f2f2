"""What each run said, added up from the events, and the facts of any month from one reading."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger
from pipeline.ledger.period import Period
from pipeline.ledger.trend import COLUMNS, COUNTS, of_area

from .conftest import make_findings
from .test_year import RUNS, decide, look_again, seen_in, world


def at(month: int, day: int = 5) -> dt.datetime:
    return dt.datetime(2024, month, day, 3, tzinfo=dt.UTC)


def run(ledger, month, places, *, scene=None, run_id=None, **columns):
    """Settle findings whose image is of the 3rd of a month; their case numbers."""
    day, scene = dt.date(2024, month, 3), scene or f"s{month}"
    found = make_findings(
        places, **{"first_seen": [day] * len(places), "scene_after": [scene] * len(places), **columns}
    )
    found["finding_id"] = [f"{scene}-{name}" for name in found["finding_id"]]
    return list(ledger.settle(found, run_id=run_id or f"run{month}", now=at(month))["case_no"])


def look(ledger, month, *said, run_id=None):
    """Sightings (case, word, day) of images of a run."""
    rows = [(case, what, "2012", f"{day}", dt.date(2024, month, day)) for case, what, day in said]
    table = pd.DataFrame(rows, columns=["case_no", "what", "scene_before", "scene_after", "day"])
    ledger.witness(table, run_id=run_id or f"run{month}", now=at(month))


def counts(ledger, run_id, **where):
    table = ledger.trend(**where).runs
    return of_area(table).set_index("run_id").loc[run_id, list(COUNTS)].to_dict()


def test_each_case_of_a_run_is_new_there_gone_or_unseen(ledger):
    first = run(ledger, 1, [(0, 0), (100, 0), (200, 0), (300, 0)])
    again = run(ledger, 2, [(0, 0), (500, 0)])
    look(ledger, 2, (first[1], "observed", 3), (first[2], "not_seen", 3), (first[3], "unobservable", 3))
    assert again[0] == first[0]
    none = dict.fromkeys(COUNTS, 0)
    assert counts(ledger, "run1") == none | {"cases": 4, "opened": 4}
    assert counts(ledger, "run2") == none | {"cases": 5, "opened": 1, "still": 2, "gone": 1, "unseen": 1}
    runs = ledger.trend().runs
    assert tuple(runs.columns) == COLUMNS
    assert runs["on_date"].tolist() == ["2024-01-03", "2024-02-03"]
    assert runs["at"].str[:10].tolist() == ["2024-01-05", "2024-02-05"]


def test_growth_counts_beside(ledger):
    run(ledger, 1, [(0, 0)])
    found = make_findings([(0, 0)], first_seen=[dt.date(2024, 2, 3)], scene_after=["s2"], finding_id=["grown"])
    found["geometry"] = found.geometry.scale(3, 3)
    ledger.settle(found, run_id="run2", now=at(2))
    assert counts(ledger, "run2") == dict.fromkeys(COUNTS, 0) | {"cases": 1, "still": 1, "grown": 1}


def test_what_comes_back_is_counted_whether_it_was_put_right_or_only_gone(ledger):
    right, gone, there = run(ledger, 1, [(0, 0), (100, 0), (200, 0)])
    for day, what in ((8, "confirmed"), (9, "rectified")):
        ledger.advance(right, what, "Wang", at=at(1, day))
    look(ledger, 2, (gone, "not_seen", 3), (there, "unobservable", 3))
    run(ledger, 3, [(0, 0), (100, 0), (200, 0)])
    told = counts(ledger, "run3")
    assert (told["still"], told["returned"]) == (3, 2)
    assert counts(ledger, "run2")["returned"] == 0
    run(ledger, 4, [(0, 0), (100, 0)])
    assert counts(ledger, "run4")["returned"] == 0, "it came back once"


def test_the_newer_image_of_a_run_decides_and_cloud_takes_nothing_back(ledger):
    left, came, seen = run(ledger, 1, [(0, 0), (100, 0), (200, 0)])
    look(ledger, 2, (left, "observed", 3), (left, "not_seen", 9), (came, "not_seen", 3), (came, "observed", 9))
    look(ledger, 2, (seen, "observed", 3), (seen, "unobservable", 9))
    told = counts(ledger, "run2")
    assert (told["cases"], told["gone"], told["still"], told["unseen"], told["returned"]) == (3, 1, 2, 0, 1)
    assert ledger.trend().runs["on_date"].iloc[-1] == "2024-02-09"


def test_a_second_reading_of_the_same_images_says_nothing(ledger):
    run(ledger, 1, [(0, 0)], detector=["b"], detector_version=["1"])
    found = make_findings(
        [(0, 0)], first_seen=[dt.date(2024, 1, 3)], scene_after=["s1"], detector=["b"], detector_version=["2"],
        finding_id=["newer"],
    )  # fmt: skip
    ledger.settle(found, run_id="reread", now=at(2))
    assert "reread" in [event["what"] for event in ledger.events()]
    assert ledger.trend().runs["run_id"].tolist() == ["run1"]


def test_by_county_and_for_some_counties(ledger):
    run(ledger, 1, [(0, 0), (100, 0), (200, 0)], county_code=["320322", "320321", None])
    table = ledger.trend().runs
    assert table["county_code"].tolist() == ["", "320321", "320322"]
    assert table["opened"].tolist() == [1, 1, 1]
    some = ledger.trend(["320322"])
    assert some.runs["county_code"].tolist() == ["320322"]
    assert set(some.cases["county_code"]) == {"320322"}
    assert set(some.events["case_no"]) == set(some.cases["case_no"])
    assert of_area(table)["opened"].tolist() == [3]


def test_a_ledger_that_was_told_nothing(ledger):
    told = ledger.trend()
    assert told.runs.empty
    assert tuple(told.runs.columns) == COLUMNS
    assert of_area(told.runs).empty
    assert told.facts([]) == []
    assert told.facts([at(1)])[0].rounds.empty
    with pytest.raises(LedgerError):
        ledger.advance("none", "confirmed", "Wang")


def test_a_year_adds_up_and_its_months_are_those_of_the_ledger(path):
    rng = np.random.default_rng(4)
    places = world(rng)[:60]
    with Ledger.open(path) as ledger:
        for month, day in enumerate(RUNS):
            now = dt.datetime(day.year, day.month, day.day, 3, tzinfo=dt.UTC) + dt.timedelta(days=2)
            found, owner, clouded = seen_in(places, month, rng)
            settled = ledger.settle(found, run_id=f"run{month}", now=now)
            for name, number in zip(found["finding_id"], settled["case_no"], strict=True):
                owner[name].case_no.add(number)
            look_again(ledger, places, month, clouded, set(settled["case_no"]), now)
            decide(ledger, places, month, rng, [], now + dt.timedelta(days=3))
        told = ledger.trend()
        runs = of_area(told.runs)
        assert runs["run_id"].tolist() == [f"run{month}" for month in range(12)]
        assert (runs["cases"] == runs[["opened", "still", "gone", "unseen"]].sum(axis=1)).all()
        assert runs["opened"].sum() == len(ledger.cases())
        moments = [Period.parse(f"2024-{month:02d}").end for month in (1, 2, 6, 12)]
        for moment, facts in zip(moments, told.facts(moments), strict=True):
            direct = ledger.facts(moment)
            for mine, theirs in ((facts.rounds, direct.rounds), (facts.audits, direct.audits)):
                pd.testing.assert_frame_equal(in_order(mine), in_order(theirs), check_dtype=False)


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by case and time, however they came."""
    keys = [name for name in ("case_no", "started_on") if name in table]
    return table.sort_values(keys, kind="stable", ignore_index=True).astype({"case_no": object})
