"""Edge-direction fields and how well blocks of two of them match; what :mod:`register` is built on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Block:
    """Rows and columns of one voting block."""

    top: int
    bottom: int
    left: int
    right: int


def blocks(shape: tuple[int, int], side_px: int) -> list[Block]:
    """The window cut into blocks of about ``side_px``, at least four each way where the window is small."""
    rows, cols = shape
    side = min(side_px, max(32, min(rows, cols) // 4))
    down = np.linspace(0, rows, max(1, round(rows / side)) + 1).astype(int)
    across = np.linspace(0, cols, max(1, round(cols / side)) + 1).astype(int)
    return [
        Block(int(t), int(b), int(le), int(r))
        for t, b in itertools.pairwise(down)
        for le, r in itertools.pairwise(across)
    ]


def edge_field(bands: Sequence[np.ndarray], smooth_px: float) -> np.ndarray:
    """Edge directions of an image, float32 (rows, cols, 2), length 0 (no edge, no data) to below 1 (strong edge).

    The two numbers are cosine and sine of twice the direction, which does not change when an edge turns from
    dark-bright to bright-dark. Bands are added as squared gradients (Di Zenzo 1986), each in units of its own mean,
    so gain and offset do not count.
    """
    import cv2

    known = np.logical_and.reduce([np.isfinite(band) for band in bands])
    rows, cols = known.shape
    total = np.zeros((rows, cols, 2), np.float32)
    if not known.any():
        return total
    reach = math.ceil(3 * smooth_px) + 1
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    inner = known if known.all() else cv2.erode(known.astype(np.uint8), kernel, borderValue=1).astype(bool)
    if not inner.any():
        return total
    for band in bands:
        filled = band if known.all() else np.where(known, band, np.float32(np.mean(band[known])))
        smooth = cv2.GaussianBlur(np.ascontiguousarray(filled, np.float32), (0, 0), smooth_px)
        across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3)
        down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3)
        strength = across * across + down * down
        scale = float(np.mean(strength[inner]))
        if scale > 0:
            total[..., 0] += (across * across - down * down) / np.float32(scale)
            total[..., 1] += 2 * across * down / np.float32(scale)
    length = cv2.magnitude(total[..., 0], total[..., 1])
    length[~inner] = 0
    typical = float(np.median(length[inner])) or float(np.mean(length[inner]))
    if typical == 0:
        return np.zeros_like(total)
    total *= np.where(inner, 1 / (length + np.float32(typical)), np.float32(0))[..., None]
    return total


def textured(field: np.ndarray, block: Block, *, least: float = 0.05) -> bool:
    """Whether a block has edges worth matching: mean squared length of the field."""
    part = field[block.top : block.bottom, block.left : block.right]
    return bool(np.mean(np.sum(part * part, axis=2)) >= least)


def surfaces(fixed: np.ndarray, moving: np.ndarray, where: Sequence[Block], reach_px: int) -> np.ndarray:
    """Correlation of each block of ``fixed`` with ``moving`` displaced, (blocks, 2 reach + 1, 2 reach + 1)."""
    import cv2

    reach = reach_px
    wide = cv2.copyMakeBorder(moving, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    out = np.zeros((len(where), 2 * reach + 1, 2 * reach + 1), np.float32)
    for surface, b in zip(out, where, strict=True):
        area = np.ascontiguousarray(wide[b.top : b.bottom + 2 * reach, b.left : b.right + 2 * reach])
        surface[...] = cv2.matchTemplate(
            area, np.ascontiguousarray(fixed[b.top : b.bottom, b.left : b.right]), cv2.TM_CCOEFF_NORMED
        )
    out[~np.isfinite(out)] = 0
    return out


def summit(surface: np.ndarray) -> tuple[float, float]:
    """Place of the highest point relative to the middle (rows, cols), to a part of a pixel by parabolas through it."""
    row, col = np.unravel_index(int(np.argmax(surface)), surface.shape)
    rows, cols = surface.shape
    dy = _vertex(*surface[row - 1 : row + 2, col]) if 0 < row < rows - 1 else 0.0
    dx = _vertex(*surface[row, col - 1 : col + 2]) if 0 < col < cols - 1 else 0.0
    return float(row - rows // 2 + dy), float(col - cols // 2 + dx)


def prominence(surface: np.ndarray) -> float:
    """Height of the highest point over the median, in robust standard deviations of the surface."""
    middle = float(np.median(surface))
    spread = 1.4826 * float(np.median(np.abs(surface - middle)))
    return (float(surface.max()) - middle) / spread if spread > 0 else 0.0


def far_shift(fixed: np.ndarray, moving: np.ndarray) -> tuple[int, int]:
    """Whole-pixel place of ``moving``'s content in ``fixed``'s frame over all shifts up to half the window."""
    from scipy import fft

    f = fft.fft2(fixed[..., 0] + 1j * fixed[..., 1])
    m = fft.fft2(moving[..., 0] + 1j * moving[..., 1])
    surface = fft.ifft2(np.conj(f) * m).real
    row, col = np.unravel_index(int(np.argmax(surface)), surface.shape)
    rows, cols = surface.shape
    return int(row - rows if row > rows // 2 else row), int(col - cols if col > cols // 2 else col)


def _vertex(before: float, top: float, after: float) -> float:
    """Place of a parabola's vertex through three points one apart."""
    bend = float(before) - 2 * float(top) + float(after)
    return 0.5 * (float(before) - float(after)) / bend if bend < 0 else 0.0
