"""Looks at places are kept once each, for ever, also in ledgers of an earlier version."""

import datetime as dt
import sqlite3

import pandas as pd
import pytest

from pipeline.ledger.looks import COLUMNS


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
