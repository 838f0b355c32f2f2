"""Runs, workers and schedulers that are killed without warning, and the same command again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from .conftest import MANY, ROUNDS, Undisturbed
from .harness import Cluster, Running, luyu
from .sameness import half_files

rounds_of = pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.slow)])


@rounds_of
def test_a_run_killed_at_random_moments(calm: Undisturbed, tmp_path: Path, rounds: int) -> None:
    moments, hit = np.random.default_rng(rounds), 0
    for attempt in range(rounds):
        out = tmp_path / f"run{attempt}"
        running = Running.start(calm.command(out))
        time.sleep(moments.uniform(0, calm.ended.seconds))
        running.signal()
        hit += running.end().code == -9
        assert half_files(out) == []
        again = luyu(*calm.command(out))
        assert again.code == 0, again.said
        calm.assert_same(out)
    assert hit >= rounds // 2


@rounds_of
def test_workers_killed_at_random_moments(calm: Undisturbed, tmp_path: Path, rounds: int) -> None:
    """The run goes on with other workers, or says why it cannot."""
    chance, hit = np.random.default_rng(100 + rounds), 0
    for attempt in range(rounds):
        out = tmp_path / f"run{attempt}"
        running = Running.start([*calm.command(out), "--scheduler", "processes"])
        moment = time.monotonic() + chance.uniform(0, 2 * calm.ended.seconds)
        while running.process.is_alive() and (time.monotonic() < moment or not workers(running)):
            time.sleep(0.1)
        for pid in chance.permutation(workers(running))[:1]:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
                hit += 1
        ended = running.end()
        assert ended.code == 0 or ended.refused, ended.said
        assert half_files(out) == []
        if ended.code:
            assert luyu(*calm.command(out)).code == 0
        calm.assert_same(out)
    assert hit >= rounds // 2


def workers(running: Running) -> list[int]:
    """Worker processes of a run."""
    return [pid for pid in running.descendants() if "spawn_main" in told_of(pid)]


def told_of(pid: int) -> str:
    """A process' command line, empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@rounds_of
@pytest.mark.parametrize("victim", ["scheduler", "worker"])
def test_a_scheduler_or_its_only_worker_killed_at_random_moments(
    calm: Undisturbed, tmp_path: Path, rounds: int, victim: str
) -> None:
    """The run ends all the same, or stops and says what is gone; with another scheduler it goes on."""
    chance, hit = np.random.default_rng(200 + rounds), 0
    for attempt in range(rounds):
        out = tmp_path / f"run{attempt}"
        with Cluster() as cluster:
            running = Running.start([*calm.command(out, "dask.wait_s=3"), "--scheduler", cluster.address])
            time.sleep(chance.uniform(0, 1.5 * calm.ended.seconds))
            hit += running.process.is_alive()
            getattr(cluster, victim).kill()
            ended = running.end()
        assert ended.code == 0 or ended.refused, ended.said
        assert half_files(out) == []
        if ended.code:
            assert "dask" in ended.said
            with Cluster() as cluster:
                assert luyu(*calm.command(out), "--scheduler", cluster.address).code == 0
        calm.assert_same(out)
    assert hit >= rounds // 2
