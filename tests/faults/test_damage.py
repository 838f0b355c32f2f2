"""Files of an earlier run that are damaged, scenes that vanish, a clock that is wrong, memory that is short."""

from __future__ import annotations

import datetime as dt
import errno
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers.faulty import faulty

from pipeline.cli import REFUSED, main
from pipeline.ledger.state import CHINA
from pipeline.ledger.workdays import Calendar

from .conftest import Undisturbed
from .harness import FIRST_RESULT, Call, Running, luyu
from .sameness import half_files, history

YEAR_S = 365 * 86_400


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def junk(path: Path) -> None:
    path.write_bytes(b"\x00\xff" * 1000)


HARMS = [cut, flip, empty, junk]
some_harms = pytest.mark.parametrize("harm", [cut, *(pytest.param(harm, marks=pytest.mark.slow) for harm in HARMS[1:])])


def copied(calm: Undisturbed, out: Path) -> Path:
    shutil.copytree(calm.out, out)
    return out


@some_harms
def test_what_is_kept_of_tiles_may_be_damaged(calm: Undisturbed, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    out = calm.tiles_done(tmp_path / "run")
    for path in sorted(path for path in (out / "work").rglob("*") if path.is_file())[::2]:
        harm(path)
    again = luyu(*calm.command(out))
    assert again.code == 0, again.said
    calm.assert_same(out)


@some_harms
def test_files_of_an_earlier_run_may_be_damaged(
    calm: Undisturbed, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    out = copied(calm, tmp_path / "run")
    for path in out.iterdir():
        if path.is_file() and not path.name.startswith((".lock", "ledger")):
            harm(path)
    told = luyu("report", str(out))
    assert told.code == 0 or told.refused, told.said
    again = luyu(*calm.command(out))
    assert again.code == 0, again.said
    calm.assert_same(out)


@pytest.mark.parametrize("harm", [cut, junk, flip])
def test_a_damaged_ledger_is_refused_and_left_as_it_is(
    calm: Undisturbed, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    out = calm.tiles_done(tmp_path / "run")
    ledger = out / "ledger.sqlite"
    shutil.copyfile(calm.out / "ledger.sqlite", ledger)
    harm(ledger)
    found = ledger.read_bytes()
    ended = luyu(*calm.command(out))
    if harm is flip and ended.code == 0:  # a page that nothing asked for
        return
    assert ended.refused, ended.said
    assert str(ledger) in ended.said
    assert ledger.read_bytes() == found
    ledger.unlink()
    assert luyu(*calm.command(out)).code == 0
    calm.assert_same(out)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("where", ["", "ledger.sqlite"], ids=["folder", "ledger"])
def test_what_is_read_only_is_named(calm: Undisturbed, tmp_path: Path, where: str) -> None:
    out = calm.tiles_done(tmp_path / "run")
    shutil.copyfile(calm.out / "ledger.sqlite", out / "ledger.sqlite")

    def on_call(call: Call) -> int | None:
        return errno.EROFS if call.path.startswith(where) else None

    ended = Running.start(calm.command(out), watch=out).end(on_call)
    assert ended.refused, ended.said
    assert str(out) in ended.said
    assert half_files(out) == []
    assert history(out / "ledger.sqlite") == history(calm.out / "ledger.sqlite")
    assert luyu(*calm.command(out)).code == 0
    calm.assert_same(out)


@contextmanager
def without_scenes(world: Path, aside: Path) -> Iterator[Callable[[], None]]:
    """A function that takes the scenes of the world away; they are back when the block ends."""
    scenes = world / "imagery" / "demo-vhr"

    def vanish() -> None:
        if not aside.exists():
            scenes.rename(aside)

    try:
        yield vanish
    finally:
        if aside.exists():
            aside.rename(scenes)


@pytest.mark.usefixtures("watched")
def test_scenes_that_vanish_after_the_plan_are_told(calm: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with without_scenes(calm.world, tmp_path / "aside") as vanish:
        first = Running.start(calm.command(out), watch=out).end(lambda _call: vanish())
    assert first.refused, first.said
    assert "demo-vhr" in first.said
    assert half_files(out) == []
    again = luyu(*calm.command(out))
    assert again.code == 0, again.said
    calm.assert_same(out)


@pytest.mark.slow
@pytest.mark.usefixtures("watched")
def test_scenes_that_vanish_half_way_fail_the_tiles_that_are_left(calm: Undisturbed, tmp_path: Path) -> None:
    small = ["imagery.tile_px=256", "dask.workers=1"]
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert luyu(*calm.command(whole, *small)).code == 0
    with without_scenes(calm.world, tmp_path / "aside") as vanish:
        first = Running.start(calm.command(out, *small), watch=out).end(
            lambda call: vanish() if call.path == FIRST_RESULT else None
        )
    assert first.refused, first.said
    assert "demo-vhr" in first.said
    assert half_files(out) == []
    again = luyu(*calm.command(out, *small))
    assert again.code == 0, again.said
    assert "(0 from before)" not in again.said
    calm.of(calm.world, whole).assert_same(out)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("clock_s", [-YEAR_S, pytest.param(YEAR_S, marks=pytest.mark.slow)], ids=["back", "ahead"])
def test_no_file_depends_on_the_clock(calm: Undisturbed, tmp_path: Path, clock_s: int) -> None:
    out = calm.tiles_done(tmp_path / "run")
    assert luyu(*calm.command(out), clock_s=clock_s).code == 0
    calm.assert_same(out)
    shutil.rmtree(out / "counties")  # so that there is something to do
    assert luyu(*calm.command(out)).code == 0
    calm.assert_same(out)


@pytest.mark.usefixtures("watched")
def test_what_people_say_keeps_its_order_when_the_clock_goes_back(calm: Undisturbed, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    shutil.copyfile(calm.out / "ledger.sqlite", ledger)
    number = cases(ledger, "list")[0]["case_no"]
    today = dt.datetime.now(CHINA).date()
    said = ["--by", "officer", "--ledger", str(ledger)]
    assert luyu("cases", "assign", number, "--to", "unit", *said).code == 0
    assert luyu("cases", "verdict", number, "--confirm", *said, clock_s=-YEAR_S).code == 0
    assert luyu("cases", "notify", number, *said).code == 0
    case = cases(ledger, "show", number)
    assert [event["what"] for event in case["history"]][-3:] == ["assigned", "confirmed", "notified"]
    assert case["status"] == "notified"
    assert case["due_on"] == Calendar().after(today, 15).isoformat()
    assert not case["overdue"]
    before_the_image = luyu("cases", "verdict", number, "--rectified", *said, clock_s=-10 * YEAR_S)
    assert before_the_image.refused
    assert "before the image that opened it" in before_the_image.said
    assert cases(ledger, "show", number)["history"] == case["history"]


def cases(ledger: Path, *args: str) -> Any:
    return json.loads(luyu("cases", *args, "--ledger", str(ledger), "--json").said)


@pytest.mark.slow
def test_workers_that_need_more_memory_than_they_may_have(calm: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ended = luyu(*calm.command(out, "dask.memory_gb=0.2", "dask.retries=0"), "--scheduler", "processes")
    assert ended.refused, ended.said
    assert half_files(out) == []
    assert luyu(*calm.command(out)).code == 0
    calm.assert_same(out)


def test_memory_that_runs_out_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def greedy(*_args: object, **_more: object) -> None:
        raise MemoryError("Unable to allocate 9.9 TiB")

    monkeypatch.setattr("pipeline.config.RunConfig.load", greedy)
    assert main(["run", "any.yaml"]) == REFUSED
    assert "not enough memory (Unable to allocate 9.9 TiB)" in capsys.readouterr().err


@pytest.mark.slow
def test_damaged_entries_of_the_cache_are_fetched_again(calm: Undisturbed, tmp_path: Path) -> None:
    with faulty(calm.world) as server:
        settings = [
            f"imagery.source.url={server.url}/imagery/catalog.json",
            f"imagery.network.cache={tmp_path / 'cache'}",
        ]
        outs = [tmp_path / name for name in ("first", "again")]
        assert luyu(*calm.command(outs[0], *settings)).code == 0
        entries = sorted(path for path in (tmp_path / "cache").glob("??/*") if path.is_file())
        assert len(entries) >= len(HARMS)
        for number, path in enumerate(entries):
            HARMS[number % len(HARMS)](path)
        again = luyu(*calm.command(outs[1], *settings))
    assert again.code == 0, again.said
    calm.of(calm.world, outs[0]).assert_same(outs[1])
