"""Brightness of a window brought to where networks and weights have learnt to look for it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..imagery.order import median, quantile


def tone(image: Mapping[str, np.ndarray], seen: np.ndarray) -> tuple[float, float]:
    """(white, gamma) that bring the window's 98th percentile to 1 and its median brightness to 0.4.

    Reflectance is linear and dark, delivered RGB is not; the weights were learnt on the latter. ``image``: red, green
    and blue, (rows, cols); ``seen``: which pixels count, bool.
    """
    bright = ((image["red"] + image["green"] + image["blue"]) * np.float32(1 / 3))[seen]
    middle, white = median(bright), quantile(bright, 0.98)
    white = max(float(white), 0.02)
    ratio = min(max(float(middle) / white, 0.02), 0.95)
    return white, float(np.clip(math.log(0.4) / math.log(ratio), 0.4, 1.25))
