"""How much a place looks as if a board stood there on one date: shadow and line of every board tried at every foot near it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np

from ..model.grid import Grid
from . import cues
from .billboard_shape import Boards, Samples, line_samples, shadow_samples
from .billboard_sun import Sun

_DARKEST = 0.01  # reflectance added before the logarithm, so that noise in black does not count
_SMOOTH_M = 0.4
_COLOUR = 0.8  # share of the colour in the tone
_LEAN_M = 4.0  # how far an upper edge may be seen beside its foot
ENOUGH = 0.6  # contrast that is plain
LEAST = -0.3  # less tells no more
_DARKER = 0.5
BLIND = -9.0  # score where something needed was not observed


def log_light(colours: Mapping[str, np.ndarray], pixel_m: float) -> np.ndarray:
    """Natural logarithm of brightness, a little smoothed, float32 (rows, cols), NaN where unseen."""
    light = np.log(np.maximum(cues.brightness(colours), 0) + np.float32(_DARKEST))
    return _smoothed(light, colours, pixel_m)


def made_tone(colours: Mapping[str, np.ndarray], pixel_m: float) -> np.ndarray:
    """Lightness of what is painted or metal against soil and leaves, natural logarithm, float32 (rows, cols), NaN where unseen.

    Soil, straw and leaves are darkest in blue; a panel is not. Taking their colour off the brightness shows a grey panel
    on bright soil and a dark one on a green field as lighter lines, while a shadow stays darker than what it falls on.
    """
    warm = colours["nir"] if "nir" in colours else np.maximum(colours["red"], colours["green"])
    least = np.float32(_DARKEST)
    colour = np.log(np.maximum(warm, 0) + least) - np.log(np.maximum(colours["blue"], 0) + least)
    light = np.log(np.maximum(cues.brightness(colours), 0) + least)
    return _smoothed(light - np.float32(_COLOUR) * colour, colours, pixel_m)


def _smoothed(values: np.ndarray, colours: Mapping[str, np.ndarray], pixel_m: float) -> np.ndarray:
    return cues.smooth(np.where(cues.observed(colours), values, np.float32(np.nan)), max(_SMOOTH_M / pixel_m, 0.4))


def gap_m(pixel_m: float) -> float:
    """How far from a shadow's edge the ground beside it is free of it in such pixels."""
    return max(1.2, 1.6 * pixel_m)


@dataclass(frozen=True)
class Spot:
    """Values of one image round a site: a square window, NaN where it leaves the image."""

    values: np.ndarray
    pixel_m: float

    @classmethod
    def cut(cls, image: np.ndarray, grid: Grid, x_m: float, y_m: float, reach_m: float) -> Spot:
        """The window of ``reach_m`` round a map position."""
        half = int(np.ceil(reach_m / grid.pixel_m)) + 1
        row, col = int((grid.north_m - y_m) // grid.pixel_m), int((x_m - grid.west_m) // grid.pixel_m)
        out = np.full((2 * half + 1, 2 * half + 1), np.nan, np.float32)
        top, left = max(row - half, 0), max(col - half, 0)
        part = image[top : max(row + half + 1, 0), left : max(col + half + 1, 0)]
        at_row, at_col = top - (row - half), left - (col - half)
        if part.size:
            out[at_row : at_row + part.shape[0], at_col : at_col + part.shape[1]] = part
        return cls(out, grid.pixel_m)

    @property
    def middle_px(self) -> int:
        """Row and column of the site."""
        return self.values.shape[0] // 2

    @cached_property
    def _flat(self) -> np.ndarray:
        return np.ascontiguousarray(self.values).ravel()

    def offsets(self, points_m: np.ndarray) -> np.ndarray:
        """Steps in the flat window from one pixel to those at ``points_m`` (..., 2) east and north of it."""
        steps = np.rint(points_m / self.pixel_m).astype(np.intp)
        return -steps[..., 1] * self.values.shape[1] + steps[..., 0]

    def at(self, feet_m: np.ndarray) -> np.ndarray:
        """Flat index of the pixels that ``feet_m`` (n, 2), relative to the site, lie in."""
        return self.middle_px * (self.values.shape[1] + 1) + self.offsets(feet_m)

    def contrasts(self, feet_m: np.ndarray, samples: Samples) -> np.ndarray:
        """How much lighter the ground beside is than the inside, (feet, boards, places beside)."""
        feet = self.at(feet_m)[:, None, None]
        inside = self.offsets(samples.inside)
        # One after the other is faster than all at once: the middle array stays small.
        inner = sum(self._flat[feet + inside[None, ..., k]] for k in range(inside.shape[-1])) / inside.shape[-1]
        return self._flat[feet + self.offsets(samples.beside)[None]] - inner[:, :, samples.part]

    def moved(self, by_m: np.ndarray) -> Spot:
        """The part of the window that has a place ``by_m`` (east, north) of the site in its middle."""
        col, row = np.rint(by_m / self.pixel_m).astype(int) * (1, -1)
        half = self.middle_px - max(abs(int(row)), abs(int(col)))
        rows, cols = (slice(self.middle_px + step - half, self.middle_px + step + half + 1) for step in (row, col))
        return Spot(self.values[rows, cols], self.pixel_m)

    def taken(self, foot_m: np.ndarray, points_m: np.ndarray) -> np.ndarray:
        """Values at ``points_m`` (..., 2) from one foot."""
        return self._flat[self.at(foot_m[None])[0] + self.offsets(points_m)]


def believed(contrasts: np.ndarray) -> np.ndarray:
    """One number of many contrasts: the mean of their lower half, so that it must be darker everywhere; blind: -9."""
    half = contrasts.shape[-1] // 2
    return _or_blind(np.partition(contrasts, half - 1, axis=-1)[..., :half].mean(axis=-1), contrasts)


def believed_both_ways(contrasts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``believed`` of the contrasts, and of their opposites: how much darker, and how much lighter than all round it."""
    half = contrasts.shape[-1] // 2
    halves = np.partition(contrasts, half, axis=-1)
    darker, lighter = halves[..., :half].mean(axis=-1), -halves[..., contrasts.shape[-1] - half :].mean(axis=-1)
    return _or_blind(darker, contrasts), _or_blind(lighter, contrasts)


def _or_blind(score: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(contrasts.sum(axis=-1)), score, np.float32(BLIND))


def shadow_scores(spot: Spot, feet_m: np.ndarray, boards: Boards, sun: Sun) -> np.ndarray:
    """Score of the shadow of every board at every foot (feet, boards); of the sun's possible directions the best."""
    each = (shadow_samples(boards, sun, azimuth, gap_m(spot.pixel_m)) for azimuth in sun.azimuths_deg)
    return np.maximum.reduce([believed(spot.contrasts(feet_m, samples)) for samples in each])


def line_scores(spot: Spot, feet_m: np.ndarray, boards: Boards) -> np.ndarray:
    """Score of the panel's line, lighter or darker, of every board at every foot, wherever the lean may show it."""
    kinds, which = np.unique(np.column_stack([boards.length_m, boards.direction_deg]), axis=0, return_inverse=True)
    lines = Boards(kinds[:, 0], kinds[:, 0], kinds[:, 0], kinds[:, 1])
    reach = int(np.ceil(np.abs(feet_m).max() + _LEAN_M))
    steps = np.arange(-reach, reach + 1.0)
    east, north = (a.ravel() for a in np.meshgrid(steps, steps))
    found = spot.contrasts(np.column_stack([east, north]), line_samples(lines, gap_m(spot.pixel_m)))
    darker, lighter = believed_both_ways(found)
    # Beside a board the darkest line is its shadow, so that a darker panel says less.
    scores = np.maximum(lighter, _DARKER * darker).reshape(len(steps), len(steps), len(lines))
    size = 2 * int(_LEAN_M) + 1
    best = np.dstack(
        [cv2.dilate(np.ascontiguousarray(scores[..., k]), np.ones((size, size))) for k in range(len(lines))]
    )
    rows, cols = (np.rint(feet_m[:, axis]).astype(int) + reach for axis in (1, 0))
    return best[rows, cols][:, which.ravel()]


@lru_cache(maxsize=16)
def feet_within(radius_m: float, step_m: float = 1.0, beyond_m: float = -1.0) -> np.ndarray:
    """Feet on a lattice within a circle round a site, or between two, (n, 2) metres east and north."""
    count = int(radius_m // step_m)
    east, north = np.meshgrid(*(np.arange(-count, count + 1) * step_m,) * 2)
    keep = (np.hypot(east, north) <= radius_m) & (np.hypot(east, north) >= beyond_m)
    return np.column_stack([east[keep], north[keep]])


@lru_cache(maxsize=512)
def _line_of(length_m: float, direction_deg: float, pixel_m: float) -> Samples:
    size = np.array([length_m])
    return line_samples(Boards(size, size, size, np.array([direction_deg])), gap_m(pixel_m))


@dataclass(frozen=True)
class Line:
    """A panel's line: scores as a lighter and as a darker one; middle (east, north of the site, m) and sign of the better.

    ``stops``: how much it stands out from what lies past its ends, the lesser of both.
    """

    lighter: float
    darker: float
    middle_m: np.ndarray
    sign: int
    stops: float


def best_line(spot: Spot, foot_m: np.ndarray, board: Boards) -> Line:
    """As ``line_scores``, of one board at one foot, looked for more finely."""
    middles = foot_m + feet_within(_LEAN_M, 0.5 if spot.pixel_m < 0.75 else 1.0)
    found = spot.contrasts(middles, _line_of(float(board.length_m[0]), float(board.direction_deg[0]), spot.pixel_m))
    darker, lighter = (np.maximum(score[:, 0], -1.0) for score in believed_both_ways(found))
    sign = 1 if lighter.max() >= _DARKER * darker.max() else -1
    best = int((lighter if sign > 0 else darker).argmax())
    stops = float((-sign * found[best, 0, -2:]).min())
    return Line(float(lighter.max()), float(darker.max()), middles[best], sign, stops if np.isfinite(stops) else 0.0)


def together(shadow: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Shadow and line in one number; neither makes up for the other without limit."""
    return np.minimum(shadow, ENOUGH) + np.minimum(line, ENOUGH)
