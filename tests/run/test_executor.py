"""Every scheduler gives every result once, streams, and keeps few items in flight."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.run_config import DaskOptions
from pipeline.errors import ConfigError
from pipeline.run.executor import run_all


def square(value: int) -> int:
    return value * value


@pytest.mark.parametrize("scheduler", ["threads", "processes", "local"])
def test_all_results_once(scheduler: str) -> None:
    done = list(run_all(square, range(25), DaskOptions(scheduler=scheduler, workers=2)))
    assert sorted(done) == [value * value for value in range(25)]


@pytest.mark.parametrize("scheduler", ["threads", "local"])
def test_items_are_asked_for_as_work_gets_done(scheduler: str) -> None:
    asked = 0

    def items() -> Iterator[int]:
        nonlocal asked
        for value in range(1000):
            asked += 1
            yield value

    results = run_all(square, items(), DaskOptions(scheduler=scheduler, workers=2))
    for _ in range(10):
        next(results)
    assert asked <= 40
    results.close()


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:9 does not answer"):
        list(run_all(square, [1], DaskOptions(scheduler="tcp://127.0.0.1:9")))


def test_a_running_scheduler_is_used() -> None:
    script = textwrap.dedent("""
        from distributed import LocalCluster
        import sys
        if __name__ == "__main__":
            here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
            with LocalCluster(n_workers=1, threads_per_worker=1, **here) as cluster:
                print(cluster.scheduler_address, flush=True)
                sys.stdin.readline()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        address = server.stdout.readline().strip()
        assert sorted(run_all(abs, [-1, -2, -3], DaskOptions(scheduler=address))) == [1, 2, 3]
        server.stdin.write("\n")
        server.stdin.close()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads the sockets of Linux's /proc")
def test_nothing_listens_beyond_this_machine() -> None:
    """A cluster that the run starts binds to loopback only, the dashboard too."""
    seen = list(run_all(_listening, [0], DaskOptions(scheduler="local", workers=1)))
    assert seen == [[]]


def _listening(_: int) -> list[str]:
    """Addresses other than loopback on which processes of this user's tree listen, from /proc."""
    pids = {os.getpid(), os.getppid()}
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    open_to_all = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A" and cells[9] in inodes and not cells[1].split(":")[0].endswith("0100007F"):
                open_to_all.append(cells[1])
    return open_to_all
