"""Zones along roads: pavement, highway land, control zone, left and right of every section, sharing no ground.

Order of precedence where they meet: an announced or surveyed polygon before an estimate of the same zone; pavement before
highway land before control zone, whosever they are (no road's control zone covers another road); among equals the higher
class of road (as 杭州市公路条例 9 says expressly), then the earlier section.
"""

from __future__ import annotations

from collections import Counter
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
from ..geo.linref import LinearReference
from ..model.kinds import RoadClass, Zone, ZoneBasis
from ..model.tables import ROADS, ZONES
from .overrides import announced_zones, replaced_by, surveyed_land
from .rules import LegalRules
from .stretches import MIN_AREA_M2, Stretch, areal, stretches_of

_RANK = {Zone.PAVEMENT: 0, Zone.HIGHWAY_LAND: 1, Zone.CONTROL_ZONE: 2}
_CLASS_RANK = {name: rank for rank, name in enumerate(RoadClass)}
_COLUMNS = [*ZONES.columns, "geometry"]


def road_zones(
    roads: gpd.GeoDataFrame,
    rules: LegalRules,
    *,
    announced: gpd.GeoDataFrame | None = None,
    surveyed: gpd.GeoDataFrame | None = None,
    reference: LinearReference | None = None,
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
        Stakes of these roads, which say which way each line runs; without it recorded first and last stakes do.

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
    pieces = (reference or LinearReference(roads)).stretches
    given_zones, given_land = _given(announced, surveyed)
    bands: list[_Band] = []
    for stretch in stretches_of(pieces, roads, rules):
        bands.extend(_bands(stretch, rules, surveyed_land(stretch.alongside, given_land), given_zones))
    return _table(_disjoint(bands), roads.crs)


def corridor(
    roads: gpd.GeoDataFrame, rules: LegalRules, *, half_width_m: float | None = None, margin_m: float = 50.0
) -> MultiPolygon | Polygon:
    """The ground that is read and searched: ``half_width_m`` on both sides of every centreline.

    Without ``half_width_m`` each section reaches ``margin_m`` beyond the outer edge of its own control zone.
    """
    ROADS.check(roads)
    reference = LinearReference(roads)
    grounds = []
    for stretch in stretches_of(reference.stretches, roads, rules):
        reach_m = half_width_m if half_width_m is not None else stretch.widths.control_edge_m + margin_m
        grounds.append(both_sides(stretch.line, reach_m, lead_in=stretch.lead_in))
    return shapely.union_all(grounds, grid_size=GRID_M)


@dataclass(frozen=True)
class _Band:
    """One polygon of ZONES before precedence is settled; ``ground`` reaches inward to the centreline."""

    stretch: Stretch
    zone: Zone
    sign: int
    ground: BaseGeometry
    inner_m: float
    outer_m: float
    basis: ZoneBasis
    sigma_m: float
    law: str

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Precedence: smaller wins."""
        estimated = int(self.basis == ZoneBasis.ESTIMATED)
        return _RANK[self.zone], estimated, _CLASS_RANK[self.stretch.road_class], self.stretch.section


def _bands(
    stretch: Stretch, rules: LegalRules, land: list[BaseGeometry], announced: gpd.GeoDataFrame | None
) -> Iterator[_Band]:
    """Bands of one stretch: estimates, then what is given instead of them."""
    widths, sigma = stretch.widths, stretch.widths.sigma_m
    edges = {
        Zone.PAVEMENT: (0.0, widths.pavement_half_m),
        Zone.HIGHWAY_LAND: (widths.pavement_half_m, widths.land_edge_m),
        Zone.CONTROL_ZONE: (widths.land_edge_m, widths.control_edge_m),
    }
    zones = announced_zones(stretch.alongside, announced)
    for zone, (inner_m, outer_m) in edges.items():
        if outer_m <= inner_m:
            continue
        law = rules.zone_law(zone, stretch.road_class)
        grounds = sides(stretch.line, *_reach(stretch, zone, outer_m), lead_in=stretch.lead_in)
        if zone == Zone.HIGHWAY_LAND and stretch.inner:
            left, right = (
                shapely.union(ground, stretch.between, grid_size=GRID_M) if sign == stretch.inner else ground
                for sign, ground in zip((1, -1), grounds, strict=True)
            )
            grounds = left, right
        for sign, ground in zip((1, -1), grounds, strict=True):
            band = _Band(stretch, zone, sign, ground, inner_m, outer_m, ZoneBasis.ESTIMATED, sigma, law)
            if zone == Zone.HIGHWAY_LAND:
                yield from _surveyed(band, land, rules)
            elif zone == Zone.CONTROL_ZONE and not (stretch.inner and sign == stretch.inner):
                yield from _announced(_from_land(band, land, rules), zones, rules)
            elif zone == Zone.PAVEMENT:
                yield band


def _reach(stretch: Stretch, zone: Zone, outer_m: float) -> tuple[float, float]:
    """How far a zone reaches left and right; between two carriageways land is added from the median instead."""
    if not stretch.inner or zone == Zone.PAVEMENT:
        return outer_m, outer_m
    inner_m = stretch.widths.pavement_half_m
    return (inner_m, outer_m) if stretch.inner > 0 else (outer_m, inner_m)


def _surveyed(band: _Band, land: list[BaseGeometry], rules: LegalRules) -> Iterator[_Band]:
    """Highway land with surveyed polygons in place of the estimate along them."""
    estimate = band.ground
    for polygon in land:
        part, stretch_of_it = replaced_by(band.stretch.alongside, polygon, band.sign)
        if part.is_empty:
            continue
        estimate = _minus(estimate, stretch_of_it)
        sigma = rules.edge_sigma_m.surveyed
        yield replace(band, ground=part, basis=ZoneBasis.SURVEYED, sigma_m=sigma)
    yield replace(band, ground=estimate)


def _from_land(band: _Band, land: list[BaseGeometry], rules: LegalRules) -> list[_Band]:
    """The control zone, measured from the edge of surveyed land where there is any."""
    estimate, out = band.ground, []
    for polygon in land:
        width_m = band.outer_m - band.inner_m
        part, stretch_of_it = replaced_by(band.stretch.alongside, polygon, band.sign, beyond_m=width_m)
        if part.is_empty:
            continue
        estimate = _minus(estimate, stretch_of_it)
        reach = shapely.intersection(polygon.buffer(width_m), stretch_of_it)
        sigma = rules.edge_sigma_m.surveyed
        out.append(replace(band, ground=reach, basis=ZoneBasis.SURVEYED, sigma_m=sigma))
    return [*out, replace(band, ground=estimate)]


def _announced(bands: list[_Band], zones: list[tuple[BaseGeometry, str | None]], rules: LegalRules) -> Iterator[_Band]:
    """The control zone with announced polygons in place of whatever else there would be along them."""
    first = bands[-1]
    taken = []
    for polygon, number in zones:
        part, stretch_of_it = replaced_by(first.stretch.alongside, polygon, first.sign)
        if part.is_empty:
            continue
        taken.append(stretch_of_it)
        law = f"{first.law}（{number}）" if number else first.law
        yield replace(first, ground=part, basis=ZoneBasis.ANNOUNCED, sigma_m=rules.edge_sigma_m.announced, law=law)
    for band in bands:
        yield replace(band, ground=_minus(band.ground, shapely.union_all(taken, grid_size=GRID_M))) if taken else band


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


def _disjoint(bands: list[_Band]) -> list[_Band]:
    """Bands in order of precedence, each without the ground of those before it."""
    # An overlay may leave lines beside polygons; the next overlay refuses such a mixture.
    bands = [replace(band, ground=areal(band.ground)) for band in bands]
    bands = sorted((band for band in bands if not band.ground.is_empty), key=lambda band: band.order)
    grounds = np.array([band.ground for band in bands], dtype=object)
    if not len(grounds):
        return []
    one, other = shapely.STRtree(grounds).query(grounds, predicate="intersects")
    one, other = one[one > other], other[one > other]
    meet = ~shapely.touches(grounds[one], grounds[other])
    one, other = one[meet], other[meet]
    order = np.argsort(one, kind="stable")
    befores = np.split(other[order], np.cumsum(np.bincount(one, minlength=len(bands)))[:-1])
    lands = Counter((id(band.stretch), band.sign) for band in bands if band.zone == Zone.HIGHWAY_LAND)
    out = []
    for band, before in zip(bands, befores, strict=True):
        whole = {(id(o.stretch), o.sign) for k in before if (o := bands[k]).zone == Zone.HIGHWAY_LAND}
        # An estimate of land alone reaches to the centreline: with its other side it covers the pavement of its stretch.
        whole = {
            key for key in whole if lands[key] == 1 and (band.zone != Zone.HIGHWAY_LAND or key[0] != id(band.stretch))
        }
        needed = [
            k for k in before if bands[k].zone != Zone.PAVEMENT or (id(bands[k].stretch), bands[k].sign) not in whole
        ]
        ground = _minus(band.ground, _union(grounds[needed])) if needed else band.ground
        out.append(replace(band, ground=areal(ground)))
    return [band for band in out if band.ground.area > MIN_AREA_M2]


def _table(bands: list[_Band], crs: object) -> gpd.GeoDataFrame:
    records = [
        (
            band.stretch.route_code,
            band.stretch.section,
            band.stretch.road_class.value,
            band.stretch.side_of(band.sign).value,
            band.zone.value,
            band.basis.value,
            band.inner_m,
            band.outer_m,
            band.sigma_m,
            band.law,
            band.ground,
        )
        for band in bands
    ]
    table = pd.DataFrame(records, columns=_COLUMNS)
    group = ["section", "side", "zone", "basis", "law", "inner_m", "outer_m"]
    merged = table.groupby(group, sort=False, dropna=False).agg(
        {**{name: "first" for name in _COLUMNS if name not in group and name != "geometry"}, "geometry": _together}
    )
    rank = {zone.value: rank for zone, rank in _RANK.items()}
    out = merged.reset_index()[_COLUMNS]
    out = out.assign(rank=out["zone"].map(rank)).sort_values(["section", "side", "rank", "basis"], kind="stable")
    return ZONES.check(gpd.GeoDataFrame(out[_COLUMNS].reset_index(drop=True), geometry="geometry", crs=crs))


def _together(grounds: pd.Series) -> BaseGeometry:
    if len(grounds) == 1:
        return grounds.iloc[0]
    return areal(shapely.union_all(grounds.to_numpy(), grid_size=GRID_M))


def _union(grounds: np.ndarray) -> BaseGeometry:
    # Edges that differ by rounding alone can make the floating-point overlay lose whole faces; on a grid it cannot.
    return grounds[0] if len(grounds) == 1 else shapely.union_all(grounds, grid_size=GRID_M)


def _minus(ground: BaseGeometry, other: BaseGeometry) -> BaseGeometry:
    return shapely.difference(ground, other, grid_size=GRID_M)
