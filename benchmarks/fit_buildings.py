"""Fit the building ranking on real labelled pairs, and say what it scores on sets that it has not seen.

    python benchmarks/fit_buildings.py [--write pipeline/detectors/building_weights.json]

prints the scores of each set when it, and all of its origin, was left out, then fits on all.
Examples are the regions that changed and have a roof's size, of each pair as it is and as other sensors would see it,
and with before and after exchanged (then all are negative). The target rises from 0 at an IoU of 0.25 with a labelled
building to 1 at 0.7. Every set has the same weight, buildings a quarter of the rest; a region counts by the square root
of its area. egybcd is never used: its labels are coarse. dsifn and sztaki, where any change is labelled, give fields and
villages in which
no building is new; simulated worlds give blue and red roofs beside fields.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import xarray as xr
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parent))
import score_buildings as sb

from pipeline.detectors import building, cues
from pipeline.detectors.comparison import Pair, compare
from pipeline.detectors.measuring import Measured, measure_regions
from pipeline.detectors.objects import Regions
from pipeline.detectors.ranking import Ranking, columns
from pipeline.imagery.raster import burn
from pipeline.simulate import Events, WorldOptions, simulate

TESTED = {"roadside_vhr": "levir", "levir": "levir", "fotbcd": "fotbcd", "whu": "whu"}
UNKNOWN = ("dsifn", "sztaki")  # labels of any change: what is not labelled is no new building, the rest is not used
ORIGIN = TESTED | {name: name for name in (*UNKNOWN, "simulated")}
KEPT = 0.3  # share of the regions that are no buildings
OPTIONS = building.BuildingOptions()


def looks(name: str) -> Iterator[tuple[float, xr.Dataset, xr.Dataset, np.ndarray]]:
    """(pixel_m, before, after, truth) of a set as examples: each pair as it is and twice as another sensor sees it.

    Pixel size, blur, white balance, colourfulness, gamma and noise vary, of both dates alike; each also exchanged, with
    nothing new in it.
    """
    if name == "simulated":
        yield from _worlds()
        return
    random = np.random.default_rng(7)
    for turn in range(1 if name == "sztaki" else 3):
        pixel_m = {"sztaki": 1.0}.get(name, 0.5) if turn == 0 else float(random.uniform(0.45, 0.8))
        for _, before, after, truth in sb.pairs(name, pixel_m):
            if turn:
                balance, colour = random.uniform(0.85, 1.18, 3), random.uniform(0.4, 1.3)
                gamma, blur = random.uniform(0.7, 1.4), random.uniform(0.3, 1.0)
                before, after = (  # noqa: PLW2901
                    _seen_otherwise(i, balance, colour, gamma, blur, random) for i in (before, after)
                )
            yield pixel_m, *sb.prepared(before, after, pixel_m), truth
            yield pixel_m, *sb.prepared(after, before, pixel_m), truth & (name in UNKNOWN)


def _worlds() -> Iterator[tuple[float, xr.Dataset, xr.Dataset, np.ndarray]]:
    """Simulated sheets with many buildings, in both orders; half of them without nir."""
    events = Events(building_inside=4, building_astride=3, building_outside=4, demolished=1)
    for seed in (101, 102, 103):
        with tempfile.TemporaryDirectory() as folder:
            simulate(Path(folder), WorldOptions(seed=seed, km=1.5, series=False, events=events))
            for before, after, truth in sb.sheets(Path(folder)):
                some = ["red", "green", "blue"] + ["nir"] * (seed % 2)
                yield 0.5, *sb.laid_over(before[some], after[some], 0.5), truth
                yield 0.5, *sb.laid_over(after[some], before[some], 0.5), np.zeros_like(truth)


def _seen_otherwise(
    rgb: np.ndarray, balance: np.ndarray, colour: float, gamma: float, blur: float, random: np.random.Generator
) -> np.ndarray:
    x = cv2.GaussianBlur(rgb.astype(np.float32) / 255, (0, 0), blur)
    grey = x.mean(axis=2, keepdims=True)
    x = np.clip((grey + colour * (x - grey)) * balance, 0, 1) ** gamma + random.normal(0, 0.01, x.shape)
    return np.clip(x * 255, 0, 255).astype(np.uint8)


def overlaps(regions: Regions, truth: np.ndarray) -> np.ndarray:
    """Of each node: IoU with the building that it meets best, and the share of it that is building, (nodes, 2)."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=4)
    area = regions.sums({"area": np.ones(truth.shape)})["area"]
    best = np.zeros(len(area))
    for k in range(1, count):
        both = regions.sums({"both": labels == k})["both"]
        best = np.maximum(best, both / (area + stats[k, cv2.CC_STAT_AREA] - both))
    return np.stack([best, regions.sums({"truth": truth.astype(float)})["truth"] / area], axis=1)


def measured(before: xr.Dataset, after: xr.Dataset, pixel_m: float) -> tuple[Pair, list[Measured]]:
    """The detector's own measures of a pair."""
    pair = compare(cues.bands(before), cues.bands(after), pixel_m)
    return pair, measure_regions(pair, pixel_m, max_area_m2=OPTIONS.max_area_m2, away=None)


def examples(name: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns and overlaps of all regions of a set that could be new roofs."""
    tables, iou, thinned = [], [], np.random.default_rng(11)
    for pixel_m, before, after, truth in looks(name):
        for one in measured(before, after, pixel_m)[1]:
            may = building.could_be_new(one.stats, OPTIONS)
            met = overlaps(one.regions, truth)
            may &= (met[:, 0] > 0.25) | (thinned.random(len(may)) < KEPT)
            if name in UNKNOWN:
                may &= met[:, 1] < 0.05
                met[:] = 0
            tables.append(columns({n: v[may] for n, v in one.stats.items()}))
            iou.append(met[may])
    return {n: np.concatenate([t[n] for t in tables]) for n in tables[0]}, np.concatenate(iou)


def weights(area_m2: np.ndarray, iou: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Weight of each example, sum 1."""
    size = np.sqrt(np.minimum(area_m2, 3000))
    size *= np.where((iou[:, 1] > 0.85) & (iou[:, 0] < 0.5), 0.4, 1)  # parts of a roof are not quite wrong
    size /= np.where(iou[:, 0] > 0.25, 1, KEPT)
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


OBJECT = ("score", "size", "rectangle", "solidity", "straight", "right_angled", "weakest_side", "shade", "shade_sun",
          "shadow", "rough", "inner_edge", "strong", "contrast", "convexity", "green", "cut", "change", "likeness",
          "size_change", "size_rectangle")  # fmt: skip


def object_examples(name: str, ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """Statistics (n, OBJECT) of the objects that a ranking of regions gives on a set, and whether each is right."""
    rows, right = [], []
    for pixel_m, before, after, truth in looks(name):
        pair, trees = measured(before, after, pixel_m)
        grid = sb.view(before, after, pixel_m).grid
        some = building.objects(building.select(trees, ranking, OPTIONS), trees, pair, grid, OPTIONS)
        for one in some:
            mask = burn([one.shape], grid) > 0
            if name not in UNKNOWN or not (truth & mask).any():
                rows.append([one.stats[n] for n in OBJECT])
                right.append(_is_right(mask, truth))
    return np.array(rows).reshape(-1, len(OBJECT)), np.array(right, dtype=float)


def _is_right(mask: np.ndarray, truth: np.ndarray) -> float:
    """1 when the object meets a labelled building with an IoU of 0.3 or more, else half the share of it that is one."""
    _, labels = cv2.connectedComponents(truth.astype(np.uint8), connectivity=4)
    both = np.bincount(labels[mask], minlength=labels.max() + 1)[1:]
    size = np.bincount(labels.ravel(), minlength=labels.max() + 1)[1:]
    iou = (both / np.maximum(size + mask.sum() - both, 1)).max(initial=0)
    return 1.0 if iou >= 0.3 else 0.5 * float(truth[mask].mean()) if mask.any() else 0.0


def fit_objects(stats: np.ndarray, right: np.ndarray, weight: np.ndarray, ridge: float) -> Ranking:
    """A plain logistic (no bends) of the statistics of objects; weights are not rebalanced, so it is calibrated."""
    mean, scale = stats.mean(0), stats.std(0) + 1e-6
    x = np.clip((stats - mean) / scale, -5, 5)
    weight = weight / weight.sum()

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w[1:] + w[0]
        slope = weight * (1 / (1 + np.exp(-z)) - right)
        value = (weight * (np.logaddexp(0, z) - right * z)).sum() + ridge / 2 * (w[1:] ** 2).sum()
        return float(value), np.concatenate([[slope.sum()], slope @ x + ridge * w[1:]])

    w = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    linear = np.concatenate([w[1:, None], np.zeros((len(OBJECT), 3))], axis=1)
    return Ranking(OBJECT, mean, scale, np.zeros((len(OBJECT), 3)), linear, float(w[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--leave-out", default="", help="origin whose sets the written weights must not have seen")
    parser.add_argument("--ridge", type=float, default=1e-2)
    parser.add_argument("--object-ridge", type=float, default=1e-2)
    args = parser.parse_args()
    for name in [n for n, o in ORIGIN.items() if o == args.leave_out]:
        del ORIGIN[name]
    data = {name: examples(name) for name in ORIGIN}
    table = {n: np.concatenate([d[0][n] for d in data.values()]) for n in next(iter(data.values()))[0]}
    iou = np.concatenate([d[1] for d in data.values()])
    origin = np.concatenate([[name] * len(d[1]) for name, d in data.items()])
    group = np.array([ORIGIN[name] for name in origin])
    weight = weights(np.exp(table["area_m2"]), iou, origin)
    print(f"{len(iou)} regions, {(iou[:, 0] > 0.5).sum()} of them buildings", flush=True)

    # Objects are ranked on sets that the ranking of regions has not seen, or their scores would look too good.
    left_out = {}
    for left in sorted(set(TESTED.values()) - {args.leave_out}):
        used = group != left
        left_out[left] = fit({n: v[used] for n, v in table.items()}, iou[used], weight[used], args.ridge)
    first = fit(table, iou, weight, args.ridge)
    seconds = {name: object_examples(name, left_out.get(o, first)) for name, o in ORIGIN.items()}
    stats, right = (np.concatenate([s[k] for s in seconds.values()]) for k in (0, 1))
    whose = np.concatenate([[ORIGIN[n]] * len(s[1]) for n, s in seconds.items()])
    share = np.concatenate([np.full(len(s[1]), 1 / np.sqrt(len(s[1]) + 1)) for s in seconds.values()])
    print(f"{len(right)} objects, {(right == 1).sum()} of them right", flush=True)
    for left, ranking in left_out.items():
        used = whose != left
        second = fit_objects(stats[used], right[used], share[used], args.object_ridge)
        report([n for n, o in ORIGIN.items() if o == left], ranking, second)
    second = fit_objects(stats, right, share, args.object_ridge)
    report(["egybcd"], first, second)
    if args.write:
        note = {"fitted_on": sorted(data), "regions": len(iou), "objects": len(right), "ridge": args.ridge}
        text = json.dumps({"note": note, "regions": first.to_dict(), "objects": second.to_dict()}, indent=1)
        args.write.write_text(text + "\n", encoding="utf-8")


def report(names: list[str], first: Ranking, second: Ranking) -> None:
    """Print the scores of sets with given rankings."""
    building.shipped_rankings = lambda: (first, second)  # type: ignore[assignment]
    detector = building.Building(OPTIONS)
    for name in names:
        print(sb.line(name, *sb.score_set(name, detector)), flush=True)
        print("   exchanged:", sb.line(name, *sb.score_set(name, detector, swap=True)), flush=True)


if __name__ == "__main__":
    main()
