"""Grain spread to dry on the carriageway: long warm strips along one edge of the road that were not there before.

The road is straightened (``roadframe``), its pavement found (``pavement``), and every sample compared with the bare
surface of the same road on the same day, and with itself on the day before. What is warm in both ratios of colour, not
darker, in the near infrared brighter but not green, new, long and along the axis becomes a strip (``strips``); a
logistic of its cues gives the confidence. No public data of grain on roads exist: the weights were set on rendered
scenes, and a single pair of images only ever gives a provisional finding.
"""

from __future__ import annotations

import datetime as dt
import json
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
from .grain_score import Days, confidence, cues_of, measure
from .pavement import bare_surface, colour_logs, find_pavement, steady
from .registry import detector
from .roadframe import RoadFrame, frames
from .strips import cleaned, find

_SMOOTH_M = 3.0
_SHADE = 0.8  # a tree's shadow on part of a strip may be this much darker (natural log) without breaking it


def _day_of_year(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2000-{text.strip()}")


class GrainDryingOptions(Options):
    """How grain spread on a carriageway is told from paint, vehicles, shadows, patches, dirt and verges.

    Contrasts are natural logarithms of reflectance ratios against the bare surface of the same road on the same day.
    """

    use: Literal["grain_drying"] = "grain_drying"
    min_confidence: float = Field(
        default=0.5, ge=0, le=1, description="candidates below this confidence are not reported"
    )
    min_length_m: float = Field(
        default=20.0, ge=5, le=200, description="shortest strip (lorries are shorter), covered m"
    )
    min_piece_m: float = Field(
        default=9.0, ge=3, le=100, description="shortest unbroken piece (longer than most vehicles), m"
    )
    min_width_m: float = Field(default=1.4, ge=0.5, le=5, description="narrowest strip (wider than a double line), m")
    max_width_m: float = Field(default=9.0, ge=2, le=30, description="widest strip, m")
    join_gap_m: float = Field(
        default=15.0, ge=0, le=100, description="gaps below this (driveways) are bridged in one strip, m"
    )
    min_warm: float = Field(default=0.16, gt=0, le=2, description="least contrast of ln(R/B) to the road and to before")
    min_red: float = Field(
        default=0.04, ge=0, le=1, description="least contrast of ln(R/G); leaves and green verges lie below"
    )
    min_yellow: float = Field(default=0.04, ge=0, le=1, description="least contrast of ln(G/B); red lanes lie below")
    min_bright: float = Field(default=-0.25, ge=-2, le=1, description="least contrast of ln brightness of a strip")
    min_nir: float = Field(default=0.12, ge=-1, le=2, description="least contrast of ln nir, where there is a nir band")
    max_ndvi: float = Field(
        default=0.42, ge=0, le=1, description="greatest NDVI (grain .15 to .3), where there is a nir band"
    )
    noise_factor: float = Field(default=3.0, ge=0, le=10, description="least contrast in deviations of the bare road")
    offset_max_m: float = Field(
        default=3.5, ge=0, le=5, description="how far the pavement may lie beside its centreline, m"
    )
    edge_tolerance_m: float = Field(
        default=0.4, ge=0, le=3, description="how far grain may reach over the pavement's edge, m"
    )
    default_pavement_m: float = Field(
        default=7.0, ge=2.5, le=60, description="pavement width where the layer has none, m"
    )
    concrete_from: float = Field(default=0.19, gt=0, le=1, description="brightness above which a bare road is concrete")
    harvest_windows: dict[str, tuple[str, ...]] = Field(
        default={
            "41": ("05-18/06-20", "09-05/10-31"),
            "32": ("05-28/06-22", "09-15/11-20"),
            "default": ("05-18/06-22", "09-05/11-20"),
        },
        description="harvest windows MM-DD/MM-DD by province (two-digit code); outside, confidence is lower",
    )

    @field_validator("harvest_windows")
    @classmethod
    def _windows_are_days(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for province, windows in value.items():
            for window in windows:
                start, _, end = window.partition("/")
                if _day_of_year(start) > _day_of_year(end):
                    raise ValueError(f"{window!r} of {province!r} ends before it starts; split it at new year")
        if "default" not in value:
            raise ValueError("harvest_windows needs an entry 'default' for provinces that have none")
        return value

    def in_harvest(self, day: dt.date, province: str | None) -> bool:
        """Whether ``day`` lies in a harvest window of the province (two-digit code)."""
        windows = self.harvest_windows.get(province or "default", self.harvest_windows["default"])
        here = dt.date(2000, day.month, day.day)
        return any(_day_of_year(w.partition("/")[0]) <= here <= _day_of_year(w.partition("/")[2]) for w in windows)


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
            for frame in frames(view.roads, view.grid, margin_m=6.0, default_width_m=self.options.default_pavement_m)
            for row in self._on_road(frame, view, {n: before[n] for n in names}, {n: after[n] for n in names})
        ]
        return _table(_without_twins(rows), view)

    def _on_road(
        self, frame: RoadFrame, view: View, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
    ) -> Iterator[dict[str, Any]]:
        features = [colour_logs(_smoothed(frame, image, view)) for image in (before, after)]
        pavement = find_pavement(frame, features, offset_max_m=self.options.offset_max_m)
        usable = steady(features[0], features[1], pavement.mask(frame.across_m, -0.4))
        bare = [bare_surface(frame, day, usable) for day in features]
        if bare[0] is None or bare[1] is None:
            return
        was, now = bare[0].relative(features[0]), bare[1].relative(features[1])
        reach = pavement.mask(frame.across_m, self.options.edge_tolerance_m) & _searched(frame, view)
        days = Days(was, now, bare[1])
        mask = self._grainlike(days) & reach
        mask = cleaned(
            mask, frame, bridge_m=3.0, shortest_m=self.options.min_piece_m, narrowest_m=self.options.min_width_m
        )
        # Half of a step is its middle in reflectance; in logarithms strips on asphalt would be drawn too wide.
        for strip in find(mask, days.new["gap"], frame, gap_m=self.options.join_gap_m, reach=reach):
            evidence = measure(strip, frame, pavement, days)
            row = self._judge(evidence, view) if evidence is not None else None
            if row is not None:
                outline = frame.ribbon(frame.along_m[strip.columns], strip.right_m, strip.left_m)
                yield {**row, "geometry": outline}

    def _grainlike(self, days: Days) -> np.ndarray:
        """Samples whose colour could be grain that was not there before."""
        o, now, new, bare = self.options, days.now, days.new, days.bare
        least = max(o.min_warm, min(o.noise_factor * bare.scatter["warm"], 2 * o.min_warm))
        with np.errstate(invalid="ignore"):
            mask = (new["warm"] > least) & (new["rg"] > o.min_red) & (new["gb"] > o.min_yellow)
            mask &= now["bright"] > o.min_bright - _SHADE
            if "nir" in now:
                mask &= (now["nir"] > o.min_nir) & (now["ndvi"] + bare.level["ndvi"] < o.max_ndvi)
        return mask

    def _judge(self, evidence: dict[str, Any], view: View) -> dict[str, Any] | None:
        """The row of a strip, or None when it is too small, too wide or not believed."""
        o = self.options
        if evidence["covered_length_m"] < o.min_length_m or evidence["brightness_contrast"] < o.min_bright:
            return None
        if not 0.9 * o.min_width_m <= evidence["width_m"] <= o.max_width_m:
            return None
        in_harvest = o.in_harvest(view.after_day, _province(view.roads, evidence["section"]))
        score = cues_of(evidence, in_harvest=in_harvest)
        sure = confidence(score)
        if sure < o.min_confidence:
            return None
        evidence = {k: round(v, 3) if isinstance(v, float) else v for k, v in evidence.items()}
        evidence["surface"] = "concrete" if evidence["surface_brightness"] >= o.concrete_from else "asphalt"
        evidence |= {"in_harvest_window": in_harvest, "provisional": True}
        evidence["cues"] = {name: round(value, 3) for name, value in score.items()}
        return {"kind": GRAIN_DRYING, "confidence": round(sure, 4), "evidence": json.dumps(evidence)}


def _smoothed(frame: RoadFrame, image: Mapping[str, np.ndarray], view: View) -> dict[str, np.ndarray]:
    """Bands in road coordinates, averaged over some metres along the axis; NaN in one band is NaN in all."""
    samples = {name: frame.sample(band, view.grid) for name, band in image.items()}
    seen = cues.observed(samples)
    width = max(round(_SMOOTH_M / frame.along_step_m) // 2 * 2 + 1, 1)
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
