"""Everything beside the roads that decisions look at, placed once when a run is planned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from ..attribution.along import alongside
from ..attribution.assets import placed_assets
from ..attribution.facilities import FacilityOptions, own_facilities
from ..catalog.layers import Layers
from ..config.run_config import AreaOptions
from ..legal.drawn import jurisdictions, left_out
from ..legal.rules import LegalRules
from ..legal.sight import sight_ground
from ..legal.zones import Errors, road_zones
from ..linref.reference import LinearReference
from ..model.kinds import AssetKind
from ..model.tables import ASSETS, EXEMPT, PERMITS, TOWNSHIPS, Table
from .area import less, roads_asked, roads_due

_LIFTING = (AssetKind.BRIDGE, AssetKind.INTERCHANGE)
_SEAM_M = 0.05
_NEAR_M = 500.0  # beyond, no zone and no sight line of another road reaches into what is searched
_ROADS_OF = {"tunnel": "in tunnels", "managed_by_city": "of city streets", "unbuilt": "not built yet"}


@dataclass(frozen=True, eq=False)
class Ground:
    """Placed layers, all in the run's CRS; those that are not configured are empty.

    ``due``: ROADS rows cut to what a run looks at. ``near``: ROADS rows whose zones may reach into it. ``without``: parts of
    roads that have no zones, in the columns of ``drawn.left_out``. ``problems``: what could not be placed, and what is not
    looked at, in plain words.
    """

    layers: Layers
    rules: LegalRules
    linref: LinearReference
    due: gpd.GeoDataFrame
    near: gpd.GeoDataFrame
    without: gpd.GeoDataFrame
    assets: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    permits: gpd.GeoDataFrame
    exempt: gpd.GeoDataFrame
    townships: gpd.GeoDataFrame
    problems: tuple[str, ...]

    @classmethod
    def of(
        cls,
        layers: Layers,
        rules: LegalRules,
        linref: LinearReference,
        area: AreaOptions,
        premises: FacilityOptions | None = None,
    ) -> Ground:
        """Roads of the area and what lies about them; what is known by its stake only is placed.

        ConfigError when the area names what the layers do not have.
        """
        roads, crs = layers.roads, layers.roads.crs
        assets, unplaced = placed_assets(_or_empty(layers.assets, ASSETS, crs), linref)
        without = left_out(roads, _lines(assets, AssetKind.TUNNEL))
        due, not_due = roads_due(roads_asked(layers, area, linref), without)
        near = roads.iloc[np.unique(roads.sindex.query(due.geometry.array, predicate="dwithin", distance=_NEAR_M)[1])]
        reach_m = _reach_m(near, rules, layers.counties)
        permits, homeless = alongside(_or_empty(layers.permits, PERMITS, crs), linref, reach_m, layer="permits")
        exempt, unknown = alongside(_or_empty(layers.exempt, EXEMPT, crs), linref, reach_m, layer="exempt")
        return cls(
            layers=layers,
            rules=rules,
            linref=linref,
            due=due,
            near=near,
            without=without,
            assets=assets,
            facilities=own_facilities(assets, premises),
            permits=permits,
            exempt=exempt,
            townships=_or_empty(layers.townships, TOWNSHIPS, crs),
            problems=(*unplaced, *homeless, *unknown, *_kilometres(not_due, linref)),
        )

    @cached_property
    def zones(self) -> gpd.GeoDataFrame:
        """Table ZONES of all roads near. Drawn when first asked for: a province's take minutes, and a plan needs none."""
        accuracy_m = self.layers.accuracy_m
        return road_zones(
            self.near, self.rules, announced=self.layers.announced, reference=self.linref, without=self.without,
            counties=self.layers.counties, errors=Errors(accuracy_m.get("roads"), accuracy_m.get("zones")),
        )  # fmt: skip

    @cached_property
    def sight(self) -> gpd.GeoDataFrame:
        """Table SIGHT of all roads near; drawn when first asked for."""
        seen_from = less(self.near, self.without)
        lifting = self.assets.geometry[self.assets["kind"].isin(_LIFTING)]
        return sight_ground(
            seen_from[~seen_from.geometry.is_empty],
            self.rules,
            lifting,
            jurisdiction=jurisdictions(self.near, self.rules, self.layers.counties),
        )


def _reach_m(roads: gpd.GeoDataFrame, rules: LegalRules, counties: gpd.GeoDataFrame) -> float:
    """Distance from its centreline of the farthest edge of any of the roads' zones."""
    whose = jurisdictions(roads, rules, counties)
    edges_m = (rules.of(whose[section]).widths(road).control_edge_m for section, road in roads.iterrows())
    return max(edges_m, default=0.0)


def _or_empty(layer: gpd.GeoDataFrame | None, contract: Table, crs: object) -> gpd.GeoDataFrame:
    return contract.empty(crs=crs) if layer is None else layer


def _lines(assets: gpd.GeoDataFrame, kind: AssetKind) -> gpd.GeoDataFrame:
    """Lines of the assets of a kind; a polygon stands for the lines that run through it, a point for nothing."""
    mine = assets[(assets["kind"] == kind) & assets.geometry.notna()]
    return mine[mine.geometry.length > 0]


def _kilometres(without: gpd.GeoDataFrame, linref: LinearReference) -> list[str]:
    """How much of the roads asked for is not looked at, by reason, and what is drawn once; of two carriageways half each."""
    paired = linref.stretches[linref.stretches["inner"] != 0].set_index("section").geometry
    beside = {
        section: shapely.union_all(paired.loc[[section]].array)
        for section in set(without["section"]) & set(paired.index)
    }
    halved_m = [
        shapely.intersection(shape, beside[section].buffer(_SEAM_M)).length / 2 if section in beside else 0.0
        for section, shape in zip(without["section"], without.geometry, strict=True)
    ]
    km = ((without.length - np.array(halved_m)) / 1000.0).groupby(without["why"]).sum()
    notes = [
        f"roads: {km[why]:.2f} km {words} have no zones and are not looked at"
        for why, words in _ROADS_OF.items()
        if why in km
    ]
    if "concurrent" in km:
        routes = ", ".join(np.unique(without.loc[without["why"] == "concurrent", "route_code"].astype(str))[:8])
        notes.append(f"roads: {km['concurrent']:.2f} km of {routes} run on another route's road and are drawn once")
    return notes
