"""What to assign this week: the most urgent cases that a county can take, those that one drive can serve together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import LedgerError, StakeError
from ..model.kinds import Status
from ..model.stake import Stake
from .lifecycle import What
from .state import CHINA

NEAR_M = 5000.0  # along one route: one drive serves both
NEARLY = 5.0  # points of priority that a shared drive is worth


def week_start(day: dt.date) -> dt.datetime:
    """Midnight in China, as UTC, that the ISO week of ``day`` begins with.

    >>> week_start(dt.date(2024, 11, 20)).isoformat()
    '2024-11-17T16:00:00+00:00'
    """
    monday = dt.datetime.combine(day - dt.timedelta(days=day.weekday()), dt.time(), tzinfo=CHINA)
    return monday.astimezone(dt.UTC)


def week_plan(
    cases: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]], *, most_per_county: int
) -> list[Mapping[str, Any]]:
    """The suspected cases to assign in a week, county by county by code, each county's in the order of choosing.

    The next one is always that of the highest ``priority`` (then the lowest number; null counts as 0). But where a case
    of not more than ``NEARLY`` points less lies within ``NEAR_M`` along the route of one that is chosen, or was assigned
    this week, it goes first. A case without a stake lies near nothing. LedgerError for a negative number.

    Parameters
    ----------
    cases
        As ``Ledger.cases(open_only=True)`` tells them.
    events
        Those of the week until now, ``Ledger.events(since=week_start(today))``. Every case that was assigned in it takes
        one of its county's places, whatever has become of it.
    most_per_county
        Cases that a county is asked to check in a week.
    """
    if most_per_county < 0:
        raise LedgerError(f"{most_per_county} cases a county and week cannot be assigned; give 0 or more")
    taken: dict[str, set[str]] = {}
    for event in events:
        if event["what"] == What.ASSIGNED:
            taken.setdefault(event["county_code"] or "", set()).add(event["case_no"])
    counties: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        counties.setdefault(case["county_code"] or "", []).append(case)
    plan: list[Mapping[str, Any]] = []
    for code in sorted(counties):
        assigned = taken.get(code, set())
        free = [
            case for case in counties[code] if case["status"] == Status.SUSPECTED and case["case_no"] not in assigned
        ]
        visited = [case for case in counties[code] if case["case_no"] in assigned]
        plan += _chosen(free, visited, max(0, most_per_county - len(assigned)))
    return plan


def _chosen(
    free: list[Mapping[str, Any]], visited: Sequence[Mapping[str, Any]], places: int
) -> list[Mapping[str, Any]]:
    free = sorted(free, key=lambda case: (-_points(case), case["case_no"]))
    points = np.array([_points(case) for case in free])
    routes = np.array([case["route_code"] or "" for case in free], dtype=object)
    stakes_m = np.array([_stake_m(case) for case in free], dtype="float64")
    near, left = np.zeros(len(free), dtype=bool), np.ones(len(free), dtype=bool)

    def drive_to(case: Mapping[str, Any]) -> None:
        near[(routes == case["route_code"]) & (np.abs(stakes_m - _stake_m(case)) <= NEAR_M)] = True

    for case in visited:
        drive_to(case)
    chosen = []
    for _ in range(min(places, len(free))):
        best = int(np.argmax(left))  # the first that is left: they are sorted
        shared = np.flatnonzero(left & near & (points >= points[best] - NEARLY))
        place = int(shared[0]) if len(shared) else best
        left[place] = False
        chosen.append(free[place])
        drive_to(free[place])
    return chosen


def _points(case: Mapping[str, Any]) -> float:
    return float(case["priority"] or 0.0)


def _stake_m(case: Mapping[str, Any]) -> float:
    try:
        return Stake.parse(case["stake"]).measure_m
    except StakeError:
        return np.nan
