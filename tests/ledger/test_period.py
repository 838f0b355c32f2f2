from __future__ import annotations

import datetime as dt

import pytest

from pipeline.errors import LedgerError
from pipeline.ledger.period import Period


@pytest.mark.parametrize(
    ("text", "first", "last", "label"),
    [
        ("2024-11", "2024-11-01", "2024-11-30", "2024年11月"),
        ("2024-2", "2024-02-01", "2024-02-29", "2024年2月"),
        ("2024Q4", "2024-10-01", "2024-12-31", "2024年第四季度"),
        ("2024-q1", "2024-01-01", "2024-03-31", "2024年第一季度"),
        ("2024", "2024-01-01", "2024-12-31", "2024年"),
        ("2024-11-26/2025-01-05", "2024-11-26", "2025-01-05", "2024年11月26日至2025年1月5日"),
        ("2024-10-01 至 2024-12-31", "2024-10-01", "2024-12-31", "2024年第四季度"),
    ],
)
def test_periods(text, first, last, label):
    period = Period.parse(text)
    assert (period.first, period.last) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert period.label_zh == label
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize("text", ["", "2024-13", "2024Q5", "November", "2024-11-31/2024-12-01", "2024-11-01", "24-11"])
def test_no_period(text):
    with pytest.raises(LedgerError, match="write a month 2024-11"):
        Period.parse(text)


def test_a_period_runs_forward_and_ends_at_midnight_in_china():
    with pytest.raises(LedgerError, match="ends before it begins"):
        Period.parse("2024-11-30/2024-11-01")
    assert Period.parse("2024-11").begin == dt.datetime(2024, 10, 31, 16, tzinfo=dt.UTC)
    assert Period.parse("2024-11").end == dt.datetime(2024, 11, 30, 16, tzinfo=dt.UTC)
