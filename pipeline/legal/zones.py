"""Zones along roads: pavement, highway land, control zone, left and right of every section, sharing no ground.

Order of precedence where they meet: an announced or surveyed polygon before an estimate of the same zone; pavement before
highway land before control zone, whosever they are (no road's control zone covers another road); among equals the higher
class of road (as 杭州市公路条例 9 says expressly), then the earlier section.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from ..errors import GeometryError
from ..geo.corridor import GRID_M, both_sides, sides
from ..linref.reference import LinearReference
from ..model.kinds import Zone, ZoneBasis
from ..model.tables import ROADS, ZONES
from .bands import Band, disjoint, minus, table_of
from .drawn import drawn
from .overrides import announced_zones, replaced_by, surveyed_land
from .rules import LegalRules
from .stretches import Stretch, stretches_of


def road_zones(
    roads: gpd.GeoDataFrame,
    rules: LegalRules,
    *,
    announced: gpd.GeoDataFrame | None = None,
    surveyed: gpd.GeoDataFrame | None = None,
    reference: LinearReference | None = None,
    without: gpd.GeoDataFrame | None = None,
    counties: gpd.GeoDataFrame | None = None,
    errors: Errors | None = None,
) -> gpd.GeoDataFrame:
    """Table ZONES: the bands of every section, disjoint, sorted by section, side and zone.

    Of a divided road each carriageway has its own pavement; the ground between the two is highway land, and the control zone
    lies on the outer sides only. ``side`` faces increasing stakes; all that belongs to the left carriageway is left.

    Parameters
    ----------
    roads
        Table ROADS in a metric CRS.
    announced
        Polygons (table ANNOUNCED) that replace the estimate along the stretch of road that each accompanies. Rows with
        ``zone`` highway_land are taken as surveyed land. A ``route_code`` binds a row to its route; without one it belongs
        to every road whose estimate it covers in part.
    surveyed
        Polygons of highway land, same columns; the control zone is then measured from their edge.
    reference
        Stakes of these roads, perhaps of more, which say which way each line runs; without it recorded first and last stakes do.
    without
        Parts of the roads that have no zones, from ``drawn.left_out``.
    counties
        Table COUNTIES; only needed where the rules have ``jurisdictions``.
    errors
        Standard errors of the layers' own positions, where they are stated.

    Raises
    ------
    LuyuError
        A table breaks its contract, a geometry is infinite, or a class of road is unknown.
    """
    ROADS.check(roads)
    if not len(roads):
        return ZONES.empty(crs=roads.crs)
    if roads.crs is None or not roads.crs.is_projected:
        raise GeometryError("roads: zones are measured in metres; transform the layer to a metric CRS first")
    pieces = drawn(reference or LinearReference(roads), rules, without=without, counties=counties)
    pieces = pieces[pieces["section"].isin(roads.index)].reset_index(drop=True)
    given_zones, given_land = _given(announced, surveyed)
    bands: list[Band] = []
    for stretch in stretches_of(pieces, roads, rules):
        land = surveyed_land(stretch.alongside, given_land)
        bands.extend(_bands(stretch, land, given_zones, errors or Errors()))
    return table_of(disjoint(bands), roads.crs)


def corridor(
    roads: gpd.GeoDataFrame,
    rules: LegalRules,
    *,
    half_width_m: float | None = None,
    margin_m: float = 50.0,
    counties: gpd.GeoDataFrame | None = None,
) -> MultiPolygon | Polygon:
    """The ground that is read and searched: ``half_width_m`` on both sides of every centreline.

    Without ``half_width_m`` each section reaches ``margin_m`` beyond the outer edge of its own control zone.
    """
    ROADS.check(roads)
    reached = reaches(roads, rules, half_width_m=half_width_m, margin_m=margin_m, counties=counties)
    return shapely.union_all([ground for _, _, ground in reached], grid_size=GRID_M)


def reaches(
    roads: gpd.GeoDataFrame,
    rules: LegalRules,
    *,
    half_width_m: float | None = None,
    margin_m: float = 50.0,
    counties: gpd.GeoDataFrame | None = None,
) -> Iterator[tuple[int, float, BaseGeometry]]:
    """What `corridor` is made of, stretch by stretch: section, metres to either side, and the ground within them."""
    for stretch in stretches_of(drawn(LinearReference(roads), rules, counties=counties), roads, rules):
        reach_m = half_width_m if half_width_m is not None else stretch.widths.control_edge_m + margin_m
        yield stretch.section, reach_m, both_sides(stretch.line, reach_m, lead_in=stretch.lead_in)


@dataclass(frozen=True)
class Errors:
    """Standard errors of positions, metres; None: what the rules say."""

    centreline_m: float | None = None
    given_m: float | None = None  # of announced and surveyed polygons

    def estimated(self, stretch: Stretch) -> float:
        """Of an edge measured from the centreline: of the line and of the widths together."""
        line = stretch.rules.edge_sigma_m.centreline if self.centreline_m is None else self.centreline_m
        return float(np.hypot(stretch.widths.sigma_m, line))

    def given(self, stretch: Stretch, basis: ZoneBasis) -> float:
        """Of a polygon that was announced or surveyed."""
        usual = stretch.rules.edge_sigma_m
        of_rules = usual.announced if basis == ZoneBasis.ANNOUNCED else usual.surveyed
        return of_rules if self.given_m is None else self.given_m


def _bands(
    stretch: Stretch, land: list[BaseGeometry], announced: gpd.GeoDataFrame | None, errors: Errors
) -> Iterator[Band]:
    """Bands of one stretch: estimates, then what is given instead of them."""
    widths, sigma = stretch.widths, errors.estimated(stretch)
    surveyed_m, announced_m = (errors.given(stretch, basis) for basis in (ZoneBasis.SURVEYED, ZoneBasis.ANNOUNCED))
    edges = {
        Zone.PAVEMENT: (0.0, widths.pavement_half_m),
        Zone.HIGHWAY_LAND: (widths.pavement_half_m, widths.land_edge_m),
        Zone.CONTROL_ZONE: (widths.land_edge_m, widths.control_edge_m),
    }
    zones = announced_zones(stretch.alongside, announced)
    for zone, (inner_m, outer_m) in edges.items():
        if outer_m <= inner_m:
            continue
        law = widths.land_law if zone == Zone.HIGHWAY_LAND else stretch.rules.zone_law(zone, stretch.road_class)
        grounds = sides(stretch.line, *_reach(stretch, zone, outer_m), lead_in=stretch.lead_in)
        if zone == Zone.HIGHWAY_LAND and stretch.inner:
            left, right = (
                shapely.union(ground, stretch.between, grid_size=GRID_M) if sign == stretch.inner else ground
                for sign, ground in zip((1, -1), grounds, strict=True)
            )
            grounds = left, right
        for sign, ground in zip((1, -1), grounds, strict=True):
            band = Band(stretch, zone, sign, ground, inner_m, outer_m, ZoneBasis.ESTIMATED, sigma, law)
            if zone == Zone.HIGHWAY_LAND:
                yield from _surveyed(band, land, surveyed_m)
            elif zone == Zone.CONTROL_ZONE and not (stretch.inner and sign == stretch.inner):
                yield from _announced(_from_land(band, land, surveyed_m), zones, announced_m)
            elif zone == Zone.PAVEMENT:
                yield band


def _reach(stretch: Stretch, zone: Zone, outer_m: float) -> tuple[float, float]:
    """How far a zone reaches left and right; between two carriageways land is added from the median instead."""
    if not stretch.inner or zone == Zone.PAVEMENT:
        return outer_m, outer_m
    inner_m = stretch.widths.pavement_half_m
    return (inner_m, outer_m) if stretch.inner > 0 else (outer_m, inner_m)


def _surveyed(band: Band, land: list[BaseGeometry], sigma_m: float) -> Iterator[Band]:
    """Highway land with surveyed polygons in place of the estimate along them."""
    estimate = band.ground
    for polygon in land:
        part, stretch_of_it = replaced_by(band.stretch.alongside, polygon, band.sign)
        if part.is_empty:
            continue
        estimate = minus(estimate, stretch_of_it)
        yield replace(band, ground=part, basis=ZoneBasis.SURVEYED, sigma_m=sigma_m)
    yield replace(band, ground=estimate)


def _from_land(band: Band, land: list[BaseGeometry], sigma_m: float) -> list[Band]:
    """The control zone, measured from the edge of surveyed land where there is any."""
    estimate, out = band.ground, []
    for polygon in land:
        width_m = band.outer_m - band.inner_m
        part, stretch_of_it = replaced_by(band.stretch.alongside, polygon, band.sign, beyond_m=width_m)
        if part.is_empty:
            continue
        estimate = minus(estimate, stretch_of_it)
        reach = shapely.intersection(polygon.buffer(width_m), stretch_of_it)
        out.append(replace(band, ground=reach, basis=ZoneBasis.SURVEYED, sigma_m=sigma_m))
    return [*out, replace(band, ground=estimate)]


def _announced(bands: list[Band], zones: list[tuple[BaseGeometry, str | None]], sigma_m: float) -> Iterator[Band]:
    """The control zone with announced polygons in place of whatever else there would be along them."""
    first = bands[-1]
    taken = []
    for polygon, number in zones:
        part, stretch_of_it = replaced_by(first.stretch.alongside, polygon, first.sign)
        if part.is_empty:
            continue
        taken.append(stretch_of_it)
        law = f"{first.law}（{number}）" if number else first.law
        yield replace(first, ground=part, basis=ZoneBasis.ANNOUNCED, sigma_m=sigma_m, law=law)
    for band in bands:
        yield replace(band, ground=minus(band.ground, shapely.union_all(taken, grid_size=GRID_M))) if taken else band


def _given(
    announced: gpd.GeoDataFrame | None, surveyed: gpd.GeoDataFrame | None
) -> tuple[gpd.GeoDataFrame | None, gpd.GeoDataFrame | None]:
    """Announced control zones and surveyed land, told apart by their ``zone``."""
    if announced is not None and len(announced) and "zone" in announced:
        is_land = announced["zone"] == Zone.HIGHWAY_LAND.value
        land = announced[is_land]
        surveyed = land if surveyed is None else gpd.GeoDataFrame(pd.concat([surveyed, land], ignore_index=True))
        announced = announced[~is_land]
    return announced, surveyed
