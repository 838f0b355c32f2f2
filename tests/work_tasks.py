"""Tasks for workers in tests, in a module that worker processes can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def square(value: int) -> int:
    return value * value


def slow_square(value: int) -> int:
    time.sleep(0.05)
    return value * value


def own_pid(_: int) -> int:
    return os.getpid()


def environment(_: int) -> dict[str, str]:
    return dict(os.environ)


def square_unless_poison(value: int) -> int:
    """Item 7 kills whoever touches it."""
    if value == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return value * value


def square_unless_large(value: int) -> int:
    """Item 3 takes more memory than a worker has, for longer than its watcher sleeps."""
    if value == 3:
        held = []
        for _ in range(100):
            held.append(b"x" * 20_000_000)
            time.sleep(0.02)
    return value * value


def killed_once(folder_and_value: tuple[str, int]) -> int:
    """Each worker that begins an item says so; the first at item 5 dies of it."""
    folder, value = folder_and_value
    with (Path(folder) / f"{value}").open("a") as begun:
        begun.write("x")
    if value == 5 and (Path(folder) / "5").stat().st_size == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def inverse(value: int) -> float:
    return 1 / value
