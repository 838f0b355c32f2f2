"""How much this process has asked for and taken from the cache: counters that only grow, for a run's record."""

from __future__ import annotations

import os
import socket
import threading
from typing import NamedTuple


class Count(NamedTuple):
    """Requests sent (each try counts), bytes of bodies received, bytes taken from the local cache."""

    requests: int = 0
    bytes_fetched: int = 0
    bytes_cached: int = 0

    def since(self, earlier: Count) -> Count:
        """What has come since ``earlier``."""
        return Count(*(now - then for now, then in zip(self, earlier, strict=True)))

    def plus(self, other: Count) -> Count:
        """Both together."""
        return Count(*(mine + its for mine, its in zip(self, other, strict=True)))


_lock = threading.Lock()
_total = Count()


def add(*, requests: int = 0, bytes_fetched: int = 0, bytes_cached: int = 0) -> None:
    """Count something; threads may do so at the same time."""
    global _total  # noqa: PLW0603  a process has one way out
    with _lock:
        _total = _total.plus(Count(requests, bytes_fetched, bytes_cached))


def now() -> Count:
    """The counters as they stand."""
    return _total


def process() -> str:
    """Name of this process among those of a run."""
    return f"{socket.gethostname()}:{os.getpid()}"
