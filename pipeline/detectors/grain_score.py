"""What is measured on a strip on the road, and which of it says how sure we may be that it is grain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

from .grain_road import Road, like_road
from .pavement import DARK, median_of_rows
from .roadframe import RoadFrame
from .strips import Strip

#: Cues of the confidence, each with the sign that its weight must have: +1 speaks for grain, -1 against it.
SIGNS: Mapping[str, int] = {
    "yellow_red": 1, "not_dark": 1, "brighter": 1, "nir": 1, "clear_of_noise": 1, "warmed": 1, "longest": 1,
    "like_a_lorry": -1, "unbroken": 1, "uneven": -1, "speckled": -1, "ends": 1, "rough": -1, "edge_gap": -1,
    "on_pavement": 1, "resolved": 1,
}  # fmt: skip
_LORRY_M = 20.0
_EVEN_NDVI = 0.04  # grain is above the road's NDVI by .07 to .15, soil by .05, sand, paint and lorries by less


def measure(strip: Strip, road: Road) -> dict[str, Any] | None:
    """Statistics of a strip, in metres and contrasts (medians where it is covered); None where nothing was seen."""
    frame, cut = road.frame, strip.columns
    was, now, new, raw = (_cut(layer, cut) for layer in (road.was, road.now, road.new, road.raw))
    lit = strip.mask(frame.across_m) & np.isfinite(new["warm"])
    inside = lit & ~road.hidden(road.now)[:, cut]
    inside = inside if inside.any() else lit
    if not inside.any():
        return None
    right, left = road.pavement.right_m[cut], road.pavement.left_m[cut]
    seen, left_side = strip.covered, _on_the_left(strip, right, left)
    outer, inner, edge = (strip.left_m, strip.right_m, left) if left_side else (strip.right_m, strip.left_m, right)
    out = 1 if left_side else -1
    beside = _band(frame.across_m, edge, (0.9, 2.4), out) & seen
    within = _band(frame.across_m, inner, (-2.4, -0.6), out) & _between(frame.across_m, right, left) & seen
    median = {name: float(np.median(values[inside])) for name, values in new.items()}
    nir = "nir" in now
    level = {name: float(np.median(values[cut])) for name, values in road.bare.level.items()}
    return {
        "length_m": float((strip.last - strip.first + 1) * frame.along_step_m),
        "covered_length_m": float(seen.sum() * frame.along_step_m),
        "width_m": strip.width_m,
        "pixel_m": frame.pixel_m,
        "hue_contrast": median["warm"],
        "red_contrast": median["rg"],
        "yellow_contrast": median["gb"],
        "brightness_contrast": float(np.median(now["bright"][inside])),
        "nir_contrast": float(np.median(now["nir"][inside])) if nir else None,
        "ndvi_contrast": median["ndvi"] if nir else None,
        "ndvi": float(np.median(now["ndvi"][inside])) + level["ndvi"] if nir else None,
        "noise": road.bare.scatter["warm"],
        **_along(strip, raw, frame, median["warm"]),
        "edge_roughness_m": float(np.mean([_roughness(e, seen, frame) for e in (outer, inner)])),
        "share_of_lane": float(np.median(((strip.left_m - strip.right_m) / (left - right))[seen])),
        "side_of_line": "left" if left_side else "right",
        "edge_gap_m": float(np.median(np.abs(edge - outer)[seen])),
        "on_pavement": float(road.pavement.mask(frame.across_m, 0.4)[:, cut][lit].mean()),
        "step_inside": _step(new["warm"], inside, within),
        "change_warm": float(np.median((road.change["rg"] + road.change["gb"])[:, cut][inside])),
        "spread_warm": float(np.subtract(*np.quantile(raw["warm"][inside], (0.8, 0.2))) / 1.68),
        "step_bright": _step(now["bright"], inside, within),
        "end_step": _ends(strip, road, median["warm"]),
        "pavement_offset_m": float(np.median(road.pavement.offset_m[cut])),
        "pavement_width_m": float(np.median(left - right)),
        "pavement_clarity": float(np.median(road.pavement.clarity[cut])),
        "surface_brightness": math.exp(level["bright"]) - DARK,
        "paved_before": float(like_road(was)[inside].mean()),
        "verge_difference": _difference(now, inside, beside),
        "section": str(frame.section),
    }


def cues_of(e: Mapping[str, Any]) -> dict[str, float]:
    """Numbers for the confidence from what ``measure`` gives, bounded so that no single one decides; see ``SIGNS``."""
    hue = max(e["hue_contrast"], 0.02)
    return {
        "yellow_red": float(np.clip(min(e["yellow_contrast"], 1.2 * e["red_contrast"]), -0.05, 0.25)),
        "not_dark": float(np.clip(e["brightness_contrast"], -0.6, 0.0)),
        "brighter": float(np.clip(e["step_bright"], -0.3, 0.4)),
        "nir": 0.0 if e["ndvi_contrast"] is None else float(np.clip(e["ndvi_contrast"] - _EVEN_NDVI, -0.08, 0.08)),
        "clear_of_noise": math.log(np.clip(hue / max(e["noise"], 0.02), 1, 15)),
        "warmed": float(np.clip(e["change_warm"], -0.1, 0.3)),
        "longest": math.log(np.clip(e["longest_m"], 6, 80)),
        "like_a_lorry": math.log(np.clip(_LORRY_M / max(e["longest_m"], 1), 1, 3)),
        "unbroken": e["unbroken_share"],
        "uneven": min(e["unevenness"], 1.0),
        "speckled": min(e["spread_warm"] / hue, 1.5),
        "ends": e["end_step"],
        "rough": min(e["edge_roughness_m"] / e["width_m"], 0.5),
        "edge_gap": min(e["edge_gap_m"], 3.0),
        "resolved": math.log(np.clip(e["width_m"] / e["pixel_m"], 1, 6)),
        "on_pavement": e["on_pavement"],
    }


def _cut(layer: Mapping[str, np.ndarray], columns: slice) -> dict[str, np.ndarray]:
    return {name: values[:, columns] for name, values in layer.items()}


def _on_the_left(strip: Strip, right_m: np.ndarray, left_m: np.ndarray) -> bool:
    middle = (strip.right_m + strip.left_m) / 2
    return float(np.median((middle - (right_m + left_m) / 2)[strip.covered])) >= 0


def _between(across_m: np.ndarray, right_m: np.ndarray, left_m: np.ndarray) -> np.ndarray:
    return (across_m[:, None] >= right_m) & (across_m[:, None] <= left_m)


def _band(across_m: np.ndarray, edge_m: np.ndarray, span_m: tuple[float, float], out: int) -> np.ndarray:
    """Samples that lie ``span_m`` beyond an edge, in the direction ``out`` (1 left, -1 right)."""
    beyond = out * (across_m[:, None] - edge_m)
    return (beyond >= span_m[0]) & (beyond <= span_m[1])


def _along(strip: Strip, raw: Mapping[str, np.ndarray], frame: RoadFrame, warm: float) -> dict[str, float]:
    """How a strip goes on along the road, column by column without any averaging: grain is even, vehicles are not."""
    inside = strip.mask(frame.across_m)
    columns = {n: _column_median(np.where(inside, raw[n], np.nan)) for n in ("warm", "bright")}
    seen = np.isfinite(columns["warm"])
    if not seen.any():
        return {"longest_m": 0.0, "unbroken_share": 0.0, "unevenness": 1.0}
    # What is much darker than the strip lies in shadow, and what is not there cannot be told.
    seen &= columns["bright"] > np.median(columns["bright"][seen]) - 0.45
    covered = seen & (columns["warm"] > warm / 2)
    bridge = max(round(1.0 / frame.along_step_m), 1)
    open_ = ndimage.binary_opening(seen & ~covered, np.ones(bridge + 1))  # one odd column is noise
    on = covered | (~seen & strip.covered) | (seen & ~covered & ~open_)
    labels, count = ndimage.label(on)
    runs = ndimage.sum_labels(covered, labels, np.arange(1, count + 1)) if count else [0]
    spread = [float(np.ptp(np.quantile(v[covered], (0.2, 0.8)))) if covered.any() else 1.0 for v in columns.values()]
    return {
        "longest_m": float(max(runs) * frame.along_step_m),
        "unbroken_share": float(covered.sum() / max(int(seen.sum()), 1)),
        "unevenness": math.hypot(*spread) / 1.68,
    }


def _column_median(values: np.ndarray) -> np.ndarray:
    out = np.full(values.shape[1], np.nan)
    some = np.isfinite(values).any(axis=0)
    out[some] = median_of_rows(values[:, some].T)
    return out


def _step(warm: np.ndarray, inside: np.ndarray, within: np.ndarray) -> float:
    """How much warmer than the pavement next to it a strip is; as much as it is warm where there is none."""
    own, next_to = float(np.median(warm[inside])), warm[within & np.isfinite(warm)]
    return own - float(np.median(next_to)) if next_to.size >= 8 else own / 2


def _ends(strip: Strip, road: Road, warm: float) -> float:
    """How much of its warmth a strip loses within some metres past its ends, 0..1; the lesser of the two that are seen."""
    frame, new = road.frame, road.new["warm"]
    reach = max(round(6.0 / frame.along_step_m), 2)
    out = []
    for columns, edge in (
        (slice(max(strip.first - reach, 0), strip.first), 0),
        (slice(strip.last + 1, strip.last + 1 + reach), -1),
    ):
        rows = (frame.across_m >= strip.right_m[edge]) & (frame.across_m <= strip.left_m[edge])
        past = new[rows, columns]
        past = past[np.isfinite(past)]
        if past.size >= 8:
            out.append(1 - float(np.median(past)) / warm)
    return float(np.clip(min(out, default=0.5), 0, 1))


def _roughness(edge_m: np.ndarray, seen: np.ndarray, frame: RoadFrame) -> float:
    """Mean departure of an edge from its straight course, m."""
    at = np.arange(len(edge_m))[seen] * frame.along_step_m
    if len(at) < 4:
        return 0.0
    degree = 2 if at[-1] - at[0] > 40 else 1
    course = np.polynomial.Polynomial.fit(at, edge_m[seen], degree)
    return float(np.mean(np.abs(edge_m[seen] - course(at))))


def _difference(now: Mapping[str, np.ndarray], inside: np.ndarray, beside: np.ndarray) -> float:
    """How much a strip differs in colour from the ground just outside the pavement; 2 where that was not seen."""
    beside = beside & np.isfinite(now["bright"])
    if not beside.any():
        return 2.0
    scales = {"bright": 0.25, "rg": 0.1, "gb": 0.12, "ndvi": 0.12}
    parts = [
        ((np.median(values[inside]) - np.median(values[beside])) / scales[name]) ** 2
        for name, values in now.items()
        if name in scales
    ]
    return float(np.sqrt(np.sum(parts)))
