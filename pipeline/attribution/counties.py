"""Which county and which township a footprint belongs to."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..geo.pieces import batches, border_lines
from .overlap import column, outlines, shares, table, texts

_MIN_SHARE, _MIN_AREA_M2 = 0.01, 1.0  # less of a footprint in a county is the outlines' own rounding


def counties(footprints: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, *, border_m: float = 150.0) -> pd.DataFrame:
    """``county_code, county_name, county_share, counties, near_border`` of each footprint, on its index.

    The county with the largest share of the footprint wins, the lower code where two shares are equal; null code and
    name and share 0 outside of every county. ``counties`` names all that it lies in by 1 % and 1 m² at least, the
    largest first (``沛县 62%、丰县 38%``), null where that is one or none. ``near_border`` says that a county line runs
    within ``border_m``, the lines' own uncertainty (public sources of county lines differ by a median of 137 m), so
    that two counties have to talk before one of them acts.

    Parameters
    ----------
    counties
        Table COUNTIES in the footprints' CRS; a county may come in several rows.
    """
    parts = _by_code(footprints, counties, "counties").rename(columns={"left": "at"})
    ours = outlines(footprints)
    largest = parts.drop_duplicates("at")
    at = largest["at"].to_numpy()
    code, name, share = texts(len(ours)), texts(len(ours)), np.zeros(len(ours))
    code[at], name[at], share[at] = largest["code"], largest["name"], largest["share"]
    return table(
        footprints.index,
        county_code=code,
        county_name=name,
        county_share=share,
        counties=_astride(parts, shapely.area(ours)),
        near_border=_near_border(ours, counties.geometry.to_numpy(), border_m),
    )


def townships(footprints: gpd.GeoDataFrame, townships: gpd.GeoDataFrame) -> pd.DataFrame:
    """``township_code, township_name`` of each footprint, on its index: those of the largest share.

    Where ``footprints`` has a ``county_code``, townships whose code begins with it come before all others, so that
    county and township agree although their lines, from two sources, do not. Null outside of every township.

    Parameters
    ----------
    townships
        Table TOWNSHIPS in the footprints' CRS; a township may come in several rows.
    """
    parts = _by_code(footprints, townships, "townships")
    county = column(footprints, "county_code")[parts["left"].to_numpy()]
    foreign = [
        not (isinstance(ours, str) and str(code).startswith(ours))
        for code, ours in zip(parts["code"], county, strict=True)
    ]
    largest = parts.assign(foreign=foreign).sort_values(["left", "foreign"], kind="stable").drop_duplicates("left")
    code, name = texts(len(footprints)), texts(len(footprints))
    code[largest["left"]], name[largest["left"]] = largest["code"], largest["name"]
    return table(footprints.index, township_code=code, township_name=name)


def _by_code(footprints: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, layer: str) -> pd.DataFrame:
    """``left, code, name, share`` (0..1), rows of one code added up; of each footprint the largest first."""
    pairs = shares(footprints, areas, layer)
    codes, names = (areas[name].to_numpy(dtype=object)[pairs["right"]] for name in ("code", "name"))
    return (
        pairs.assign(code=codes, name=names)
        .groupby(["left", "code"], sort=True, as_index=False)
        .agg(share=("share", "sum"), name=("name", "first"))
        .assign(share=lambda sums: sums["share"].clip(upper=1.0))
        .sort_values(["left", "share", "code"], ascending=[True, False, True], kind="stable", ignore_index=True)
    )


def _astride(parts: pd.DataFrame, area_m2: np.ndarray) -> np.ndarray:
    """Names with shares of the footprints that lie in several counties."""
    material = (parts["share"] >= _MIN_SHARE) & (parts["share"] * area_m2[parts["at"]] >= _MIN_AREA_M2)
    several = parts[material][parts[material].duplicated("at", keep=False)]
    said = [f"{name} {100 * share:.0f}%" for name, share in zip(several["name"], several["share"], strict=True)]
    text = texts(len(area_m2))
    for at, names in pd.Series(said, index=several.index, dtype=object).groupby(several["at"]):
        text[at] = "、".join(names)
    return text


def _near_border(ours: np.ndarray, areas: np.ndarray, border_m: float) -> np.ndarray:
    """Whether an outline of the areas runs within ``border_m`` of each footprint."""
    near = np.zeros(len(ours), dtype=bool)
    for low, high in batches(areas):
        tree = shapely.STRtree(border_lines(areas[low:high])[0])
        near[tree.query(ours, predicate="dwithin", distance=border_m)[0]] = True
    return near
