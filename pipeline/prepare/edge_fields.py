"""Edge fields: an image as the directions of its edges, sampled on its pixels or between them.

A field holds four numbers per pixel, float32 (4, rows, cols): cosine and sine of twice the edge's direction, which do
not change when an edge turns from dark-bright to bright-dark, and cosine and sine of the direction itself, which say
more where it did not. Each pair has length 0 (no edge, no data) to below 1 (strong edge).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..imagery.order import median

_DAMP = 0.3  # an edge of this part of the median strength counts half
_SAMPLED = 4  # medians are taken of every fourth row and column
_STRIP_ROWS = 64  # worked on at once, so that what lies between stays in the processor's cache


def edge_field(bands: Sequence[np.ndarray], smooth_px: float, at_px: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The field of an image (see the module), sampled ``at_px`` (rows, cols) beside each pixel's centre.

    Gradients are taken by derivatives of a Gaussian that are sampled where they are needed, so that a field between
    the pixels is as smooth as one on them; resampling the image first would blur it by an amount that depends on the
    shift, and the summit would follow. Bands are added as squared gradients (Di Zenzo 1986) and as gradients, each in
    units of its own mean strength, so gain and offset do not count. Weak edges are damped (Fitch et al. 2002).
    """
    import cv2

    known = np.logical_and.reduce([np.isfinite(band) for band in bands])
    field = np.zeros((4, *known.shape), np.float32)
    whole = round(at_px[0]), round(at_px[1])
    kernels = _kernels(smooth_px, at_px[0] - whole[0]), _kernels(smooth_px, at_px[1] - whole[1])
    reach = len(kernels[0][0]) // 2
    inner = _eroded(_looked(known.astype(np.uint8), whole, 0), reach)
    if not inner.any():
        return field
    sample = _sample(inner)
    for band in bands:
        filled = band if known.all() else np.where(known, band, np.float32(np.mean(band[known])))
        filled = _looked(np.ascontiguousarray(filled, np.float32), whole, None)
        dx = cv2.sepFilter2D(filled, cv2.CV_32F, kernels[1][1], kernels[0][0], borderType=cv2.BORDER_REPLICATE)
        dy = cv2.sepFilter2D(filled, cv2.CV_32F, kernels[1][0], kernels[0][1], borderType=cv2.BORDER_REPLICATE)
        scale = math.sqrt(float(np.mean(_squared(dx[sample], dy[sample]))))
        if scale > 0:
            _add(field, dx, dy, np.float32(1 / scale))
    for pair, power in ((field[:2], 1), (field[2:], 2)):
        length = _squared(pair[0][sample], pair[1][sample])
        usual = length if power == 2 else np.sqrt(length)
        damp = np.float32(_DAMP * (float(median(usual)) or float(np.mean(usual))))
        if damp > 0:
            _damped(pair, power, damp, inner)
        else:
            pair[:] = 0
    return field


def _add(field: np.ndarray, dx: np.ndarray, dy: np.ndarray, factor: np.float32) -> None:
    """One band's gradients, times ``factor``: doubled directions and directions, added to the field."""
    for top in range(0, len(dx), _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        x, y, into = dx[rows] * factor, dy[rows] * factor, field[:, rows]
        into[2] += x
        into[3] += y
        across = x + y
        across *= x - y
        into[0] += across
        np.multiply(x, y, out=across)
        across *= 2
        into[1] += across


def _damped(pair: np.ndarray, power: int, damp: np.float32, inner: np.ndarray) -> None:
    """Both parts of a pair made ``s / (s + damp)`` long, in place; s is the length to ``power``. Zero beside ``inner``."""
    all_inner = inner.all()
    for top in range(0, pair.shape[1], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        squares = _squared(pair[0, rows], pair[1, rows])
        length = np.sqrt(squares)
        weight = 1 / (length + damp) if power == 1 else length / (squares + damp)
        if not all_inner:
            weight *= inner[rows]
        pair[:, rows] *= weight


def centred(field: np.ndarray, inset_px: int) -> np.ndarray:
    """The field without its rim and its mean, zero where it was: what is looked for in the other image."""
    out = np.zeros_like(field)
    rows, cols = (slice(inset_px, side - inset_px) for side in field.shape[1:])
    part, core = field[:, rows, cols], out[:, rows, cols]
    held = np.logical_or.reduce([plane != 0 for plane in part])
    count = int(np.count_nonzero(held))
    for plane, into in zip(part, core, strict=True) if count else ():
        np.multiply(plane - plane.sum() / np.float32(count), held, out=into)
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


def _sample(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of what is true in every fourth row and column; of all that is true if that is none."""
    rows, cols = np.nonzero(where[::_SAMPLED, ::_SAMPLED])
    if rows.size:
        return rows * _SAMPLED, cols * _SAMPLED
    rows, cols = np.nonzero(where)
    return rows, cols


def _squared(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x * x + y * y
