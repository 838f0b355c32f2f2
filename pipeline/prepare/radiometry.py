"""One image in the radiometry of another, by gain and offset per band fitted on what did not change.

Unchanged places are told by their structure, not by their brightness: where the picture inside a small window
correlates between the two dates, the same things stand there. That choice is blind to gain and offset, and the fit is
the reduced major axis (the ratio of spreads), so normalising what is normalised already changes nothing. A trimmed
refit drops what changed colour only. Choosing by closeness to the fitted line itself (as IR-MAD does) was found to
collapse on very high resolution pairs onto a few per cent of the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from ..imagery.order import quantile
from ..model.options import Options

if TYPE_CHECKING:
    import xarray as xr


class RadiometryOptions(Options):
    """How unchanged places are chosen and what is fitted on them."""

    window_px: int = Field(
        default=17, ge=3, le=101, multiple_of=1, description="Side of the window whose structure is compared, px."
    )
    average_px: int = Field(
        default=4, ge=1, le=32, description="The fit uses means over squares of this side; they hide small shifts, px."
    )
    min_similarity: float = Field(
        default=0.2, gt=0, lt=1, description="Least correlation of structure of a place that may count as unchanged."
    )
    best_share: float = Field(
        default=0.3, gt=0, le=1, description="Of all squares, at most this share is used: those most alike."
    )
    kept_share: float = Field(
        default=0.7, ge=0.5, le=1, description="Of those, the share that the trimmed fit keeps: those nearest to it."
    )
    min_share: float = Field(
        default=0.05, ge=0, lt=1, description="Least share of squares that must look unchanged; else nothing is fitted."
    )
    min_squares: int = Field(default=100, ge=10, description="Least number of unchanged squares.")
    min_correlation: float = Field(
        default=0.5, gt=0, lt=1, description="Least correlation of a band on the kept squares; else nothing is fitted."
    )
    max_gain: float = Field(
        default=4.0, gt=1, description="A gain beyond this, or below its inverse, is no radiometry: nothing is fitted."
    )


def match(
    before: xr.Dataset, after: xr.Dataset, options: RadiometryOptions | None = None
) -> tuple[xr.Dataset, dict[str, Any]]:
    """``before`` in the radiometry of ``after``, and the evidence.

    dims (y, x) -> same
    .blue .. .nir (in both) -> gain * band + offset, NaN where it was; all as they were if one cannot be fitted
    any other band -> same

    Datasets of one shape; bands that both have are fitted, others stay as they are. All bands or none: when one
    band cannot be fitted the image is returned unchanged, for a half-corrected colour is worse than an uncorrected
    one. The evidence is plain JSON: ``fitted`` (bool), ``note`` (why not), ``squares`` (observed in both images),
    ``share_unchanged`` and ``share_used`` of them, and under ``bands`` per band ``gain``, ``offset``, ``correlation``.
    """
    options = options or RadiometryOptions()
    names = [str(name) for name in after.data_vars if name in before.data_vars]
    x, y, alike = _squares(before, after, names, options)
    evidence: dict[str, Any] = {
        "fitted": False, "note": "", "squares": len(x), "share_unchanged": 0.0, "share_used": 0.0, "bands": {}
    }  # fmt: skip
    if len(x) < options.min_squares:
        return before, evidence | {"note": f"only {len(x)} squares are observed in both images"}
    share = float(np.mean(alike >= options.min_similarity))
    evidence["share_unchanged"] = round(share, 4)
    chosen = np.flatnonzero(alike >= max(options.min_similarity, float(quantile(alike, 1 - options.best_share))))
    if len(chosen) < options.min_squares or share < options.min_share:
        return before, evidence | {"note": f"only {share:.1%} of the image looks unchanged"}
    kept = chosen[_trimmed(x[chosen], y[chosen], options.kept_share)]
    gain, offset, correlation = _axis(x[kept], y[kept])
    evidence["share_used"] = round(len(kept) / len(x), 4)
    evidence["bands"] = {
        name: {"gain": round(float(g), 6), "offset": round(float(o), 6) + 0.0, "correlation": round(float(c), 4)}
        for name, g, o, c in zip(names, gain, offset, correlation, strict=True)
    }
    for name, g, c in zip(names, gain, correlation, strict=True):
        if not c >= options.min_correlation:
            return before, evidence | {"note": f"band {name!r}: unchanged places correlate by {c:.2f} only"}
        if not 1 / options.max_gain <= g <= options.max_gain:
            return before, evidence | {"note": f"band {name!r}: gain {g:.2f} is beyond {options.max_gain:g}"}
    lines = zip(names, gain.astype(np.float32), offset.astype(np.float32), strict=True)
    matched = before.assign({name: before[name].copy(data=before[name].to_numpy() * g + o) for name, g, o in lines})
    return matched, evidence | {"fitted": True}


def _squares(
    before: xr.Dataset, after: xr.Dataset, names: Sequence[str], options: RadiometryOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over squares that both images observe whole, float64 (squares, bands) each, and how alike they are."""
    import cv2

    side = options.average_px
    rows, cols = (size // side for size in (after.sizes["y"], after.sizes["x"]))
    if not names or rows == 0 or cols == 0:
        return np.empty((0, 0)), np.empty((0, 0)), np.empty(0)
    x = np.stack([before[name].to_numpy() for name in names])
    y = np.stack([after[name].to_numpy() for name in names])
    known = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0)

    def means(image: np.ndarray) -> np.ndarray:
        whole = np.ascontiguousarray(image[: rows * side, : cols * side], np.float32)
        return cv2.resize(whole, (cols, rows), interpolation=cv2.INTER_AREA).ravel()

    observed = means(known) > 1 - 1e-3
    alike = means(_similarity(x, y, known, options.window_px))
    before_means, after_means = (np.stack([means(band) for band in image], axis=1) for image in (x, y))
    return before_means[observed].astype(np.float64), after_means[observed].astype(np.float64), alike[observed]


def _similarity(x: np.ndarray, y: np.ndarray, known: np.ndarray, window_px: int) -> np.ndarray:
    """Correlation of two pictures (bands, rows, cols) in a window about each pixel, all bands together, -1..1."""
    import cv2

    if not known.any():
        return np.zeros(known.shape, np.float32)

    def summed(image: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(image, cv2.CV_32F, (window_px, window_px), normalize=True, borderType=cv2.BORDER_REFLECT)

    # Of all bands together: products of values, of which means are taken once, and products of means.
    products, means = (np.zeros((3, *known.shape), np.float32) for _ in range(2))
    for band_x, band_y in zip(x, y, strict=True):
        u, v = (_standardised(band, known) for band in (band_x, band_y))
        for one, two, into in ((u, v, products), (summed(u), summed(v), means)):
            cv2.accumulateProduct(one, two, into[0])
            cv2.accumulateSquare(one, into[1])
            cv2.accumulateSquare(two, into[2])
    inverse = 1 / np.maximum(summed(known.astype(np.float32)), np.float32(1e-6))
    together, own_x, own_y = (
        (summed(product) - mean * inverse) * inverse for product, mean in zip(products, means, strict=True)
    )
    return together / np.sqrt(np.maximum(own_x, 1e-6) * np.maximum(own_y, 1e-6))


def _standardised(band: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Zero mean and unit spread over the known pixels, zero elsewhere."""
    import cv2

    mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(band, mask=known.view(np.uint8)))
    out = ((band - np.float32(mean)) * np.float32(1 / (spread or 1.0))).astype(np.float32, copy=False)
    np.copyto(out, np.float32(0), where=~known)
    return out


def _trimmed(x: np.ndarray, y: np.ndarray, share: float) -> np.ndarray:
    """Which samples (bool) lie nearest to the axis fitted on themselves, all bands together (concentration steps)."""
    kept = np.ones(len(x), bool)
    for _ in range(20):
        gain, offset, _ = _axis(x[kept], y[kept])
        scale = y[kept].std(axis=0)
        distance = np.sum(((y - gain * x - offset) / np.where(scale > 0, scale, 1.0)) ** 2, axis=1)
        nearest = distance <= quantile(distance, share)
        if np.array_equal(nearest, kept):
            break
        kept = nearest
    return kept


def _axis(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gain, offset and correlation, per band, of the reduced major axis of y on x; correlation 0 if constant."""
    spread_x, spread_y = x.std(axis=0), y.std(axis=0)
    usable = (spread_x > 0) & (spread_y > 0)
    product = np.where(usable, spread_x * spread_y, 1.0)
    gain = np.where(usable, spread_y / np.where(usable, spread_x, 1.0), 1.0)
    correlation = np.mean((x - x.mean(axis=0)) * (y - y.mean(axis=0)), axis=0) / product
    return gain, y.mean(axis=0) - gain * x.mean(axis=0), np.where(usable, correlation, 0.0)
