"""What a detector found in a tile, with what only the tile knows of it: scenes, days, errors, and which part is its own."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ..config.imagery_options import ImageryOptions
from ..detectors import registry
from ..detectors.base import Found, View
from ..imagery.raster import burn
from ..model.grid import Grid
from ..model.scene import Scene
from ..model.tables import CANDIDATES, SIGHTINGS
from ..prepare.pair import Pair
from .job import TileJob, no_sightings

_EDGE_PX = 1.5


def found_by(detector: Any, view: View, job: TileJob, pair: Pair) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """A detector's candidates and sightings, with what the tile knows of them."""
    found = detector(view)
    if not isinstance(found, Found):
        return _candidates(found, detector, job, pair), no_sightings(view.grid.epsg)
    return _candidates(found.candidates, detector, job, pair), _sightings(found.sightings, detector.version, job)


def _sightings(table: gpd.GeoDataFrame, version: str, job: TileJob) -> gpd.GeoDataFrame:
    """What was looked at in the tile's own square, which no other tile says too."""
    if table.empty:
        return no_sightings(job.tile.grid.epsg)
    mine = SIGHTINGS.check(table).assign(geometry=lambda d: d.intersection(job.tile.square), detector_version=version)
    mine = mine.explode(ignore_index=True)
    kept = ~mine.is_empty & ((mine.geom_type == "Point") == (mine["section"] < 0))
    return mine.loc[kept, [*SIGHTINGS.columns, "detector_version", "geometry"]].reset_index(drop=True)


def _candidates(table: gpd.GeoDataFrame, detector: Any, job: TileJob, pair: Pair) -> gpd.GeoDataFrame:
    """A detector's candidates that touch the tile's core, with what the tile knows of them."""
    grid = job.tile.grid
    table = table[table.intersects(job.tile.core)].reset_index(drop=True)
    if not len(table):
        return CANDIDATES.empty(crs=grid.epsg)
    window = grid.footprint.buffer(-_EDGE_PX * grid.pixel_m)
    before = _scene_of(table, pair.before_source, pair.before_scenes, grid)
    absent = _scene_of(table, pair.before_newest, pair.before_scenes, grid)
    after = _scene_of(table, pair.after_source, pair.after_scenes, grid)
    if "first_seen" in table:  # the take that shows it, not the one that the composite has there
        after = [_on_day(scene, job.after, day) for scene, day in zip(after, table["first_seen"], strict=True)]
    rows, cols = pair.registration.shift_px if pair.registration else (0.0, 0.0)
    return table.assign(
        detector=registry.name_of(detector.options),
        detector_version=detector.version,
        tile_id=job.tile.tile_id,
        truncated=~table.geometry.within(window),
        last_absent=table.get("last_absent", [scene.day for scene in absent]),
        first_seen=table.get("first_seen", [scene.day for scene in after]),
        confirmed_on=table.get("confirmed_on"),
        gone_on=table.get("gone_on"),
        scene_before=[scene.scene_id for scene in before],
        scene_after=[scene.scene_id for scene in after],
        shift_px=round(float(np.hypot(rows, cols)), 3),
        geo_rmse_m=[_position_error_m(scene, pair, grid, job.imagery) for scene in after],
    )[[*CANDIDATES.columns, "geometry"]]


def _on_day(usual: Scene, scenes: tuple[Scene, ...], day: Any) -> Scene:
    """The scene of a day; the usual one where none, or that one itself, is of it."""
    return usual if usual.day == day else next((scene for scene in scenes if scene.day == day), usual)


def _position_error_m(after: Scene, pair: Pair, grid: Grid, imagery: ImageryOptions) -> float:
    """Error of a footprint in the later image: its geolocation, and the part of registration that stayed unknown.

    That part is the error of the common shift, and how far one place may lie from it: a footprint stands in one block,
    and what blocks differ by (relief, lean, warps of the orthoimage) is not shared out over the window. The spread of the
    blocks holds the noise of their own measures too, so it is rather too much than too little.
    """
    left_m, main = imagery.pair.registration.max_shift_m / 2, pair.main
    if main is not None and main.registration is not None and main.registration.reliable:
        spread_px = float(
            np.nan_to_num(main.registration.rmse_px)
        )  # NaN where a prior was taken and no block had a say
        left_m = float(np.hypot(main.error_px, spread_px)) * grid.pixel_m
    return round(float(np.hypot(after.geo_rmse_m, left_m)), 3)


def _scene_of(table: gpd.GeoDataFrame, source: np.ndarray, scenes: tuple[Scene, ...], grid: Grid) -> list[Scene]:
    """The scene that most pixels of each footprint come from; ``source`` holds indexes into ``scenes``, -1 = none."""
    chosen = []
    for shape in table.geometry:
        seen = source[burn([shape], grid)]
        seen = seen[seen >= 0]
        index = int(np.bincount(seen).argmax()) if seen.size else _fallback(shape, source, grid)
        chosen.append(scenes[index])
    return chosen


def _fallback(shape: BaseGeometry, source: np.ndarray, grid: Grid) -> int:
    """Index of the scene at the observed pixel nearest to a footprint that covers no observed pixel centre."""
    rows, cols = np.nonzero(source >= 0)
    point = shapely.point_on_surface(shape)
    nearest = np.argmin((grid.x_m[cols] - point.x) ** 2 + (grid.y_m[rows] - point.y) ** 2)
    return int(source[rows[nearest], cols[nearest]])
