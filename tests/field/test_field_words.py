"""What is written is read as what was meant."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.field.verdict import (
    ACT,
    CHINA,
    REASON_LABELS,
    VERDICTS,
    Verdict,
    day_of,
    moment,
    reason_of,
    verdict_of,
)
from pipeline.ledger.lifecycle import LABELS


@pytest.mark.parametrize("written", ["confirm", " Confirm ", "ＣＯＮＦＩＲＭ", "属实", "属实　", "核查属实", "属 实"])
def test_a_verdict_in_any_spelling(written):
    assert verdict_of(written) is Verdict.CONFIRM


@pytest.mark.parametrize("written", [None, "", "  ", "　"])
def test_an_empty_cell_is_no_verdict(written):
    assert verdict_of(written) is None


def test_an_unknown_verdict_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'大概是' is not known.*confirm \(属实\).*cannot_tell \(无法判断\)"):
        verdict_of("大概是")


def test_labels_are_told_apart():
    assert len(set(VERDICTS.values())) == len(VERDICTS)
    assert len(set(REASON_LABELS.values())) == len(REASON_LABELS)
    assert {verdict_of(LABELS[act]) for act in ACT.values()} == set(Verdict)


@pytest.mark.parametrize("code", REASON_LABELS)
def test_every_reason_by_code_and_by_label(code):
    assert reason_of(Verdict.DISMISS, code) == reason_of(Verdict.DISMISS, f"{REASON_LABELS[code]} ") == code


def test_reasons_go_with_their_verdict():
    assert reason_of(Verdict.CANNOT_TELL, None) == "cannot_tell"
    assert reason_of(Verdict.CANNOT_TELL, "无法到达现场") == "no_access"
    for verdict, reason in [(Verdict.DISMISS, ""), (Verdict.CANNOT_TELL, "大棚"), (Verdict.CONFIRM, "大棚")]:
        with pytest.raises(ValueError, match="reason"):
            reason_of(verdict, reason)


def test_a_slip_in_a_reason_is_guessed():
    with pytest.raises(ValueError, match=r"did you mean greenhouse \(大棚\)"):
        reason_of(Verdict.DISMISS, "greenhous")


@given(st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2099, 12, 31)))
def test_a_day_in_every_form_that_offices_write(day):
    forms = [
        day,
        dt.datetime.combine(day, dt.time(9, 30)),
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f" {day.year}年{day.month}月{day.day}日 ",
        f"{day:%Y%m%d}",
        f"{day} 00:00:00",
        float((day - dt.date(1899, 12, 30)).days),
    ]
    assert {day_of(form) for form in forms} == {day}


@pytest.mark.parametrize("written", ["11月5日", "2024-13-01", "2024-02-30", "昨天", "99999", "2024"])
def test_what_is_no_day_is_refused(written):
    with pytest.raises(ValueError, match="2024-11-05"):
        day_of(written)


@given(
    st.dates(min_value=dt.date(2020, 1, 1), max_value=dt.date(2030, 1, 1)), st.integers(-40, 40), st.integers(0, 86_399)
)
def test_the_moment_lies_on_its_day_and_not_before_an_export_of_that_day(day, apart, second):
    exported = dt.datetime.combine(day, dt.time(), CHINA) + dt.timedelta(days=apart, seconds=second)
    at = moment(day, exported)
    assert at.astimezone(CHINA).date() == day
    assert at >= exported or exported.astimezone(CHINA).date() > day
