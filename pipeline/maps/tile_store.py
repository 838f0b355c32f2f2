"""Tiles that lie on this machine, behind one door; and those in a folder.

They come from outside, so nothing is followed out of the folder, and sizes are looked at before anything is read.
"""

from __future__ import annotations

import io
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from ..errors import ConfigError

TILE_BYTES_MAX = 4_000_000
TILE_PX_MAX = 2048
LEVELS_MAX = 24
_EXTENSIONS = ("png", "jpg", "jpeg", "webp")
_FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}

Tile = tuple[int, int]
"""Column from the west, row from the north."""


class TileStore(ABC):
    """Local tiles; a context manager. Every method raises ConfigError when the file is damaged."""

    levels: range

    @abstractmethod
    def present(self, zoom: int, tiles: Sequence[Tile]) -> list[Tile]:
        """Those of the tiles that are there, in the same order."""

    @abstractmethod
    def body(self, zoom: int, tile: Tile) -> bytes | None:
        """The bytes of a tile; None when there is none, or more than a tile can have."""

    def close(self) -> None:  # noqa: B027  a folder has nothing to close
        """Let go of the file."""

    def __enter__(self) -> TileStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def picture_kind(body: bytes) -> str | None:
    """``png``, ``jpg`` or ``webp`` by what the bytes say, None when they are no such picture of a tile's size."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(body), formats=tuple(_FORMATS)) as picture:  # reads the header only
                width_px, height_px = picture.size
                kind = _FORMATS.get(picture.format or "")
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        return None
    return kind if 0 < width_px <= TILE_PX_MAX and 0 < height_px <= TILE_PX_MAX else None


class FolderStore(TileStore):
    """``<level>/<column>/<row>.png`` and the like."""

    def __init__(self, path: Path, flipped: bool) -> None:
        self._root, self._flipped = path.resolve(), flipped
        self._columns: dict[tuple[int, int], dict[int, str]] = {}
        found = sorted(int(name) for name in _names(self._root) if _is_number(name) and int(name) <= LEVELS_MAX)
        if not found:
            raise ConfigError(f"{path} holds no levels; tiles lie in it as <level>/<column>/<row>.png, .jpg or .webp")
        self.levels = range(found[0], found[-1] + 1)

    def present(self, zoom: int, tiles: Sequence[Tile]) -> list[Tile]:
        """Those of the tiles that have a file."""
        return [tile for tile in tiles if self._name(zoom, tile) is not None]

    def body(self, zoom: int, tile: Tile) -> bytes | None:
        """The file's bytes; ConfigError when a link leads out of the folder."""
        name = self._name(zoom, tile)
        if name is None:
            return None
        path = self._root / str(zoom) / str(tile[0]) / name
        try:
            real = path.resolve(strict=True)
            if not real.is_relative_to(self._root):
                raise ConfigError(f"{path} is a link that leads out of the folder; put the tile itself there")
            if not real.is_file() or real.stat().st_size > TILE_BYTES_MAX:
                return None
            with real.open("rb") as file:
                return file.read(TILE_BYTES_MAX)
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}; mend or remove it") from error

    def _name(self, zoom: int, tile: Tile) -> str | None:
        column, row = tile
        known = self._columns.get((zoom, column))
        if known is None:
            known = self._columns[zoom, column] = self._rows(self._root / str(zoom) / str(column))
        return known.get(2**zoom - 1 - row if self._flipped else row)

    def _rows(self, folder: Path) -> dict[int, str]:
        if not folder.is_dir():
            return {}
        if not folder.resolve().is_relative_to(self._root):
            raise ConfigError(f"{folder} is a link that leads out of the folder; put the tiles themselves there")
        rows: dict[int, str] = {}
        for name in _names(folder):
            stem, _, extension = name.rpartition(".")
            if extension.lower() in _EXTENSIONS and _is_number(stem):
                rows.setdefault(int(stem), name)
        return rows


def _names(folder: Path) -> Iterable[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and str(int(text)) == text
