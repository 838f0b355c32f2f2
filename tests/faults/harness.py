"""Runs in processes of their own that tests watch, stop and kill; and what makes two finished runs the same."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

HALF = 255  # do half of a write, and tell of the rest
LONGEST_S = 240.0
FIRST_RESULT = "work/journal.jsonl"  # the file that a tile's result goes to
_PRELOADED = [
    "pipeline.cli.app",
    "pipeline.run.runner",
    "pipeline.cli.show",
    "alembic.command",
    "docxtpl",
    "distributed",
]


@dataclass(frozen=True)
class Call:
    """A call that is about to change a file: the ``number``-th, counted from 0; ``path`` below the watched folder."""

    number: int
    name: str
    path: str


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (negative: the signal that killed it), what it printed, how long it took."""

    code: int
    said: str
    seconds: float
    calls: tuple[Call, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether it stopped as it should: exit code 2 or 3, and a sentence."""
        return self.code in (2, 3) and bool(self.said.strip()) and not self.traceback

    @property
    def traceback(self) -> bool:
        """Whether it showed its inside."""
        return "Traceback" in self.said or "fault of the program's own" in self.said


@contextmanager
def preloaded(shim: Path | None) -> Iterator[None]:
    """A server that has imported everything once and is forked for each run, which then starts in no time.

    ``shim``: built from ``watch.c``; None where nothing can be watched.
    """
    with pytest.MonkeyPatch.context() as patch:
        # Threads do not survive a fork: none may have been started before it.
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            patch.setenv(name, "1")
        patch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "5s")  # how long a lost scheduler is called for
        if shim is not None:
            patch.setenv("LD_PRELOAD", str(shim))
        multiprocessing.set_forkserver_preload(_PRELOADED)
        forkserver.ensure_running()
    yield


def built(folder: Path) -> Path | None:
    """The shim compiled into ``folder``, None without a C compiler or on another system than Linux."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    made = folder / "watch.so"
    source = Path(__file__).with_name("watch.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl", "-lpthread"], check=True)
    return made


@dataclass
class Running:
    """``luyu ARGS`` in a process of its own; its output goes to a file."""

    process: multiprocessing.process.BaseProcess
    said: Path
    asks: Connection | None
    begun: float = field(default_factory=time.monotonic)

    @classmethod
    def start(
        cls,
        args: Sequence[str],
        *,
        watch: Path | None = None,
        clock_s: int = 0,
    ) -> Running:
        """Start it.

        ``watch``: folder whose changes are told; ``clock_s``: how far its clock is ahead.
        """
        context = multiprocessing.get_context("forkserver")
        mine, its = context.Pipe() if watch is not None else (None, None)
        said = Path(os.environ["LUYU_CACHE"]) / f"said-{time.monotonic_ns()}.txt"
        said.touch()  # a process that is killed at once has said nothing
        process = context.Process(target=_call, args=(list(args), watch, its, said, clock_s))
        process.start()
        if its is not None:
            its.close()
        return cls(process, said, mine)

    @property
    def pid(self) -> int:
        """Its process, which leads its own group."""
        assert self.process.pid is not None
        return self.process.pid

    def signal(self, number: int = signal.SIGKILL) -> None:
        """Send it, and nobody else, a signal."""
        os.kill(self.pid, number)

    def end(self, on_call: Callable[[Call], int | None] = lambda _call: None) -> Ended:
        """Wait for its end; ``on_call`` is asked at each call that changes a file, and answers an errno, HALF or None."""
        calls: list[Call] = []
        while self.asks is not None and (line := self._told()):
            name, _, path = line.rstrip("\n").partition(" ")
            calls.append(Call(len(calls), name, path))
            answer = on_call(calls[-1])
            try:
                os.write(self.asks.fileno(), bytes([answer or 0]))
            except OSError:  # killed instead of answered
                break
        self.process.join(LONGEST_S)
        if self.process.exitcode is None:
            os.killpg(self.pid, signal.SIGKILL)
            pytest.fail(f"still running after {LONGEST_S:.0f} s: {self.said.read_text()}")
        text = self.said.read_text(encoding="utf-8", errors="replace")
        return Ended(self.process.exitcode, text, time.monotonic() - self.begun, tuple(calls))

    def _told(self) -> str:
        assert self.asks is not None
        if not wait([self.asks], LONGEST_S):
            os.killpg(self.pid, signal.SIGKILL)
            pytest.fail(f"no sign of life for {LONGEST_S:.0f} s: {self.said.read_text()}")
        try:
            return os.read(self.asks.fileno(), 8192).decode(errors="replace")
        except OSError:
            return ""

    def descendants(self) -> list[int]:
        """Processes that it started, theirs too."""
        return descendants(self.pid)


class Cluster:
    """A Dask scheduler and a worker, each in a process of its own, as a site runs them; for use in a ``with`` block."""

    def __enter__(self) -> Cluster:
        context = multiprocessing.get_context("forkserver")
        mine, its = context.Pipe()
        self.scheduler = context.Process(target=_scheduler, args=(its,))
        self.scheduler.start()
        self.address: str = mine.recv()
        self.worker = context.Process(target=_worker, args=(self.address,))
        self.worker.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for process in (self.worker, self.scheduler):
            process.kill()
            process.join()


def _scheduler(tell: Connection) -> None:
    async def serve() -> None:
        async with Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0") as scheduler:
            tell.send(scheduler.address)
            await scheduler.finished()

    from distributed import Scheduler

    asyncio.run(serve())


def _worker(address: str) -> None:
    async def serve() -> None:
        async with Worker(address, nthreads=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as worker:
            await worker.finished()

    from distributed import Worker

    os.chdir(tempfile.mkdtemp(dir=os.environ["LUYU_CACHE"]))  # where it keeps its scratch files
    asyncio.run(serve())


def luyu(*args: str, clock_s: int = 0) -> Ended:
    """``luyu ARGS`` from start to end."""
    return Running.start(args, clock_s=clock_s).end()


def descendants(pid: int) -> list[int]:
    """Processes below a process, from /proc."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(text) for text in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def alive(pids: Sequence[int], within_s: float = 10.0) -> list[int]:
    """Those of some processes that have not ended ``within_s`` from now."""
    until = time.monotonic() + within_s
    while (left := [pid for pid in pids if _lives(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def _call(args: list[str], watch: Path | None, asks: Connection | None, said: Path, clock_s: int) -> None:
    """What the forked process does."""
    os.setsid()
    # A suite that was started in a shell's background ignores Ctrl-C, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    into = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(into, 1)
    os.dup2(into, 2)
    from pipeline.cli import main

    if clock_s:
        ctypes.CDLL(None).luyu_shift_clock(ctypes.c_long(clock_s))
    if watch is not None and asks is not None:
        ctypes.CDLL(None).luyu_watch(str(watch).encode(), asks.fileno())
    sys.exit(main(args))
