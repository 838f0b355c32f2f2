"""Everything beside the roads that decisions look at, placed once when a run is planned."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from ..attribution.along import alongside
from ..attribution.assets import placed_assets
from ..attribution.facilities import FacilityOptions, own_facilities
from ..catalog.layers import Layers
from ..geo.linref import LinearReference
from ..legal.drawn import left_out
from ..legal.rules import LegalRules
from ..legal.sight import sight_ground
from ..legal.zones import Errors, road_zones
from ..model.kinds import AssetKind
from ..model.tables import ASSETS, EXEMPT, PERMITS, TOWNSHIPS, Table

_LIFTING = (AssetKind.BRIDGE, AssetKind.INTERCHANGE)
_ROADS_OF = {"tunnel": "in tunnels", "managed_by_city": "of city streets", "unbuilt": "not built yet"}


@dataclass(frozen=True, eq=False)
class Ground:
    """Placed layers, all in the run's CRS; those that are not configured are empty.

    ``zones``: table ZONES. ``sight``: table SIGHT. ``left_out``: parts of roads without zones, with ``why``. ``problems``: what
    could not be placed, in plain words.
    """

    zones: gpd.GeoDataFrame
    sight: gpd.GeoDataFrame
    left_out: gpd.GeoDataFrame
    assets: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    permits: gpd.GeoDataFrame
    exempt: gpd.GeoDataFrame
    townships: gpd.GeoDataFrame
    problems: tuple[str, ...]

    @classmethod
    def of(
        cls, layers: Layers, rules: LegalRules, linref: LinearReference, premises: FacilityOptions | None = None
    ) -> Ground:
        """Zones, sight ground and assets of all roads; what is known by its stake only is placed."""
        roads, crs = layers.roads, layers.roads.crs
        assets, unplaced = placed_assets(_or_empty(layers.assets, ASSETS, crs), linref)
        without = left_out(roads, _lines(assets, AssetKind.TUNNEL))
        errors = Errors(layers.accuracy_m.get("roads"), layers.accuracy_m.get("zones"))
        zones = road_zones(
            roads, rules, announced=layers.announced, reference=linref, without=without, counties=layers.counties,
            errors=errors,
        )  # fmt: skip
        reach_m = float(zones["outer_m"].max()) if len(zones) else 0.0
        permits, homeless = alongside(_or_empty(layers.permits, PERMITS, crs), linref, reach_m, layer="permits")
        exempt, unknown = alongside(_or_empty(layers.exempt, EXEMPT, crs), linref, reach_m, layer="exempt")
        open_roads = roads.drop(index=without.loc[without["why"] != "concurrent", "section"].unique())
        lifting = assets.geometry[assets["kind"].isin(_LIFTING)]
        return cls(
            zones=zones,
            sight=sight_ground(open_roads, rules, lifting),
            left_out=without,
            assets=assets,
            facilities=own_facilities(assets, premises),
            permits=permits,
            exempt=exempt,
            townships=_or_empty(layers.townships, TOWNSHIPS, crs),
            problems=(*unplaced, *homeless, *unknown, *_kilometres(without)),
        )


def _or_empty(layer: gpd.GeoDataFrame | None, contract: Table, crs: object) -> gpd.GeoDataFrame:
    return contract.empty(crs=crs) if layer is None else layer


def _lines(assets: gpd.GeoDataFrame, kind: AssetKind) -> gpd.GeoDataFrame:
    """Lines of the assets of a kind; a polygon stands for the lines that run through it, a point for nothing."""
    mine = assets[(assets["kind"] == kind) & assets.geometry.notna()]
    return mine[mine.geometry.length > 0]


def _kilometres(without: gpd.GeoDataFrame) -> list[str]:
    """How much of the roads is not looked at, by reason, and what is drawn once."""
    km = pd.Series(without.length / 1000.0).groupby(without["why"]).sum()
    notes = [
        f"roads: {km[why]:.2f} km {words} have no zones and are not looked at"
        for why, words in _ROADS_OF.items()
        if why in km
    ]
    if "concurrent" in km:
        routes = ", ".join(np.unique(without.loc[without["why"] == "concurrent", "route_code"].astype(str))[:8])
        notes.append(f"roads: {km['concurrent']:.2f} km of {routes} run on another route's road and are drawn once")
    return notes
