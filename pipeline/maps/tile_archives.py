"""Archives of tiles: MBTiles and PMTiles. A database is opened for reading only, what is packed is unpacked up to a bound."""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .tile_store import LEVELS_MAX, TILE_BYTES_MAX, Tile, TileStore

DIRECTORY_BYTES_MAX = 4_000_000
_STEPS = 1_000_000  # of SQLite's machine, between two looks at how many there were
_MOST_STEPS = 3_000
_TOO_LONG = re.compile(rb"[\x80-\xff]{10}")


class MbtilesStore(TileStore):
    """An SQLite file after the MBTiles specification; its rows count from the south."""

    def __init__(self, path: Path) -> None:
        self._path, self._steps = path, 0
        self._file = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            self._file.set_progress_handler(self._too_long, _STEPS)
            self._ask("PRAGMA trusted_schema = OFF")
            self._check_format()
            found = self._ask("SELECT MIN(zoom_level), MAX(zoom_level) FROM tiles")[0]
            if not all(isinstance(zoom, int) and 0 <= zoom <= LEVELS_MAX for zoom in found):
                raise ConfigError(f"{path} holds no tiles; make it anew")
            self.levels = range(found[0], found[1] + 1)
        except BaseException:
            self._file.close()
            raise

    def present(self, zoom: int, tiles: Sequence[Tile]) -> list[Tile]:
        """Those of the tiles that have a row, asked column by column."""
        asked: dict[int, list[int]] = {}
        for column, row in tiles:
            asked.setdefault(column, []).append(2**zoom - 1 - row)
        query = "SELECT tile_row FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row BETWEEN ? AND ?"
        known = {
            column: {
                2**zoom - 1 - row
                for (row,) in self._ask(query, zoom, column, min(rows), max(rows))
                if isinstance(row, int)
            }
            for column, rows in asked.items()
        }
        return [(column, row) for column, row in tiles if row in known[column]]

    def body(self, zoom: int, tile: Tile) -> bytes | None:
        """The bytes of a row, once their length is known."""
        column, row = tile
        place = "FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ? LIMIT 1"
        at = (zoom, column, 2**zoom - 1 - row)
        size = self._ask(f"SELECT LENGTH(tile_data), TYPEOF(tile_data) {place}", *at)
        if not size or size[0][1] != "blob" or size[0][0] > TILE_BYTES_MAX:
            return None
        (body,) = self._ask(f"SELECT tile_data {place}", *at)[0]
        return bytes(body)

    def close(self) -> None:
        """Close the database."""
        self._file.close()

    def _check_format(self) -> None:
        try:
            told = self._ask("SELECT value FROM metadata WHERE name = 'format'")
        except ConfigError:
            told = []  # the pictures themselves say what they are
        form = str(told[0][0]).lower() if told else ""
        if form in ("pbf", "mvt"):
            raise ConfigError(
                f"{self._path} holds vector tiles ({form}); give an MBTiles file of pictures (png, jpg, webp)"
            )

    def _ask(self, query: str, *given: int) -> list[Any]:
        self._steps = 0
        try:
            with closing(self._file.execute(query, given)) as cursor:
                return cursor.fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise ConfigError(f"{self._path} cannot be read as MBTiles: {error}; make it anew") from error

    def _too_long(self) -> bool:
        self._steps += 1
        return self._steps > _MOST_STEPS


class PmtilesStore(TileStore):
    """A PMTiles archive, version 3."""

    def __init__(self, path: Path) -> None:
        from pmtiles import tile

        self._path, self._format = path, tile
        self._size = path.stat().st_size
        self._file = path.open("rb")
        try:
            self._head = self._header()
        except BaseException:
            self._file.close()
            raise
        self._directories: dict[tuple[int, int], list[Any]] = {}
        self.levels = range(self._head["min_zoom"], min(self._head["max_zoom"], LEVELS_MAX) + 1)

    def present(self, zoom: int, tiles: Sequence[Tile]) -> list[Tile]:
        """Those of the tiles that a directory knows."""
        return [tile for tile in tiles if self._entry(zoom, tile) is not None]

    def body(self, zoom: int, tile: Tile) -> bytes | None:
        """The bytes of a tile, once their length is known."""
        entry = self._entry(zoom, tile)
        if entry is None or not 0 < entry.length <= TILE_BYTES_MAX:
            return None
        return self._read(self._head["tile_data_offset"] + entry.offset, entry.length)

    def close(self) -> None:
        """Close the archive."""
        self._file.close()

    def _header(self) -> Any:
        try:
            head = self._format.deserialize_header(self._read(0, 127))
        except (self._format.MagicNumberNotFound, self._format.SpecVersionUnsupported, ValueError) as error:
            raise ConfigError(f"{self._path} is no PMTiles archive of version 3; make it anew") from error
        kinds, kind = self._format.TileType, head["tile_type"]
        if kind not in (kinds.PNG, kinds.JPEG, kinds.WEBP):
            said = "vector tiles" if kind.name in ("MVT", "MLT") else f"tiles of type {kind.name}"
            raise ConfigError(f"{self._path} holds {said}; give a PMTiles archive of pictures (png, jpeg, webp)")
        if head["internal_compression"] != self._format.Compression.GZIP:
            raise ConfigError(
                f"{self._path}: its directories are not packed with gzip; make it anew with pmtiles convert"
            )
        return head

    def _entry(self, zoom: int, tile: Tile) -> Any:
        number = self._format.zxy_to_tileid(zoom, *tile)
        offset, length = self._head["root_offset"], self._head["root_length"]
        for _ in range(4):  # as deep as the format allows
            entry = self._format.find_tile(self._directory(offset, length), number)
            if entry is None or entry.run_length > 0:
                return entry
            offset, length = self._head["leaf_directory_offset"] + entry.offset, entry.length
        raise ConfigError(f"{self._path}: its directories lead nowhere; make it anew")

    def _directory(self, offset: int, length: int) -> list[Any]:
        known = self._directories.get((offset, length))
        if known is None:
            packed = self._read(offset, length)
            try:
                _bounded(packed)
                known = self._format.deserialize_directory(packed)
            except (ValueError, EOFError, OSError, zlib.error) as error:
                raise ConfigError(f"{self._path}: a directory in it is damaged: {error}; make it anew") from error
            self._directories[offset, length] = known
        return known

    def _read(self, offset: int, length: int) -> bytes:
        if length > DIRECTORY_BYTES_MAX or offset + length > self._size:
            raise ConfigError(f"{self._path} is cut short or damaged; copy it anew")
        self._file.seek(offset)
        return self._file.read(length)


def _bounded(packed: bytes) -> None:
    """ValueError where gzip unpacks to more than a directory can have, or holds numbers longer than one can be."""
    unpacker = zlib.decompressobj(wbits=31)
    body = unpacker.decompress(packed, DIRECTORY_BYTES_MAX + 1)
    if len(body) > DIRECTORY_BYTES_MAX or not unpacker.eof or unpacker.unused_data:
        raise ValueError("it unpacks to more than a directory can hold")
    if _TOO_LONG.search(body):
        raise ValueError("it holds numbers of more than 64 bits")
