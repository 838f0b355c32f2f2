"""From a map of probabilities to single objects: hysteresis, and touching objects parted where they are narrow."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

_NECK = 0.75  # objects are parted where a neck is narrower than this share of both its sides' widths
_LEAST_NECK_PX = 1.0
_CALM_PX, _CALM_SIDE_PX = 1.0, 9  # standard deviation and side of the Gaussian


def labelled(
    probability: np.ndarray, *, high: float, low: float, min_area_px: float, wide_px: float = np.inf
) -> np.ndarray:
    """Objects of a probability map (rows, cols; NaN = unseen), labels 1.. as int32, 0 = none.

    An object reaches as far as ``low`` and holds at least one pixel of ``high`` (hysteresis, Canny 1986). Touching objects
    are parted by a watershed of the distance to the outside (Vincent and Soille 1991), each from a core that is wider
    than the neck to the next by a third: two roofs side by side become two, an L stays one. A neck of ``wide_px`` or more
    parts nothing: so wide are halls, not houses. Objects smaller than ``min_area_px`` are left out.
    """
    out = np.zeros(probability.shape, np.int32)
    p = _calmed(probability)
    mask = hysteresis(p, low=min(low, high), high=high)
    if not mask.any():
        return out
    # A hole (a skylight, some pixels in doubt) is no outside to measure the width from.
    solid = _filled(mask, 2 * min_area_px)
    padded = np.pad(solid, 1, mode="edge").astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    # Compared by logarithm a neck is judged by its share of the width, for sheds and halls alike.
    width = np.log(np.clip(distance, _LEAST_NECK_PX, wide_px / 2 / _NECK)).astype(np.float32)
    parts, _ = ndimage.label(solid)
    count = 0
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        part = parts[box] == number
        if part.sum() < min_area_px:
            continue
        pieces = _parted(part, np.where(part, width[box], 0))
        for piece in range(1, int(pieces.max()) + 1):
            inside = pieces == piece
            if inside.sum() >= min_area_px:
                count += 1
                out[box][inside] = count
    return out


def _parted(part: np.ndarray, width: np.ndarray) -> np.ndarray:
    """One connected part (bool) cut at its necks: labels from 1; ``width``: how far each pixel is from the outside."""
    cores, count = ndimage.label(h_maxima(np.pad(width, 1), -np.log(_NECK))[1:-1, 1:-1] > 0, np.ones((3, 3), bool))
    if count < 2:
        return part.astype(np.int32)
    return watershed(-ndimage.gaussian_filter(width, 0.5), cores, mask=part)


def hysteresis(values: np.ndarray, *, low: float, high: float) -> np.ndarray:
    """Pixels (bool) above ``low`` that hang together, by edges, with one above ``high`` (Canny 1986)."""
    sure = values > high
    if not sure.any():
        return sure
    count, labels = cv2.connectedComponents((values > low).astype(np.uint8), connectivity=4)
    kept = np.zeros(count, bool)
    kept[labels[sure]] = True
    kept[0] = False
    return kept[labels]


def _calmed(probability: np.ndarray) -> np.ndarray:
    """The map without what differs from pixel to pixel; the unseen counts as 0, and is 0."""
    seen = np.isfinite(probability)
    known = np.where(seen, probability, np.float32(0)).astype(np.float32, copy=False)
    calm = cv2.GaussianBlur(known, (_CALM_SIDE_PX, _CALM_SIDE_PX), _CALM_PX, borderType=cv2.BORDER_REFLECT)
    np.copyto(calm, np.float32(0), where=~seen)
    return calm


def _filled(mask: np.ndarray, max_hole_px: float) -> np.ndarray:
    """``mask`` with its holes of up to ``max_hole_px`` closed."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= max_hole_px
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        small[side] = False  # open to the outside
    small[0] = False
    return mask | small[labels]
