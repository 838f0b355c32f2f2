"""Random fields that are functions of position alone, so that sheets agree without knowing each other."""

from __future__ import annotations

import zlib

import numpy as np

from ..model.grid import Grid

_UNIT_STD = 3.15  # a quadratic B-spline over uniform [-1, 1] lattice values has standard deviation 0.3175


def stream(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for every purpose, so that switching one thing leaves all others as they were."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])


def key(seed: int, *names: object) -> int:
    """A 32-bit key for ``hashed`` and ``field`` from a seed and a purpose."""
    return zlib.crc32("/".join(map(str, (seed, *names))).encode())


def hashed(ix: np.ndarray, iy: np.ndarray, salt: int) -> np.ndarray:
    """uint32 that looks random, from integer coordinates (broadcast against each other); finaliser of MurmurHash3."""
    a = np.asarray(ix).astype(np.int64).astype(np.uint32) * np.uint32(0x9E3779B1)
    b = np.asarray(iy).astype(np.int64).astype(np.uint32) * np.uint32(0x85EBCA77)
    h = (a ^ np.uint32(salt & 0xFFFFFFFF)) + (b ^ (b >> np.uint32(15)))
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def unit(h: np.ndarray) -> np.ndarray:
    """Hashes as float32 in [0, 1)."""
    return (h >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def _taps(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    base = np.floor(position + 0.5)
    f = position - base
    weights = np.stack([0.5 * (0.5 - f) ** 2, 0.75 - f**2, 0.5 * (0.5 + f) ** 2]).astype(np.float32)
    return base.astype(np.int64), weights


def field(grid: Grid, cell_m: float, salt: int) -> np.ndarray:
    """Smooth noise, (rows, cols) float32 of about mean 0 and standard deviation 1, with features of ``cell_m`` metres.

    Quadratic B-spline over a hashed lattice (value noise): the value depends on position only. Zero where the pixels
    are coarser than the features, which they average out.
    """
    if cell_m < 1.5 * grid.pixel_m:
        return np.zeros(grid.shape, np.float32)
    rows, wy = _taps(grid.y_m / cell_m)
    cols, wx = _taps(grid.x_m / cell_m)
    iy = np.arange(rows.min() - 1, rows.max() + 2)
    ix = np.arange(cols.min() - 1, cols.max() + 2)
    lattice = (unit(hashed(ix[None, :], iy[:, None], salt)) * np.float32(2) - np.float32(1)) * np.float32(_UNIT_STD)
    at = rows - iy[0]
    across = sum(wy[k][:, None] * lattice[at + (k - 1)] for k in range(3))
    at = cols - ix[0]
    out = np.take(across, at - 1, axis=1) * wx[0]
    for k in (1, 2):
        out += np.take(across, at + (k - 1), axis=1) * wx[k]
    return out


def fractal(grid: Grid, cells_m: tuple[float, ...], salt: int, *, fall: float = 0.6) -> np.ndarray:
    """Sum of ``field`` over several cell sizes, each ``fall`` times as strong as the one before; unit variance."""
    out = np.zeros(grid.shape, np.float32)
    total = 0.0
    for step, cell_m in enumerate(cells_m):
        weight = fall**step
        out += np.float32(weight) * field(grid, cell_m, salt + 7919 * step)
        total += weight**2
    return out / np.float32(np.sqrt(total))


def grain(grid: Grid, salt: int) -> np.ndarray:
    """Noise without correlation, one value a pixel, near normal, unit variance."""
    ix = np.round(grid.x_m / grid.pixel_m - 0.5)
    iy = np.round(grid.y_m / grid.pixel_m - 0.5)
    h = hashed(ix[None, :], iy[:, None], salt)
    low = (h & np.uint32(0xFFFF)).astype(np.float32)
    high = (h >> np.uint32(16)).astype(np.float32)
    return (low + high - np.float32(65535.0)) * np.float32(2.449489743 / 65535.0)
