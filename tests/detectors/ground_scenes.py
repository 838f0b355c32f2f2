"""A verge between a road and fields on two dates, drawn by hand: what the detectors of ground must and must not see."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

import cv2
import geopandas as gpd
import numpy as np
import rasterio
import shapely
import xarray as xr
from shapely.affinity import rotate, translate

from pipeline.detectors.base import View
from pipeline.imagery.raster import burn
from pipeline.model.grid import Grid
from pipeline.prepare.radiometry import match
from pipeline.prepare.register import register

BANDS = ("blue", "green", "red", "nir")
COLOURS = {
    "asphalt": (0.095, 0.105, 0.112, 0.135),
    "new_asphalt": (0.045, 0.047, 0.05, 0.06),
    "concrete": (0.22, 0.25, 0.27, 0.31),
    "grass": (0.045, 0.08, 0.06, 0.30),
    "mown": (0.06, 0.10, 0.085, 0.26),
    "wheat": (0.03, 0.06, 0.036, 0.42),
    "tilled": (0.09, 0.115, 0.138, 0.195),
    "earth": (0.12, 0.155, 0.20, 0.26),
    "sand": (0.19, 0.24, 0.30, 0.35),
    "sheet": (0.26, 0.14, 0.07, 0.20),
    "lorry": (0.11, 0.05, 0.21, 0.25),
}
PAVEMENT_M, LAND_M, CONTROL_M, CORRIDOR_M = 4.5, 13.0, 33.0, 75.0
SUN = (150.0, 45.0)
_SKY = np.array([0.42, 0.34, 0.29, 0.27])


@dataclass(frozen=True)
class Ground:
    """Grid and centreline of the scene; x runs along the road, y across it to the left, m from its middle."""

    pixel_m: float = 0.5
    size: int = 400
    turn_deg: float = 12.0
    nir: bool = True
    west_m: float = 520_000.0
    north_m: float = 3_800_000.0
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)

    @property
    def grid(self) -> Grid:
        return Grid(4548, self.west_m, self.north_m, self.pixel_m, self.size, self.size)

    def place(self, x, y, long, deep):
        """A rectangle with its middle at (x, y), in the grid's CRS."""
        return self._onto(shapely.box(x - long / 2, y - deep / 2, x + long / 2, y + deep / 2))

    def heap(self, x, y, long, deep):
        """The same without corners."""
        return self._onto(shapely.box(x - long / 2, y - deep / 2, x + long / 2, y + deep / 2).buffer(-1).buffer(1))

    def _onto(self, shape):
        half = 200 * 0.5
        return translate(rotate(shape, self.turn_deg, origin=(0, 0)), 520_000.0 + half, 3_800_000.0 - half)

    @property
    def line(self):
        return self._onto(shapely.LineString([(-400, 0), (400, 0)]))


def noise(grid, sigma_m, seed):
    """Texture of the ground, unit spread; the same place has the same value in every window of a lattice."""
    half = 512
    wide = np.random.default_rng(seed).normal(0, 1, (2 * half, 2 * half)).astype(np.float32)
    col, row = (round((v) / grid.pixel_m) for v in (grid.west_m - 520_000.0, 3_800_000.0 - grid.north_m))
    wide = cv2.GaussianBlur(wide, (0, 0), max(sigma_m / grid.pixel_m, 0.3))
    part = wide[row + 64 : row + 64 + grid.rows, col + 64 : col + 64 + grid.cols]
    return part / wide.std()


def draw(scene: Ground, things, *, verge="grass", field_="wheat", light=1.0, seed=0):
    """Reflectance (rows, cols, 4) of a day: ``things`` are (shape, colour, height m)."""
    grid = scene.grid
    image = np.empty((*grid.shape, 4), np.float32)
    image[:] = COLOURS[field_]
    for reach, colour in ((LAND_M, verge), (PAVEMENT_M, "asphalt")):
        image[burn([scene.line.buffer(reach)], grid)] = COLOURS[colour]
    image *= (1 + 0.07 * noise(grid, 0.6, 1) + 0.05 * noise(grid, 4.0, 2))[..., None]
    for shape, colour, height in things:
        if height:
            reach = height / np.tan(np.deg2rad(SUN[1]))
            away = np.deg2rad(SUN[0] + 180)
            cast = shapely.union_all([shape, translate(shape, reach * np.sin(away), reach * np.cos(away))]).convex_hull
            image[burn([cast], grid)] *= _SKY.astype(np.float32)
        inside = burn([shape], grid)
        image[inside] = np.array(COLOURS[colour], np.float32) * (1 + 0.08 * noise(grid, 0.6, 3)[inside])[:, None]
    image = cv2.GaussianBlur(image * light, (0, 0), 0.35 / grid.pixel_m)
    return image + np.random.default_rng(seed).normal(0, 0.002, image.shape).astype(np.float32)


def view(scene: Ground, before, after, *, sun=SUN) -> View:
    """What a detector sees of two drawn days."""
    grid, line = scene.grid, scene.line
    names = BANDS if scene.nir else BANDS[:3]
    images = [xr.Dataset({n: (("y", "x"), day[..., k]) for k, n in enumerate(names)}) for day in (before, after)]
    pavement, land, control, corridor = (
        burn([line.buffer(reach)], grid) for reach in (PAVEMENT_M, LAND_M, CONTROL_M, CORRIDOR_M)
    )
    zones = {
        "pavement": pavement,
        "highway_land": land & ~pavement,
        "control_zone": control & ~land,
        "corridor": corridor,
    }
    roads = gpd.GeoDataFrame({"pavement_width_m": [2 * PAVEMENT_M]}, geometry=[line], crs=grid.epsg)
    days = dt.date(2024, 4, 28), dt.date(2024, 10, 12)
    azimuth, elevation = sun if sun else (None, None)
    return View(grid, *images, zones, roads, *days, sun_azimuth_deg=azimuth, sun_elevation_deg=elevation)


def seen(scene: Ground, things=(), *, was=(), before=None, after=None, sun=SUN) -> View:
    """``was`` before, ``was`` and ``things`` after; ``before``, ``after``: further words for ``draw``."""
    first = draw(scene, list(was), seed=1, **(before or {}))
    last = draw(scene, [*was, *things], seed=2, **(after or {}))
    return view(scene, first, last, sun=sun)


def exchanged(shown: View) -> View:
    """The same two images in the other order."""
    return replace(shown, before=shown.after, after=shown.before)


def part(shown: View, rows: slice, cols: slice) -> View:
    """A smaller window of the same view."""
    cut = {"y": rows, "x": cols}
    return replace(
        shown,
        grid=shown.grid.part(rows, cols),
        before=shown.before.isel(cut),
        after=shown.after.isel(cut),
        zones={name: mask[rows, cols] for name, mask in shown.zones.items()},
    )


def moved(shown: View, rows: int, cols: int) -> View:
    """The earlier image moved by whole pixels, as where registration failed by so much."""
    was = {
        name: (("y", "x"), np.roll(band.to_numpy(), (rows, cols), (0, 1)))
        for name, band in shown.before.data_vars.items()
    }
    return replace(shown, before=xr.Dataset(was))


def iou(one, two) -> float:
    return one.intersection(two).area / one.union(two).area


def picture(path) -> np.ndarray:
    """A real picture, reflectance (rows, cols, 3: blue, green, red)."""
    with rasterio.open(path) as file:
        return np.moveaxis(file.read()[2::-1], 0, -1).astype(np.float32) / 255


def real_view(before, after) -> View:
    """Two pictures with a road laid through their middle, prepared as in a run."""
    scene = Ground(nir=False, size=before.shape[0])
    half = scene.size * scene.pixel_m / 2
    scene = replace(scene, west_m=520_000.0 + 100 - half, north_m=3_800_000.0 - 100 + half)
    shown = view(scene, before, after, sun=None)
    laid = register(shown.before, shown.after, scene.pixel_m)
    own = shown.before if laid.refused else laid.aligned
    return replace(shown, before=match(own, shown.after)[0])


#: The same ground through other light, air and optics.
OTHERWISE = {
    "shift": lambda i: cv2.warpAffine(
        i, np.float32([[1, 0, 0.5], [0, 1, 0.5]]), i.shape[1::-1], borderMode=cv2.BORDER_REFLECT
    ),
    "gain": lambda i: np.clip(i * 0.75, 0, 1),
    "gamma": lambda i: i**1.3,
    "haze": lambda i: i + 0.3 * (np.float32([0.82, 0.78, 0.75]) - i),
    "blur": lambda i: cv2.GaussianBlur(i, (0, 0), 1.0),
}
