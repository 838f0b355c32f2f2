"""One place, one kind: where two detectors read the same thing in two ways, the likelier reading stands."""

from __future__ import annotations

from collections.abc import Hashable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.kinds import RIVALS

_SHARE = 0.5  # of the smaller footprint
_ALIKE = 4.0  # a site of works is no rival of a hut on it: areas that differ by more are two things


def outdone(table: gpd.GeoDataFrame) -> pd.Series:
    """True for rows that share half of the smaller footprint with a likelier row of another kind (of ``RIVALS``).

    ``table``: columns ``kind``, ``confidence``, metric geometry; only rows that would be findings should be in it. A row
    that is outdone outdoes no other.
    """
    return pd.Series(table.index.isin(list(outdoers(table))), index=table.index)


def outdoers(table: gpd.GeoDataFrame) -> dict[Hashable, Hashable]:
    """By the index of each row that is outdone that of the likeliest row that outdoes it; ``table`` as in ``outdone``."""
    lost: dict[Hashable, Hashable] = {}
    mine = table[table["kind"].isin(RIVALS)]
    rank = mine["kind"].map({kind: number for number, kind in enumerate(RIVALS)})
    mine = mine.assign(rank=rank).sort_values(["confidence", "rank"], ascending=[False, True], kind="stable")
    shapes, kinds = mine.geometry.array, mine["kind"].to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    ahead = (first < second) & (kinds[first] != kinds[second])
    first, second = first[ahead], second[ahead]
    area = shapely.area(shapes)
    small, large = np.minimum(area[first], area[second]), np.maximum(area[first], area[second])
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    same = (shared >= _SHARE * small) & (large <= _ALIKE * small)
    for winner, loser in sorted(zip(first[same].tolist(), second[same].tolist(), strict=True)):
        if mine.index[winner] not in lost:
            lost.setdefault(mine.index[loser], mine.index[winner])
    return lost
