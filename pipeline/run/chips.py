"""Evidence pictures: the same stretch of ground before and after, cut once per finding and kept beside the tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from shapely.geometry.base import BaseGeometry

from ..config.imagery_options import ImageryOptions
from ..imagery.stack import composite, load
from ..model.grid import Grid
from ..model.scene import Scene
from ..prepare.resample import moved
from ..reports.chips import pair_chips, rgb8_pair
from .executor import run_all
from .files import RunFolder, write_bytes
from .job import TileResult
from .plan import Plan

_CHIP_PX = 320
_AROUND_M = 30.0
_LEAST_M = 96.0


@dataclass(frozen=True)
class ChipJob:
    """One finding's pictures: where, from which scenes, and how far the earlier image is moved.

    ``within``: the corridor about it; what lies beyond was not read and is not read for a picture either.
    """

    finding_id: str
    footprint: BaseGeometry
    grid: Grid
    before: tuple[Scene, ...]
    after: tuple[Scene, ...]
    bands: tuple[str, ...]
    shift_m: tuple[float, float]
    within: BaseGeometry
    imagery: ImageryOptions


def cut_chips(
    findings: gpd.GeoDataFrame, results: Sequence[TileResult], plan: Plan, folder: RunFolder, step: object
) -> None:
    """Write the pictures that are not there yet; a finding's id says what it was made from, so old ones stay true."""
    shifts = {result.tile_id: result.facts.get("shift_px", (0.0, 0.0)) for result in results}
    jobs = [
        _job(row, plan, shifts)
        for row in findings.itertuples()
        if not (folder.chip(row.finding_id, "before").is_file() and folder.chip(row.finding_id, "after").is_file())
    ]
    for done, (finding_id, before, after) in enumerate(run_all(cut, jobs, plan.config.dask), start=1):
        write_bytes(folder.chip(finding_id, "before"), before)
        write_bytes(folder.chip(finding_id, "after"), after)
        step("pictures", done, len(jobs))  # type: ignore[operator]


def cut(job: ChipJob) -> tuple[str, bytes, bytes]:
    """The finding's id and its two pictures, stretched alike, with the footprint drawn."""
    reader = job.imagery.reader()
    before, after = (
        composite(load(scenes, job.grid, job.bands, reader=reader, within=job.within))[0]
        for scenes in (job.before, job.after)
    )
    rows_px, cols_px = -job.shift_m[0] / job.grid.pixel_m, job.shift_m[1] / job.grid.pixel_m
    if math.hypot(rows_px, cols_px) >= 0.1:
        shift = (rows_px, cols_px)
        before = before.assign({name: (("y", "x"), moved(before[name].to_numpy(), shift)) for name in job.bands})
    outline = _pixels(job.footprint, job.grid)
    return job.finding_id, *pair_chips(*rgb8_pair(_rgb(before), _rgb(after)), outline)


def _rgb(image: xr.Dataset) -> np.ndarray:
    return np.stack([image[band].to_numpy() for band in ("red", "green", "blue")], axis=-1)


def _job(row: object, plan: Plan, shifts: Mapping[str, Sequence[float]]) -> ChipJob:
    footprint: BaseGeometry = row.geometry  # type: ignore[attr-defined]
    pixel_m = plan.config.imagery.resolution_m
    west, south, east, north = footprint.bounds
    side_m = max(_LEAST_M, east - west + 2 * _AROUND_M, north - south + 2 * _AROUND_M)
    chip_pixel_m = max(pixel_m, side_m / _CHIP_PX)
    size_px = round(side_m / chip_pixel_m)
    # On the run's lattice where the pixel is the run's own, so that pixels are copied and not resampled.
    corner = ((west + east - side_m) / 2, (south + north + side_m) / 2)
    west_m, north_m = (math.floor(value / chip_pixel_m) * chip_pixel_m for value in corner)
    grid = Grid(plan.layers.epsg, west_m, north_m, chip_pixel_m, size_px, size_px)
    rows_px, cols_px = shifts.get(row.tile_id, (0.0, 0.0))  # type: ignore[attr-defined]
    return ChipJob(
        finding_id=row.finding_id,  # type: ignore[attr-defined]
        footprint=footprint,
        grid=grid,
        before=_same_day(plan.before, row.scene_before),  # type: ignore[attr-defined]
        after=_same_day(plan.after, row.scene_after),  # type: ignore[attr-defined]
        bands=tuple(band for band in plan.bands if band in ("blue", "green", "red")),
        shift_m=(-rows_px * pixel_m, cols_px * pixel_m),
        within=plan.config.imagery.read_area(shapely.intersection(plan.corridor, grid.footprint)),
        imagery=plan.config.imagery,
    )


def _same_day(scenes: tuple[Scene, ...], scene_id: str) -> tuple[Scene, ...]:
    """The evidence scene and its neighbours of that day, so that a picture on the seam of two sheets is whole."""
    days = {scene.day for scene in scenes if scene.scene_id == scene_id}
    return tuple(scene for scene in scenes if scene.day in days)


def _pixels(footprint: BaseGeometry, grid: Grid) -> list[np.ndarray]:
    """Rings of the footprint as (n, 2) arrays of col, row."""
    rings = [ring for part in shapely.get_parts(footprint) for ring in (part.exterior, *part.interiors)]
    scale = np.array([1.0 / grid.pixel_m, -1.0 / grid.pixel_m])
    return [(shapely.get_coordinates(ring) - (grid.west_m, grid.north_m)) * scale for ring in rings]
