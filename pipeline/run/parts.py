"""Results of tiles on disk: a journal that is synced line by line, gathered into GeoParquet parts in road order.

A result is safe once ``add`` returns: it stands in the journal with a checksum. A few hundred of them become a part: one
GeoParquet file each for candidates, stretches and sightings, and last a manifest that makes the part count. A journal that
broke off in a line, a part with a file that is missing or damaged: those results are made again, nothing else is.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from ..errors import WorkspaceError
from ..files import atomic, write_bytes
from ..model.tables import CANDIDATES, SIGHTINGS
from .coverage import COLUMNS
from .inputs import Inputs
from .job import TileResult

TABLES = ("candidates", "stretches", "sightings")
Key = tuple[str, str]  # tile id, look
_COLUMNS: Mapping[str, Sequence[str]] = {
    "candidates": tuple(CANDIDATES.columns),
    "stretches": tuple(COLUMNS),
    "sightings": (*SIGHTINGS.columns, "detector_version"),
}
_DAYS = ("last_absent", "first_seen", "confirmed_on", "gone_on", "day")
_PER_PART = 256
_IN_JOURNAL = -1
_FORM = 1  # of the lines; results written in another form are made again


@dataclass(frozen=True, slots=True)
class Kept:
    """A result on disk: what it follows from, its facts as JSON, its failure, and the part that its tables lie in."""

    inputs: Inputs
    facts: bytes
    failure: Mapping[str, Any] | None
    part: int


class Parts:
    """The results under a folder. One process writes them (the run's folder is held); others read, with ``mend`` false."""

    def __init__(self, folder: Path, epsg: int, *, mend: bool = True) -> None:
        self._folder, self._epsg, self._mend = folder, epsg, mend
        self._kept: dict[Key, Kept] = {}
        self._journal: dict[Key, Mapping[str, Any]] = {}
        self._last = 0
        for manifest in sorted(folder.glob("part-*.jsonl")):
            self._last = max(self._last, number := int(manifest.stem.removeprefix("part-")))
            self._read_part(number)
        self._read_journal()

    def __iter__(self) -> Iterator[Key]:
        """Keys of all results, whatever inputs they follow from."""
        return iter(list(self._kept))

    def get(self, key: Key) -> Kept | None:
        """The result kept under a key, of whatever inputs."""
        return self._kept.get(key)

    def add(self, result: TileResult, inputs: Inputs, look: str = "") -> None:
        """Keep a result, in place of an older one; it is on the disk when this returns.

        A failed tile is kept too, to be listed, and is tried again by the next run.
        """
        key, facts = (result.tile_id, look), json.dumps(result.facts, ensure_ascii=False)
        line = {
            "form": _FORM,
            "key": key,
            "inputs": inputs.told(),
            "facts": facts,
            "failure": result.failure,
            **{name: _rows(getattr(result, name), _COLUMNS[name]) for name in TABLES},
        }
        self._append(_line(line))
        self._journal[key] = line
        self._kept[key] = Kept(inputs, facts.encode(), result.failure, _IN_JOURNAL)
        if len(self._journal) >= _PER_PART:
            self.gather()

    def gather(self) -> None:
        """Make a part of what stands in the journal."""
        if not self._journal:
            return
        self._last += 1
        frames = {name: [_frame(line[name], name, self._epsg) for line in self._journal.values()] for name in TABLES}
        frames = {name: [_keyed(*pair) for pair in zip(frames[name], self._journal, strict=True)] for name in TABLES}
        lines = {key: {name: line[name] for name in _HEAD} for key, line in self._journal.items()}
        self._write(self._last, {name: _stack(some) for name, some in frames.items()}, lines)
        self._journal.clear()
        write_bytes(self._journal_file, b"")

    def table(self, name: str, keys: Collection[Key]) -> Iterator[gpd.GeoDataFrame]:
        """A table of these results, part by part; empty parts are left out."""
        wanted: dict[int, set[Key]] = {}
        for key in keys:
            wanted.setdefault(self._kept[key].part, set()).add(key)
        for part in sorted(wanted):
            if part == _IN_JOURNAL:
                some = [_frame(self._journal[key][name], name, self._epsg) for key in sorted(wanted[part])]
                frame = _stack([one for one in some if len(one)])
            else:
                frame = self._of_part(part, name, wanted[part])
            if frame is not None and len(frame):
                yield frame

    def forget(self, keep: Collection[Key] = ()) -> None:
        """Delete all results but those under the keys; a part goes with the last result that is wanted of it."""
        kept = set(keep)
        if not kept:
            self._kept.clear()
            self._journal.clear()
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        self.gather()
        held = {self._kept[key].part for key in kept if key in self._kept}
        stale = [key for key in self._kept if key not in kept]
        for key in stale:
            del self._kept[key]
        for part in {int(path.stem.removeprefix("part-")) for path in self._folder.glob("part-*.jsonl")} - held:
            self._discard(part)
        for old in self._folder.iterdir():
            if old.is_dir():  # as earlier versions kept them
                shutil.rmtree(old, ignore_errors=True)

    @property
    def _journal_file(self) -> Path:
        return self._folder / "journal.jsonl"

    def _file(self, part: int, name: str) -> Path:
        return self._folder / f"part-{part:06d}.{name}.parquet"

    def _manifest(self, part: int) -> Path:
        return self._folder / f"part-{part:06d}.jsonl"

    def _append(self, line: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._journal_file.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise WorkspaceError(
                f"{self._journal_file}: cannot be written: {error.strerror}; free space or rights are missing. The same"
                " command goes on where it stopped"
            ) from error

    def _write(self, part: int, tables: Mapping[str, gpd.GeoDataFrame], lines: Mapping[Key, Any]) -> None:
        sums = {}
        for name, frame in tables.items():
            path = self._file(part, name)
            if frame is None:
                path.unlink(missing_ok=True)  # of a write that was cut off
                continue
            with atomic(path) as scratch:
                frame.to_parquet(scratch)
            sums[name] = _sum(path)
        body = b"".join([_line({"form": _FORM, "files": sums}), *map(_line, lines.values())])
        write_bytes(self._manifest(part), body)
        for key in lines:
            old = self._kept[key]
            self._kept[key] = Kept(old.inputs, old.facts, old.failure, part)

    def _read_part(self, part: int) -> None:
        """Take a part's results into the index, or discard what is damaged of it."""
        lines = list(_lines(self._manifest(part)))
        whole = bool(lines) and "files" in lines[0]
        if not whole or any(_sum(self._file(part, name)) != tuple(told) for name, told in lines[0]["files"].items()):
            if self._mend:
                self._discard(part)
            return
        for line in lines[1:]:
            self._take(line, part)

    def _read_journal(self) -> None:
        whole = 0
        for line in _lines(self._journal_file):
            whole += line.pop("_bytes")
            self._take(line, _IN_JOURNAL)
            self._journal[line["key"][0], line["key"][1]] = line
        if self._mend and self._journal_file.is_file() and whole != self._journal_file.stat().st_size:
            os.truncate(self._journal_file, whole)  # what broke off would hide all that is written after it

    def _take(self, line: Mapping[str, Any], part: int) -> None:
        tile_id, look = line["key"]
        self._kept[tile_id, look] = Kept(Inputs(*line["inputs"]), line["facts"].encode(), line["failure"], part)

    def _of_part(self, part: int, name: str, keys: set[Key]) -> gpd.GeoDataFrame | None:
        path = self._file(part, name)
        if not path.is_file():
            return None
        # Small files: one thread is enough, and a pool that may not grow would be waited for without end.
        frame = gpd.read_parquet(path, use_threads=False, pre_buffer=False)
        mine = [key in keys for key in zip(frame["_tile"], frame["_look"], strict=True)]
        return frame[mine].drop(columns=["_tile", "_look"]).reset_index(drop=True)

    def _discard(self, part: int) -> None:
        for path in (self._manifest(part), *(self._file(part, name) for name in TABLES)):
            path.unlink(missing_ok=True)


_HEAD = ("form", "key", "inputs", "facts", "failure")


def _line(data: Mapping[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines of a file in today's form, up to the first that is not, each with its ``_bytes``."""
    try:
        with path.open("rb") as file:
            for line in file:
                told, _, text = line.rstrip(b"\n").partition(b" ")
                if not line.endswith(b"\n") or told != b"%08x" % zlib.crc32(text):
                    return
                data = json.loads(text)
                if data.get("form") != _FORM:
                    return
                yield data | {"_bytes": len(line)}
    except (OSError, ValueError):
        return


def _sum(path: Path) -> tuple[int, int]:
    """Size and checksum of a file; of none (-1, 0)."""
    try:
        data = path.read_bytes()
    except OSError:
        return (-1, 0)
    return (len(data), zlib.crc32(data))


def _keyed(frame: gpd.GeoDataFrame, key: Key) -> gpd.GeoDataFrame:
    return frame.assign(_tile=key[0], _look=key[1])


def _stack(frames: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame | None:
    full = [frame for frame in frames if len(frame)]
    return gpd.GeoDataFrame(pd.concat(full, ignore_index=True), crs=full[0].crs) if full else None


def _rows(frame: gpd.GeoDataFrame, columns: Sequence[str]) -> list[list[Any]]:
    if not len(frame):
        return []
    shapes = shapely.to_wkb(frame.geometry.array, hex=True)
    values = frame[list(columns)].astype(object).to_numpy().tolist()
    return [[*(_plain(value) for value in row), shape] for row, shape in zip(values, shapes, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _frame(rows: Sequence[Sequence[Any]], name: str, epsg: int) -> gpd.GeoDataFrame:
    shapes = gpd.GeoSeries(shapely.from_wkb([row[-1] for row in rows]), crs=epsg)
    data = {column: [row[i] for row in rows] for i, column in enumerate(_COLUMNS[name])}
    for column in _DAYS:
        if column in data:
            data[column] = [None if day is None else dt.date.fromisoformat(day) for day in data[column]]
    return gpd.GeoDataFrame(data, geometry=shapes, crs=epsg)
