"""What the network learns from: labelled pairs, places where nothing was built, simulated worlds; all at 0.5 m.

``target``: 1 a new building, 0 none, ``UNKNOWN`` where a label does not say. Sets that label any change (dsifn, sztaki)
teach only where nothing changed. Labels of egybcd are blots: their rims are unknown.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import xarray as xr
from detection import sets as sb

from pipeline.detectors import cues
from pipeline.detectors.comparison import tone
from pipeline.simulate import Events, WorldOptions, simulate

UNKNOWN = 255
PIXEL_M = 0.5
# Of each set: the origin with which it is left out, and its share of the training crops.
SETS = {
    "roadside_vhr": ("levir", 0.12),
    "levir": ("levir", 0.20),
    "fotbcd": ("fotbcd", 0.20),
    "whu": ("whu", 0.20),
    "egybcd": ("egybcd", 0.06),
    "dsifn": ("dsifn", 0.06),
    "sztaki": ("sztaki", 0.06),
    "deepglobe": ("deepglobe", 0.04),
    "simulated": ("simulated", 0.06),
}


@dataclass(frozen=True)
class Sample:
    """One place: toned RGB (rows, cols, 3) float32 in 0..1 of both dates, and its target, uint8."""

    set: str
    before: np.ndarray
    after: np.ndarray
    target: np.ndarray


def toned(before: xr.Dataset, after: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Both dates as the network sees them: the window's median brightness at 0.4, its brightest 2 % at 1."""
    one, two = cues.bands(before), cues.bands(after)
    seen = cues.observed(one) & cues.observed(two)
    white, gamma = tone(two, seen)

    def rgb(bands: dict[str, np.ndarray]) -> np.ndarray:
        stack = np.dstack([bands[n] for n in ("red", "green", "blue")])
        return np.power(np.clip(np.nan_to_num(stack) / white, 0, 1), gamma).astype(np.float32)

    return rgb(one), rgb(two)


def _target(name: str, truth: np.ndarray) -> np.ndarray:
    out = truth.astype(np.uint8)
    if name in ("dsifn", "sztaki"):
        near = cv2.dilate(out, np.ones((9, 9), np.uint8))
        return np.where(near > 0, UNKNOWN, 0).astype(np.uint8)
    if name == "egybcd":
        sure, near = cv2.erode(out, np.ones((7, 7), np.uint8)), cv2.dilate(out, np.ones((3, 3), np.uint8))
        return np.where(sure > 0, 1, np.where(near > 0, UNKNOWN, 0)).astype(np.uint8)
    return out


def _real(name: str) -> Iterator[Sample]:
    for _, before, after, truth in sb.pairs(name, PIXEL_M):
        yield Sample(name, *toned(sb.dataset(before), sb.dataset(after)), _target(name, truth))


def _deepglobe() -> Iterator[Sample]:
    for path in sorted((sb.REAL / "roads_deepglobe").rglob("*sat*")):
        image = toned(*[sb.dataset(sb.read(path))] * 2)[0]
        yield Sample("deepglobe", image, image, np.zeros(image.shape[:2], np.uint8))


def _worlds() -> Iterator[Sample]:
    events = Events(building_inside=4, building_astride=3, building_outside=4, demolished=1)
    for seed in (101, 102, 103):
        with tempfile.TemporaryDirectory() as folder:
            simulate(Path(folder), WorldOptions(seed=seed, km=1.5, series=False, events=events))
            for before, after, truth in sb.sheets(Path(folder)):
                both = toned(before[["red", "green", "blue"]], after[["red", "green", "blue"]])
                dark = np.isnan(before["red"].to_numpy() + after["red"].to_numpy())
                yield Sample("simulated", *both, np.where(dark, UNKNOWN, truth).astype(np.uint8))


def samples(name: str) -> list[Sample]:
    """All places of one set."""
    if name == "simulated":
        return list(_worlds())
    return list(_deepglobe() if name == "deepglobe" else _real(name))
