"""How well two edge fields (see :mod:`edge_fields`) match over shifts; what :mod:`measure` is built on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_LOBE_PX2 = 12.0  # room that one summit takes
_RIDGE_PX = 4.0  # what is broader in a correlation surface is no summit


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


def textured(field: np.ndarray, block: Block, *, least: float = 0.05) -> bool:
    """Whether a block has edges worth matching: mean squared length of the doubled directions."""
    part = np.ascontiguousarray(field[:2, block.top : block.bottom, block.left : block.right])
    return bool(np.vdot(part, part) >= least * part[0].size)


@dataclass(frozen=True)
class Template:
    """What is looked for in other images: a field from :func:`edge_fields.centred`, without data in a rim of ``reach_px``.

    Its spectra are made once, however many images are held against it.
    """

    field: np.ndarray
    reach_px: int

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the spectra's images; nothing wraps round for shifts within reach."""
        from scipy import fft

        rows, cols = (fft.next_fast_len(side, real=True) for side in self.field.shape[1:])
        return rows, cols

    @cached_property
    def spectra(self) -> np.ndarray:
        """Conjugate spectra of the four parts, complex64 (4, rows, cols // 2 + 1), the first row behind the rim."""
        from scipy import fft

        rim = self.reach_px
        inner = self.field[:, rim : self.field.shape[1] - rim, rim : self.field.shape[2] - rim]
        spectra = fft.rfft2(inner, self.size)
        return np.asarray(np.conj(spectra, out=spectra))

    @cached_property
    def energies(self) -> tuple[float, float]:
        """Squares of both pairs, summed."""
        return _energies(self.field)


def surface(fixed: Template, moving: np.ndarray) -> tuple[np.ndarray, int]:
    """Correlation over all shifts up to the template's reach, (2 reach + 1, 2 reach + 1), and the sign of contrast.

    Each shift is judged by the same pixels of ``fixed``. The surface at (reach + r, reach + c) says how well ``moving``, read
    r rows south and c cols east, fits. Sign -1: edges have turned round between the images, as a whole.
    """
    from scipy import fft

    rows, cols = fixed.size
    side = 2 * fixed.reach_px + 1
    product = fft.rfft2(moving, (rows, cols))
    product *= fixed.spectra
    found = []
    for pair, own, other in zip((product[:2], product[2:]), fixed.energies, _energies(moving), strict=True):
        # Of the inverse only the shifts in reach are wanted: few rows, and of these few columns.
        near = fft.irfft(fft.ifft(pair[0] + pair[1], axis=0)[:side], cols, axis=1)[:, :side]
        energy = math.sqrt(own * other)
        found.append(near / np.float32(energy) if energy > 0 else near)
    same, turned = found[0] + found[1], found[0] - found[1]
    return (same, 1) if same.max() >= turned.max() else (turned, -1)


def _energies(field: np.ndarray) -> tuple[float, float]:
    return float(np.vdot(field[:2], field[:2])), float(np.vdot(field[2:], field[2:]))


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
    signs = np.array([1, 1, sign, sign], np.float32)[:, None, None]
    for row, b in zip(out, where, strict=True):
        part = (fixed[:, b.top : b.bottom, b.left : b.right] * signs).ravel()
        for k, (r, c) in enumerate(((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))):
            row[k] = np.dot(part, moving[:, b.top + r : b.bottom + r, b.left + c : b.right + c].ravel())
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
        area = moving[:2, b.top - reach_px : b.bottom + reach_px, b.left - reach_px : b.right + reach_px]
        part = fixed[:2, b.top : b.bottom, b.left : b.right]
        found = cv2.matchTemplate(cv2.merge(list(area)), cv2.merge(list(part)), cv2.TM_CCORR)
        top = np.unravel_index(int(np.argmax(found)), found.shape)
        row[:] = _vertices(found, (int(top[0]), int(top[1])))
    return out


def far_shift(fixed: np.ndarray, moving: np.ndarray) -> tuple[int, int]:
    """Whole-pixel place of ``moving``'s content in ``fixed``'s frame over all shifts up to half the window."""
    from scipy import fft

    spectra = [fft.fft2(field[0] + 1j * field[1]) for field in (fixed, moving)]
    found = fft.ifft2(np.conj(spectra[0]) * spectra[1]).real
    row, col = np.unravel_index(int(np.argmax(found)), found.shape)
    rows, cols = found.shape
    return int(row - rows if row > rows // 2 else row), int(col - cols if col > cols // 2 else col)


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
