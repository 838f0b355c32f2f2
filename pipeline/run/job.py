"""What a tile needs and what it gives: small enough to travel to another process and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from ..config.imagery_options import ImageryOptions
from ..imagery.reader import RasterioReader
from ..model.grid import Tile
from ..model.options import Options
from ..model.scene import Scene
from ..model.tables import SIGHTINGS
from ..prepare.pair import Priors


def no_sightings(epsg: int) -> gpd.GeoDataFrame:
    """Nothing looked at."""
    return SIGHTINGS.empty(crs=epsg).assign(detector_version=pd.Series([], dtype=object))


@dataclass(frozen=True)
class TileJob:
    """All that one tile needs, cut to its window; small enough to travel to another process.

    ``corridor``: the part of it in the window, what is read and searched. ``ahead``: the corridor of the tiles that
    come next; far images are fetched for them too, in the same requests. None where those may go to other machines.
    ``bands_of``: ids of scenes whose bands' shifts are measured here. ``priors``: shifts that other tiles gave; with
    them it is a second look.
    """

    tile: Tile
    before: tuple[Scene, ...]
    after: tuple[Scene, ...]
    bands: tuple[str, ...]
    zones: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    due: gpd.GeoDataFrame
    corridor: BaseGeometry
    ahead: BaseGeometry | None
    imagery: ImageryOptions
    detectors: tuple[Options, ...]
    bands_of: frozenset[str] = frozenset()
    priors: Priors = field(default_factory=dict)
    sites: gpd.GeoDataFrame | None = None

    @property
    def reader(self) -> RasterioReader:
        """What this tile's pixels are read with."""
        return self.imagery.reader(self.ahead)


@dataclass(frozen=True, slots=True)
class TileFacts:
    """What a tile says besides its tables: facts, or the failure."""

    tile_id: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class TileResult:
    """What a tile gave: candidates (table CANDIDATES), stretches seen and not seen, facts, or the failure.

    ``stretches``: lines with ``route_code, county_code, county_name, reason`` (empty reason = observed). ``sightings``: what
    detectors looked at in the tile's own part, table SIGHTINGS with ``detector_version``.
    """

    tile_id: str
    candidates: gpd.GeoDataFrame
    stretches: gpd.GeoDataFrame
    facts: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] | None = None
    sightings: gpd.GeoDataFrame = field(default_factory=SIGHTINGS.empty)

    def __bool__(self) -> bool:
        return self.failure is None
