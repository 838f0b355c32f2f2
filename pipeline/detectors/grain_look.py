"""What one look at the roads of a window gives: strips of grain, and the stretches that could be judged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from .base import View


@dataclass(frozen=True)
class RoadStrip:
    """A strip on the half ``side`` ('left' or 'right', facing the digitised direction) of the road ``section``.

    ``from_m``, ``to_m`` are measured along the section's line (on from part to part where it has several).
    ``geometry`` is a polygon in the grid's CRS; ``evidence`` the statistics behind ``confidence`` (0..1).
    """

    kind: str
    section: object
    side: str
    from_m: float
    to_m: float
    confidence: float
    evidence: Mapping[str, Any]
    geometry: BaseGeometry


@dataclass(frozen=True)
class Look:
    """What one pair of images says of the roads in a window.

    ``seen``: (section, from_m, to_m) of stretches whose pavement could be judged on both dates.
    """

    strips: tuple[RoadStrip, ...]
    seen: tuple[tuple[object, float, float], ...]


def table(rows: Sequence[RoadStrip], view: View) -> gpd.GeoDataFrame:
    """Rows as a detector gives them: kind, confidence, evidence (JSON), geometry; in order of place."""
    rows = sorted(rows, key=lambda r: shapely.get_coordinates(r.geometry)[0].tolist())
    data = {
        "kind": pd.Series([r.kind for r in rows], dtype="object"),
        "confidence": pd.Series([r.confidence for r in rows], dtype="float64"),
        "evidence": pd.Series([json.dumps(r.evidence) for r in rows], dtype="object"),
    }
    shapes = gpd.GeoSeries([r.geometry for r in rows], crs=view.grid.epsg)
    return gpd.GeoDataFrame(data, geometry=shapes, crs=view.grid.epsg)
