"""From metres along a line to stakes: piecewise linear between the stakes that stand on it.

A measure is never a stake: lines are digitised against their stakes, stakes are missing, misnumbered or repeated (断链),
parts of a line are missing. Knots are therefore the longest run of stakes that agree on one direction; what contradicts it
is left out and named.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_GAP_M = 1.0  # parts that follow each other more closely have no gap between them


@dataclass(frozen=True)
class Knots:
    """Stakes of one line: ``stake_m`` at ``measure_m`` (from 0 to the line's length, increasing); linear in between."""

    measure_m: np.ndarray
    stake_m: np.ndarray

    @property
    def ascending(self) -> bool:
        """Whether stakes increase along the line as digitised."""
        return bool(self.stake_m[-1] >= self.stake_m[0])


@dataclass(frozen=True)
class Chain:
    """Parts of one carriageway of a section, in order: their lengths, and the gaps between one and the next, in metres."""

    length_m: np.ndarray
    gap_m: np.ndarray

    def calibrated(
        self, part: np.ndarray, measure_m: np.ndarray, stake_m: np.ndarray, *, direction: int
    ) -> list[Knots]:
        """Knots of each part from consistent stakes at ``measure_m`` of ``part`` (sorted along the chain).

        Beyond the last stake stakes go on metre by metre in ``direction`` (+1, -1). Gaps between parts do not count, unless
        the stakes on both sides differ by more than the line between them: that excess is what is missing in the gap.
        """
        offset = np.concatenate([[0.0], np.cumsum(self.length_m)[:-1]])
        at = offset[part] + measure_m
        extra = np.zeros(len(self.length_m))
        for k in range(len(at) - 1):
            gaps = np.flatnonzero(self.gap_m[part[k] : part[k + 1]] > _GAP_M) + part[k]
            excess = abs(stake_m[k + 1] - stake_m[k]) - (at[k + 1] - at[k])
            if len(gaps) and excess > 0:
                extra[gaps + 1] += excess * self.gap_m[gaps] / self.gap_m[gaps].sum()
        offset = offset + np.cumsum(extra)
        at = offset[part] + measure_m
        return [self._knots(i, offset[i], at, stake_m, direction) for i in range(len(self.length_m))]

    def straight(self, first_m: float, last_m: float) -> list[Knots]:
        """Knots of each part when all that is known are the stakes of the chain's two ends."""
        end = np.cumsum(self.length_m)
        bounds = np.column_stack([np.concatenate([[0.0], end[:-1]]), end]) / end[-1]
        stakes = first_m + bounds * (last_m - first_m)
        return [Knots(np.array([0.0, length]), pair) for length, pair in zip(self.length_m, stakes, strict=True)]

    def _knots(self, i: int, offset_m: float, at: np.ndarray, stake_m: np.ndarray, direction: int) -> Knots:
        ends = np.array([offset_m, offset_m + self.length_m[i]])
        inside = (at > ends[0] + 1e-6) & (at < ends[1] - 1e-6)
        wanted = np.concatenate([ends[:1], at[inside], ends[1:]])
        stakes = np.interp(wanted, at, stake_m)
        stakes += direction * (np.minimum(wanted - at[0], 0.0) + np.maximum(wanted - at[-1], 0.0))
        return Knots(wanted - offset_m, stakes)


def consistent(measure_m: np.ndarray, stake_m: np.ndarray) -> tuple[np.ndarray, int]:
    """Positions of the stakes that agree, in order of measure, and their direction (+1, -1; 0 with fewer than two).

    The longest strictly monotone run wins, up or down; of equally long ones the increasing one. Two stakes at one place
    cannot both stand: the first is kept.
    """
    order = np.lexsort((stake_m, measure_m))
    distinct = np.concatenate([[True], np.diff(measure_m[order]) > 1e-3]) if len(order) else np.array([], bool)
    order = order[distinct]
    if len(order) < 2:
        return order, 0
    up = _longest_increasing(stake_m[order])
    down = _longest_increasing(-stake_m[order])
    return (order[up], 1) if len(up) >= len(down) else (order[down], -1)


def _longest_increasing(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Positions of a longest strictly increasing subsequence (patience sorting, n log n)."""
    tails: list[float] = []
    tail_at: list[int] = []
    before = np.full(len(values), -1)
    for i, value in enumerate(values):
        k = bisect_left(tails, value)
        if k == len(tails):
            tails.append(value)
            tail_at.append(i)
        else:
            tails[k], tail_at[k] = value, i
        before[i] = tail_at[k - 1] if k else -1
    run = []
    i = tail_at[-1]
    while i >= 0:
        run.append(i)
        i = int(before[i])
    return np.array(run[::-1])
