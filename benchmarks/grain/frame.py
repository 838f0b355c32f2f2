"""A road as its own coordinates: metres along the axis, metres across it, for the pixels beside it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import interp1d
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree
from shapely import LineString

_STEP_M = 0.5
REACH_M = 14.0  # beside the pavement's edge; shadows, verges and roofs are painted there


@dataclass(frozen=True)
class Frame:
    """The axis as points every half metre, (n, 2) x y in metres of the picture (y down), and its unit tangents."""

    xy_m: np.ndarray
    tangent: np.ndarray
    width_m: float
    surface: str

    @classmethod
    def of(cls, line_m: LineString, width_m: float, surface: str) -> Frame:
        """The frame of an axis in metres; its corners are rounded over 4 m."""
        count = max(3, int(line_m.length / _STEP_M) + 1)
        xy = np.array([line_m.interpolate(s).coords[0] for s in np.linspace(0, line_m.length, count)])
        ends = xy[0].copy(), xy[-1].copy()
        xy = gaussian_filter1d(xy, 2.0 / _STEP_M, axis=0, mode="nearest")
        xy[0], xy[-1] = ends
        tangent = np.gradient(xy, axis=0)
        return cls(xy, tangent / np.linalg.norm(tangent, axis=1, keepdims=True), width_m, surface)

    @property
    def along_m(self) -> np.ndarray:
        """Metres along the axis of each of its points."""
        return np.r_[0, np.cumsum(np.linalg.norm(np.diff(self.xy_m, axis=0), axis=1))]

    @property
    def length_m(self) -> float:
        """Of the axis."""
        return float(self.along_m[-1])

    @property
    def half_m(self) -> float:
        """Half the pavement."""
        return self.width_m / 2

    def near(self, shape: tuple[int, int], work_m: float) -> Near:
        """Pixels (centres) within reach of the pavement, in the road's coordinates."""
        reach = self.half_m + REACH_M
        mask = np.zeros(shape, np.uint8)
        corners = np.round(self.xy_m / work_m).astype(np.int32)
        cv2.polylines(mask, [corners], False, 1, thickness=int(2 * reach / work_m) + 3)
        rows, cols = np.nonzero(mask)
        at = (np.column_stack([cols, rows]) + 0.5) * work_m
        gap, nearest = cKDTree(self.xy_m).query(at, distance_upper_bound=reach, workers=1)
        found = np.isfinite(gap)
        nearest, off = nearest[found], at[found] - self.xy_m[nearest[found]]
        tangent = self.tangent[nearest]
        along = self.along_m[nearest] + (off * tangent).sum(axis=1)
        across = tangent[:, 0] * off[:, 1] - tangent[:, 1] * off[:, 0]  # positive to the right of the axis' direction
        inside = (along >= 0) & (along <= self.length_m)  # no caps at the ends
        flat = (rows * shape[1] + cols)[found][inside]
        return Near(flat, along[inside].astype(np.float32), across[inside].astype(np.float32), work_m)

    def at(self, along_m: np.ndarray, across_m: np.ndarray) -> np.ndarray:
        """Points (n, 2) x y in metres of the picture."""
        knots = self.along_m
        xy = interp1d(knots, self.xy_m, axis=0, bounds_error=False, fill_value="extrapolate")(along_m)
        t = interp1d(knots, self.tangent, axis=0, bounds_error=False, fill_value="extrapolate")(along_m)
        return xy + np.column_stack([-t[:, 1], t[:, 0]]) * np.asarray(across_m)[:, None]


@dataclass(frozen=True)
class Near:
    """Pixels beside a road: their places in the flat picture, metres along and across, and their size."""

    flat: np.ndarray
    along: np.ndarray
    across: np.ndarray
    pixel_m: float

    def some(self, mask: np.ndarray) -> Near:
        """Those of a mask."""
        return Near(self.flat[mask], self.along[mask], self.across[mask], self.pixel_m)

    def soft(self, distance_m: np.ndarray, blur_m: float = 0.0) -> np.ndarray:
        """Share of a pixel inside an edge that is ``distance_m`` away (positive inside), 0..1."""
        return np.clip(distance_m / max(self.pixel_m, blur_m) + 0.5, 0, 1)

    def band(self, off_m: np.ndarray, half_m: float | np.ndarray) -> np.ndarray:
        """Share of a pixel covered by a band ``2 * half_m`` wide whose middle is ``off_m`` away, 0..1."""
        return np.minimum(self.soft(half_m - np.abs(off_m)), np.minimum(1, 2 * np.asarray(half_m) / self.pixel_m))

    def box(self, along_m: float, across_m: float, length_m: float, width_m: float) -> np.ndarray:
        """Share of a pixel covered by an oblong that lies along the road, 0..1."""
        return self.band(self.along - along_m, length_m / 2) * self.band(self.across - across_m, width_m / 2)


def noise(rng: np.random.Generator, at_m: np.ndarray, scale_m: float) -> np.ndarray:
    """A smooth random function of one coordinate with unit spread; one call is one function."""
    low, high = (float(at_m.min()), float(at_m.max())) if len(at_m) else (0.0, 1.0)
    knots = np.arange(low - 2 * scale_m, high + 3 * scale_m, scale_m)
    values = rng.normal(size=len(knots))
    return interp1d(knots, values, kind="cubic", bounds_error=False, fill_value="extrapolate")(at_m).astype(np.float32)


def mottle(rng: np.random.Generator, near: Near, scale_m: float) -> np.ndarray:
    """A random texture in the road's coordinates with about unit spread, whose spots are ``scale_m`` large."""
    if not len(near.along):
        return np.zeros(0, np.float32)
    s, t = (near.along - near.along.min()) / scale_m, (near.across - near.across.min()) / scale_m
    grid = rng.normal(size=(int(s.max()) + 3, int(t.max()) + 3)).astype(np.float32)
    i, j = s.astype(int), t.astype(int)
    u, v = s - i, t - j
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    value = (grid[i, j] * (1 - u) * (1 - v) + grid[i + 1, j] * u * (1 - v)
             + grid[i, j + 1] * (1 - u) * v + grid[i + 1, j + 1] * u * v)  # fmt: skip
    return value * 1.5
