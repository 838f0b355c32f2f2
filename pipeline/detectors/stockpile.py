"""Material heaped on the road's land: compact things unlike what lay there before, with a shadow of their own.

Highway land and pavement are searched for what changed and is not green (``ground_change``); each compact place is
measured (``ground_evidence``), and a logistic of the evidence gives the confidence. A vehicle stands on the pavement, along
it, and is no wider than a lane allows; heaps of straw in the fields lie beyond the land; sheets that cover heaps are blue or
green in colour, not in the near infrared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import geopandas as gpd
import numpy as np
from pydantic import Field

from ..model.kinds import STOCKPILE
from ..model.options import Options
from .base import View
from .confidence import Confidence
from .ground_change import Ground, look
from .ground_finder import GroundOptions, fine_enough, judged, measured, table, weights_of
from .ground_parts import changed, heaps
from .registry import detector

COARSEST_M = 1.0
_ZONES = ("highway_land", "pavement")


class StockpileOptions(GroundOptions):
    """What counts as a heap. Changes are differences of colour (Lab / 100) of images toned alike."""

    use: Literal["stockpile"] = "stockpile"
    min_area_m2: float = Field(7.0, ge=3, le=500, description="smallest heap, m2")
    max_area_m2: float = Field(200.0, ge=20, le=5000, description="greatest heap, m2")
    min_width_m: float = Field(1.6, ge=0.5, le=10, description="narrowest heap, m")
    max_length_m: float = Field(25.0, ge=5, le=200, description="longest heap, m")
    sure_change: float = Field(0.25, gt=0, lt=1, description="change of colour that a heap must reach somewhere")
    edge_change: float = Field(0.16, gt=0, lt=1, description="change of colour down to which a heap reaches")
    max_green: float = Field(
        0.5, gt=0, le=1, description="greatest greenness of material (NDVI / 0.6; without nir it is scaled)"
    )


@detector
@dataclass(frozen=True)
class Stockpile:
    """Heaps on pavement and highway land that are there in ``view.after`` and not in ``view.before``."""

    Options: ClassVar[type[Options]] = StockpileOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (STOCKPILE,)
    halo_m: ClassVar[float] = 40.0
    outline: ClassVar[str] = "smooth"
    options: StockpileOptions = field(default_factory=StockpileOptions)

    def __post_init__(self) -> None:
        """Look at weights of one's own, so that a file that does not fit is refused before the first tile."""
        weights_of("stockpile", self.options)

    def fits(self, pixel_m: float) -> None:
        """ConfigError where pixels are too coarse."""
        fine_enough("stockpile", pixel_m, COARSEST_M, "a heap is 3 m wide")

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Candidates in ``view``: kind, confidence, evidence, geometry. ConfigError where pixels are above 1 m."""
        o = self.options
        self.fits(view.grid.pixel_m)
        ground = look(view, _ZONES)
        if ground is None:
            return table([], view.grid)
        mask = changed(
            ground, sure=o.sure_change, edge=o.edge_change, bare=self._bare(ground), narrowest_m=o.min_width_m
        )
        spots = heaps(mask, ground, narrowest_m=o.min_width_m, least_m2=o.min_area_m2, most_m2=o.max_area_m2)
        found = measured(spots, ground, view, open_m=o.min_width_m, least_m2=o.min_area_m2)
        short = ((shape, told) for shape, told in found if told["length_m"] <= o.max_length_m)
        return table(judged(STOCKPILE, short, self.weights, o, lambda _: {}), view.grid)

    @property
    def weights(self) -> Confidence:
        """The weights of the evidence that are used."""
        return weights_of("stockpile", self.options)

    def described(self) -> dict[str, object]:
        """What a run's record names: how its confidence came about."""
        weights, chosen = self.weights, self.options.confidence
        return {
            "file": "stockpile_confidence.json" if chosen is None else chosen.name,
            "sha256": weights.sha256,
            "calibration": {"fitted_on": dict(weights.note), "sha256": weights.sha256},
        }

    def _bare(self, ground: Ground) -> np.ndarray:
        return ground.bare(self.options.max_green) | ground.sheeted()
