"""Stretches looked at, kept as cells of the road: who was seen where on which day, and what that adds up to per cell.

A cell is 10 m of one half of a route, numbered by its stakes, so that it stays the same when layers are delivered anew.
Looks are kept as spans of cells, not cell by cell: what an image says of a county is a few thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ..model.kinds import Sighted
from .course import Course, CourseOptions, course

CELL_M = 10.0
COLUMNS = ("kind", "place", "side", "first_cell", "last_cell", "day", "state", "confidence", "detector_version")
"""Columns of a table of looks. ``place``: route code, or key of a site; ``side``: facing increasing stakes, '' of a site."""


@dataclass(frozen=True)
class Stretch:
    """Cells ``first`` to ``last`` (inclusive) of one half of a route that share one history."""

    kind: str
    place: str
    side: str
    first: int
    last: int
    course: Course


def cells(from_m: float, to_m: float) -> tuple[int, int]:
    """First and last cell that lie to more than half between two stakes; at least one cell."""
    low, high = min(from_m, to_m) / CELL_M, max(from_m, to_m) / CELL_M
    first = int(np.ceil(low - 0.5))
    return first, max(int(np.ceil(high - 0.5)) - 1, first)


def newest_version(looks: pd.DataFrame) -> pd.DataFrame:
    """Looks at one stretch without those that a later version of the detector has taken anew on the same day."""
    if looks.empty:
        return looks
    version = versions(looks)
    best = version.groupby([looks[name] for name in ("kind", "place", "side", "day")]).transform("max")
    return looks[version == best]


def versions(looks: pd.DataFrame) -> pd.Series:
    """Versions of the detectors as numbers that can be compared."""
    return pd.to_numeric(looks["detector_version"], errors="coerce").fillna(0.0)


def stretches(looks: pd.DataFrame, options: CourseOptions | None = None) -> Iterator[Stretch]:
    """Every stretch that was looked at, with its course, along each half of each route; ``looks``: see ``COLUMNS``."""
    for (kind, place, side), mine in looks.groupby(["kind", "place", "side"], sort=True):
        first, last = mine["first_cell"].to_numpy(int), mine["last_cell"].to_numpy(int)
        days, states = list(mine["day"]), [Sighted(state) for state in mine["state"]]
        version = versions(mine).to_numpy()
        edges = np.unique(np.concatenate([first, last + 1]))
        order = np.argsort(first, kind="stable")
        for low, high in pairwise(edges):
            over = order[: np.searchsorted(first[order], low, side="right")]
            over = over[last[over] >= low]
            if over.size:
                best: dict[object, float] = {}
                for i in over:  # a newer version has the word of the days on which it looked at these cells
                    best[days[i]] = max(best.get(days[i], version[i]), version[i])
                told = ((days[i], states[i]) for i in over if version[i] == best[days[i]])
                yield Stretch(str(kind), str(place), str(side), int(low), int(high) - 1, course(told, options))
