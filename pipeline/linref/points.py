"""Points that are asked about, what is asked of each, and the table of what is told of them."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import GeometryError


def xy_of(points: gpd.GeoSeries) -> np.ndarray:
    """Coordinates (n, 2) of points, NaN where one is missing or empty; GeometryError for other shapes and infinite ones."""
    shapes = np.asarray(points.array)
    present = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    other = present & (shapely.get_type_id(shapes) != shapely.GeometryType.POINT)
    if other.any():
        kinds = sorted({shape.geom_type for shape in shapes[other]})
        raise GeometryError(f"only points can be located; got {kinds}; take representative points first")
    xy = np.full((len(shapes), 2), np.nan)
    xy[present] = shapely.get_coordinates(shapes[present])
    if np.isinf(xy).any():
        raise GeometryError("a point to be located has infinite coordinates; check the CRS it was transformed to")
    return xy


def on_index(asked: pd.Series, index: pd.Index) -> pd.Series:
    """What is asked of each row of ``index``, null where nothing is; an index of its own is matched by label."""
    return asked if asked.index.equals(index) else asked.reindex(index)


def located(columns: Mapping[str, np.ndarray], present: np.ndarray, index: pd.Index) -> pd.DataFrame:
    """Table on ``index`` of what is told of its rows ``present``; the others have section -1, chain 0 and nulls."""
    count = len(index)
    table = {
        "section": np.full(count, -1, dtype=np.int64),
        "route_code": np.full(count, None, dtype=object),
        "stake_m": np.full(count, np.nan),
        "stake": np.full(count, None, dtype=object),
        "chain_no": np.zeros(count, dtype=np.int64),
        "side": np.full(count, None, dtype=object),
        "offset_m": np.full(count, np.nan),
    }
    for name, values in columns.items():
        table[name][present] = values
    return pd.DataFrame(table, index=index)
