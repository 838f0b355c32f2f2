"""A house on simulated land, and the same land under other light, for tests of what still stands."""

from __future__ import annotations

import datetime as dt

import numpy as np
from scipy import ndimage
from shapely import box

from pipeline.ledger import CasePicture
from pipeline.model.grid import Grid
from pipeline.model.scene import Scene
from pipeline.reports.chips import Stretch
from pipeline.run.case_pictures import kept_picture

EPSG = 4548
GRID = Grid(EPSG, 520_000.0, 3_800_080.0, 0.5, 160, 160)
FOOTPRINT = box(520_030, 3_800_032.5, 520_052, 3_800_047.5)  # the pixels of house()
OPENED, NOW = dt.date(2024, 10, 12), dt.date(2025, 3, 20)


def ground(seed: int) -> np.ndarray:
    """Fields, tracks and trees, (3, 160, 160)."""
    rng = np.random.default_rng(seed)
    soft = np.stack([ndimage.gaussian_filter(rng.normal(0, 1, (160, 160)), 6) for _ in range(3)])
    image = 0.25 + 0.04 * soft / soft.std()
    for _ in range(14):
        row, col = rng.integers(5, 150, 2)
        image[:, row : row + 5, col : col + 5] -= 0.08
    image[:, 20:24, :] += 0.1
    image[:, :, 130:133] += 0.08
    return (image + rng.normal(0, 0.008, image.shape)).astype(np.float32)


def house() -> np.ndarray:
    inside = np.zeros((160, 160), bool)
    inside[65:95, 60:104] = True
    return inside


def with_house(image: np.ndarray) -> np.ndarray:
    image, inside = image.copy(), house()
    image[:, inside] = np.array([0.5, 0.52, 0.6], np.float32)[:, None]
    image[:, 78:81, 60:104] = 0.35  # the ridge
    image[:, 95:99, 62:104] -= 0.12  # its shadow
    return image


def retaken(image: np.ndarray, seed: int, gain: float = 0.7, shift: tuple[int, int] = (0, 0)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    light = np.clip(image, 0, 1) ** 0.8 * gain + 0.03
    return (np.roll(light, shift, axis=(1, 2)) + rng.normal(0, 0.01, image.shape)).astype(np.float32)


BARE, BUILT = ground(1), with_house(ground(1))


def scene(name: str, day: dt.date) -> Scene:
    return Scene(name, day, {})


def picture(
    image: np.ndarray, *, scene_id: str = "stood", day: dt.date = OPENED, stands: bool = True, grid: Grid = GRID
) -> CasePicture:
    """A picture as it is kept of case c."""
    cut = np.moveaxis(image, 0, -1)
    return kept_picture("c", "after", scene_id, day.isoformat(), cut, Stretch.of((cut,)), grid, stands=stands)
