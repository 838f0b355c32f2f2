"""Every call by which a run that publishes changes its folder: killed there, or refused there as a full disk refuses."""

from __future__ import annotations

import errno
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from .conftest import MANY, ROUNDS, Undisturbed
from .harness import HALF, Call, Running, luyu
from .sameness import half_files, history

pytestmark = pytest.mark.usefixtures("watched")
T = TypeVar("T")
_SCRATCH = re.compile(r"\.part-[^.]*")
_FAILS = {"write", "rest", "mkdir", "truncate"}  # what a full disk refuses


def subject(call: Call) -> str:
    """What the call is about; a scratch file and its journal are one thing, and so is all that is done to them."""
    scratch = _SCRATCH.search(call.path)
    if scratch and call.name not in ("rename", "unlink"):
        return scratch.group()
    return f"{'write' if call.name == 'rest' else call.name} {call.path}"


def sort_of(call: Call) -> str:
    """What the call is, whatever files are called in this run."""
    path = Path(re.sub(r"work/.*/", "work/", _SCRATCH.sub(".part", call.path)))
    return f"{call.name} {path.parent}/*{path.suffix}"


def spread(some: Sequence[T], number: int) -> list[T]:
    """So many of them, evenly."""
    return [some[len(some) * place // number] for place in range(min(number, len(some)))]


@pytest.fixture(scope="module")
def shots(calm: Undisturbed, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folder of a run, from its tiles on, as ``kill -9`` leaves it at each call that is about something new.

    What a process has written when it is killed is what others see of its files at that moment.
    """
    out, kept = calm.tiles_done(tmp_path_factory.mktemp("shots") / "run"), tmp_path_factory.mktemp("kept")
    before = [""]

    def on_call(call: Call) -> int | None:
        new, before[0] = subject(call) != before[0], subject(call)
        if new or call.name == "rest":
            shutil.copytree(out, kept / f"{call.number:05d}")
        return HALF if new and call.name == "write" and "ledger" in call.path else None

    ended = Running.start(calm.command(out), watch=out).end(on_call)
    assert ended.code == 0, ended.said
    calm.assert_same(out)
    return sorted(kept.iterdir())


def test_no_call_leaves_half_a_file_or_half_a_history(calm: Undisturbed, shots: list[Path]) -> None:
    done, seen = Counter(history(calm.out / "ledger.sqlite")), set()
    for shot in shots:
        assert half_files(shot) == [], shot
        ledger = shot / "ledger.sqlite"
        if ledger.is_file() and ledger.stat().st_size:
            rows = Counter(history(ledger))
            assert rows <= done, (shot, rows - done)
            seen.add(rows.total())
    assert len(seen) > 3  # the ledger was caught in several states


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.slow)])
def test_a_run_killed_at_any_call_ends_as_if_nothing_had_been(
    calm: Undisturbed, shots: list[Path], tmp_path: Path, rounds: int
) -> None:
    for shot in spread(shots, rounds):
        out = tmp_path / shot.name
        shutil.copytree(shot, out)
        again = luyu(*calm.command(out))
        assert again.code == 0, again.said
        calm.assert_same(out)


@pytest.mark.parametrize(
    ("number", "some"),
    [
        pytest.param(errno.ENOSPC, 6, id="full, some"),
        pytest.param(errno.ENOSPC, 99, id="full", marks=pytest.mark.slow),
        pytest.param(errno.EIO, 99, id="broken", marks=pytest.mark.slow),
    ],
)
def test_a_disk_that_takes_no_more(calm: Undisturbed, tmp_path: Path, number: int, some: int) -> None:
    """Once for each sort of file, one after the other in one folder, each time a little later; then there is space."""
    out = calm.tiles_done(tmp_path / "run")
    sorts = list(dict.fromkeys(sort_of(call) for call in calm.ended.calls if call.name in _FAILS))
    hit = 0
    for sort in spread(sorts, some):
        refused = False

        def on_call(call: Call, sort: str = sort) -> int | None:
            nonlocal refused
            refused = refused or sort_of(call) == sort
            return number if refused and call.name in _FAILS else None

        ended = Running.start(calm.command(out), watch=out).end(on_call)
        assert ended.refused if refused else ended.code == 0, (sort, ended.said)
        hit += refused
        assert half_files(out) == [], sort
    assert hit
    again = luyu(*calm.command(out))
    assert again.code == 0, again.said
    calm.assert_same(out)
