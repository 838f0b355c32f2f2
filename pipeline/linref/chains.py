"""Chains of stakes (断链分段): runs in which every number stands once, and their numbers along each route."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from .calibration import Knots

_JOINT_M = 20.0
_POINT_M = 1e-3  # what is shorter is the end of a line, not a run
_SLOPPY_M = 100.0  # numbers of two sections that meet may differ by this much and still go on


@dataclass(frozen=True)
class Runs:
    """Runs of linear pieces without a jump, in order of the lines; stakes rise or fall all along one.

    Per run: ``line``, ``low_m`` and ``high_m`` (its stakes), ``rising`` (along the line as digitised), whether the numbers
    jump at its low and its high end, and, of its first and last knot, the places in ``measure_m`` and ``stake_m``.
    """

    line: np.ndarray
    low_m: np.ndarray
    high_m: np.ndarray
    rising: np.ndarray
    jump_low: np.ndarray
    jump_high: np.ndarray
    first: np.ndarray
    last: np.ndarray
    measure_m: np.ndarray
    stake_m: np.ndarray

    @classmethod
    def of(cls, knots: list[Knots]) -> Runs:
        """Runs of the knots of each line."""
        line = np.repeat(np.arange(len(knots)), [len(k.measure_m) for k in knots])
        measure = np.concatenate([k.measure_m for k in knots])
        stake = np.concatenate([k.stake_m for k in knots])
        same = np.diff(line) == 0
        jump = same & (np.diff(measure) <= 0) & (np.abs(np.diff(stake)) > 1e-6)
        starts = np.concatenate([[0], np.flatnonzero(~same | jump) + 1])
        ends = np.concatenate([starts[1:] - 1, [len(line) - 1]])
        long = measure[ends] - measure[starts] > _POINT_M
        before = np.concatenate([[False], jump])[starts]
        behind = np.concatenate([jump, [False]])[ends]
        starts, ends, before, behind = starts[long], ends[long], before[long], behind[long]
        rising = stake[ends] >= stake[starts]
        return cls(
            line[starts],
            np.minimum(stake[starts], stake[ends]),
            np.maximum(stake[starts], stake[ends]),
            rising,
            np.where(rising, before, behind),
            np.where(rising, behind, before),
            starts,
            ends,
            measure,
            stake,
        )

    @property
    def low_at_m(self) -> np.ndarray:
        """Measure of the low end of each run on its line."""
        return self.measure_m[np.where(self.rising, self.first, self.last)]

    @property
    def high_at_m(self) -> np.ndarray:
        """Measure of the high end of each run on its line."""
        return self.measure_m[np.where(self.rising, self.last, self.first)]


def chains_of(
    runs: Runs, low_xy: np.ndarray, high_xy: np.ndarray, key: np.ndarray, ramp: np.ndarray, partner: np.ndarray
) -> np.ndarray:
    """Chain number (1, 2, ... along each route) of every run.

    Runs go on in one chain where they meet and their numbers agree, beside each other on two carriageways, and across gaps
    where their numbers do not overlap. Ramps, and sections with a key of their own (``D001``), are chains of their own.

    Parameters
    ----------
    low_xy, high_xy
        Places (n, 2) of the runs' low and high ends.
    key, ramp
        Database key of each run's section, and whether it is a ramp.
    partner
        For each line the line that runs beside it, -1 none.
    """
    count = len(runs.line)
    route = np.unique(key.astype(str), return_inverse=True)[1] * 2 + ramp
    above, below = meets = _meetings(low_xy, high_xy)
    same = (route[above] == route[below]) & (above != below)
    above, below = above[same], below[same]
    goes_on = np.abs(runs.high_m[above] - runs.low_m[below]) <= _SLOPPY_M
    goes_on &= ~runs.jump_high[above] & ~runs.jump_low[below]
    one, other = _beside(runs, route, partner)
    a, b = np.concatenate([above[goes_on], one]), np.concatenate([below[goes_on], other])
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    piece = connected_components(graph, directed=False)[1]
    chain = _across_gaps(runs, route, ramp, piece, (piece[above], piece[below]))
    base = np.unique(
        [str(name).upper()[: -4 if _has_suffix(str(name)) else None] for name in key], return_inverse=True
    )[1]
    return _numbered(base, ramp, chain, *meets)


def _has_suffix(key: str) -> bool:
    return len(key) > 4 and key[-4] == "D" and key[-3:].isdigit()


def _meetings(low_xy: np.ndarray, high_xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs: the high end of the first lies within 20 m of the low end of the second."""
    near = KDTree(high_xy).sparse_distance_matrix(KDTree(low_xy), _JOINT_M, output_type="ndarray")
    return near["i"].astype(int), near["j"].astype(int)


def _beside(runs: Runs, route: np.ndarray, partner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of two carriageways beside each other whose numbers are mostly the same."""
    first = np.searchsorted(runs.line, np.arange(len(partner) + 1))
    pairs = [
        (i, j)
        for i in np.flatnonzero(partner[runs.line] >= 0)
        for j in range(first[partner[runs.line[i]]], first[partner[runs.line[i]] + 1])
    ]
    if not pairs:
        return np.array([], dtype=int), np.array([], dtype=int)
    i, j = np.array(pairs).T
    shared = np.minimum(runs.high_m[i], runs.high_m[j]) - np.maximum(runs.low_m[i], runs.low_m[j])
    shorter = np.minimum(runs.high_m[i] - runs.low_m[i], runs.high_m[j] - runs.low_m[j])
    fits = (shared > 0.5 * shorter) & (route[i] == route[j])
    return i[fits], j[fits]


def _across_gaps(
    runs: Runs, route: np.ndarray, ramp: np.ndarray, piece: np.ndarray, meets: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Chain of each run: pieces of one route whose numbers do not overlap are one chain, but not across a jump."""
    count = int(piece.max()) + 1
    low, high, first = np.full(count, np.inf), np.full(count, -np.inf), np.full(count, len(piece))
    np.minimum.at(low, piece, runs.low_m)
    np.maximum.at(high, piece, runs.high_m)
    np.minimum.at(first, piece, np.arange(len(piece)))
    ends, begins = (m[meets[0] != meets[1]] for m in meets)
    closed_high, closed_low = np.isin(np.arange(count), ends), np.isin(np.arange(count), begins)
    chain = np.arange(count)
    of_route: dict[int, list[int]] = defaultdict(list)
    for k in np.lexsort((first, low)):
        if not ramp[first[k]]:
            of_route[int(route[first[k]])].append(int(k))
    for pieces in of_route.values():
        last: list[int] = []  # piece of each chain that others may follow
        for k in pieces:
            home = next((c for c in last if high[c] <= low[k] + _SLOPPY_M and not closed_high[c]), None)
            if home is None or closed_low[k]:
                last.append(k)
            else:
                chain[k] = chain[home]
                last[last.index(home)] = k
    return chain[piece]


def _numbered(
    base: np.ndarray, ramp: np.ndarray, chain: np.ndarray, above: np.ndarray, below: np.ndarray
) -> np.ndarray:
    """Numbers along each route: from a chain to the one that begins where it ends; ramps last, else in order of the lines."""
    names, first = np.unique(chain, return_index=True)
    of = np.searchsorted(names, chain)
    follows: dict[int, list[int]] = defaultdict(list)
    led: set[int] = set()
    for a, b in sorted(zip(of[above].tolist(), of[below].tolist(), strict=True)):
        if a != b and base[first[a]] == base[first[b]] and not ramp[first[a]] and not ramp[first[b]]:
            follows[a].append(b)
            led.add(b)
    number = np.zeros(len(names), dtype=np.int64)
    given: dict[int, int] = defaultdict(int)
    order = sorted(range(len(names)), key=lambda k: (bool(ramp[first[k]]), k in led, int(first[k])))
    for head in order:
        waiting = [head]
        while waiting:
            k = waiting.pop()
            if number[k]:
                continue
            given[int(base[first[k]])] += 1
            number[k] = given[int(base[first[k]])]
            waiting += [b for b in reversed(follows[k]) if not number[b]]
    return number[of]
