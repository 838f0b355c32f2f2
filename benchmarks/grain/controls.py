"""What is not grain but may look like it: things painted on a clean road, most of them on the later date only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .frame import mottle, noise
from .paint import Canvas

CARS = ("white_car", "white_car", "black_car", "black_car", "red_car", "blue_car", "yellow_lorry", "tan_lorry")


def _side(rng: np.random.Generator) -> int:
    return int(rng.choice([-1, 1]))


def _blob(
    rng: np.random.Generator, canvas: Canvas, at: float, across: float, length: float, width: float
) -> np.ndarray:
    """A ragged oval, 0..1."""
    near, out = canvas.near, np.zeros(len(canvas.near.along), np.float32)
    some = np.flatnonzero((np.abs(near.along - at) < length) & (np.abs(near.across - across) < width))
    part = near.some(some)
    gap = np.hypot((part.along - at) / (length / 2), (part.across - across) / (width / 2))
    ragged = 0.12 * mottle(rng, part, max(0.4, width / 4)) + 0.06 * mottle(rng, part, 0.5)
    out[some] = part.soft((1 - gap + ragged) * min(length, width) / 2, 0.5)
    return out


def _places(rng: np.random.Generator, canvas: Canvas, per_km: float) -> np.ndarray:
    count = max(1, rng.poisson(canvas.frame.length_m * per_km / 1000))
    return rng.uniform(0, canvas.frame.length_m, count)


def traffic(rng: np.random.Generator, canvas: Canvas) -> None:
    """Cars and lorries in their lanes, some parked at the edge, each with its shadow."""
    half = canvas.frame.half_m
    for at in _places(rng, canvas, 18):
        parked = rng.uniform() < 0.2
        lane = half - 1.2 if parked else half / 2 + rng.normal(0, 0.3)
        _vehicle(rng, canvas, at, _side(rng) * min(lane, half - 1.0), str(rng.choice(CARS)))


def _vehicle(rng: np.random.Generator, canvas: Canvas, at: float, across: float, what: str) -> None:
    lorry = "lorry" in what or rng.uniform() < 0.1
    length, width = (rng.uniform(8, 16), 2.5) if lorry else (rng.uniform(4, 5), 1.8)
    canvas = canvas.between(at - 12, at + 12)
    canvas.shade(canvas.near.box(at + rng.uniform(-0.5, 0.5), across + rng.uniform(0.5, 1.2), length, width))
    canvas.cover(rng, what, canvas.near.box(at, across, length, width), 0.02)


def queue(rng: np.random.Generator, canvas: Canvas) -> None:
    """A queue of tan and yellow lorries in one lane: a long coloured row that is not grain."""
    side, at = _side(rng), rng.uniform(0, max(canvas.frame.length_m - 60, 1))
    for _ in range(rng.integers(3, 7)):
        _vehicle(rng, canvas, at, side * max(canvas.frame.half_m / 2, canvas.frame.half_m - 1.9),
                 str(rng.choice(["tan_lorry", "yellow_lorry"])))  # fmt: skip
        at += rng.uniform(15, 22)


def sand(rng: np.random.Generator, canvas: Canvas) -> None:
    """Sand and soil spilt from lorries: ragged ovals and thin trails."""
    for at in _places(rng, canvas, 8):
        across = rng.uniform(-1, 1) * canvas.frame.half_m
        length = rng.uniform(2, 14)
        alpha = _blob(rng, canvas, at, across, length, rng.uniform(0.8, 3)) * rng.uniform(0.5, 1)
        canvas.cover(rng, "sand", alpha, 0.08)


def gravel(rng: np.random.Generator, canvas: Canvas) -> None:
    """Loose gravel along the edge and heaps of it for repairs."""
    for at in _places(rng, canvas, 6):
        across = _side(rng) * (canvas.frame.half_m - rng.uniform(-1, 1))
        alpha = _blob(rng, canvas, at, across, rng.uniform(4, 40), rng.uniform(0.6, 2)) * rng.uniform(0.6, 1)
        canvas.cover(rng, "gravel", alpha, 0.12)


def patches(rng: np.random.Generator, canvas: Canvas) -> None:
    """Fresh asphalt over a lane's width; what lies beside it then seems bright."""
    half = canvas.frame.half_m
    for at in _places(rng, canvas, 8):
        alpha = canvas.near.box(at, _side(rng) * half / 2, rng.uniform(4, 60), half * rng.uniform(0.7, 1))
        canvas.cover(rng, "new_asphalt", alpha, 0.03)


def edge_paint(rng: np.random.Generator, canvas: Canvas) -> None:
    """Edge and centre lines painted anew, white or yellow; now and then a hatched yellow band."""
    near, half = canvas.near, canvas.frame.half_m
    for off in (half - 0.4, -(half - 0.4)):
        colour = "yellow_paint" if rng.uniform() < 0.5 else "white_paint"
        canvas.cover(rng, colour, near.band(near.across - off, rng.uniform(0.08, 0.15)) * rng.uniform(0.7, 1), 0.03)
    dashed = (near.along % 15) < 6
    canvas.cover(rng, "yellow_paint", near.band(near.across, 0.1) * (dashed | (rng.uniform() < 0.5)), 0.03)
    if rng.uniform() < 0.3:
        at, side = rng.uniform(0, canvas.frame.length_m), _side(rng)
        hatch = ((near.along + near.across) % 2.0) < 0.6
        alpha = near.box(at, side * (half - 1.2), rng.uniform(15, 40), 1.6)
        canvas.cover(rng, "yellow_paint", alpha * (hatch if near.pixel_m < 0.6 else 0.3), 0.03)


def tree_shadows(rng: np.random.Generator, canvas: Canvas) -> None:
    """Crowns beside the road and their shadows over it."""
    half, side = canvas.frame.half_m, _side(rng)
    reach, slant = rng.uniform(2, 7), rng.uniform(-2, 2)
    crown = "autumn_tree" if rng.uniform() < 0.3 else "tree"
    for at in np.arange(rng.uniform(0, 20), canvas.frame.length_m, rng.uniform(7, 25)):
        r, beside = rng.uniform(1.5, 3.5), half + rng.uniform(1.0, 3.5)
        part = canvas.between(at - 10, at + 10)
        near = part.near
        ragged = 0.5 * mottle(rng, near, 0.8)
        gap = np.hypot(near.along - at - slant, (near.across - side * (beside - reach)) / (1 + reach / 8))
        part.shade(near.soft(r - gap + ragged, 0.4))
        gap = np.hypot(near.along - at, near.across - side * beside)
        part.cover(rng, crown, near.soft(r - gap + ragged), 0.25)


def poles(rng: np.random.Generator, canvas: Canvas) -> None:
    """Thin shadows of poles across the road."""
    near, lean = canvas.near, rng.uniform(-1.5, 1.5)
    for at in np.arange(rng.uniform(0, 30), canvas.frame.length_m, rng.uniform(30, 50)):
        canvas.shade(near.band(near.along - at - lean * near.across, 0.18 * np.hypot(1, lean)))


def dust_fans(rng: np.random.Generator, canvas: Canvas) -> None:
    """Dust and earth that wheels bring from entrances: widest at the edge, thinning into the road."""
    half = canvas.frame.half_m
    for at in _places(rng, canvas, 8):
        side, wide = _side(rng), rng.uniform(2.5, 6)
        part = canvas.between(at - 30, at + 30)
        near = part.near
        inward = half - near.across * side  # 0 at the edge
        spread = wide + 0.6 * np.maximum(inward, 0) * rng.uniform(0.5, 1.5)
        thin = np.clip(1 - inward / rng.uniform(2, canvas.frame.width_m), 0, 1)
        alpha = near.soft(spread - np.abs(near.along - at) + 0.5 * mottle(rng, near, 1.0), 1.0) * thin
        alpha *= (inward > -10) * rng.uniform(0.4, 0.9)
        part.cover(rng, str(rng.choice(["soil", "sand"])), alpha, 0.08)


def straw(rng: np.random.Generator, canvas: Canvas) -> None:
    """Straw strewn thinly over the road and in heaps on its verge."""
    near, half = canvas.near, canvas.frame.half_m
    for at in _places(rng, canvas, 6):
        length, across = rng.uniform(5, 40), rng.uniform(-half, half)
        alpha = _blob(rng, canvas, at, across, length, rng.uniform(1, 4)) * np.clip(
            0.35 + 0.35 * mottle(rng, near, 0.5), 0, 1
        )
        canvas.cover(rng, "straw", alpha, 0.12)
        beside = _side(rng) * (half + rng.uniform(1, 4))
        canvas.cover(rng, "straw", _blob(rng, canvas, at, beside, rng.uniform(3, 20), rng.uniform(1.5, 4)), 0.12)


def mud_tracks(rng: np.random.Generator, canvas: Canvas) -> None:
    """Two tracks of mud of one tractor, from an entrance along a lane, fading."""
    near, half = canvas.near, canvas.frame.half_m
    for at in _places(rng, canvas, 3):
        side, reach = _side(rng), rng.uniform(20, 150)
        middle = side * half / 2 + 0.3 * noise(rng, near.along, 15.0)
        fade = np.clip(1 - (near.along - at) / reach, 0, 1) * (near.along > at)
        alpha = near.band(np.abs(near.across - middle) - 0.9, rng.uniform(0.2, 0.4)) * fade
        canvas.cover(rng, "soil", alpha * rng.uniform(0.6, 1), 0.1)


def tan_roof(rng: np.random.Generator, canvas: Canvas) -> None:
    """A new tan roof, or goods under a tan sheet, hard beside the pavement."""
    for at in _places(rng, canvas, 6):
        wide = rng.uniform(3, 8)
        across = _side(rng) * (canvas.frame.half_m + rng.uniform(0.3, 2) + wide / 2)
        canvas.cover(rng, "tan_roof", canvas.near.box(at, across, rng.uniform(8, 50), wide), 0.03)


def dried_verge(rng: np.random.Generator, canvas: Canvas) -> None:
    """Grass beside the pavement gone dry and yellow, its edge wavering a little over the pavement's."""
    near = canvas.near
    beyond = np.abs(near.across) - canvas.frame.half_m + 0.15 * noise(rng, near.along, 6.0)
    alpha = near.soft(np.minimum(beyond, rng.uniform(1, 4) - beyond) + 0.2 * mottle(rng, near, 1.0))
    canvas.cover(rng, "dry_grass", alpha * rng.uniform(0.6, 1), 0.12)


def low_sun(rng: np.random.Generator, canvas: Canvas) -> None:
    """The smooth road shines towards a low sun: brighter and warmer on a stretch, without an edge."""
    near = canvas.near
    at, reach = rng.uniform(0, canvas.frame.length_m), rng.uniform(30, 120)
    hump = np.exp(-(((near.along - at) / reach) ** 2)) * near.soft(canvas.frame.half_m - np.abs(near.across))
    flat = canvas.image.reshape(-1, 3)
    warm = np.array([1.0, 0.9, 0.75]) * rng.uniform(0.1, 0.45)
    flat[near.flat] = np.clip(flat[near.flat] * (1 + hump[:, None] * warm), 0, 1)


def red_lane(rng: np.random.Generator, canvas: Canvas) -> None:
    """A red lane for bicycles along one edge."""
    width = min(rng.uniform(1.5, 2.5), canvas.frame.half_m)
    off = _side(rng) * (canvas.frame.half_m - 0.3 - width / 2)
    canvas.cover(rng, "red_lane", canvas.near.band(canvas.near.across - off, width / 2), 0.03)


def resurfaced(rng: np.random.Generator, canvas: Canvas) -> None:
    """The whole carriageway laid anew, from somewhere to somewhere: black asphalt, or concrete."""
    near = canvas.near
    low, high = sorted(rng.uniform(-0.3, 1.3, 2) * canvas.frame.length_m)
    alpha = near.soft(canvas.frame.half_m - np.abs(near.across)) * near.soft(
        np.minimum(near.along - low, high - near.along)
    )
    canvas.cover(rng, "new_asphalt" if rng.uniform() < 0.7 else "concrete", alpha, 0.03)


Control = Callable[[np.random.Generator, Canvas], None]
CONTROLS: dict[str, Control] = {
    one.__name__: one
    for one in (resurfaced, patches, red_lane, edge_paint, sand, gravel, dust_fans, straw, mud_tracks, dried_verge, tan_roof,
                low_sun, queue, traffic, tree_shadows, poles)
}  # fmt: skip  # in this order: what lies lower first
OVER_GRAIN = ("queue", "traffic", "tree_shadows", "poles")  # stand or fall over grain; the others lie under it
BOTH_DATES = ("traffic", "tree_shadows", "poles")  # the earlier date of a re-shot picture has others of these
