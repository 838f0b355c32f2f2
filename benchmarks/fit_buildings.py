"""Fit the building ranking on real labelled pairs, and say what it scores on sets that it has not seen.

    python benchmarks/fit_buildings.py --leave-out          scores with each origin left out in turn
    python benchmarks/fit_buildings.py --write FILE         fits on all and writes the weights

Examples are the regions that changed and have a roof's size, of each pair at 0.5 and 0.7 m, as it is and with before
and after exchanged (then all are negative). The target rises from 0 at an IoU of 0.25 with a labelled building to 1 at
0.7. Every set has the same weight, buildings a quarter of the rest; a region counts by the square root of its area.
egybcd is never used: its labels are coarse.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parent))
import score_buildings as sb

from pipeline.detectors import building, cues
from pipeline.detectors.comparison import compare
from pipeline.detectors.ranking import Ranking, columns

ORIGIN = {"roadside_vhr": "levir", "levir": "levir", "fotbcd": "fotbcd", "whu": "whu"}
OPTIONS = building.BuildingOptions()


def overlaps(regions: building.Regions, truth: np.ndarray) -> np.ndarray:
    """Of each node: IoU with the building that it meets best, and the share of it that is building, (nodes, 2)."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=4)
    area = regions.sums({"area": np.ones(truth.shape)})["area"]
    best = np.zeros(len(area))
    for k in range(1, count):
        both = regions.sums({"both": labels == k})["both"]
        best = np.maximum(best, both / (area + stats[k, cv2.CC_STAT_AREA] - both))
    return np.stack([best, regions.sums({"truth": truth.astype(float)})["truth"] / area], axis=1)


def examples(name: str) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Columns, overlaps, and whether the pair was exchanged, of all regions of a set that could be new roofs."""
    tables, iou, swapped = [], [], []
    for pixel_m in (0.5, 0.7):
        for _, before, after, truth in sb.pairs(name, pixel_m):
            for swap in (False, True):
                first, second = (after, before) if swap else (before, after)
                old, new = sb.prepared(first, second, pixel_m)
                pair = compare(cues.bands(old), cues.bands(new), pixel_m)
                for one in building.measure_regions(pair, pixel_m, max_area_m2=OPTIONS.max_area_m2, away=None):
                    may = building.could_be_new(one.stats, OPTIONS)
                    tables.append(columns({n: v[may] for n, v in one.stats.items()}))
                    iou.append(overlaps(one.regions, truth & (not swap))[may])
                    swapped.append(np.full(may.sum(), swap))
    return {n: np.concatenate([t[n] for t in tables]) for n in tables[0]}, np.concatenate(iou), np.concatenate(swapped)


def weights(area_m2: np.ndarray, iou: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Weight of each example, sum 1."""
    size = np.sqrt(np.minimum(area_m2, 3000))
    size *= np.where((iou[:, 1] > 0.85) & (iou[:, 0] < 0.5), 0.4, 1)  # parts of a roof are not quite wrong
    out = np.zeros(len(size))
    for name in np.unique(origin):
        for positive, share in ((True, 0.25), (False, 1.0)):
            some = (origin == name) & ((iou[:, 0] > 0.5) == positive)
            out[some] = size[some] / max(size[some].sum(), 1e-9) * share
    return out / out.sum()


def fit(table: dict[str, np.ndarray], iou: np.ndarray, weight: np.ndarray, ridge: float) -> Ranking:
    """The ranking with least weighted cross-entropy."""
    names = tuple(sorted(table))
    raw = np.stack([table[n] for n in names], axis=1)
    mean, scale = raw.mean(0), raw.std(0) + 1e-6
    bends = (np.quantile(raw[iou[:, 0] > 0.5], (0.1, 0.5, 0.9), axis=0).T - mean[:, None]) / scale[:, None]
    start = Ranking(names, mean, scale, bends, np.zeros((len(names), 4)), 0.0)
    x = start.basis(table).reshape(len(raw), -1)
    y = np.clip((iou[:, 0] - 0.25) / 0.45, 0, 1)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w[1:].astype(np.float32) + w[0]
        slope = weight * (1 / (1 + np.exp(-z)) - y)
        value = (weight * (np.logaddexp(0, z) - y * z)).sum() + ridge / 2 * (w[1:] ** 2).sum()
        return float(value), np.concatenate([[slope.sum()], slope.astype(np.float32) @ x + ridge * w[1:]]).astype(float)

    w = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return Ranking(names, mean, scale, bends, w[1:].reshape(-1, 4), float(w[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--ridge", type=float, default=3e-3)
    args = parser.parse_args()
    data = {name: examples(name) for name in ORIGIN}
    table = {n: np.concatenate([d[0][n] for d in data.values()]) for n in data["levir"][0]}
    iou = np.concatenate([d[1] for d in data.values()])
    origin = np.concatenate([[name] * len(d[1]) for name, d in data.items()])
    group = np.array([ORIGIN[name] for name in origin])
    weight = weights(np.exp(table["area_m2"]), iou, origin)
    print(f"{len(iou)} regions, {(iou[:, 0] > 0.5).sum()} of them buildings", flush=True)
    if args.leave_out:
        for left in ("levir", "fotbcd", "whu", ""):
            used = group != left
            ranking = fit({n: v[used] for n, v in table.items()}, iou[used], weight[used], args.ridge)
            building.shipped_ranking = lambda ranking=ranking: ranking  # type: ignore[assignment]
            detector = building.Building()
            for name in [n for n, o in ORIGIN.items() if o == left] or ["egybcd"]:
                print(sb.line(name, *sb.score_set(name, detector)), flush=True)
                print("   exchanged:", sb.line(name, *sb.score_set(name, detector, swap=True)), flush=True)
    if args.write:
        ranking = fit(table, iou, weight, args.ridge)
        args.write.write_text(ranking.to_json(fitted_on=sorted(data), examples=len(iou), ridge=args.ridge) + "\n")


if __name__ == "__main__":
    main()
