"""The regions of a pair of images, of all sizes, with the statistics of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from . import cues, roof
from .comparison import Pair
from .objects import Borders, Regions, superpixels

_TREES = ((1.0, 1.0), (0.4, 1.5))  # weights of lightness and of colour in each tree


@dataclass(frozen=True)
class Measured:
    """One tree of regions and the statistics of its nodes, each (nodes,)."""

    regions: Regions
    stats: Mapping[str, np.ndarray]


def _relief(image: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Gradient (rows, cols) of the channel that has most of it."""
    slopes = [cues.gradient(np.where(seen, image[..., k], np.float32(np.nan)), 0.7) for k in range(3)]
    return np.maximum.reduce([cv2.magnitude(*slope) for slope in slopes])


def measure_regions(
    pair: Pair, pixel_m: float, *, max_area_m2: float, away: tuple[float, float] | None
) -> list[Measured]:
    """The trees of a pair, measured; ``away`` is where shadows fall (col, row), found from the image when None."""
    weighed = [pair.after.lab * np.array([light, colour, colour], np.float32) for light, colour in _TREES]
    weighed = [cv2.bilateralFilter(image, 5, 0.06, 1.5) for image in weighed]
    reliefs = [_relief(image, pair.seen) for image in weighed]
    labels = superpixels(np.maximum.reduce(reliefs), pair.seen)
    borders = Borders.between(labels)
    found = []
    for image, relief in zip(weighed, reliefs, strict=True):
        edge = relief / max(float(relief[pair.seen].mean()), 1e-6)
        regions = Regions.grow(labels, image, edge, max_area_px=max_area_m2 / pixel_m**2, borders=borders)
        found.append((regions, *roof.measure(pair, regions, pixel_m)))
    if away is None:
        sides = {name: np.concatenate([side[name] for _, _, side in found]) for name in found[0][2]}
        away = roof.shadow_direction(sides, np.concatenate([roof.likely_roof(stats) for _, stats, _ in found]))
    for _, stats, sides in found:
        roof.add_shade(stats, sides, away)
    return [Measured(regions, stats) for regions, stats, _ in found]
