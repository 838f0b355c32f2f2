"""What a section's recorded first and last stake say: which way its line runs, alone and beside its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from scipy.spatial import KDTree

from .calibration import Knots
from .carriageways import Part
from .feet import Lines
from .joined import Course

_JOINT_M = 20.0
_ROUNDED_M = 5.0  # delivered stakes of one joint differ by this much: rounded, or taken from two tables


@dataclass(frozen=True)
class Ends:
    """Recorded stakes of a section at the start and the end of its line as digitised; NaN unknown."""

    first_m: float
    last_m: float

    @property
    def falling(self) -> bool:
        """Whether the stakes are recorded against the line."""
        return self.last_m < self.first_m  # False where one is unknown

    def direction(self, course: Course, at_m: np.ndarray, stake_m: np.ndarray) -> int:
        """+1 or -1: the way in which a few posts at ``at_m`` along the course fit the recorded stakes better."""
        ends = np.array([self.first_m, self.last_m])
        if np.isfinite(ends).all() and self.first_m != self.last_m:
            bounds = [0.0, float(course.length_m.sum())]
            as_drawn, turned = (np.abs(np.interp(at_m, bounds, e) - stake_m).sum() for e in (ends, ends[::-1]))
            return int(np.sign(self.last_m - self.first_m)) * (1 if as_drawn <= turned else -1)
        return 1


def recorded_ends(roads: gpd.GeoDataFrame) -> list[Ends]:
    """Recorded ends of each row of ROADS; where both are the same, as a default is, only the first is taken for known."""
    first, last = roads[["stake_from_m", "stake_to_m"]].to_numpy(dtype=float).T
    last = np.where(first == last, np.nan, last)
    return [Ends(*pair) for pair in zip(first.tolist(), last.tolist(), strict=True)]


def turns(
    courses: dict[tuple[int, int], Course],
    calibrated: dict[tuple[int, int], bool],
    parts: list[Part],
    roads: gpd.GeoDataFrame,
) -> set[int]:
    """Rows whose first stake is at the end of their line, because only so they join the sections before and after.

    ``calibrated`` tells of courses that posts have calibrated whether stakes increase along them.
    """
    shown: list[tuple[int, float, float, float, int]] = []  # row, stake, one of the places where it may be, its vote
    recorded = recorded_ends(roads)
    for (row, group), course in courses.items():
        if group:
            continue
        ends = recorded[row]
        xy_m = [
            parts[int(line)].xy_m[-1 if at_end else 0]
            for line, at_end in ((course.line[0], course.turned[0]), (course.line[-1], not course.turned[-1]))
        ]
        ascending = calibrated.get((row, group))
        for stake, at in ((ends.first_m, 0), (ends.last_m, 1)):
            if not np.isfinite(stake):
                continue
            if ascending is None:
                shown += [(row, stake, *xy_m[at], -1), (row, stake, *xy_m[1 - at], 1)]
            else:
                shown.append((row, stake, *xy_m[1 - at if ascending == ends.falling else at], 0))
    if not shown:
        return set()
    of, stake_m, x_m, y_m, vote = np.array(shown).T
    of = of.astype(int)
    key = roads["route_key"].where(roads["route_key"].notna(), roads["route_code"]).astype(str).to_numpy()
    a, b = KDTree(np.column_stack([x_m, y_m])).query_pairs(_JOINT_M, output_type="ndarray").T
    meet = (of[a] != of[b]) & (key[of[a]] == key[of[b]]) & (np.abs(stake_m[a] - stake_m[b]) <= _ROUNDED_M)
    ends_met = np.concatenate([a[meet], b[meet]])
    votes = np.bincount(of[ends_met], weights=vote[ends_met])
    return set(np.flatnonzero(votes > 0).tolist())


def carried_on(
    courses: dict[tuple[int, int], Course], knots: list[Knots | None], parts: list[Part], lines: Lines
) -> dict[tuple[int, int], Ends]:
    """Ends of courses of which nothing is known, from the calibrated lines of their routes that they begin or end at.

    Ramps neither give nor take.
    """
    known = [(line, own) for line, own in enumerate(knots) if own is not None and not lines.ramp[line]]
    if not known:
        return {}
    tree = KDTree([parts[line].xy_m[end] for line, _ in known for end in (0, -1)])
    found = {}
    for name, course in courses.items():
        key, total = lines.key[course.line[0]], float(course.length_m.sum())
        if lines.ramp[course.line[0]]:
            continue
        told: list[tuple[float, int] | None] = []
        for line, at in ((course.line[0], -bool(course.turned[0])), (course.line[-1], -(not course.turned[-1]))):
            near = tree.query_ball_point(parts[int(line)].xy_m[at], _JOINT_M)
            own = [(known[i // 2][1], -(i % 2)) for i in near if lines.key[known[i // 2][0]] == key]
            told.append(_at_end(*own[0]) if own else None)
        start, end = told
        if start is not None and end is not None and start[1] == -end[1] and (end[0] - start[0]) * start[1] > 0:
            found[name] = Ends(start[0], end[0])
        elif start is not None:
            found[name] = Ends(start[0], start[0] + start[1] * total)
        elif end is not None:
            found[name] = Ends(end[0] + end[1] * total, end[0])
    return found


def _at_end(knots: Knots, end: int) -> tuple[float, int]:
    """Stake at an end (0 or -1) of a calibrated line, and +1 where stakes rise on leaving it there, -1 where they fall."""
    return float(knots.stake_m[end]), 1 if knots.ascending == (end == -1) else -1
