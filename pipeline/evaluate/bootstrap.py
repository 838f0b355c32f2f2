"""Intervals of figures that are sums over images: images are drawn again with replacement, the figure made anew.

Efron and Tibshirani 1993, the percentile interval. What is drawn is what may be taken for independent: images, not pixels.
"""

from __future__ import annotations

import numpy as np


def weights(units: int, draws: int = 1000, seed: int = 0) -> np.ndarray:
    """How often each unit is drawn, ``(draws + 1, units)`` float64; the first row is the sample itself, all ones.

    ``weights(len(counts)) @ counts`` are the sums of all samples, of which any figure can be made at once.
    """
    if units < 1:
        return np.ones((draws + 1, 0))
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=draws)
    return np.vstack([np.ones((1, units)), drawn])


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """A figure with the bounds of its 95 % interval: ``values[0]`` is of the sample itself, the others of its draws.

    A draw that has nothing to count is NaN and left out; NaN thrice where the sample itself has nothing.

    >>> hits, of = np.array([8.0, 9.0, 4.0]), np.array([10.0, 10.0, 10.0])
    >>> w = weights(3)
    >>> [round(float(value), 2) for value in interval((w @ hits) / (w @ of))]
    [0.7, 0.4, 0.9]
    """
    if not np.isfinite(values[0]):
        return np.nan, np.nan, np.nan
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) else (np.nan, np.nan)
    return float(values[0]), float(low), float(high)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole`` element by element, NaN where there is no whole."""
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
