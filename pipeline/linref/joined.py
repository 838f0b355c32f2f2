"""Parts of one line put together again: ends that meet become one line, and what lies apart gets an order and a direction.

Multi-lines come cut anywhere, in any order and with parts turned round; a road is none of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

_MEETING_M = 1.0
_EXACT_M = 1e-3  # distances are compared in millimetres, so that none hangs on how coordinates round
_GOES_ON_COS = -0.5  # turns of more than 120 degrees are tips of two carriageways, not one road that goes on


def joined(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Lines (n, 2) in metres, those joined whose ends meet within 1 m where no third one ends; directions are of the first."""
    if len(lines) < 2:
        return lines
    ends = np.concatenate([[xy[0], xy[-1]] for xy in lines])  # 2k is the start of line k, 2k + 1 its end
    outward = np.concatenate([[xy[0] - xy[1], xy[-1] - xy[-2]] for xy in lines])
    pairs = KDTree(ends).query_pairs(_MEETING_M, output_type="ndarray")
    alone = np.bincount(pairs.ravel(), minlength=len(ends)) == 1
    unit = outward / np.hypot(*outward.T)[:, None]
    onward = -np.sum(unit[pairs[:, 0]] * unit[pairs[:, 1]], axis=1) > _GOES_ON_COS
    fits = alone[pairs].all(axis=1) & onward & (pairs[:, 0] // 2 != pairs[:, 1] // 2)
    link = np.full(len(ends), -1)
    link[pairs[fits, 0]], link[pairs[fits, 1]] = pairs[fits, 1], pairs[fits, 0]
    return [_glued([lines[k][::-1] if turned else lines[k] for k, turned in walk]) for walk in _walks(link)]


def _walks(link: np.ndarray) -> list[list[tuple[int, bool]]]:
    """Sequences of lines and whether each is turned round, from the ends that are linked (-1: a free end)."""
    seen: set[int] = set()
    walks = []
    for first in range(len(link) // 2):
        if first in seen:
            continue
        head = 2 * first
        while link[head] >= 0 and link[head] // 2 != first:  # to where it begins; a ring begins with its first line
            head = int(link[head]) ^ 1
        walk, end = [], head
        while True:
            line = end // 2
            seen.add(line)
            walk.append((line, bool(end % 2)))
            end = int(link[end ^ 1])
            if end < 0 or end // 2 in seen:
                break
        walks.append(walk)
    return walks


def _glued(lines: list[np.ndarray]) -> np.ndarray:
    xy = np.concatenate(lines)
    moved = np.concatenate([[True], np.hypot(*np.diff(xy, axis=0).T) > 1e-6])
    return xy[moved]


@dataclass(frozen=True)
class Course:
    """One carriageway of a section laid out as one course: its lines in order, end to end.

    ``line`` are the numbers of the lines, ``turned`` whether each is passed from its end to its start, ``length_m`` their
    lengths, ``gap_m`` the straight distance from each to the next.
    """

    line: np.ndarray
    turned: np.ndarray
    length_m: np.ndarray
    gap_m: np.ndarray

    @classmethod
    def of(cls, numbers: list[int], lines: list[np.ndarray]) -> Course:
        """Course through lines (n, 2), nearest ends first; the first line keeps its direction."""
        ends = np.stack([[xy[0], xy[-1]] for xy in lines]).reshape(-1, 2)
        order = [(0, False)] if len(lines) == 1 else _nearest_first(ends)
        where = [k for k, _ in order]
        leave = [ends[2 * k + (not turned)] for k, turned in order[:-1]]
        enter = [ends[2 * k + turned] for k, turned in order[1:]]
        gap = np.array([float(np.hypot(*(b - a))) for a, b in zip(leave, enter, strict=True)])
        length = np.array([float(np.hypot(*np.diff(lines[k], axis=0).T).sum()) for k in where])
        return cls(np.array(numbers)[where], np.array([turned for _, turned in order]), length, gap)

    def start_m(self, extra_m: np.ndarray | None = None) -> np.ndarray:
        """Where each line starts along the course; ``extra_m`` is what counts in the gap before each."""
        start = np.concatenate([[0.0], np.cumsum(self.length_m)[:-1]])
        return start if extra_m is None else start + np.cumsum(extra_m)

    def at_m(self, place: np.ndarray, measure_m: np.ndarray, start_m: np.ndarray) -> np.ndarray:
        """Metres along the course of measures on its lines, given by their places in it."""
        own = np.where(self.turned[place], self.length_m[place] - measure_m, measure_m)
        return start_m[place] + own


def _nearest_first(ends: np.ndarray) -> list[tuple[int, bool]]:
    """Order of all lines and whether each is turned round, from their ends: the two free ends that are nearest are linked first.

    The reach doubles from metre to metre. Whatever is free within one reach is the two tips of one walk, so that the next
    reach has few pairs, however many lines there are.
    """
    link = np.full(len(ends), -1)
    tip = np.arange(len(ends)) ^ 1  # the other free end of the walk that a free end belongs to
    reach_m = _MEETING_M
    while len(free := np.flatnonzero(link < 0)) > 2:
        a, b = free[KDTree(ends[free]).query_pairs(reach_m + _EXACT_M, output_type="ndarray")].T
        distance = np.round(np.hypot(*(ends[a] - ends[b]).T), 3)
        fits = (distance <= reach_m) & (tip[a] != b)
        a, b, distance = a[fits], b[fits], distance[fits]
        for k in np.lexsort((b, a, b // 2 - a // 2, distance)):
            one, other = int(a[k]), int(b[k])
            if link[one] < 0 and link[other] < 0 and tip[one] != other:
                link[one], link[other] = other, one
                near, far = tip[one], tip[other]
                tip[near], tip[far] = far, near
        reach_m *= 2
    (walk,) = _walks(link)
    return walk if not dict(walk)[0] else [(k, not turned) for k, turned in reversed(walk)]
