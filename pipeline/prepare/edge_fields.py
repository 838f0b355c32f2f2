"""Edge fields: an image as the directions of its edges, sampled on its pixels or between them.

A field holds four numbers per pixel, float32 (rows, cols, 4): cosine and sine of twice the edge's direction, which do
not change when an edge turns from dark-bright to bright-dark, and cosine and sine of the direction itself, which say
more where it did not. Each pair has length 0 (no edge, no data) to below 1 (strong edge).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

_DAMP = 0.3  # an edge of this part of the median strength counts half
_SAMPLED = 4  # medians are taken of every fourth row and column


def edge_field(bands: Sequence[np.ndarray], smooth_px: float, at_px: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The field of an image (see the module), sampled ``at_px`` (rows, cols) beside each pixel's centre.

    Gradients are taken by derivatives of a Gaussian that are sampled where they are needed, so that a field between
    the pixels is as smooth as one on them; resampling the image first would blur it by an amount that depends on the
    shift, and the summit would follow. Bands are added as squared gradients (Di Zenzo 1986) and as gradients, each in
    units of its own mean strength, so gain and offset do not count. Weak edges are damped (Fitch et al. 2002).
    """
    import cv2

    known = np.logical_and.reduce([np.isfinite(band) for band in bands])
    rows, cols = known.shape
    field = np.zeros((rows, cols, 4), np.float32)
    whole = round(at_px[0]), round(at_px[1])
    kernels = _kernels(smooth_px, at_px[0] - whole[0]), _kernels(smooth_px, at_px[1] - whole[1])
    reach = len(kernels[0][0]) // 2
    inner = _eroded(_looked(known.astype(np.uint8), whole, 0), reach)
    if not inner.any():
        return field
    summed: list[np.ndarray] = []  # cosine and sine of the doubled direction, then of the direction
    for band in bands:
        filled = band if known.all() else np.where(known, band, np.float32(np.mean(band[known])))
        filled = _looked(np.ascontiguousarray(filled, np.float32), whole, None)
        dx = cv2.sepFilter2D(filled, cv2.CV_32F, kernels[1][1], kernels[0][0], borderType=cv2.BORDER_REPLICATE)
        dy = cv2.sepFilter2D(filled, cv2.CV_32F, kernels[1][0], kernels[0][1], borderType=cv2.BORDER_REPLICATE)
        scale = math.sqrt(_typical(dx * dx + dy * dy, inner, np.mean))
        if scale > 0:
            np.multiply(dx, np.float32(1 / scale), out=dx)
            np.multiply(dy, np.float32(1 / scale), out=dy)
            twice = dx * dy
            twice *= 2
            parts = [(dx + dy) * (dx - dy), twice, dx, dy]
            if summed:
                for total, part in zip(summed, parts, strict=True):
                    cv2.add(total, part, dst=total)
            else:
                summed = parts
    if not summed:
        return field
    for first, power in ((0, 1), (2, 2)):
        length = cv2.magnitude(summed[first], summed[first + 1])
        squares = length if power == 1 else length * length
        damp = np.float32(_DAMP * (_typical(squares, inner, np.median) or _typical(squares, inner, np.mean)))
        if damp > 0:
            # Both pairs become squares / (squares + damp) long.
            squares += damp
            weight = np.divide(1 if power == 1 else length, squares, out=squares)
            weight *= inner
            np.multiply(summed[first], weight, out=field[..., first])
            np.multiply(summed[first + 1], weight, out=field[..., first + 1])
    return field


def centred(field: np.ndarray, inset_px: int) -> np.ndarray:
    """The field without its rim and its mean, zero where it was: what is looked for in the other image."""
    out = np.zeros_like(field)
    core = (slice(inset_px, field.shape[0] - inset_px), slice(inset_px, field.shape[1] - inset_px))
    part = field[core]
    held = np.any(part != 0, axis=2, keepdims=True)
    count = int(held.sum())
    if count:
        out[core] = (part - part.sum(axis=(0, 1)) / np.float32(count)) * held
    return out


def _kernels(smooth_px: float, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a Gaussian and of its derivative that look ``fraction`` of a pixel past the middle."""
    reach = math.ceil(3.3 * smooth_px)
    t = np.arange(-reach, reach + 1) - fraction
    bell = np.exp(-t * t / (2 * smooth_px**2))
    slope = t * bell
    return bell / bell.sum(), slope / (slope * t).sum()


def _looked(values: np.ndarray, whole: tuple[int, int], outside: float | None) -> np.ndarray:
    """``values`` read so many whole rows south and cols east; beyond the edge the last one (None) or ``outside``."""
    import cv2

    if whole == (0, 0):
        return values
    rows, cols = values.shape
    matrix = np.array([[1, 0, -whole[1]], [0, 1, -whole[0]]], np.float32)
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        values, matrix, (cols, rows), flags=cv2.INTER_NEAREST, borderMode=border, borderValue=outside or 0
    )


def _eroded(known: np.ndarray, reach: int) -> np.ndarray:
    """Pixels with nothing unknown within ``reach``; what lies outside the window counts as known."""
    import cv2

    if known.all():
        return known.astype(bool)
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.erode(known, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1).astype(bool)


def _typical(values: np.ndarray, where: np.ndarray, of: Callable[[np.ndarray], np.floating]) -> float:
    """Mean or median of the pixels where ``where`` is true, over a sample of them."""
    thin = (slice(None, None, _SAMPLED), slice(None, None, _SAMPLED))
    some = values[thin][where[thin]]
    return float(of(some if some.size else values[where]))
