"""Statistics by which a new roof is told from everything else, for every region of the image after, in both images.

Each statistic has no unit or is in metres, and is relative to its window where haze, season or sensor move it, so that
one set of weights holds for white warehouses and for brown cottages. Names ending in ``_before`` are taken in the image
before over the same pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np

from .comparison import Pair
from .objects import Borders, Regions

_OUT_PX = 3  # how far from the outline the surroundings are sampled: past the mixed pixels
_CLEAR = 0.06  # contrast (Lab / 100) with what lies outside, from which an outline is plain to see
_EPS = 1e-6
_SIDES = {"east": (1.0, 0.0), "south": (0.0, 1.0), "west": (-1.0, 0.0), "north": (0.0, -1.0)}


def _outline_values(pair: Pair, b: Borders, shape: tuple[int, int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Values per pixel edge as seen from its two sides, for ``Regions.outline_sums``."""
    rows, cols = shape
    one, ones = b.first, np.ones(b.first.size)
    row, col = np.divmod(one, cols)
    down, right = np.where(b.horizontal, 0, 1), np.where(b.horizontal, 1, 0)

    def at(steps: int) -> np.ndarray:
        return np.clip(row + steps * down, 0, rows - 1) * cols + np.clip(col + steps * right, 0, cols - 1)

    near, far = at(1 - _OUT_PX), at(_OUT_PX)
    out: dict[str, tuple[np.ndarray, np.ndarray]] = {"length": (ones, ones)}

    def both(name: str, value: np.ndarray) -> None:
        out[name] = (value, value)

    for tag, epoch in (("", pair.after), ("_before", pair.before)):
        wide = epoch.edge if tag == "" else cv2.dilate(epoch.edge, np.ones((3, 3), np.uint8))
        along = np.maximum(wide.ravel()[one], wide.ravel()[b.second])
        both("edge" + tag, np.minimum(along, 8))
        both("strong" + tag, (along > 1.5).astype(float))
        lab = epoch.lab.reshape(-1, 3)
        step = lab[far] - lab[near]
        contrast = np.sqrt(np.einsum("ij,ij->i", step, step))
        both("contrast" + tag, contrast)
        if tag == "":
            plain = (contrast > _CLEAR).astype(float)
        out["darker_out" + tag] = (-step[:, 0], step[:, 0])
        green = epoch.green.ravel()
        out["green_out" + tag] = (green[far], green[near])
    ax, ay, bx, by = (s.ravel()[one] for s in (*pair.after.slope, *pair.before.slope))
    power = ax * ax + ay * ay
    both("same_edge", (ax * bx + ay * by) / np.maximum(np.maximum(power, bx * bx + by * by), 1e-8))
    both("square_cos", (ax**4 - 6 * ax**2 * ay**2 + ay**4) / np.maximum(power, 1e-12) ** 1.5)
    both("square_sin", 4 * (ax**3 * ay - ax * ay**3) / np.maximum(power, 1e-12) ** 1.5)
    both("power", np.sqrt(power))
    dark = cv2.dilate(pair.after.shadow.astype(np.uint8), np.ones((3, 3), np.uint8)).ravel().astype(float)
    for name, one_side, two_side in (("east", 1, 0), ("west", 0, 1)):
        h, v = b.horizontal * 1.0, ~b.horizontal * 1.0
        other = "south" if name == "east" else "north"
        out[name], out[other] = (h * one_side, h * two_side), (v * one_side, v * two_side)
        out[name + "_clear"], out[other + "_clear"] = (
            (h * plain * one_side, h * plain * two_side),
            (
                v * plain * one_side,
                v * plain * two_side,
            ),
        )
        lit, unlit = dark[far] * one_side, dark[near] * two_side
        out[name + "_dark"], out[other + "_dark"] = (h * lit, h * unlit), (v * lit, v * unlit)
    return out


def _pixel_images(pair: Pair) -> dict[str, np.ndarray]:
    """Images whose sums over a region give its means and spreads."""
    rows, cols = pair.seen.shape
    row, col = np.mgrid[:rows, :cols].astype(np.float64)
    a, b = pair.after, pair.before
    images = {"area": np.ones((rows, cols)), "row": row, "col": col}
    images |= {"row2": row * row, "col2": col * col, "rowcol": row * col}
    for tag, epoch in (("", a), ("_before", b)):
        for k, channel in enumerate("lab"):
            images[channel + tag] = epoch.lab[..., k]
            images[channel + "2" + tag] = epoch.lab[..., k] ** 2
        images |= {"green" + tag: epoch.green, "rough" + tag: epoch.rough, "shadow" + tag: epoch.shadow}
        images["inner_edge" + tag] = np.minimum(epoch.edge, 8)
    return images | {"change": pair.change, "likeness": pair.likeness}


def measure(pair: Pair, regions: Regions, pixel_m: float) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Statistics of every node by name, and the sides of its outline for ``shadow_side``; arrays (nodes,)."""
    s = regions.sums(_pixel_images(pair))
    o = regions.outline_sums(_outline_values(pair, regions.borders, pair.seen.shape))
    n = s["area"]
    length = np.maximum(o["length"], 1)
    mean = {name: total / n for name, total in s.items()}
    out = _shape(mean, n, regions.extent(), length, pixel_m)
    for tag in ("", "_before"):
        spread = sum(np.maximum(mean[c + "2" + tag] - mean[c + tag] ** 2, 0) for c in "lab")
        out["spread" + tag] = np.sqrt(spread)
        out |= {k + tag: mean[k + tag] for k in ("green", "rough", "shadow", "inner_edge", "l", "a", "b")}
        out["chroma" + tag] = np.hypot(mean["a" + tag], mean["b" + tag])
        out |= {k + tag: o[k + tag] / length for k in ("edge", "strong", "contrast", "darker_out", "green_out")}
    usual = np.median(pair.change[pair.seen])
    shift = [mean[c] - mean[c + "_before"] for c in "lab"]
    out["change"] = mean["change"]
    out["change_rank"] = np.log((mean["change"] + 0.01) / (usual + 0.01))
    out["lighter"] = shift[0]
    out["recoloured"] = np.hypot(shift[1], shift[2])
    out["likeness"] = mean["likeness"]
    out["same_edge"] = o["same_edge"] / length
    out["squareness"] = np.hypot(o["square_cos"], o["square_sin"]) / np.maximum(o["power"], _EPS)
    out["weakest_side"] = np.minimum.reduce([_share(o, side, length) for side in _SIDES])
    parent = regions.tree.parent
    up = np.where(parent >= 0, parent, np.arange(parent.size))
    out["stability"] = np.minimum(np.log(n[up] / n), 4.0)
    return out, {name: o[name] for name in o if name.split("_")[0] in ("east", "west", "south", "north")}


def _share(o: Mapping[str, np.ndarray], side: str, length: np.ndarray) -> np.ndarray:
    """Share of one side of the outline that is plain to see; 1 for a side too short to matter."""
    return np.where(o[side] > 0.1 * length, o[side + "_clear"] / np.maximum(o[side], 1), 1.0)


def _shape(
    mean: Mapping[str, np.ndarray], n: np.ndarray, extent: np.ndarray, length: np.ndarray, pixel_m: float
) -> dict[str, np.ndarray]:
    """Size and shape from area, second moments, bounding box and outline length."""
    var_row = np.maximum(mean["row2"] - mean["row"] ** 2, 0) + 1 / 12
    var_col = np.maximum(mean["col2"] - mean["col"] ** 2, 0) + 1 / 12
    cross = mean["rowcol"] - mean["row"] * mean["col"]
    middle, half = (var_row + var_col) / 2, np.hypot((var_row - var_col) / 2, cross)
    major, minor = middle + half, np.maximum(middle - half, 1 / 12)
    box_px = 2 * (extent[:, 1] - extent[:, 0] + extent[:, 3] - extent[:, 2] + 2)
    return {
        "area_m2": n * pixel_m**2,
        "width_m": np.sqrt(12 * minor) * pixel_m,
        "length_m": np.sqrt(12 * major) * pixel_m,
        "elongation": np.sqrt(major / minor),
        "fullness": n / (12 * np.sqrt(major * minor)),
        "convexity": box_px / np.maximum(length, 1),
    }


def shadow_side(sides: Mapping[str, np.ndarray], away: tuple[float, float]) -> np.ndarray:
    """Share, 0..1, of the outline facing ``away`` (unit vector col, row: where shadows fall) with shadow beside it."""
    facing = {name: max(0.0, v[0] * away[0] + v[1] * away[1]) for name, v in _SIDES.items()}
    whole = sum(w * sides[name] for name, w in facing.items())
    return np.asarray(sum(w * sides[name + "_dark"] for name, w in facing.items()) / np.maximum(whole, 1.0))


def shadow_direction(sides: Mapping[str, np.ndarray], weight: np.ndarray) -> tuple[float, float]:
    """Where shadows fall, unit vector (col, row): the mean dark side of the likely roofs (``weight``, (nodes,))."""
    lengths = sum(sides[name] for name in _SIDES)
    share = {name: sides[name + "_dark"] / np.maximum(lengths, 1) for name in _SIDES}
    x = float((weight * (share["east"] - share["west"])).sum())
    y = float((weight * (share["south"] - share["north"])).sum())
    norm = math.hypot(x, y)
    return (x / norm, y / norm) if norm > 0 else (0.0, -1.0)


def likely_roof(stats: Mapping[str, np.ndarray]) -> np.ndarray:
    """A rough weight (nodes,) of full, sharply bounded, leafless regions: enough to see on which side shadows lie."""

    def ramp(name: str, low: float, high: float) -> np.ndarray:
        return np.clip((stats[name] - low) / (high - low), 0, 1)

    size = np.where((stats["area_m2"] > 25) & (stats["area_m2"] < 5000), np.sqrt(stats["area_m2"]), 0)
    shape = ramp("fullness", 0.7, 0.9) * ramp("convexity", 0.5, 0.8) * ramp("edge", 1, 3)
    return size * shape * ramp("green", 0.6, 0.2) * ramp("shadow", 0.5, 0.2)


def add_shade(stats: dict[str, np.ndarray], sides: Mapping[str, np.ndarray], away: tuple[float, float]) -> None:
    """Add to ``stats``: the shares of the outline in shadow on the side ``away`` from the sun and on the sunny side."""
    stats["shade"] = shadow_side(sides, away)
    stats["shade_sun"] = shadow_side(sides, (-away[0], -away[1]))


def shadow_from_sun(azimuth_deg: float) -> tuple[float, float]:
    """Where shadows fall, unit vector (col, row), for the sun's azimuth clockwise from north, of a north-up image."""
    turned = math.radians(azimuth_deg)
    return -math.sin(turned), math.cos(turned)
