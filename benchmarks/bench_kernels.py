"""Functions that see every pixel, beside plain numpy, scipy and scikit-image forms and a copy of memory, in turn.

Medians of wall time. A peer answers the same question, and where the answers can be equal that is asserted. What changed
between two dates is held against IR-MAD (Nielsen 2007), five rounds of its formulas as they stand in the paper: another
method to the same end. Takes a minute.

    python benchmarks/bench_kernels.py [--side 1536] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable

import cv2
import numpy as np
from goals import judged
from scipy import linalg, ndimage
from scipy.stats import chi2
from skimage.filters import apply_hysteresis_threshold
from skimage.metrics import structural_similarity
from skimage.morphology import footprint_rectangle, opening

from pipeline.detectors import cues
from pipeline.detectors.comparison import compare
from pipeline.detectors.from_probability import hysteresis
from pipeline.detectors.screening_change import change, opened
from pipeline.prepare.radiometry import _similarity

BANDS = ("blue", "green", "red", "nir")
WINDOW_PX = 9
Bands = dict[str, np.ndarray]


class Clock:
    """Takes turns between a function and its peer and prints both, in Mpx/s of a picture."""

    def __init__(self, side: int, rounds: int) -> None:
        self.mpx, self.rounds = side * side / 1e6, rounds

    def seconds(self, *runs: Callable[[], object]) -> list[float]:
        """Medians of the runs, after one warm-up of each."""
        taken: list[list[float]] = [[] for _ in runs]
        for run in runs:
            run()
        for _ in range(self.rounds):
            for run, seconds in zip(runs, taken, strict=True):
                start = time.perf_counter()
                run()
                seconds.append(time.perf_counter() - start)
        return [statistics.median(seconds) for seconds in taken]

    def duel(self, name: str, ours: Callable[[], object], peer: Callable[[], object], peer_name: str) -> float:
        """How many times faster than the peer."""
        mine, theirs = self.seconds(ours, peer)
        print(f"{name:44} {self.mpx / mine:8.1f} Mpx/s   {theirs / mine:6.2f} x {peer_name} ({self.mpx / theirs:.1f})")
        return theirs / mine


def pair(side: int) -> tuple[Bands, Bands]:
    """Two dates of fields and roofs, float32 reflectance by band; the later one in other light and with new roofs."""
    rng = np.random.default_rng(0)
    land = np.full((side, side, 4), (0.06, 0.08, 0.07, 0.3), np.float32)
    for k in range(1600):
        box = cv2.boxPoints((rng.uniform(0, side, 2).tolist(), rng.uniform(8, 90, 2).tolist(), rng.uniform(0, 180)))
        if k == 1200:
            before = land.copy()
        cv2.fillPoly(land, [box.astype(np.int32)], rng.uniform(0.03, 0.4, 4).tolist())
    dates = (before, land * np.float32(0.85) + np.float32(0.02))
    noisy = [date + rng.normal(0, 0.01, date.shape).astype(np.float32) for date in dates]
    old, new = ({name: np.ascontiguousarray(date[..., k]) for k, name in enumerate(BANDS)} for date in noisy)
    return old, new


def plain_std(image: np.ndarray) -> np.ndarray:
    """Standard deviation in a window by two box filters, as scipy users write it."""
    mean = ndimage.uniform_filter(image, WINDOW_PX, mode="mirror")
    return np.sqrt(np.maximum(ndimage.uniform_filter(image * image, WINDOW_PX, mode="mirror") - mean * mean, 0))


def ir_mad(before: Bands, after: Bands, rounds: int = 5) -> np.ndarray:
    """Chi-squared of the multivariate alteration, canonical variates reweighted by the chance of no change."""
    x, y = (np.stack([date[name].ravel() for name in BANDS]).astype(np.float64) for date in (before, after))
    count = len(BANDS)
    weight = np.ones(x.shape[1])
    for _ in range(rounds):
        covariance = np.cov(np.vstack([x, y]), aweights=weight)
        xx, xy, yy = covariance[:count, :count], covariance[:count, count:], covariance[count:, count:]
        squared, a = linalg.eigh(xy @ np.linalg.solve(yy, xy.T), xx)
        b = np.linalg.solve(yy, xy.T @ a)
        b /= np.sqrt(np.einsum("ij,ik,kj->j", b, yy, b))
        mean_x, mean_y = (np.average(z, axis=1, weights=weight)[:, None] for z in (x, y))
        variates = a.T @ (x - mean_x) - b.T @ (y - mean_y)
        variance = 2 * (1 - np.sqrt(np.clip(squared, 0, 1 - 1e-9)))
        distance = (variates**2 / variance[:, None]).sum(axis=0)
        weight = chi2.sf(distance, count)
    return distance.reshape(before["red"].shape)


def windows(clock: Clock, old: Bands, new: Bands) -> None:
    """Functions of a window about each pixel."""
    image = new["red"]
    inner = (slice(WINDOW_PX, -WINDOW_PX),) * 2
    assert np.allclose(cues.local_std(image, WINDOW_PX)[inner], plain_std(image)[inner], atol=1e-3)
    ratio = clock.duel(
        f"local deviation, {WINDOW_PX} px",
        lambda: cues.local_std(image, WINDOW_PX),
        lambda: plain_std(image),
        "scipy's box filters",
    )
    judged("local deviation: times scipy's speed", ratio, least=4)
    known = np.ones(image.shape, bool)
    ratio = clock.duel(
        "likeness of structure, 7 px",
        lambda: _similarity(old["red"][None], new["red"][None], known, 7),
        lambda: structural_similarity(old["red"], new["red"], win_size=7, data_range=1.0, full=True),
        "scikit-image's SSIM",
    )
    judged("likeness of structure: times scikit-image's speed", ratio, least=4)


def masks(clock: Clock, old: Bands, new: Bands) -> None:
    """From a map of values to a mask."""
    gap = np.abs(new["red"] - old["red"])
    assert np.array_equal(hysteresis(gap, low=0.1, high=0.2), apply_hysteresis_threshold(gap, 0.1, 0.2))
    clock.duel(
        "hysteresis",
        lambda: hysteresis(gap, low=0.1, high=0.2),
        lambda: apply_hysteresis_threshold(gap, 0.1, 0.2),
        "scikit-image's",
    )
    mask = gap > 0.1
    clock.duel(
        "opening of a mask, 2 px",
        lambda: opened(mask),
        lambda: opening(mask, footprint_rectangle((2, 2))),
        "scikit-image's",
    )


def changes(clock: Clock, old: Bands, new: Bands) -> None:
    """What changed between two dates, in colour and against what the scene lets expect."""
    band_s, vectors_s, change_s, mad_s, compare_s = clock.seconds(
        new["red"].copy,
        lambda: np.sqrt(sum((new[name] - old[name]) ** 2 for name in BANDS)),
        lambda: change(old, new, smooth_px=0.7),
        lambda: ir_mad(old, new),
        lambda: compare(old, new, 0.5),
    )
    for name, seconds in (
        ("copy of one band (the limit)", band_s),
        ("plain change vectors, 4 bands, numpy", vectors_s),
        ("comparison of two dates, colour, edges, shadow", compare_s),
        ("change beyond the season, 4 bands", change_s),
        ("IR-MAD, 4 bands, 5 rounds, plain numpy", mad_s),
    ):
        print(f"{name:46} {clock.mpx / seconds:8.1f} Mpx/s   {seconds / band_s:7.1f} copies of a band")
    judged("change beyond the season: times the speed of plain IR-MAD", mad_s / change_s, least=1)
    for name, run in (("change beyond the season", lambda: change(old, new, smooth_px=0.7)),
                      ("IR-MAD, plain numpy", lambda: ir_mad(old, new))):  # fmt: skip
        tracemalloc.start()
        run()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"  {name}: {peak / clock.mpx / 1e6:.0f} bytes a pixel beyond the images")


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1536, help="side of the pictures, px")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    clock = Clock(asked.side, asked.rounds)
    old, new = pair(asked.side)
    windows(clock, old, new)
    masks(clock, old, new)
    changes(clock, old, new)


if __name__ == "__main__":
    main()
