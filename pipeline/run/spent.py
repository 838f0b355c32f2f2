"""Where time went, by what it went into."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .job import TileFacts

_SLOWEST = 5


class Spent:
    """Wall seconds by name."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._cpu_begun_s = time.process_time()

    @property
    def cpu_s(self) -> float:
        """Processor seconds of this process, its threads together; workers in other processes not counted."""
        return round(time.process_time() - self._cpu_begun_s, 2)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Count the time of this block under a name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] += time.perf_counter() - started

    def told(self) -> dict[str, float]:
        """As plain JSON."""
        return {what: round(seconds, 3) for what, seconds in self._seconds.items()}


def of_tiles(said: Iterable[TileFacts]) -> dict[str, Any]:
    """``tiles_s``: seconds of all tiles by what they went into; ``slowest``: the tiles that took longest, each with its own.

    Of tiles that were kept from before it is the time that they took then.
    """
    whole: defaultdict[str, float] = defaultdict(float)
    slowest: list[tuple[float, str, Mapping[str, float]]] = []
    for one in said:
        mine = one.facts.get("spent_s", {})
        for what, seconds in mine.items():
            whole[what] += seconds
        slowest.append((float(one.facts.get("seconds", 0.0)), one.tile_id, mine))
        slowest = sorted(slowest, key=lambda row: (-row[0], row[1]))[:_SLOWEST]
    return {
        "tiles_s": {what: round(seconds, 2) for what, seconds in sorted(whole.items())},
        "slowest": [{"tile": tile, "seconds": seconds, **mine} for seconds, tile, mine in slowest if seconds],
    }
