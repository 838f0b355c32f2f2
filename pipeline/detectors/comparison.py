"""Two dates of one window prepared for comparing regions: toned colour, edges, cues, and how far each pixel changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..networks.tone import tone
from . import cues

_EPS = 1e-6


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
    toned = {
        name: np.power(np.clip(np.where(seen, band, 0) / white, 0, 1.25), gamma).astype(np.float32)
        for name, band in colours.items()
        if name != "nir"
    }
    rgb = np.dstack([toned["red"], toned["green"], toned["blue"]])
    lab = cv2.cvtColor(np.minimum(rgb, 1), cv2.COLOR_RGB2LAB) * np.float32(0.01)
    masked = np.where(seen, lab[..., 0], np.float32(np.nan))
    slopes = [cues.gradient(np.where(seen, lab[..., k], np.nan).astype(np.float32), 0.7) for k in range(3)]
    edge = np.maximum.reduce([cv2.magnitude(*s) for s in slopes])
    scale = max(float(edge[seen].mean()), _EPS)
    return Epoch(
        lab=lab,
        light=lab[..., 0],
        edge=edge / np.float32(scale),
        green=np.where(seen, cues.vegetation({n: np.where(seen, c, 0) for n, c in colours.items()}), 0),
        rough=cues.fill(cues.local_std(masked, _odd(3.5, pixel_m)), 0.0),
        shadow=cues.shadow_mask({n: np.where(seen, t, np.nan) for n, t in toned.items()}, window_px=_odd(50, pixel_m)),
    )


def _likeness(one: np.ndarray, two: np.ndarray, seen: np.ndarray, size_px: int, floor: float) -> np.ndarray:
    """Normalised cross-correlation of two images in a window, -1..1, damped where both are flat (``floor`` = noise)."""
    a, b = (np.where(seen, cv2.GaussianBlur(image, (0, 0), 1.0), np.nan) for image in (one, two))
    mean_a, mean_b = cues.local_mean(a, size_px), cues.local_mean(b, size_px)
    cross = cues.local_mean(a * b, size_px) - mean_a * mean_b
    var_a = np.maximum(cues.local_mean(a * a, size_px) - mean_a**2, 0)
    var_b = np.maximum(cues.local_mean(b * b, size_px) - mean_b**2, 0)
    return cues.fill((cross + floor**2) / (np.sqrt(var_a * var_b) + floor**2), 1.0)


def compare(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], pixel_m: float) -> Pair:
    """Both dates prepared for measuring; bands as from ``cues.bands``, on one grid."""
    seen = cues.observed(before) & cues.observed(after)
    both = {name: np.concatenate([before[name], after[name]]) for name in ("red", "green", "blue")}
    white, gamma = tone(both, np.concatenate([seen, seen]))
    old, new = (_epoch(colours, seen, pixel_m, white, gamma) for colours in (before, after))
    gap = new.lab - old.lab
    gap -= np.median(gap[seen], axis=0)
    change = np.sqrt(np.einsum("ijk,ijk->ij", gap, gap))
    likeness = _likeness(old.light, new.light, seen, _odd(6, pixel_m), 0.01)
    return Pair(old, new, seen, np.where(seen, change, 0), likeness)
