"""What calls two runs the same notices all that is not, and overlooks times."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Undisturbed
from .sameness import difference, half_files


def sql(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            connection.execute(statement)


def lost_event(out: Path) -> None:
    sql(out / "ledger.sqlite", "DELETE FROM events WHERE id = (SELECT max(id) FROM events)")


def doubled_event(out: Path) -> None:
    columns = "case_no, at, actor, what, on_date, finding_id, run_id, detail, epsg, geometry"
    sql(
        out / "ledger.sqlite",
        f"INSERT INTO events ({columns}, key) SELECT {columns}, key || '2' FROM events LIMIT 1",  # noqa: S608
    )


def other_finding(out: Path) -> None:
    sql(out / "findings.gpkg", "UPDATE findings SET confidence = confidence + 0.001")


def lost_chip(out: Path) -> None:
    next((out / "chips").iterdir()).unlink()


def other_page(out: Path) -> None:
    page = next((out / "counties").glob("*.html"))
    page.write_bytes(page.read_bytes() + b" ")


def other_record(out: Path) -> None:
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    record["totals"]["km_observed"] += 0.001
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")


CHANGES = {
    lost_event: "ledger",
    doubled_event: "ledger",
    other_finding: "findings.gpkg",
    lost_chip: "chips",
    other_page: "counties",
    other_record: "km_observed",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_is_named(calm: Undisturbed, tmp_path: Path, change: Callable[[Path], None]) -> None:
    shutil.copytree(calm.out, out := tmp_path / "run")
    assert difference(calm.out, out) is None
    change(out)
    assert CHANGES[change] in str(difference(calm.out, out))


def test_times_make_no_difference(calm: Undisturbed, tmp_path: Path) -> None:
    shutil.copytree(calm.out, out := tmp_path / "run")
    sql(out / "ledger.sqlite", "UPDATE events SET at = '2001-02-03T04:05:06.000007+00:00'")
    assert difference(calm.out, out) is None


@pytest.mark.parametrize("name", ["findings.gpkg", "findings.geojson", "coverage.csv", "register.xlsx", "index.html"])
def test_half_a_file_is_noticed(calm: Undisturbed, tmp_path: Path, name: str) -> None:
    shutil.copytree(calm.out, out := tmp_path / "run")
    assert half_files(out) == []
    path = out / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert half_files(out) == [name]
