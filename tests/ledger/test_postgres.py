"""The same laws on PostgreSQL, on a server that the tests start where one is installed."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os

import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger

from .conftest import NOW, make_findings
from .postgres_server import programs, server

ROUNDS = [[(100 * n, 50 * row) for n in range(6)] for row in range(3)]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    binaries = programs()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed; CI must have it")
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with server(tmp_path_factory.mktemp("postgres"), binaries) as address:
        yield address


@pytest.fixture
def place(url):
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for table in ("photos", "pictures", "standings", "looks", "events", "cases", "luyu_ledger", "alembic_version"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table} CASCADE")
    engine.dispose()
    return url


def settle_rounds(place: str) -> None:
    with Ledger.open(place) as ledger:
        for number, places in enumerate(ROUNDS):
            ledger.settle(make_findings(places, scene_after=[f"s{number}"] * len(places)), run_id="r")


def test_settle_advance_and_settle_again(place):
    found = make_findings([(0, 0), (100, 0)])
    with Ledger.open(place) as ledger:
        first = ledger.settle(found, run_id="r1", now=NOW)
        assert_frame_equal(ledger.settle(found, run_id="r2", now=NOW), first)
        number = first["case_no"].iloc[0]
        assert number == "320322-201710-building-0001"
        ledger.advance(number, "dismissed", "Wang", "barn", NOW)
        later = found.assign(scene_after="2020", first_seen=dt.date(2020, 1, 1), finding_id=["a", "b"])
        again = ledger.settle(later, run_id="r3", now=NOW)
        assert again["status"].tolist() == ["dismissed", "suspected"]
        assert [row["observations"] for row in ledger.cases("320322")] == [2, 2]
        assert [event["what"] for event in ledger.case(number)["history"]] == ["observed", "dismissed", "observed"]
        assert ledger.footprints(epsg=4548).geometry.geom_equals_exact(found.geometry, 1e-9).all()
    Ledger.open(place, create=False).close()


def test_two_processes_at_once(place):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=settle_rounds, args=(place,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    with Ledger.open(place) as ledger:
        rows = ledger.cases()
    assert [row["case_no"] for row in rows] == [f"320322-201710-building-{seq:04d}" for seq in range(1, 19)]
    assert {row["observations"] for row in rows} == {1}


def test_what_was_written_cannot_be_changed(place):
    with Ledger.open(place) as ledger:
        ledger.settle(make_findings([(0, 0)]), run_id="r", now=NOW)
    engine = sa.create_engine(sa.make_url(place).set(drivername="postgresql+psycopg"))
    for verb in ("DELETE FROM events", "UPDATE events SET at = ''", "DELETE FROM cases", "UPDATE cases SET seq = 9"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(verb)
    engine.dispose()


def test_a_server_that_is_not_there_is_named_without_its_password():
    with pytest.raises(LedgerError, match="check host, port") as error:
        Ledger.open("postgresql://luyu:secret@127.0.0.1:1/none")
    assert "secret" not in str(error.value)
