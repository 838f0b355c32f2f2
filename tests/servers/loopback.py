"""What all the servers here need: a free port, patience until it answers, an end, and a log of requests."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Hit:
    """A request as a server's access log has it. ``sent``: bytes of the answer with its headers, ``body``: without.

    ``seconds``: from the first byte of the request to the last one of the answer.
    """

    method: str
    uri: str
    status: int
    sent: int
    body: int
    range: str
    seconds: float


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> None:
    """Skip the test for want of a program, with the reason; fail in CI, which must have it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI must have it")
    pytest.skip(what)


@contextmanager
def running(command: Sequence[str], port: int, log: Path, *, env: dict[str, str] | None = None,
            patience_s: float = 60.0) -> Iterator[subprocess.Popen]:  # fmt: skip
    """The program while the block runs, from the moment that it listens on ``port``."""
    with log.open("wb") as out:
        program = subprocess.Popen(
            [*command], stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, start_new_session=True
        )
    try:
        _await(program, port, log, patience_s)
        yield program
    finally:
        stop(program)


def _await(program: subprocess.Popen, port: int, log: Path, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while program.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"no server on port {port}: {log.read_text(errors='replace')[-2000:]}")


def stop(program: subprocess.Popen) -> None:
    """End a program and what it started (it leads a session of its own)."""
    import signal

    for sign in (signal.SIGTERM, signal.SIGKILL):
        if program.poll() is not None:
            return
        try:
            os.killpg(program.pid, sign)
        except ProcessLookupError:
            return
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            continue
