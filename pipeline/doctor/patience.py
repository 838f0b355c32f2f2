"""What may hang, asked in threads that are given up: no timeout of a library bounds the search for a host's name."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

SLACK_S = 1.0  # beyond the patience with a host, for what its own timeout does not bound
_T = TypeVar("_T")


def answers(asks: Sequence[Callable[[], _T]], wait_s: float) -> Iterator[_T | Exception]:
    """The answer of each, in order, or what went wrong; all are asked at once and awaited for ``wait_s`` together.

    TimeoutError is the answer of what is late. The threads keep no process alive.
    """
    told: list[queue.Queue[_T | Exception]] = [queue.Queue(1) for _ in asks]

    def run(ask: Callable[[], _T], into: queue.Queue[_T | Exception]) -> None:
        try:
            into.put(ask())
        except Exception as fault:  # noqa: BLE001  a thread's fault would be lost; whoever waits gets it
            into.put(fault)

    for ask, into in zip(asks, told, strict=True):
        threading.Thread(target=run, args=(ask, into), daemon=True).start()
    until = time.monotonic() + wait_s
    for into in told:
        try:
            yield into.get(timeout=max(until - time.monotonic(), 0.01))
        except queue.Empty:
            yield TimeoutError(f"no answer within {wait_s:g} s")
