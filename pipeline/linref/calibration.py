"""From metres along a course to stakes: piecewise linear between the posts that stand on it.

A measure is never a stake: lines are digitised against their stakes, posts are missing, misnumbered or misplaced, numbers
start anew at a county line or jump (断链). What agrees is kept, chain by chain; what contradicts it is left out and named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SLACK_M = 200.0  # stakes follow the line within a factor of one and a half and this much
_FACTOR = 1.5
_NEW_CHAIN = 1.5  # posts: fewer are no chain of their own but errors
_WINDOW = 64  # most posts in a row that may be wrong
_MISPLACED_M = 50.0


@dataclass(frozen=True)
class Knots:
    """Stakes of one line: ``stake_m`` at ``measure_m`` (from 0 to the line's length, not decreasing); linear in between.

    Where a measure stands twice the numbers jump there (断链).
    """

    measure_m: np.ndarray
    stake_m: np.ndarray

    @property
    def ascending(self) -> bool:
        """Whether stakes increase along the line as digitised."""
        along = np.diff(self.measure_m) > 0
        return bool(np.diff(self.stake_m)[along].sum() >= 0)


@dataclass(frozen=True)
class Fixed:
    """Breaks on a course in order: where, and the stakes by the chain that ends there and by the one that begins."""

    at_m: np.ndarray
    back_m: np.ndarray
    ahead_m: np.ndarray

    @property
    def shift_m(self) -> np.ndarray:
        """What is added to a stake for a number without jumps: before the first break, and after each."""
        return np.concatenate([[0.0], np.cumsum(self.back_m - self.ahead_m)])

    def moved(self, at_m: np.ndarray) -> Fixed:
        """The same breaks at other metres along the course."""
        return Fixed(at_m, self.back_m, self.ahead_m)


def agreeing(at_m: np.ndarray, with_gaps_m: np.ndarray, number_m: np.ndarray) -> np.ndarray:
    """Chain of each post (0, 1, ... along the course; -1 left out); posts in order of ``at_m``, numbers should increase.

    Fewest posts are left out; a new chain counts as one and a half of them, so that two posts that agree are a chain
    and a single one is an error. ``with_gaps_m`` counts the gaps between lines too: in them numbers may go on.
    """
    count = len(at_m)
    if count < 2 or _follow(np.diff(at_m), np.diff(with_gaps_m), np.diff(number_m)).all():
        return np.zeros(count, dtype=int)
    cost = np.arange(count, dtype=float)
    before = np.full(count, -1)
    fresh = np.zeros(count, dtype=bool)
    for i in range(1, count):
        j = np.arange(i - 1, max(-1, i - 1 - _WINDOW), -1)
        step_m, rise_m = at_m[i] - at_m[j], number_m[i] - number_m[j]
        follows = _follow(step_m, with_gaps_m[i] - with_gaps_m[j], rise_m)
        total = cost[j] + (i - j - 1) + np.where(follows, 1e-7 * np.minimum(np.abs(rise_m - step_m), 1e5), _NEW_CHAIN)
        total[step_m <= 1e-3] = np.inf
        best = int(np.argmin(total))
        if total[best] < cost[i]:
            cost[i], before[i], fresh[i] = total[best], j[best], not follows[best]
    last = int(np.argmin((cost + np.arange(count - 1, -1, -1))[::-1]))
    return _labels(count - 1 - last, before, fresh)


def _labels(i: int, before: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    kept = []
    while i >= 0:
        kept.append(i)
        i = int(before[i])
    kept.reverse()
    chain = np.full(len(before), -1)
    chain[kept] = np.cumsum(fresh[kept])
    return chain


def _follow(step_m: np.ndarray, with_gaps_m: np.ndarray, rise_m: np.ndarray) -> np.ndarray:
    return (
        (step_m > 1e-3)
        & (rise_m > 0)
        & (rise_m >= step_m / _FACTOR - _SLACK_M)
        & (rise_m <= _FACTOR * with_gaps_m + _SLACK_M)
    )  # fmt: skip


def course_direction(at_m: np.ndarray, number_m: np.ndarray) -> int:
    """+1 where numbers increase along the course, -1 where they decrease, 0 undecided; posts in order of ``at_m``."""
    votes = 0
    for lag in range(1, 2 if (np.diff(number_m) > 0).all() or (np.diff(number_m) < 0).all() else 6):
        step, rise = at_m[lag:] - at_m[:-lag], number_m[lag:] - number_m[:-lag]
        if len(step):
            votes += int(_follow(step, step, rise).sum()) - int(_follow(step, step, -rise).sum())
    if not votes and len(at_m) > 1:
        votes = int(np.sign(np.diff(number_m)).sum())
    return (votes > 0) - (votes < 0)


def misplaced(at_m: np.ndarray, number_m: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """Posts (mask) that stand more than 50 m from where both neighbours and the line between these put them.

    Too far ahead of the post before and as much too near to the one behind: the neighbours agree with the line, so it is
    this post that was moved. The worst goes first and the rest is judged anew. Posts in order, no -1 in ``chain``.
    """
    out = np.zeros(len(at_m), dtype=bool)
    while True:
        here = np.flatnonzero(~out)
        if len(here) < 3:
            return out
        excess = np.diff(number_m[here]) - np.diff(at_m[here])
        one, other = excess[:-1], excess[1:]
        off = np.minimum(np.abs(one), np.abs(other))
        alone = (one * other < 0) & (off > _MISPLACED_M) & (np.abs(one + other) < off / 2)
        alone &= (chain[here][:-2] == chain[here][1:-1]) & (chain[here][2:] == chain[here][1:-1])
        if not alone.any():
            return out
        out[here[1 + int(np.argmax(np.where(alone, off, 0.0)))]] = True


def knots_along(
    at_m: np.ndarray, stake_m: np.ndarray, chain: np.ndarray, breaks: Fixed, ends_m: tuple[float, float]
) -> Knots:
    """Knots of a whole course from its posts (in order, stakes increasing in each chain) and its breaks.

    Breaks count as posts and the numbers jump there. Between two chains without a recorded break they jump where the second
    has K0+000, if that lies between the last post of one and the first of the other, else half-way. Beyond the outer posts
    stakes go on metre by metre.
    """
    place = np.searchsorted(at_m, breaks.at_m)
    label = chain[np.clip(place - 1, 0, None)] if len(chain) else np.zeros(len(place), dtype=int)
    ats = np.concatenate([at_m, breaks.at_m, breaks.at_m])
    stakes = np.concatenate([stake_m, breaks.back_m, breaks.ahead_m])
    chains = np.concatenate([chain, label, label])
    rank = np.repeat([0, -1, 1], [len(at_m), len(breaks.at_m), len(breaks.at_m)])
    order = np.lexsort((rank, ats))
    ats, stakes, chains = ats[order], stakes[order], chains[order]
    for k in np.flatnonzero(np.diff(chains))[::-1]:
        a, b = ats[k], ats[k + 1]
        zero = b - stakes[k + 1]
        at = float(zero if a <= zero <= b else (a + b) / 2)
        ats = np.insert(ats, k + 1, [at, at])
        stakes = np.insert(stakes, k + 1, [stakes[k] + at - a, stakes[k + 1] - (b - at)])
    first, last = ends_m
    before, behind = [first] if ats[0] > first + 1e-6 else [], [last] if ats[-1] < last - 1e-6 else []
    return Knots(
        np.concatenate([before, ats, behind]),
        np.concatenate(
            [[stakes[0] - (ats[0] - x) for x in before], stakes, [stakes[-1] + (x - ats[-1]) for x in behind]]
        ),
    )


def cut(knots: Knots, first_m: float, last_m: float) -> Knots:
    """Knots of the piece of a course between two of its metres, counted from the first; jumps at its ends stay."""
    at, stake = knots.measure_m, knots.stake_m
    inside = (at >= first_m - 1e-6) & (at <= last_m + 1e-6)
    ats, stakes = np.clip(at[inside], first_m, last_m), stake[inside]
    if not len(ats) or ats[0] > first_m:
        ats, stakes = np.insert(ats, 0, first_m), np.insert(stakes, 0, np.interp(first_m, at, stake))
    if ats[-1] < last_m:
        ats, stakes = np.append(ats, last_m), np.append(stakes, np.interp(last_m, at, stake))
    return Knots(ats - first_m, stakes)
