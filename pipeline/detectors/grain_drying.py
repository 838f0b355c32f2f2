"""Grain spread to dry on the carriageway: long warm strips along one edge of the road that were not there before.

The road is straightened (``roadframe``), its pavement found (``pavement``), and every sample compared with the bare
surface of the same road on the same day, and with itself on the day before (``grain_road``). What is warm in both ratios
of colour, not dark, in the near infrared brighter but not green, new, long and along the axis becomes a strip
(``strips``); its confidence is a logistic of its cues (``grain_score``), fitted on rendered grain and on what resembles
it (``benchmarks/grain/calibrate.py``), to which season and weather add what they are said to be worth. No public data of
grain on roads exist, and a single pair of images only ever gives a provisional finding.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import xarray as xr
from scipy import ndimage

from ..errors import ConfigError
from ..model.kinds import GRAIN_DRYING
from ..model.options import Options
from . import cues
from .base import Found, View
from .confidence import Confidence, shipped_confidence
from .grain_look import Look, RoadStrip
from .grain_options import GrainDryingOptions
from .grain_road import Road, read_road
from .grain_score import SIGNS, cues_of, measure
from .grain_series import over_takes
from .registry import detector
from .roadframe import frames
from .strips import Strip, cleaned, find

COARSEST_M = 2.5
_SHADE = 0.8  # a tree's shadow on part of a strip may be this much darker (natural log) without breaking it
_LEVELS = (1.0, 1.7, 3.0, 5.0)  # contrasts at which strips are looked for, in least ones
_CLEAR_LEVEL = 2  # of those levels: the contrast that grain has on most roads
_INSIDE_M = -0.4  # the found edge is known no better
_LORRY_M = 8.0  # what hides so little of a road does not make a stretch unseen
_SHORTEST_SEEN_M = 20.0
_SHIPPED = "grain_confidence.json"


@detector
@dataclass(frozen=True)
class GrainDrying:
    """Strips of grain on the pavement of the roads in a view."""

    Options: ClassVar[type[Options]] = GrainDryingOptions
    version: ClassVar[str] = "2"
    kinds: ClassVar[tuple[str, ...]] = (GRAIN_DRYING,)
    halo_m: ClassVar[float] = 60.0
    outline: ClassVar[str] = "smooth"
    passing: ClassVar[bool] = True
    options: GrainDryingOptions = field(default_factory=GrainDryingOptions)

    def __post_init__(self) -> None:
        """Look at files of one's own, so that one that does not fit is refused before the first tile."""
        self.weights.names  # noqa: B018
        self.options.weather(dt.date(2000, 1, 1))

    def __call__(self, view: View) -> Found:
        """Candidates in ``view``, one a stay, and where the road was looked at. ConfigError where pixels are above 2.5 m."""
        return over_takes(self.look, view, self.options.series)

    @property
    def takes(self) -> int:
        """Takes of each period that are looked at one by one."""
        return self.options.max_takes

    def fits(self, pixel_m: float) -> None:
        """ConfigError where pixels are too coarse to show a strip."""
        if pixel_m > COARSEST_M:
            raise ConfigError(
                f"grain_drying needs pixels of 2 m or better, resolution_m is {pixel_m:g}: "
                "a strip is 1.5 to 4.5 m wide; use finer imagery, grain_hint, or leave grain_drying out of 'detectors'"
            )

    def look(self, view: View, before: xr.Dataset, after: xr.Dataset, after_day: dt.date) -> Look:
        """Strips that ``after`` shows and ``before`` does not: two images on the view's grid, in one radiometry.

        Each strip is given once. ConfigError where pixels are above 2.5 m.
        """
        strips, seen = self.candidates(view, before, after, after_day)
        return Look(tuple(without_twins(strips)), tuple(seen))

    def candidates(
        self, view: View, before: xr.Dataset, after: xr.Dataset, after_day: dt.date
    ) -> tuple[list[RoadStrip], list[tuple[object, float, float]]]:
        """Strips as ``look`` has them before twins are removed (one at several levels of contrast), and what was seen."""
        self.fits(view.grid.pixel_m)
        o, days = self.options, (cues.bands(before), cues.bands(after))
        names = [name for name in days[1] if name in days[0]]
        images = {n: days[0][n] for n in names}, {n: days[1][n] for n in names}
        strips: list[RoadStrip] = []
        seen: list[tuple[object, float, float]] = []
        for frame in frames(view.roads, view.grid, margin_m=6.0, default_width_m=o.default_pavement_m):
            margins_m = o.edge_tolerance_m, o.edge_doubt_m
            road = read_road(frame, view, images, offset_max_m=o.offset_max_m, margins_m=margins_m)
            if road is not None:
                strips += self._on_road(road, o.calendar(after_day, province(view.roads, frame.section)), after_day)
                seen += _seen(road, self._on_both(road))
        return strips, seen

    @property
    def weights(self) -> Confidence:
        """The weights of the cues that are used."""
        path = self.options.confidence
        return shipped_confidence(_SHIPPED) if path is None else Confidence.load(path).fit_for(tuple(SIGNS), path)

    def described(self) -> dict[str, object]:
        """What a run's record names: how the confidence came about."""
        weights = self.weights
        return {
            "file": _SHIPPED if self.options.confidence is None else self.options.confidence.name,
            "sha256": weights.sha256,
            "calibration": {"fitted_on": dict(weights.note), "sha256": weights.sha256},
        }

    def _on_road(self, road: Road, calendar: Mapping[str, float], day: dt.date) -> Iterator[RoadStrip]:
        o, new, weights = self.options, road.new, self.weights
        hidden = road.hidden(road.now)
        for mask in self._grainlike(road, new):
            kept = cleaned(mask, hidden, road.frame, shortest_m=o.min_piece_m, narrowest_m=0.85 * o.min_width_m)
            # Half of a step is its middle in reflectance; in logarithms strips on asphalt would be drawn too wide.
            for strip in find(kept, new["gap"], road.frame, gap_m=o.join_gap_m, reach=road.reach):
                evidence = measure(strip, road)
                if evidence is None or not self._big_enough(evidence):
                    continue
                score = cues_of(evidence)
                sure = weights.probability(score, prior=sum(calendar.values()))
                if sure >= o.min_confidence:
                    told = self._told(evidence, day) | {"cues": weights.terms(score) | dict(calendar)}
                    yield _row(strip, road, sure, told)

    def _grainlike(self, road: Road, new: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
        """Samples whose colour could be grain that was not there before, at one level of contrast after the other.

        A faint strip is seen at the lowest; at a higher one a clear strip comes off the faintly warm ground around it.
        """
        o, now, bare = self.options, road.now, road.bare
        least = max(o.min_warm, min(o.noise_factor * bare.scatter["warm"], o.noise_max))
        with np.errstate(invalid="ignore"):
            mask = road.reach & (new["rg"] > o.min_red) & (new["gb"] > o.min_yellow)
            mask &= now["bright"] > o.min_bright - _SHADE
            if "nir" in now:
                mask &= (now["nir"] > o.min_nir) & (now["ndvi"] + bare.level["ndvi"] < o.max_ndvi)
            for factor in _LEVELS:
                mask = mask & (new["warm"] > factor * least)
                if not mask.any():
                    return
                yield mask

    def _on_both(self, road: Road) -> np.ndarray:
        """Columns in which both dates show a clear strip on the pavement: neither new nor absent, bool (along,).

        Clear, since worn lanes and dusty edges are faintly warm on every date and must not hide a whole road.
        """
        both = {name: np.minimum(road.now[name], road.was[name]) for name in road.now}
        masks = list(self._grainlike(road, both))
        if len(masks) <= _CLEAR_LEVEL:
            return np.zeros(len(road.frame.along_m), bool)
        paved = masks[_CLEAR_LEVEL] & road.pavement.mask(road.frame.across_m, _INSIDE_M)
        wide = paved.sum(axis=0) * road.frame.across_step_m >= self.options.min_width_m
        long = int(self.options.min_piece_m / road.frame.along_step_m) + 1
        return np.asarray(ndimage.binary_opening(wide, np.ones(long)))

    def _big_enough(self, evidence: Mapping[str, Any]) -> bool:
        o = self.options
        # Of what is hardly wider than a pixel the width is known to half a pixel.
        narrowest_m = max(0.9 * o.min_width_m - 0.5 * evidence["pixel_m"], 0.5)
        return (
            evidence["covered_length_m"] >= o.min_length_m
            and evidence["brightness_contrast"] >= o.min_bright
            and narrowest_m <= evidence["width_m"] <= o.max_width_m
        )

    def _told(self, evidence: Mapping[str, Any], day: dt.date) -> dict[str, Any]:
        o = self.options
        concrete = evidence["surface_brightness"] >= o.concrete_from
        return {
            **evidence,
            "surface": "concrete" if concrete else "asphalt",
            "weather": o.weather(day),
            "provisional": True,
        }


def _row(strip: Strip, road: Road, sure: float, evidence: dict[str, Any]) -> RoadStrip:
    from_m, to_m = road.frame.span_m(strip.first, strip.last)
    outline = road.frame.ribbon(road.frame.along_m[strip.columns], strip.right_m, strip.left_m)
    evidence |= {"in_harvest_window": evidence["cues"]["season"] == 0}
    evidence["cues"] = {name: round(value, 3) for name, value in evidence["cues"].items()}
    told = {k: round(v, 3) if isinstance(v, float) else v for k, v in evidence.items()}
    return RoadStrip(
        GRAIN_DRYING,
        road.frame.section,
        evidence["side_of_line"],
        from_m,
        to_m,
        round(min(sure, 0.9999), 4),
        told,
        outline,
    )


def _seen(road: Road, doubtful: np.ndarray) -> Iterator[tuple[object, float, float]]:
    """Stretches whose pavement could be judged on both dates; what a lorry hides does not break them.

    ``doubtful``: columns that say nothing though they are clear, bool (along,).
    """
    step = road.frame.along_step_m
    clear = np.pad(road.clear_columns(), (1, 1))
    closed = ndimage.binary_closing(np.pad(clear, 20), np.ones(int(_LORRY_M / step) + 1))[20:-20]
    closed &= ~np.pad(doubtful, (1, 1))
    steps = np.diff(closed.astype(np.int8))
    for first, end in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
        if (end - first) * step >= _SHORTEST_SEEN_M:
            yield road.frame.section, *road.frame.span_m(int(first), int(end) - 1)


def province(roads: gpd.GeoDataFrame, section: object) -> str | None:
    """Two-digit province code from the full route key (G311320322 lies in 32), if it has one."""
    if "route_key" not in roads:
        return None
    digits = str(roads["route_key"].get(section, ""))
    return digits[-6:-4] if len(digits) >= 8 and digits[-6:].isdigit() else None


def without_twins(rows: Sequence[RoadStrip]) -> list[RoadStrip]:
    """Rows less those seen again, at another level or from another road's frame (crossings, parallel carriageways).

    The surer one stays.
    """
    kept: list[RoadStrip] = []
    for row in sorted(rows, key=lambda r: (-r.confidence, r.geometry.wkb)):
        shared = [
            row.geometry.intersection(other.geometry).area / min(row.geometry.area, other.geometry.area)
            for other in kept
        ]
        if max(shared, default=0.0) < 0.3:
            kept.append(row)
    return kept
