"""Posts as they stand on one course, in order, and what is done with them before they calibrate it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .calibration import Fixed
from .joined import Course

SAME_POST_M = 50.0  # two posts of one number this close stand on the two sides of the road
_GAP_M = 1.0  # lines that follow each other more closely have no gap between them
_DETOUR = 3.0  # a road across a gap is at most this much longer than the gap


@dataclass(frozen=True)
class Standing:
    """Posts on one course in order: metres along it (with and without its gaps), stake, row of the table of posts."""

    at_m: np.ndarray
    with_gaps_m: np.ndarray
    stake_m: np.ndarray
    place: np.ndarray
    measure_m: np.ndarray
    row: np.ndarray

    def only(self, chosen: np.ndarray) -> Standing:
        """The chosen ones (a mask, or their places)."""
        return Standing(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def facing(self, direction: int) -> Standing:
        """The same in order of increasing stakes: along the course, or (-1) against it, where metres are negative."""
        turned = Standing(
            self.at_m * direction, self.with_gaps_m * direction, self.stake_m, self.place, self.measure_m, self.row
        )
        return turned.only(np.lexsort((self.row, self.stake_m, turned.at_m)))


def bounded_by(fixed: Fixed, posts: Standing, chain: np.ndarray) -> np.ndarray:
    """``chain`` without the posts that stand on the wrong side of a recorded break: the break is the better surveyed."""
    chain = chain.copy()
    for where, back, ahead in zip(fixed.at_m, fixed.back_m, fixed.ahead_m, strict=True):
        n = int(np.searchsorted(posts.at_m, where))
        for side, wrong in (
            (range(n - 1, -1, -1), posts.stake_m >= back),
            (range(n, len(chain)), posts.stake_m <= ahead),
        ):
            for k in side:
                if chain[k] >= 0 and not wrong[k]:
                    break
                chain[k] = -1
    return chain


def one_of_two_sides(posts: Standing) -> Standing:
    """Posts in order, those of one number within 50 m of each other as one half-way between them."""
    if len(posts.at_m) < 2:
        return posts
    order = np.lexsort((posts.at_m, posts.stake_m))
    at, stake = posts.at_m[order], posts.stake_m[order]
    fresh = np.concatenate([[True], (np.diff(stake) != 0) | (np.diff(at) > SAME_POST_M)])
    which = np.cumsum(fresh) - 1
    out = posts.only(order[fresh])
    moved = np.bincount(which, weights=at) / np.bincount(which) - out.at_m
    out = Standing(out.at_m + moved, out.with_gaps_m + moved, out.stake_m, out.place, out.measure_m, out.row)
    return out.only(np.lexsort((out.stake_m, out.at_m)))


def with_other_feet(posts: Standing, chain: np.ndarray, others: Standing, fixed: Fixed) -> tuple[Standing, np.ndarray]:
    """Posts that contradict where the line first comes by are tried where it comes by again (loops, hairpins)."""
    left_out = set(posts.row[chain < 0].tolist())
    for k in range(len(others.at_m)):
        if int(others.row[k]) not in left_out:
            continue
        at, stake = others.at_m[k], others.stake_m[k]
        number = stake + fixed.shift_m[np.searchsorted(fixed.at_m, at)]
        kept = np.flatnonzero(chain >= 0)
        numbers = posts.stake_m[kept] + fixed.shift_m[np.searchsorted(fixed.at_m, posts.at_m[kept])]
        n = int(np.searchsorted(posts.at_m[kept], at))
        around = kept[max(n - 1, 0) : n + 1]
        if len(set(chain[around])) != 1 or not _fits_between(
            posts.at_m[around], numbers[max(n - 1, 0) : n + 1], at, number
        ):
            continue
        left_out.discard(int(others.row[k]))
        keep = ~((posts.row == others.row[k]) & (chain < 0))
        both = [np.append(getattr(posts, name)[keep], getattr(others, name)[k]) for name in posts.__dataclass_fields__]
        chain = np.append(chain[keep], chain[around[0]])
        posts = Standing(*both)
        order = np.argsort(posts.at_m, kind="stable")
        posts, chain = posts.only(order), chain[order]
    return posts, chain


def _fits_between(at_m: np.ndarray, number_m: np.ndarray, at: float, number: float) -> bool:
    told = np.interp(at, at_m, number_m) + min(at - at_m[0], 0.0) + max(at - at_m[-1], 0.0)
    away = np.abs(at_m - at).min()
    rises = bool(((at_m - at) * (number_m - number) > 0).all())
    return rises and abs(told - number) <= 0.5 * SAME_POST_M + 0.1 * away


def counted_gaps(course: Course, posts: Standing, chain: np.ndarray, fixed: Fixed) -> np.ndarray:
    """Metres that count in the gap before each line: none, unless the posts on both sides differ by more than the line."""
    extra = np.zeros(len(course.length_m))
    if not (course.gap_m > _GAP_M).any():
        return extra
    number = posts.stake_m + fixed.shift_m[np.searchsorted(fixed.at_m, posts.at_m)]
    for k in range(len(number) - 1):
        gaps = np.arange(*np.sort(posts.place[[k, k + 1]]))
        gaps = gaps[course.gap_m[gaps] > _GAP_M]
        excess = number[k + 1] - number[k] - (posts.at_m[k + 1] - posts.at_m[k])
        if len(gaps) and excess > 0 and chain[k] == chain[k + 1]:
            across = course.gap_m[gaps].sum()
            extra[gaps + 1] += min(excess, _DETOUR * across) * course.gap_m[gaps] / across
    return extra
