"""Bands along stretches of road, made disjoint by their precedence and gathered into the table ZONES."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from ..geo.corridor import GRID_M
from ..model.kinds import RoadClass, Zone, ZoneBasis
from ..model.tables import ZONES
from .stretches import MIN_AREA_M2, Stretch, areal

_RANK = {Zone.PAVEMENT: 0, Zone.HIGHWAY_LAND: 1, Zone.CONTROL_ZONE: 2}
_CLASS_RANK = {name: rank for rank, name in enumerate(RoadClass)}
_COLUMNS = [*ZONES.columns, "geometry"]


@dataclass(frozen=True)
class Band:
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


def disjoint(bands: list[Band]) -> list[Band]:
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
        ground = minus(band.ground, _union(grounds[needed])) if needed else band.ground
        out.append(replace(band, ground=areal(ground)))
    return [band for band in out if band.ground.area > MIN_AREA_M2]


def table_of(bands: list[Band], crs: object) -> gpd.GeoDataFrame:
    """Table ZONES: bands of one section, side, zone and basis as one row, sorted by section, side and zone."""
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


def minus(ground: BaseGeometry, other: BaseGeometry) -> BaseGeometry:
    """The ground without the other, to the millimetre."""
    return shapely.difference(ground, other, grid_size=GRID_M)
