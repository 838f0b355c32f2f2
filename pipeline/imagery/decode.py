"""Blocks of files as arrays: decoded once, though neighbouring tiles of the road look at the same ones."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..tiff.facts import Facts
from ..tiff.origin import FarFile, LocalFile
from ..tiff.spans import Span
from .blocks import Touched, spans_of
from .windows import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_KEPT_BYTES = 128 << 20
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


class _Kept:
    """The blocks used last, up to a size in bytes; shared by the threads of a process."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._size = limit_bytes, 0
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[object, ...], np.ndarray] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> np.ndarray | None:
        with self._lock:
            block = self._blocks.get(key)
            if block is not None:
                self._blocks.move_to_end(key)
            return block

    def put(self, key: tuple[object, ...], block: np.ndarray) -> None:
        with self._lock:
            if (old := self._blocks.pop(key, None)) is not None:
                self._size -= old.nbytes
            self._blocks[key] = block
            self._size += block.nbytes
            while self._size > self._limit:
                self._size -= self._blocks.popitem(last=False)[1].nbytes

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
    value = nodata if nodata is not None else job.facts.nodata
    stem = origin.version, job.level, job.indexes, None if value is None or math.isnan(value) else value
    blocks = {place: block for place in _places(job) if (block := _kept.get((*stem, place))) is not None}
    missing = [place for place in _places(job) if place not in blocks]
    if missing:
        for place, block in _decoded(origin, job, value, missing, ahead):
            blocks[place] = block
            if max(job.facts.block_shape) <= _LARGEST_SIDE_PX:
                _kept.put((*stem, place), block)
    high, wide = job.facts.block_shape
    numbers = np.full((len(job.indexes), rows, cols), np.nan, np.float32)
    for (y, x), block in blocks.items():
        top, left = max(y * high, row), max(x * wide, col)
        bottom, right = min(y * high + block.shape[1], row + rows), min(x * wide + block.shape[2], col + cols)
        part = block[:, top - y * high : bottom - y * high, left - x * wide : right - x * wide]
        numbers[:, top - row : bottom - row, left - col : right - col] = part
    return numbers


def _places(job: Job) -> list[tuple[int, int]]:
    """(row, col) of the blocks that are read, in blocks."""
    if job.window is None:
        return []
    row, col, rows, cols = job.window
    high, wide = job.facts.block_shape
    top, left = row // high, col // wide
    part = job.blocks.mask[top : -(-(row + rows) // high), left : -(-(col + cols) // wide)]
    return [(int(y) + top, int(x) + left) for y, x in zip(*np.nonzero(part), strict=True)]


def _decoded(
    origin: LocalFile | FarFile,
    job: Job,
    nodata: float | None,
    places: Sequence[tuple[int, int]],
    ahead: Iterable[Touched],
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Blocks, fetched if need be and decoded: place and float32 (bands, rows, cols)."""
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
    high, wide = job.facts.block_shape
    try:
        with origin.opened(job.level, wanted, later) as source:
            for top, left, rows, cols in missing.runs(*job.whole_blocks):
                run = _read(source, job, (top, left, rows, cols), nodata)
                for y in range(top // high, -(-(top + rows) // high)):
                    for x in range(left // wide, -(-(left + cols) // wide)):
                        here = y * high - top, x * wide - left
                        # A copy: a view would keep the whole run in memory.
                        yield (y, x), run[:, here[0] : here[0] + high, here[1] : here[1] + wide].copy()
    except RasterioError:
        if isinstance(origin, FarFile):
            origin.file.forget(wanted)  # damaged on the way or in the cache
        raise


def _read(source: DatasetReader, job: Job, window: Window, nodata: float | None) -> np.ndarray:
    """A window (row, col, rows, cols) of an open file, NaN where it holds no data."""
    from rasterio.windows import Window as View

    row, col, rows, cols = window
    view = View(col, row, cols, rows)
    numbers = source.read(list(job.indexes), window=view)
    empty = np.zeros((rows, cols), bool)
    if job.facts.mask:
        empty = source.read_masks(job.indexes[0], window=view) == 0
    pixels = numbers.astype(np.float32)
    if numbers.dtype.kind == "f":
        finite = np.isfinite(pixels)
        no_data = ~finite if nodata is None else ~finite | (pixels == np.float32(nodata))
        empty |= no_data.all(axis=0)
        np.copyto(pixels, np.float32(np.nan), where=~finite)
    elif nodata is not None and float(nodata).is_integer() and _fits(nodata, numbers.dtype):
        empty |= (numbers == numbers.dtype.type(int(nodata))).all(axis=0)
    if empty.any():
        np.copyto(pixels, np.float32(np.nan), where=empty)
    return pixels


def _fits(value: float, dtype: np.dtype) -> bool:
    return bool(np.iinfo(dtype).min <= value <= np.iinfo(dtype).max)
