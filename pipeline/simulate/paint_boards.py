"""Billboards as a camera above sees them: a thin top, a face where the view is slanted, posts, and a long shadow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .camera import Shot
from .noise import hashed, unit
from .paint import Canvas, cast, tint
from .spectra import spectrum
from .things import Thing

_POLE_M, _MAST_M, _POST_M, _FOOTING_M = 1.2, 0.45, 0.35, 3.0
_POSTS_AT = (-0.35, 0.35)  # places of two posts along the panel, as shares of its length from its middle
_TOPS = ("galvanised", "galvanised", "print_white", "tile_grey", "roof_dark")  # frames seen from above


def _corners(thing: Thing) -> np.ndarray:
    """Corners of the panel over the ground, a long side first."""
    return np.asarray(thing.shape.exterior.coords)[:4]


def _square(centre: np.ndarray, size_m: float) -> np.ndarray:
    return centre + np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (size_m / 2)


def feet(thing: Thing) -> list[np.ndarray]:
    """Outlines of pole, mast or posts on the ground."""
    xy = _corners(thing)
    centre, along = xy.mean(axis=0), xy[1] - xy[0]
    if thing.roof != "posts":
        return [_square(centre, _POLE_M if thing.roof == "pole" else _MAST_M)]
    return [_square(centre + along * share, _POST_M) for share in _POSTS_AT]


def board_shadows(thing: Thing, shot: Shot) -> list[np.ndarray]:
    """Outlines of the shadows of the panel and of what it stands on."""
    panel = cast(_corners(thing) + thing.base_m * shot.shadow, (thing.height_m - thing.base_m) * shot.shadow)
    return [panel, *(cast(foot, thing.base_m * shot.shadow) for foot in feet(thing))]


def paint_footings(canvas: Canvas, things: Sequence[Thing]) -> None:
    """Slabs of concrete round the poles."""
    for thing in things:
        if thing.roof == "pole":
            slab = _square(_corners(thing).mean(axis=0), _FOOTING_M)
            canvas.fill(slab, spectrum("concrete") * np.float32(0.9), rough=0.06, patchy=0.08)


def paint_boards(canvas: Canvas, things: Sequence[Thing], shot: Shot) -> None:
    """Posts, the face that the camera sees, and the top; above everything else, since they overtop trees."""
    for thing in things:
        for foot in feet(thing):
            canvas.fill(cast(foot, thing.base_m * shot.lean), spectrum("galvanised") * np.float32(0.8), rough=0.03)
        _face(canvas, thing, shot)
        canvas.fill(_corners(thing) + thing.height_m * shot.lean, _top(thing), rough=0.03)


def _face(canvas: Canvas, thing: Thing, shot: Shot) -> None:
    """The printed face that looks towards the camera, a field of another colour in its middle."""
    xy = _corners(thing)
    low, high = thing.base_m * shot.lean, thing.height_m * shot.lean
    outward = xy[0] - xy[3]
    outward = outward / np.hypot(*outward)
    if outward @ shot.lean > 0:  # this side looks away from the camera
        outward, xy = -outward, np.roll(xy, 2, axis=0)
    light = np.float32(min(shot.light(90.0, outward), 1.5))
    canvas.fill(cast(xy + low, high - low), tint(thing) * light, rough=0.03)
    a, b = xy[0], xy[1]
    inner = [
        a + (b - a) * share + low + (high - low) * up for share, up in ((0.2, 0.3), (0.8, 0.3), (0.8, 0.7), (0.2, 0.7))
    ]
    other = "print_white" if thing.look != "print_white" else "print_red"
    canvas.fill(np.array(inner), spectrum(other) * light * np.float32(0.85), rough=0.03)


def _top(thing: Thing) -> np.ndarray:
    x, y = _corners(thing).mean(axis=0)
    chance = float(unit(hashed(np.array([round(10 * x)]), np.array([round(10 * y)]), 311))[0])
    return spectrum(_TOPS[int(chance * len(_TOPS))])
