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
        enough = np.where(_in_company(mine, limits), limits.sure, limits.sure_alone)
        said = np.where(confidence >= limits.unsure, WhyNot.TOO_UNCERTAIN.value, WhyNot.UNLIKELY.value)
        why.loc[mine.index] = np.where(confidence >= enough, "", said)
    return why


def _in_company(candidates: gpd.GeoDataFrame, limits: ConfidenceOptions) -> np.ndarray:
    """Whether another candidate that is sure lies near each one."""
    shapes = candidates.geometry.array
    sure = np.flatnonzero(candidates["confidence"].to_numpy(float) >= limits.sure)
    one, other = shapely.STRtree(shapes[sure]).query(shapes, predicate="dwithin", distance=limits.near_m)
    company = np.zeros(len(candidates), bool)
    company[one[one != sure[other]]] = True
    return company
