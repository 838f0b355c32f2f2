"""At which stakes, on which side and how far from the road a footprint lies."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from ..linref.reference import LinearReference
from ..model.stake import stake_texts


def place(footprints: gpd.GeoDataFrame, linref: LinearReference, section: pd.Series | None = None) -> pd.DataFrame:
    """``stake, stake_m, stake_from, stake_to, side, offset_m`` of each footprint, on its index.

    ``stake``, ``side`` (facing increasing stakes) and ``offset_m`` (positive, from the centreline) are those of a
    point inside the footprint, so that a bent strip is not placed across the road from itself; ``stake_from`` and
    ``stake_to`` are the stakes that the whole footprint covers. A footprint without geometry gets nulls.

    Parameters
    ----------
    linref
        Of the roads in the footprints' CRS.
    section
        Road section of each footprint, on the footprints' index: at a crossing the section whose zone the footprint
        lies in, not the nearest line. Null or -1, or no series, leaves the nearest.
    """
    at = section.reindex(footprints.index) if section is not None else None
    middle = linref.locate(footprints.geometry.representative_point(), section=at)
    reach = linref.span(footprints.geometry, section=middle["section"])
    columns = {
        "stake": middle["stake"],
        "stake_m": middle["stake_m"],
        "stake_from": pd.Series(stake_texts(reach["stake_from_m"].to_numpy()), index=footprints.index, dtype=object),
        "stake_to": pd.Series(stake_texts(reach["stake_to_m"].to_numpy()), index=footprints.index, dtype=object),
        "side": middle["side"],
        "offset_m": middle["offset_m"],
    }
    return pd.DataFrame(columns, index=footprints.index)
