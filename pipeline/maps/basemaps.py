"""What a page gets of its basemaps: addresses to ask once they are switched on, and tiles that travel with it."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import ConfigError
from ..geo.tile_matrix import TileMatrix, to_service
from ..model.scene import TileService
from ..reports.labels import Word
from .basemap_address import concretes, server
from .basemap_options import Basemap, Local, Online, Tianditu, XyzBasemap, opened
from .tile_store import Tile, TileStore, picture_kind

_MIME = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
BESIDE = ("'self'", "file:")  # pictures beside the page: over http, and from a folder
_MOST = 400_000


@dataclass(frozen=True)
class PreparedBasemaps:
    """``data``: what the page's scripts read, one entry a basemap. ``image_sources``: what the policy must admit.

    ``files``: tiles that lie beside the page, by path relative to it. ``left_out``: sentences on what had no room, or does not
    exist here. ``bytes``: size of all tiles as they are written.
    """

    data: tuple[dict[str, Any], ...] = ()
    image_sources: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    left_out: tuple[Word, ...] = ()
    bytes: int = 0


@dataclass
class _Chosen:
    """Tiles of one local basemap, as they come out of its store."""

    tiles: dict[tuple[int, int, int], tuple[str, bytes]] = field(default_factory=dict)
    spent: int = 0
    no_room: list[int] = field(default_factory=list)  # the level of each
    unfit: int = 0


def prepared(
    basemaps: Sequence[Basemap],
    area_lonlat: BaseGeometry,
    *,
    single_file: bool,
    budget_bytes: int,
    folder: str = "tiles",
    environ: Mapping[str, str] = os.environ,
) -> PreparedBasemaps:
    """All that the page of an area (degrees) needs of its basemaps; nothing is asked of any server.

    Local tiles are those that touch the area. They go into the page (``single_file``), counted as base64, or beside it under
    ``folder``; basemaps in the order given, coarse levels first, until ``budget_bytes`` are spent. Raises ConfigError for a
    store that cannot be read, and for a key that should go into the page and is in no environment variable.
    """
    data: list[dict[str, Any]] = []
    sources: list[str] = []
    files: dict[str, bytes] = {}
    left_out: list[Word] = []
    spent = 0
    for number, basemap in enumerate(basemaps, 1):
        if isinstance(basemap, Tianditu | XyzBasemap):
            data.append(_online(number, basemap, environ))
            sources += _servers(basemap)
            continue
        chosen = _chosen(basemap, area_lonlat, single_file, budget_bytes - spent)
        spent += chosen.spent
        told = list(_told(basemap, chosen))
        left_out += told
        if not chosen.tiles:
            continue
        entry = _local(number, basemap, chosen) | {"notes": told}
        if single_file:
            entry["tiles"] = {_key(*at): _uri(kind, body) for at, (kind, body) in chosen.tiles.items()}
        else:
            entry |= {"folder": f"{folder}/{number}", "present": _spans(chosen)}
            files |= {f"{folder}/{number}/{_key(*at)}.{kind}": body for at, (kind, body) in chosen.tiles.items()}
        data.append(entry)
    beside = BESIDE if files else ()
    return PreparedBasemaps(tuple(data), tuple(dict.fromkeys((*sources, *beside))), files, tuple(left_out), spent)


def tiles_touching(
    area_lonlat: BaseGeometry, levels: range, *, gcj02: bool = False
) -> Iterator[tuple[int, list[Tile]]]:
    """Level and (column, row) of the tiles that an area in degrees touches, coarse levels first, row by row.

    A level's tiles are sought among the children of those above, so nothing grows with the square of the area.
    """
    if area_lonlat.is_empty or len(levels) == 0:
        return
    shape = to_service(area_lonlat, 4326, TileService(zoom=0, gcj02=gcj02))
    shapely.prepare(shape)
    cols, rows = np.zeros(1, dtype=int), np.zeros(1, dtype=int)
    for zoom in range(levels[-1] + 1):
        matrix = TileMatrix.of(TileService(zoom=zoom))
        if zoom:
            cols, rows = (
                np.concatenate([2 * at + step for step in steps]) for at, steps in ((cols, _RIGHT), (rows, _DOWN))
            )
        if cols.size > _MOST:
            raise ConfigError(
                f"{cols.size} tiles of level {zoom} lie over the county; give the basemap a smaller max_zoom"
            )
        west, north = matrix.west + cols * matrix.side, matrix.north - rows * matrix.side
        hit = shapely.intersects(shape, shapely.box(west, north - matrix.side, west + matrix.side, north))
        order = np.lexsort((cols[hit], rows[hit]))
        cols, rows = cols[hit][order], rows[hit][order]
        if zoom >= levels[0]:
            yield zoom, list(zip(cols.tolist(), rows.tolist(), strict=True))


_RIGHT, _DOWN = (0, 1, 0, 1), (0, 0, 1, 1)


def _chosen(basemap: Local, area_lonlat: BaseGeometry, single_file: bool, budget_bytes: int) -> _Chosen:
    """The basemap's tiles over the area, coarse levels first, as many as the budget takes."""
    chosen = _Chosen()
    try:
        with opened(basemap) as store:
            first, last = max(basemap.min_zoom, store.levels.start), min(basemap.max_zoom, store.levels.stop - 1)
            for zoom, tiles in tiles_touching(area_lonlat, range(first, last + 1), gcj02=basemap.datum == "gcj02"):
                _take(chosen, store, zoom, store.present(zoom, tiles), single_file, budget_bytes)
    except ConfigError as error:
        raise ConfigError(f"basemap {basemap.name!r}: {error}") from error
    return chosen


def _take(
    chosen: _Chosen, store: TileStore, zoom: int, tiles: Sequence[Tile], single_file: bool, budget_bytes: int
) -> None:
    for place, tile in enumerate(tiles):
        if chosen.no_room:  # what comes after the first that had no room is only counted
            chosen.no_room += [zoom] * (len(tiles) - place)
            return
        body = store.body(zoom, tile)
        kind = None if body is None else picture_kind(body)
        if body is None or kind is None:
            chosen.unfit += 1
            continue
        size = len(body) if not single_file else 4 * -(-len(body) // 3) + len(_head(kind)) + len(_key(zoom, *tile))
        if chosen.spent + size > budget_bytes:
            chosen.no_room.append(zoom)
            continue
        chosen.tiles[zoom, *tile] = (kind, body)
        chosen.spent += size


def _told(basemap: Local, chosen: _Chosen) -> Iterator[Word]:
    name = basemap.name
    if not chosen.tiles and not chosen.no_room and not chosen.unfit:
        yield Word(f"底图“{name}”在本县范围内没有瓦片", f"basemap {name!r} has no tiles in this county")
    if chosen.no_room:
        low, high, count = min(chosen.no_room), max(chosen.no_room), len(chosen.no_room)
        levels = f"{low}" if low == high else f"{low}–{high}"
        yield Word(
            f"底图“{name}”有 {count} 张瓦片（{levels} 级）超出容量，未随图附上",
            f"basemap {name!r}: {count} tiles (levels {levels}) had no room",
        )
    if chosen.unfit:
        yield Word(
            f"底图“{name}”有 {chosen.unfit} 张瓦片不是可用的图片（PNG、JPEG、WebP），未附上",
            f"basemap {name!r}: {chosen.unfit} tiles are no pictures that can be used (PNG, JPEG, WebP)",
        )


def _common(number: int, basemap: Basemap) -> dict[str, Any]:
    return {
        "id": f"b{number}",
        "name": basemap.title,
        "credit": basemap.attribution,
        "approval": basemap.approval_no,
        "shift": bool(getattr(basemap, "shift", False)),
        "notes": [],
    }


def check_keys(basemaps: Sequence[Basemap], environ: Mapping[str, str] = os.environ) -> None:
    """Nothing, where every key that is to be written into pages is at hand; ConfigError naming the variable otherwise."""
    for basemap in basemaps:
        if isinstance(basemap, Tianditu | XyzBasemap):
            _service_key(basemap, environ)


def _online(number: int, basemap: Online, environ: Mapping[str, str]) -> dict[str, Any]:
    servers = _servers(basemap)
    return _common(number, basemap) | {
        "online": True,
        "urls": list(basemap.templates),
        "subdomains": list(basemap.subdomains),
        "tms": isinstance(basemap, XyzBasemap) and basemap.scheme == "tms",
        "minZoom": basemap.min_zoom,
        "maxZoom": basemap.max_zoom,
        "server": servers[0] + (f" (+{len(servers) - 1})" if len(servers) > 1 else ""),
        # Under this name a browser keeps what its reader typed; the key of one server is never sent to another.
        "keyName": f"{servers[0]} {basemap.key_env or ''}".strip() if basemap.needs_key else "",
        "key": _service_key(basemap, environ),
    }


def _service_key(basemap: Online, environ: Mapping[str, str]) -> str | None:
    """The key that the page is to hold; None where it holds none."""
    if not basemap.key_in_page or not basemap.needs_key or basemap.key_env is None:
        return None
    if key := environ.get(basemap.key_env, "").strip():
        return key
    raise ConfigError(
        f"basemap {basemap.title.zh!r}: key_in_page is true, but the environment variable {basemap.key_env} is not"
        " set; set it, or leave key_in_page out and the page asks its reader for the key"
    )


def _local(number: int, basemap: Local, chosen: _Chosen) -> dict[str, Any]:
    levels = [zoom for zoom, _, _ in chosen.tiles]
    return _common(number, basemap) | {"online": False, "minZoom": min(levels), "maxZoom": max(levels)}


def _servers(basemap: Online) -> list[str]:
    every = (server(one) for template in basemap.templates for one in concretes(template, basemap.subdomains))
    return list(dict.fromkeys(every))


def _spans(chosen: _Chosen) -> dict[str, dict[str, dict[str, list[int]]]]:
    """Which tiles there are: by kind, level and column the rows as first, count, and so on."""
    spans: dict[str, dict[str, dict[str, list[int]]]] = {}
    for (zoom, column, row), (kind, _) in sorted(chosen.tiles.items()):
        runs = spans.setdefault(kind, {}).setdefault(str(zoom), {}).setdefault(str(column), [])
        if runs and runs[-2] + runs[-1] == row:
            runs[-1] += 1
        else:
            runs += [row, 1]
    return spans


def _key(zoom: int, column: int, row: int) -> str:
    return f"{zoom}/{column}/{row}"


def _head(kind: str) -> str:
    return f"data:{_MIME[kind]};base64,"


def _uri(kind: str, body: bytes) -> str:
    return _head(kind) + base64.b64encode(body).decode()
