"""How much of each footprint lies in which area: the one measure under counties, permits and exemptions."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import GeometryError, LayerError


def shares(footprints: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, layer: str) -> pd.DataFrame:
    """``left, right, share``: positions of the pairs that meet, and the part of the footprint in the area, 0..1.

    A footprint that has no area, or an area that is only a point or line, counts as wholly covered where they meet.
    Sorted by ``left`` then ``right``. Invalid outlines are made valid first; the tables are left as they are.
    GeometryError when the two are not in one metric CRS.
    """
    check_plane(footprints, areas, layer)
    ours, theirs = outlines(footprints), outlines(areas)
    left, right = shapely.STRtree(theirs).query(ours, predicate="intersects")
    area_m2 = shapely.area(ours)[left]
    common_m2 = shapely.area(shapely.intersection(ours[left], theirs[right]))
    solid = (area_m2 > 0) & (shapely.get_dimensions(theirs[right]) == 2)
    share = np.divide(common_m2, area_m2, out=np.ones_like(common_m2), where=solid)
    pairs = pd.DataFrame({"left": left, "right": right, "share": np.clip(share, 0.0, 1.0)})
    return pairs.sort_values(["left", "right"], kind="stable", ignore_index=True)


def outlines(frame: gpd.GeoDataFrame) -> np.ndarray:
    """The frame's geometries, valid; those that are missing stay missing."""
    return shapely.make_valid(frame.geometry.to_numpy())


def check_plane(footprints: gpd.GeoDataFrame, other: gpd.GeoDataFrame, layer: str) -> None:
    """GeometryError unless both tables are in one metric CRS."""
    ours, theirs = (frame.crs.name if frame.crs else "no CRS" for frame in (footprints, other))
    if footprints.crs is None or not footprints.crs.is_projected:
        raise GeometryError(f"footprints are in {ours}; bring them to a metric CRS first")
    if other.crs is None or other.crs != footprints.crs:
        raise GeometryError(
            f"layer {layer!r} is in {theirs}, the footprints in {ours}; bring both to the run's CRS with to_crs()"
        )


def texts(count: int) -> np.ndarray:
    """A column of that many nulls, to be filled with text."""
    return np.full(count, None, dtype=object)


def table(index: pd.Index, **columns: np.ndarray) -> pd.DataFrame:
    """The columns on ``index``; text stays text and None stays None whatever the version of pandas makes of it."""
    return pd.DataFrame({name: pd.Series(values, index=index, dtype=values.dtype) for name, values in columns.items()})


def days(values: pd.Series, layer: str, column: str) -> pd.Series:
    """The column as days, NaT where null; LayerError naming the row for what is no date."""
    found = []
    for label, value in values.items():
        try:
            found.append(_day(value))
        except ValueError as error:
            why = f"{column} {value!r} is not a date; expected e.g. 2017-10-20"
            raise LayerError(layer, why, row=label) from error
    return pd.Series(found, index=values.index, dtype="datetime64[s]")


def _day(value: object) -> object:
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return pd.NaT
    if isinstance(value, dt.datetime):
        return value.date()
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value).strip()[:10])
