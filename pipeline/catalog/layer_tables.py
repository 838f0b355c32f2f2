"""From a layer's rows to the table that its contract promises: which function makes which table, and its last touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from ..model import tables as contracts
from ..model.tables import Table
from . import place_tables as places
from . import road_tables as roads
from .geometries import Frame

CONTRACTS: Mapping[str, Table] = MappingProxyType(
    {
        "roads": contracts.ROADS,
        "stakes": contracts.STAKES,
        "breaks": contracts.BREAKS,
        "counties": contracts.COUNTIES,
        "permits": contracts.PERMITS,
        "assets": contracts.ASSETS,
        "zones": contracts.ANNOUNCED,
        "exempt": contracts.EXEMPT,
        "townships": contracts.TOWNSHIPS,
        "registry": contracts.REGISTRY,
    }
)
# Each takes rows in the metric CRS and returns the contract's columns on the rows that are kept.
BUILDERS: Mapping[str, Callable[[Frame], pd.DataFrame]] = MappingProxyType(
    {
        "roads": roads.roads,
        "stakes": roads.stakes,
        "breaks": roads.breaks,
        "counties": places.counties,
        "permits": places.permits,
        "assets": places.assets,
        "zones": places.announced,
        "exempt": places.exempt,
        "townships": places.townships,
        "registry": places.registry,
    }
)


def settled(role: str, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The table with the contract's columns in its order, and parts of one county or township joined into one row."""
    table = table[[*CONTRACTS[role].columns, "geometry"]]
    plain = [name for name, kind in CONTRACTS[role].columns.items() if kind in ("str", "date")]
    table = table.assign(**{name: table[name].astype(object).where(table[name].notna(), None) for name in plain})
    if role in ("counties", "townships") and table["code"].duplicated().any():
        table = table.dissolve(by="code", sort=False, as_index=False)[[*CONTRACTS[role].columns, "geometry"]]
    return table
