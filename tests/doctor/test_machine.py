"""Console, clock, documents, disk, memory: each check in its good and in its bad state."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.config import RunConfig
from pipeline.doctor import console, disk, documents, power
from pipeline.doctor.finding import Asked, Level

_GB = 10**9


@pytest.fixture
def asked(world: Path, tmp_path: Path) -> Asked:
    more = [f"output={tmp_path / 'out'}", f"ledger={tmp_path / 'kept' / 'ledger.sqlite'}"]
    return Asked(RunConfig.load(world / "run.yaml", more))


class _Console:
    def __init__(self, encoding: str) -> None:
        self.encoding = encoding


@pytest.mark.parametrize(
    ("encoding", "level"),
    [("utf-8", Level.OK), ("gbk", Level.NOTE), ("gb18030", Level.OK), ("cp1252", Level.WARNING), ("ascii", Level.WARNING),
     ("no-such", Level.ERROR)],
)  # fmt: skip
def test_what_a_console_can_show(monkeypatch, encoding: str, level: Level) -> None:
    monkeypatch.setattr(console.sys, "stdout", _Console(encoding))
    found = next(console.encoding(Asked()))
    assert found.level is level
    assert (found.remedy is None) == (level is Level.OK)


def test_names_of_files_that_are_no_utf8_are_warned_of(monkeypatch) -> None:
    monkeypatch.setattr(console.sys, "getfilesystemencoding", lambda: "ascii")
    assert [one.level for one in console.encoding(Asked())][-1] is Level.WARNING


def test_a_decimal_comma_is_a_note(monkeypatch) -> None:
    assert [one.level for one in console.language(Asked())] == [Level.OK]
    monkeypatch.setattr(console.locale, "localeconv", lambda: {"decimal_point": ","})
    assert [one.level for one in console.language(Asked())] == [Level.OK, Level.NOTE]


def test_a_clock_that_went_wrong(monkeypatch, asked: Asked) -> None:
    china, here = dt.timezone(dt.timedelta(hours=8), "CST"), dt.UTC

    def told(moment: dt.datetime) -> list[Level]:
        monkeypatch.setattr(console, "_now", lambda: moment)
        return [one.level for one in console.clock(asked)]

    assert told(dt.datetime(2026, 11, 27, tzinfo=china)) == [Level.OK]
    assert told(dt.datetime(2026, 11, 27, tzinfo=here)) == [Level.OK, Level.NOTE]
    assert told(dt.datetime(2024, 2, 1, tzinfo=china)) == [Level.OK, Level.WARNING]
    assert told(dt.datetime(1970, 1, 1, tzinfo=china)) == [Level.ERROR]


def test_a_font_with_chinese_is_found_by_its_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(documents, "font_folders", lambda: (tmp_path,))
    (tmp_path / "DejaVuSans.ttf").touch()
    assert [one.level for one in documents.fonts(Asked())] == [Level.WARNING]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "NotoSansCJK-Regular.ttc").touch()
    assert [one.level for one in documents.fonts(Asked())] == [Level.OK]


@pytest.mark.parametrize(("system", "part"), [("linux", "share"), ("darwin", "Library"), ("win32", "Fonts")])
def test_every_system_has_folders_of_fonts(monkeypatch, system: str, part: str) -> None:
    monkeypatch.setattr(documents.sys, "platform", system)
    assert any(part in str(folder) for folder in documents.font_folders())


def test_office_and_browser_are_optional(monkeypatch) -> None:
    monkeypatch.setattr(documents, "office", lambda: "/usr/bin/soffice")
    monkeypatch.setattr(documents.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert [one.level for check in (documents.writer, documents.browser) for one in check(Asked())] == [Level.OK] * 2
    monkeypatch.setattr(documents, "office", lambda: None)
    monkeypatch.setattr(documents.shutil, "which", lambda _: None)
    monkeypatch.setattr(documents.sys, "platform", "linux")
    assert [one.level for check in (documents.writer, documents.browser) for one in check(Asked())] == [Level.NOTE] * 2


def test_folders_that_do_well_are_left_as_they_were(asked: Asked, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    told = list(disk.folders(asked))
    assert {one.about for one in told} == {"temp", "output", "ledger"}  # images of this machine take no cache
    assert Level.ERROR not in {one.level for one in told}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_an_error(asked: Asked, monkeypatch) -> None:
    def refused(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(disk.tempfile, "TemporaryDirectory", refused)
    told = {one.about: one for one in disk.folders(asked)}
    assert {one.level for one in told.values()} == {Level.ERROR}
    assert "Permission denied" in told["output"].what.en
    assert "TMPDIR" in str(told["temp"].remedy)


def test_a_drive_without_renames_locks_or_chinese_names(asked: Asked, monkeypatch) -> None:
    def no_rename(_self, _target):
        raise OSError("not supported")

    def no_lock(_self):
        raise NotImplementedError("no locks here")

    monkeypatch.setattr(Path, "replace", no_rename)
    monkeypatch.setattr(FileLock, "__enter__", no_lock)
    told = [one.what.en for one in disk.folders(asked) if one.about == "output" and one.level is Level.WARNING]
    assert any("replaced whole" in text for text in told)
    assert any("no locks" in text for text in told)
    monkeypatch.setattr(disk, "_NAME", "e\u0301.txt")
    monkeypatch.setattr(Path, "iterdir", lambda _self: iter(()))
    told = [one.what.en for one in disk.folders(asked) if one.about == "output"]
    assert any("Chinese name" in text for text in told)


@pytest.mark.parametrize(("free", "level"), [(0.5, Level.ERROR), (5, Level.WARNING), (500, Level.OK)])
def test_little_space_is_told(asked: Asked, monkeypatch, free: float, level: Level) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(0, 0, free * _GB))
    assert [one.level for one in disk.folders(asked) if one.about == "output"] == [level]


def test_a_network_drive_is_told(tmp_path: Path, asked: Asked, monkeypatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"srv:/x {tmp_path} nfs4 rw 0 0\n/dev/sda / ext4 rw 0 0\n", encoding="utf-8")
    assert disk.network_drive(tmp_path, mounts) == "nfs4"
    assert disk.network_drive(Path("/"), mounts) == ""
    assert disk.network_drive(Path("\\\\server\\share"), mounts) == "UNC"
    monkeypatch.setattr(disk, "network_drive", lambda _: "nfs4")
    assert Level.NOTE in {one.level for one in disk.folders(asked) if one.about == "output"}


@pytest.mark.parametrize(
    ("cores", "memory_gb", "workers", "level"),
    [(2, 16, 2, Level.OK), (8, 64, 2, Level.NOTE), (2, 64, 4, Level.NOTE), (8, 4, 8, Level.WARNING)],
)
def test_workers_are_held_against_cores_and_memory(
    world: Path, tmp_path: Path, monkeypatch, cores: int, memory_gb: float, workers: int, level: Level
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", cores)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", memory_gb * _GB)
    more = [f"output={tmp_path}", f"dask.workers={workers}"]
    assert [one.level for one in power.power(Asked(RunConfig.load(world / "run.yaml", more)))] == [level]
    assert [one.level for one in power.power(Asked())] == [Level.OK]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights bind no administrator")
def test_rights_are_really_tried(tmp_path: Path, world: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o500)
    told = [
        one
        for one in disk.folders(Asked(RunConfig.load(world / "run.yaml", [f"output={out}"])))
        if one.about == "output"
    ]
    assert [one.level for one in told] == [Level.ERROR]
    shutil.rmtree(out, ignore_errors=True)
