"""Looks at places are kept once each, for ever, also in ledgers of an earlier version."""

import datetime as dt
import sqlite3

import pandas as pd
import pytest

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger
from pipeline.ledger.looks import COLUMNS

from .conftest import NOW, make_findings


def looks(*rows):
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


SEEN = looks(
    ("grain_drying", "G311", "left", 10, 19, dt.date(2024, 6, 4), "present", 0.8, "2"),
    ("grain_drying", "G311", "left", 0, 99, dt.date(2024, 6, 4), "absent", 0.9, "2"),
    ("billboard", "GG-01", None, 0, 0, dt.date(2024, 6, 4), "unseen", 0.0, "1"),
)


def test_each_look_is_written_once(ledger):
    assert ledger.remember(SEEN, run_id="a") == 3
    assert ledger.remember(SEEN.iloc[::-1], run_id="b") == 0
    grain = ledger.looks("grain_drying")
    assert list(grain["first_cell"]) == [0, 10]
    assert set(grain["day"]) == {dt.date(2024, 6, 4)}
    assert ledger.looks("grain_drying", ["S253"]).empty
    assert list(ledger.looks("billboard", ["GG-01"])["side"]) == [""]


def test_nobody_takes_a_look_back(ledger, path):
    ledger.remember(SEEN, run_id="a")
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM looks")
    connection.close()


def test_a_ledger_of_the_first_version_is_brought_up_and_loses_nothing(path):
    with Ledger.open(path) as ledger:
        ledger.settle(make_findings([(0, 0)]), run_id="r", now=NOW)
        before = ledger.cases()
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE looks")
    connection.execute("UPDATE luyu_ledger SET value = '1'")
    connection.commit()
    connection.close()
    with Ledger.open(path, create=False) as ledger:
        assert ledger.cases() == before
        assert ledger.remember(SEEN, run_id="a") == 3
    with Ledger.open(path) as ledger:
        assert len(ledger.looks("grain_drying")) == 2


def test_a_later_version_is_refused(path):
    Ledger.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE luyu_ledger SET value = '3'")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match="schema version 3"):
        Ledger.open(path)
