"""Rows that say the same thing twice: named, with their rows, and left as they are."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .columns import named, numbers
from .geometries import Frame

# Columns of which equal values in two rows are worth a word, by layer.
_NUMBERED = {"permits": "number", "assets": "number", "registry": "number"}
_SAME_SHAPE = ("roads", "assets", "zones", "permits", "registry")
_OVERLAP = 0.01  # of the smaller part: two polygons of one county that share more are not its mainland and its exclave


def note_repeats(frame: Frame, table: gpd.GeoDataFrame) -> None:
    """Note rows of ``table`` (on the frame's index) that repeat an earlier row's number, geometry or county."""
    role, findings = frame.entry.role, frame.findings
    said = []
    if role in _NUMBERED:
        column = table[_NUMBERED[role]]
        said.append(
            (
                column.notna() & column.duplicated(keep="first"),
                "carry the number of an earlier row; take out what stands twice",
            )
        )
    if role in _SAME_SHAPE:
        said.append((_same_shape(table, role), "lie exactly where an earlier row lies; take out what stands twice"))
    if role in ("counties", "townships"):
        said.append((_overlapping(table), "overlap an earlier row of the same code; take out what stands twice"))
    for again, what in said:
        if again.any():
            findings.repeated += numbers(table.index[again])
            findings.note(f"{named(table.index[again])} {what}")


def _same_shape(table: gpd.GeoDataFrame, role: str) -> pd.Series:
    """Whether an earlier row of the same route (of things: of the same kind) has the same geometry to the millimetre."""
    shapes = np.asarray(table.geometry.values)
    key = shapely.to_wkb(shapely.normalize(shapely.set_precision(shapes, 0.001, mode="pointwise")))
    beside = {"roads": "route_key", "zones": "zone"}.get(role, "kind")
    rows = pd.DataFrame({"key": key, "beside": table[beside].to_numpy()}, index=table.index)
    return rows["key"].notna() & rows.duplicated()


def _overlapping(table: gpd.GeoDataFrame) -> pd.Series:
    again = pd.Series(False, index=table.index)
    several = table[table["code"].duplicated(keep=False) & table.geometry.notna()]
    for _, parts in several.groupby("code", sort=False):
        shapes = np.asarray(parts.geometry.values)
        first, second = parts.sindex.query(shapes, predicate="intersects")
        first, second = first[first < second], second[first < second]
        common = shapely.area(shapely.intersection(shapes[first], shapes[second]))
        least = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
        again.loc[parts.index[np.unique(second[common > _OVERLAP * least])]] = True
    return again
