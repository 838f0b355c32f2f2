"""`luyu doctor`: every check in turn, a crash that stops none, exit codes, both languages, nothing written."""

from __future__ import annotations

import doctest
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.doctor import examine as examining
from pipeline.doctor.examine import CHECKS, examine, worst
from pipeline.doctor.finding import Asked, Finding, Level, error, note, ok, warning

ROOT = Path(__file__).resolve().parents[2]


def crashing(asked: Asked) -> Iterator[Finding]:
    """Says one thing and breaks."""
    yield ok("first", "好", "good")
    raise ValueError("at https://me:pw@example.org/?sig=1")


def test_a_check_that_crashes_is_a_finding_and_stops_no_other() -> None:
    told = list(examine(Asked(), [crashing, lambda _: [note("last", ("末", "last"))]]))
    assert [one.level for one in told] == [Level.OK, Level.WARNING, Level.NOTE]
    assert told[1].about == "crashing"
    assert "ValueError" in told[1].what.en
    assert "me:pw" not in told[1].what.en


def test_what_is_said_moves_no_terminal() -> None:
    found = warning("files", ("坏\x1b[2J名", "bad\x9b2Jname"), ("改\x07名", "rename\x00"))
    assert found.what == ("坏[2J名", "bad2Jname")
    assert found.remedy == ("改名", "rename")


def test_the_gravest_level_counts() -> None:
    some = [ok("a", "", ""), warning("b", ("", ""), ("", "")), note("c", ("", ""))]
    assert worst(some) is Level.WARNING
    assert worst([*some, error("d", ("", ""), ("", ""))]) is Level.ERROR
    assert doctest.testmod(examining).failed == 0


def test_every_check_ends_well_here_and_says_both_languages(world: Path) -> None:
    from pipeline.config import RunConfig

    asked = Asked(RunConfig.load(world / "run.yaml"), offline=True)
    told = list(examine(asked))
    assert len(told) >= len(CHECKS)
    for found in told:
        assert found.level is not Level.ERROR, found
        assert "did not end" not in found.what.en
        assert found.what.zh
        assert found.what.en
        assert found.level in (Level.OK, Level.NOTE) or found.remedy is not None


def test_a_library_that_is_broken_breaks_what_needs_it_alone(world: Path, tmp_path: Path) -> None:
    """As on machines that lack the runtime of a compiled library."""
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('DLL load failed')\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "doctor", str(world / "run.yaml"), "--offline", "--json"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    told = json.loads(done.stdout)["findings"]
    (broken,) = (one for one in told if one["level"] == "error")
    assert broken["what"]["en"].startswith("onnxruntime does not load: ImportError: DLL load failed")
    assert {"python", "proj", "temp", "fonts"} <= {one["about"] for one in told if one["level"] == "ok"}


def test_the_command_tells_machines_and_people(world: Path, capfd, monkeypatch) -> None:
    before = sorted(world.rglob("*"))
    started = time.process_time()
    assert main(["doctor", str(world / "run.yaml"), "--offline", "--json"]) == 0
    assert time.process_time() - started < 5
    told = json.loads(capfd.readouterr().out)
    assert told["worst"] in ("ok", "note", "warning")
    assert {"python", "proj", "console", "fonts", "power", "output", "ledger", "proxy", "sources"} <= {
        one["about"] for one in told["findings"]
    }
    assert sorted(world.rglob("*")) == before
    for language, word in (("zh", "没有做完"), ("en", "did not end")):
        monkeypatch.setenv("LUYU_LANG", language)
        monkeypatch.setattr("pipeline.doctor.examine.examine.__defaults__", ([crashing],))
        assert main(["doctor"]) == 0
        assert word in capfd.readouterr().out


@pytest.mark.parametrize("text", ["name: [unclosed", "name: x\nno_such_key: 1\n"])
def test_a_configuration_that_cannot_be_read_is_an_error_and_the_rest_is_looked_at(
    tmp_path: Path, capfd, text: str
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["doctor", str(path), "--offline", "--json"]) == 2
    told = json.loads(capfd.readouterr().out)["findings"]
    assert told[0]["about"] == "config"
    assert told[0]["level"] == "error"
    assert "python" in {one["about"] for one in told}
