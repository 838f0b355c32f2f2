"""New buildings, and buildings that went: what a small network sees on two dates, parted into roofs and weighed.

The network (``networks/shipped``; its card says what it was trained on) gives each pixel the probability that a building
came, that one went, that one stands before, and after. Its map is parted into single objects (``from_probability``); each
is measured in both images (``building_evidence``), and its confidence is a logistic of that evidence, fitted on places
that the network had not seen (``confidence``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field
from scipy import ndimage

from ..errors import ConfigError
from ..imagery.raster import burn
from ..model.grid import Grid
from ..model.kinds import BUILDING, DEMOLITION
from ..model.options import Options
from ..networks.network import Network
from ..networks.shipped import building_network
from . import cues
from .base import View
from .building_evidence import AFTER, BEFORE, LOST, NEW, evidence, neighbourhood
from .comparison import Pair, compare
from .confidence import Confidence, shipped_confidence
from .footprint import trace
from .from_probability import labelled
from .registry import detector

COARSEST_M = 1.5
_NO_SHADE, _NO_LEE = 0.02, 0.08  # below these there is no shadow: share of dark ground, difference of lightness
_HIGH_SUN_DEG = 70.0  # from here on 3 m throw a shadow of a metre
_WIDE_M = 9.0  # what is joined by more than this is one hall
_LEAST_PX = 20  # pixels that the smallest roof must fill: fewer have no shape


class BuildingOptions(Options):
    """What counts as a new building."""

    use: Literal["building"] = "building"
    model: Path | None = Field(None, description="network of the same form as the one that comes with luyu (ONNX)")
    confidence: Path | None = Field(None, description="fitted weights of the evidence that go with it (JSON)")
    min_confidence: float = Field(0.1, ge=0, le=1, description="candidates below this confidence are not kept at all")
    sure_pixel: float = Field(0.5, gt=0, lt=1, description="probability that an object must reach somewhere")
    edge_pixel: float = Field(0.3, gt=0, lt=1, description="probability down to which an object reaches")
    outline_pixel: float = Field(
        0.4, gt=0, lt=1, description="probability down to which it is drawn: a zone is decided by its outline"
    )
    min_area_m2: float = Field(20.0, ge=4, le=1000, description="smallest roof, m2; on coarse pixels it is 20 of them")
    max_pavement_share: float = Field(
        0.6,
        ge=0,
        le=1,
        description="objects of which more lies on the carriageway are lorries and works, not buildings",
    )
    width_to_open_m: float = Field(2.0, ge=0, le=5, description="appendages narrower than this are cut off, m")
    fill_hole_m2: float = Field(
        40.0, ge=0, le=1000, description="holes smaller than this (vents, panels) are closed, m2"
    )
    flat_confidence: float = Field(
        0.4, ge=0, le=1, description="most that an object can have which throws no shadow though the sun is known"
    )
    flips: Literal[0, 1, 3] = Field(0, description="mirrored looks that are averaged in, each at the price of one more")


@dataclass(frozen=True)
class Candidate:
    """One object: kind, footprint in the grid's CRS, evidence, confidence."""

    kind: str
    shape: shapely.Polygon
    evidence: dict[str, float]
    confidence: float


@detector
@dataclass(frozen=True)
class Building:
    """Buildings of which there is one in ``view.after`` and none in ``view.before`` (building), or the reverse (demolition)."""

    Options: ClassVar[type[Options]] = BuildingOptions
    version: ClassVar[str] = "2"
    kinds: ClassVar[tuple[str, ...]] = (BUILDING, DEMOLITION)
    halo_m: ClassVar[float] = 64.0
    outline: ClassVar[str] = "squared"
    options: BuildingOptions = field(default_factory=BuildingOptions)

    def __post_init__(self) -> None:
        """Look at files of one's own, so that one that does not fit is refused before the first tile."""
        if self.options.model is not None:
            building_network(self.options.model)
        if self.options.confidence is not None:
            Confidence.load(self.options.confidence)

    def fits(self, pixel_m: float) -> None:
        """ConfigError where pixels are too coarse to show a house."""
        if pixel_m > COARSEST_M:
            raise ConfigError(
                f"building needs pixels of {COARSEST_M:g} m or better, resolution_m is {pixel_m:g}: "
                "a house is 8 to 12 m wide; use finer imagery or leave building out of 'detectors'"
            )

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Candidates in ``view``: kind, confidence, evidence, geometry. ConfigError where pixels are above 1.5 m."""
        self.fits(view.grid.pixel_m)
        before, after = cues.bands(view.before), cues.bands(view.after)
        if not (cues.observed(before) & cues.observed(after)).any():
            return _table([], view.grid)
        probability = self.network.probability(*view.dates_as_taken, view.grid)
        pair: Pair | None = None  # most windows hold nothing: they are not measured
        found: list[Candidate] = []
        for kind, order in ((BUILDING, (NEW, LOST, BEFORE, AFTER)), (DEMOLITION, (LOST, NEW, AFTER, BEFORE))):
            labels = self._labels(probability[order[0]], view.grid)
            if not labels.any():
                continue
            pair = pair or compare(before, after, view.grid.pixel_m)
            seen = pair if kind == BUILDING else pair.exchanged()
            found += self._candidates(kind, labels, probability[list(order)], seen, view)
        return _table(found, view.grid)

    @property
    def network(self) -> Network:
        """The network that is used."""
        return building_network(self.options.model, flips=self.options.flips)

    @property
    def weights(self) -> Confidence:
        """The weights of the evidence that are used."""
        return shipped_confidence() if self.options.confidence is None else Confidence.load(self.options.confidence)

    def described(self) -> dict[str, object]:
        """What a run's record names: the network, and how its confidence came about."""
        weights = self.weights
        return {
            "file": self.network.options.model.name,
            "sha256": self.network.sha256,
            "calibration": {"fitted_on": dict(weights.note), "sha256": weights.sha256},
        }

    def _labels(self, probability: np.ndarray, grid: Grid) -> np.ndarray:
        return labelled(
            probability,
            high=self.options.sure_pixel,
            low=self.options.edge_pixel,
            min_area_px=max(self.options.min_area_m2 / grid.pixel_m**2, _LEAST_PX),
            wide_px=_WIDE_M / grid.pixel_m,
        )

    def _candidates(
        self, kind: str, labels: np.ndarray, probability: np.ndarray, pair: Pair, view: View
    ) -> list[Candidate]:
        """Objects of one kind; those that lie on the carriageway, or that nothing speaks for, are none."""
        found, weights = [], self.weights
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            window = neighbourhood(box, view.grid)
            inside, near = labels[window] == number, view.grid.part(*window)
            shape = trace(
                inside & (probability[NEW][window] >= self.options.outline_pixel),
                near,
                open_m=self.options.width_to_open_m,
                fill_hole_m2=self.options.fill_hole_m2,
                min_area_m2=self.options.min_area_m2,
            )
            if shape is None:
                continue
            covered = view.zones["pavement"][window][burn([shape], near) > 0]
            if covered.size and covered.mean() > self.options.max_pavement_share:
                continue
            told = evidence(inside, window, shape, probability, pair, view.grid, view.sun_azimuth_deg)
            confidence = weights.probability(told)
            if _is_flat(told, view):
                confidence = min(confidence, self.options.flat_confidence)
            if confidence >= self.options.min_confidence:
                found.append(Candidate(kind, shape, told, confidence))
        return found


def _is_flat(told: Mapping[str, float], view: View) -> bool:
    """Whether nothing is darker beside the object where three metres of height would throw a shadow: a yard, a film, a field."""
    if view.sun_azimuth_deg is None or (view.sun_elevation_deg or 0) > _HIGH_SUN_DEG:
        return False
    return told["shade"] < _NO_SHADE and told["lee"] < _NO_LEE


def _table(rows: Sequence[Candidate], grid: Grid) -> gpd.GeoDataFrame:
    """Candidates as a table, the surest first; ties from north-west."""
    rows = sorted(rows, key=lambda row: (-row.confidence, -row.shape.bounds[3], row.shape.bounds[0]))
    told = [json.dumps({n: round(v, 3) for n, v in row.evidence.items()}, sort_keys=True) for row in rows]
    return gpd.GeoDataFrame(
        {
            "kind": np.array([row.kind for row in rows], dtype=object),
            "confidence": np.array([round(row.confidence, 4) for row in rows], dtype=float),
            "evidence": np.array(told, dtype=object),
        },
        geometry=gpd.GeoSeries([row.shape for row in rows], crs=grid.epsg),
        crs=grid.epsg,
    )
