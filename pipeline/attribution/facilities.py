"""The road's own buildings (收费站、服务区、养护工区…), which the law leaves alone: 公路法 52, 56."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from ..model.kinds import AssetKind
from ..model.options import Options
from .overlap import column, flags, shares, table, texts


class FacilityOptions(Options):
    """What counts as the road's own premises."""

    radius_m: dict[str, float] = Field(
        default={
            AssetKind.SERVICE_AREA.value: 200.0,
            AssetKind.TOLL_STATION.value: 80.0,
            AssetKind.DEPOT.value: 60.0,
            AssetKind.CHECKPOINT.value: 60.0,
            AssetKind.GANTRY.value: 15.0,
        },
        description="Radius of the premises by kind of asset where the register has no polygon, m (guess, local).",
    )
    min_cover: float = Field(
        default=0.8, gt=0, le=1, description="Part of a footprint that must lie in the premises, 0..1."
    )


def own_facilities(assets: gpd.GeoDataFrame, options: FacilityOptions | None = None) -> gpd.GeoDataFrame:
    """``kind, name, basis, geometry`` of the premises among the assets, on their index.

    ``basis`` is ``polygon`` where the register draws them, and ``radius`` where all else is known but a point or a line:
    a disc or band of the kind's radius. What ``placed_assets`` made out of stakes is of the second sort, polygon or not.

    Parameters
    ----------
    assets
        Table ASSETS in a metric CRS, as from ``placed_assets``; those without geometry are left out.
    """
    options = options or FacilityOptions()
    present = ~(assets.geometry.isna() | assets.geometry.is_empty)
    rows = assets[present & assets["kind"].isin(list(options.radius_m))]
    shapes = rows.geometry.to_numpy().copy()
    drawn = (shapely.get_dimensions(shapes) == 2) & ~flags(rows, "by_stake")
    radius_m = rows["kind"].map(options.radius_m).to_numpy(dtype=float)
    shapes[~drawn] = shapely.buffer(shapes[~drawn], radius_m[~drawn])
    basis = np.where(drawn, "polygon", "radius").astype(object)
    columns = table(rows.index, kind=column(rows, "kind"), name=column(rows, "name"), basis=basis)
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=assets.crs)


def facilities(
    footprints: gpd.GeoDataFrame, own: gpd.GeoDataFrame, options: FacilityOptions | None = None
) -> pd.DataFrame:
    """``facility, facility_near`` of each footprint, on its index: names, or kinds where there is no name.

    ``facility`` has at least ``min_cover`` of the footprint within the polygon that the register draws: it is the road's
    own, and exempt. ``facility_near`` has it within a mere radius: a hint for whoever looks at it, and no exemption.
    Of several the one with most of it, then the first by kind and name.

    Parameters
    ----------
    own
        As from ``own_facilities``, in the footprints' CRS.
    """
    options = options or FacilityOptions()
    pairs = shares(footprints, own, "assets")
    for name in ("kind", "name", "basis"):
        pairs[name] = column(own, name)[pairs["right"]]
    pairs["said"] = pairs["name"].where(pairs["name"].notna(), pairs["kind"])
    pairs["short"] = -pairs["share"]
    within = pairs[pairs["share"] >= options.min_cover].sort_values(["left", "short", "kind", "said"], kind="stable")
    out = {}
    for title, basis in (("facility", "polygon"), ("facility_near", "radius")):
        best = within[within["basis"] == basis].drop_duplicates("left")
        out[title] = texts(len(footprints))
        out[title][best["left"]] = best["said"]
    return table(footprints.index, **out)
