"""Runs that are asked to stop, two that are started at once, and what is left when one of them is killed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from .conftest import Undisturbed
from .harness import FIRST_RESULT, Call, Running, alive, luyu
from .sameness import half_files, scratch_files

pytestmark = pytest.mark.usefixtures("watched")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
def test_a_run_that_is_asked_to_stop_says_so_and_goes_on_later(
    calm: Undisturbed, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "run"
    running = Running.start(calm.command(out), watch=out)

    def on_call(call: Call) -> None:
        if call.path == FIRST_RESULT:
            running.signal(number)

    ended = running.end(on_call)
    assert ended.code == 130, ended.said
    assert "goes on where it stopped" in ended.said
    assert [*half_files(out), *scratch_files(out)] == []
    assert luyu(*calm.command(out)).code == 0
    calm.assert_same(out)


def test_one_run_at_a_time_in_a_folder_and_a_killed_one_frees_it(calm: Undisturbed, tmp_path: Path) -> None:
    out, others = tmp_path / "run", []
    first = Running.start(calm.command(out), watch=out)

    def on_call(call: Call) -> None:
        if call.path == FIRST_RESULT:
            others.append(luyu(*calm.command(out)))
            first.signal()

    assert first.end(on_call).code == -signal.SIGKILL
    [second] = others
    assert second.refused
    assert "another run is writing here" in second.said
    assert luyu(*calm.command(out)).code == 0
    calm.assert_same(out)


def test_two_runs_at_once_on_one_ledger_double_no_event(calm: Undisturbed, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    outs = [calm.tiles_done(tmp_path / name) for name in ("one", "other")]
    runs = [Running.start([*calm.command(out), "--set", f"ledger={ledger}"]) for out in outs]
    for running, out in zip(runs, outs, strict=True):
        ended = running.end()
        assert ended.code == 0, ended.said
        calm.assert_same(out, ledger=ledger)


def test_workers_end_with_their_run(calm: Undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "run"
    running = Running.start([*calm.command(out), "--scheduler", "processes"], watch=out)
    workers: list[int] = []

    def on_call(call: Call) -> None:
        if call.path == FIRST_RESULT:
            workers.extend(running.descendants())
            running.signal()

    assert running.end(on_call).code == -signal.SIGKILL
    assert workers
    assert alive(workers) == []
