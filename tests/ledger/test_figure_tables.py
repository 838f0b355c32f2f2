from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline.errors import LedgerError
from pipeline.ledger.definitions import DEFINITIONS, RATES
from pipeline.ledger.figures import county_figures, ranked, with_rates
from pipeline.ledger.lifecycle import ACT, TRANSITIONS, What
from pipeline.ledger.period import Period
from pipeline.model.kinds import Status

from .book import NOVEMBER, Book, rate, row
from .conftest import NOW, make_findings


@pytest.fixture
def book():
    return Book()


def test_precision_by_kind(book):
    for number, (kind, verdict, reason) in enumerate(
        [
            ("building", "confirmed", None),
            ("building", "dismissed", "greenhouse"),
            ("building", "dismissed", "permitted"),
            ("building", "dismissed", "看错了"),
            ("grain_drying", "confirmed", None),
        ]
    ):
        case = f"320322-{number}"
        book.open(case, "2024-11-01", kind=kind).say(case, "2024-11-05", verdict, reason=reason)
    book.open("320382-1", "2024-11-01", kind="billboard").open("320382-2", "2024-09-01", kind="stockpile")
    table = book.figures().by_kind().set_index(["county_code", "kind"])
    assert table.index.tolist() == [("320322", "building"), ("320322", "grain_drying"), ("320382", "billboard")]
    building = table.loc["320322", "building"]
    assert (rate(building, "precision"), rate(building, "true"), building["opened"]) == ((1, 2), (1, 4), 4)
    assert rate(table.loc["320322", "grain_drying"], "precision") == (1, 1)
    assert np.isnan(table.loc[("320382", "billboard"), "precision"])
    assert book.figures().by_kind(counties=["320382"])["kind"].tolist() == ["billboard"]


def test_counties_without_a_case_are_shown_when_asked_for(book):
    book.open("320322-1", "2024-11-01").open("320322-2", "2024-11-01").open("320382-1", "2024-11-01")
    table = book.figures().by_county(counties=["320321", "320322"], km_due={"320322": 80.0})
    assert table["county_code"].tolist() == ["320321", "320322"]
    assert table["county_name"].tolist() == [None, "沛县"]
    assert table["opened"].tolist() == [0, 2]
    assert table["per_100_km"].fillna(-1).tolist() == [-1, 2.5]
    assert book.figures().by_county()["county_code"].tolist() == ["320322", "320382"]


def test_a_ledger_without_events(book):
    assert book.figures().by_county().empty
    assert book.figures().by_kind().empty
    only = row(book, counties=["320322"])
    assert only["opened"] == 0
    assert rate(only, "repeat_stretch") == (0, 0)


def test_every_column_is_defined(book):
    columns = book.open("320322-1", "2024-11-01").figures().by_county().columns
    endings = ("_n", "_of", "_low", "_high", "_mean", "_median")
    plain = {next((name.removesuffix(end) for end in endings if name.endswith(end)), name) for name in columns}
    assert plain - {"county_code", "county_name"} == set(DEFINITIONS)
    assert all(all(definition[:4]) for definition in DEFINITIONS.values())


@given(st.integers(0, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_bounds_are_wilsons(counts):
    hit, of = counts
    found = with_rates(pd.DataFrame({"audit_n": [hit], "audit_of": [of]})).iloc[0]
    if of == 0:
        assert found[["audit", "audit_low", "audit_high"]].isna().all()
        return
    bounds = binomtest(hit, of).proportion_ci(0.95, method="wilson")
    assert found["audit_low"] == pytest.approx(bounds.low, abs=1e-6)
    assert found["audit_high"] == pytest.approx(bounds.high, abs=1e-6)


def test_one_of_one_is_not_first_and_ties_are_shown():
    parts = pd.DataFrame({"closure_n": [1, 90, 9, 0, 9], "closure_of": [1, 100, 10, 0, 10]})
    table = with_rates(parts).assign(county_code=list("abcde"))
    order = ranked(table, "closure")
    assert order["county_code"].tolist() == ["b", "c", "e", "a", "d"]
    assert order["rank"].fillna(0).tolist() == [1, 2, 2, 4, 0]
    assert order["tied"].tolist() == [False, True, True, False, False]


def test_where_low_is_good_much_evidence_comes_first():
    table = with_rates(pd.DataFrame({"overdue_n": [0, 0, 5], "overdue_of": [1, 100, 10]})).assign(
        county_code=list("abc")
    )
    assert ranked(table, "overdue")["county_code"].tolist() == ["b", "c", "a"]
    with pytest.raises(LedgerError, match="cannot be ranked by 'true'"):
        ranked(table, "true")
    assert RATES["true"].better is None


days = st.integers(1, 60)
acts = st.sampled_from(
    ["assigned", "confirmed", "dismissed", "rectified", "closed", "reopened", "not_seen", "observed"]
)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["320322-1", "320322-2", "320382-1"]), days, acts), max_size=30), st.randoms()
)
def test_no_numerator_is_more_than_its_denominator_and_order_of_reading_does_not_matter(said, random):
    book = Book()
    for case in ("320322-1", "320322-2", "320382-1"):
        book.open(case, "2024-10-01")
    for case, day, what in sorted(said, key=lambda one: one[1]):
        book.say(case, str(dt.date(2024, 10, 1) + dt.timedelta(day)), what, due_on="2024-11-15", reason="shadow")
    table = book.figures().by_county()
    for name in RATES:
        assert (table[f"{name}_n"] <= table[f"{name}_of"]).all()
    counted = book.figures().facts.rounds
    random.shuffle(book.told)
    pd.testing.assert_frame_equal(counted, book.figures().facts.rounds)
    assert counted.groupby("case_no")["first"].sum().eq(1).all()


def test_figures_of_a_ledger_are_those_of_what_it_was_told(ledger):
    findings = make_findings([(0, 0), (200, 0), (400, 0)], county_name=["沛县"] * 3)
    opened_on = NOW - dt.timedelta(days=20)  # 11 November
    one, two, _ = ledger.settle(findings, run_id="r", now=opened_on)["case_no"]
    monday = dt.datetime(2024, 11, 18, 1, tzinfo=dt.UTC)
    for case in (one, two):
        ledger.advance(case, "assigned", "张", at=monday)
    ledger.advance(one, "confirmed", "李", at=monday + dt.timedelta(days=2))
    ledger.advance(two, "dismissed", "李", at=monday + dt.timedelta(days=4), details={"reason": "greenhouse"})
    ledger.advance(two, "audited", "王", at=monday + dt.timedelta(days=5), details={"outcome": "agreed"})
    ledger.advance(one, "notified", "李", at=NOW)
    figures = county_figures(ledger, NOVEMBER, km_due={"320322": 50.0}).iloc[0]
    assert (figures["county_code"], figures["county_name"]) == ("320322", "沛县")
    assert (figures["opened"], figures["open"], figures["finished"]) == (3, 2, 1)
    assert [rate(figures, name) for name in ("check", "true", "precision", "audit")] == [(2, 2), (1, 2), (1, 2), (1, 1)]
    assert (figures["days_to_check_mean"], figures["days_to_close_mean"]) == (3.0, 4.0)
    assert figures["per_100_km"] == 6.0
    assert rate(figures, "overdue") == (0, 0), "confirmed sets no deadline by default"
    december = county_figures(ledger, Period.parse("2024-12")).iloc[0]
    assert rate(december, "overdue") == (1, 1)
    assert december["opened"] == 0


def test_what_is_open_and_overdue_is_what_the_ledger_says_the_morning_after(ledger):
    """Whatever people said in whatever allowed order: two ways of adding up the same events."""
    rng = np.random.default_rng(1)

    def choice(some):
        return some[int(rng.integers(len(some)))]

    begun = dt.datetime(2024, 9, 2, 1, tzinfo=dt.UTC)
    places = [(200 * n, 0) for n in range(8)]
    numbers = ledger.settle(make_findings(places), run_id="r", now=begun)["case_no"].tolist()
    for step in range(1, 70):
        at = begun + dt.timedelta(days=2 * step, minutes=step)
        case = choice(numbers)
        if step % 10 == 0:  # an image that shows all of them
            image = at.date() - dt.timedelta(days=1)
            seen = make_findings(places, scene_after=[f"s{step}"] * 8, first_seen=[image] * 8)
            ledger.settle(seen.assign(finding_id=[f"{name}-{step}" for name in seen["finding_id"]]), run_id="r", now=at)
            continue
        status = Status(next(one["status"] for one in ledger.cases() if one["case_no"] == case))
        what = choice(sorted(TRANSITIONS[status] - {What.OBJECTED, What.ANSWERED, What.CONTRADICTED}))
        details = {"reason": "shadow", "outcome": choice(["agreed", "disagreed"])}
        details = {name: details[name] for name in ACT[what].needs}
        ledger.advance(case, what, f"官员{step}", at=at, details=details)
    for text in ("2024-10", "2024-11", "2024Q4", "2024-09-02/2025-02-28"):
        period = Period.parse(text)
        told = ledger.cases(as_of=period.end)
        figures = county_figures(ledger, period).iloc[0]
        assert figures["open"] == sum(one["open"] for one in told)
        assert figures["overdue_n"] == sum(one["overdue"] for one in told)
    assert figures["repeat_n"] > 0
    assert figures["overdue_n"] > 0
