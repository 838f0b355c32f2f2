"""configs/deploy/Containerfile, played in a clean folder: what its COPY lines take is all that its steps need."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest
from fresh import UV, ran
from locked import ROOT

FILE = ROOT / "configs" / "deploy" / "Containerfile"


def copied() -> list[str]:
    """Files and folders of the repository that the first stage takes."""
    stage = FILE.read_text(encoding="utf-8").split("\nFROM ")[1]
    return [name for line in re.findall(r"^COPY (?!--)(.+)$", stage, re.MULTILINE) for name in line.split()[:-1]]


def test_what_is_copied_is_there_and_is_no_more_than_needed() -> None:
    names = copied()
    assert {"pyproject.toml", "requirements.lock", "pipeline"} <= set(names)
    assert [name for name in names if not (ROOT / name).exists()] == []
    assert not {"tests", "benchmarks", "notebooks", "."} & set(names)


@pytest.mark.slow
def test_the_wheel_builds_from_what_is_copied(wheel: Path, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for name in copied():
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, place)
    ran(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, source, cwd=tmp_path)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as here, zipfile.ZipFile(wheel) as there:
        assert {one.filename: one.CRC for one in here.infolist()} == {one.filename: one.CRC for one in there.infolist()}


def test_its_python_is_one_that_the_project_is_for() -> None:
    text = FILE.read_text(encoding="utf-8")
    images = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert images == {"python:3.11-slim"}
    assert "--require-hashes -r requirements.lock" in text
    assert re.search(r"^USER (?!0|root)\S+", text, re.MULTILINE)
