"""Schedulers that somebody else started: silent, gone, without workers, of another version."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import work_tasks

from pipeline.errors import ConfigError
from pipeline.execution import DaskOptions, run_all
from pipeline.execution.worker import Call, Identity, identity

ROOT = Path(__file__).resolve().parents[2]
HERE = "127.0.0.1"


@contextmanager
def dask(*words: str, seen: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A ``dask …`` process and the first line of its log that holds ``seen``; it ends with the block."""
    command = [sys.executable, "-m", "dask", *words]
    place = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=place) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if seen in line)
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        try:
            yield process, line
        finally:
            process.kill()
            drain.join()


@contextmanager
def scheduler(*more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A scheduler on loopback and its address."""
    words = ("scheduler", "--host", HERE, "--port", "0", "--no-dashboard", "--dashboard-address", f"{HERE}:0", *more)
    with dask(*words, seen="Scheduler at:") as (process, line):
        yield process, line.split("Scheduler at:")[1].strip()


@contextmanager
def worker(address: str) -> Iterator[None]:
    with dask("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", seen="Registered to"):
        yield


@pytest.mark.slow
def test_a_running_scheduler_is_used_and_its_end_is_told() -> None:
    with scheduler() as (process, address), worker(address):
        options = DaskOptions(scheduler=address)
        assert sorted(run_all(work_tasks.square, range(20), options)) == [value * value for value in range(20)]
        results = run_all(work_tasks.slow_square, range(10_000), options)
        next(results)
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(ConfigError, match=rf"{address} went away .* the same command goes on where it stopped"):
            list(results)


@pytest.mark.slow
def test_a_scheduler_without_workers_is_not_waited_for_for_ever() -> None:
    with scheduler() as (_, address):
        began = time.monotonic()
        with pytest.raises(ConfigError, match="has had no worker for 2 s"):
            list(run_all(work_tasks.square, [1], DaskOptions(scheduler=address, wait_s=2)))
        assert time.monotonic() - began < 30


@pytest.mark.slow
def test_a_scheduler_without_luyu_is_named(tmp_path: Path) -> None:
    preload = tmp_path / "without_luyu.py"
    preload.write_text("import sys\nsys.modules['pipeline'] = None\n")
    told = pytest.raises(ConfigError, match="cannot load luyu; install the same version")
    with scheduler("--preload", str(preload)) as (_, address), told:
        list(run_all(work_tasks.square, [1], DaskOptions(scheduler=address)))


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:9 does not answer"):
        list(run_all(work_tasks.square, [1], DaskOptions(scheduler="tcp://127.0.0.1:9")))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (DaskOptions(scheduler="tcp://192.0.2.7:8786"), r"neither encrypted .* tls:// with dask\.tls"),
        (DaskOptions(scheduler="tls://192.0.2.7:8786"), r"needs dask\.tls with ca, cert and key"),
        (
            DaskOptions(scheduler="tls://h:1", tls=dict.fromkeys(("ca", "cert", "key"), "/none.pem")),
            r"dask\.tls\.ca: /none",
        ),
    ],
)
def test_no_connection_beyond_this_machine_without_tls(options: DaskOptions, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        list(run_all(work_tasks.square, [1], options))


def test_a_worker_of_another_version_says_which() -> None:
    call = Call.of(work_tasks.square, same_machine=False)
    mine = identity()
    other = Call(call.task, Identity("0.0.9", mine.code, mine.python), {})
    assert call(pickle.dumps(4)) == 16
    with pytest.raises(ConfigError, match=rf"has luyu {mine.luyu} .* this run luyu 0\.0\.9 .*install the same"):
        other(pickle.dumps(4))
