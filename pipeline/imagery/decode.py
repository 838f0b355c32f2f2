"""Blocks of files as arrays: decoded once, though neighbouring tiles of the road look at the same ones."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..tiff.facts import Facts
from ..tiff.origin import FarFile, LocalFile
from ..tiff.spans import Span
from .blocks import Touched, spans_of
from .windows import Window

_KEPT_BYTES = 96 << 20
_LARGEST_SIDE_PX = 2048  # a larger block is not kept: a strip across a whole scene would push out all others


@dataclass(frozen=True)
class Job:
    """One read: of which level and bands, which pixel window (None: they do not meet), which blocks of it.

    ``corner``: row and column of the file at the grid's north-west corner where both share one lattice, else None.
    """

    facts: Facts
    level: int | None
    corner: tuple[int, int] | None
    window: Window | None
    blocks: Touched
    indexes: tuple[int, ...]

    @property
    def whole_blocks(self) -> Window:
        """The window widened to whole blocks, within the picture."""
        row, col, rows, cols = self.window or (0, 0, 0, 0)
        high, wide = self.facts.block_shape
        top, left = row // high * high, col // wide * wide
        bottom = min(-(-(row + rows) // high) * high, self.facts.height)
        right = min(-(-(col + cols) // wide) * wide, self.facts.width)
        return top, left, bottom - top, right - left


@dataclass(frozen=True)
class _Block:
    """Numbers as stored (bands, rows, cols), and where they are data by mask or alpha (None: everywhere)."""

    numbers: np.ndarray
    known: np.ndarray | None

    @property
    def size(self) -> int:
        return self.numbers.nbytes + (0 if self.known is None else self.known.nbytes)


class _Kept:
    """The blocks used last, up to a size in bytes; shared by the threads of a process."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._size = limit_bytes, 0
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[object, ...], _Block] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> _Block | None:
        with self._lock:
            block = self._blocks.get(key)
            if block is not None:
                self._blocks.move_to_end(key)
            return block

    def put(self, key: tuple[object, ...], block: _Block) -> None:
        with self._lock:
            if (old := self._blocks.pop(key, None)) is not None:
                self._size -= old.size
            self._blocks[key] = block
            self._size += block.size
            while self._size > self._limit:
                self._size -= self._blocks.popitem(last=False)[1].size


    def clear(self) -> None:
        with self._lock:
            self._blocks.clear()
            self._size = 0


_kept = _Kept(_KEPT_BYTES)


def forget_decoded() -> None:
    """Drop the blocks that this process keeps in memory."""
    _kept.clear()


def numbers_of(
    origin: LocalFile | FarFile, job: Job, nodata: float | None, ahead: Iterable[Touched] = ()
) -> np.ndarray:
    """The job's window, float32 (bands, rows, cols), NaN where no block is read and where there is no data.

    ``ahead``: blocks that a far file is asked for along with those that are missing. rasterio's errors where a block
    cannot be decoded; of a far file it is forgotten then, so that another try fetches it anew.
    """
    row, col, rows, cols = job.window or (0, 0, 0, 0)
    blocks = {place: _kept.get(_key(origin, job, place)) for place in _places(job)}
    missing = [place for place, block in blocks.items() if block is None]
    if missing:
        blocks |= _decoded(origin, job, missing, ahead)
    high, wide = job.facts.block_shape
    numbers = np.zeros((len(job.indexes), rows, cols), job.facts.dtype)
    known = np.zeros((rows, cols), bool)
    for (y, x), block in blocks.items():
        if block is None:  # cannot be: what was missing has been decoded
            continue
        top, left = max(y * high, row), max(x * wide, col)
        bottom = min(y * high + block.numbers.shape[1], row + rows)
        right = min(x * wide + block.numbers.shape[2], col + cols)
        there = slice(top - row, bottom - row), slice(left - col, right - col)
        own = slice(top - y * high, bottom - y * high), slice(left - x * wide, right - x * wide)
        numbers[:, there[0], there[1]] = block.numbers[:, own[0], own[1]]
        known[there] = True if block.known is None else block.known[own]
    return _floats(numbers, known, nodata if nodata is not None else job.facts.nodata)


def _places(job: Job) -> list[tuple[int, int]]:
    """(row, col) of the blocks that are read, in blocks."""
    if job.window is None:
        return []
    row, col, rows, cols = job.window
    high, wide = job.facts.block_shape
    top, left = row // high, col // wide
    part = job.blocks.mask[top : -(-(row + rows) // high), left : -(-(col + cols) // wide)]
    return [(int(y) + top, int(x) + left) for y, x in zip(*np.nonzero(part), strict=True)]


def _key(origin: LocalFile | FarFile, job: Job, place: tuple[int, int]) -> tuple[object, ...]:
    return origin.version, job.level, job.indexes, place


def _decoded(
    origin: LocalFile | FarFile, job: Job, places: Sequence[tuple[int, int]], ahead: Iterable[Touched]
) -> dict[tuple[int, int], _Block | None]:
    """Blocks fetched if need be, decoded and kept."""
    from rasterio.errors import RasterioError

    mask = np.zeros_like(job.blocks.mask)
    mask[tuple(np.transpose(places))] = True
    missing = replace(job.blocks, mask=mask)
    wanted: list[Span] = []
    later: list[Span] = []
    if isinstance(origin, FarFile):
        layout, whole = origin.layout(), (0, 0, job.facts.height, job.facts.width)
        wanted = spans_of(layout, job.facts, missing, job.whole_blocks, job.indexes)
        if not all(map(origin.file.cached, wanted)):
            later = [span for some in ahead for span in spans_of(layout, job.facts, some, whole, job.indexes)]
    found: dict[tuple[int, int], _Block | None] = {}
    high, wide = job.facts.block_shape
    small = max(high, wide) <= _LARGEST_SIDE_PX
    try:
        with origin.opened(job.level, wanted, later) as source:
            for top, left, rows, cols in missing.runs(*job.whole_blocks):
                run = _read(source, job, (top, left, rows, cols))
                for y in range(top // high, -(-(top + rows) // high)):
                    for x in range(left // wide, -(-(left + cols) // wide)):
                        block = _cut(run, y * high - top, x * wide - left, high, wide)
                        found[y, x] = block
                        if small:
                            _kept.put(_key(origin, job, (y, x)), block)
    except RasterioError:
        if isinstance(origin, FarFile):
            origin.file.forget(wanted)  # damaged on the way or in the cache
        raise
    return found


def _read(source: object, job: Job, window: Window) -> _Block:
    """A window (row, col, rows, cols) of an open file."""
    from rasterio.windows import Window as View

    row, col, rows, cols = window
    view = View(col, row, cols, rows)
    numbers = source.read(list(job.indexes), window=view)  # type: ignore[attr-defined]
    if not job.facts.mask:
        return _Block(numbers, None)
    return _Block(numbers, source.read_masks(job.indexes[0], window=view) != 0)  # type: ignore[attr-defined]


def _cut(run: _Block, row: int, col: int, rows: int, cols: int) -> _Block:
    """One block out of a run of them, as arrays of its own."""
    part = slice(row, row + rows), slice(col, col + cols)
    known = None if run.known is None else run.known[part].copy()
    return _Block(run.numbers[:, part[0], part[1]].copy(), known)


def _floats(numbers: np.ndarray, known: np.ndarray, nodata: float | None) -> np.ndarray:
    """Numbers as float32, NaN where they are not known, not finite, or the no-data value in all bands."""
    pixels = numbers.astype(np.float32)
    empty = ~known
    if numbers.dtype.kind == "f":
        finite = np.isfinite(pixels)
        empty |= ~finite.any(axis=0)
        if nodata is not None and not math.isnan(nodata):
            empty |= (~finite | (pixels == np.float32(nodata))).all(axis=0)
        pixels[~finite] = np.nan
    elif nodata is not None and not math.isnan(nodata):
        limits = np.iinfo(numbers.dtype)
        if float(nodata).is_integer() and limits.min <= nodata <= limits.max:
            empty |= (numbers == numbers.dtype.type(int(nodata))).all(axis=0)
    if empty.any():
        pixels[:, empty] = np.nan
    return pixels
