"""Tiles from a service or the local cache: politely, once, and told apart from refusals, error pages and placeholders.

A tile that the service does not have (404, 410, 204, nothing in the body) is an answer, kept like a picture. A key that
is refused, a quota that is spent, a server that fails or a page in place of a picture is an error: it never becomes
"no image", else a spent quota would look like a county without imagery.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..errors import ImageryError, NetError
from ..geo.tile_matrix import address
from ..model.scene import BandFile, TileService
from ..net import cache as caches
from ..net.cache import Cache
from ..net.hrefs import redacted
from ..net.http import fetch
from ..net.options import NetOptions
from .tile_picture import is_picture

_NOT_THERE = (404, 410)
_REFUSED = (401, 402, 403, 418, 429)
_MOST_BYTES = 8 << 20
_HEAD = struct.Struct("<dH")  # when it was fetched (s since 1970), the status
_MISSING_TRUST_DAYS = 1.0  # a tile that is not there may be there tomorrow
_PLAIN_BYTES_PX = 0.15  # a picture with so few bytes a pixel has next to no detail
_REPEATS = b"*"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TileRef:
    """A tile: its column (from the west), row (from the north), address without the key, and key in the cache."""

    col: int
    row: int
    address: str
    cache_key: str


def refs(file: BandFile, places: Iterable[tuple[int, int]]) -> tuple[TileRef, ...]:
    """The tiles at (col, row) of a band file with a service, in that order."""
    service = _service(file)
    anywhere = replace(service, subdomains=())  # whichever of its servers sends it, a tile is the same
    return tuple(
        TileRef(col, row, address(file.href, service, col, row), f"tile {address(file.href, anywhere, col, row)}")
        for col, row in places
    )


def is_kept(ref: TileRef, options: NetOptions) -> bool:
    """Whether reading the tile would ask nothing of the service."""
    return _kept(caches.default(options), ref, options) is not None


def bodies(file: BandFile, wanted: Sequence[TileRef], options: NetOptions) -> dict[TileRef, bytes]:
    """The body of each tile, empty where the service has none. ImageryError when one cannot be had."""
    store = caches.default(options)
    found = {ref: body for ref in wanted if (body := _kept(store, ref, options)) is not None}
    if len(found) == len(wanted):
        return found
    # One thread or process at a time: neighbours want the same tiles, and the service counts each request.
    with store.held(f"tiles {file.href}"):
        missing = []
        for ref in wanted:
            if ref not in found:
                body = _kept(store, ref, options)
                if body is None:
                    missing.append(ref)
                else:
                    found[ref] = body
        return found | _fetched(file, missing, store, options)


def forget(refs: Iterable[TileRef], options: NetOptions) -> None:
    """Drop tiles that turned out to be damaged, so that the next read asks for them anew."""
    store = caches.default(options)
    for ref in refs:
        store.drop(ref.cache_key)


def blanks(file: BandFile, got: Mapping[TileRef, bytes], options: NetOptions) -> dict[TileRef, str]:
    """Tiles that hold no image, and why: nothing sent, a known placeholder, or one body for several places.

    Ground never looks the same to the byte at two places; a body with little detail that comes twice is what the service
    sends where it has none. That is remembered in the cache, layer by layer.
    """
    service, store = _service(file), caches.default(options)
    why: dict[TileRef, str] = {}
    plain: dict[str, list[TileRef]] = {}
    for ref, body in got.items():
        digest = hashlib.sha256(body).hexdigest()
        if not body:
            why[ref] = "no tile there"
        elif digest in service.placeholders:
            why[ref] = "a known placeholder"
        elif len(body) < _PLAIN_BYTES_PX * service.tile_px**2:
            plain.setdefault(digest, []).append(ref)
    for digest, alike in plain.items():
        if _comes_again(store, f"seen {file.href} {digest}", alike, digest):
            why |= dict.fromkeys(alike, "a picture that other places have too")
    return why


def _comes_again(store: Cache, key: str, alike: Sequence[TileRef], digest: str) -> bool:
    known = store.get(key)
    if known == _REPEATS:
        return True
    places = {ref.cache_key.encode() for ref in alike} | ({known} if known else set())
    if len(places) == 1:
        store.put(key, places.pop())
        return False
    store.put(key, _REPEATS)
    _log.warning(
        "%s and %d more: the tile service sends one and the same picture for several places; taken as 'no image'"
        " (list it under blank_sha256: %s)",
        redacted(alike[0].address), len(places) - 1, digest,
    )  # fmt: skip
    return True


def _kept(store: Cache, ref: TileRef, options: NetOptions) -> bytes | None:
    """The body in the cache, None when it is not there or too old to be believed."""
    raw = store.get(ref.cache_key)
    if raw is None or len(raw) < _HEAD.size:
        return None
    at, _ = _HEAD.unpack_from(raw)
    body = raw[_HEAD.size :]
    days = options.trust_days if body else min(options.trust_days, _MISSING_TRUST_DAYS)
    return body if 0 <= time.time() - at <= days * 86_400 else None


def _fetched(file: BandFile, missing: Sequence[TileRef], store: Cache, options: NetOptions) -> dict[TileRef, bytes]:
    """Tiles asked for side by side, kept as they come; at the first that cannot be had the rest is not asked for."""
    if not missing:
        return {}
    service = _service(file)
    gate = _gate(file)
    stop = threading.Event()

    def one(ref: TileRef) -> tuple[TileRef, bytes] | None:
        with gate.slots:
            if stop.is_set():
                return None
            gate.wait()
            try:
                status, body = _asked(file, ref, options)
            except ImageryError:
                stop.set()
                raise
        store.put(ref.cache_key, _HEAD.pack(time.time(), status) + body)
        return ref, body

    with ThreadPoolExecutor(min(service.at_once, len(missing)), thread_name_prefix="luyu-tiles") as pool:
        answers = list(pool.map(one, missing))
    return dict(answer for answer in answers if answer is not None)


def _asked(file: BandFile, ref: TileRef, options: NetOptions) -> tuple[int, bytes]:
    """Status and body of one tile, body empty where there is none; ImageryError that names the remedy otherwise."""
    service = _service(file)
    names = file.band.name
    where = f"tile {service.zoom}/{ref.col}/{ref.row}"
    try:
        answer = fetch(ref.address, access=file.access, max_bytes=_MOST_BYTES, options=options)
    except NetError as error:
        if error.status in _NOT_THERE:
            return error.status or 0, b""
        why = f"{where}: {_refusal(file, error.status)}" if error.status in _REFUSED else f"{where}: {error.why}"
        raise ImageryError(redacted(file.href), names, why) from None
    if answer.status == 204 or not answer.body:
        return answer.status, b""
    if not is_picture(answer.body):
        sent = answer.headers.get("content-type", "").partition(";")[0] or "something"
        raise ImageryError(
            redacted(file.href), names,
            f"{where}: the service sends {sent[:60]} ({len(answer.body)} bytes), no picture, though with status"
            f" {answer.status}; open the address in a browser: it may be an error page, a log-in or a wrong layer name",
        )  # fmt: skip
    return answer.status, answer.body


def _refusal(file: BandFile, status: int | None) -> str:
    if not file.access.startswith("key:"):
        return f"the service refuses ({status}); if it wants a key, write {{key}} into the address and name key_env"
    name = file.access.removeprefix("key:")
    return (
        f"the service refuses ({status}): the key in {name} is wrong, is not meant for this use (browser keys are bound"
        " to a web page, server keys to an IP address), or its quota is spent; mend that and run again"
    )


class _Gate:
    """What a process may ask of one service: so many requests at once, so many a second."""

    def __init__(self, service: TileService) -> None:
        self.slots = threading.BoundedSemaphore(service.at_once)
        self._lock = threading.Lock()
        self._step_s = 1.0 / service.per_second
        self._next = 0.0

    def wait(self) -> None:
        """Sleep until it is this request's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._step_s
        time.sleep(max(0.0, turn - now))


_gates: dict[tuple[str, TileService], _Gate] = {}
_gates_lock = threading.Lock()


def _gate(file: BandFile) -> _Gate:
    service = _service(file)
    with _gates_lock:
        return _gates.setdefault((file.href, service), _Gate(service))


def _service(file: BandFile) -> TileService:
    if file.service is None:
        raise ValueError(f"{redacted(file.href)} is no tile service")
    return file.service
