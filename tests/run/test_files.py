"""Files are whole or absent, names cannot leave the folder, and one run holds a folder."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from pipeline.errors import WorkspaceError
from pipeline.files import atomic, write_text
from pipeline.run.files import RunFolder


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), atomic(path) as scratch:
        scratch.write_text(f"half {1 / 0}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "", "C:\\x", "县" * 200])
def test_names_from_data_stay_inside(tmp_path: Path, name: str) -> None:
    folder = RunFolder(tmp_path)
    for path in (folder.county(name), folder.notice(name), folder.chip(name, "before")):
        assert path.resolve().parent.parent == tmp_path.resolve()
        assert len(path.name.encode()) <= 255


def test_a_folder_is_held_by_one_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.held():
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            message = pool.apply(_try_to_hold, (folder,))
    assert "another run is writing here" in message
    with folder.held():
        pass


def _try_to_hold(folder: RunFolder) -> str:
    try:
        with folder.held():
            return ""
    except WorkspaceError as error:
        return str(error)


@pytest.mark.skipif(os.name != "posix", reason="a file in the way of a folder is made by POSIX names")
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="--set output"), RunFolder(tmp_path / "file" / "out").held():
        pass
