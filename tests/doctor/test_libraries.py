"""Python, libraries, GDAL and PROJ: each check provoked in its good and in its bad state."""

from __future__ import annotations

import doctest
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.doctor import libraries
from pipeline.doctor.finding import Asked, Level
from pipeline.reports import installed

_PROBE = """
import json
from pipeline.doctor.finding import Asked
from pipeline.doctor.libraries import native
print(json.dumps([one.told() for one in native(Asked())]))
"""


def native_with(**environment: str) -> list[dict]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PROJ", "GDAL", "OGR"))}
    done = subprocess.run(
        [sys.executable, "-c", _PROBE], env={**clean, **environment}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_each_library_uses_its_own_copies(monkeypatch) -> None:
    assert {one["level"] for one in native_with()} == {"ok"}


def test_data_of_another_proj_break_rasterio_and_the_variable_is_named(tmp_path: Path) -> None:
    """As QGIS and PostGIS set it: rasterio believes the variable, pyproj has its own."""
    with sqlite3.connect(tmp_path / "proj.db") as other:
        other.execute("CREATE TABLE metadata (key TEXT, value TEXT)")
        other.executemany(
            "INSERT INTO metadata VALUES (?, ?)",
            [("DATABASE.LAYOUT.VERSION.MAJOR", "1"), ("DATABASE.LAYOUT.VERSION.MINOR", "0"), ("PROJ.VERSION", "6.3.1")],
        )
    told = native_with(PROJ_DATA=str(tmp_path))
    broken = next(one for one in told if one["level"] == "error")
    assert broken["what"]["en"].startswith("rasterio cannot")
    assert f"PROJ_DATA={tmp_path}" in broken["remedy"]["en"]
    assert "取消" in broken["remedy"]["zh"]
    assert any("is of PROJ 6.3.1" in one["what"]["en"] for one in told if one["level"] == "warning")


def test_a_variable_that_does_no_harm_is_a_note_and_one_that_leads_nowhere_a_warning(tmp_path: Path) -> None:
    levels = {one["about"]: one["level"] for one in native_with(GDAL_DATA=str(tmp_path))}
    assert levels["gdal"] == "note"
    away = native_with(GDAL_DRIVER_PATH=str(tmp_path / "gone"))
    assert [one["level"] for one in away if "GDAL_DRIVER_PATH" in one["what"]["en"]] == ["warning"]


def test_what_is_asked_for_is_there() -> None:
    assert next(libraries.packages(Asked())).level is Level.OK


def test_missing_and_unfit_libraries_are_named(monkeypatch) -> None:
    monkeypatch.setattr(installed, "requirements", lambda: ("numpy>=2.1", "rasterio>=99", "no-such-thing>=1"))
    missing, unfit = (one for one in libraries.packages(Asked()) if one.level is Level.ERROR)
    assert missing.what.en == "missing: no-such-thing"
    assert unfit.what.en.startswith("of a version that does not do: rasterio>=99 (")
    monkeypatch.setattr(installed, "requirements", lambda: ())
    assert [one.level for one in libraries.packages(Asked())] == [Level.WARNING]


def test_a_lock_of_other_versions_is_a_note(tmp_path: Path, monkeypatch) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        f"numpy=={installed.version_of('numpy')} ; python_version < '3.12' \\\n    --hash=sha256:0\n", encoding="utf-8"
    )
    monkeypatch.setattr(libraries, "_LOCK", lock)
    assert [one.level for one in libraries.packages(Asked())] == [Level.OK, Level.OK]
    lock.write_text("numpy==1.0 \\\n    --hash=sha256:0\nnumpy==1.1 \\\n", encoding="utf-8")
    last = list(libraries.packages(Asked()))[-1]
    assert last.level is Level.NOTE
    assert "(1.0/1.1)" in last.what.en
    monkeypatch.setattr(libraries, "_LOCK", tmp_path / "gone")
    assert len(list(libraries.packages(Asked()))) == 1


@pytest.mark.parametrize(
    ("version", "requirement", "kept"),
    [
        ("1.4.4", "rasterio>=1.4", True), ("1.3.9", "rasterio>=1.4", False), ("1.9.4.1", "x==1.9.4.1", True), ("2.0", "x==2", True),
        ("3.2", "psycopg[binary]>=3.2", True), ("2.5rc1", "x>=2.5", True), ("2.9", "x~=2.4", True), ("3.0", "x~=2.4", False),
        ("2.1", "x!=2.1", False), ("2.1", "x<2.1", False), ("2.1", "x", True),
    ],
)  # fmt: skip
def test_bounds_of_versions(version: str, requirement: str, kept: bool) -> None:
    assert libraries.fits(version, requirement) is kept


def test_an_old_or_narrow_python_is_refused(monkeypatch) -> None:
    assert [one.level for one in libraries.python(Asked())] == [Level.OK]
    monkeypatch.setattr(libraries, "_LEAST", (99, 0))
    assert [one.level for one in libraries.python(Asked())] == [Level.ERROR]
    monkeypatch.setattr(libraries, "_LEAST", (3, 11))
    monkeypatch.setattr(libraries.sys, "maxsize", 2**31 - 1)
    assert [one.level for one in libraries.python(Asked())] == [Level.ERROR]


def test_examples_in_the_docstrings_hold() -> None:
    for module in (libraries, installed):
        assert doctest.testmod(module).attempted
        assert doctest.testmod(module).failed == 0
