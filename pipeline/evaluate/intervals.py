"""Rates with their uncertainty: a precision of 4 in 5 is not a precision of 400 in 500."""

from __future__ import annotations

from typing import Literal

import numpy as np

Method = Literal["wilson", "exact"]


def rate(hits: int, of: int, method: Method = "wilson") -> tuple[float, float, float]:
    """``hits / of`` with the bounds of its 95 % interval; NaN thrice when there is nothing to count.

    ``wilson`` is the score interval (Wilson 1927), ``exact`` that of Clopper and Pearson (1934), which is wider.

    >>> [round(value, 3) for value in rate(8, 10)]
    [0.8, 0.49, 0.943]
    """
    if of == 0:
        return np.nan, np.nan, np.nan
    from scipy import stats  # slow to import

    bounds = stats.binomtest(hits, of).proportion_ci(0.95, method=method)
    return hits / of, float(bounds.low), float(bounds.high)


def f1(tp: int, fp: int, fn: int, method: Method = "wilson") -> tuple[float, float, float]:
    """F1 = 2 tp / (2 tp + fp + fn) with the bounds of its 95 % interval.

    F1 is the monotone image 2 q / (1 + q) of q = tp / (tp + fp + fn), a plain proportion, whose interval is carried
    over (Hand, Christen and Kirielle 2021, "F*: an interpretable transformation of the F-measure").

    >>> [round(value, 3) for value in f1(8, 2, 2)]
    [0.8, 0.562, 0.926]
    """
    return tuple(2 * bound / (1 + bound) for bound in rate(tp, tp + fp + fn, method))  # type: ignore[return-value]
