"""Contracts of the tables that pass between rooms, checked at the doors. Tables are plain (Geo)DataFrames.

A column's type is one of: str, float, int, bool, date, datetime, json. Text, float and date columns may hold nulls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from ..errors import LuyuError

_DTYPES = {"str": "object", "float": "float64", "int": "int64", "bool": "bool", "date": "object", "json": "object"}


@dataclass(frozen=True)
class Table:
    """Name, columns with their type, and the geometry types allowed."""

    name: str
    columns: Mapping[str, str]
    geometry: tuple[str, ...] = ()
    optional: frozenset[str] = field(default_factory=frozenset)

    def check(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """``frame`` itself when it keeps the contract; LuyuError naming table and column otherwise."""
        missing = [name for name in self.columns if name not in frame.columns and name not in self.optional]
        if missing:
            raise LuyuError(f"table {self.name!r} lacks columns {missing}; it has {list(frame.columns)}")
        if self.geometry and len(frame):
            wrong = sorted(set(frame.geom_type.dropna()) - set(self.geometry))
            if wrong:
                raise LuyuError(f"table {self.name!r} holds geometries of type {wrong}; allowed: {self.geometry}")
        return frame

    def empty(self, crs: object = None) -> gpd.GeoDataFrame:
        """A table without rows that keeps the contract."""
        data = {name: pd.Series([], dtype=_DTYPES[kind]) for name, kind in self.columns.items()}
        return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([], crs=crs), crs=crs)


def _columns(**columns: str) -> Mapping[str, str]:
    return MappingProxyType(columns)


_LINES = ("LineString", "MultiLineString")
_AREAS = ("Polygon", "MultiPolygon")

ROADS = Table(
    "roads",
    _columns(
        route_code="str",  # as on the sign: G311
        route_key="str",  # as in the database: G311320322
        name="str",
        road_class="str",  # RoadClass value
        tech_class="float",  # 1 高速 .. 6 等外; NaN unknown
        pavement_width_m="float",  # NaN unknown
        roadbed_width_m="float",  # NaN unknown
        stake_from_m="float",  # NaN unknown
        stake_to_m="float",
        concurrent_with="str",  # routes that run on the same road (共用路段), "G311;S253"; null: none that is recorded
        structure="str",  # tunnel | bridge | ramp; null: neither, or not recorded
        managed_by_city="bool",  # a city's street (城市道路路段): another owner
        unbuilt="bool",  # planned (待贯通路段)
        ditch_m="float",  # outer edge of the ditch beyond the roadbed's edge; 0: no ditch; NaN unknown
        design_speed_kmh="float",  # NaN unknown
    ),
    _LINES,
    optional=frozenset({"concurrent_with", "structure", "managed_by_city", "unbuilt", "ditch_m", "design_speed_kmh"}),
)
STAKES = Table("stakes", _columns(route_code="str", route_key="str", stake_m="float"), ("Point",))
COUNTIES = Table("counties", _columns(code="str", name="str"), _AREAS)
BREAKS = Table(  # 断链: one place, two stakes
    "breaks",
    _columns(
        route_code="str",
        route_key="str",
        back_m="float",  # 来向: its stake by the chain that ends there
        ahead_m="float",  # 去向: its stake by the chain that begins there
    ),
    ("Point",),  # null where only the two stakes are known
)
_BY_STAKE = {"route_code": "str", "route_key": "str", "stake_from_m": "float", "stake_to_m": "float", "side": "str"}
PERMITS = Table(
    "permits",
    # Without a geometry it holds along a stretch; side null: both.
    _columns(number="str", kind="str", valid_from="date", valid_to="date", **_BY_STAKE),
    _AREAS,
    optional=frozenset(_BY_STAKE),
)
ASSETS = Table(
    "assets",
    _columns(
        kind="str",  # AssetKind value, or the client's own word
        name="str",
        number="str",  # of the register (桥梁代码, ...)
        route_code="str",
        route_key="str",  # with the county's code where the register has it: signs of rural roads repeat in every county
        stake_m="float",
        stake_to_m="float",  # NaN: a point
        length_m="float",
        width_m="float",
        side="str",  # null: unknown, or both
    ),
    optional=frozenset({"number", "route_key", "stake_to_m", "length_m", "width_m", "side"}),
)

ANNOUNCED = Table(
    "announced",
    _columns(
        zone="str",  # control_zone | highway_land
        basis="str",  # announced | surveyed
        route_code="str",  # null: of whatever road lies nearest
        number="str",  # of the announcement or survey
        announced_on="date",
    ),
    _AREAS,
)
EXEMPT = Table(
    "exempt",
    _columns(
        name="str",
        reason="str",  # why it is lawful: toll station, built before designation, ...
        number="str",  # of the document that says so
        built_on="date",
        designated_on="date",  # of the control zone that it lies in
        **_BY_STAKE,
    ),
    (*_AREAS, "Point"),
    optional=frozenset(_BY_STAKE),
)
TOWNSHIPS = Table("townships", _columns(code="str", name="str"), _AREAS)
REGISTRY = Table(
    "registry",
    _columns(kind="str", name="str", number="str", route_code="str", route_key="str", stake_m="float", valid_to="date"),
    optional=frozenset({"route_key"}),
)

HOT_SPOTS = Table(
    "hot_spots",
    _columns(
        rank="int",  # 1: the worst
        kind="str",
        route_code="str",
        side="str",
        stake_from="str",
        stake_to="str",
        from_m="float",
        to_m="float",
        events="int",  # most separate events at one place of the stretch
        years="int",  # in how many years
        days_seen="int",  # days on which one began
        looks="int",  # clear images of one place, at most
        first_day="date",
        last_day="date",
        county_code="str",
        county_name="str",
        township="str",
    ),
    ("LineString",),
)

SITES = Table(
    "sites",
    _columns(
        key="str",  # the same from run to run
        number="str",
        name="str",
        kind="str",
        route_code="str",
        stake="str",
        county_code="str",
        valid_to="date",
        state="str",  # standing | gone | unseen, as the last image says that shows the place; unseen: none has
        day="date",  # of that image
        confidence="float",
        unseen_on="date",  # newest image that does not show it, where that is the last word
        gone_on="date",  # first image without it
        evidence="json",
    ),
    ("Point",),
)

ZONES = Table(
    "zones",
    _columns(
        route_code="str",
        section="int",  # index of the road section in ROADS
        road_class="str",
        side="str",
        zone="str",  # pavement | highway_land | control_zone
        basis="str",
        inner_m="float",  # nominal distances of the band's two edges from the centreline
        outer_m="float",
        edge_sigma_m="float",  # standard error of the outer edge that comes from the basis alone
        law="str",
    ),
    _AREAS,
)

SIGHT = Table(
    "sight",
    _columns(
        sight="str",  # bend | crossing
        route_code="str",
        section="int",
        other_route="str",  # of a crossing
        speed_kmh="float",
        law="str",
    ),
    _AREAS,
)

CANDIDATES = Table(
    "candidates",
    _columns(
        kind="str",
        confidence="float",
        detector="str",
        detector_version="str",
        evidence="json",
        tile_id="str",
        truncated="bool",  # touches the edge of the window that it was seen in
        last_absent="date",
        first_seen="date",
        confirmed_on="date",
        gone_on="date",
        scene_before="str",
        scene_after="str",
        shift_px="float",
        geo_rmse_m="float",
    ),
    _AREAS,
)

SIGHTINGS = Table(
    "sightings",
    _columns(
        kind="str",
        place="str",  # key of a known site; null for a stretch of road
        section="int",  # index of the road section in ROADS; -1 for a site
        side="str",  # half of the road, facing its digitised direction; null for a site
        day="date",  # of the image that was looked at
        state="str",  # Sighted value
        confidence="float",  # that the state is what it is said to be, 0..1
        evidence="json",
    ),
    ("LineString", "Point"),  # the stretch along its centreline; the site
)

FINDINGS = Table(
    "findings",
    _columns(
        finding_id="str",
        case_no="str",
        kind="str",
        confidence="float",
        priority="float",
        zone="str",
        membership="str",
        zone_basis="str",
        zone_overlap_m2="float",
        edge_distance_m="float",  # past the zones' outer edge, negative outside
        zone_probability="float",  # chance that the footprint reaches in
        sight="str",  # advisory: bend | crossing, where the view of drivers may be blocked
        area_m2="float",
        length_m="float",
        width_m="float",
        route_code="str",
        stake="str",
        stake_from="str",
        stake_to="str",
        side="str",
        offset_m="float",
        concurrent="str",  # other routes of the same road and their stakes: "S253 K12+345"
        county_code="str",
        county_name="str",
        county_share="float",
        near_border="bool",
        counties="str",  # all that it lies in, with shares, where there are several
        township_code="str",
        township_name="str",
        asset_kind="str",
        asset_name="str",
        asset_distance_m="float",
        asset_along_m="float",  # along the road to the asset, positive towards increasing stakes
        impact="str",  # what it does to assets: under_bridge, hides_sign, in_sight_triangle; several with ";"
        permit_no="str",
        permit_state="str",  # covered | not_as_approved | expired | not_yet_valid | other_kind | undated
        last_absent="date",
        first_seen="date",
        confirmed_on="date",
        gone_on="date",  # first clear image without it
        transience="str",  # Phase value of what comes and goes; null of the rest
        stage="str",  # of a building site: bare | foundation | building; null of the rest
        scene_before="str",
        scene_after="str",
        shift_px="float",
        geo_rmse_m="float",
        law="str",
        addressee="str",  # who is to act
        next_step="str",
        status="str",
        lon="float",
        lat="float",
        detector="str",
        detector_version="str",
        evidence="json",
    ),
    _AREAS,
)
