"""Labelled pairs of ../shared/real or $LUYU_REAL_DATA, and sheets of simulated worlds, at one ground resolution."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
import rasterio
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning
from shapely.geometry.base import BaseGeometry

from pipeline.detectors.base import View
from pipeline.imagery.raster import burn
from pipeline.model.grid import Grid
from pipeline.prepare.radiometry import match
from pipeline.prepare.register import register
from pipeline.simulate import Events, WorldOptions, simulate

REAL = Path(os.environ.get("LUYU_REAL_DATA") or Path(__file__).resolve().parents[3] / "shared" / "real")
# egybcd is published as 0.25 m; in the pictures at hand cars are 8 to 9 pixels long and 3 to 4 wide, which makes it 0.5 m.
PIXEL_M = {"levir": 0.5, "fotbcd": 0.2, "whu": 0.25, "egybcd": 0.5, "dsifn": 2.0, "sztaki": 1.5}
GROUND_M = 0.5  # the one ground resolution
ANY_CHANGE = ("dsifn", "sztaki")  # sets whose labels are any change of the land
# Of each set, the origin with which it is left out: the roadside pair is cut from the same source as levir.
ORIGIN = {"roadside_vhr": "levir", **{name: name for name in (*PIXEL_M, "simulated")}}
DAYS = dt.date(2012, 5, 5), dt.date(2017, 10, 20)  # of the roadside pair; other pairs state none
_CLOUD_RIM_PX = 41  # masks of simulated clouds are shifted and too small, as masks are
# Twice as many buildings as the demo has, so that recall is told from 20 of them and not from 10; the weather is full.
_EVENTS = Events(building_inside=1.5, building_astride=0.6, building_outside=0.7)
_WORLD_KM = 4.0


def read(path: Path) -> np.ndarray:
    """RGB of a picture, uint8 (rows, cols, 3)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as file:
            return np.moveaxis(file.read()[:3], 0, -1)


def resampled(image: np.ndarray, factor: float) -> np.ndarray:
    """An image, or a bool mask, with ``factor`` times as many pixels on each side."""
    if abs(factor - 1) < 1e-6:
        return image
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    if image.dtype == bool:
        return cv2.resize(image.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def pairs(name: str, pixel_m: float = GROUND_M) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """(id, before, after, truth) at ``pixel_m``: uint8 RGB, bool."""
    if name == "roadside_vhr":
        first, last = sorted((REAL / name / "imagery").glob("*.tif"))
        truth = burn(gpd.read_file(REAL / name / "truth.gpkg", layer="findings").geometry, grid_of(first))
        yield name, *(resampled(image, 0.5 / pixel_m) for image in (read(first), read(last), truth))
        return
    folder = REAL / "building_pairs" / name
    for path in sorted((folder / "A").iterdir()):
        images = read(path), read(folder / "B" / path.name), read(folder / "label" / path.name)[..., 0] > 0
        yield path.stem, *(resampled(image, PIXEL_M[name] / pixel_m) for image in images)


def dataset(rgb: np.ndarray) -> xr.Dataset:
    """uint8 RGB as bands in 0..1."""
    bands = {n: (("y", "x"), rgb[..., k].astype(np.float32) / 255) for k, n in enumerate(("red", "green", "blue"))}
    return xr.Dataset(bands)


def dated(name: str, pixel_m: float = GROUND_M) -> Iterator[tuple[xr.Dataset, xr.Dataset, np.ndarray]]:
    """(before, after, truth) of each pair, as delivered."""
    for _, before, after, truth in pairs(name, pixel_m):
        yield dataset(before), dataset(after), truth


def grid_of(path: Path) -> Grid:
    """The grid of a georeferenced picture."""
    with rasterio.open(path) as file:
        at = file.transform
        return Grid(file.crs.to_epsg(), at.c, at.f, at.a, *file.shape)


def sheet_files(world: Path) -> list[tuple[Path, Path]]:
    """First and last picture of each sheet of a simulated world."""
    by_sheet: dict[str, list[Path]] = {}
    for file in sorted((world / "imagery" / "demo-vhr").glob("*/*.tif")):
        if "_mask" not in file.name:
            by_sheet.setdefault(file.stem.rsplit("-", 1)[0], []).append(file)
    return [(dates[0], dates[-1]) for dates in by_sheet.values()]


def read_sheet(path: Path) -> xr.Dataset:
    """Bands of one picture of a simulated world, reflectance; clouds, their shadows and fill are NaN."""
    with rasterio.open(path) as file, rasterio.open(path.with_name(path.stem + "_mask.tif")) as mask:
        bad = cv2.dilate((mask.read(1) > 0).astype(np.uint8), np.ones((_CLOUD_RIM_PX, _CLOUD_RIM_PX), np.uint8)) > 0
        values = np.where(bad, np.nan, file.read() / 10_000).astype(np.float32)
    return xr.Dataset({n: (("y", "x"), v) for n, v in zip(("blue", "green", "red", "nir"), values, strict=True)})


def new_buildings(world: Path) -> list[BaseGeometry]:
    """Outlines of all buildings that came between the dates of a simulated world."""
    truth = gpd.read_file(world / "truth.gpkg", layer="findings")
    return list(truth[truth.kind == "building"].geometry)


def sheets(world: Path) -> Iterator[tuple[xr.Dataset, xr.Dataset, np.ndarray]]:
    """(before, after, truth) of each sheet of a simulated world that shows anything, as delivered."""
    shapes = new_buildings(world)
    for first, last in sheet_files(world):
        before, after = read_sheet(first), read_sheet(last)
        if seen_on_both(before, after).any():
            yield before, after, burn(shapes, grid_of(last)) & np.isfinite(after["red"].to_numpy())


def seen_on_both(before: xr.Dataset, after: xr.Dataset) -> np.ndarray:
    """Where every band has a value at both dates, bool (rows, cols)."""
    return np.logical_and.reduce([np.isfinite(b.to_numpy()) for d in (before, after) for b in d.data_vars.values()])


def sun_of(path: Path) -> tuple[float, float]:
    """Azimuth and elevation of the sun over a picture of a simulated world, degrees."""
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["properties"]
    return facts["view:sun_azimuth"], facts["view:sun_elevation"]


@contextmanager
def world(seed: int) -> Iterator[Path]:
    """Folder of a simulated world at full weather, gone afterwards. One centreline a road, so that km are km of road."""
    with tempfile.TemporaryDirectory() as folder:
        options = WorldOptions(seed=seed, km=_WORLD_KM, series=False, carriageways="one", events=_EVENTS)
        simulate(Path(folder), options)
        yield Path(folder)


def worlds(seeds: Sequence[int]) -> Iterator[tuple[xr.Dataset, xr.Dataset, np.ndarray]]:
    """(before, after, truth) of all sheets of simulated worlds, as delivered."""
    for seed in seeds:
        with world(seed) as folder:
            yield from sheets(folder)


def view(before: xr.Dataset, after: xr.Dataset, pixel_m: float = GROUND_M) -> View:
    """What a detector sees of a pair as delivered that lies nowhere: all of it is searched, no road is in it.

    As in a run ``before`` is registered to ``after``, and there in its radiometry and in its own.
    """
    moved = register(before, after, pixel_m)
    own = before if moved.refused else moved.aligned
    shape = after["red"].shape
    zones = {n: np.full(shape, n == "corridor") for n in ("pavement", "highway_land", "control_zone", "corridor")}
    grid = Grid(4548, 520_000.0, 3_800_000.0, pixel_m, *shape)
    roads = gpd.GeoDataFrame(geometry=[], crs=4548)
    return View(grid, match(own, after)[0], after, zones, roads, *DAYS, before_as_taken=own)


def digest(name: str) -> str:
    """First digits of the SHA-256 over all files of a set: which data it was."""
    folder = REAL / name if name == "roadside_vhr" else REAL / "building_pairs" / name
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()[:12]
