"""A hint of grain on the road in images whose pixels are wider than a strip: long stretches that turned warmer and brighter.

At 3 to 10 m a pixel of the road holds grain, asphalt and verge together. The mean over the pavement is followed along the
road, told relative to the same road some hundred metres before and behind, and compared with the other date and with the
ground on both sides. What is left is a hint where to look with finer images, never a finding: fresh gravel, dust, a field
road's traffic or a shift between the images do the same. At 10 m it sees less than half of even long wide strips; how
rarely it is wrong was measured on rendered roads and on lines through real farmland, not on real roads with grain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import geopandas as gpd
import numpy as np
from pydantic import Field
from scipy import ndimage

from ..errors import ConfigError
from ..model.kinds import GRAIN_HINT
from ..model.options import Options
from . import cues
from .base import View
from .grain_look import RoadStrip, table
from .pavement import colour_logs
from .registry import detector
from .roadframe import RoadFrame, frames

FINEST_M, COARSEST_M = 2.5, 12.0
_SMOOTH_PX = 4.0  # along the road; a hint is twice as long at least
_FEATURES = ("warm", "bright", "nir")
_NOISE = {"warm": 0.01, "bright": 0.015, "nir": 0.015}  # no road is known better than this (natural log)


class GrainHintOptions(Options):
    """When a stretch of road in coarse images is worth a look."""

    use: Literal["grain_hint"] = "grain_hint"
    min_length_m: float = Field(60.0, ge=20, le=2000, description="shortest stretch, m; on coarse pixels 8 of them")
    reference_m: float = Field(
        600.0,
        ge=200,
        le=5000,
        description="length of road that a stretch is compared with; shorter roads say nothing, m",
    )
    deviations: float = Field(
        4.0, ge=2, le=50, description="least contrast, in deviations of the same road along its length"
    )
    min_warm: float = Field(
        0.04, gt=0, le=1, description="least growth of ln(R/B) over the road's pixels, beyond that of the ground beside"
    )
    max_darker: float = Field(
        0.12, ge=0, le=2, description="how much darker (ln of brightness) such a stretch may be; on concrete grain is"
    )
    max_confidence: float = Field(0.3, ge=0, le=0.3, description="a hint is never surer than this")
    default_pavement_m: float = Field(7.0, ge=2.5, le=60, description="pavement width where the layer has none, m")


@detector
@dataclass(frozen=True)
class GrainHint:
    """Stretches of road that may bear grain, in images of 2.5 to 12 m."""

    Options: ClassVar[type[Options]] = GrainHintOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (GRAIN_HINT,)
    halo_m: ClassVar[float] = 300.0
    outline: ClassVar[str] = "smooth"
    options: GrainHintOptions = field(default_factory=GrainHintOptions)

    def fits(self, pixel_m: float) -> None:
        """ConfigError where single strips can be seen, or nothing of them."""
        if pixel_m < FINEST_M:
            raise ConfigError(
                f"grain_hint is for pixels of {FINEST_M:g} to {COARSEST_M:g} m, resolution_m is {pixel_m:g}: "
                "use grain_drying, which sees single strips"
            )
        if pixel_m > COARSEST_M:
            raise ConfigError(
                f"grain_hint needs pixels of {COARSEST_M:g} m or better, resolution_m is {pixel_m:g}: "
                "a strip is too small a part of such a pixel; leave grain_hint out of 'detectors'"
            )

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Hints in ``view``: kind, confidence, evidence, geometry. ConfigError where pixels are below 2.5 or above 12 m."""
        pixel_m = view.grid.pixel_m
        self.fits(pixel_m)
        days = cues.bands(view.before), cues.bands(view.after)
        names = [name for name in days[1] if name in days[0]]
        rows: list[RoadStrip] = []
        margin_m = 3 * pixel_m
        for frame in frames(
            view.roads, view.grid, margin_m=margin_m, default_width_m=self.options.default_pavement_m, bend_m=30.0
        ):
            if len(frame.along_m) * frame.along_step_m >= self.options.reference_m:
                rows += self._on_road(frame, *({n: frame.sample(day[n], view.grid) for n in names} for day in days))
        return table(rows, view)

    def _on_road(
        self, frame: RoadFrame, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
    ) -> Iterator[RoadStrip]:
        o = self.options
        excess, deviation = self._excess(frame, before, after)
        told = [name for name in ("warm", "nir") if name in excess]
        score = np.sum([excess[n] / deviation[n] for n in told], axis=0) / np.sqrt(len(told))
        with np.errstate(invalid="ignore"):
            mask = (score > o.deviations) & (excess["warm"] > o.min_warm) & (excess["bright"] > -o.max_darker)
            mask &= np.logical_and.reduce([excess[n] > 1.5 * deviation[n] for n in told])
        gap = max(round(2 * frame.pixel_m / frame.along_step_m), 1)
        closed = ndimage.binary_closing(np.pad(mask, gap), np.ones(gap + 1))[gap:-gap]
        labels, _ = ndimage.label(closed)
        for (columns,) in ndimage.find_objects(labels):
            length_m = (columns.stop - columns.start) * frame.along_step_m
            if length_m >= max(o.min_length_m, 8 * frame.pixel_m):
                yield self._row(frame, columns, {n: float(np.nanmedian(v[columns])) for n, v in excess.items()}, score)

    def _excess(
        self, frame: RoadFrame, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Growth of the road's features since before that neither the road around nor the ground beside shares, (along,).

        And by how much the growth of the road scatters, a deviation; of its lower half, where grain has no part.
        """
        half, pixel = frame.width_m / 2, frame.pixel_m
        across = frame.across_m
        bands = {
            "road": np.abs(across) <= max(half, pixel / 2),
            "left": (across > half + 0.75 * pixel) & (across <= half + 2.5 * pixel),
            "right": (across < -half - 0.75 * pixel) & (across >= -half - 2.5 * pixel),
        }
        grown = {}
        for name, rows in bands.items():
            was, now = (self._profile(frame, {n: v[rows].mean(axis=0) for n, v in d.items()}) for d in (before, after))
            grown[name] = {n: now[n] - was[n] for n in now}
        beside = {n: np.maximum(np.maximum(grown["left"][n], grown["right"][n]), 0) for n in grown["road"]}
        deviation = {}
        for name, values in grown["road"].items():
            known = values[np.isfinite(values)]
            low, middle = np.quantile(known, (0.16, 0.5)) if known.size else (0.0, 0.0)
            deviation[name] = max(float(middle - low), _NOISE[name])
        return {n: grown["road"][n] - beside[n] for n in grown["road"]}, deviation

    def _profile(self, frame: RoadFrame, bands: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Features along the road less their median over the reference length."""
        features = colour_logs(bands)
        features["warm"] = features["rg"] + features["gb"]
        window = max(round(self.options.reference_m / frame.along_step_m) // 2 * 2 + 1, 3)
        out = {}
        for name in _FEATURES:
            if name in features:
                values, seen = features[name], np.isfinite(features[name])
                filled = np.where(seen, values, np.median(values[seen]) if seen.any() else 0.0)
                smooth = ndimage.uniform_filter1d(
                    filled, max(round(frame.pixel_m / frame.along_step_m), 1), mode="nearest"
                )
                level = ndimage.median_filter(smooth, window, mode="nearest")
                out[name] = np.where(seen, smooth - level, np.nan)
        return out

    def _row(self, frame: RoadFrame, columns: slice, excess: Mapping[str, float], score: np.ndarray) -> RoadStrip:
        o = self.options
        deviations = float(np.nanmedian(score[columns]))
        along, half = frame.along_m[columns], np.full(columns.stop - columns.start, frame.width_m / 2)
        from_m, to_m = frame.span_m(columns.start, columns.stop - 1)
        evidence = {
            "hint": True,
            "provisional": True,
            "section": str(frame.section),
            "length_m": round(to_m - from_m, 1),
            "deviations": round(deviations, 2),
            "pixel_m": frame.pixel_m,
            **{f"{name}_excess": round(value, 3) for name, value in excess.items()},
        }
        # Twice the least contrast is half of what a hint can be sure of; it never reaches its greatest.
        sure = o.max_confidence * (1 - o.deviations / max(deviations, o.deviations) / 2)
        return RoadStrip(
            GRAIN_HINT, frame.section, "left", from_m, to_m, round(sure, 4), evidence, frame.ribbon(along, -half, half)
        )
