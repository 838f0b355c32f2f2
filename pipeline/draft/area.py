"""The only county of a person who has no layer of counties: the land about the roads, under one code."""

from __future__ import annotations

import json
import re
from collections import Counter

import geopandas as gpd
import shapely

from ..catalog import columns as read
from ..geo.crs import metric_crs
from .given import Said

FILE = "area.geojson"
_AROUND_M = 3000.0
_SIMPLE_M = 50.0
_KEY = re.compile(r"[GSXYCZQ][0-9A-Z]{1,4}?([1-9]\d{5})(?:D\d{3})?")
NOBODY = ("999999", "未分县 all roads")


def one_county(roads: gpd.GeoDataFrame, route: str, stated: tuple[str, str] | None, said: Said) -> tuple[str, str]:
    """Code and name: as stated, else the commonest six digits in the routes' codes, else one that no county has."""
    if stated is not None:
        return stated
    codes = Counter(
        match[1] for value in read.text(roads[route]) if value and (match := _KEY.fullmatch(str(value).upper()))
    )
    counties = Counter({code: count for code, count in codes.items() if not code.endswith("0000")}) or codes
    if counties:
        code, count = counties.most_common(1)[0]
        said.guessed.append(f"counties: none given; all roads count for {code}, which stands in {count} route codes")
        others = ", ".join(sorted(set(codes) - {code}))
        which = f"{code}; {others} occur too" if others else code
        said.open.append(
            f"the county's name and border are not known (code {which}): --counties FILE, or --county {code}=NAME"
        )
        return code, "全部道路 all roads"
    said.open.append(
        "no counties: all roads are kept as one area with the code 999999, by national rules; --county 320322=沛县 names"
        " the county (its province's rules hold then), --counties FILE gives the borders of several"
    )
    return NOBODY


def about(roads: gpd.GeoDataFrame, code: str, name: str) -> str:
    """GeoJSON of the land within 3 km of the roads, degrees."""
    shapes = roads.geometry.dropna()
    lines = shapes.to_crs(metric_crs(gpd.GeoDataFrame(geometry=shapes)))
    around = shapely.union_all(shapely.buffer(shapely.simplify(lines.values, _SIMPLE_M), _AROUND_M, quad_segs=4))
    whole = gpd.GeoSeries([shapely.convex_hull(around)], crs=lines.crs).to_crs(4490).iloc[0]
    ring = [[round(x, 6), round(y, 6)] for x, y in shapely.get_coordinates(whole)]
    feature = {
        "type": "Feature",
        "properties": {"code": code, "name": name},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    collection = {"type": "FeatureCollection", "features": [feature]}
    return json.dumps(collection, ensure_ascii=False) + "\n"
