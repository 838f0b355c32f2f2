"""Fit the confidence of suspected grain on strips whose truth is known.

    python benchmarks/grain/calibrate.py --evidence DIR [--write pipeline/detectors/grain_confidence.json] [--folds DIR]

Two sources: real road pixels with rendered grain, with what resembles it, and as they are (``places``; other seeds than
those that scores are of), and the wholly rendered roads of the tests (``tests/detectors/road_scenes.py``), which alone
have a near infrared and every hazard by itself. All strips that the detector finds at any confidence count, also those
seen at several levels of contrast, so that the one which fits best becomes the surest. Right is a strip by its IoU with a
true one (from 0.4 on wholly), or, if it lies within one, by a part of its share. The ridge logistic may give each cue only
a weight of the sign that it must have (``grain_score.SIGNS``).

``--evidence`` is a folder: what was measured is kept there, one file a source, and read again if it is there. ``--folds``
writes ``without_fold_<k>.json``, fitted without the scenes of fold k, for scores of it; the last lines tell those scores.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "detectors"))

import numpy as np
import shapely
from road_scenes import HAZARDS, Recipe, render
from scipy.optimize import minimize
from shapely.geometry.base import BaseGeometry

from grain.places import fold_of, scenes, views
from pipeline.detectors.base import View
from pipeline.detectors.confidence import Confidence
from pipeline.detectors.grain_drying import GrainDrying, GrainDryingOptions
from pipeline.detectors.grain_score import SIGNS, cues_of

NAMES = tuple(SIGNS)
SEEDS = {0.5: (100, 101), 1.0: (100, 101), 2.0: (100,)}
_RENDERED = "rendered"
_RENDERED_PER_HAZARD = 5
_RENDERED_SHARE = 0.5  # weight of all rendered roads against all real ones: they are easier
_CLEAN_WEIGHT = 2.0  # most roads are clean; what resembles grain is shown more often than it is met
_RIDGE_C = 0.3
_FITS = 0.4  # IoU from which a strip is wholly right: hand-drawn outlines of narrow things agree no better
Row = dict[str, Any]


def shown(resolution_m: float) -> Iterator[tuple[dict[str, Any], View, list[BaseGeometry]]]:
    """(what it is, view, true strips) of the real roads: with grain, with what resembles it, and as they are."""
    for name in scenes(resolution_m):
        for seed in SEEDS[resolution_m]:
            for mode in ("grain", "like", "clean"):
                if mode == "clean" and seed != SEEDS[resolution_m][0]:
                    continue  # as they are they look the same with every seed
                more = {"controls": ()} if mode == "clean" else {}
                for view, truth in views(name, resolution_m, seed=seed, grain=mode == "grain", **more):
                    what = {"fold": fold_of(name), "mode": mode, "surfaces": [str(s) for s in truth.get("surface", ())]}
                    yield what, view, list(truth.geometry)


def rendered() -> Iterator[tuple[dict[str, Any], View, list[BaseGeometry]]]:
    """The same of the tests' rendered roads: each hazard with and without grain, at all resolutions and widths."""
    for kind, hazard in enumerate(HAZARDS):
        for number in range(_RENDERED_PER_HAZARD):
            rng = np.random.default_rng([500 + number, kind])
            recipe = Recipe(
                seed=(500 + number) * 997 + kind,
                pixel_m=float(rng.choice([0.5, 1.0, 2.0])),
                surface=str(rng.choice(["asphalt", "concrete"], p=[0.65, 0.35])),
                crop=str(rng.choice(["wheat", "maize"])),
                strips=int(rng.integers(0, 3)),
                hazard=hazard,
                nir=bool(rng.random() < 0.5),
                width_m=float(rng.choice([6, 7, 9, 12])),
                length_m=400,
                depth_m=60,
                radius_m=float(rng.choice([400, 1500])),
                offset_m=float(rng.uniform(-3, 3)),
                shift_px=float(rng.uniform(0, 0.7)),
                noise=float(rng.choice([0.004, 0.008, 0.012])),
            )
            scene = render(recipe)
            what = {
                "fold": -1,
                "mode": "grain" if scene.truth else "like",
                "surfaces": [recipe.surface] * recipe.strips,
            }
            yield what, scene.view, list(scene.truth)


def measured(detector: GrainDrying, what: dict[str, Any], view: View, truth: list[BaseGeometry]) -> Row:
    """A view's road in km, its true strips, and all strips found in it, each with how it fits the true ones."""
    found, _ = detector.candidates(view, view.before, view.after, view.after_day)
    inside = view.roads.geometry.intersection(view.grid.footprint)
    strips = [
        {
            "evidence": {k: v for k, v in one.evidence.items() if k != "cues"},
            "iou": [t.intersection(one.geometry).area / t.union(one.geometry).area for t in truth],
            "share": [t.intersection(one.geometry).area / one.geometry.area for t in truth],
            "cover": [t.intersection(one.geometry).area / t.area for t in truth],
            "wkt": shapely.to_wkt(one.geometry, rounding_precision=2),
        }
        for one in found
    ]
    return {**what, "km": float(inside.length.sum()) / 1000, "true": len(truth), "found": strips}


def evidence(source: str, folder: Path) -> list[Row]:
    """What was measured on a source: a resolution, or the rendered roads; from its file, or now."""
    file = folder / f"evidence_{source}.json"
    if not file.is_file():
        flat = folder / "flat.json"  # measuring must not ask for the weights that are to be fitted
        zero = np.zeros(len(NAMES))
        _write(flat, Confidence(NAMES, zero, zero + 1, zero, 0.0, {}))
        detector = GrainDrying(GrainDryingOptions(min_confidence=0, confidence=flat))
        seen = rendered() if source == _RENDERED else shown(float(source))
        rows = [measured(detector, *one) | {"source": source} for one in seen]
        file.write_text(json.dumps(rows), encoding="utf-8")
    rows: list[Row] = json.loads(file.read_text(encoding="utf-8"))
    for strip in (strip for row in rows for strip in row["found"]):
        strip["cues"] = cues_of(strip["evidence"])
    return rows


def how_right(strip: Row) -> float:
    """0..1: by the IoU with a true strip, or by the part of it that lies in one."""
    return max(min(1.0, max(strip["iou"], default=0.0) / _FITS), 0.8 * max(strip["share"], default=0.0))


def fit(x: np.ndarray, right: np.ndarray, weight: np.ndarray, note: dict[str, object]) -> Confidence:
    """The ridge logistic of standardised cues, its weights of the sign that each must have; targets in 0..1.

    The near infrared is not centred: where there is none its cue is 0 and must say nothing.
    """
    weight = weight / weight.sum() * len(weight)
    mean = np.average(x, axis=0, weights=weight)
    mean[NAMES.index("nir")] = 0.0
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)) + 1e-6
    z = np.clip((x - mean) / scale, -4, 4)

    def loss(p: np.ndarray) -> tuple[float, np.ndarray]:
        odds = z @ p[:-1] + p[-1]
        value = np.logaddexp(0, -odds) * right + np.logaddexp(0, odds) * (1 - right)
        slope = weight * (1 / (1 + np.exp(-odds)) - right)
        ridge = p[:-1] / _RIDGE_C
        return float((weight * value).sum() + 0.5 * (p[:-1] * ridge).sum()), np.append(z.T @ slope + ridge, slope.sum())

    bounds = [(0, None) if SIGNS[name] > 0 else (None, 0) for name in NAMES] + [(None, None)]
    best = minimize(loss, np.zeros(len(NAMES) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Confidence(NAMES, mean, scale, best[:-1], float(best[-1]), note)


def fitted(rows: Sequence[Row], note: dict[str, object]) -> Confidence:
    """The confidence of all strips of some views."""
    strips = [(row, strip) for row in rows for strip in row["found"]]
    x = np.array([[strip["cues"][name] for name in NAMES] for _, strip in strips])
    real = np.array([row["source"] != _RENDERED for row, _ in strips])
    weight = np.where([row["mode"] == "clean" for row, _ in strips], _CLEAN_WEIGHT, 1.0)
    if real.any() and not real.all():
        weight[~real] *= min(_RENDERED_SHARE * weight[real].sum() / weight[~real].sum(), 1.0)
    return fit(x, np.array([how_right(strip) for _, strip in strips]), weight, note)


def kept(row: Row, weights: Confidence) -> list[tuple[float, Row]]:
    """(confidence, strip) of a view as the detector gives them: of strips that overlap the surest."""
    rated = sorted(((weights.probability(s["cues"]), s) for s in row["found"]), key=lambda pair: -pair[0])
    out: list[tuple[float, Row, BaseGeometry]] = []
    for sure, strip in rated:
        shape = shapely.from_wkt(strip["wkt"])
        if all(shape.intersection(o).area < 0.3 * min(shape.area, o.area) for _, _, o in out):
            out.append((sure, strip, shape))
    return [(sure, strip) for sure, strip, _ in out]


def told(rows: Sequence[Row], results: Sequence[list[tuple[float, Row]]], sure: float) -> str:
    """Recall (a third of a strip covered) on surfaces, and findings off any strip per km, at one threshold."""
    hits: dict[str, list[bool]] = {}
    false, km = dict.fromkeys(("clean", "like"), 0), dict.fromkeys(("clean", "like"), 0.0)
    for row, found in zip(rows, results, strict=True):
        certain = [strip for p, strip in found if p >= sure]
        for number, surface in enumerate(row["surfaces"]):
            hits.setdefault(surface, []).append(sum(strip["cover"][number] for strip in certain) >= 0.3)
        if row["mode"] in false:
            false[row["mode"]] += len(certain)
            km[row["mode"]] += row["km"]
    recall = ", ".join(f"{name} {np.mean(some):.2f} of {len(some)}" for name, some in sorted(hits.items()))
    rate = ", ".join(f"{mode} {false[mode]} in {km[mode]:.1f} km" for mode in false)
    return f"  from {sure:.2f}: found {recall}; false {rate}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evidence", type=Path, required=True)
    parser.add_argument("--source", action="append", choices=[*map(str, SEEDS), _RENDERED], help="only these; repeat")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--folds", type=Path)
    args = parser.parse_args()
    sources = args.source or [*map(str, SEEDS), _RENDERED]
    rows = [row for source in sources for row in evidence(source, args.evidence)]
    results: dict[int, list[tuple[float, Row]]] = {}
    for fold in sorted({row["fold"] for row in rows} - {-1}):
        one = fitted([row for row in rows if row["fold"] != fold], {"left_out": [f"fold {fold}"]})
        results |= {n: kept(row, one) for n, row in enumerate(rows) if row["fold"] == fold}
        if args.folds:
            _write(args.folds / f"without_fold_{fold}.json", one)
    for source in sources:
        some = [n for n in results if rows[n]["source"] == source]
        if some:
            print(f"{source} m, each scene by a fit without its fold")
            for sure in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
                print(told([rows[n] for n in some], [results[n] for n in some], sure))
    if results:
        _reliability([(p, how_right(s)) for found in results.values() for p, s in found])
    count = {s: sum(len(row["found"]) for row in rows if row["source"] == s) for s in sources}
    whole = fitted(rows, {"strips": count, "ridge_C": _RIDGE_C})
    for name, weight in sorted(zip(NAMES, whole.weights, strict=True), key=lambda pair: -abs(pair[1])):
        print(f"   {name:14s} {weight:+.2f}")
    if args.write:
        _write(args.write, whole)


def _reliability(pairs: Sequence[tuple[float, float]]) -> None:
    p, right = np.array(pairs).T
    print(f"Brier {np.mean((p - right) ** 2):.3f}")
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        here = (p >= low) & (p < low + 0.2)
        if here.any():
            print(
                f"  {low:.1f} to {low + 0.2:.1f}: {here.sum()} strips, mean {p[here].mean():.2f}, right {right[here].mean():.2f}"
            )


def _write(path: Path, one: Confidence) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(one.to_dict(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
