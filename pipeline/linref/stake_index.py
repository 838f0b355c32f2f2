"""Which runs of a route have a number, for many numbers at once."""

from __future__ import annotations

import numpy as np

from ..model.stake import Stake
from .network import Network

_END_TOLERANCE_M = 1.0  # a stake this little beyond a road's end is its end: delivered stakes are rounded to the metre
_SAME_PLACE_M = 1.0
_JOINT_M = 20.0
_EXACT_M = 1e-4
_BETWEEN_M = 10.0  # between two routes on the axis of all numbers


class StakeIndex:
    """Which runs have a number, route by route; routes are numbered from 0 (``group`` of each run)."""

    def __init__(self, network: Network, group: np.ndarray) -> None:
        """Index of the runs of a network."""
        self.network = network
        runs, count = network.runs, int(group.max()) + 1
        self.low_m, self.high_m = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(self.low_m, group, runs.low_m)
        np.maximum.at(self.high_m, group, runs.high_m)
        self._base = np.concatenate([[0.0], np.cumsum(self.high_m - self.low_m + _BETWEEN_M)[:-1]])
        low, high = self._axis(group, runs.low_m), self._axis(group, runs.high_m)
        self._bounds = np.unique(np.concatenate([low, high]))
        first, last = np.searchsorted(self._bounds, low), np.searchsorted(self._bounds, high)
        run = np.repeat(np.arange(len(group)), last - first)
        interval = np.arange(len(run)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        interval += np.repeat(first, last - first)
        order = np.lexsort((network.order[run], interval))
        self._run = run[order]
        self._first = np.searchsorted(interval[order], np.arange(len(self._bounds) + 1))
        self._end_runs = np.argsort(high, kind="stable"), np.argsort(low, kind="stable")
        self._ends = high[self._end_runs[0]], low[self._end_runs[1]]

    def having(self, group: np.ndarray, stake_m: np.ndarray, chain_no: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (query, run) of numbers and the runs that have them, those preferred first; one pair for each place.

        ``chain_no`` asks for runs of one chain, NaN for any.
        """
        x = self._axis(group, stake_m)
        query, run = self._around(x, np.isfinite(stake_m), _EXACT_M)
        none = np.isfinite(stake_m)
        none[query] = False
        more = self._around(x, none, _END_TOLERANCE_M)
        query, run = np.concatenate([query, more[0]]), np.concatenate([run, more[1]])
        fits = np.isnan(chain_no[query]) | (chain_no[query] == self.network.chain_no[run])
        query, run = query[fits], run[fits]
        order = np.lexsort((self.network.order[run], query))
        query, run = query[order], run[order]
        several = np.flatnonzero(np.bincount(query, minlength=len(x))[query] > 1)
        keep = np.ones(len(query), dtype=bool)
        xy = self.network.places(run[several], stake_m[query[several]])
        by_place = np.lexsort((xy[:, 1], xy[:, 0], query[several]))
        near = np.hypot(*np.diff(xy[by_place], axis=0).T) <= _SAME_PLACE_M
        near &= np.diff(query[several][by_place]) == 0
        keep[np.maximum(several[by_place][:-1], several[by_place][1:])[near]] = False
        return query[keep], run[keep]

    def between(self, group: np.ndarray, low_m: np.ndarray, high_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (query, run) of stretches and the runs that have a part of them."""
        known = np.isfinite(low_m) & np.isfinite(high_m)
        low = self._axis(group, np.clip(low_m, self.low_m[group], self.high_m[group]))
        high = self._axis(group, np.clip(high_m, self.low_m[group], self.high_m[group]))
        first = np.searchsorted(self._bounds, low, side="right") - 1
        last = np.searchsorted(self._bounds, high, side="left")
        query, run = self._listed(np.flatnonzero(known), first[known], np.maximum(last, first)[known])
        pairs = np.unique(np.column_stack([query, run]), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def why_none(self, group: int, stake_m: float) -> str:
        """Why a route has no such number: what it has around it."""
        x = float(self._axis(np.array([group]), np.array([stake_m]))[0])
        low, high = Stake(max(self.low_m[group], 0.0)), Stake(max(self.high_m[group], 0.0))
        if self.low_m[group] < stake_m < self.high_m[group]:
            k = int(np.searchsorted(self._bounds, x))
            below, above = stake_m - (x - self._bounds[k - 1]), stake_m + (self._bounds[k] - x)
            gap = f"{Stake(max(below, 0.0))} to {Stake(max(above, 0.0))}"
            if self._meet(self._bounds[k - 1], self._bounds[k]):
                return f"its numbers jump from {gap} there (短链)"
            nearest = Stake(max(below if stake_m - below <= above - stake_m else above, 0.0))
            return f"it runs from {low} to {high} but for {gap}, nearest is {nearest}"
        return f"it runs from {low} to {high}, nearest is {low if stake_m <= self.low_m[group] else high}"

    def _meet(self, below: float, above: float) -> bool:
        """Whether a run ends with one number where another begins with the other."""
        runs, laid = self.network.runs, self.network.laid
        ends, begins = (
            self._end_runs[k][slice(*np.searchsorted(self._ends[k], [at - _EXACT_M, at + _EXACT_M]))]
            for k, at in enumerate((below, above))
        )
        a = laid.xy_m(runs.line[ends], runs.high_at_m[ends])
        b = laid.xy_m(runs.line[begins], runs.low_at_m[begins])
        return bool((np.hypot(*(a[:, None] - b[None]).T) <= _JOINT_M).any())

    def _axis(self, group: np.ndarray, stake_m: np.ndarray) -> np.ndarray:
        """Numbers of all routes on one axis; what lies beyond a route stays between it and the next."""
        half = _BETWEEN_M / 2
        low, high = self.low_m[group], self.high_m[group]
        return self._base[group] + np.clip(stake_m, low - half, high + half) - low

    def _around(self, x: np.ndarray, asked: np.ndarray, tolerance_m: float) -> tuple[np.ndarray, np.ndarray]:
        rows = np.flatnonzero(asked)
        first = np.searchsorted(self._bounds, x[rows] - tolerance_m, side="right") - 1
        last = np.searchsorted(self._bounds, x[rows] + tolerance_m, side="right")
        query, run = self._listed(rows, np.maximum(first, 0), last)
        order = np.lexsort((run, query))
        query, run = query[order], run[order]
        again = np.concatenate([[False], (np.diff(query) == 0) & (np.diff(run) == 0)])[: len(query)]  # at a joint
        return query[~again], run[~again]

    def _listed(self, rows: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs of the intervals from ``first`` to before ``last`` of each row."""
        start, end = self._first[first], self._first[np.minimum(last, len(self._bounds))]
        count = np.maximum(end - start, 0)
        at = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
        return np.repeat(rows, count), self._run[at]
