"""What each tile's result follows from, as digests: a tile is done again where they differ, and nowhere else."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from .. import __version__
from ..config import RunConfig
from ..detectors import registry
from ..legal.rules import LegalRules
from ..model.grid import Tile
from ..model.scene import BandFile, Ortho, Scene
from ..net.hrefs import redacted
from .touched import Touched

_CODE = (
    "model", "geo", "net", "tiff", "legal", "linref", "catalog", "imagery", "prepare", "networks", "transience", "detectors",
    "run/plan.py", "run/scenes.py", "run/ground.py", "run/area.py", "run/job.py", "run/tile.py", "run/found.py", "run/coverage.py",
)  # fmt: skip
# Of the imagery's options: what does not change a pixel, and what shows in the scenes themselves.
_NO_SETTING = ("network", "costs", "source", "before", "after")
_REACH_M = 500.0  # about a window: roads and announced zones farther off draw nothing in it
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Inputs:
    """Digests of what one tile's result follows from; equal inputs give equal results."""

    program: str
    settings: str
    rules: str
    scenes: str
    ground: str

    def differing(self, other: Inputs) -> tuple[str, ...]:
        """Names of those that differ."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) != getattr(other, one.name))

    def told(self) -> list[str]:
        """As plain JSON; ``Inputs(*told)`` is the same."""
        return [getattr(self, one.name) for one in fields(self)]


@dataclass(frozen=True)
class Digests:
    """All that tiles' results follow from, in digests that a person can be told of.

    ``detail``: by part of the program, key of the configuration and scene; ``tiles``: by tile id.
    """

    detail: Mapping[str, Mapping[str, str]]
    tiles: Mapping[str, Inputs]

    @property
    def fingerprint(self) -> str:
        """One digest of it all."""
        return _digest([sorted((tile_id, inputs.told()) for tile_id, inputs in self.tiles.items())], 16)


def digests(
    config: RunConfig,
    rules: LegalRules,
    tiles: Sequence[Tile],
    scenes: tuple[Sequence[Scene], Sequence[Scene]],
    touched: tuple[Touched, Touched],
    tables: Iterable[gpd.GeoDataFrame],
    bands: tuple[Sequence[str], Mapping[str, frozenset[str]]],
    accuracy_m: Mapping[str, float],
) -> Digests:
    """Digests of a plan's inputs.

    ``scenes``, ``touched``: of before and after. ``tables``: what is drawn on the ground, roads first. ``bands``:
    those of the run, and by tile the scenes whose bands' shifts are measured in it. ``accuracy_m``: stated of layers.
    """
    program = {"luyu": __version__, **_source_digests()}
    settings = _settings(config) | {"bands": _digest(list(bands[0])), "accuracy_m": _digest(dict(accuracy_m))}
    by_scene = tuple([_digest(_plain(scene)) for scene in some] for some in scenes)
    common = _digest(program), _digest(settings), _digest(rules.model_dump(mode="json"))
    ground = _ground(tiles, tables)
    made = {}
    for number, tile in enumerate(tiles):
        mine = [[found[at] for at in by.positions(number)] for found, by in zip(by_scene, touched, strict=True)]
        measured = sorted(bands[1].get(tile.tile_id, ()))
        made[tile.tile_id] = Inputs(*common, _digest([mine, measured]), ground[number])
    named = {
        scene.scene_id: digest
        for some, found in zip(scenes, by_scene, strict=True)
        for scene, digest in zip(some, found, strict=True)
    }
    return Digests({"program": program, "settings": settings, "scenes": named}, made)


def _settings(config: RunConfig) -> dict[str, str]:
    """Digest of each key that has a say in what a tile gives."""
    asked = config.dump()["imagery"]
    kept = {f"imagery.{name}": _digest(value) for name, value in asked.items() if name not in _NO_SETTING}
    for options in config.detectors:
        told = [options.model_dump(mode="json"), registry.described(options)]
        kept[f"detectors.{registry.name_of(options)}"] = _digest(told)
    return kept


def _plain(value: Any) -> Any:
    """A scene as JSON; a link that was signed anew is the same file, one whose size or time changed is another."""
    if isinstance(value, BaseGeometry):
        return value.wkb_hex
    if isinstance(value, BandFile):
        rest = {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name != "href"}
        # The query of a service says what is shown, and holds no key; that of a file is a signature, made anew each time.
        address = value.href if value.service else redacted(value.href)
        beside = sorted(Path(value.href).parent.glob(f"{glob.escape(Path(value.href).stem)}*")) if value.ortho else []
        return [address, *_stamp(value.href), rest, [(path.name, *_stamp(str(path))) for path in beside]]
    if isinstance(value, Ortho):
        model = _stamp(value.dem) if value.dem else ()
        return [{one.name: _plain(getattr(value, one.name)) for one in fields(value)}, *model]
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in sorted(value.items())}
    if isinstance(value, frozenset | set):
        return sorted(_plain(inner) for inner in value)
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _stamp(href: str) -> tuple[int, int]:
    """Size and time of change of a local file; nothing to say of a remote one."""
    try:
        stat = Path(href).stat()
    except (OSError, ValueError):
        return (-1, -1)
    return (stat.st_size, stat.st_mtime_ns)


def _ground(tiles: Sequence[Tile], tables: Iterable[gpd.GeoDataFrame]) -> list[str]:
    """Digest, by tile, of its window, the corridor in it, and the rows of the tables about it."""
    bounds_m = np.array([tile.grid.bounds_m for tile in tiles], float)
    reach = shapely.box(*(bounds_m + _REACH_M * np.array([-1, -1, 1, 1])).T)
    at, rows = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for number, table in enumerate(tables):
        tile, row = shapely.STRtree(table.geometry.array).query(reach, predicate="intersects")
        at.append(tile)
        rows.append(_row_digests(table, number)[row])
    order = np.lexsort((found := np.concatenate(rows), tile := np.concatenate(at)))
    ends = np.searchsorted(tile[order], np.arange(len(tiles) + 1))
    cores = {(tile.row, tile.col): hashlib.sha256(tile.core.wkb).digest()[:8] for tile in tiles}
    digests = []
    for number, tile in enumerate(tiles):
        about = [cores.get((tile.row + i, tile.col + j), b"") for i in (-1, 0, 1) for j in (-1, 0, 1)]
        mine = found[order[ends[number] : ends[number + 1]]].tobytes()
        window = repr((tile.grid, tile.halo_px)).encode()
        digests.append(hashlib.sha256(b"|".join([window, *about, mine])).hexdigest()[:_DIGITS])
    return digests


def _row_digests(table: gpd.GeoDataFrame, number: int) -> np.ndarray:
    """A 64-bit digest of each row; of the first table (the roads) with its index, by which results name road sections."""
    plain = pd.DataFrame(table.drop(columns="geometry")).astype(str)
    shape = pd.Series(shapely.to_wkb(table.geometry.array, hex=True), index=plain.index, dtype=object).fillna("")
    key = f"luyu{number:012d}"
    return pd.util.hash_pandas_object(plain.assign(_shape=shape), index=number == 0, hash_key=key).to_numpy(np.uint64)


def _source_digests() -> dict[str, str]:
    """Digest of the code of each room, or file, that a tile's result follows from."""
    root = Path(__file__).resolve().parents[1]
    told = {}
    for room in _CODE:
        digest = hashlib.sha256()
        for path in sorted((root / room).rglob("*.py")) or [root / room]:
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
        told[room] = digest.hexdigest()[:_DIGITS]
    return told


def _digest(value: Any, digits: int = _DIGITS) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:digits]
