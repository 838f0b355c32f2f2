"""Two dates of one window prepared for comparing regions: toned colour, edges, cues, and how far each pixel changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..imagery.order import median
from ..networks.tone import tone
from . import cues

_EPS = 1e-6
_EDGE_PX = 0.7  # what edges are smoothed by


@dataclass(frozen=True)
class Epoch:
    """One date's images (rows, cols), 0 where unseen: toned Lab / 100, gradients relative to their mean, cues."""

    lab: np.ndarray
    light: np.ndarray
    edge: np.ndarray
    green: np.ndarray
    rough: np.ndarray
    shadow: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Both dates over the pixels seen in both, and how far each pixel changed."""

    before: Epoch
    after: Epoch
    seen: np.ndarray
    change: np.ndarray
    likeness: np.ndarray

    def exchanged(self) -> Pair:
        """The same two dates in the other order."""
        return replace(self, before=self.after, after=self.before)


def _odd(length_m: float, pixel_m: float) -> int:
    return 2 * max(1, round(length_m / pixel_m / 2)) + 1


def _epoch(colours: Mapping[str, np.ndarray], seen: np.ndarray, pixel_m: float, white: float, gamma: float) -> Epoch:
    """The images of one date."""
    known = {name: np.where(seen, band, np.float32(0)) for name, band in colours.items()}
    toned = {
        name: np.power(np.clip(band / white, 0, 1.25), gamma).astype(np.float32, copy=False)
        for name, band in known.items()
        if name != "nir"
    }
    rgb = cv2.merge([np.minimum(toned[name], 1) for name in ("red", "green", "blue")])
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB) * np.float32(0.01)
    light = np.ascontiguousarray(lab[..., 0])
    edge = _edge(lab, seen)
    edge /= np.float32(max(float(edge[seen].mean()), _EPS))
    return Epoch(
        lab=lab,
        light=light,
        edge=edge,
        green=np.where(seen, cues.vegetation(known), 0),
        rough=cues.Means(seen, _odd(3.5, pixel_m)).deviation(light),
        shadow=cues.shadow_mask(
            {n: np.where(seen, t, np.float32(np.nan)) for n, t in toned.items()}, window_px=_odd(50, pixel_m)
        ),
    )


def _edge(lab: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Length of the gradient (rows, cols) in that of three channels (rows, cols, 3) where it is greatest.

    0 at and beside what is not ``seen``. What is seen is counted once for all channels.
    """
    weight = None
    if not seen.all():
        weight = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), _EDGE_PX, borderType=cv2.BORDER_REFLECT)
        weight = np.maximum(weight, np.float32(1e-6))
    edge = np.zeros(seen.shape, np.float32)
    for channel in cv2.split(lab):
        if weight is not None:
            np.copyto(channel, np.float32(0), where=~seen)
        smooth = cv2.GaussianBlur(channel, (0, 0), _EDGE_PX, borderType=cv2.BORDER_REFLECT)
        if weight is not None:
            smooth = np.divide(smooth, weight, out=smooth)
        slopes = (
            cv2.Scharr(smooth, cv2.CV_32F, *order, scale=1 / 32, borderType=cv2.BORDER_REFLECT)
            for order in ((1, 0), (0, 1))
        )
        np.maximum(edge, cv2.magnitude(*slopes), out=edge)
    if weight is not None:
        edge *= cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return edge


def _likeness(one: np.ndarray, two: np.ndarray, seen: np.ndarray, size_px: int, floor: float) -> np.ndarray:
    """Normalised cross-correlation of two images in a window, -1..1, damped where both are flat (``floor`` = noise)."""
    a, b = (np.where(seen, cv2.GaussianBlur(image, (0, 0), 1.0), np.float32(0)) for image in (one, two))
    mean = cues.Means(seen, size_px).of
    mean_a, mean_b = mean(a), mean(b)
    cross = mean(a * b) - mean_a * mean_b
    var_a = np.maximum(mean(a * a) - mean_a * mean_a, 0)
    var_b = np.maximum(mean(b * b) - mean_b * mean_b, 0)
    return np.where(seen, (cross + floor**2) / (np.sqrt(var_a * var_b) + floor**2), np.float32(1))


def compare(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], pixel_m: float) -> Pair:
    """Both dates prepared for measuring; bands as from ``cues.bands``, on one grid."""
    seen = cues.observed(before) & cues.observed(after)
    both = {name: np.concatenate([before[name], after[name]]) for name in ("red", "green", "blue")}
    white, gamma = tone(both, np.concatenate([seen, seen]))
    old, new = (_epoch(colours, seen, pixel_m, white, gamma) for colours in (before, after))
    gap = new.lab - old.lab
    gap -= np.array([median(gap[..., channel][seen]) for channel in range(3)], np.float32)
    change = np.sqrt(np.einsum("ijk,ijk->ij", gap, gap))
    likeness = _likeness(old.light, new.light, seen, _odd(6, pixel_m), 0.01)
    return Pair(old, new, seen, np.where(seen, change, 0), likeness)
