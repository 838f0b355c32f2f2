"""How much of each footprint lies in which area: the one measure under counties, permits and exemptions."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import GeometryError, LayerError
from ..geo.pieces import batches, blocks

_CROWDED = 16  # so many footprints across the edge of one area repay cutting it into blocks


def shares(footprints: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, layer: str) -> pd.DataFrame:
    """``left, right, share``: positions of the pairs that meet, and the part of the footprint in the area, 0..1.

    A footprint that has no area, or an area that is only a point or line, counts as wholly covered where they meet.
    Sorted by ``left`` then ``right``. Invalid outlines are made valid first; the tables are left as they are.
    GeometryError when the two are not in one metric CRS.
    """
    check_plane(footprints, areas, layer)
    ours, theirs = outlines(footprints), outlines(areas)
    left, right, whole = _meeting(ours, theirs)
    area_m2 = shapely.area(ours)[left]
    solid = (area_m2 > 0) & (shapely.get_dimensions(theirs[right]) == 2)
    share = np.ones(len(left))
    part = solid & ~whole
    share[part] = _common_m2(ours[left[part]], theirs, right[part]) / area_m2[part]
    pairs = pd.DataFrame({"left": left, "right": right, "share": np.clip(share, 0.0, 1.0)})
    return pairs.sort_values(["left", "right"], kind="stable", ignore_index=True)


def _meeting(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs that meet, and whether ours lies wholly inside theirs.

    Areas are prepared, since they may have as many vertices as a county and as many footprints as one; a batch at a
    time, since what is prepared takes memory.
    """
    left, right = shapely.STRtree(theirs).query(ours)
    order = np.lexsort((left, right))
    left, right = left[order], right[order]
    meets, whole = np.zeros(len(left), dtype=bool), np.zeros(len(left), dtype=bool)
    named, first = np.unique(right, return_index=True)
    first = np.append(first, len(right))
    for low, high in batches(theirs[named]):
        shapely.prepare(theirs[named[low:high]])
        these = slice(first[low], first[high])
        one, other = ours[left[these]], theirs[right[these]]
        whole[these] = shapely.contains_properly(other, one)
        meets[these] = whole[these] | shapely.intersects(other, one)
        shapely.destroy_prepared(theirs[named[low:high]])
    return left[meets], right[meets], whole[meets]


def _common_m2(ours: np.ndarray, theirs: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Area that each of ours has in common with the area at its position ``right``."""
    crowded = np.bincount(right, minlength=len(theirs)) >= _CROWDED
    cut = crowded[right]
    common_m2 = np.zeros(len(ours))
    common_m2[~cut] = shapely.area(shapely.intersection(ours[~cut], theirs[right[~cut]]))
    if cut.any():
        these, which = np.flatnonzero(cut), np.flatnonzero(crowded)
        parts, of = blocks(theirs[which])
        one, block = shapely.STRtree(parts).query(ours[these], predicate="intersects")
        same = which[of[block]] == right[these[one]]
        one, block = one[same], block[same]
        np.add.at(common_m2, these[one], shapely.area(shapely.intersection(ours[these[one]], parts[block])))
    return common_m2


def outlines(frame: gpd.GeoDataFrame) -> np.ndarray:
    """The frame's geometries, valid; those that are missing stay missing."""
    shapes = frame.geometry.to_numpy().copy()
    broken = ~(shapely.is_valid(shapes) | shapely.is_missing(shapes))
    shapes[broken] = shapely.make_valid(shapes[broken])
    return shapes


def check_plane(footprints: gpd.GeoDataFrame, other: gpd.GeoDataFrame, layer: str) -> None:
    """GeometryError unless both tables are in one metric CRS."""
    ours, theirs = (frame.crs.name if frame.crs else "no CRS" for frame in (footprints, other))
    if footprints.crs is None or not footprints.crs.is_projected:
        raise GeometryError(f"footprints are in {ours}; bring them to a metric CRS first")
    if other.crs is None or other.crs != footprints.crs:
        raise GeometryError(
            f"layer {layer!r} is in {theirs}, the footprints in {ours}; bring both to the run's CRS with to_crs()"
        )


def column(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Values of an optional column, None where null or where the frame lacks it."""
    if name not in frame.columns:
        return texts(len(frame))
    values = frame[name].to_numpy(dtype=object, copy=True)
    values[pd.isna(values)] = None
    return values


def metres(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Values of an optional column of numbers, NaN where null or where the frame lacks it."""
    values = frame[name] if name in frame.columns else pd.Series(np.nan, index=frame.index)
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan, copy=True)


def flags(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Values of an optional column of yes and no; no where null or where the frame lacks it."""
    return column(frame, name).astype(bool)


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
