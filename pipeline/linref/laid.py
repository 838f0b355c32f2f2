"""All lines laid end to end on one axis, a metre apart, so that one interpolation serves them all."""

from __future__ import annotations

import numpy as np
import shapely


class Laid:
    """Lines (n, 2) in metres: from measures to places and to pieces of line."""

    def __init__(self, lines: list[np.ndarray]) -> None:
        """One line or more, without repeated vertices."""
        self._xy = np.concatenate(lines)
        along = [np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]) for xy in lines]
        self._start = np.concatenate([[0.0], np.cumsum([at[-1] + 1.0 for at in along])[:-1]])
        self._at = np.concatenate(along) + np.repeat(self._start, [len(at) for at in along])

    def at(self, line: np.ndarray, measure_m: np.ndarray) -> np.ndarray:
        """Metres along the axis of measures on lines."""
        return self._start[line] + measure_m

    def xy_m(self, line: np.ndarray, measure_m: np.ndarray) -> np.ndarray:
        """Places (n, 2) at measures on lines."""
        at = self.at(line, measure_m)
        return np.column_stack([np.interp(at, self._at, self._xy[:, axis]) for axis in (0, 1)])

    def pieces(self, line: np.ndarray, from_m: np.ndarray, to_m: np.ndarray) -> np.ndarray:
        """Line strings between two measures, from the first to the second; the second may be the smaller."""
        low, high = np.minimum(from_m, to_m), np.maximum(from_m, to_m)
        first = np.searchsorted(self._at, self.at(line, low) + 1e-6, side="right")
        count = np.maximum(np.searchsorted(self._at, self.at(line, high) - 1e-6, side="left") - first, 0)
        of = np.repeat(np.arange(len(line)), count)
        inner = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        everyone = np.arange(len(line))
        xy = np.concatenate([self.xy_m(line, low), self._xy[inner], self.xy_m(line, high)])
        owner = np.concatenate([everyone, of, everyone])
        order = np.argsort(owner, kind="stable")
        found = shapely.linestrings(xy[order], indices=owner[order])
        return np.where(to_m < from_m, shapely.reverse(found), found)
