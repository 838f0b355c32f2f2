"""The canvas of one window on one day, and the brush: blend a surface into it with sub-pixel edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from shapely import Polygon

from ..model.grid import Grid
from .noise import field, fractal, grain, hashed, key, unit
from .spectra import spectrum
from .things import Thing

_SUPER = 4  # sub-pixels per side when a polygon's coverage is measured
_SHIFT = 4  # fractional bits of OpenCV's integer coordinates


@dataclass
class Textures:
    """Noise fields of one window that all covers share; each is made when it is first asked for."""

    grid: Grid
    seed: int

    @cached_property
    def land(self) -> np.ndarray:
        """Differences of soil and growth over tens of metres."""
        return fractal(self.grid, (96.0, 40.0, 16.0), key(self.seed, "land"), fall=0.75)

    @cached_property
    def warp(self) -> np.ndarray:
        """Slow bends of lanes and ridges."""
        return field(self.grid, 170.0, key(self.seed, "warp"))

    @cached_property
    def patchy(self) -> np.ndarray:
        """Patches of some metres."""
        return fractal(self.grid, (9.0, 4.0, 2.0), key(self.seed, "patchy"), fall=0.75)

    @cached_property
    def fine(self) -> np.ndarray:
        """Roughness of a metre and less."""
        rough = 0.7 * grain(self.grid, key(self.seed, "fine")) + 0.7 * field(self.grid, 1.1, key(self.seed, "rough"))
        return rough.astype(np.float32)


@dataclass
class Canvas:
    """Reflectance (rows, cols, 4) of a window, and its textures."""

    grid: Grid
    image: np.ndarray
    tex: Textures

    def pixels(self, xy: np.ndarray) -> np.ndarray:
        """Column and row (pixel centres at whole numbers) of easting and northing; shape (n, 2)."""
        col = (xy[:, 0] - self.grid.west_m) / self.grid.pixel_m - 0.5
        row = (self.grid.north_m - xy[:, 1]) / self.grid.pixel_m - 0.5
        return np.column_stack([col, row])

    def coverage(self, shape: Polygon | np.ndarray) -> tuple[tuple[slice, slice], np.ndarray] | None:
        """Rows and columns that hold a polygon, and the share (float32, 0..1) of each pixel under it; None: not here.

        The polygon is drawn whole and cropped afterwards, since OpenCV bends edges that it has to clip.
        """
        xy = np.asarray(shape.exterior.coords) if isinstance(shape, Polygon) else shape
        pixels = self.pixels(xy)
        low = np.floor(pixels.min(axis=0)).astype(int) - 1
        high = np.ceil(pixels.max(axis=0)).astype(int) + 2
        first, last = np.maximum(low, 0), np.minimum(high, (self.grid.cols, self.grid.rows))
        if (first >= last).any():
            return None
        width, height = (high - low).tolist()
        sub = np.zeros((height * _SUPER, width * _SUPER), np.uint8)
        inner = (pixels - low + 0.5) * _SUPER - 0.5
        cv2.fillPoly(sub, [np.round(inner * (1 << _SHIFT)).astype(np.int32)], 255, shift=_SHIFT)
        area = cv2.resize(sub, (width, height), interpolation=cv2.INTER_AREA)
        (left, top), (right, bottom) = (first - low).tolist(), (last - low).tolist()
        window = (slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0])))
        return window, area[top:bottom, left:right].astype(np.float32) * np.float32(1 / 255)

    def blend(self, window: tuple[slice, slice], alpha: np.ndarray, colour: np.ndarray) -> None:
        """Lay a colour (4,) or (rows, cols, 4) over a window with opacity ``alpha`` (rows, cols)."""
        part = self.image[window]
        part += alpha[..., None] * (colour - part)

    def fill(
        self, shape: Polygon | np.ndarray, colour: np.ndarray, *, rough: float = 0.05, patchy: float = 0.0
    ) -> None:
        """Cover a polygon with a colour that varies by ``rough`` from pixel to pixel and ``patchy`` over metres."""
        found = self.coverage(shape)
        if found is None:
            return
        window, alpha = found
        self.blend(window, alpha, colour * self.variation(window, rough, patchy))

    def variation(self, window: tuple[slice, slice], rough: float, patchy: float) -> np.ndarray:
        """Factor (rows, cols, 1) round 1."""
        factor = 1.0 + rough * self.tex.fine[window]
        if patchy:
            factor = factor + patchy * self.tex.patchy[window]
        return np.maximum(factor, 0.3)[..., None].astype(np.float32)


def tint(thing: Thing, spread: float = 0.07) -> np.ndarray:
    """Colour of one thing: its surface's, lighter or darker by a chance that belongs to the place."""
    x, y = thing.shape.representative_point().coords[0]
    chance = unit(hashed(np.array([round(10 * x)]), np.array([round(10 * y)]) + np.arange(5), 77)) * 2 - 1
    return (spectrum(thing.look) * (1 + 1.7 * spread * chance[0]) * (1 + 0.035 * chance[1:])).astype(np.float32)


def cast(shape: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Outline that a convex footprint and its displaced copy sweep over."""
    hull = cv2.convexHull(np.vstack([shape - shape[0], shape - shape[0] + vector]).astype(np.float32))
    return hull[:, 0].astype(float) + shape[0]
