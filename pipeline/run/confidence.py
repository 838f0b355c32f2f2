"""Whether a candidate is sure enough: decided on the joined objects of the whole run, so that no tile has a say."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..config.decision_options import ConfidenceOptions
from ..model.kinds import WhyNot


def doubts(candidates: gpd.GeoDataFrame, thresholds: Mapping[str, ConfidenceOptions | None]) -> pd.Series:
    """``too_uncertain``, ``unlikely`` or empty for each candidate (columns ``kind``, ``confidence``, metric geometry).

    A candidate of ``sure`` or more counts where another such one of its kind lies within ``near_m`` (footprint to
    footprint), else from ``sure_alone`` on. Kinds without thresholds are in no doubt.
    """
    why = pd.Series("", index=candidates.index, dtype=object)
    for kind, limits in thresholds.items():
        mine = candidates[candidates["kind"] == kind]
        if limits is None or mine.empty:
            continue
        confidence = mine["confidence"].to_numpy(float)
        enough = np.where(in_company(mine, limits.sure, limits.near_m), limits.sure, limits.sure_alone)
        said = np.where(confidence >= limits.unsure, WhyNot.TOO_UNCERTAIN.value, WhyNot.UNLIKELY.value)
        why.loc[mine.index] = np.where(confidence >= enough, "", said)
    return why


def in_company(candidates: gpd.GeoDataFrame, sure: float, near_m: float) -> np.ndarray:
    """Whether another candidate that is sure lies near each one, bool (n,); all of one kind, in a metric CRS."""
    shapes = candidates.geometry.array
    certain = np.flatnonzero(candidates["confidence"].to_numpy(float) >= sure)
    one, other = shapely.STRtree(shapes[certain]).query(shapes, predicate="dwithin", distance=near_m)
    company = np.zeros(len(candidates), bool)
    company[one[one != certain[other]]] = True
    return company
