"""One object, one polygon: what several tiles saw of the same thing is joined, then its outline is drawn."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from ..detectors import registry
from ..geo.outline import smooth, squared
from ..model.options import Options
from ..model.tables import CANDIDATES

_SAME_SHARE = 0.2
_SEAM_M = 0.6


def join(candidates: gpd.GeoDataFrame, detectors: tuple[Options, ...]) -> gpd.GeoDataFrame:
    """CANDIDATES with each object once, whole, in its final outline; order and result do not depend on the input's.

    Tiles see past their cores, so neighbours see the same object twice. Views of one kind that share a fifth of the
    smaller one's area are one object; of what is ``passing``, such as grain, if they saw it on the same days. Where one
    view holds the object whole, the best of those stands; where every view is cut by its window, their union does.
    """
    if candidates.empty:
        return candidates
    # Arrival order differs between schedulers; nothing after this line may depend on it.
    order = _order(candidates)
    candidates = candidates.iloc[order].reset_index(drop=True)
    built = {registry.name_of(options): registry.build(options) for options in detectors}
    outlines = {name: detector.outline for name, detector in built.items()}
    passing = {name for name, detector in built.items() if getattr(detector, "passing", False)}
    rows = []
    for _, same_kind in candidates.groupby("kind", sort=True):
        labels = _groups(same_kind.geometry.array, _stays(same_kind, passing))
        rows += [_one(same_kind[labels == label], outlines) for label in range(labels.max() + 1)]
    joined = gpd.GeoDataFrame(pd.concat(rows, ignore_index=True), crs=candidates.crs)
    return joined.iloc[_order(joined)].reset_index(drop=True)[[*CANDIDATES.columns, "geometry"]]


def _stays(views: gpd.GeoDataFrame, passing: set[str]) -> tuple[np.ndarray, np.ndarray]:
    """First and last day of the stay that each view saw; for ever of what does not come and go."""
    first = np.array([day.toordinal() for day in views["first_seen"]], float)
    later = zip(views["confirmed_on"], first, strict=True)
    last = np.array([at if day is None or pd.isna(day) else day.toordinal() for day, at in later], float)
    stays = views["detector"].isin(passing).to_numpy()
    return np.where(stays, first, -np.inf), np.where(stays, last, np.inf)


def _groups(shapes: np.ndarray, stays: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Label of the object that each view belongs to."""
    begun, ended = stays
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = first < second
    first, second = first[pairs], second[pairs]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    smaller = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    together = np.maximum(begun[first], begun[second]) <= np.minimum(ended[first], ended[second])
    same = (shared >= _SAME_SHARE * smaller) & together
    links = coo_array((np.ones(same.sum()), (first[same], second[same])), shape=(len(shapes), len(shapes)))
    return connected_components(links, directed=False)[1]


def _one(views: gpd.GeoDataFrame, outlines: dict[str, str]) -> gpd.GeoDataFrame:
    whole = views[~views["truncated"]]
    if len(whole):
        best = whole.iloc[[int(np.argmax(whole["confidence"].to_numpy()))]]
        shape = best.geometry.iloc[0]
    else:
        areas = views.geometry.area.to_numpy()
        best = views.iloc[[int(np.argmax(areas))]].assign(
            confidence=float(np.average(views["confidence"], weights=areas))
        )
        shape = _union(views.geometry.array)
    drawn = _drawn(shape, outlines[best["detector"].iloc[0]])
    return best.assign(geometry=gpd.GeoSeries([drawn], index=best.index, crs=views.crs))


def _union(shapes: np.ndarray) -> BaseGeometry:
    """Union that closes the hair's breadth between views of two windows, largest part only."""
    grown = shapely.union_all(shapely.buffer(shapes, _SEAM_M, join_style="mitre"))
    parts = shapely.get_parts(shapely.buffer(grown, -_SEAM_M, join_style="mitre"))
    return parts[int(np.argmax(shapely.area(parts)))]


def _drawn(shape: BaseGeometry, outline: str) -> BaseGeometry:
    draw = squared if outline == "squared" else smooth
    parts = [draw(part) for part in shapely.get_parts(shape)]
    merged = shapely.union_all(parts)
    return shape if merged.is_empty else merged


def _order(frame: gpd.GeoDataFrame) -> np.ndarray:
    points = shapely.point_on_surface(frame.geometry.array)
    keys = pd.DataFrame(
        {
            "kind": frame["kind"].to_numpy(),
            "north": -np.round(shapely.get_y(points), 3),
            "east": np.round(shapely.get_x(points), 3),
            "tile": frame["tile_id"].to_numpy(),
            "area": np.round(frame.geometry.area.to_numpy(), 3),
            "confidence": frame["confidence"].to_numpy(),
        }
    )
    return keys.sort_values(list(keys.columns), kind="stable").index.to_numpy()
