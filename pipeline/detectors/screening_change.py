"""What changed between two takes at 10 m beyond what season, light and crops changed all over the scene.

The later image is predicted from all bands of the earlier one by a linear map, fitted robustly on the scene itself
(chronochrome: Schaum and Stocker 1997, "Spectrally selective target detection"; reweighted as in IR-MAD, Nielsen 2007).
What most of the scene did is thereby explained, gain, offset and haze with it; the Mahalanobis distance of the rest is the
change. Whether the changed ground could be built-up is told by what stands there later: no vegetation, no water.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.special import expit, gammaincinv

from . import cues

_FIT_PX = 50_000  # pixels that the prediction is fitted on, evenly spread
_LEAST_PX = 300
_ROUNDS = 8
_NOISE = 0.003  # reflectance; residuals of that size are noise, however still the scene
_SOFT = 3.0  # distances over this many medians lose weight in the fit
_FAR, _STEEP = 2.5, 1.2  # medians of the distance at which a change is as likely as not; slope of the logistic
_NDVI, _NDVI_SOFT = 0.40, 0.06  # above, the ground is vegetated
_WATER, _WATER_SOFT = 0.12, 0.06  # MNDWI (Xu 2006), or NDWI (McFeeters 1996) without short-wave infrared
_LOSS, _LOSS_SOFT = 0.10, 0.02  # NDVI lost beyond the season
_GAIN, _GAIN_SOFT = 4.0, 1.0  # brightening beyond the season, in deviations of the scene
_LIT, _LIT_SOFT = 0.85, 0.05  # visible brightness, as a share of the scene's bare and built ground
_BARE_NDVI = 0.2


@dataclass(frozen=True)
class Change:
    """Of each pixel (rows, cols; float32, NaN where either image is): what a pair says.

    ``surface``: chance-like score 0..1 that the surface changed and is neither vegetated nor water later; ``grown``: the
    same for vegetation that gave way to ground as bright as the scene's bare and built ground. ``distance``: change in
    medians of the scene; ``loss``: NDVI lost beyond the season; ``gain``: brightening beyond it in deviations.
    ``ndvi_before``, ``ndvi_after`` as seen.
    """

    surface: np.ndarray
    grown: np.ndarray
    distance: np.ndarray
    loss: np.ndarray
    gain: np.ndarray
    ndvi_before: np.ndarray
    ndvi_after: np.ndarray


def change(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], *, smooth_px: float) -> Change | None:
    """The change of a pair: bands by name (rows, cols), reflectance, NaN where not observed; red, green, blue, nir needed.

    ``smooth_px``: sigma of the smoothing first, which hides what is left of a shift. None where fewer than 300 pixels
    are seen in both: the season cannot be told from them.
    """
    names = [name for name in after if name in before]
    was, now = ({name: cues.smooth(image[name], smooth_px) for name in names} for image in (before, after))
    seen = cues.observed(was) & cues.observed(now)
    if np.count_nonzero(seen) < _LEAST_PX:
        return None
    x, y = (np.stack([image[name][seen] for name in names]).astype(np.float64) for image in (was, now))
    expected, far = _predicted(x, y)
    season = {name: _spread_out(expected[k], seen) for k, name in enumerate(names)}
    distance = _spread_out(far, seen)
    ndvi_before, ndvi_after = (cues.ndvi(image["red"], image["nir"]) for image in (was, now))
    loss = cues.ndvi(season["red"], season["nir"]) - ndvi_after
    rise = cues.brightness(now) - cues.brightness(season)
    gain = rise / max(1.4826 * float(np.nanmedian(np.abs(rise))), _NOISE)
    wet = cues.normalised_difference(now["green"], now.get("swir16", now["nir"]))
    open_ground = expit((_NDVI - ndvi_after) / _NDVI_SOFT) * expit((_WATER - wet) / _WATER_SOFT)
    surface = expit((distance - _FAR) * _STEEP) * open_ground
    lit = _lit(now, distance, ndvi_after, wet)
    built = np.minimum(expit((gain - _GAIN) / _GAIN_SOFT), expit((lit - _LIT) / _LIT_SOFT))
    grown = np.minimum.reduce([surface, expit((loss - _LOSS) / _LOSS_SOFT), built])  # as true as its weakest part
    maps = (surface, grown, distance, loss, gain, ndvi_before, ndvi_after)
    return Change(*(np.where(seen, one, np.nan).astype(np.float32) for one in maps))


def _predicted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The later bands as the earlier ones let expect them, and how far the real ones lie from that; (bands, n), (n,).

    The distance is in units of its own median, but not of less than what noise alone gives.
    """
    design = np.vstack([x, np.ones(x.shape[1])])
    some = slice(None, None, max(1, x.shape[1] // _FIT_PX))
    a, b = design[:, some], y[:, some]
    usual = np.sqrt(2 * gammaincinv(len(y) / 2, 0.5))  # median of chi-squared; scipy.stats is slow to import
    # The first weights are those of plain differences: bright ground that is gone pulls hard on a fit of all.
    plain = b - x[:, some]
    plain -= np.median(plain, axis=1, keepdims=True)
    weight = _weight(np.linalg.norm(plain / (np.median(np.abs(plain), axis=1, keepdims=True) + _NOISE), axis=0), usual)
    for _ in range(_ROUNDS):
        gram = (a * weight) @ a.T / weight.sum()
        # A touch of ridge: two bands that say the same must not make the fit fail.
        fit = np.linalg.solve(gram + 1e-8 * np.eye(len(gram)), (a * weight) @ b.T / weight.sum())
        rest = b - fit.T @ a
        cover = (rest * weight) @ rest.T / weight.sum() + _NOISE**2 * np.eye(len(y))
        whiten = np.linalg.inv(np.linalg.cholesky(cover))
        far = np.linalg.norm(whiten @ rest, axis=0)
        median = max(float(np.median(far)), usual)
        weight = _weight(far, median)
    expected = fit.T @ design
    return expected, np.linalg.norm(whiten @ (y - expected), axis=0) / median


def _weight(far: np.ndarray, median: float) -> np.ndarray:
    """Near 1 for distances of the usual size, falling fast beyond three times that."""
    return 1 / (1 + (far / (_SOFT * max(median, float(np.median(far))))) ** 4)


def _lit(now: Mapping[str, np.ndarray], distance: np.ndarray, ndvi: np.ndarray, wet: np.ndarray) -> np.ndarray:
    """Visible brightness as a share of that of the scene's steady bare and built ground; 1 where it has none."""
    light = cues.brightness(now)
    steady = (distance < 2) & (ndvi < _BARE_NDVI) & (wet < 0)
    if np.count_nonzero(steady) < _LEAST_PX // 10:
        return np.ones_like(light)
    return light / np.float32(np.median(light[steady]))


def _spread_out(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    out = np.full(seen.shape, np.nan, np.float32)
    out[seen] = values
    return out


def texture(image: Mapping[str, np.ndarray], size_px: int = 5) -> np.ndarray:
    """Standard deviation of visible brightness over a small window, reflectance: roofs and yards are rougher than a field."""
    return cues.local_std(cues.brightness(image), size_px)


def opened(mask: np.ndarray) -> np.ndarray:
    """``mask`` less what is one pixel wide: seams of fields and rims that a shift leaves."""
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
