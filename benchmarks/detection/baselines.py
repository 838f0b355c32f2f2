"""What any newcomer would try first: change of pixels, whatever changed. Masks without a confidence.

Each takes a prepared pair and gives a bool mask (rows, cols), False where a date was not seen.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from scipy.linalg import eigh
from scipy.special import chdtrc
from skimage.filters import threshold_otsu

from pipeline.detectors.base import View

from .sets import seen_on_both

_SAMPLE_PX = 200_000  # pixels that statistics are made of; they are applied to all


def everything(view: View) -> np.ndarray:
    """All pixels, seen or not."""
    return np.ones(view.grid.shape, bool)


def cva(view: View) -> np.ndarray:
    """Length of the change vector (Malila 1980), parted by Otsu's threshold."""
    before, after, seen = _pixels(view)
    return _over_otsu(np.linalg.norm(after - before, axis=1), seen)


def ir_mad(view: View) -> np.ndarray:
    """Iteratively reweighted multivariate alteration detection (Nielsen 2007), its statistic parted by Otsu's threshold."""
    before, after, seen = _pixels(view)
    pick = _sample(len(before))
    coefficients, mean, variance = _mad(before[pick].astype(float), after[pick].astype(float))
    variates = (np.hstack([before, after]) - mean) @ coefficients
    return _over_otsu(np.sqrt((variates**2 / variance).sum(axis=1)), seen)


def pca_kmeans(view: View, block_px: int = 4, components: int = 3) -> np.ndarray:
    """Two clusters of the blocks of the difference image in its principal components (Celik 2009); the stronger changed."""
    seen = seen_on_both(view.before, view.after)
    grey = [np.nan_to_num(d.to_array("band").mean("band").to_numpy()) for d in (view.before, view.after)]
    gap = np.where(seen, np.abs(grey[1] - grey[0]), 0).astype(np.float32)
    rows, cols = (n // block_px * block_px for n in gap.shape)
    blocks = gap[:rows, :cols].reshape(rows // block_px, block_px, cols // block_px, block_px)
    vectors = blocks.swapaxes(1, 2).reshape(-1, block_px**2)
    mean = vectors.mean(axis=0)
    axes = np.linalg.eigh(np.cov((vectors - mean).T))[1][:, ::-1][:, :components]
    kernels = axes.T.reshape(-1, block_px, block_px).astype(np.float32)
    features = np.stack(
        [cv2.filter2D(gap, cv2.CV_32F, k, borderType=cv2.BORDER_REFLECT)[seen] for k in kernels], axis=1
    )
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    sample = np.ascontiguousarray(features[_sample(len(features))])
    _, _, centres = cv2.kmeans(sample, 2, None, stop, 3, cv2.KMEANS_PP_CENTERS)
    nearest = np.linalg.norm(features[:, None] - centres[None], axis=2).argmin(axis=1)
    strength = [gap[seen][nearest == k].mean() if (nearest == k).any() else 0.0 for k in (0, 1)]
    out = np.zeros(gap.shape, bool)
    out[seen] = nearest == int(np.argmax(strength))
    return out


BASELINES: dict[str, Callable[[View], np.ndarray]] = {
    "everything": everything,
    "CVA+Otsu": cva,
    "IR-MAD+Otsu": ir_mad,
    "PCA-k-means": pca_kmeans,
}


def _pixels(view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bands (pixels, bands) of both dates where both were seen, and where that is (rows, cols)."""
    seen = seen_on_both(view.before, view.after)
    names = [name for name in view.after.data_vars if name in view.before]
    return *(np.stack([d[n].to_numpy()[seen] for n in names], axis=1) for d in (view.before, view.after)), seen


def _sample(count: int) -> slice:
    return slice(None, None, max(1, count // _SAMPLE_PX))


def _over_otsu(strength: np.ndarray, seen: np.ndarray) -> np.ndarray:
    out = np.zeros(seen.shape, bool)
    if np.ptp(strength) > 0:
        out[seen] = strength > threshold_otsu(strength)
    return out


def _mad(before: np.ndarray, after: np.ndarray, rounds: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients (2 bands, bands) of the MAD variates of stacked bands, their mean (2 bands,) and variances (bands,).

    Each round weighs a pixel by the probability that it did not change, until the canonical correlations stand still.
    """
    both, p = np.hstack([before, after]), before.shape[1]
    weight, last = np.ones(len(both)), np.zeros(p)
    for _ in range(rounds):
        mean = np.average(both, axis=0, weights=weight)
        cov = np.cov((both - mean).T, aweights=weight) + 1e-9 * np.eye(2 * p)
        s11, s12, s22 = cov[:p, :p], cov[:p, p:], cov[p:, p:]
        squares, a = eigh(s12 @ np.linalg.solve(s22, s12.T), s11)  # a has unit variance
        rho = np.sqrt(np.clip(squares, 1e-12, 1 - 1e-9))
        b = np.linalg.solve(s22, s12.T @ a) / rho
        coefficients, variance = np.vstack([a, -b]), 2 * (1 - rho)
        chi2 = (((both - mean) @ coefficients) ** 2 / variance).sum(axis=1)
        weight = np.maximum(chdtrc(p, chi2), 1e-6)
        if np.abs(rho - last).max() < 1e-3:
            break
        last = rho
    return coefficients, mean, variance
