"""From a map of probabilities to single objects: hysteresis, and touching objects parted where they are narrow."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

_NECK = 0.75  # objects are parted where a neck is narrower than this share of both its sides' widths
_LEAST_NECK_PX = 1.0
_CALM_PX = 1.0


def labelled(
    probability: np.ndarray, *, high: float, low: float, min_area_px: float, wide_px: float = np.inf
) -> np.ndarray:
    """Objects of a probability map (rows, cols; NaN = unseen), labels 1.. as int32, 0 = none.

    An object reaches as far as ``low`` and holds at least one pixel of ``high`` (hysteresis, Canny 1986). Touching objects
    are parted by a watershed of the distance to the outside (Vincent and Soille 1991), each from a core that is wider
    than the neck to the next by a third: two roofs side by side become two, an L stays one. A neck of ``wide_px`` or more
    parts nothing: so wide are halls, not houses. Objects smaller than ``min_area_px`` are left out.
    """
    p = np.where(np.isfinite(probability), _calmed(probability), 0)
    mask = apply_hysteresis_threshold(p, min(low, high), high)
    if not mask.any():
        return np.zeros(p.shape, np.int32)
    # A hole (a skylight, some pixels in doubt) is no outside to measure the width from.
    solid = _filled(mask, 2 * min_area_px)
    distance = ndimage.distance_transform_edt(np.pad(solid, 1, mode="edge"))[1:-1, 1:-1]
    # Compared by logarithm a neck is judged by its share of the width, for sheds and halls alike.
    scaled = np.log(np.clip(distance, _LEAST_NECK_PX, wide_px / 2 / _NECK)).astype(np.float32)
    cores, _ = ndimage.label(h_maxima(scaled, -np.log(_NECK)) > 0, np.ones((3, 3), bool))
    labels = watershed(-ndimage.gaussian_filter(scaled, 0.5), _with_every_part(cores, solid), mask=solid)
    size = np.bincount(labels.ravel())
    small = size < min_area_px
    small[0] = True
    number = np.where(small, 0, np.cumsum(~small)).astype(np.int32)
    return number[labels]


def _calmed(probability: np.ndarray) -> np.ndarray:
    """The map without what differs from pixel to pixel; the unseen counts as 0."""
    return ndimage.gaussian_filter(np.nan_to_num(probability), _CALM_PX)


def _filled(mask: np.ndarray, max_hole_px: float) -> np.ndarray:
    """``mask`` with its holes of up to ``max_hole_px`` closed."""
    holes, count = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
    if not count:
        return mask
    return mask | ((np.bincount(holes.ravel()) <= max_hole_px)[holes] & (holes > 0))


def _with_every_part(cores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """``cores`` and a new one for each connected part of the mask that has none."""
    parts, count = ndimage.label(mask)
    has = np.zeros(count + 1, bool)
    has[np.unique(parts[cores > 0])] = True
    missing = np.flatnonzero(~has[1:]) + 1
    out = cores.copy()
    for k, (part, where) in enumerate(zip(missing, [ndimage.find_objects(parts)[m - 1] for m in missing], strict=True)):
        inside = parts[where] == part
        out[where][inside] = cores.max() + 1 + k
    return out
