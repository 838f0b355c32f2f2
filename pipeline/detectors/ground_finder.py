"""From changed places to rows of a detector's table; what is common to the detectors of ground."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field
from scipy import ndimage

from ..errors import ConfigError
from ..model.grid import Grid
from ..model.options import Options
from .base import View
from .confidence import Confidence
from .footprint import trace
from .ground_change import Ground
from .ground_evidence import MEASURED, cut, evidence
from .ground_parts import Places

_ALONG = 0.9  # cosine of the angle to the road up to which a thing lies along it


class GroundOptions(Options):
    """What the detectors of ground have in common."""

    confidence: Path | None = Field(None, description="fitted weights of the evidence (JSON) instead of luyu's own")
    min_confidence: float = Field(0.1, ge=0, le=1, description="candidates below this confidence are not kept at all")
    roof_shade: float = Field(
        0.5, gt=0, le=1, description="share in shadow, of where a roof's would fall, from which a place is a building"
    )
    roof_confidence: float = Field(0.2, ge=0, le=1, description="most that such a place can have")
    vehicle_width_m: float = Field(
        3.8, ge=1.5, le=6, description="a thing along the pavement, on it or at its edge, that is no wider than this, m"
    )
    vehicle_length_m: float = Field(18.0, ge=4, le=40, description="and no longer than this is a vehicle, m")

    def is_vehicle(self, told: Mapping[str, float]) -> bool:
        """Whether a place lies as a vehicle stands, and is as small."""
        at_road = told["pavement"] > 0.5 or told["touches_m"] > 0.5 * told["length_m"]
        small = told["width_m"] <= self.vehicle_width_m and told["length_m"] <= self.vehicle_length_m
        return at_road and small and told["along"] > _ALONG


@dataclass(frozen=True)
class Place:
    """One candidate: footprint in the grid's CRS, evidence, confidence, and what is said of it in words."""

    kind: str
    shape: shapely.Polygon
    evidence: dict[str, float]
    confidence: float
    cues: dict[str, float]
    words: dict[str, str]


def measured(
    places: Places, ground: Ground, view: View, *, open_m: float, least_m2: float
) -> Iterator[tuple[shapely.Polygon, dict[str, float]]]:
    """Outline and evidence of each place; those of which no outline is left are passed over."""
    for number, box in enumerate(ndimage.find_objects(places.labels), start=1):
        if box is None:
            continue
        window = cut(box, ground)
        inside = places.labels[window] == number
        shape = trace(inside, ground.grid.part(*window), open_m=open_m, fill_hole_m2=least_m2, min_area_m2=least_m2 / 2)
        if shape is not None:
            yield shape, evidence(inside, window, shape, ground, places, view.roads)


def judged(
    kind: str,
    found: Iterator[tuple[shapely.Polygon, dict[str, float]]],
    weights: Confidence,
    options: GroundOptions,
    words: Callable[[dict[str, float]], dict[str, str]],
) -> list[Place]:
    """Places with their confidence, those that are sure enough, without vehicles; what throws a roof's shadow is left to others."""
    out = []
    for shape, told in found:
        if options.is_vehicle(told):
            continue
        sure = weights.probability(told)
        if told["shade"] >= options.roof_shade:
            sure = min(sure, options.roof_confidence)
        if sure >= options.min_confidence:
            out.append(Place(kind, shape, told, sure, weights.terms(told), words(told)))
    return out


def table(rows: Sequence[Place], grid: Grid) -> gpd.GeoDataFrame:
    """Places as a detector's table, the surest first; ties from north-west."""
    rows = sorted(rows, key=lambda row: (-row.confidence, -row.shape.bounds[3], row.shape.bounds[0]))
    told = [
        json.dumps(
            {n: round(v, 3) for n, v in row.evidence.items()}
            | row.words
            | {"cues": {n: round(v, 3) for n, v in row.cues.items()}},
            sort_keys=True,
        )
        for row in rows
    ]
    return gpd.GeoDataFrame(
        {
            "kind": np.array([row.kind for row in rows], dtype=object),
            "confidence": np.array([round(row.confidence, 4) for row in rows], dtype=float),
            "evidence": np.array(told, dtype=object),
        },
        geometry=gpd.GeoSeries([row.shape for row in rows], crs=grid.epsg),
        crs=grid.epsg,
    )


def weights_of(name: str, options: GroundOptions) -> Confidence:
    """The weights that a detector uses; ConfigError where a file of one's own does not fit."""
    if options.confidence is None:
        return shipped(name)
    return Confidence.load(options.confidence).fit_for(MEASURED, options.confidence)


@cache
def shipped(name: str) -> Confidence:
    """The weights that come with the program under a name."""
    return Confidence.load(Path(__file__).with_name(f"{name}_confidence.json"))


def fine_enough(name: str, pixel_m: float, coarsest_m: float, why: str) -> None:
    """ConfigError where pixels are too coarse for a detector."""
    if pixel_m > coarsest_m:
        raise ConfigError(
            f"{name} needs pixels of {coarsest_m:g} m or better, resolution_m is {pixel_m:g}: {why}; "
            f"use finer imagery or leave {name} out of 'detectors'"
        )
