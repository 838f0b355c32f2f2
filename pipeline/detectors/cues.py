"""Pixel cues: what one image says about each of its pixels. Arrays in, arrays out; no thresholds on change here.

All images are float arrays with dims (rows, cols), reflectance in 0..1, NaN where not observed; all results are float32
(or bool) of the same shape. NaN pixels never leak into their neighbours: windows average what was observed in them.
Lengths carry their unit, ``_px``; callers turn metres into pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import xarray as xr

from ..imagery.order import quantile

_TINY = np.float32(1e-6)


def bands(image: xr.Dataset, more: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Arrays of the dataset's bands red, green, blue and, where it has them, nir and ``more``; float32, dims (y, x)."""
    names = [name for name in ("red", "green", "blue", "nir", *more) if name in image]
    return {name: np.asarray(image[name].transpose("y", "x").values, dtype=np.float32) for name in names}


def observed(colours: Mapping[str, np.ndarray]) -> np.ndarray:
    """True where every band has a finite value, bool (rows, cols)."""
    return np.logical_and.reduce([np.isfinite(band) for band in colours.values()])


def normalised_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(first - second) / (first + second) in -1..1; 0 where both are 0; NaN where either is."""
    first, second = first.astype(np.float32, copy=False), second.astype(np.float32, copy=False)
    return np.clip((first - second) / np.maximum(first + second, _TINY), -1, 1)


def ndvi(red: np.ndarray, nir: np.ndarray) -> np.ndarray:
    """Normalised difference vegetation index, -1..1 (Rouse et al. 1974)."""
    return normalised_difference(nir, red)


def excess_green(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """Excess green of the chromatic coordinates, (2G - R - B) / (R + G + B), -1..2 (Woebbecke et al. 1995)."""
    return (2 * green - red - blue) / np.maximum(red + green + blue, _TINY)


def vegetation(colours: Mapping[str, np.ndarray]) -> np.ndarray:
    """Greenness, 0 at bare surfaces and about 1 on dense leaves: NDVI / 0.6 with a nir band, else excess green / 0.15.

    One scale for both, so that a detector's weights hold with and without nir. Grey (haze) keeps excess green low on
    real leaves: without nir treat a low value as "no leaf seen", not as "no leaf".
    """
    if "nir" in colours:
        return np.clip(ndvi(colours["red"], colours["nir"]) / np.float32(0.6), -1, 1.5)
    return np.clip(excess_green(colours["red"], colours["green"], colours["blue"]) / np.float32(0.15), -1, 1.5)


def brightness(colours: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mean of red, green and blue, reflectance."""
    return (colours["red"] + colours["green"] + colours["blue"]) * np.float32(1 / 3)


def warmth(colours: Mapping[str, np.ndarray]) -> np.ndarray:
    """(R - B) / (R + B), -1..1: soil, grain and tiles are warm; asphalt, concrete and steel near 0; blue roofs cold."""
    return normalised_difference(colours["red"], colours["blue"])


def invariant_blue(colours: Mapping[str, np.ndarray]) -> np.ndarray:
    """Angle 4/pi * atan((B - G) / (B + G)), -1..1: skylight makes shadows blue (Sirmacek and Unsalan 2009)."""
    return np.float32(4 / np.pi) * np.arctan(normalised_difference(colours["blue"], colours["green"]))


def fill(image: np.ndarray, value: float | None = None) -> np.ndarray:
    """``image`` with NaN replaced by ``value``, or by the mean of what was observed (0 when nothing was)."""
    seen = np.isfinite(image)
    if seen.all():
        return image.astype(np.float32, copy=False)
    if value is None:
        value = float(image[seen].mean()) if seen.any() else 0.0
    return np.where(seen, image, np.float32(value)).astype(np.float32)


def smooth(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian mean of the observed pixels within reach; NaN stays where the pixel itself was not observed."""
    seen = np.isfinite(image)
    blurred = cv2.GaussianBlur(fill(image, 0.0), (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    if seen.all():
        return blurred
    weight = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.where(seen, blurred / np.maximum(weight, _TINY), np.float32(np.nan))


@dataclass(frozen=True)
class Means:
    """Means over a square window of ``size_px`` (odd) about each pixel, of what is ``seen`` (bool; rows, cols) in it.

    How much of each window is seen is counted once for all images of one date. Images are 0 where unseen, and so are means.
    """

    seen: np.ndarray
    size_px: int

    @cached_property
    def _weight(self) -> np.ndarray | None:
        if self.seen.all():
            return None
        return np.maximum(self._box(self.seen.astype(np.float32)), _TINY)

    def _box(self, image: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(image, cv2.CV_32F, (self.size_px, self.size_px), borderType=cv2.BORDER_REFLECT)

    def of(self, image: np.ndarray) -> np.ndarray:
        """Mean of the seen pixels, float32; 0 where the centre was not seen."""
        total = self._box(image)
        if self._weight is not None:
            total /= self._weight
            np.copyto(total, np.float32(0), where=~self.seen)
        return total

    def deviation(self, image: np.ndarray) -> np.ndarray:
        """Standard deviation of the seen pixels, same unit as ``image``.

        Taken about the image's mean, which keeps float32 exact enough for a flat roof.
        """
        centred = image - (image[self.seen].mean() if self.seen.any() else np.float32(0))
        np.copyto(centred, np.float32(0), where=~self.seen)
        mean = self.of(centred)
        return np.sqrt(np.maximum(self.of(centred * centred) - mean * mean, 0))


def local_std(image: np.ndarray, size_px: int) -> np.ndarray:
    """Standard deviation over a square window of ``size_px`` (odd), same unit; NaN where the centre was not seen."""
    seen = np.isfinite(image)
    return np.where(seen, Means(seen, size_px).deviation(fill(image, 0.0)), np.float32(np.nan))


def shadow_mask(
    colours: Mapping[str, np.ndarray], *, window_px: int = 101, ratio: float = 0.62, blueness: float = -0.12
) -> np.ndarray:
    """Pixels that are in cast shadow, bool: dark against the surroundings, dark in the whole image, and not green.

    A pixel counts when its brightness is below ``ratio`` times the mean of a window of ``window_px`` (odd), below
    the image's 35th percentile, and its ``invariant_blue`` is above ``blueness`` (skylight; dark leaves and wet
    soil lie lower). Dark roofs, water and fresh asphalt pass too: a shadow is only believed beside what casts it.
    """
    bright = brightness(colours)
    seen = np.isfinite(bright)
    if not seen.any():
        return np.zeros(bright.shape, bool)
    low = quantile(bright[seen], 0.35)
    usual = Means(seen, window_px).of(fill(bright, 0.0))
    mask = seen & (bright < ratio * usual) & (bright <= low)
    at = np.nonzero(mask)  # few pixels are dark: the costly cue is asked of these alone
    mask[at] = invariant_blue({name: colours[name][at] for name in ("blue", "green")}) > blueness
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
