"""Tables ROADS for tests."""

import geopandas as gpd
import numpy as np
import shapely

CRS = 4548
_UNKNOWN = dict.fromkeys(
    ("tech_class", "pavement_width_m", "roadbed_width_m", "stake_from_m", "stake_to_m"), float("nan")
)


def roads(*rows, crs=CRS):
    base = {"route_code": "G311", "route_key": "G311", "name": "", "road_class": "G", **_UNKNOWN}
    table = [{**base, **row} for row in rows]
    for row in table:
        row["route_key"] = row["route_code"]
    return gpd.GeoDataFrame(table, geometry="geometry", crs=crs)


def overlap_m2(zones):
    """Ground that two zones share, to the millimetre: zones are rounded to it, and GEOS may err on such edges otherwise."""
    grounds = np.asarray(zones.geometry.array)
    one, other = shapely.STRtree(grounds).query(grounds, predicate="intersects")
    pairs = one < other
    return shapely.area(shapely.intersection(grounds[one[pairs]], grounds[other[pairs]], grid_size=0.001)).sum()


def ground(zones, **wanted):
    """Union of the zones with these values."""
    for name, value in wanted.items():
        zones = zones[zones[name] == value]
    return shapely.union_all(zones.geometry.array)
