"""Medians and quantiles of many numbers, each by one selection.

numpy's own select several places at once, for which it has no vectorised form: of a million float32 they take ten times as
long. Values must be numbers; an infinite one is allowed, NaN gives nonsense.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def median(values: np.ndarray) -> Any:
    """As ``numpy.median`` of all values, in their own type; NaN where there are none."""
    flat = values.ravel()
    if not flat.size:
        return flat.dtype.type(math.nan)
    half = flat.size // 2
    chosen = np.partition(flat, half)
    return chosen[half] if flat.size % 2 else (chosen[:half].max() + chosen[half]) / 2


def quantile(values: np.ndarray, share: float) -> Any:
    """As ``numpy.quantile`` of all values, in their own type, to the last digit but one; NaN where there are none."""
    flat = values.ravel()
    if not flat.size:
        return flat.dtype.type(math.nan)
    place = (flat.size - 1) * share
    low = math.floor(place)
    chosen = np.partition(flat, low)
    below = chosen[low]
    if place == low:
        return below
    above, part = chosen[low + 1 :].min(), place - low
    step = above - below
    return flat.dtype.type(below + step * part if part < 0.5 else above - step * (1 - part))
