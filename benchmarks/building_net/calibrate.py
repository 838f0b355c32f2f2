"""Fit the confidence of suspected buildings on objects in places that the network had not seen.

    python benchmarks/building_net/calibrate.py --networks DIR [--write pipeline/detectors/building_confidence.json]

Each set gives the objects that the network which never saw it finds in it: in its pairs as they are, exchanged (then
none is new), and in its images taken twice, as two sensors see them (then nothing is new). Right is an object that meets a
labelled building with an IoU of 0.3 or more; what only touches one counts by half its share of it. Where any change is
labelled (dsifn, sztaki) only objects clear of all labels teach, as wrong ones. Every set has the same weight.
Scores of each origin come from a fit without it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
import xarray as xr
from detection import sets
from detection.methods import network_without
from detection.sets import ANY_CHANGE, ORIGIN
from sklearn.linear_model import LogisticRegression

from pipeline.detectors.building import Building, BuildingOptions
from pipeline.detectors.confidence import Confidence
from pipeline.imagery.raster import burn

# Few, and such that mean the same everywhere: with all of the evidence the confidence was worse in sets that were left out.
NAMES = ("new", "after", "size", "rectangle", "dark")
_PIXEL_M = 0.5
_WIDE = ("sztaki",)  # sets with so much unchanged land that it need not be shown twice


def looks(name: str) -> Iterator[tuple[xr.Dataset, xr.Dataset, np.ndarray]]:
    """(before, after, new buildings) of a set: as it is, exchanged, and each image as both dates."""
    random = np.random.default_rng(5)
    for before, after, truth in sets.dated(name, _PIXEL_M):
        yield before, after, truth
        if name in _WIDE:
            continue
        yield after, before, truth & (name in ANY_CHANGE)
        for image in (before, after):
            yield otherwise(image, random), image, np.zeros_like(truth)


def otherwise(image: xr.Dataset, random: np.random.Generator) -> xr.Dataset:
    """The same ground in other light, through other air and optics, up to half a pixel off."""
    shift = random.uniform(-0.5, 0.5, 2)
    gain, haze, gamma = random.uniform(0.75, 1.25), random.uniform(0, 0.15), random.uniform(0.75, 1.3)
    out = image.copy()
    for band in image.data_vars:
        values = image[band].to_numpy()
        rows, cols = values.shape
        move = np.float32([[1, 0, shift[0]], [0, 1, shift[1]]])
        moved = cv2.warpAffine(values, move, (cols, rows), borderMode=cv2.BORDER_REFLECT_101)
        moved = np.clip(moved * gain, 0, None) ** gamma * (1 - haze) + haze * 0.6
        out[band] = (("y", "x"), cv2.GaussianBlur(moved, (0, 0), random.uniform(0.3, 1.0)).astype(np.float32))
    return out


def objects(name: str, network: Path) -> tuple[list[dict[str, float]], np.ndarray]:
    """Evidence of all objects in a set, and how right each is (0..1)."""
    detector = Building(BuildingOptions(model=network, min_confidence=0))
    rows, right = [], []
    for before, after, truth in looks(name):
        seen = sets.view(before, after, _PIXEL_M)
        table = detector(seen)
        for kind, shape, text in zip(table["kind"], table.geometry, table["evidence"], strict=True):
            mask = burn([shape], seen.grid) > 0
            if kind != "building" or not mask.any() or (name in ANY_CHANGE and truth[mask].any()):
                continue
            rows.append(json.loads(text))
            right.append(how_right(mask, truth, coarse=name == "egybcd"))
    return rows, np.array(right)


def how_right(mask: np.ndarray, truth: np.ndarray, *, coarse: bool) -> float:
    """1 when the object meets a labelled building (IoU 0.3; of a blot: with half of itself), else half its share of one."""
    share = float(truth[mask].mean())
    if coarse:
        return float(share >= 0.5)
    _, labels = cv2.connectedComponents(truth.astype(np.uint8), connectivity=4)
    both = np.bincount(labels[mask], minlength=labels.max() + 1)[1:]
    size = np.bincount(labels.ravel(), minlength=labels.max() + 1)[1:]
    iou = (both / np.maximum(size + mask.sum() - both, 1)).max(initial=0)
    return 1.0 if iou >= 0.3 else 0.5 * share


def fit(rows: np.ndarray, right: np.ndarray, weight: np.ndarray, note: dict[str, object]) -> Confidence:
    """The ridge logistic of standardised evidence; a target between 0 and 1 counts as both, in parts."""
    mean, scale = rows.mean(0), rows.std(0) + 1e-6
    z = np.clip((rows - mean) / scale, -4, 4)
    model = LogisticRegression(C=0.1, max_iter=2000)
    twice = np.concatenate([np.ones(len(z)), np.zeros(len(z))])
    model.fit(np.concatenate([z, z]), twice, np.concatenate([weight * right, weight * (1 - right)]) * len(z))
    return Confidence(NAMES, mean, scale, model.coef_[0], float(model.intercept_[0]), note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=Path, default=Path(__file__).with_name("left_out"))
    parser.add_argument("--write", type=Path)
    parser.add_argument("--folds", type=Path, default=Path(__file__).parent / "left_out" / "confidence")
    args = parser.parse_args()
    real = {name: network_without(name, args.networks) for name in ORIGIN if name != "simulated"}
    with ProcessPoolExecutor(2) as pool:
        data = dict(zip(real, pool.map(objects, real, real.values()), strict=True))
    names = np.concatenate([[name] * len(right) for name, (_, right) in data.items()])
    rows = np.array([[one[n] for n in NAMES] for some, _ in data.values() for one in some])
    right = np.concatenate([right for _, right in data.values()])
    origin = np.array([ORIGIN[name] for name in names])
    count = {name: int((names == name).sum()) for name in data}
    weight = np.array([1 / count[name] for name in names])
    for left in sorted({*origin, "simulated"}):
        used = origin != left
        one = fit(rows[used], right[used], weight[used] / weight[used].sum(), {"left_out": [left]})
        _write(args.folds / f"without_{left}.json", one)
        if used.all():
            continue
        p = np.array([one.probability(dict(zip(NAMES, row, strict=True))) for row in rows[~used]])
        truth = right[~used]
        brier = float(((p - truth) ** 2).mean())
        print(
            f"{left:10s} {len(p):4d} objects, {truth.mean():.2f} right, mean confidence {p.mean():.2f}, Brier {brier:.3f}"
        )
        _write(args.folds / f"without_{left}.json", one)
    note = {"objects": count, "right": {n: round(float(right[names == n].sum()), 1) for n in data}, "ridge_C": 0.1}
    whole = fit(rows, right, weight / weight.sum(), note)
    for name, w in sorted(zip(NAMES, whole.weights, strict=True), key=lambda pair: -abs(pair[1])):
        print(f"   {name:13s} {w:+.2f}")
    if args.write:
        _write(args.write, whole)


def _write(path: Path, one: Confidence) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(one.to_dict(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
