"""Files behind a network, opened as if they were here: header and needed blocks are fetched, GDAL decodes them.

GDAL never opens a connection. It is shown a sparse file that holds the header and just the blocks of one read; a block
that was not fetched is a hole, and reading a hole is an error, never black ground.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import NetError
from ..net import cache as caches
from ..net.cache import Cache
from ..net.http import fetch_range, fetch_ranges
from ..net.options import NetOptions
from .layout import Layout, layout_of
from .local_tiff import MAGIC, led_elsewhere
from .spans import Span, merged

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_FIRST = 32 << 10
_AHEAD_BYTES = 48 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A TIFF behind a network whose header is known. ``version`` names its content: it changes when the file does."""

    href: str
    access: str
    layout: Layout
    etag: str
    version: str
    options: NetOptions

    def blocks(self, wanted: Sequence[Span], ahead: Sequence[Span] = ()) -> dict[Span, bytes]:
        """The bytes of the wanted blocks. Those of ``ahead`` are fetched too if anything must be, and kept for later.

        What lies in the local cache is taken from there; the rest is asked for in few ranges, by one thread or process
        at a time, so that neighbours do not fetch the same. NetError when it cannot be had.
        """
        store = caches.default(self.options)
        found = {span: data for span in wanted if (data := store.get(self._key(span))) is not None}
        if len(found) == len(set(wanted)):
            return found
        with store.held(self.href):
            missing = []
            for span in dict.fromkeys(wanted):
                if span not in found:
                    data = store.get(self._key(span))
                    if data is None:
                        missing.append(span)
                    else:
                        found[span] = data
            if not missing:
                return found
            fetched = self._fetched([*missing, *self._later(ahead, {*found, *missing}, store)])
            for span, data in fetched.items():
                store.put(self._key(span), data)
        return found | {span: fetched[span] for span in missing}

    def _later(self, ahead: Sequence[Span], here: set[Span], store: Cache) -> list[Span]:
        """What of ``ahead`` is not there yet, up to what may wait in memory; nothing if it could not be kept."""
        room, later = _AHEAD_BYTES if store.limit_bytes else 0, []
        for span in dict.fromkeys(ahead):
            if span in here or store.has(self._key(span)):
                continue
            room -= span[1] - span[0]
            if room < 0:
                break
            later.append(span)
        return later

    def cached(self, span: Span) -> bool:
        """Whether a block lies in the local cache."""
        return caches.default(self.options).has(self._key(span))

    def forget(self, spans: Sequence[Span]) -> None:
        """Drop blocks that turned out to be damaged, and the header."""
        store = caches.default(self.options)
        for span in spans:
            store.drop(self._key(span))
        store.drop(_header_key(self.href))
        _known.pop((self.href, self.access), None)

    @contextmanager
    def opened(self, blocks: dict[Span, bytes], level: int | None = None) -> Iterator[DatasetReader]:
        """The file as GDAL sees it, with only these blocks in it, at an overview level (None: full resolution)."""
        import rasterio
        from rasterio.io import MemoryFile

        parts = [*((start, data) for start, data in self.layout.header), *((s[0], d) for s, d in blocks.items())]
        regions, at = [], 0
        with MemoryFile(b"".join(data for _, data in parts)) as pack:
            for start, data in parts:
                regions.append(
                    f"<SubfileRegion><Filename>{pack.name}</Filename><DestinationOffset>{start}</DestinationOffset>"
                    f"<SourceOffset>{at}</SourceOffset><RegionLength>{len(data)}</RegionLength></SubfileRegion>"
                )
                at += len(data)
            # What none of them holds is looked for behind the end of the pack: no bytes, an error. Without this GDAL
            # would read a hole as zeros: black ground where nothing is compressed, blocks left out where a table is.
            regions.append(
                f"<SubfileRegion><Filename>{pack.name}</Filename><DestinationOffset>0</DestinationOffset>"
                f"<SourceOffset>{at}</SourceOffset><RegionLength>{self.layout.size}</RegionLength></SubfileRegion>"
            )
            text = f"<VSISparseFile><Length>{self.layout.size}</Length>{''.join(regions)}</VSISparseFile>"
            with MemoryFile(text.encode(), ext=".tif") as sparse:
                place, extra = f"/vsisparse/{sparse.name}", {} if level is None else {"overview_level": level}
                if level is not None:  # GDAL looks for overviews as it opens the file
                    with rasterio.open(place, driver="GTiff", sharing=False) as source:
                        led_elsewhere(source)
                with rasterio.open(place, driver="GTiff", sharing=False, **extra) as source:
                    led_elsewhere(source)
                    yield source

    def _fetched(self, spans: Sequence[Span]) -> dict[Span, bytes]:
        ranges = merged(spans)
        try:
            bodies = fetch_ranges(
                self.href, ranges, access=self.access, options=self.options, size=self.layout.size, etag=self.etag
            )
        except NetError as error:
            if error.status in (404, 412, 416):
                self.forget(())  # it is another file now: the next try begins with its header
            raise
        whole = dict(zip(ranges, bodies, strict=True))
        starts = sorted(whole)
        out, at = {}, 0
        for span in sorted(spans):
            while starts[at][1] < span[1] or starts[at][0] > span[0]:
                at += 1
            first = starts[at][0]
            out[span] = whole[starts[at]][span[0] - first : span[1] - first]
        return out

    def _key(self, span: Span) -> str:
        return f"block {self.href} {self.version} {span[0]}-{span[1]}"


_known: dict[tuple[str, str], tuple[float, RemoteFile]] = {}
_known_lock = threading.Lock()


def remote_file(href: str, access: str = "", options: NetOptions | None = None) -> RemoteFile:
    """The file at an http(s) or s3 address, its header fetched or known from before.

    NetError when it cannot be had, ValueError when it is no TIFF. A header older than ``trust_days`` is fetched anew.
    """
    chosen = options or NetOptions()
    known = _known.get((href, access))
    if known is not None and known[1].options == chosen and _fresh(known[0], chosen):
        return known[1]
    with _lock_of(href):
        known = _known.get((href, access))
        if known is not None and known[1].options == chosen and _fresh(known[0], chosen):
            return known[1]
        at, found = _from_cache(href, access, chosen) or (time.time(), _from_server(href, access, chosen))
        with _known_lock:
            if len(_known) > 4096:
                _known.clear()
            _known[href, access] = at, found
        return found


def known_file(href: str, access: str = "", options: NetOptions | None = None) -> RemoteFile | None:
    """The file if its header is known from before, else None; asks no server."""
    chosen = options or NetOptions()
    known = _known.get((href, access))
    if known is not None and known[1].options == chosen and _fresh(known[0], chosen):
        return known[1]
    kept = _from_cache(href, access, chosen)
    return kept[1] if kept else None


@lru_cache(maxsize=4096)
def _lock_of(href: str) -> threading.Lock:  # noqa: ARG001  one lock per address
    return threading.Lock()


def _fresh(fetched_at: float, options: NetOptions) -> bool:
    return 0 <= time.time() - fetched_at <= options.trust_days * 86_400


def _header_key(href: str) -> str:
    return f"header {href}"


def _from_server(href: str, access: str, options: NetOptions) -> RemoteFile:
    store = caches.default(options)
    with store.held(_header_key(href)):
        if (kept := _from_cache(href, access, options)) is not None:
            return kept[1]
        first = fetch_range(href, 0, _FIRST, access=access, options=options)
        size = first.total if first.total is not None else len(first.body)
        if first.body[:4] not in MAGIC:
            raise ValueError("what the server sends is not TIFF; is this the image, or a page that asks to log in?")

        def read(start: int, stop: int) -> bytes:
            if stop <= len(first.body):
                return first.body[start:stop]
            if start < len(first.body):
                return first.body[start:] + read(len(first.body), stop)
            return fetch_range(href, start, stop, access=access, options=options, size=size, etag=first.etag).body

        layout = layout_of(read, size)
        facts = {"size": size, "etag": first.etag, "at": time.time(), "parts": [[s, len(d)] for s, d in layout.header]}
        head = json.dumps(facts).encode()
        body = b"".join(data for _, data in layout.header)
        store.put(_header_key(href), len(head).to_bytes(4, "big") + head + body)
        return _built(href, access, options, layout, first.etag)


def _from_cache(href: str, access: str, options: NetOptions) -> tuple[float, RemoteFile] | None:
    raw = caches.default(options).get(_header_key(href))
    if raw is None:
        return None
    length = int.from_bytes(raw[:4], "big")
    facts, body = json.loads(raw[4 : 4 + length]), raw[4 + length :]
    if not _fresh(facts["at"], options):
        return None
    parts, at = [], 0
    for start, size in facts["parts"]:
        parts.append((start, body[at : at + size]))
        at += size

    def read(start: int, stop: int) -> bytes:
        for first, data in parts:
            if first <= start < first + len(data):
                return data[start - first : stop - first]
        raise ValueError("a part of its header is missing in the cache")

    layout = layout_of(read, facts["size"])
    whole = Layout(layout.size, layout.pictures, tuple(parts))
    return facts["at"], _built(href, access, options, whole, facts["etag"])


def _built(href: str, access: str, options: NetOptions, layout: Layout, etag: str) -> RemoteFile:
    digest = hashlib.sha256(f"{etag} {layout.size} ".encode())
    for _, data in layout.header[:1]:
        digest.update(data[:_FIRST])
    return RemoteFile(href, access, layout, etag, digest.hexdigest()[:24], options)
