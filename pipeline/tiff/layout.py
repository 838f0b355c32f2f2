"""How the bytes of a TIFF lie: its pictures (full, overviews, masks), their blocks, and what belongs to its header.

Parsed by tifffile from the first kilobytes, wherever the file is; blocks themselves are decoded by GDAL.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_FIRST = 32 << 10  # the whole header of most COGs in one request
_PAGE = 4096  # GDAL reads tables of blocks by such pages; one that began in a hole would be all zero, blocks left out
_MOST = 64 << 20
_MOST_PICTURES = 64
_MASK, _REDUCED = 4, 1


@dataclass(frozen=True)
class Picture:
    """One picture of a file: its size, the size of its blocks, and where they lie.

    ``offsets``, ``counts``: int64 (planes, block rows, block cols), bytes from the start of the file; count 0: the block
    is left out of the file and holds no data. ``planes``: 1 where the bands of a pixel lie together.
    """

    rows: int
    cols: int
    block_rows: int
    block_cols: int
    offsets: np.ndarray
    counts: np.ndarray
    is_mask: bool


@dataclass(frozen=True)
class Layout:
    """A TIFF: its size in bytes, its pictures in the order of the file, and the parts (start, bytes) of its header."""

    size: int
    pictures: tuple[Picture, ...]
    header: tuple[tuple[int, bytes], ...]

    def of_shape(self, rows: int, cols: int) -> list[Picture]:
        """The picture of that size, and its mask if it has one; ValueError if there is none."""
        found = [picture for picture in self.pictures if (picture.rows, picture.cols) == (rows, cols)]
        if not any(not picture.is_mask for picture in found):
            raise ValueError(f"the file has no picture of {rows} x {cols} px; it is damaged")
        return found


def layout_of(read: Callable[[int, int], bytes], size: int) -> Layout:
    """The layout of a file of ``size`` bytes that ``read(start, stop)`` gives parts of.

    Only what the header holds is read, in few large steps. ValueError when it is no TIFF or its header makes no sense.
    """
    from tifffile import TiffFile, TiffFileError

    source = _Sparse(read, size)
    try:
        with TiffFile(source) as tiff:  # type: ignore[arg-type]
            pictures: list[Picture] = []
            for page in tiff.pages:
                if len(pictures) >= _MOST_PICTURES:
                    raise ValueError(f"the file has more than {_MOST_PICTURES} pictures; is it one image?")
                for tag in page.tags:  # type: ignore[union-attr]
                    _ = tag.value  # long values are read when asked for; GDAL will want them
                pictures.append(_picture(page, size))
    except (TiffFileError, KeyError, IndexError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise ValueError(f"its header cannot be read as TIFF ({type(error).__name__}: {error})") from error
    if not pictures:
        raise ValueError("the file holds no picture")
    return Layout(size, tuple(pictures), tuple(sorted(source.parts)))


def _picture(page: object, size: int) -> Picture:
    rows, cols = int(page.imagelength), int(page.imagewidth)  # type: ignore[attr-defined]
    tiled = bool(page.is_tiled)  # type: ignore[attr-defined]
    block_rows = int(page.tilelength if tiled else min(page.rowsperstrip, rows))  # type: ignore[attr-defined]
    block_cols = int(page.tilewidth) if tiled else cols  # type: ignore[attr-defined]
    if min(rows, cols, block_rows, block_cols) <= 0:
        raise ValueError("a picture in it has no size; it is damaged")
    separate = int(page.planarconfig) == 2  # type: ignore[attr-defined]
    planes = int(page.samplesperpixel) if separate else 1  # type: ignore[attr-defined]
    shape = planes, -(-rows // block_rows), -(-cols // block_cols)
    offsets = np.asarray(page.dataoffsets, np.int64)  # type: ignore[attr-defined]
    counts = np.asarray(page.databytecounts, np.int64)  # type: ignore[attr-defined]
    if len(offsets) != int(np.prod(shape)) or len(counts) != len(offsets):
        raise ValueError(f"its header tells of {len(offsets)} blocks where {int(np.prod(shape))} are; it is damaged")
    if (offsets < 0).any() or (counts < 0).any() or (offsets + counts > size).any():
        raise ValueError("its header points past the end of the file; it was cut off when it was made or copied")
    is_mask = bool(int(page.subfiletype) & _MASK)  # type: ignore[attr-defined]
    return Picture(rows, cols, block_rows, block_cols, offsets.reshape(shape), counts.reshape(shape), is_mask)


class _Sparse(io.RawIOBase):
    """A file that fetches what is read of it: the start in steps that double, other places by the piece."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._read, self._size, self._at = read, size, 0
        self.parts: list[tuple[int, bytes]] = []

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        data = self._part(self._at, stop)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _part(self, start: int, stop: int) -> bytes:
        for number, (begin, data) in enumerate(self.parts):
            if begin <= start < begin + len(data):
                if stop > begin + len(data):
                    more = self._fetched(begin + len(data), max(stop, begin + 2 * len(data)))
                    self.parts[number] = begin, data + more
                    return (data + more)[start - begin : stop - begin]
                return data[start - begin : stop - begin]
        page = start - start % _PAGE
        first = max([page, *(b + len(d) for b, d in self.parts if b <= page < b + len(d))])
        data = self._fetched(first, max(stop, start + _FIRST))
        self.parts.append((first, data))
        return data[start - first : stop - first]

    def _fetched(self, start: int, stop: int) -> bytes:
        if sum(len(data) for _, data in self.parts) + stop - start > _MOST:
            raise ValueError(f"its header is larger than {_MOST >> 20} MiB; rewrite it as a COG")
        return self._read(start, min(stop, self._size))
