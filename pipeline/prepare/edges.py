"""Edge fields and how two of them match over shifts; what :mod:`register` is built on.

A field holds four numbers per pixel, float32 (rows, cols, 4): cosine and sine of twice the edge's direction, which do
not change when an edge turns from dark-bright to bright-dark, and cosine and sine of the direction itself, which say
more where it did not. Each pair has length 0 (no edge, no data) to below 1 (strong edge).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_DAMP = 0.3  # an edge of this part of the median strength counts half
_LOBE_PX2 = 12.0  # room that one summit takes
_RIDGE_PX = 4.0  # what is broader in a correlation surface is no summit
_SAMPLED = 4  # medians are taken of every fourth row and column


@dataclass(frozen=True)
class Block:
    """Rows and columns of one voting block."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Peak:
    """The highest point of a correlation surface.

    ``place_px`` (rows, cols) from the middle, to a part of a pixel. ``height``: over the median, in robust standard
    deviations of the surface. ``roundness``: its bend where it bends least over its bend where it bends most; near zero
    on a ridge, which fixes no place along itself. ``summits``: how many summits there was room for where it was
    searched.
    """

    place_px: tuple[float, float]
    height: float
    roundness: float
    summits: float


def blocks(shape: tuple[int, int], side_px: int, inset_px: int = 0) -> list[Block]:
    """The window without its rim cut into blocks of about ``side_px``, at least four each way where it is small."""
    rows, cols = (side - 2 * inset_px for side in shape)
    side = min(side_px, max(32, min(rows, cols) // 4))
    down = np.linspace(inset_px, inset_px + rows, max(1, round(rows / side)) + 1).astype(int)
    across = np.linspace(inset_px, inset_px + cols, max(1, round(cols / side)) + 1).astype(int)
    return [
        Block(int(t), int(b), int(le), int(r))
        for t, b in itertools.pairwise(down)
        for le, r in itertools.pairwise(across)
    ]


def edge_field(bands: Sequence[np.ndarray], smooth_px: float, at_px: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The field of an image (see above), sampled ``at_px`` (rows, cols) beside each pixel's centre.

    Gradients are taken by derivatives of a Gaussian that are sampled where they are needed, so that a field between
    the pixels is as smooth as one on them; resampling the image first would blur it by an amount that depends on the
    shift, and the summit would follow. Bands are added as squared gradients (Di Zenzo 1986) and as gradients, each in
    units of its own mean strength, so gain and offset do not count. Weak edges are damped (Fitch et al. 2002).
    """
    import cv2

    known = np.logical_and.reduce([np.isfinite(band) for band in bands])
    rows, cols = known.shape
    field = np.zeros((rows, cols, 4), np.float32)
    whole = math.floor(at_px[0]), math.floor(at_px[1])
    kernels = _kernels(smooth_px, at_px[0] - whole[0]), _kernels(smooth_px, at_px[1] - whole[1])
    reach = len(kernels[0][0]) // 2
    inner = _eroded(_looked(known.astype(np.uint8), whole, 0), reach)
    if not inner.any():
        return field
    summed: list[np.ndarray] = []  # cosine and sine of the doubled direction, then of the direction
    for band in bands:
        filled = band if known.all() else np.where(known, band, np.float32(np.mean(band[known])))
        filled = _looked(np.ascontiguousarray(filled, np.float32), whole, None)
        dx = cv2.sepFilter2D(filled, cv2.CV_32F, kernels[1][1], kernels[0][0], borderType=cv2.BORDER_REPLICATE)
        dy = cv2.sepFilter2D(filled, cv2.CV_32F, kernels[1][0], kernels[0][1], borderType=cv2.BORDER_REPLICATE)
        scale = math.sqrt(_typical(dx * dx + dy * dy, inner, np.mean))
        if scale > 0:
            np.divide(dx, np.float32(scale), out=dx)
            np.divide(dy, np.float32(scale), out=dy)
            parts = [dx * dx - dy * dy, 2 * dx * dy, dx, dy]
            summed = [cv2.add(one, other) for one, other in zip(summed, parts, strict=True)] if summed else parts
    if not summed:
        return field
    for first, power in ((0, 1), (2, 2)):
        length = cv2.magnitude(summed[first], summed[first + 1])
        squares = length if power == 1 else length * length
        damp = np.float32(_DAMP * (_typical(squares, inner, np.median) or _typical(squares, inner, np.mean)))
        if damp > 0:
            # Both pairs become squares / (squares + damp) long.
            weight = np.where(inner, length ** (power - 1) / (squares + damp), np.float32(0))
            np.multiply(summed[first], weight, out=field[..., first])
            np.multiply(summed[first + 1], weight, out=field[..., first + 1])
    return field


def centred(field: np.ndarray, inset_px: int) -> np.ndarray:
    """The field without its rim and its mean, zero where it was: what is looked for in the other image."""
    out = np.zeros_like(field)
    core = (slice(inset_px, field.shape[0] - inset_px), slice(inset_px, field.shape[1] - inset_px))
    part = field[core]
    held = np.any(part != 0, axis=2, keepdims=True)
    count = int(held.sum())
    if count:
        out[core] = (part - part.sum(axis=(0, 1)) / np.float32(count)) * held
    return out


def textured(field: np.ndarray, block: Block, *, least: float = 0.05) -> bool:
    """Whether a block has edges worth matching: mean squared length of the doubled directions."""
    part = field[block.top : block.bottom, block.left : block.right, :2]
    return bool(np.vdot(part, part) >= least * part.shape[0] * part.shape[1])


def surface(fixed: np.ndarray, moving: np.ndarray, reach_px: int, inset_px: int) -> tuple[np.ndarray, int]:
    """Correlation over all shifts up to ``reach_px`` each way, (2 reach + 1, 2 reach + 1), and the sign of contrast.

    ``fixed`` from :func:`centred` with a rim of ``inset_px`` >= ``reach_px``: each shift is judged by the same pixels
    of it. The surface at (reach + r, reach + c) says how well ``moving``, read r rows south and c cols east, fits. Sign
    -1: edges have turned round between the images, as a whole.
    """
    twice, once = (_correlated(fixed[..., k : k + 2], moving[..., k : k + 2], reach_px, inset_px) for k in (0, 2))
    same, turned = twice + once, twice - once
    return (same, 1) if same.max() >= turned.max() else (turned, -1)


def peak(surface: np.ndarray, within: np.ndarray | None = None) -> Peak:
    """The summit of a surface, searched where ``within`` (bool), and how it stands out.

    Broad ridges (rows of trees, furrows, a road) are taken off first: a summit is sharp.
    """
    import cv2

    sharp = surface - cv2.GaussianBlur(surface, (0, 0), _RIDGE_PX)
    searched = sharp if within is None else np.where(within, sharp, np.float32(-np.inf))
    top = np.unravel_index(int(np.argmax(searched)), sharp.shape)
    middle = float(np.median(sharp))
    spread = 1.4826 * float(np.median(np.abs(sharp - middle))) or math.inf
    place = int(top[0]), int(top[1])
    room = sharp.size if within is None else int(within.sum())
    return Peak(
        _vertices(sharp, place), (float(searched[top]) - middle) / spread, _roundness(surface, place),
        max(1.0, room / _LOBE_PX2),
    )  # fmt: skip


def _roundness(surface: np.ndarray, top: tuple[int, int]) -> float:
    (row, col), (rows, cols) = top, surface.shape
    if not (0 < row < rows - 1 and 0 < col < cols - 1):
        return 0.0
    near = surface[row - 1 : row + 2, col - 1 : col + 2].astype(float)
    down = near[0, 1] - 2 * near[1, 1] + near[2, 1]
    across = near[1, 0] - 2 * near[1, 1] + near[1, 2]
    mixed = (near[0, 0] - near[0, 2] - near[2, 0] + near[2, 2]) / 4
    least, most = sorted(-np.linalg.eigvalsh(np.array([[down, mixed], [mixed, across]])))
    return float(max(least, 0.0) / most) if most > 0 else 0.0


def gathered(fixed: np.ndarray, moving: np.ndarray, where: Sequence[Block], sign: int) -> np.ndarray:
    """Correlation of each block with ``moving`` read at five shifts: none, north, south, west, east; (blocks, 5)."""
    out = np.zeros((len(where), 5))
    turned = moving if sign > 0 else moving * np.array([1, 1, -1, -1], np.float32)
    for row, b in zip(out, where, strict=True):
        part = np.ascontiguousarray(fixed[b.top : b.bottom, b.left : b.right]).ravel()
        for k, (r, c) in enumerate(((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))):
            row[k] = np.dot(part, turned[b.top + r : b.bottom + r, b.left + c : b.right + c].ravel())
    return out


def offset(values: np.ndarray) -> tuple[float, float]:
    """Summit (rows, cols) of the parabolas through five correlations as of :func:`gathered`, at most one pixel off."""
    here, north, south, west, east = (float(v) for v in values)
    return _climbed(north, here, south), _climbed(west, here, east)


def scattered(values: np.ndarray) -> float:
    """Standard error of :func:`offset` of the blocks' sum, px: the delete-one jackknife over ``values`` (blocks, 5).

    Infinite for less than two blocks. It holds what blocks disagree on: change, lean of buildings, terrain.
    """
    count = len(values)
    if count < 2:
        return math.inf
    total = values.sum(axis=0)
    without = np.array([offset(total - one) for one in values])
    return float(np.sqrt((count - 1) / count * ((without - without.mean(axis=0)) ** 2).sum()))


def votes(fixed: np.ndarray, moving: np.ndarray, where: Sequence[Block], reach_px: int) -> np.ndarray:
    """Where each block of ``fixed`` fits ``moving`` best by itself within ``reach_px``, (blocks, 2) rows and cols."""
    import cv2

    out = np.zeros((len(where), 2))
    for row, b in zip(out, where, strict=True):
        area = moving[b.top - reach_px : b.bottom + reach_px, b.left - reach_px : b.right + reach_px, :2]
        part = fixed[b.top : b.bottom, b.left : b.right, :2]
        found = cv2.matchTemplate(np.ascontiguousarray(area), np.ascontiguousarray(part), cv2.TM_CCORR)
        top = np.unravel_index(int(np.argmax(found)), found.shape)
        row[:] = _vertices(found, (int(top[0]), int(top[1])))
    return out


def far_shift(fixed: np.ndarray, moving: np.ndarray) -> tuple[int, int]:
    """Whole-pixel place of ``moving``'s content in ``fixed``'s frame over all shifts up to half the window."""
    from scipy import fft

    spectra = [fft.fft2(field[..., 0] + 1j * field[..., 1]) for field in (fixed, moving)]
    found = fft.ifft2(np.conj(spectra[0]) * spectra[1]).real
    row, col = np.unravel_index(int(np.argmax(found)), found.shape)
    rows, cols = found.shape
    return int(row - rows if row > rows // 2 else row), int(col - cols if col > cols // 2 else col)


def _correlated(fixed: np.ndarray, moving: np.ndarray, reach: int, inset: int) -> np.ndarray:
    from scipy import fft

    rows, cols = fixed.shape[:2]
    inner = fixed[inset : rows - inset, inset : cols - inset]
    rim = inset - reach
    outer = moving[rim : rows - rim, rim : cols - rim]
    size = tuple(fft.next_fast_len(side) for side in outer.shape[:2])
    spectra = [fft.fft2(np.ascontiguousarray(part).view(np.complex64)[..., 0], size) for part in (inner, outer)]
    found = fft.ifft2(np.conj(spectra[0]) * spectra[1]).real[: 2 * reach + 1, : 2 * reach + 1]
    energy = math.sqrt(float(np.vdot(inner, inner)) * float(np.vdot(outer, outer)))
    return found / np.float32(energy) if energy > 0 else found


def _kernels(smooth_px: float, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a Gaussian and of its derivative that look ``fraction`` of a pixel past the middle."""
    reach = math.ceil(3.5 * smooth_px) + 1
    t = np.arange(-reach, reach + 1) - fraction
    bell = np.exp(-t * t / (2 * smooth_px**2))
    slope = t * bell
    return bell / bell.sum(), slope / (slope * t).sum()


def _looked(values: np.ndarray, whole: tuple[int, int], outside: float | None) -> np.ndarray:
    """``values`` read so many whole rows south and cols east; beyond the edge the last one (None) or ``outside``."""
    import cv2

    if whole == (0, 0):
        return values
    rows, cols = values.shape
    matrix = np.array([[1, 0, -whole[1]], [0, 1, -whole[0]]], np.float32)
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        values, matrix, (cols, rows), flags=cv2.INTER_NEAREST, borderMode=border, borderValue=outside or 0
    )


def _eroded(known: np.ndarray, reach: int) -> np.ndarray:
    """Pixels with nothing unknown within ``reach``; what lies outside the window counts as known."""
    import cv2

    if known.all():
        return known.astype(bool)
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.erode(known, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1).astype(bool)


def _typical(values: np.ndarray, where: np.ndarray, of: Callable[[np.ndarray], np.floating]) -> float:
    """Mean or median of the pixels where ``where`` is true, over a sample of them."""
    thin = (slice(None, None, _SAMPLED), slice(None, None, _SAMPLED))
    some = values[thin][where[thin]]
    return float(of(some if some.size else values[where]))


def _vertices(surface: np.ndarray, top: tuple[int, int]) -> tuple[float, float]:
    """Place of a summit from the surface's middle, to a part of a pixel where it has neighbours."""
    (row, col), (rows, cols) = top, surface.shape
    dy = _vertex(*surface[row - 1 : row + 2, col]) if 0 < row < rows - 1 else 0.0
    dx = _vertex(*surface[row, col - 1 : col + 2]) if 0 < col < cols - 1 else 0.0
    return float(row - rows // 2 + dy), float(col - cols // 2 + dx)


def _climbed(before: float, top: float, after: float) -> float:
    """The vertex, or one step up where there is none within a step."""
    if top >= before and top >= after:
        return _vertex(before, top, after)
    return 1.0 if after > before else -1.0


def _vertex(before: float, top: float, after: float) -> float:
    """Place of a parabola's vertex through three points one apart."""
    bend = float(before) - 2 * float(top) + float(after)
    return 0.5 * (float(before) - float(after)) / bend if bend < 0 else 0.0
