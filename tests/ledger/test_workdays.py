from __future__ import annotations

import datetime as dt
import pickle
import time

import chinese_calendar
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import LedgerError
from pipeline.ledger.workdays import Calendar

CALENDAR = Calendar()
day_of = dt.date.fromisoformat
days = st.dates(dt.date(1991, 1, 1), dt.date(2097, 12, 31))
known = st.dates(dt.date(2004, 1, 1), dt.date(2026, 12, 31))
counts = st.integers(0, 400)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2024-09-29", True),  # Sunday, worked for National Day
        ("2024-09-30", True),
        ("2024-10-01", False),
        ("2024-10-07", False),  # Monday
        ("2024-10-08", True),
        ("2024-10-12", True),  # Saturday, worked for National Day
        ("2024-10-13", False),
        ("2024-02-09", True),  # New Year's Eve was no holiday in 2024
        ("2024-02-18", True),  # Sunday after Spring Festival
        ("2026-01-02", False),
        ("2026-01-04", True),  # Sunday
        ("2030-10-01", True),  # Tuesday of a year that was not announced
        ("2030-10-05", False),
    ],
)
def test_days_of_the_state_councils_notices(day, worked):
    assert CALENDAR.is_workday(day_of(day)) is worked


@pytest.mark.parametrize(
    ("day", "count", "end"),
    [
        ("2024-09-30", 0, "2024-09-30"),
        ("2024-10-01", 0, "2024-10-08"),
        ("2024-09-30", 1, "2024-10-08"),
        ("2024-10-01", 1, "2024-10-08"),  # a day off is no day to count from
        ("2024-09-30", 5, "2024-10-12"),  # 8, 9, 10, 11 and Saturday 12 October
        ("2024-09-30", 6, "2024-10-14"),
        ("2024-09-27", 7, "2024-10-12"),  # Sunday 29 and Monday 30 September, then five
        ("2024-02-08", 7, "2024-02-23"),  # 9, Sunday 18, 19 to 23 February
    ],
)
def test_terms_over_national_day_and_spring_festival(day, count, end):
    assert CALENDAR.after(day_of(day), count) == day_of(end)


@given(known)
def test_it_is_the_calendar_of_the_library(day):
    assert CALENDAR.is_workday(day) == chinese_calendar.is_workday(day)


@given(days, st.integers(1, 400))
def test_between_undoes_after(day, count):
    end = CALENDAR.after(day, count)
    assert CALENDAR.is_workday(end)
    assert CALENDAR.between(day, end) == count


@given(days, days, counts, counts)
def test_a_later_start_or_a_longer_term_never_ends_earlier(one, other, short, long):
    assert CALENDAR.after(min(one, other), min(short, long)) <= CALENDAR.after(max(one, other), max(short, long))


@given(days, days, days)
def test_working_days_add_up(one, two, three):
    assert CALENDAR.between(one, two) + CALENDAR.between(two, three) == CALENDAR.between(one, three)
    assert CALENDAR.between_many([one, two], [two, one]).tolist() == [
        CALENDAR.between(one, two),
        -CALENDAR.between(one, two),
    ]


def test_local_days_win_over_the_library():
    local = Calendar(holidays=["2024-10-08", "2024-10-12"], workdays=["2024-10-05"])
    assert local.after(day_of("2024-09-30"), 3) == day_of("2024-10-10")  # Saturday 5, 9, 10 October
    assert CALENDAR.after(day_of("2024-09-30"), 3) == day_of("2024-10-10")
    assert local.between(day_of("2024-09-30"), day_of("2024-10-13")) == 4


def test_it_says_how_far_it_knows():
    assert CALENDAR.known_until() >= day_of("2026-12-31")
    unknown = CALENDAR.known_until() + dt.timedelta(days=1)
    assert CALENDAR.is_known(CALENDAR.known_until())
    assert not CALENDAR.is_known(unknown)
    assert not CALENDAR.is_known(day_of("2003-12-31"))
    flood = Calendar(holidays=[unknown.replace(month=7, day=21)])
    assert not flood.is_known(unknown), "one local day is not a year's notice"
    entered = Calendar(holidays=[unknown.replace(month=10)])
    assert entered.is_known(unknown)
    assert entered.known_until() == unknown.replace(month=12, day=31)


def test_a_missing_day_gives_no_count_and_a_time_is_taken_by_its_date():
    first = np.array(["2024-09-30", "NaT"], dtype="datetime64[D]")
    counted = CALENDAR.between_many(first, np.array(["2024-10-08", "2024-10-08"], dtype="datetime64[D]"))
    assert counted[0] == 1
    assert np.isnan(counted[1])
    assert CALENDAR.after(dt.datetime(2024, 9, 30, 23, tzinfo=dt.UTC), 1) == day_of("2024-10-08")


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: CALENDAR.after(day_of("2024-10-01"), -1), "a term cannot be negative"),
        (lambda: CALENDAR.is_workday(day_of("1024-10-01")), "1024-10-01 is no day of 1990 to 2099"),
        (lambda: CALENDAR.after(day_of("2099-12-30"), 30), "end past 2099-12-31"),
        (lambda: CALENDAR.between_many(np.array(["0202-01-01"], "M8[D]"), np.array(["2024-01-01"], "M8[D]")), "0202"),
    ],
)
def test_days_that_cannot_be_are_refused(call, why):
    with pytest.raises(LedgerError, match=why):
        call()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"holidays": ["2027-10-01"], "workdays": ["2027-10-01"]}, "2027-10-01 is named as holiday and as workday"),
        ({"holidays": ["1027-10-01"]}, "1027-10-01 is no day of 1990 to 2099"),
    ],
)
def test_contradicting_options_are_refused(options, why):
    with pytest.raises(ValueError, match=why):
        Calendar(**options)


def test_many_terms_take_no_time_and_calendars_travel():
    start = day_of("2024-01-01")
    CALENDAR.after(start, 1)
    begun = time.perf_counter()
    for count in range(100_000):
        CALENDAR.after(start, count % 90)
    assert time.perf_counter() - begun < 2
    sent = pickle.loads(pickle.dumps(CALENDAR))  # noqa: S301
    assert sent == Calendar()
    assert sent.after(start, 3) == CALENDAR.after(start, 3)
