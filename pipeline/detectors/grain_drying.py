"""Grain spread to dry on the carriageway: long warm strips along one edge of the road that were not there before.

The road is straightened (``roadframe``), its pavement found (``pavement``), and every sample compared with the bare
surface of the same road on the same day, and with itself on the day before. What is warm in both ratios of colour, not
darker, in the near infrared brighter but not green, new, long and along the axis becomes a strip (``strips``); a logistic
of its cues gives the confidence. No public data of grain on roads exist: the weights were set on rendered scenes, and a
single pair of images only ever gives a provisional finding.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import cv2
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field, field_validator

from ..errors import ConfigError
from ..model.kinds import GRAIN_DRYING
from ..model.options import Options
from . import cues
from .base import View
from .pavement import Pavement, Surface, bare_surface, colour_logs, find_pavement
from .registry import detector
from .roadframe import RoadFrame, frames
from .strips import Strip, cleaned, find

_SMOOTH_M = 3.0


def _day_of_year(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2000-{text.strip()}")


class GrainDryingOptions(Options):
    """How grain spread on a carriageway is told from paint, vehicles, shadows, patches, dirt and verges.

    Contrasts are natural logarithms of reflectance ratios against the bare surface of the same road on the same day.
    """

    use: Literal["grain_drying"] = "grain_drying"
    min_confidence: float = Field(0.5, ge=0, le=1, description="candidates below this confidence are not reported")
    min_length_m: float = Field(20.0, ge=5, le=200, description="shortest strip, covered length (lorries are shorter), m")
    min_piece_m: float = Field(9.0, ge=3, le=100, description="shortest unbroken piece (longer than most vehicles), m")
    min_width_m: float = Field(1.4, ge=0.5, le=5, description="narrowest strip (wider than a double line), m")
    max_width_m: float = Field(9.0, ge=2, le=30, description="widest strip, m")
    join_gap_m: float = Field(15.0, ge=0, le=100, description="gaps below this (driveways) are bridged in one strip, m")
    min_warm: float = Field(0.16, gt=0, le=2, description="least contrast of ln(R/B), against the road and against before")
    min_red: float = Field(0.04, ge=0, le=1, description="least contrast of ln(R/G); leaves and green verges lie below")
    min_yellow: float = Field(0.04, ge=0, le=1, description="least contrast of ln(G/B); red lanes and vehicles lie below")
    min_bright: float = Field(-0.25, ge=-2, le=1, description="least contrast of ln brightness; shadows lie below")
    min_nir: float = Field(0.12, ge=-1, le=2, description="least contrast of ln nir, where there is a nir band")
    max_ndvi: float = Field(0.42, ge=0, le=1, description="greatest NDVI (grain .15 to .3), where there is a nir band")
    noise_factor: float = Field(3.0, ge=0, le=10, description="least contrast in standard deviations of the bare surface")
    offset_max_m: float = Field(3.5, ge=0, le=5, description="how far the pavement may lie beside its centreline, m")
    edge_tolerance_m: float = Field(0.4, ge=0, le=3, description="how far grain may reach over the pavement's edge, m")
    default_pavement_m: float = Field(7.0, ge=2.5, le=60, description="pavement width where the layer has none, m")
    concrete_from: float = Field(0.19, gt=0, le=1, description="green reflectance above which a bare surface is concrete")
    harvest_windows: dict[str, tuple[str, ...]] = Field(
        {
            "41": ("05-18/06-20", "09-05/10-31"),
            "32": ("05-28/06-22", "09-15/11-20"),
            "default": ("05-18/06-22", "09-05/11-20"),
        },
        description="harvest windows MM-DD/MM-DD by province (first two digits of the code); outside, confidence is lower",
    )

    @field_validator("harvest_windows")
    @classmethod
    def _windows_are_days(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for province, windows in value.items():
            for window in windows:
                start, _, end = window.partition("/")
                if _day_of_year(start) > _day_of_year(end):
                    raise ValueError(f"harvest window {window!r} of {province!r} ends before it starts; split it at new year")
        if "default" not in value:
            raise ValueError("harvest_windows needs an entry 'default' for provinces that have none")
        return value

    def in_harvest(self, day: dt.date, province: str | None) -> bool:
        """Whether ``day`` lies in a harvest window of the province (two-digit code)."""
        windows = self.harvest_windows.get(province or "default", self.harvest_windows["default"])
        here = dt.date(2000, day.month, day.day)
        return any(_day_of_year(w.partition("/")[0]) <= here <= _day_of_year(w.partition("/")[2]) for w in windows)


_WEIGHTS: Mapping[str, float] = {
    "hue": 1.1, "yellow": 0.5, "bright": 0.4, "nir": 0.7, "length": 0.7, "elongation": 0.4, "straight": 0.4,
    "smooth": 0.4, "paved_before": 1.1, "at_edge": 1.1, "unlike_verge": 0.7, "part_of_lane": 0.3, "season": 0.6,
    "road_seen": 0.5,
}  # fmt: skip
_BIAS = -3.6


@detector
@dataclass(frozen=True)
class GrainDrying:
    """Strips of grain on the pavement of the roads in a view."""

    Options: ClassVar[type[Options]] = GrainDryingOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (GRAIN_DRYING,)
    halo_m: ClassVar[float] = 60.0
    outline: ClassVar[str] = "smooth"
    options: GrainDryingOptions = field(default_factory=GrainDryingOptions)

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Candidates in ``view``: kind, confidence, evidence, geometry. ConfigError where pixels are above 2.5 m."""
        if view.grid.pixel_m > 2.5:
            raise ConfigError(
                f"grain_drying needs pixels of 2 m or better, resolution_m is {view.grid.pixel_m:g}: "
                "a strip is 1.5 to 4.5 m wide; use finer imagery or leave grain_drying out of 'detectors'"
            )
        before, after = cues.bands(view.before), cues.bands(view.after)
        names = [name for name in after if name in before]
        rows = [
            row
            for frame in frames(
                view.roads, view.grid, margin_m=6.0, default_width_m=self.options.default_pavement_m
            )
            for row in self._on_road(frame, view, {n: before[n] for n in names}, {n: after[n] for n in names})
        ]
        return _table(_without_twins(rows), view)

    def _on_road(
        self, frame: RoadFrame, view: View, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
    ) -> Iterator[dict[str, Any]]:
        features = [colour_logs(_smoothed(frame, image, view)) for image in (before, after)]
        pavement = find_pavement(frame, features, offset_max_m=self.options.offset_max_m)
        bare = [bare_surface(frame, day, pavement) for day in features]
        if bare[0] is None or bare[1] is None:
            return
        was, now = bare[0].relative(features[0]), bare[1].relative(features[1])
        reach = pavement.mask(frame.across_m, self.options.edge_tolerance_m) & _searched(frame, view)
        new = {name: np.minimum(now[name], now[name] - was[name]) for name in now}
        mask = self._grainlike(now, new, (bare[0], bare[1])) & reach
        mask = cleaned(
            mask, frame, bridge_m=3.0, shortest_m=self.options.min_piece_m, narrowest_m=self.options.min_width_m
        )
        # Half of a step lies at its middle in reflectance, not in logarithms, which would draw strips on asphalt too wide.
        colour = features[1]["gap"] - bare[1].level["gap"]
        for strip in find(mask, colour, frame, gap_m=self.options.join_gap_m, reach=reach):
            evidence = self._measure(strip, frame, pavement, (was, now, new), bare[1])
            row = self._judge(evidence, view)
            if row is not None:
                outline = frame.ribbon(frame.along_m[strip.columns], strip.right_m, strip.left_m)
                yield {**row, "geometry": outline}

    def _grainlike(
        self, now: Mapping[str, np.ndarray], new: Mapping[str, np.ndarray], bare: tuple[Surface, Surface]
    ) -> np.ndarray:
        """Samples whose colour could be grain that was not there before."""
        o = self.options
        least = max(o.min_warm, o.noise_factor * bare[1].scatter["warm"])
        with np.errstate(invalid="ignore"):
            mask = (new["warm"] > least) & (new["rg"] > o.min_red) & (new["gb"] > o.min_yellow)
            mask &= now["bright"] > o.min_bright
            if "nir" in now:
                mask &= (now["nir"] > o.min_nir) & (now["ndvi"] + bare[1].level["ndvi"] < o.max_ndvi)
        return mask

    def _measure(
        self,
        strip: Strip,
        frame: RoadFrame,
        pavement: Pavement,
        layers: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
        bare: Surface,
    ) -> dict[str, Any]:
        """Statistics of a strip; contrasts are medians over its covered samples."""
        was, now, new = ({name: values[:, strip.columns] for name, values in layer.items()} for layer in layers)
        inside = strip.mask(frame.across_m)
        right, left = pavement.right_m[strip.columns], pavement.left_m[strip.columns]
        seen = strip.covered
        middle = (strip.right_m + strip.left_m) / 2
        left_side = float(np.median((middle - (right + left) / 2)[seen])) >= 0
        outer, edge = (strip.left_m, left) if left_side else (strip.right_m, right)
        inner = strip.right_m if left_side else strip.left_m
        beside = _band(frame.across_m, edge, (0.9, 2.4), left_side) & seen
        median = {name: float(np.median(values[inside])) for name, values in new.items()}
        covered_m = float(seen.sum() * frame.along_step_m)
        out: dict[str, Any] = {
            "length_m": float((strip.last - strip.first + 1) * frame.along_step_m),
            "covered_length_m": covered_m,
            "width_m": strip.width_m,
            "hue_contrast": median["warm"],
            "red_contrast": median["rg"],
            "yellow_contrast": median["gb"],
            "brightness_contrast": float(np.median(now["bright"][inside])),
            "nir_contrast": float(np.median(now["nir"][inside])) if "nir" in now else None,
            "ndvi": float(np.median(now["ndvi"][inside]) + np.median(bare.level["ndvi"])) if "nir" in now else None,
            "noise": bare.scatter["warm"],
            "edge_roughness_m": float(np.mean([_roughness(e, seen, frame) for e in (outer, inner)])),
            "texture": float(1.48 * np.median(np.abs(now["bright"][inside] - np.median(now["bright"][inside])))),
            "share_of_lane": float(np.median(((strip.left_m - strip.right_m) / (left - right))[seen])),
            "side_of_line": "left" if left_side else "right",
            "edge_gap_m": float(np.median(np.abs(edge - outer)[seen])),
            "pavement_offset_m": float(np.median(pavement.offset_m[strip.columns])),
            "pavement_width_m": float(np.median(left - right)),
            "pavement_clarity": float(np.median(pavement.clarity[strip.columns])),
            "surface": "concrete" if self._is_concrete(bare, strip) else "asphalt",
            "paved_before": _share_like_road(was, inside),
            "verge_difference": _difference(now, inside, beside),
            "section": str(frame.section),
        }
        return out

    def _is_concrete(self, bare: Surface, strip: Strip) -> bool:
        return float(np.exp(np.median(bare.level["bright"][strip.columns]))) - 0.02 >= self.options.concrete_from

    def _judge(self, evidence: dict[str, Any], view: View) -> dict[str, Any] | None:
        """The row of a strip, or None when it is too small, too wide or not believed."""
        o = self.options
        if evidence["covered_length_m"] < o.min_length_m or not 0.9 * o.min_width_m <= evidence["width_m"] <= o.max_width_m:
            return None
        in_harvest = o.in_harvest(view.after_day, _province(view.roads, evidence["section"]))
        score = {name: float(value) for name, value in _cues(evidence, in_harvest=in_harvest).items()}
        logit = _BIAS + sum(_WEIGHTS[name] * value for name, value in score.items())
        confidence = 1 / (1 + math.exp(-logit))
        if confidence < o.min_confidence:
            return None
        evidence = {k: round(v, 3) if isinstance(v, float) else v for k, v in evidence.items()}
        evidence |= {"in_harvest_window": in_harvest, "provisional": True}
        evidence["cues"] = {name: round(value, 3) for name, value in score.items()}
        return {"kind": GRAIN_DRYING, "confidence": round(confidence, 4), "evidence": json.dumps(evidence)}


def _cues(e: Mapping[str, Any], *, in_harvest: bool) -> dict[str, float]:
    """Cues in -1..1; 0 says nothing, positive speaks for grain."""

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


def _smoothed(frame: RoadFrame, image: Mapping[str, np.ndarray], view: View) -> dict[str, np.ndarray]:
    """Bands in road coordinates, averaged over some metres along the axis; NaN in one band is NaN in all."""
    samples = {name: frame.sample(band, view.grid) for name, band in image.items()}
    seen = cues.observed(samples)
    width = max(int(round(_SMOOTH_M / frame.along_step_m)) // 2 * 2 + 1, 1)
    weight = np.maximum(cv2.blur(seen.astype(np.float32), (width, 1), borderType=cv2.BORDER_REFLECT), 1e-6)
    return {
        name: np.where(
            seen,
            cv2.blur(np.where(seen, band, 0).astype(np.float32), (width, 1), borderType=cv2.BORDER_REFLECT) / weight,
            np.float32(np.nan),
        )
        for name, band in samples.items()
    }


def _searched(frame: RoadFrame, view: View) -> np.ndarray:
    """Samples in the corridor that is searched, bool; all where the view has no such zone."""
    corridor = view.zones.get("corridor")
    if corridor is None:
        return np.ones((len(frame.across_m), len(frame.along_m)), bool)
    return np.nan_to_num(frame.sample(corridor.astype(np.float32), view.grid)) > 0.5


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


def _province(roads: gpd.GeoDataFrame, section: str) -> str | None:
    """Two-digit province code from the full route key (G311320322 lies in 32), if it has one."""
    if "route_key" not in roads:
        return None
    keys = {str(index): str(key) for index, key in roads["route_key"].items()}
    digits = keys.get(section, "")
    return digits[-6:-4] if len(digits) >= 8 and digits[-6:].isdigit() else None


def _without_twins(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows less those seen again from another road's frame (crossings, parallel carriageways); the surer one stays."""
    kept: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda r: (-r["confidence"], r["geometry"].wkb)):
        shared = [row["geometry"].intersection(other["geometry"]).area for other in kept]
        if max(shared, default=0.0) < 0.3 * row["geometry"].area:
            kept.append(row)
    return kept


def _table(rows: list[dict[str, Any]], view: View) -> gpd.GeoDataFrame:
    rows = sorted(rows, key=lambda r: shapely.get_coordinates(r["geometry"])[0].tolist())
    data = {
        "kind": pd.Series([r["kind"] for r in rows], dtype="object"),
        "confidence": pd.Series([r["confidence"] for r in rows], dtype="float64"),
        "evidence": pd.Series([r["evidence"] for r in rows], dtype="object"),
    }
    shapes = gpd.GeoSeries([r["geometry"] for r in rows], crs=view.grid.epsg)
    return gpd.GeoDataFrame(data, geometry=shapes, crs=view.grid.epsg)
