"""Images as squares of some metres, and one date in the radiometry of another where cloud and shadow lie on both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_FINE_PX, _WINDOW_PX = 9, 15  # squares: structure is what is smaller than the first, compared in windows of the second
_SAME, _LEAST_SAME = 0.4, 0.02  # correlation of structure that did not change; least share of such places
_MAX_GAIN, _CLEARER = 4.0, 1.2
_LEAST_RESPONSE, _MAX_SHIFT_M = 0.05, 12.0


@dataclass(frozen=True)
class Squares:
    """Means over squares: (bands, rows, cols) float32, NaN where less than half of a square is known."""

    bands: np.ndarray
    side_px: int
    side_m: float

    @property
    def known(self) -> np.ndarray:
        """Squares (bool) that have data."""
        return np.asarray(np.isfinite(self.bands[0]))

    @property
    def grey(self) -> np.ndarray:
        """Mean of the bands."""
        return np.asarray(self.bands.mean(axis=0))

    def px(self, length_m: float) -> int:
        """A length in squares, at least one."""
        return max(1, round(length_m / self.side_m))


@dataclass(frozen=True)
class Other:
    """The other date's squares; whether they are in this one's radiometry; how much of their structure is left here."""

    squares: Squares
    fitted: bool
    gain: float


def squares_of(image: xr.Dataset, names: list[str], pixel_m: float, square_m: float) -> Squares:
    """Means of some bands over squares of about ``square_m``, never less than a pixel."""
    import cv2

    side = max(1, round(square_m / pixel_m))
    layers = [image[name].to_numpy() for name in names]
    known = np.logical_and.reduce([np.isfinite(layer) for layer in layers]).astype(np.float32)
    rows, cols = (math.ceil(size / side) for size in known.shape)
    below, right = rows * side - known.shape[0], cols * side - known.shape[1]

    def mean(layer: np.ndarray) -> np.ndarray:
        whole = cv2.copyMakeBorder(layer, 0, below, 0, right, cv2.BORDER_REPLICATE)
        return cv2.resize(whole, (cols, rows), interpolation=cv2.INTER_AREA)

    share = mean(known)
    usual = share >= 0.5
    means = [
        np.where(usual, mean(np.where(known > 0, layer, 0).astype(np.float32)) / np.maximum(share, 0.5), np.nan)
        for layer in layers
    ]
    return Squares(np.stack(means).astype(np.float32), side, side * pixel_m)


def in_radiometry_of(there: Squares, here: Squares) -> Other:
    """The other date in this one's radiometry.

    Gain is the ratio of spreads of fine structure, offset what is left of the means, both from windows in which fine
    structure correlates: there the ground is seen, though perhaps through a veil or in a shadow. A veil adds light, a
    shadow takes it, and both weaken structure. So the windows are parted into a darker and a brighter half, and the
    half with the stronger structure is the clear one; the darker if there is little between them.
    """
    known = here.known & there.known
    count = np.maximum(_box(known.astype(np.float32), _WINDOW_PX), 1e-6)
    fine = [_fine(squares.grey, known) for squares in (here, there)]
    own = [_box(picture**2, _WINDOW_PX) / count for picture in fine]
    alike = _box(fine[0] * fine[1], _WINDOW_PX) / count / np.sqrt(np.maximum(own[0] * own[1], 1e-12))
    same = known & (alike >= _SAME) & (count > 0.9)
    if np.count_nonzero(same) < max(_LEAST_SAME * np.count_nonzero(known), _WINDOW_PX**2):
        return Other(there, fitted=False, gain=1.0)
    spreads = [[_box(_fine(band, known) ** 2, _WINDOW_PX) for band in squares.bands] for squares in (there, here)]
    whole, _ = _line(there, here, spreads, same)
    added = _box(np.nan_to_num(here.grey - whole.grey), _WINDOW_PX)
    middle = np.median(added[same])
    darker, gain = _line(there, here, spreads, same & (added <= middle))
    brighter, bright_gain = _line(there, here, spreads, same & (added >= middle))
    if bright_gain > _CLEARER * gain:
        return Other(brighter, fitted=True, gain=bright_gain)
    return Other(darker, fitted=True, gain=gain)


def _line(there: Squares, here: Squares, spreads: list[list[np.ndarray]], chosen: np.ndarray) -> tuple[Squares, float]:
    """The other date by gain and offset per band fitted on the chosen squares, and the least gain."""
    bands, gains = [], []
    for x, y, spread_x, spread_y in zip(there.bands, here.bands, *spreads, strict=True):
        gain = math.sqrt(float(np.median(spread_y[chosen] / np.maximum(spread_x[chosen], 1e-9))))
        gains.append(min(max(gain, 1 / _MAX_GAIN), _MAX_GAIN))
        bands.append(x * np.float32(gains[-1]) + np.float32(np.median((y - gains[-1] * x)[chosen])))
    return Squares(np.stack(bands).astype(np.float32), there.side_px, there.side_m), min(gains)


def moved_onto(there: Squares, here: Squares) -> Squares:
    """The other date moved by whole squares onto this one; as it is when no place is clearly the best."""
    import cv2

    known = here.known & there.known
    edge = cv2.createHanningWindow(known.shape[::-1], cv2.CV_32F)
    (cols, rows), response = cv2.phaseCorrelate(_fine(there.grey, known), _fine(here.grey, known), edge)
    move = round(rows), round(cols)
    if response < _LEAST_RESPONSE or move == (0, 0) or max(map(abs, move)) * here.side_m > _MAX_SHIFT_M:
        return there
    matrix = np.array([[1, 0, move[1]], [0, 1, move[0]]], np.float32)
    size = known.shape[::-1]
    bands = [
        cv2.warpAffine(band, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan)
        for band in there.bands
    ]
    return Squares(np.stack(bands), there.side_px, there.side_m)


def _box(image: np.ndarray, side: int) -> np.ndarray:
    import cv2

    return cv2.boxFilter(image, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)


def _fine(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What is smaller than some squares; zero where unknown."""
    weight = np.maximum(_box(known.astype(np.float32), _FINE_PX), 1e-6)
    filled = np.where(known, picture, 0.0).astype(np.float32)
    return np.where(known, filled - _box(filled, _FINE_PX) / weight, 0.0).astype(np.float32)
