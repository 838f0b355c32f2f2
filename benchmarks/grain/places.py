"""Views of real roads with grain painted on them, or with what is not grain, or untouched; and what is true there.

for view, truth in views("levir/test_55_0256_0000", 0.5, seed=3, grain=True): ...
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from shapely import LineString, Polygon
from shapely.affinity import affine_transform

from pipeline.detectors.base import View
from pipeline.imagery.raster import burn
from pipeline.model.grid import Grid
from pipeline.prepare.radiometry import match

from . import exposure
from .controls import BOTH_DATES, CONTROLS, OVER_GRAIN
from .frame import Frame, Near, noise
from .paint import Canvas
from .pictures import Pixels, Scene, can_show, fold_of, pixels, scene_of, scenes
from .strips import CROPS, Strip, lay, plan

__all__ = ["CROPS", "RESOLUTIONS_M", "fold_of", "scenes", "views"]

RESOLUTIONS_M = (0.3, 0.5, 0.8, 1.0, 2.0, 3.0)
EPSG = 4548
WEST_M, NORTH_M = 520_000.0, 3_800_000.0
MARGIN_M = 50.0  # of the picture around its roads
DAYS = {  # earlier and later day: a later day in the crop's season
    "wheat": (dt.date(2024, 4, 20), dt.date(2024, 6, 8)),
    "rice": (dt.date(2024, 8, 10), dt.date(2024, 10, 8)),
    "maize": (dt.date(2024, 8, 10), dt.date(2024, 10, 2)),
}
_SOME = 0.25  # chance of each control on a clean road where none are named
_FEW = 0.10  # and where there is grain


@dataclass(frozen=True)
class _Ground:
    """A window of a scene: ``west_px``, ``north_px`` of its corner in work pixels, and its size there."""

    scene: Scene
    pixels: Pixels
    box: tuple[int, int, int, int]  # first row, last row, first col, last col (ends excluded)
    times: int
    single: bool  # the earlier date is the later one re-shot

    frames: list[Frame]  # of all roads, in metres of the window
    near: list[Near]  # pixels beside each


def views(
    scene: str,
    pixel_m: float,
    seed: int,
    grain: bool = True,
    controls: Sequence[str] | None = None,
    crop: str | None = None,
) -> Iterator[tuple[View, gpd.GeoDataFrame]]:
    """Views of a scene at a pixel size, each with its truth; none where the picture is too coarse. The seed fixes all.

    Parameters
    ----------
    grain
        Paint grain. Without it the truth is empty.
    controls
        Names from ``controls.CONTROLS`` to paint; None: some at random; empty: nothing but what the picture shows, so that with
        ``grain=False`` a real pair is untouched, and a single picture is only re-shot. Otherwise the real earlier date is
        used where the pair could be registered; else the later picture, re-shot.
    crop
        One of ``CROPS``; None: by the seed.

    Truth
    -----
    ``crop, surface, length_m, width_m`` (before the ends were made ragged); geometry, the spread's outline on the pavement;
    ``axis``, the line along its middle; and ``road``, the row of ``view.roads``. ``view.extra`` says of the view: ``scene``,
    ``earlier`` ("measured", "as it lies: why" or "re-shot"), ``upsampled``, and of each row of ``view.roads`` whether it was
    there at both dates (``lasting``), its ``surface`` and the ``controls`` painted on it.
    """
    told = scene_of(scene)
    if not can_show(told, pixel_m):
        return
    untouched = not grain and controls is not None and not controls
    rng = np.random.default_rng([zlib.crc32(scene.encode()), round(pixel_m * 100), seed, int(grain)])
    crop = crop or CROPS[(seed + zlib.crc32(scene.encode())) % len(CROPS)]
    ground = _ground(scene, pixel_m)
    if untouched and ground.pixels.before is not None:
        ground = replace(ground, single=False)
    frames = ground.frames
    there = [one.lasting or ground.single for one in told.stretches]
    strips = [plan(rng, frame, crop) if grain and road else [] for frame, road in zip(frames, there, strict=True)]
    before, after, painted = _painted(rng, ground, strips, controls)
    before, after = _taken(rng, ground, before, after, touched=not untouched)
    truth = _truth(frames, strips)
    view = _view(rng, ground, before, after, pixel_m, DAYS[crop])
    view.extra["controls"] = painted  # type: ignore[index]
    yield view, truth


@lru_cache(maxsize=4)
def _ground(name: str, pixel_m: float) -> _Ground:
    """The window around the roads, whole pixels of the view; a pair that a run would not compare is one picture, re-shot."""
    scene, told = scene_of(name), pixels(name, pixel_m)
    compared = told.paired and any(one.lasting for one in scene.stretches)
    single = told.before is None or not compared
    times = round(pixel_m / told.work_m)
    scale, margin = scene.pixel_m / told.work_m, MARGIN_M / told.work_m
    west, north, east, south = shapely.total_bounds([one.line_px for one in scene.stretches]) * scale
    rows, cols = told.after.shape[:2]
    r0, c0 = (max(int(value - margin) // times * times, 0) for value in (north, west))
    r1, c1 = min(int(south + margin), rows), min(int(east + margin), cols)
    box = r0, r0 + (r1 - r0) // times * times, c0, c0 + (c1 - c0) // times * times
    move = [scene.pixel_m, 0, 0, scene.pixel_m, -c0 * told.work_m, -r0 * told.work_m]
    frames = [
        Frame.of(affine_transform(one.line_px, move), one.width_m, one.surface_of(scene.exchanged))
        for one in scene.stretches
    ]
    near = [frame.near((box[1] - r0, box[3] - c0), told.work_m) for frame in frames]
    return _Ground(scene, told, box, times, single, frames, _own_ground(frames, near, (box[1] - r0, box[3] - c0)))


def _own_ground(frames: list[Frame], near: list[Near], shape: tuple[int, int]) -> list[Near]:
    """Pixels beside each road without the pavements of the others: what stands beside a road stands on no other."""
    roads = np.zeros(shape, np.int16)
    on = [np.abs(one.across) <= frame.half_m for frame, one in zip(frames, near, strict=True)]
    for one, pavement in zip(near, on, strict=True):
        roads.ravel()[one.flat[pavement]] += 1
    return [one.some(pavement | (roads.ravel()[one.flat] == 0)) for one, pavement in zip(near, on, strict=True)]


def _painted(
    rng: np.random.Generator,
    ground: _Ground,
    strips: list[list[Strip]],
    controls: Sequence[str] | None,
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, ...]]]:
    """Both dates at work pixels with all that is painted, and the controls of each road.

    The earlier date of a single picture is that picture.
    """
    r0, r1, c0, c1 = ground.box
    after = ground.pixels.after[r0:r1, c0:c1].copy()
    plain = after.copy()
    single, earlier = ground.single, ground.pixels.before
    before = after.copy() if single or earlier is None else earlier[r0:r1, c0:c1].copy()
    painted: list[set[str]] = []
    for frame, near, spreads in zip(ground.frames, ground.near, strips, strict=True):
        chosen = _chosen(rng, controls, _FEW if spreads else _SOME)
        painted.append(chosen)
        if not (chosen or spreads) or not len(near.flat):
            continue
        canvas = Canvas.of(after, frame, near, rng)
        for name in [n for n in CONTROLS if n in chosen and n not in OVER_GRAIN]:
            CONTROLS[name](rng, canvas)
        for strip in spreads:
            lay(rng, canvas, strip)
        for name in [n for n in OVER_GRAIN if n in chosen]:
            CONTROLS[name](rng, canvas)
        if single and set(chosen) & set(BOTH_DATES):
            first = Canvas.of(before, frame, near, rng)
            for name in [n for n in BOTH_DATES if n in chosen]:
                CONTROLS[name](rng, first)
    # What was painted is as soft as the rest.
    lens = rng.uniform(0.4, 0.8) * max(1.0, ground.scene.pixel_m / ground.pixels.work_m)
    return before, plain + cv2.GaussianBlur(after - plain, (0, 0), lens), [tuple(sorted(some)) for some in painted]


def _chosen(rng: np.random.Generator, controls: Sequence[str] | None, chance: float) -> set[str]:
    if controls is not None:
        return set(controls)
    return {name for name in CONTROLS if rng.uniform() < (0.5 if name == "traffic" else chance)}


def _taken(
    rng: np.random.Generator, ground: _Ground, before: np.ndarray, after: np.ndarray, *, touched: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Both dates as they were taken, at pixels of the view. What of a real pair was not painted stays as it is."""
    if ground.single:
        before = exposure.reshot(rng, before)
        reach = min(rng.uniform(0, 1.0) * ground.times, 1.5 / ground.pixels.work_m)
        angle = rng.uniform(0, 2 * np.pi)
        before = exposure.shifted(before, (reach * np.cos(angle), reach * np.sin(angle)))
    if touched:
        after = exposure.compressed(rng, after)
    elif not ground.single and ground.times == 1:
        return before.astype(np.float32), after.astype(np.float32)
    return exposure.sensed(rng, before, ground.times), exposure.sensed(rng, after, ground.times)


def _truth(frames: list[Frame], strips: list[list[Strip]]) -> gpd.GeoDataFrame:
    rows, shapes, axes = [], [], []
    for road, (frame, spreads) in enumerate(zip(frames, strips, strict=True)):
        for one in spreads:
            rows.append((one.crop, frame.surface, one.length_m, one.width_m, road))
            shapes.append(_on_map(one.outline(frame)))
            axes.append(_on_map(one.axis(frame)))
    columns = ["crop", "surface", "length_m", "width_m", "road"]
    table = {name: [row[k] for row in rows] for k, name in enumerate(columns)}
    return gpd.GeoDataFrame({**table, "axis": gpd.GeoSeries(axes, crs=EPSG)}, geometry=shapes, crs=EPSG)


def _on_map(geometry: Polygon | LineString):
    """From metres of the window, y down, to the map."""
    return affine_transform(geometry, [1, 0, 0, -1, WEST_M, NORTH_M])


def _view(
    rng: np.random.Generator,
    ground: _Ground,
    before: np.ndarray,
    after: np.ndarray,
    pixel_m: float,
    days: tuple[dt.date, dt.date],
) -> View:
    """As a run makes it: the earlier date in the radiometry of the later one, roads as a layer draws them."""
    grid, frames = Grid(EPSG, WEST_M, NORTH_M, pixel_m, *after.shape[:2]), ground.frames
    dates = [_dataset(image, grid) for image in (before, after)]
    lines = [_on_map(_drawn(rng, frame)) for frame in frames]
    roads = gpd.GeoDataFrame(
        {
            "route_code": "X001",
            "route_key": [f"X001{k:06d}" for k in range(len(frames))],
            "name": ground.scene.name,
            "road_class": "county",
            "tech_class": np.nan,
            "pavement_width_m": [round(frame.width_m * rng.uniform(0.93, 1.07) * 2) / 2 for frame in frames],
            "roadbed_width_m": np.nan,
            "stake_from_m": np.nan,
            "stake_to_m": np.nan,
        },
        geometry=lines,
        crs=EPSG,
    )
    extra = {
        "scene": ground.scene.name,
        "earlier": "re-shot" if ground.single else ground.pixels.registered,
        "upsampled": ground.pixels.upsampled,
        "lasting": [one.lasting or ground.single for one in ground.scene.stretches],
        "surface": [frame.surface for frame in frames],
    }
    view = View(grid, match(dates[0], dates[1])[0], dates[1], {}, roads, *days, extra=extra, before_as_taken=dates[0])
    return replace(view, zones=_zones(roads, grid), sun_azimuth_deg=150.0, sun_elevation_deg=60.0)


def _drawn(rng: np.random.Generator, frame: Frame) -> LineString:
    """The axis with the error that a road layer has: a smooth offset of up to 3 m."""
    along = frame.along_m
    reach = rng.uniform(0, 3.0)
    swing = np.clip(noise(rng, along, rng.uniform(80, 250)), -1.5, 1.5) / 1.5
    return LineString(frame.at(along, reach * swing)).simplify(0.2)


def _zones(roads: gpd.GeoDataFrame, grid: Grid) -> dict[str, np.ndarray]:
    half = roads["pavement_width_m"].to_numpy() / 2
    bands = {"pavement": half, "highway_land": 15.0, "control_zone": 30.0, "corridor": 80.0}
    burnt = {name: burn(list(roads.geometry.buffer(reach)), grid) for name, reach in bands.items()}
    inner = np.zeros(grid.shape, bool)
    for name in ("pavement", "highway_land", "control_zone"):
        burnt[name], inner = burnt[name] & ~inner, inner | burnt[name]
    return burnt


def _dataset(rgb: np.ndarray, grid: Grid) -> xr.Dataset:
    bands = {n: (("y", "x"), np.ascontiguousarray(rgb[..., k])) for n, k in (("blue", 2), ("green", 1), ("red", 0))}
    return xr.Dataset(bands, coords={"y": grid.y_m, "x": grid.x_m})
