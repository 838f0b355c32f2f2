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
from pipeline.ledger.figures import county_figures
from pipeline.ledger.period import Period

from .conftest import NOW, make_findings
from .postgres_server import programs, server
from .test_migrations import differences

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
    for verb in (
        "DELETE FROM events",
        "UPDATE events SET at = ''",
        "DELETE FROM cases",
        "UPDATE cases SET seq = 9",
        "TRUNCATE events",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(verb)
    engine.dispose()


def test_a_server_that_is_not_there_is_named_without_its_password():
    with pytest.raises(LedgerError, match="check host, port") as error:
        Ledger.open("postgresql://luyu:secret@127.0.0.1:1/none")
    assert "secret" not in str(error.value)


def test_the_schema_is_the_one_that_the_program_reads_and_figures_are_those_of_sqlite(place, tmp_path):
    found = make_findings([(0, 0), (100, 0), (200, 0)])
    tables = []
    for where in (place, tmp_path / "same.sqlite"):
        with Ledger.open(where) as ledger:
            numbers = ledger.settle(found, run_id="r", now=NOW)["case_no"]
            ledger.advance(numbers[0], "confirmed", "Wang", at=NOW)
            ledger.advance(numbers[1], "dismissed", "Wang", at=NOW, details={"reason": "greenhouse"})
            ledger.advance(numbers[1], "audited", "Zhao", at=NOW, details={"outcome": "disagreed"})
            tables.append((ledger.cases(), county_figures(ledger, Period.parse("2024-12"))))
    assert tables[0][0] == tables[1][0]
    assert_frame_equal(tables[0][1], tables[1][1])
    engine = sa.create_engine(sa.make_url(place).set(drivername="postgresql+psycopg"))
    assert differences(engine) == []
    engine.dispose()


def test_with_postgis_a_view_shows_the_cases(place):
    engine = sa.create_engine(sa.make_url(place).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        known = connection.scalar(sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'"))
        if not known and os.environ.get("CI") != "true":
            pytest.skip("PostGIS is not installed (Debian: apt-get install postgresql-postgis)")
        connection.exec_driver_sql("CREATE EXTENSION postgis")
    try:
        with Ledger.open(place) as ledger:
            ledger.settle(make_findings([(0, 0)]), run_id="r", now=NOW)
            case = ledger.cases()[0]
        with engine.connect() as connection:
            shown = connection.exec_driver_sql(
                "SELECT case_no, ST_SRID(geom), ST_X(ST_PointOnSurface(geom)), ST_Y(ST_PointOnSurface(geom)) FROM luyu_cases"
            ).one()
        assert tuple(shown[:2]) == (case["case_no"], 4490)
        assert shown[2:] == pytest.approx((case["lon"], case["lat"]), abs=1e-6)
        assert differences(engine) == []
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP VIEW IF EXISTS luyu_cases")
            connection.exec_driver_sql("DROP EXTENSION postgis CASCADE")
        engine.dispose()
