"""Materials laid on real pixels in the tone scale of their picture.

The digital number follows the ratio of a material's reflectance to the road's own through the display's tone curve, a
power. What the picture has of light and shade, noise and compression stays under what is laid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .frame import Frame, Near, mottle

# Reflectance of red, green, blue, each from its range. Grain and roads as in the working table of the domain.
REFLECTANCE: dict[str, tuple[tuple[float, float], ...]] = {
    "asphalt": ((0.10, 0.15), (0.09, 0.14), (0.08, 0.12)),
    "concrete": ((0.25, 0.35), (0.23, 0.32), (0.20, 0.28)),
    "other": ((0.20, 0.30), (0.16, 0.24), (0.12, 0.18)),
    "new_asphalt": ((0.045, 0.06), (0.04, 0.05), (0.035, 0.05)),
    "wheat": ((0.32, 0.42), (0.22, 0.30), (0.14, 0.20)),
    "rice": ((0.32, 0.42), (0.22, 0.30), (0.13, 0.19)),
    "maize": ((0.40, 0.50), (0.24, 0.34), (0.07, 0.12)),
    "sand": ((0.34, 0.46), (0.28, 0.38), (0.20, 0.29)),
    "gravel": ((0.20, 0.32), (0.19, 0.30), (0.17, 0.27)),
    "soil": ((0.18, 0.28), (0.13, 0.20), (0.08, 0.14)),
    "straw": ((0.32, 0.45), (0.26, 0.36), (0.15, 0.24)),
    "dry_grass": ((0.18, 0.26), (0.15, 0.21), (0.09, 0.13)),
    "tan_roof": ((0.28, 0.42), (0.20, 0.28), (0.14, 0.20)),
    "white_paint": ((0.50, 0.65), (0.50, 0.65), (0.48, 0.62)),
    "yellow_paint": ((0.45, 0.58), (0.32, 0.44), (0.08, 0.16)),
    "red_lane": ((0.17, 0.24), (0.07, 0.10), (0.06, 0.09)),
    "white_car": ((0.50, 0.70), (0.50, 0.70), (0.50, 0.70)),
    "black_car": ((0.03, 0.06), (0.03, 0.06), (0.03, 0.06)),
    "red_car": ((0.25, 0.40), (0.03, 0.06), (0.03, 0.06)),
    "blue_car": ((0.04, 0.08), (0.08, 0.15), (0.25, 0.40)),
    "yellow_lorry": ((0.45, 0.55), (0.28, 0.38), (0.06, 0.14)),
    "tan_lorry": ((0.33, 0.44), (0.25, 0.33), (0.16, 0.22)),
    "stone": ((0.20, 0.40), (0.18, 0.36), (0.15, 0.32)),
    "tree": ((0.02, 0.05), (0.04, 0.08), (0.02, 0.04)),
    "autumn_tree": ((0.10, 0.18), (0.08, 0.13), (0.03, 0.06)),
}
_SHADE = (0.42, 0.46, 0.55)  # what is left of red, green, blue light in a shadow
_LIGHT_M = 2.0  # light and shade of the road are what remains of its tones after smoothing over this
_OWN_M = 25.0  # the road's own tone is taken from this far around
_LEAST = 1e-3  # a share of a pixel that is not worth painting
_WHITE = 0.62  # reflectance that a display is set to show as white, or a little beyond
_SHOULDER = 0.75  # tones above this are compressed, as displays do


def drawn(rng: np.random.Generator, material: str) -> np.ndarray:
    """Reflectance (red, green, blue) from a material's range, bands together, with a little spread between them."""
    low, high = np.array(REFLECTANCE[material]).T
    place = np.clip(rng.uniform() + rng.normal(0, 0.12, 3), -0.2, 1.2)
    return low + place * (high - low)


@dataclass
class Canvas:
    """A picture (rows, cols, 3) 0..1 that is painted on, in the coordinates of one road."""

    image: np.ndarray
    frame: Frame
    near: Near
    own: np.ndarray  # the road's own tone at each near pixel, (n, 3)
    light: np.ndarray  # local light over that tone, (n, 3): shade below 1
    road: np.ndarray  # reflectance of the road's surface, (3,)
    gamma: float

    @classmethod
    def of(cls, image: np.ndarray, frame: Frame, near: Near, rng: np.random.Generator) -> Canvas:
        """A canvas on a picture that will be changed; one display curve and one road surface are drawn for it."""
        road = drawn(rng, frame.surface)
        values = image.reshape(-1, 3)[near.flat]
        on = np.abs(near.across) < frame.half_m * 0.85
        own = _along(values, near, on, _OWN_M, frame.length_m)
        gamma = min(rng.uniform(0.5, 0.9), _steepest(own, road))
        light = _local(values, near, on, image.shape[:2]) / np.maximum(own, 0.02)
        return cls(image, frame, near, own, light, road, gamma)

    def between(self, low_m: float, high_m: float) -> Canvas:
        """The part of the canvas between two places along the road; what is painted there is painted on the same picture."""
        some = (self.near.along >= low_m) & (self.near.along <= high_m)
        return self.where(np.flatnonzero(some))

    def where(self, some: np.ndarray) -> Canvas:
        """The part at some of the near pixels."""
        return replace(self, near=self.near.some(some), own=self.own[some], light=self.light[some])

    def tone(self, reflectance: np.ndarray) -> np.ndarray:
        """Digital numbers (n, 3) of a material under the light that the road has there."""
        ratio = (reflectance / self.road) ** self.gamma
        values = self.image.reshape(-1, 3)[self.near.flat]
        fine = np.clip(values / np.maximum(self.own * self.light, 0.02), 0.6, 1.6) ** 0.3  # little shows through
        shade = np.where(self.light < 0.85, self.light, self.light**0.3)
        tone = self.own * ratio * shade * fine
        return np.where(
            tone > _SHOULDER, _SHOULDER + (1 - _SHOULDER) * np.tanh((tone - _SHOULDER) / (1 - _SHOULDER)), tone
        )

    def lay(self, alpha: np.ndarray, tone: np.ndarray) -> None:
        """Blend tones (n, 3) over the near pixels by ``alpha`` (n,)."""
        flat = self.image.reshape(-1, 3)
        below = flat[self.near.flat]
        flat[self.near.flat] = np.clip(below + alpha[:, None] * (tone - below), 0, 1)

    def cover(self, rng: np.random.Generator, material: str, alpha: np.ndarray, rough: float = 0.06) -> None:
        """Lay a material with a rough surface."""
        some = np.flatnonzero(alpha > _LEAST)
        part = self.where(some)
        texture = 1 + rough * mottle(rng, part.near, max(0.35, self.near.pixel_m))
        part.lay(alpha[some], part.tone(drawn(rng, material)) * texture[:, None])

    def shade(self, depth: np.ndarray) -> None:
        """Take light away: 0 none, 1 full shadow."""
        flat, some = self.image.reshape(-1, 3), np.flatnonzero(depth > _LEAST)
        left = np.array(_SHADE, np.float32) ** self.gamma
        flat[self.near.flat[some]] *= 1 - depth[some, None] * (1 - left)


def _steepest(own: np.ndarray, road: np.ndarray) -> float:
    """Exponent of the steepest display curve that shows white as hardly more than white: low where roads look bright."""
    tone = float(np.median(own)) if len(own) else 0.4
    return float(np.clip(np.log(1.1 / max(tone, 0.05)) / np.log(_WHITE / float(np.mean(road))), 0.35, 0.9))


def _along(values: np.ndarray, near: Near, on: np.ndarray, window_m: float, length_m: float) -> np.ndarray:
    """The road's median tone (n, 3) in bins along it, smooth between them."""
    bins = np.arange(0, length_m + window_m, window_m)
    middle = (bins[:-1] + bins[1:]) / 2 if len(bins) > 1 else np.array([length_m / 2])
    which = np.clip((near.along / window_m).astype(int), 0, len(middle) - 1)
    whole = np.median(values[on], axis=0) if on.any() else np.full(3, 0.4)
    tones = np.array(
        [np.median(values[on & (which == k)], axis=0) if (on & (which == k)).sum() > 20 else whole
         for k in range(len(middle))]
    )  # fmt: skip
    tones = 0.5 * tones + 0.5 * whole
    return np.stack([np.interp(near.along, middle, tones[:, band]) for band in range(3)], axis=1).astype(np.float32)


def _local(values: np.ndarray, near: Near, on: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Tone of the road around each near pixel, (n, 3), from pixels of the road alone."""
    weight = np.zeros(shape, np.float32)
    weight.reshape(-1)[near.flat[on]] = 1
    rows, cols = np.unravel_index(near.flat, shape)
    box = np.s_[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    sigma = max(_LIGHT_M / near.pixel_m, 0.7)
    below = cv2.GaussianBlur(weight[box], (0, 0), sigma)
    out = np.empty((len(near.flat), 3), np.float32)
    for band in range(3):
        layer = np.zeros(shape, np.float32)
        layer.reshape(-1)[near.flat[on]] = values[on, band]
        smooth = cv2.GaussianBlur(layer[box], (0, 0), sigma) / np.maximum(below, 1e-3)
        out[:, band] = smooth[rows - rows.min(), cols - cols.min()]
    few = below[rows - rows.min(), cols - cols.min()] < 0.02
    out[few] = np.median(values[on], axis=0) if on.any() else 0.4
    return out
