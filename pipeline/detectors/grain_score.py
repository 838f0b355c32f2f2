"""What is measured on a strip on the road, and how sure its measures make us that it is grain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .pavement import DARK, Pavement, Surface
from .roadframe import RoadFrame
from .strips import Strip

_WEIGHTS: Mapping[str, float] = {
    "hue": 1.1, "yellow": 0.5, "bright": 0.6, "nir": 0.7, "length": 0.7, "elongation": 0.4, "straight": 0.7,
    "smooth": 0.4, "paved_before": 1.1, "at_edge": 1.1, "unlike_verge": 0.7, "part_of_lane": 0.3, "season": 0.6,
    "road_seen": 0.5,
}  # fmt: skip
_BIAS = -3.8


@dataclass(frozen=True)
class Days:
    """Features of one road relative to its bare surface: before, after, and what is new; and the surface after.

    ``new`` is the lesser of the contrast after and its growth since before, so that neither what was always there nor
    what only the day before lacked (a shadow, a green verge) counts.
    """

    was: Mapping[str, np.ndarray]
    now: Mapping[str, np.ndarray]
    bare: Surface

    @property
    def new(self) -> dict[str, np.ndarray]:
        """Contrast after that was not there before, per feature (across, along)."""
        return {name: np.minimum(self.now[name], self.now[name] - self.was[name]) for name in self.now}


def measure(strip: Strip, frame: RoadFrame, pavement: Pavement, days: Days) -> dict[str, Any] | None:
    """Statistics of a strip, in metres and contrasts (medians where it is covered); None where nothing was seen."""
    bare = days.bare
    was, now, new = (
        {name: values[:, strip.columns] for name, values in layer.items()} for layer in (days.was, days.now, days.new)
    )
    inside = strip.mask(frame.across_m) & np.isfinite(new["warm"])
    if not inside.any():
        return None
    right, left = pavement.right_m[strip.columns], pavement.left_m[strip.columns]
    seen = strip.covered
    middle = (strip.right_m + strip.left_m) / 2
    left_side = float(np.median((middle - (right + left) / 2)[seen])) >= 0
    outer, edge = (strip.left_m, left) if left_side else (strip.right_m, right)
    inner = strip.right_m if left_side else strip.left_m
    beside = _band(frame.across_m, edge, (0.9, 2.4), left_side) & seen
    median = {name: float(np.median(values[inside])) for name, values in new.items()}
    bright = now["bright"][inside]
    return {
        "length_m": float((strip.last - strip.first + 1) * frame.along_step_m),
        "covered_length_m": float(seen.sum() * frame.along_step_m),
        "width_m": strip.width_m,
        "hue_contrast": median["warm"],
        "red_contrast": median["rg"],
        "yellow_contrast": median["gb"],
        "brightness_contrast": float(np.median(bright)),
        "nir_contrast": float(np.median(now["nir"][inside])) if "nir" in now else None,
        "ndvi": float(np.median(now["ndvi"][inside]) + np.median(bare.level["ndvi"])) if "nir" in now else None,
        "noise": bare.scatter["warm"],
        "edge_roughness_m": float(np.mean([_roughness(e, seen, frame) for e in (outer, inner)])),
        "texture": float(1.48 * np.median(np.abs(bright - np.median(bright)))),
        "share_of_lane": float(np.median(((strip.left_m - strip.right_m) / (left - right))[seen])),
        "side_of_line": "left" if left_side else "right",
        "edge_gap_m": float(np.median(np.abs(edge - outer)[seen])),
        "pavement_offset_m": float(np.median(pavement.offset_m[strip.columns])),
        "pavement_width_m": float(np.median(left - right)),
        "pavement_clarity": float(np.median(pavement.clarity[strip.columns])),
        "surface_brightness": float(np.exp(np.median(bare.level["bright"][strip.columns]))) - DARK,
        "paved_before": _share_like_road(was, inside),
        "verge_difference": _difference(now, inside, beside),
        "section": str(frame.section),
    }


def cues_of(e: Mapping[str, Any], *, in_harvest: bool) -> dict[str, float]:
    """Cues in -1..1 from what ``measure`` gives; 0 says nothing, positive speaks for grain."""

    def ramp(value: float, low: float, high: float) -> float:
        return float(np.clip((value - low) / (high - low), 0, 1))

    return {
        "hue": ramp(e["hue_contrast"], 0.12, 0.45),
        "yellow": ramp(min(e["yellow_contrast"], 1.5 * e["red_contrast"]), 0.04, 0.2),
        "bright": 2 * ramp(e["brightness_contrast"], -0.3, 0.3) - 1,
        "nir": 0.0 if e["nir_contrast"] is None else 2 * ramp(e["nir_contrast"], 0.1, 0.6) - 1,
        "length": 2 * ramp(e["covered_length_m"], 15, 45) - 1,
        "elongation": 2 * ramp(e["length_m"] / e["width_m"], 3, 10) - 1,
        "straight": 1 - 2 * ramp(e["edge_roughness_m"], 0.1, 0.7),
        "smooth": 1 - 2 * ramp(e["texture"], 0.05, 0.3),
        "paved_before": 2 * ramp(e["paved_before"], 0.3, 0.8) - 1,
        "at_edge": 1 - 2 * ramp(e["edge_gap_m"], 0.7, 2.0),
        "unlike_verge": 2 * ramp(e["verge_difference"], 0.3, 1.5) - 1,
        "part_of_lane": 1 - 2 * ramp(e["share_of_lane"], 0.6, 0.95),
        "road_seen": 2 * ramp(e["pavement_clarity"], 0.05, 0.4) - 1,
        "season": 0.0 if in_harvest else -1.0,
    }


def confidence(cues: Mapping[str, float]) -> float:
    """Logistic of the weighted cues, 0..1."""
    return 1 / (1 + math.exp(-(_BIAS + sum(_WEIGHTS[name] * value for name, value in cues.items()))))


def _band(across_m: np.ndarray, edge_m: np.ndarray, span_m: tuple[float, float], left_side: bool) -> np.ndarray:
    """Samples that lie ``span_m`` outside of an edge."""
    out = across_m[:, None] - edge_m if left_side else edge_m - across_m[:, None]
    return (out >= span_m[0]) & (out <= span_m[1])


def _roughness(edge_m: np.ndarray, seen: np.ndarray, frame: RoadFrame) -> float:
    """Mean departure of an edge from its straight course, m."""
    at = np.arange(len(edge_m))[seen] * frame.along_step_m
    if len(at) < 4:
        return 0.0
    degree = 2 if at[-1] - at[0] > 40 else 1
    course = np.polynomial.Polynomial.fit(at, edge_m[seen], degree)
    return float(np.mean(np.abs(edge_m[seen] - course(at))))


def _share_like_road(was: Mapping[str, np.ndarray], inside: np.ndarray) -> float:
    """Share of a strip's samples that looked like this road's own surface before."""
    like = (np.abs(was["bright"]) < 0.45) & (np.abs(was["rg"]) < 0.16) & (np.abs(was["gb"]) < 0.22)
    if "ndvi" in was:
        like &= was["ndvi"] < 0.2
    return float(like[inside].mean())


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
