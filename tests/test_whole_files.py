"""Files and folders take their names when they are whole; what a killed writer left is swept; refusals are said."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pyogrio.errors import DataSourceError

from pipeline.errors import WorkspaceError
from pipeline.files import SCRATCH, atomic, atomic_folder, sweep


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    with atomic_folder(tmp_path / "out") as scratch:
        (scratch / "deep").mkdir()
        (scratch / "deep" / "new").write_text("x")
        assert (tmp_path / "out" / "old").exists()
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["deep", "new"]
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_folder_that_fails_leaves_the_old_one_and_no_scratch(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "out") as scratch:
        (scratch / "new").write_text(f"half {1 / 0}")
    assert list(tmp_path.rglob("*")) == [tmp_path / "out", tmp_path / "out" / "old"]


@pytest.mark.parametrize(
    "refusal",
    [OSError(28, "No space left on device"), DataSourceError("disk is full"), sqlite3.OperationalError("disk is full")],
    ids=lambda refusal: type(refusal).__name__,
)
@pytest.mark.parametrize("write", [atomic, atomic_folder])
def test_whoever_refuses_to_write_the_place_is_named(tmp_path: Path, refusal: Exception, write) -> None:
    with (
        pytest.raises(WorkspaceError, match=r"out\.gpkg: cannot be written: .*; free space"),
        write(tmp_path / "out.gpkg"),
    ):
        raise refusal
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{SCRATCH}abc.gpkg-journal").touch()
    (tmp_path / f"{SCRATCH}folder").mkdir()
    (tmp_path / f"{SCRATCH}folder" / "file").touch()
    (tmp_path / "findings.gpkg").touch()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "findings.gpkg"]
