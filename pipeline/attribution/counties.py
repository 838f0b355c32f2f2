"""Which county a footprint belongs to."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .overlap import outlines, shares, table, texts


def counties(footprints: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, *, border_m: float = 150.0) -> pd.DataFrame:
    """``county_code, county_name, county_share, near_border`` of each footprint, on its index.

    The county with the largest share of the footprint wins, the lower code where two shares are equal; null code and
    name and share 0 outside of every county. ``near_border`` says that a county line runs within ``border_m``, the
    lines' own uncertainty (public sources of county lines differ by a median of 137 m), so that two counties have to
    talk before one of them acts.

    Parameters
    ----------
    counties
        Table COUNTIES in the footprints' CRS; a county may come in several rows.
    """
    pairs = shares(footprints, counties, "counties")
    code = counties["code"].to_numpy(dtype=object)
    per_county = (
        pairs.assign(code=code[pairs["right"]])
        .groupby(["left", "code"], sort=True, as_index=False)
        .agg(share=("share", "sum"), right=("right", "first"))
        .sort_values(["left", "share", "code"], ascending=[True, False, True], kind="stable")
        .drop_duplicates("left")
    )
    at, of = per_county["left"].to_numpy(), per_county["right"].to_numpy()
    county_code, county_name = texts(len(footprints)), texts(len(footprints))
    county_share, near_border = np.zeros(len(footprints)), np.zeros(len(footprints), dtype=bool)
    county_code[at], county_name[at] = code[of], counties["name"].to_numpy(dtype=object)[of]
    county_share[at] = np.minimum(per_county["share"], 1.0)
    lines = shapely.boundary(outlines(counties))
    near_border[shapely.STRtree(lines).query(outlines(footprints), predicate="dwithin", distance=border_m)[0]] = True
    return table(
        footprints.index,
        county_code=county_code,
        county_name=county_name,
        county_share=county_share,
        near_border=near_border,
    )
