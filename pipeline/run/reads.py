"""Every read that a run would make, with its bytes: from the headers of the files alone, no pixel is touched.

A header tells where each internal block lies and how long it is, so what a tile reads of a file is exact. Headers of far
files are fetched once, one small request each, and kept in the local cache for the run. A block that several tiles touch
is counted once. Where no header can be had (offline, server away) bytes are reckoned from the catalogue, and told apart.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import shapely
from shapely.geometry.base import BaseGeometry

from ..config.imagery_options import ImageryOptions
from ..errors import ConfigError, ImageryError
from ..imagery.reader import Resampling
from ..imagery.stack import estimate_bytes, overlapping
from ..imagery.tile_fetch import is_kept
from ..imagery.tile_service import planned as planned_tiles
from ..model.grid import Grid, Tile
from ..model.scene import BandFile, Scene
from ..net.hrefs import redacted
from ..tiff.gdal_env import is_remote
from ..tiff.origin import FarFile, origin_of
from ..tiff.remote import RemoteFile
from ..tiff.spans import merged
from .headers import Headers
from .plan import AHEAD_TILES, Plan

Basis = Literal["header", "reckoned"]


@dataclass(frozen=True)
class Read:
    """One file read for one tile. ``blocks``: internal blocks, or tiles of a service; bytes of all of them.

    ``bytes_first``: of those, what no read before it in the list touches; they sum to the bytes of the plan.
    ``bytes_cached``: what lies in the local cache already. ``basis``: exact, from the header, or reckoned.
    """

    tile: str
    when: str
    scene: str
    day: dt.date
    bands: tuple[str, ...]
    file: str
    place: Literal["local", "network"]
    overview: int
    blocks: int
    bytes: int
    bytes_first: int
    bytes_cached: int
    basis: Basis


@dataclass(frozen=True)
class ReadPlan:
    """All reads in road order, and what they come to.

    ``fetched``, ``cached``, ``local``: bytes over the network, from the cache, from this machine; what is bridged between
    blocks to save requests adds up to one percent. ``requests`` besides headers are reckoned: how many tiles share one
    depends on the order in which they come. ``least``: ``(bytes, bytes_fetched, requests)`` if the first take of each
    period leaves no hole; the rest is an upper bound, for the case that every take must be opened. ``unknown``: files
    without header, and why. ``archives``: those that a run unpacks first, and how many bytes that writes.
    """

    reads: tuple[Read, ...]
    fetched: int
    cached: int
    local: int
    requests: int
    least: tuple[int, int, int]
    headers: int
    unknown: Mapping[str, str] = field(default_factory=dict)
    archives: Mapping[str, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Bytes read at most, each block once."""
        return self.fetched + self.cached + self.local

    @property
    def reckoned(self) -> int:
        """The part of them that no header vouches for."""
        return sum(read.bytes_first for read in self.reads if read.basis == "reckoned")


def planned_reads(plan: Plan, *, offline: bool = False) -> ReadPlan:
    """All reads of a plan. ``offline``: no server is asked, not even for headers that are not known yet."""
    headers = Headers(plan.config.imagery, offline)
    headers.fetch([file for scene in (*plan.before, *plan.after) for file in _files(scene, plan.bands)])
    most, least, reads = _Tally(), _Tally(), []
    for number, tile in enumerate(plan.tiles):
        # Without a cache in common each tile fetches for itself.
        group = number // AHEAD_TILES if plan.shares_cache else number
        ways = [_of_tile(plan, tile, when, headers) for when in ("before", "after")]
        for asked in (ask for way in ways for ask in way):
            first = most.add(asked, group, shared=plan.shares_cache)
            reads.append(replace(asked.read, bytes_first=first))
        for asked in (ask for way in ways for ask in _cheapest(way)):
            least.add(asked, group, shared=plan.shares_cache)
    return ReadPlan(
        reads=tuple(reads),
        fetched=most.fetched,
        cached=most.cached,
        local=most.local,
        requests=most.requests,
        least=(least.fetched + least.cached + least.local, least.fetched, least.requests),
        headers=headers.far,
        unknown=headers.unknown,
        archives={str(archive.path): archive.bytes_unpacked for archive in headers.archives},
    )


def refuse_beyond(reads: ReadPlan, max_gb: float) -> None:
    """ConfigError when more than ``max_gb`` (1e9 bytes) may have to be fetched over the network."""
    if reads.fetched <= max_gb * 1e9:
        return
    reckoned = " (some of it reckoned, see luyu plan)" if reads.reckoned else ""
    raise ConfigError(
        f"up to {reads.fetched / 1e9:.3f} GB would be fetched over the network{reckoned}, more than --max-gb {max_gb:g};"
        " take a shorter area (area.stretches, area.counties), a narrower one (area.corridor_m), a coarser"
        " imagery.resolution_m, fewer dates (imagery.before, imagery.after), or allow more"
    )


@dataclass(frozen=True)
class _Asked:
    """A read, and its blocks: ``blocks`` maps what stands for one (a span of bytes, a tile's key) to bytes and cached."""

    read: Read
    key: Hashable
    blocks: Mapping[Hashable, tuple[int, bool]]
    spans: bool
    take: tuple[dt.date, str]
    is_mask: bool


class _Tally:
    """Bytes and requests of reads, each block once."""

    def __init__(self) -> None:
        self.fetched = self.cached = self.local = self.requests = 0
        self._seen: dict[Hashable, set[Hashable]] = defaultdict(set)
        self._open: dict[Hashable, tuple[int, list[tuple[int, int]], int]] = {}

    def add(self, asked: _Asked, group: int, *, shared: bool) -> int:
        """Count a read; the bytes of it that were not counted before."""
        seen = self._seen[asked.key if shared else (asked.key, group)]
        new = {block: known for block, known in asked.blocks.items() if block not in seen}
        seen.update(new)
        size = sum(count for count, _ in new.values())
        if asked.read.place == "local":
            self.local += size
            return size
        missing = [block for block, (_, kept) in new.items() if not kept]
        fetched = sum(new[block][0] for block in missing)
        self.fetched += fetched
        self.cached += size - fetched
        self.requests += self._requests(asked, group, missing)
        return size

    def _requests(self, asked: _Asked, group: int, missing: list[Any]) -> int:
        """Requests that the missing blocks add: neighbours of a file within one stretch of road go together."""
        if not asked.spans:
            return len(missing)
        at, spans, counted = self._open.get(asked.key, (group, [], 0))
        if at != group:
            spans, counted = [], 0
        spans = [*spans, *missing]
        whole = len(merged(spans))
        self._open[asked.key] = group, spans, whole
        return whole - counted


def _of_tile(plan: Plan, tile: Tile, when: str, headers: Headers) -> list[_Asked]:
    """What one period of a tile would read, take by take."""
    imagery = plan.config.imagery
    grid = tile.grid.padded(imagery.pair.margin_px(tile.grid.pixel_m))
    corridor = imagery.read_area(plan.corridor_in(tile.grid.footprint))
    scenes = plan.scenes_of(tile)[when == "after"]
    asked = []
    for scene in overlapping(scenes, grid):
        for files, window, within, resampling in _windows(scene, plan.bands, grid, corridor, imagery):
            read = Read(
                tile=tile.tile_id, when=when, scene=scene.scene_id, day=scene.day,
                bands=tuple(file.band.name for file in files), file=redacted(files[0].href),
                place="network" if is_remote(files[0].href) else "local",
                overview=1, blocks=0, bytes=0, bytes_first=0, bytes_cached=0, basis="header",
            )  # fmt: skip
            one = _blocks(read, files, window, within, resampling, scene, headers)
            asked.append(replace(one, take=(scene.day, scene.sensor), is_mask=files[0] is scene.mask))
    return asked


def _windows(
    scene: Scene, bands: Sequence[str], grid: Grid, corridor: BaseGeometry, imagery: ImageryOptions
) -> Iterator[tuple[list[BandFile], Grid, BaseGeometry, Resampling]]:
    """The reads that make up one scene on a window: its bands file by file, then its mask, read a little wider.

    A mosaic with a fill border is looked at once more where fill touches the window's edge; that is seldom and not
    counted.
    """
    by_href: dict[str, list[BandFile]] = {}
    for name in bands:
        by_href.setdefault(scene.files[name].href, []).append(scene.files[name])
    for files in by_href.values():
        yield files, grid, corridor, "bilinear"
    if imagery.pair.clouds.use != "off" and scene.mask is not None and (scene.mask_bad or scene.mask_bits):
        margin_m = imagery.pair.stack.mask_margin_m
        wide = grid.padded(math.ceil(margin_m / grid.pixel_m))
        yield [scene.mask], wide, corridor.buffer(margin_m + grid.pixel_m), "nearest"


def _blocks(
    read: Read,
    files: Sequence[BandFile],
    window: Grid,
    within: BaseGeometry,
    resampling: Resampling,
    scene: Scene,
    headers: Headers,
) -> _Asked:
    """A read with its blocks and bytes."""
    first, spans, basis, factor = files[0], False, "header", 1
    blocks: dict[Hashable, tuple[int, bool]]
    if first.service is not None:
        tiles = planned_tiles(first, window, within=within)
        blocks = {ref.cache_key: (first.service.tile_bytes, is_kept(ref, headers.network)) for ref in tiles}
        basis = "reckoned"
    elif (size := headers.whole(first)) is not None:
        blocks = {"whole": (size, False)}
    elif read.file in headers.unknown:
        blocks, basis = _reckoned(read, scene, files, window, within), "reckoned"
    else:
        spans = True
        try:
            found, factor = headers.reader.planned(files, window, resampling=resampling, within=within)
            far = _remote(first, headers)
            blocks = {span: (span[1] - span[0], far is not None and far.cached(span)) for span in found}
        except ImageryError as error:
            headers.unknown[read.file] = error.why.removeprefix(f"{read.file}: ")
            blocks, basis, spans = _reckoned(read, scene, files, window, within), "reckoned", False
    done = replace(
        read,
        overview=factor,
        blocks=len(blocks) if basis == "header" or first.service is not None else 0,
        bytes=sum(size for size, _ in blocks.values()),
        bytes_cached=sum(size for size, kept in blocks.values() if kept),
        basis=basis,  # type: ignore[arg-type]
    )
    return _Asked(done, (first.href, first.access), blocks, spans, (scene.day, scene.sensor), is_mask=False)


def _remote(file: BandFile, headers: Headers) -> RemoteFile | None:
    if not is_remote(file.href):
        return None
    origin = origin_of(file, headers.network)
    return origin.file if isinstance(origin, FarFile) else None


def _reckoned(
    read: Read, scene: Scene, files: Sequence[BandFile], window: Grid, within: BaseGeometry
) -> dict[Hashable, tuple[int, bool]]:
    """Bytes from the catalogue's own words: the corridor's share of what the window would take."""
    names = [file.band.name for file in files]
    whole = estimate_bytes([replace(scene, mask=None)], window, names)
    share = min(1.0, shapely.intersection(within, window.footprint).area / window.footprint.area)
    return {(read.tile, *names): (math.ceil(whole * share), False)}


def _files(scene: Scene, bands: Sequence[str]) -> list[BandFile]:
    return [*(scene.files[name] for name in bands), *([scene.mask] if scene.mask else [])]


def _cheapest(asked: Sequence[_Asked]) -> list[_Asked]:
    """The reads of the take that costs least, of those that have pixels here; masks may stay unread."""
    takes: dict[tuple[dt.date, str], list[_Asked]] = defaultdict(list)
    for one in asked:
        if not one.is_mask:
            takes[one.take].append(one)
    full = [reads for reads in takes.values() if any(one.read.bytes for one in reads)]
    return min(full, key=lambda reads: sum(one.read.bytes for one in reads), default=[])
