"""Patches of a mask on squares, judged one by one: how large they are and how sharp their outline is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .squares import Squares

COARSE_M, COARSE_HA = 4.0, 4.0  # on squares this large, what is smaller may be a roof
_HARD_STEP = 0.4  # of the contrast, from one square to the next: a wall, not a cloud
_RING_M = 24.0


def kept_patches(
    core: np.ndarray,
    here: Squares,
    accepted: Callable[[np.ndarray], bool],
    least_ha: float,
    *,
    window_m: float,
    max_hard: float,
) -> np.ndarray:
    """Of places found in a window's darkest values, the patches that are large, soft and ``accepted``, at full size."""
    import cv2

    if not core.any():
        return core
    radius = here.px(window_m / 2)
    mask = cv2.dilate(core.astype(np.uint8), disc(radius)).astype(bool) & here.known
    least_ha = max(least_ha, COARSE_HA) if here.side_m > COARSE_M else least_ha
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    grey = plain(here)
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] * here.side_m**2 < least_ha * 1e4:
            continue
        patch = labels == label
        if accepted(patch):
            kept[label] = hard_edge(patch, here, grey) <= max_hard
    return kept[labels]


def hard_edge(patch: np.ndarray, here: Squares, grey: np.ndarray) -> float:
    """Share of a patch's outline inside the image where brightness falls off as at a wall; 0 without an outline.

    ``grey``: the image's brightness without cars, lines and lone trees. The outline is the line half-way between the
    brightness inside and about the patch, so that it runs on the object's own edge.
    """
    import cv2

    shape = patch.astype(np.uint8)
    core = cv2.erode(shape, disc(here.px(_RING_M / 4))).astype(bool)
    near = cv2.dilate(shape, disc(here.px(_RING_M))).astype(bool) & here.known
    around = near & ~cv2.dilate(shape, disc(here.px(_RING_M / 4))).astype(bool)
    if not around.any() or not core.any():
        return 0.0
    inside, beside = float(np.median(grey[core])), float(np.median(grey[around]))
    contrast = inside - beside
    if abs(contrast) < 1e-3:
        return 1.0
    own = near & ((grey - (inside + beside) / 2) * np.sign(contrast) > 0)
    count, labels = cv2.connectedComponents(own.astype(np.uint8), connectivity=4)
    mine = np.isin(labels, np.setdiff1d(np.unique(labels[core]), [0])) if count > 1 else own
    outline = mine & ~cv2.erode(mine.astype(np.uint8), disc(1), borderValue=1).astype(bool)
    outline &= cv2.erode(near.astype(np.uint8), disc(1), borderValue=1).astype(bool)
    if not outline.any():
        return 0.0
    down, right = np.gradient(grey)
    step = cv2.dilate(np.nan_to_num(np.hypot(down, right)).astype(np.float32), disc(1))
    return float(np.mean(step[outline] >= _HARD_STEP * abs(contrast)))


def plain(squares: Squares) -> np.ndarray:
    """Brightness without what is small: a median keeps the edges of large things where and as sharp as they are."""
    import cv2

    usual = float(np.nanmedian(squares.grey)) if squares.known.any() else 0.0
    return cv2.medianBlur(np.where(squares.known, squares.grey, usual).astype(np.float32), 5)


def disc(radius_px: int) -> np.ndarray:
    """A disc for morphology, uint8, its side an odd number of squares."""
    import cv2

    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
