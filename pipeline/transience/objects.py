"""The course of one finding: what all looks at its stretch of road say of it."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from ..model.kinds import Sighted
from .cells import newest_version
from .course import CourseOptions, Event, course

_SEEN = 0.5  # share of the stretch that an image must have shown clearly to say that something is not there
_THERE = 0.3  # share of what was clear that must be covered for it to be there


def event_of(
    looks: pd.DataFrame, first: int, last: int, day: dt.date, options: CourseOptions | None = None
) -> Event | None:
    """The event on cells ``first`` to ``last`` that an image of ``day`` shows; None where the looks show none.

    ``looks``: those of one kind at one place and side. An image that showed less than half of the stretch says nothing,
    unless it shows the thing; one that shows it on less than a third of what was clear says that it is not there.
    """
    mine = newest_version(looks[(looks["first_cell"] <= last) & (looks["last_cell"] >= first)])
    told = [(on, _state(mine[mine["day"] == on], first, last)) for on in sorted(set(mine["day"]))]
    return course(told, options).event_on(day)


def _state(that_day: pd.DataFrame, first: int, last: int) -> Sighted:
    covered: dict[str, set[int]] = {Sighted.PRESENT: set(), Sighted.ABSENT: set()}
    rows = zip(that_day["state"], that_day["first_cell"].to_list(), that_day["last_cell"].to_list(), strict=True)
    for state, low, high in rows:
        if state in covered:
            covered[state] |= set(range(max(low, first), min(high, last) + 1))
    there = covered[Sighted.PRESENT]
    clear = there | covered[Sighted.ABSENT]
    if there and len(there) >= _THERE * len(clear):
        return Sighted.PRESENT
    return Sighted.ABSENT if len(clear) >= _SEEN * (last - first + 1) else Sighted.UNSEEN
