"""A small renderer of roadsides with boards on them, independent of the code under test: posts, panels, and their shadows.

Everything upright is a set of points (x, y, z); the camera sees each where the lean puts it, the sun throws it where
its ray meets the ground. The same ground is drawn at every date with light, season, lean and noise of its own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import cv2
import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from shapely import LineString

from pipeline.detectors.base import View
from pipeline.imagery.raster import burn
from pipeline.model.grid import Grid

BANDS = ("blue", "green", "red", "nir")
_LOOKS = {
    "soil": (0.13, 0.18, 0.25, 0.33), "green": (0.04, 0.08, 0.055, 0.42), "stubble": (0.14, 0.20, 0.27, 0.36),
    "grass": (0.07, 0.11, 0.12, 0.33), "asphalt": (0.10, 0.115, 0.125, 0.15), "tree": (0.025, 0.05, 0.03, 0.38),
    "roof": (0.14, 0.15, 0.24, 0.30), "panel": (0.45, 0.47, 0.48, 0.5), "dark_panel": (0.07, 0.05, 0.06, 0.08),
}  # fmt: skip
_SKY = np.array([0.44, 0.36, 0.31, 0.27])  # share of the light that reaches a shadow
_FINE = 3
DAYS = (dt.date(2024, 4, 28), dt.date(2024, 10, 12))
SUNS = ((129.0, 58.0), (155.0, 43.0))


@dataclass(frozen=True)
class Board:
    """A panel on posts: its foot (x, y), length, lower and upper edge, m; direction of its line clockwise from north, degrees."""

    at: tuple[float, float]
    length_m: float = 16.0
    bottom_m: float = 11.0
    top_m: float = 17.0
    direction_deg: float = 20.0
    look: str = "panel"
    posts: int = 1


@dataclass(frozen=True)
class Shot:
    """One date: its sun (azimuth, elevation), lean of the view (east, north) in m per m of height, noise, light."""

    sun_deg: tuple[float, float]
    lean: tuple[float, float] = (0.06, -0.04)
    noise: float = 0.006
    gain: float = 1.0
    blur_px: float = 0.6
    season: int = 0
    shift_px: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Scene:
    """What does not change: size, seed of the ground, trees and houses (x, y, height, breadth)."""

    seed: int = 1
    size_m: float = 130.0
    pixel_m: float = 0.5
    trees: int = 0
    houses: tuple[tuple[float, float, float, float], ...] = ()
    ground: str = "fields"

    @property
    def grid(self) -> Grid:
        size = round(self.size_m / self.pixel_m)
        return Grid(4548, 520_000.0, 3_800_000.0, self.pixel_m, size, size)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Map position of ``x`` m east and ``y`` m south of the north-west corner."""
        return 520_000.0 + x, 3_800_000.0 - y

    @property
    def road(self) -> LineString:
        return LineString([self.at(-20, self.size_m / 2), self.at(self.size_m + 20, self.size_m / 2)])


def picture(scene: Scene, shot: Shot, boards: tuple[Board, ...], rng: np.random.Generator) -> np.ndarray:
    """Reflectance (4, rows, cols) of one date."""
    fine = replace(scene, pixel_m=scene.pixel_m / _FINE)
    canvas = _ground(fine, shot.season)
    ground_rng = np.random.default_rng(scene.seed + 5)
    spots = ground_rng.uniform(0, scene.size_m, (scene.trees, 2))
    spots = spots[np.abs(spots[:, 1] - scene.size_m / 2) > 8]
    trees = [(*fine.at(x, y), ground_rng.uniform(4, 9), ground_rng.uniform(1.4, 2.6)) for x, y in spots]
    shade = np.zeros(fine.grid.shape, np.uint8)
    for x, y, height, wide in trees:
        for z in np.linspace(0.3, 0.85, 4) * height:
            _disc(shade, fine.grid, _thrown((x, y, z), shot), wide, 1)
    for x, y, height, wide in scene.houses:
        base = _box((x, y), wide, wide * 0.6)
        _hull(shade, fine.grid, [_thrown((*p, z), shot) for p in base for z in (0.0, height)])
    for board in boards:
        a, b = _ends(board)
        thick = _across(board) * 0.5
        rim = [p + s * thick for p in (a, b) for s in (-1, 1)]
        _hull(shade, fine.grid, [_thrown((*p, z), shot) for p in rim for z in (board.bottom_m, board.top_m)])
        for foot in _feet(board):
            post = [foot + np.array(d) * 0.4 for d in ((-1, -1), (-1, 1), (1, -1), (1, 1))]
            _hull(shade, fine.grid, [_thrown((*p, z), shot) for p in post for z in (0.0, board.bottom_m)])
    dark = cv2.GaussianBlur(shade.astype(np.float32), (0, 0), 0.3 / fine.pixel_m)[..., None]
    canvas *= (1 - dark * (1 - _SKY)).astype(np.float32)
    for x, y, height, wide in scene.houses:
        lean = np.array(shot.lean) * height
        _fill(canvas, fine.grid, [np.array(p) + lean for p in _box((x, y), wide, wide * 0.6)], _LOOKS["roof"])
    for x, y, _, wide in trees:
        _disc(canvas, fine.grid, (x, y), wide, _LOOKS["tree"])
    for board in boards:
        _panel(canvas, fine.grid, board, shot)
    image = cv2.GaussianBlur(canvas, (0, 0), shot.blur_px * _FINE)
    move = np.array([[1, 0, shot.shift_px[1] * _FINE], [0, 1, shot.shift_px[0] * _FINE]])
    image = cv2.warpAffine(image, move, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    size = scene.grid.rows
    image = image[: size * _FINE, : size * _FINE].reshape(size, _FINE, size, _FINE, 4).mean(axis=(1, 3))
    image = shot.gain * image + rng.normal(0, shot.noise, image.shape)
    return np.clip(image, 0.001, 1).transpose(2, 0, 1).astype(np.float32)


def view(scene: Scene, boards_by_date, shots=None, *, days=DAYS, sites=None, sun=True, nir=True, hide=None) -> View:
    """A view of two dates. ``hide``: (date index, x, y, radius) discs that are not observed."""
    rng = np.random.default_rng(scene.seed + 99)
    shots = shots or tuple(Shot(s, lean=lean, season=k) for k, (s, lean) in
                           enumerate(zip(SUNS, ((0.06, -0.04), (-0.08, 0.03)), strict=True)))  # fmt: skip
    images = [picture(scene, shot, boards, rng) for shot, boards in zip(shots, boards_by_date, strict=True)]
    grid = scene.grid
    for date, x, y, radius in hide or ():
        far = np.hypot(grid.x_m[None] - x, grid.y_m[:, None] - y) > radius
        images[date] = np.where(far, images[date], np.nan).astype(np.float32)
    names = BANDS if nir else BANDS[:3]
    sets = [xr.Dataset({n: (("y", "x"), image[k]) for k, n in enumerate(names)}) for image in images]
    bands = [scene.road.buffer(r, cap_style="flat") for r in (6, 12, 32)]
    rings = [bands[0], bands[1] - bands[0], bands[2] - bands[1]]
    zones = {n: burn([s], grid) > 0 for n, s in zip(("pavement", "highway_land", "control_zone"), rings, strict=True)}
    zones["corridor"] = burn([bands[2]], grid) > 0
    roads = gpd.GeoDataFrame({"pavement_width_m": [12.0]}, geometry=[scene.road], crs=4548)
    angles = shots[-1].sun_deg if sun else (None, None)
    return View(grid, *sets, zones, roads, *days, sun_azimuth_deg=angles[0], sun_elevation_deg=angles[1], sites=sites)


def registry(*points: tuple[float, float], kind: str = "billboard") -> gpd.GeoDataFrame:
    """Known sites at map positions."""
    count = len(points)
    return gpd.GeoDataFrame(
        {"key": [f"k{n}" for n in range(count)], "kind": [kind] * count, "name": ["牌"] * count,
         "number": [f"No.{n}" for n in range(count)], "route_code": ["G311"] * count, "stake_m": [float("nan")] * count,
         "valid_to": [dt.date(2023, 12, 31)] * count},
        geometry=[shapely.Point(*p) for p in points], crs=4548,
    )  # fmt: skip


def _ground(fine: Scene, season: int) -> np.ndarray:
    rng = np.random.default_rng(fine.seed)
    grid = fine.grid
    canvas = np.empty((*grid.shape, 4), np.float32)
    canvas[:] = _LOOKS["grass"]
    for top in (0.0, fine.size_m / 2 + 14):
        for left in np.arange(0, fine.size_m, 45):
            look = (
                "grass" if fine.ground == "grass" else ("soil", "green", "stubble")[int(rng.integers(3) + season) % 3]
            )
            rows = slice(round(top / fine.pixel_m), round((top + fine.size_m / 2 - 14) / fine.pixel_m))
            cols = slice(round(left / fine.pixel_m), round((left + 45) / fine.pixel_m))
            canvas[rows, cols] = _LOOKS[look]
    middle = slice(round((fine.size_m / 2 - 6) / fine.pixel_m), round((fine.size_m / 2 + 6) / fine.pixel_m))
    canvas[middle] = _LOOKS["asphalt"]
    texture = np.zeros(grid.shape, np.float32)
    for strength, size_m in ((0.08, 0.5), (0.06, 2.0), (0.06, 9.0)):
        coarse = rng.normal(0, strength, [int(n * fine.pixel_m / size_m) + 2 for n in grid.shape]).astype(np.float32)
        texture += cv2.resize(coarse, grid.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return canvas * np.clip(1 + texture, 0.5, 1.6)[..., None].astype(np.float32)


def _thrown(point, shot: Shot) -> tuple[float, float]:
    x, y, z = point
    azimuth, reach = np.deg2rad(shot.sun_deg[0]), z / np.tan(np.deg2rad(shot.sun_deg[1]))
    return x - reach * np.sin(azimuth), y - reach * np.cos(azimuth)


def _unit(board: Board) -> np.ndarray:
    return np.array([np.sin(np.deg2rad(board.direction_deg)), np.cos(np.deg2rad(board.direction_deg))])


def _across(board: Board) -> np.ndarray:
    along = _unit(board)
    return np.array([along[1], -along[0]])


def _ends(board: Board):
    return np.array(board.at) - _unit(board) * board.length_m / 2, np.array(board.at) + _unit(
        board
    ) * board.length_m / 2


def _feet(board: Board):
    shares = [0.0] if board.posts == 1 else [-0.35, 0.35]
    return [np.array(board.at) + _unit(board) * board.length_m * s for s in shares]


def _panel(canvas, grid, board: Board, shot: Shot) -> None:
    lean = np.array(shot.lean)
    for foot in _feet(board):
        line = LineString([foot, foot + lean * board.bottom_m + 1e-3]).buffer(0.4)
        _fill(canvas, grid, np.asarray(line.exterior.coords), (0.2, 0.2, 0.2, 0.2))
    a, b = _ends(board)
    thick = _across(board) * 0.5
    rim = [p + s * thick + lean * z for p in (a, b) for s in (-1, 1) for z in (board.bottom_m, board.top_m)]
    _fill(canvas, grid, _convex(rim), _LOOKS[board.look])


def _convex(points) -> np.ndarray:
    return np.asarray(shapely.MultiPoint([tuple(p) for p in points]).convex_hull.exterior.coords)


def _box(at, long, wide):
    return [(at[0] + sx * long / 2, at[1] + sy * wide / 2) for sx, sy in ((1, 1), (-1, 1), (-1, -1), (1, -1))]


def _pixels(grid, points) -> np.ndarray:
    xy = np.asarray(points, float)
    cols, rows = (xy[:, 0] - grid.west_m) / grid.pixel_m - 0.5, (grid.north_m - xy[:, 1]) / grid.pixel_m - 0.5
    return np.round(np.column_stack([cols, rows])).astype(np.int32)


def _hull(mask, grid, points) -> None:
    cv2.fillConvexPoly(mask, _pixels(grid, _convex(points)), 1)


def _fill(canvas, grid, points, look) -> None:
    mask = np.zeros(grid.shape, np.uint8)
    cv2.fillPoly(mask, [_pixels(grid, points)], 1)
    canvas[mask > 0] = look


def _disc(target, grid, at, radius_m, value) -> None:
    (spot,) = _pixels(grid, [at])
    if target.ndim == 2:
        cv2.circle(target, tuple(int(v) for v in spot), round(radius_m / grid.pixel_m), value, -1)
        return
    mask = np.zeros(grid.shape, np.uint8)
    cv2.circle(mask, tuple(int(v) for v in spot), round(radius_m / grid.pixel_m), 1, -1)
    canvas_rng = np.random.default_rng(abs(int(at[0] * 10)))
    count = int((mask > 0).sum())
    target[mask > 0] = np.array(value) * canvas_rng.uniform(0.6, 1.4, (count, 1))
