"""Whether a footprint stands in ground that drivers may have to see across."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from .overlap import shares, texts

_MIN_SHARE = 0.01  # less is the outlines' own rounding


def sight_at(footprints: gpd.GeoDataFrame, sight: gpd.GeoDataFrame) -> pd.Series:
    """``bend`` or ``crossing`` where a footprint reaches into advisory sight ground, null elsewhere; on its index.

    ``sight``: table SIGHT in the footprints' CRS. Of several grounds the one with most of the footprint counts.
    """
    out = texts(len(footprints))
    pairs = shares(footprints, sight, "sight")
    pairs["short"] = -pairs["share"]
    best = (
        pairs[pairs["share"] >= _MIN_SHARE]
        .sort_values(["left", "short", "right"], kind="stable")
        .drop_duplicates("left")
    )
    out[best["left"]] = sight["sight"].to_numpy(dtype=object)[best["right"]]
    return pd.Series(out, index=footprints.index, dtype=object)
