"""Evidence pictures: the same stretch of ground before and after, cut once per finding.

With the footprint drawn they lie beside the tables, for maps; clean ones are kept with the case in the ledger, so that
later images can be compared with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from shapely.geometry.base import BaseGeometry

from ..config.imagery_options import ImageryOptions
from ..execution import run_all
from ..files import write_bytes
from ..imagery.stack import composite, load
from ..ledger import CasePicture, Ledger
from ..model.grid import Grid
from ..model.scene import Scene
from ..prepare.resample import moved
from ..reports.chips import Stretch, pair_chips, rgb8_pair
from .case_pictures import STRETCH, keep, kept_picture
from .files import RunFolder
from .job import TileFacts, TileResult
from .plan import Plan

_CHIP_PX = 320
_AROUND_M = 30.0
_LEAST_M = 96.0


@dataclass(frozen=True)
class ChipJob:
    """One finding's pictures: where, from which scenes, and how far the earlier image is moved.

    ``within``: the corridor about it; what lies beyond was not read and is not read for a picture either. ``case_no``: of the
    case that clean ones are made for, None where none are.
    """

    finding_id: str
    footprint: BaseGeometry
    grid: Grid
    before: tuple[Scene, ...]
    after: tuple[Scene, ...]
    scenes: tuple[str, str]
    bands: tuple[str, ...]
    shift_m: tuple[float, float]
    within: BaseGeometry
    imagery: ImageryOptions
    case_no: str | None


@dataclass(frozen=True)
class Chips:
    """The two pictures of a finding for maps, and the clean ones for its case."""

    finding_id: str
    before: bytes
    after: bytes
    kept: tuple[CasePicture, ...]


def cut_chips(
    findings: gpd.GeoDataFrame,
    results: Sequence[TileFacts | TileResult],
    plan: Plan,
    folder: RunFolder,
    ledger: Ledger,
    step: object,
) -> None:
    """Write the pictures that are not there yet; a finding's id says what it was made from, so old ones stay true."""
    missing = [row for row in findings.itertuples() if not _there(row, folder, ledger)]
    tiles = {row.tile_id for row in missing}
    shifts = {one.tile_id: one.facts.get("shift_px", (0.0, 0.0)) for one in results if one.tile_id in tiles}
    jobs = [_job(row, plan, shifts) for row in missing]

    def cut_now() -> Iterator[CasePicture]:
        for done, chips in enumerate(run_all(cut, jobs, plan.config.dask), start=1):
            yield from chips.kept
            write_bytes(folder.chip(chips.finding_id, "before"), chips.before)
            write_bytes(folder.chip(chips.finding_id, "after"), chips.after)
            step("pictures", done, len(jobs))  # type: ignore[operator]

    keep(ledger, cut_now())


def _there(row: object, folder: RunFolder, ledger: Ledger) -> bool:
    """Whether both pictures lie in the folder, and the clean ones of them in the ledger."""
    finding_id, case_no = row.finding_id, _case_no(row)  # type: ignore[attr-defined]
    if not all(folder.chip(finding_id, which).is_file() for which in ("before", "after")):
        return False
    wanted = {(row.scene_before, "before"), (row.scene_after, "after")}  # type: ignore[attr-defined]
    return case_no is None or wanted <= {(one.scene_id, one.role) for one in ledger.pictures(case_no)}


def _case_no(row: object) -> str | None:
    number = row.case_no  # type: ignore[attr-defined]
    return number if isinstance(number, str) else None


def cut(job: ChipJob) -> Chips:
    """A finding's pictures from its scenes, read once."""
    reader = job.imagery.reader()
    before, after = (
        composite(load(scenes, job.grid, job.bands, reader=reader, within=job.within))[0]
        for scenes in (job.before, job.after)
    )
    rows_px, cols_px = -job.shift_m[0] / job.grid.pixel_m, job.shift_m[1] / job.grid.pixel_m
    if math.hypot(rows_px, cols_px) >= 0.1:
        shift = (rows_px, cols_px)
        before = before.assign({name: (("y", "x"), moved(before[name].to_numpy(), shift)) for name in job.bands})
    cuts = _rgb(before), _rgb(after)
    outline = _pixels(job.footprint, job.grid)
    return Chips(job.finding_id, *pair_chips(*rgb8_pair(*cuts), outline), _kept(job, cuts))


def _kept(job: ChipJob, cuts: tuple[np.ndarray, np.ndarray]) -> tuple[CasePicture, ...]:
    """The clean pictures, each as far as it shows anything; both under one stretch."""
    if job.case_no is None:
        return ()
    stretch = Stretch.of(cuts, STRETCH)
    told = zip(("before", "after"), job.scenes, (job.before, job.after), cuts, strict=True)
    return tuple(
        kept_picture(
            job.case_no, role, scene_id, scenes[0].day.isoformat(), image, stretch, job.grid, stands=role == "after"
        )
        for role, scene_id, scenes, image in told
        if scenes and np.isfinite(image).any()
    )


def _rgb(image: xr.Dataset) -> np.ndarray:
    return np.stack([image[band].to_numpy() for band in ("red", "green", "blue")], axis=-1)


def window_over(footprint: BaseGeometry, epsg: int, pixel_m: float) -> Grid:
    """The square that a picture of a thing shows, in pixels of ``pixel_m`` or, where it is large, in 320 larger ones."""
    west, south, east, north = footprint.bounds
    side_m = max(_LEAST_M, east - west + 2 * _AROUND_M, north - south + 2 * _AROUND_M)
    chip_pixel_m = max(pixel_m, side_m / _CHIP_PX)
    size_px = round(side_m / chip_pixel_m)
    # On the run's lattice where the pixel is the run's own, so that pixels are copied and not resampled.
    corner = ((west + east - side_m) / 2, (south + north + side_m) / 2)
    west_m, north_m = (math.floor(value / chip_pixel_m) * chip_pixel_m for value in corner)
    return Grid(epsg, west_m, north_m, chip_pixel_m, size_px, size_px)


def _job(row: object, plan: Plan, shifts: Mapping[str, Sequence[float]]) -> ChipJob:
    footprint: BaseGeometry = row.geometry  # type: ignore[attr-defined]
    pixel_m = plan.config.imagery.resolution_m
    grid = window_over(footprint, plan.layers.epsg, pixel_m)
    rows_px, cols_px = shifts.get(row.tile_id, (0.0, 0.0))  # type: ignore[attr-defined]
    return ChipJob(
        finding_id=row.finding_id,  # type: ignore[attr-defined]
        footprint=footprint,
        grid=grid,
        before=same_day(plan.before, row.scene_before),  # type: ignore[attr-defined]
        after=same_day(plan.after, row.scene_after),  # type: ignore[attr-defined]
        scenes=(row.scene_before, row.scene_after),  # type: ignore[attr-defined]
        case_no=_case_no(row),
        bands=tuple(band for band in plan.bands if band in ("blue", "green", "red")),
        shift_m=(-rows_px * pixel_m, cols_px * pixel_m),
        within=plan.config.imagery.read_area(plan.corridor_in(grid.footprint)),
        imagery=plan.config.imagery,
    )


def same_day(scenes: tuple[Scene, ...], scene_id: str) -> tuple[Scene, ...]:
    """The evidence scene and its neighbours of that day, so that a picture on the seam of two sheets is whole."""
    days = {scene.day for scene in scenes if scene.scene_id == scene_id}
    return tuple(scene for scene in scenes if scene.day in days)


def _pixels(footprint: BaseGeometry, grid: Grid) -> list[np.ndarray]:
    """Rings of the footprint as (n, 2) arrays of col, row."""
    rings = [ring for part in shapely.get_parts(footprint) for ring in (part.exterior, *part.interiors)]
    scale = np.array([1.0 / grid.pixel_m, -1.0 / grid.pixel_m])
    return [(shapely.get_coordinates(ring) - (grid.west_m, grid.north_m)) * scale for ring in rings]
