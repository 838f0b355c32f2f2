"""Which bridge, sign or interchange a footprint is near."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .overlap import check_plane, outlines, table, texts


def assets(footprints: gpd.GeoDataFrame, assets: gpd.GeoDataFrame, *, within_m: float = 500.0) -> pd.DataFrame:
    """``asset_kind, asset_name, asset_distance_m`` of the nearest asset, on the footprints' index.

    Null and NaN where none lies within ``within_m``. The distance is between the outlines, 0 where they touch; of
    several at one distance the first by kind and name is named. Assets that are known by their stake only (null
    geometry) cannot be near anything here and are left out.

    Parameters
    ----------
    assets
        Table ASSETS in the footprints' CRS.
    """
    check_plane(footprints, assets, "assets")
    placed = assets[~(assets.geometry.isna() | assets.geometry.is_empty)]
    placed = placed.sort_values(["kind", "name"], kind="stable")
    kind, name = texts(len(footprints)), texts(len(footprints))
    distance_m = np.full(len(footprints), np.nan)
    if len(placed):
        tree = shapely.STRtree(placed.geometry.to_numpy())
        (left, right), apart_m = tree.query_nearest(
            outlines(footprints), max_distance=within_m, return_distance=True, all_matches=True
        )
        order = np.lexsort((right, left))
        left, right, apart_m = left[order], right[order], apart_m[order]
        first = np.unique(left, return_index=True)[1]
        at, of = left[first], right[first]
        kind[at] = placed["kind"].to_numpy(dtype=object)[of]
        name[at] = placed["name"].to_numpy(dtype=object)[of]
        distance_m[at] = apart_m[first]
    return table(footprints.index, asset_kind=kind, asset_name=name, asset_distance_m=distance_m)
