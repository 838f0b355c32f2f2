"""Roads, posts and breaks as the tests of linear referencing write them."""

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import Point

CRS = 4548
NOTHING = dict.fromkeys(("tech_class", "pavement_width_m", "roadbed_width_m", "stake_from_m", "stake_to_m"), np.nan)


def roads(*rows, crs=CRS):
    base = {"route_code": "G311", "route_key": "G311320322", "name": "", "road_class": "G", **NOTHING}
    return gpd.GeoDataFrame([{**base, **row} for row in rows], geometry="geometry", crs=crs)


def stakes(placed, route="G311", key="G311320322", crs=CRS):
    table = {"route_code": route, "route_key": key, "stake_m": [float(m) for m, _ in placed]}
    return gpd.GeoDataFrame(table, geometry=[Point(*xy) for _, xy in placed], crs=crs)


def breaks(*rows, route="G311", key="G311320322", crs=CRS):
    """Rows (back, ahead, place or None)."""
    table = {"route_code": route, "route_key": key, "back_m": [r[0] for r in rows], "ahead_m": [r[1] for r in rows]}
    shapes = [None if r[2] is None else Point(*r[2]) for r in rows]
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=crs), crs=crs)


def points(*xy, crs=CRS):
    return gpd.GeoSeries([Point(*p) for p in xy], crs=crs)


def placed(ref, *numbers, route="G311", **more):
    """``place_many`` of numbers of one route."""
    return ref.place_many(pd.Series([route] * len(numbers)), pd.Series(numbers, dtype=float), **more)
