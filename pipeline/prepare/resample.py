"""Whole and part pixels: an array moved by a shift, NaN-safe."""

from __future__ import annotations

import math

import numpy as np


def _taps(fraction: float) -> np.ndarray:
    """Four weights of the cubic convolution kernel (Keys 1981, a = -1/2) for a sample ``fraction`` past the second."""
    t = fraction
    return np.array(
        [
            -0.5 * t**3 + t**2 - 0.5 * t,
            1.5 * t**3 - 2.5 * t**2 + 1.0,
            -1.5 * t**3 + 2.0 * t**2 + 0.5 * t,
            0.5 * t**3 - 0.5 * t**2,
        ]
    )


def moved(values: np.ndarray, shift_px: tuple[float, float]) -> np.ndarray:
    """``values`` (rows, cols) displaced by ``shift_px`` (rows south, cols east), float32; NaN where nothing moved in.

    Cubic where all 16 neighbours hold data; beside gaps and edges bilinear over what there is, and NaN where less than
    half the weight does. A whole-pixel shift copies.
    """
    import cv2

    rows, cols = values.shape
    back = -shift_px[0], -shift_px[1]  # where an output pixel looks
    whole = math.floor(back[0]), math.floor(back[1])
    part = back[0] - whole[0], back[1] - whole[1]
    source = np.full((rows + 3, cols + 3), np.nan, np.float32)  # one pixel before, two after
    top, left = whole[0] - 1, whole[1] - 1
    r0, r1 = max(top, 0), min(top + rows + 3, rows)
    c0, c1 = max(left, 0), min(left + cols + 3, cols)
    if r1 > r0 and c1 > c0:
        source[r0 - top : r1 - top, c0 - left : c1 - left] = values[r0:r1, c0:c1]
    if not any(part):
        return source[1:-2, 1:-2]
    known = np.isfinite(source)
    filled = np.where(known, source, np.float32(0))
    weight = known.astype(np.float32)
    taps = _taps(part[0]), _taps(part[1])
    lines = np.array([0, 1 - part[0], part[0], 0]), np.array([0, 1 - part[1], part[1], 0])

    def filtered(image: np.ndarray, kernels: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        out = cv2.sepFilter2D(image, cv2.CV_32F, kernels[1], kernels[0], anchor=(1, 1), borderType=cv2.BORDER_CONSTANT)
        return out[1:-2, 1:-2]

    cubic = filtered(filled, taps)
    if known.all():
        return cubic
    share = filtered(weight, lines)
    with np.errstate(invalid="ignore", divide="ignore"):
        linear = np.where(share >= 0.5, filtered(filled, lines) / share, np.float32(np.nan))
    eroded = cv2.erode(known.astype(np.uint8), np.ones((4, 4), np.uint8), anchor=(1, 1), borderType=cv2.BORDER_CONSTANT)
    return np.where(eroded[1:-2, 1:-2] > 0, cubic, linear).astype(np.float32)
