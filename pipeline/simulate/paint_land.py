"""Fields: blocks between dirt lanes, cut into narrow strips, each with its crop and its place in the season."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from ..model.grid import Grid
from .noise import hashed, key, unit
from .paint import Canvas, Textures
from .roads import ORIGIN_M
from .spectra import STATES, field_states, spectrum
from .trees import BLOCK_M, FIELD_ANGLE_DEG


@dataclass(frozen=True)
class Parcels:
    """The mosaic of fields in a window, the same at every date.

    ``number``: uint32 that looks random, one per parcel; ``across_m``: distance across the drill rows, m;
    ``lane``, ``ridge``: share of each pixel under dirt lanes between blocks and ridges between strips.
    """

    number: np.ndarray
    across_m: np.ndarray
    lane: np.ndarray
    ridge: np.ndarray


def parcels(grid: Grid, tex: Textures) -> Parcels:
    """The mosaic in a window, from position alone."""
    c, s = np.cos(np.deg2rad(FIELD_ANGLE_DEG)), np.sin(np.deg2rad(FIELD_ANGLE_DEG))
    x = (grid.x_m - ORIGIN_M[0])[None, :]
    y = (grid.y_m - ORIGIN_M[1])[:, None]
    u = (c * x + s * y).astype(np.float32) + np.float32(3.0) * tex.warp
    v = (-s * x + c * y).astype(np.float32) + np.float32(2.5) * tex.warp
    wide, deep = BLOCK_M
    salt = key(tex.seed, "blocks")
    row = np.floor(v / deep).astype(np.int32)
    rows = np.arange(row.min(), row.max() + 1)
    u -= (unit(hashed(rows, 0 * rows, salt)) * np.float32(wide))[row - rows[0]]
    column = np.floor(u / wide).astype(np.int32)
    columns = np.arange(column.min(), column.max() + 1)
    a, b = u - column * np.float32(wide), v - row * np.float32(deep)
    block = (row - rows[0]) * len(columns) + (column - columns[0])
    facts = _blocks(rows, columns, salt)
    turn = facts["turn"][block]
    along = np.where(turn, a, b)
    t = np.where(turn, b, a)
    size_along = np.where(turn, np.float32(wide), np.float32(deep))
    number, ridge_m = _strips(t, along / size_along, facts, block, salt)
    edge = np.minimum(np.minimum(a, wide - a), np.minimum(b, deep - b))
    pixel = np.float32(grid.pixel_m)
    lane = np.clip((facts["lane"][block] - edge) / pixel + 0.5, 0, 1)
    # A ridge is narrower than most pixels: its share shrinks with the pixel.
    ridge = np.clip(0.5 + (np.float32(0.22) - ridge_m) / pixel, 0, 1) * np.minimum(1.0, 0.5 / pixel)
    return Parcels(number, t, lane.astype(np.float32), ridge.astype(np.float32))


def _blocks(rows: np.ndarray, columns: np.ndarray, salt: int) -> dict[str, np.ndarray]:
    """Facts of each block of a window, arrays over row-major block numbers."""
    iy, ix = (part.ravel() for part in np.meshgrid(rows, columns, indexing="ij"))
    pick = [unit(hashed(ix, iy, salt + k)) for k in range(1, 5)]
    strip = np.where(pick[1] < 0.75, 7.0 + 22.0 * pick[2], 30.0 + 40.0 * pick[2])
    return {
        "id": hashed(ix, iy, salt + 9),
        "turn": pick[0] < 0.35,
        "strip": strip.astype(np.float32),
        "cut": (0.3 + 0.4 * pick[3]).astype(np.float32),
        "lane": np.where(pick[3] > 0.3, 1.7, 0.8).astype(np.float32),
    }


def _strips(
    t: np.ndarray, share: np.ndarray, facts: dict[str, np.ndarray], block: np.ndarray, salt: int
) -> tuple[np.ndarray, np.ndarray]:
    """Number of each pixel's parcel, and distance to the next ridge, m."""
    width = facts["strip"][block]
    k = np.floor(t / width).astype(np.int32)
    most = int(k.max()) + 3
    n = np.arange(most)
    # Ridges waver round even spacing: table of their places by block and strip.
    jitter = unit(hashed(n[None, :], facts["id"][:, None], salt + 21))
    place = (n[None, :] + 0.55 * (jitter - 0.5)) * facts["strip"][:, None]
    place[:, 0] = 0.0
    place = place.astype(np.float32).ravel()
    flat = block * most + k
    k = k - (t < place[flat]) + (t >= place[flat + 1])
    flat = block * most + np.clip(k, 0, most - 2)
    half = (share > facts["cut"][block]) & (facts["id"][block] & np.uint32(1)).astype(bool)
    number = hashed(k * 2 + half, facts["id"][block].view(np.int32), salt + 33)
    return number, np.minimum(t - place[flat], place[flat + 1] - t)


def paint_fields(canvas: Canvas, land: Parcels, day: dt.date, follow: float, first: dt.date) -> None:
    """Cover the canvas with fields as on ``day``; a share ``1 - follow`` of the parcels stays as on ``first``."""
    tex = canvas.tex
    rank = (land.number & np.uint32(0xFFFF)).astype(np.uint16)
    table = field_states(day)
    still = field_states(first)
    calendar = unit(hashed(np.arange(65536), np.zeros(1), key(tex.seed, "calendar"))) < follow
    state = np.where(calendar, table, still)[rank]
    ends = np.stack([[spectrum(cover), spectrum(ground)] for cover, ground, *_ in STATES])
    mean, spread, rows = (np.array([s[k] for s in STATES], np.float32)[state] for k in (2, 3, 4))
    high = (land.number >> np.uint32(16)).astype(np.float32) * np.float32(1 / 65536)
    spacing = np.float32(max(2.4, 3.2 * canvas.grid.pixel_m))
    drill = np.sin(land.across_m * np.float32(2 * np.pi) / spacing) * rows
    cover = mean + spread * (0.55 * tex.land + 0.40 * tex.patchy + 1.5 * (high - 0.5)) + drill
    cover = np.clip(cover + 0.06 * tex.fine, 0.02, 1.0)[..., None]
    image = canvas.image
    np.take(ends[:, 1], state, axis=0, out=image)
    image += cover * (ends[:, 0][state] - image)
    light = 1.0 + 0.16 * (((land.number >> np.uint32(7)) & np.uint32(255)).astype(np.float32) / 255 - 0.5)
    light += 0.05 * tex.patchy + 0.055 * tex.fine
    image *= light[..., None]
    everything = (slice(None), slice(None))
    canvas.blend(everything, land.ridge * 0.55, spectrum("grass_dry"))
    wheel = 1.0 + 0.10 * tex.patchy + 0.05 * tex.fine
    canvas.blend(
        everything,
        land.lane * np.clip(0.74 + 0.22 * tex.patchy + 0.08 * tex.land, 0, 1),
        np.float32(0.9) * spectrum("dirt") * wheel[..., None],
    )
