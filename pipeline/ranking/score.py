"""How good an order of candidates is, and how much better than another, with bounds."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score

from ..evaluate.bootstrap import interval, weights
from .model import Measure, Scores

_DRAWS = 300


def precision_at(cap: int, confidence: np.ndarray, right: np.ndarray, county: np.ndarray) -> float:
    """Right share of the first ``cap`` rows of each county by confidence; rows of equal confidence in their order.

    >>> precision_at(1, np.array([0.9, 0.2, 0.8]), np.array([True, True, False]), np.array(["a", "a", "b"]))
    0.5
    """
    order = np.lexsort((-confidence, county))
    sorted_county = county[order]
    starts = np.flatnonzero(np.r_[True, sorted_county[1:] != sorted_county[:-1]])
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    return float(right[order][place < cap].mean())


def compared(
    before: np.ndarray,
    after: np.ndarray,
    right: np.ndarray,
    *,
    county: np.ndarray,
    places: np.ndarray,
    cap: int,
    seed: int,
) -> Scores:
    """Scores of two confidences (n,) of the same rows. Bounds: bootstrap of whole places, both on the same resamples.

    ``right`` (n,) bool, ``county`` and ``places`` (n,) names. What stands near each other is right or wrong together;
    resampling rows would call that certainty.
    """
    of = np.unique(places, return_inverse=True)[1]
    codes, size = np.unique(county, return_inverse=True, return_counts=True)[1:]

    def measures(confidence: np.ndarray, chosen: np.ndarray) -> tuple[float, float, float]:
        p, y = confidence[chosen], right[chosen]
        order = average_precision_score(y, p) if y.any() else np.nan
        return precision_at(cap, p, y, codes[chosen]), float(order), float(np.mean((p - y) ** 2))

    samples = [np.repeat(np.arange(len(of)), times[of].astype(int)) for times in weights(of.max() + 1, _DRAWS, seed)]
    drawn = np.array([[measures(before, rows), measures(after, rows)] for rows in samples])
    moved = drawn[:, 1] - drawn[:, 0]

    def measure(at: int) -> Measure:
        told = [interval(values[:, at]) for values in (drawn[:, 0], drawn[:, 1], moved)]
        return Measure(**dict(zip(("before", "after", "moved"), np.round(told, 4).tolist(), strict=True)))

    return Scores(
        cap=cap,
        counties_above_cap=int((size > cap).sum()),
        precision_at_cap=measure(0),
        average_precision=measure(1),
        brier=measure(2),
        better_in=round(float((moved[1:, 1] > 0).mean()), 4),
    )
