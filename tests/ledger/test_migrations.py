"""Ledgers of older versions are brought up to date, whole or not at all, and lose nothing."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger, migrate
from pipeline.ledger.database import open_engine
from pipeline.ledger.schema import metadata
from pipeline.ledger.standing import fetch, folded

from .conftest import NOW, make_findings

OLD = Path(__file__).parent / "data" / "ledger_version_2.sql"  # as the program of that version wrote it
NUMBERS = [f"320322-201710-building-000{k}" for k in (1, 2, 3)]


@pytest.fixture
def old(path):
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript(OLD.read_text(encoding="utf-8"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


def check(path: Path) -> None:
    with Ledger.open(path, create=False) as ledger:
        cases = {case["case_no"]: case for case in ledger.cases()}
        assert [cases[number]["status"] for number in NUMBERS] == ["dismissed", "assigned", "suspected"]
        assert (cases[NUMBERS[1]]["assigned_to"], cases[NUMBERS[1]]["due_on"]) == ("沛县大队", "2024-12-31")
        assert cases[NUMBERS[1]]["last_seen_on"] == "2019-05-01"
        assert cases[NUMBERS[0]]["reason"] == "greenhouse"
        assert [event["what"] for event in ledger.case(NUMBERS[1])["history"]] == ["observed", "assigned", "observed"]
        again = ledger.settle(make_findings([(0, 0), (100, 0), (200, 0)]), run_id="r", now=NOW)
        assert again["case_no"].tolist() == NUMBERS
        assert sum(len(ledger.case(number)["history"]) for number in NUMBERS) == 6, "known images write nothing"


@pytest.mark.parametrize("first", [False, True])
def test_older_ledgers_are_brought_up_and_lose_nothing(old, first):
    if first:
        connection = sqlite3.connect(old)
        connection.execute("DROP TABLE looks")
        connection.execute("UPDATE luyu_ledger SET value = '1'")
        connection.commit()
        connection.close()
    check(old)
    check(old)


def test_revisions_are_those_of_the_scripts():
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == migrate.REVISIONS


def differences(engine: sa.Engine) -> list:
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    return [
        one for one in found if not (one[0] == "remove_table" and one[1].name in ("alembic_version", "spatial_ref_sys"))
    ]


def test_what_migrations_make_is_what_the_program_reads(old, tmp_path):
    for place in (old, tmp_path / "new.sqlite"):
        engine = open_engine(place, create=True, wait_s=5)
        assert differences(engine) == []
        engine.dispose()


def test_the_table_of_standings_is_made_anew_when_it_is_of_another_program(path):
    with Ledger.open(path) as ledger:
        ledger.settle(make_findings([(0, 0), (100, 0)]), run_id="r", now=NOW)
        ledger.advance(NUMBERS[0], "confirmed", "Wang", at=NOW)
        before = ledger.cases()
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM standings")
    connection.execute("UPDATE luyu_ledger SET value = '0' WHERE key = 'standings'")
    connection.commit()
    connection.close()
    with Ledger.open(path) as ledger:
        assert ledger.cases() == before


def test_a_newer_ledger_and_a_half_known_one_are_refused(old):
    connection = sqlite3.connect(old)
    connection.execute("UPDATE luyu_ledger SET value = '7'")
    connection.commit()
    connection.close()
    content = old.read_bytes()
    with pytest.raises(LedgerError, match="schema version 7, this program knows 0003 and older"):
        Ledger.open(old)
    assert old.read_bytes() == content


def upgrade_until(path: Path, statement: int) -> None:
    count = iter(range(1, statement + 1))

    def die_in_time(*_args: object) -> None:
        if next(count) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", die_in_time)
    sa.event.listen(sa.engine.Engine, "commit", die_in_time)
    Ledger.open(path).close()


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork to die cheaply")
def test_killed_at_any_statement_of_a_migration_the_ledger_opens_whole(old, tmp_path):
    fork = multiprocessing.get_context("fork")
    for statement in range(1, 200):
        killed = tmp_path / f"killed{statement}.sqlite"
        shutil.copy(old, killed)
        child = fork.Process(target=upgrade_until, args=(killed, statement))
        child.start()
        child.join(60)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        check(killed)
    else:
        pytest.fail("the child was killed at every statement; the list above is too short to reach the end")
    assert statement > 20


def test_standings_are_what_the_events_add_up_to(ledger, path):
    ledger.settle(make_findings([(0, 0), (100, 0), (200, 0)]), run_id="r", now=NOW)
    ledger.advance(NUMBERS[0], "dismissed", "Wang", at=NOW, details={"reason": "greenhouse"})
    ledger.advance(NUMBERS[1], "assigned", "Wang", at=NOW)
    engine = open_engine(path, create=False, wait_s=5)
    with engine.connect() as connection:
        assert {one.state.case_no: one for one in folded(connection)} == fetch(connection, NUMBERS)
    engine.dispose()
