"""Works beside the road: earth opened or levelled, ground hardened, new accesses, on highway land or in the control zone.

Ground that is bare now and changed beyond what is usual along the road (``ground_change``) is parted into places
(``ground_parts``) and measured (``ground_evidence``); a logistic of the evidence gives the confidence. Fields that were
ploughed go on beyond the control zone and look like others that day; resurfacing stays on the pavement, or goes on
there; roofs throw shadows farther than earth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import geopandas as gpd
from pydantic import Field

from ..model.kinds import ROADWORKS
from ..model.options import Options
from .base import View
from .confidence import Confidence
from .ground_change import look
from .ground_finder import GroundOptions, fine_enough, judged, measured, table, weights_of
from .ground_parts import changed, places
from .registry import detector

COARSEST_M = 2.0
_ZONES = ("highway_land", "control_zone")


class RoadworksOptions(GroundOptions):
    """What counts as works. Changes are differences of colour (Lab / 100) of images toned alike."""

    use: Literal["roadworks"] = "roadworks"
    min_area_m2: float = Field(20.0, ge=8, le=2000, description="smallest place, m2")
    min_width_m: float = Field(
        1.6, ge=0.5, le=10, description="narrowest place; cleaned ditches and shoulders lie below, m"
    )
    sure_change: float = Field(0.22, gt=0, lt=1, description="change of colour that a place must reach somewhere")
    edge_change: float = Field(0.13, gt=0, lt=1, description="change of colour down to which a place reaches")
    apart: float = Field(
        0.09, gt=0, lt=1, description="least difference of colour to the fields around, in the control zone"
    )
    max_green: float = Field(
        0.42, gt=0, le=1, description="greatest greenness of bare ground (NDVI / 0.6; without nir it is scaled)"
    )
    pale_warmth: float = Field(
        0.075, ge=-0.5, le=0.5, description="the palest part of hardened ground is warmer than the pavement by no more"
    )
    pale_light: float = Field(
        0.0, ge=-1, le=1, description="and lighter than it by this or more (lightness 0..1); else it is bare ground"
    )


@detector
@dataclass(frozen=True)
class Roadworks:
    """Ground opened or hardened beside the road in ``view.after`` and not in ``view.before``."""

    Options: ClassVar[type[Options]] = RoadworksOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (ROADWORKS,)
    halo_m: ClassVar[float] = 64.0
    outline: ClassVar[str] = "smooth"
    options: RoadworksOptions = field(default_factory=RoadworksOptions)

    def __post_init__(self) -> None:
        """Look at weights of one's own, so that a file that does not fit is refused before the first tile."""
        weights_of("roadworks", self.options)

    def fits(self, pixel_m: float) -> None:
        """ConfigError where pixels are too coarse."""
        fine_enough("roadworks", pixel_m, COARSEST_M, "an access is 4 m wide")

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Candidates in ``view``: kind, confidence, evidence, geometry. ConfigError where pixels are above 2 m."""
        o = self.options
        self.fits(view.grid.pixel_m)
        ground = look(view, _ZONES)
        if ground is None:
            return table([], view.grid)
        mask = changed(
            ground, sure=o.sure_change, edge=o.edge_change, bare=ground.bare(o.max_green), narrowest_m=o.min_width_m
        )
        spots = places(mask, ground, apart=o.apart, narrowest_m=o.min_width_m, least_m2=o.min_area_m2)
        found = measured(spots, ground, view, open_m=o.min_width_m, least_m2=o.min_area_m2)
        return table(judged(ROADWORKS, found, self.weights, o, self._stage), view.grid)

    @property
    def weights(self) -> Confidence:
        """The weights of the evidence that are used."""
        return weights_of("roadworks", self.options)

    def described(self) -> dict[str, object]:
        """What a run's record names: how its confidence came about."""
        weights, chosen = self.weights, self.options.confidence
        return {
            "file": "roadworks_confidence.json" if chosen is None else chosen.name,
            "sha256": weights.sha256,
            "calibration": {"fitted_on": dict(weights.note), "sha256": weights.sha256},
        }

    def _stage(self, told: Mapping[str, float]) -> dict[str, str]:
        """``foundation`` where its least warm part is as pale as a slab, ``bare`` where it is earth."""
        pale = told["palest"] <= self.options.pale_warmth and told["pale_light"] >= self.options.pale_light
        return {"stage": "foundation" if pale else "bare"}
