"""Your own network as a detector: any ONNX model that gives a probability, run by configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, cast

import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field, model_validator

from ..imagery.raster import burn
from ..model.kinds import BUILDING
from ..model.options import Options
from ..networks import Network, NetworkOptions
from .base import View
from .footprint import trace
from .from_probability import labelled
from .registry import detector

_OPEN_PX = 2  # appendages narrower than this are noise of the map, no part of a thing


class NetworkDetectorOptions(NetworkOptions):
    """Which model is run, and what its probabilities mean. A card may say these under ``detector``."""

    CARD_SECTIONS: ClassVar[tuple[str, ...]] = ("network", "detector")

    use: Literal["network"] = "network"
    name: str = Field(
        "network", pattern=r"^[\w.-]{1,40}$", description="Name in tables and records; tells several networks apart."
    )
    kind: str = Field(
        BUILDING,
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="Kind of its findings, which decides name, colour and articles of law; one of your own is allowed.",
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="Probability that an object must reach somewhere.")
    low_threshold: float = Field(0.35, gt=0, lt=1, description="Probability down to which an object reaches.")
    min_area_m2: float = Field(20.0, ge=0, le=1_000_000, description="Smallest object, m2.")
    max_area_m2: float = Field(20_000.0, gt=0, le=100_000_000, description="Largest object, m2.")
    outline: Literal["squared", "smooth"] = Field(
        "squared", description="squared: right angles, of buildings | smooth."
    )
    max_pavement_share: float = Field(
        0.6, ge=0, le=1, description="Objects of which more lies on the carriageway are left out; 1 keeps all."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low_threshold > self.threshold:
            raise ValueError(
                f"low_threshold {self.low_threshold:g} is above threshold {self.threshold:g}; exchange them"
            )
        if self.min_area_m2 >= self.max_area_m2:
            raise ValueError(f"min_area_m2 {self.min_area_m2:g} is not below max_area_m2 {self.max_area_m2:g}")
        return self


@detector
@dataclass(frozen=True)
class NetworkDetector:
    """What a model sees as new in ``view.after``, as objects of one kind."""

    Options: ClassVar[type[Options]] = NetworkDetectorOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (BUILDING,)
    halo_m: ClassVar[float] = 64.0
    outline: ClassVar[str] = "squared"
    bands: ClassVar[tuple[str, ...]] = ()
    options: NetworkDetectorOptions

    def __post_init__(self) -> None:
        """Load the model, so that one that does not fit is refused before the first tile; say what its options ask for."""
        options = cast("NetworkDetectorOptions", Network.load(self.options).options)
        # As far past the core as a large roof reaches, and as the network looks around a pixel.
        halo_m = max(self.halo_m, options.halo_px * options.resolution_m[0] if options.resolution_m else 0)
        own = {"kinds": (options.kind,), "halo_m": halo_m, "outline": options.outline, "bands": options.bands}
        for name, value in {"options": options, **own}.items():
            object.__setattr__(self, name, value)

    @property
    def network(self) -> Network:
        """The loaded model."""
        return Network(self.options)

    def described(self) -> dict[str, Any]:
        """What the run's record says of the model: file, sha256, and its card's calibration."""
        network = self.network
        return {
            "file": self.options.model.name,
            "sha256": network.sha256,
            "calibration": network.card.get("calibration"),
        }

    def __call__(self, view: View) -> gpd.GeoDataFrame:
        """Candidates in ``view``: kind, confidence (mean probability of the object's pixels), evidence, geometry."""
        options, grid, network = self.options, view.grid, self.network
        maps = network.probability(*view.dates_as_taken, grid)
        labels = labelled(
            maps[network.new],
            high=options.threshold,
            low=options.low_threshold,
            min_area_px=options.min_area_m2 / grid.pixel_m**2,
        )
        shapes, confidences, evidence = [], [], []
        for number in range(1, int(labels.max()) + 1):
            mask = labels == number
            shape = trace(
                mask,
                grid,
                open_m=_OPEN_PX * grid.pixel_m,
                fill_hole_m2=options.min_area_m2,
                min_area_m2=options.min_area_m2,
            )
            if shape is None or shape.area > options.max_area_m2 or self._on_road(shape, view):
                continue
            shapes.append(shape)
            confidences.append(round(float(np.nanmean(maps[network.new][mask])), 4))
            evidence.append(json.dumps(self._evidence(maps, mask, shape), sort_keys=True))
        columns = {"confidence": np.array(confidences, float), "evidence": np.array(evidence, object)}
        geometry = gpd.GeoSeries(shapes, crs=grid.epsg)
        kind = np.full(len(shapes), options.kind, object)
        return gpd.GeoDataFrame({"kind": kind, **columns}, geometry=geometry, crs=grid.epsg)

    def _on_road(self, shape: shapely.Polygon, view: View) -> bool:
        covered = view.zones["pavement"][burn([shape], view.grid) > 0]
        return bool(covered.size and covered.mean() > self.options.max_pavement_share)

    def _evidence(self, maps: np.ndarray, mask: np.ndarray, shape: shapely.Polygon) -> dict[str, float]:
        """Statistics of one object; of networks on single images also what they see at each date."""
        found = {"probability": maps[self.network.new]}
        if self.options.inputs == "image":
            found |= {"probability_before": maps[1], "probability_after": maps[2]}
        told = {name: float(np.nanmean(of[mask])) for name, of in found.items()}
        told |= {"peak": float(np.nanmax(found["probability"][mask])), "area_m2": shape.area}
        return {name: round(value, 3) for name, value in told.items()}
