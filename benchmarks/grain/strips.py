"""Grain spread on a road to dry: where it lies, how thick, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely import LineString, Polygon

from .frame import Frame, mottle, noise
from .paint import Canvas, drawn

CROPS = ("wheat", "rice", "maize")
LENGTH_M = (20.0, 300.0)
WIDTH_M = (1.5, 4.5)
_EDGE_STEP_M = 0.5


@dataclass(frozen=True)
class Strip:
    """A spread: along the road ``start_m`` to ``end_m`` on one ``side`` (-1 left, 1 right of the axis' direction).

    ``s``, ``outer``, ``inner``: its two edges, metres across from the axis on that side. ``gaps``: stretches left open.
    """

    crop: str
    side: int
    start_m: float
    end_m: float
    width_m: float
    s: np.ndarray
    outer: np.ndarray
    inner: np.ndarray
    gaps: tuple[tuple[float, float], ...]
    tracks: bool
    barriers: bool

    @property
    def length_m(self) -> float:
        """From end to end, gaps and all."""
        return self.end_m - self.start_m

    def outline(self, frame: Frame) -> Polygon:
        """In metres of the picture."""
        ring = [frame.at(self.s, self.side * self.outer), frame.at(self.s[::-1], self.side * self.inner[::-1])]
        return Polygon(np.concatenate(ring)).buffer(0)

    def axis(self, frame: Frame) -> LineString:
        """The line along its middle, in metres of the picture."""
        return LineString(frame.at(self.s, self.side * (self.outer + self.inner) / 2))


def plan(rng: np.random.Generator, frame: Frame, crop: str) -> list[Strip]:
    """Spreads on one road: about one in 200 m, none on another, on one side or now and then on both."""
    out: list[Strip] = []
    free = frame.length_m - 6
    wanted = max(1, rng.poisson(frame.length_m / 200))
    at = rng.uniform(3, 3 + max(free * 0.3, 1))
    for _ in range(wanted):
        left = frame.length_m - 3 - at
        if left < LENGTH_M[0]:
            break
        length = float(np.clip(rng.lognormal(np.log(55), 0.7), LENGTH_M[0], min(LENGTH_M[1], left)))
        out.append(_strip(rng, frame, crop, at, length))
        at += length + rng.uniform(15, 120)
    return out


def _strip(rng: np.random.Generator, frame: Frame, crop: str, start: float, length: float) -> Strip:
    half = rng.uniform() < 0.25  # half the carriageway, else along one edge
    width = rng.uniform(*WIDTH_M)
    width = min(frame.half_m * rng.uniform(0.85, 1.0) if half else width, WIDTH_M[1], frame.width_m * 0.55)
    s = np.arange(start, start + length + 1e-6, _EDGE_STEP_M)
    outer = frame.half_m - rng.uniform(0.0, 0.5) + 0.12 * noise(rng, s, 5.0)
    inner = outer - width * np.clip(1 + 0.10 * noise(rng, s, 6.0) + 0.04 * noise(rng, s, 1.5), 0.6, 1.4)
    gaps = []
    for _ in range(rng.poisson(length / 70) if length > 40 else 0):
        middle = rng.uniform(start + 10, start + length - 10)
        gaps.append((middle - rng.uniform(1.5, 3.0), middle + rng.uniform(1.5, 3.0)))
    return Strip(crop, int(rng.choice([-1, 1])), start, start + length, width, s, outer, inner, tuple(gaps),
                 rng.uniform() < 0.35, rng.uniform() < 0.4)  # fmt: skip


def thickness(rng: np.random.Generator, canvas: Canvas, strip: Strip) -> np.ndarray:
    """How much of the road is hidden at each near pixel, 0..1: thin at the edges and where wheels went."""
    near = canvas.near
    across = near.across * strip.side
    outer, inner = (np.interp(near.along, strip.s, edge) for edge in (strip.outer, strip.inner))
    ragged = 0.5 * mottle(rng, near, 0.8) + 0.4 * mottle(rng, near, 2.5)
    ends = np.minimum(near.along - strip.start_m, strip.end_m - near.along) + ragged
    inward = np.minimum(outer - across, across - inner) + 0.08 * mottle(rng, near, 0.7)
    for low, high in strip.gaps:
        ends = np.minimum(ends, np.maximum(low - near.along, near.along - high) + 0.4 * ragged)
    rim = rng.uniform(0.2, 0.6)
    depth = np.clip(np.minimum(inward, ends) / rim, 0, 1) ** 0.7
    depth *= np.clip(rng.uniform(0.88, 1.0) + 0.05 * mottle(rng, near, 3.0), 0, 1)
    if strip.tracks:
        depth *= 1 - _tracks(rng, canvas, strip) * rng.uniform(0.4, 0.8)
    return np.where(inward > -near.pixel_m, depth * near.soft(np.minimum(inward, ends)), 0).astype(np.float32)


def _tracks(rng: np.random.Generator, canvas: Canvas, strip: Strip) -> np.ndarray:
    """Two wheel tracks that run through a part of the strip, 1 where a wheel went."""
    near = canvas.near
    begin = rng.uniform(strip.start_m, strip.end_m - 0.3 * strip.length_m)
    middle = rng.uniform(strip.inner.mean() - 0.5, strip.outer.mean()) + 0.5 * noise(rng, near.along, 25.0)
    off = np.abs(np.abs(near.across * strip.side - middle) - 0.75)
    return near.band(off, 0.13) * ((near.along > begin) & (near.along < begin + rng.uniform(0.3, 0.8) * strip.length_m))


def lay(rng: np.random.Generator, canvas: Canvas, strip: Strip) -> None:
    """Paint a spread: its colour with furrows of the rake and footprints, and what holds cars off it."""
    canvas = canvas.between(strip.start_m - 3, strip.end_m + 3)
    canvas = canvas.where(np.flatnonzero(np.abs(canvas.near.across) < canvas.frame.half_m + 3))
    if not len(canvas.near.flat):
        return
    near, alpha = canvas.near, thickness(rng, canvas, strip)
    colour = drawn(rng, strip.crop) * np.clip(rng.normal(1, 0.07), 0.8, 1.2)
    period = rng.uniform(0.25, 0.6)
    furrows = rng.uniform(0.02, 0.09) * np.sin(2 * np.pi * near.across / period + 2 * noise(rng, near.along, 8.0))
    furrows *= np.clip(1.5 * period / near.pixel_m - 1, 0, 1)  # none where a pixel holds more than one
    damp = 0.05 * mottle(rng, near, 6.0)
    feet = 0.12 * (mottle(rng, near, 0.3) > 3.2) * min(1.0, 0.3 / near.pixel_m)
    tone = canvas.tone(colour) * (1 + furrows + damp - feet + 0.04 * mottle(rng, near, 0.5))[:, None]
    canvas.lay(alpha, tone)
    if strip.barriers:
        _barriers(rng, canvas, strip)


def _barriers(rng: np.random.Generator, canvas: Canvas, strip: Strip) -> None:
    """Stones, bottles and sticks along the inner edge."""
    near = canvas.near
    tone = canvas.tone(drawn(rng, "stone"))
    alpha = np.zeros(len(near.along), np.float32)
    for at in np.arange(strip.start_m, strip.end_m, rng.uniform(2, 6)):
        where = strip.side * (float(np.interp(at, strip.s, strip.inner)) - 0.2)
        size = rng.uniform(0.25, 0.5)
        alpha = np.maximum(alpha, near.box(at, where, size, size))
    canvas.lay(alpha, tone)
