from __future__ import annotations

import sqlite3
import sys

import pytest

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger, LedgerOptions
from pipeline.ledger.database import file_system

from .conftest import NOW, make_findings


def test_parent_folders_are_made_and_no_side_files_stay(path):
    with Ledger.open(path) as ledger:
        ledger.settle(make_findings([(0, 0)]), run_id="r", now=NOW)
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_url_of_a_file_is_the_file(path):
    Ledger.open(f"sqlite:///{path}").close()
    Ledger.open(path, create=False).close()


def test_an_empty_file_becomes_a_ledger(tmp_path):
    (tmp_path / "new.sqlite").touch()
    with pytest.raises(LedgerError, match="is empty"):
        Ledger.open(tmp_path / "new.sqlite", create=False)
    Ledger.open(tmp_path / "new.sqlite").close()


def test_what_is_no_ledger_is_refused_and_left_alone(tmp_path):
    text, other, cut = tmp_path / "notes.txt", tmp_path / "layers.gpkg", tmp_path / "cut.sqlite"
    text.write_text("findings of this week, by hand")
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE gpkg_contents (x)")
    connection.close()
    cut.write_bytes(other.read_bytes()[:600])
    for file, why in [(text, "not a SQLite file"), (other, "no ledger: it holds"), (cut, "name another|restore")]:
        content = file.read_bytes()
        with pytest.raises(LedgerError, match=why) as error:
            Ledger.open(file)
        assert file.name in str(error.value)
        assert file.read_bytes() == content
    with pytest.raises(LedgerError, match="is a folder"):
        Ledger.open(tmp_path)
    with pytest.raises(LedgerError, match="there is no ledger"):
        Ledger.open(tmp_path / "none.sqlite", create=False)
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger.open(text / "below" / "ledger.sqlite")
    with pytest.raises(LedgerError, match="needs a file"):
        Ledger.open("sqlite://")
    with pytest.raises(LedgerError, match="only SQLite files and postgresql"):
        Ledger.open("mysql://u:secret@host/db")


def test_a_password_is_never_shown():
    with pytest.raises(LedgerError) as error:
        Ledger.open("mysql://u:secret@host/db")
    assert "secret" not in str(error.value)


def test_another_schema_version_is_refused(path):
    Ledger.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    connection.close()
    with pytest.raises(LedgerError, match="schema version 0099, this program knows 0003"):
        Ledger.open(path)


FORGED = "case_no, at, 'forged', what, key, on_date, finding_id, run_id, detail, epsg, geometry FROM events"


def test_the_database_itself_refuses_to_forget(ledger, path):
    ledger.settle(make_findings([(0, 0)]), run_id="r", now=NOW)
    connection = sqlite3.connect(path)
    for verb in (
        "DELETE FROM events",
        "UPDATE events SET what = 'closed'",
        "DELETE FROM cases",
        "UPDATE cases SET seq=9",
        f"INSERT OR REPLACE INTO events SELECT id, {FORGED}",
        f"INSERT OR REPLACE INTO events SELECT id + 9, {FORGED}",
        "INSERT OR REPLACE INTO cases SELECT * FROM cases",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(verb)
    connection.close()


def test_a_writer_that_waits_too_long_says_so(path):
    with Ledger.open(path, LedgerOptions(wait_s=0.1)) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="another process is writing"):
            ledger.settle(make_findings([(0, 0)]), run_id="r", now=NOW)
        assert ledger.cases() == []  # reading is never held up
        other.execute("ROLLBACK")
        other.close()
        assert len(ledger.settle(make_findings([(0, 0)]), run_id="r", now=NOW)) == 1


def test_network_shares_are_told_from_disks(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path}/my\\040share nfs4 rw 0 0\n")
    assert file_system(tmp_path / "my share" / "a.sqlite", mounts) == "nfs4"
    assert file_system(tmp_path / "a.sqlite", mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "absent") is None


def test_a_ledger_on_a_share_is_refused(path, monkeypatch):
    monkeypatch.setattr("pipeline.ledger.database.file_system", lambda _: "nfs4")
    with pytest.raises(LedgerError, match="network share"):
        Ledger.open(path)


def test_without_the_postgres_driver_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match="pip install") as error:
        Ledger.open("postgresql://u:secret@host/db")
    assert "secret" not in str(error.value)
