"""From changed ground to single places: what is wide enough, parted from the fields that it lies beside."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from .from_probability import hysteresis
from .ground_change import Ground

_OUT_M = 2.5  # how far past the control zone's edge it is asked whether a change goes on
_FIELD_M = 14.0  # a change that goes on over so much of the edge is a field's, an access is narrower
_FIELD_SHARE = 0.6  # of the square root of its area
_SURELY_APART = 1.5  # what is unlike the fields must somewhere be so by this much more
_SAMPLE_M = 2.0


@dataclass(frozen=True)
class Places:
    """``mask``: ground that changed, anywhere (bool); ``labels``: places in the zones, int32 from 1, 0 = none.

    ``goes_on``: the pixels of the control zone's outer edge from which the change goes on beyond it (bool).
    ``far_lab`` (n, 3): colours now of a sample of the ground beyond that changed; ``far``: how many were sampled there.
    """

    mask: np.ndarray
    labels: np.ndarray
    goes_on: np.ndarray
    far_lab: np.ndarray
    far: int


def _places(mask: np.ndarray, labels: np.ndarray, goes_on: np.ndarray, ground: Ground) -> Places:
    step = max(round(_SAMPLE_M / ground.grid.pixel_m), 1)
    every = (slice(None, None, step), slice(None, None, step))
    there = ground.beyond[every]
    return Places(mask, labels, goes_on, ground.pair.after.lab[every][there & mask[every]], int(there.sum()))


def changed(ground: Ground, *, sure: float, edge: float, bare: np.ndarray, narrowest_m: float) -> np.ndarray:
    """Ground that is bare now and changed by ``edge`` or more, hanging together with some changed by ``sure`` (bool).

    Whatever is narrower than ``narrowest_m`` is left out: strips along the edge of the pavement, cleaned ditches.
    """
    mask = hysteresis(np.where(bare, ground.change, 0), low=min(edge, sure), high=sure)
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc(narrowest_m / ground.grid.pixel_m)) > 0


def disc(width_px: float) -> np.ndarray:
    """A disc for morphology, of the odd width next to ``width_px``."""
    width = max(2 * round((width_px - 1) / 2) + 1, 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))


def places(mask: np.ndarray, ground: Ground, *, apart: float, narrowest_m: float, least_m2: float) -> Places:
    """Places of a mask in highway land and control zone.

    In the control zone only what is unlike the fields around, by ``apart``, can be a place: fields change all at once.
    A ploughed field that reaches to the road would take an opened trench on the highway land with it; so what lies in
    the control zone and goes on beyond it like a field is parted from what lies on the highway land.
    """
    pixel_m, kernel = ground.grid.pixel_m, disc(narrowest_m / ground.grid.pixel_m)
    unlike = np.where(mask & ~ground.land, ground.apart, 0)
    odd = _opened(hysteresis(unlike, low=apart, high=_SURELY_APART * apart), kernel)
    reach = _going_on(odd, ground)
    count, parts = cv2.connectedComponents((odd & ground.control).astype(np.uint8), connectivity=4)
    fields = np.zeros_like(mask)
    for number, box in enumerate(ndimage.find_objects(parts, count), start=1):
        if box is None:
            continue
        inside = parts[box] == number
        area_m2 = inside.sum() * pixel_m**2
        if (reach[box] & inside).sum() * pixel_m > max(_FIELD_M, _FIELD_SHARE * np.sqrt(area_m2)):
            fields[box] |= inside
    near = (mask & ground.land) | (odd & ground.control & ~fields)
    out = np.zeros(mask.shape, np.int32)
    for piece in (near, fields):
        labels = _numbered(_opened(piece, kernel), pixel_m, least_m2, np.inf)
        out = np.where(labels > 0, labels + out.max(), out)
    return _places(mask, out, reach, ground)


def heaps(mask: np.ndarray, ground: Ground, *, narrowest_m: float, least_m2: float, most_m2: float) -> Places:
    """Places of a mask on pavement and highway land no larger than ``most_m2``."""
    pixel_m = ground.grid.pixel_m
    piece = _opened(mask & (ground.land | ground.pavement), disc(narrowest_m / pixel_m))
    return _places(mask, _numbered(piece, pixel_m, least_m2, most_m2), np.zeros_like(mask), ground)


def _opened(mask: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0


def _numbered(mask: np.ndarray, pixel_m: float, least_m2: float, most_m2: float) -> np.ndarray:
    """Connected parts of a mask within limits of size, int32 from 1."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    area_m2 = stats[:, cv2.CC_STAT_AREA] * pixel_m**2
    keep = (area_m2 >= least_m2) & (area_m2 <= most_m2)
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0).astype(np.int32)[labels]


def _going_on(mask: np.ndarray, ground: Ground) -> np.ndarray:
    """Pixels of the control zone's outer edge from which the change goes on beyond it, bool."""
    steps = max(round(_OUT_M / ground.grid.pixel_m), 1)
    beyond = (mask & ground.beyond).astype(np.uint8)
    near = cv2.dilate(beyond, np.ones((3, 3), np.uint8)) > 0
    deep = cv2.dilate(cv2.erode(beyond, np.ones((3, 3), np.uint8)), disc(2 * steps + 1)) > 0
    return mask & ground.control & near & deep
