"""A server that fails on purpose: in an order that the test writes down, or at random with a seed and a rate.

    with faulty(folder) as server:
        server.next("503", "cut")            # the next two requests fail, what follows is served
        server.always("page", on="b.tif")    # until server.mend()
        server.at_random(0.05, seed=1)       # one request in twenty fails, in one of the ways that pass

Without faults it serves the folder's files with byte ranges, entity tags and kept connections.
"""

from __future__ import annotations

import gzip
import random
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>user, password</form></body></html>"
PASSING = ("500", "502", "503", "429 soon", "cut", "other range", "reset", "no answer", "drip then cut")
"""Faults that another try mends; those that the random mode draws from."""


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes = b""
    fault: str = ""
    at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return urlsplit(self.uri).path


@dataclass
class _Right:
    """The right answer, which faults spoil."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bytes
    start: int = 0


class Faulty:
    """The running server. ``url``: its root; ``other_url``: another port of the machine, for redirects."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = self.other_url = ""
        self.hits: list[Asked] = []
        self.other_hits: list[Asked] = []
        self.pages: dict[str, Callable[[Asked], tuple[int, dict[str, str], bytes]]] = {}
        self._lock = threading.Lock()
        self._next: deque[str] = deque()
        self._always: list[tuple[str, str]] = []
        self._rate, self._kinds, self._seed, self._count = 0.0, PASSING, 0, 0

    def next(self, *faults: str) -> None:
        """Queue faults for the next requests, one each; ``""`` lets one pass."""
        self._next.extend(faults)

    def always(self, fault: str, *, on: str = "") -> None:
        """The fault for every request whose address holds ``on``."""
        self._always.append((on, fault))

    def at_random(self, rate: float, *, seed: int = 0, kinds: tuple[str, ...] = PASSING) -> None:
        """A fault, drawn from ``kinds``, for this share of requests. Which ones depends on seed and order of arrival."""
        self._rate, self._seed, self._kinds, self._count = rate, seed, kinds, 0

    def page(self, path: str, answer: Callable[[Asked], tuple[int, dict[str, str], bytes]]) -> None:
        """Answer ``path`` by a function: status, headers, body."""
        self.pages[path] = answer

    def mend(self) -> None:
        """No faults any more, an empty log."""
        self._next.clear()
        self._always.clear()
        self._rate = 0.0
        self.hits.clear()
        self.other_hits.clear()

    def fault_for(self, asked: Asked) -> str:
        with self._lock:
            self._count += 1
            if self._next:
                return self._next.popleft()
            for on, fault in self._always:
                if on in asked.uri:
                    return fault
            draw = random.Random(f"{self._seed}/{self._count}")  # noqa: S311  repeatable
            return draw.choice(self._kinds) if draw.random() < self._rate else ""

    def right(self, asked: Asked) -> _Right:
        if (page := self.pages.get(asked.path)) is not None:
            status, headers, body = page(asked)
            return _Right(status, headers, body, body)
        path = self.root / unquote(asked.path).lstrip("/")
        if not path.is_file():
            return _Right(404, {}, b"not found", b"not found")
        whole = path.read_bytes()
        headers = {"Accept-Ranges": "bytes", "ETag": _tag(whole), "Content-Type": "image/tiff"}
        span = asked.headers.get("range", "")
        if not span.startswith("bytes="):
            return _Right(200, headers, whole, whole)
        first, _, last = span.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last) + 1 if last else len(whole), len(whole))
        if start >= stop:
            return _Right(416, {**headers, "Content-Range": f"bytes */{len(whole)}"}, b"", whole)
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(whole)}"
        return _Right(206, headers, whole[start:stop], whole, start)


@lru_cache(maxsize=8)
def _tag(whole: bytes) -> str:
    return f'"{sha256(whole).hexdigest()[:16]}"'


class _Handler(socketserver.BaseRequestHandler):
    """One connection. It writes bytes itself: a library would not send wrong ones."""

    server: _Server

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = b""
        with suppress(OSError):
            while True:
                while b"\r\n\r\n" not in got:
                    more = self.request.recv(1 << 16)
                    if not more:
                        return
                    got += more
                head, _, got = got.partition(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, uri, _ = lines[0].split(" ", 2)
                headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines[1:])}
                wanted = int(headers.get("content-length", 0))
                while len(got) < wanted:
                    more = self.request.recv(1 << 16)
                    if not more:
                        return
                    got += more
                body, got = got[:wanted], got[wanted:]
                if not self.answer(Asked(method, uri, headers, body)):
                    return

    def answer(self, asked: Asked) -> bool:
        """Send what there is to send; whether the connection goes on."""
        faulty, elsewhere = self.server.faulty, self.server.elsewhere
        (faulty.other_hits if elsewhere else faulty.hits).append(asked)
        right = faulty.right(asked)
        if not elsewhere:
            asked.fault = faulty.fault_for(asked)
        if not asked.fault:
            self.send(right.status, right.headers, right.body)
            return True
        name, _, argument = asked.fault.partition(" ")
        act = _FAULTS.get(asked.fault)
        if act is not None:
            return bool(act(self, asked, right))
        self.status(int(name), argument)
        return True

    def send(self, status: int, headers: Mapping[str, str], body: bytes, *, length: int | None = None) -> None:
        told = {**headers}
        if "Transfer-Encoding" not in headers:
            told["Content-Length"] = str(len(body) if length is None else length)
        head = f"HTTP/1.1 {status} .\r\n" + "".join(f"{name}: {text}\r\n" for name, text in told.items()) + "\r\n"
        self.request.sendall(head.encode("latin-1") + body)

    def status(self, status: int, wait: str = "") -> None:
        """An error; ``wait`` as Retry-After: seconds, "date" with seconds, or "soon"."""
        headers = {}
        if wait == "soon":
            headers["Retry-After"] = "0"
        elif wait.startswith("date "):
            headers["Retry-After"] = formatdate(time.time() + float(wait.removeprefix("date ")), usegmt=True)
        elif wait:
            headers["Retry-After"] = wait
        self.send(status, headers, b"busy")

    def cut(self, _: Asked, right: _Right) -> bool:
        self.send(right.status, right.headers, right.body[: len(right.body) // 2], length=len(right.body))
        return False

    def short(self, _: Asked, right: _Right) -> bool:
        """Less than asked for, in good order as far as HTTP goes."""
        self.send(right.status, right.headers, right.body[:-1])
        return True

    def reset(self, _: Asked, right: _Right) -> bool:
        self.send(right.status, right.headers, right.body[:100], length=len(right.body))
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()
        return False

    def no_answer(self, _: Asked, __: _Right) -> bool:
        return False

    def hang(self, _: Asked, __: _Right) -> bool:
        self.server.over.wait(60)
        return False

    def hang_half(self, _: Asked, right: _Right) -> bool:
        self.send(right.status, right.headers, right.body[: len(right.body) // 2], length=len(right.body))
        self.server.over.wait(60)
        return False

    def drip(self, _: Asked, right: _Right, pieces: int = 1 << 30) -> bool:
        """A few bytes at a time, for ever."""
        self.send(right.status, right.headers, b"", length=len(right.body))
        for at in range(0, min(len(right.body), pieces * 8), 8):
            self.request.sendall(right.body[at : at + 8])
            if self.server.over.wait(0.05):
                return False
        return True

    def drip_then_cut(self, asked: Asked, right: _Right) -> bool:
        self.drip(asked, right, 3)
        return False

    def other_range(self, _: Asked, right: _Right) -> bool:
        """Bytes 16 further on, and saying so."""
        start = right.start + 16
        body = right.whole[start : start + len(right.body)]
        place = f"bytes {start}-{start + len(body) - 1}/{len(right.whole)}"
        self.send(206, {**right.headers, "Content-Range": place}, body)
        return True

    def shifted(self, _: Asked, right: _Right) -> bool:
        """Bytes 16 further on, under the name of those that were asked for."""
        body = (right.whole * 2)[right.start + 16 :][: len(right.body)]
        self.send(right.status, right.headers, body)
        return True

    def whole(self, _: Asked, right: _Right) -> bool:
        """All of the file for a part of it: a server without byte ranges."""
        self.send(200, {"ETag": right.headers.get("ETag", "")}, right.whole)
        return True

    def mislabelled(self, _: Asked, right: _Right) -> bool:
        """The part that was asked for, called the whole."""
        self.send(200, {"ETag": right.headers.get("ETag", "")}, right.body)
        return True

    def no_place(self, _: Asked, right: _Right) -> bool:
        headers = {name: text for name, text in right.headers.items() if name != "Content-Range"}
        self.send(206, headers, right.body)
        return True

    def garbage(self, _: Asked, right: _Right) -> bool:
        noise = random.Random(0).randbytes(len(right.body))  # noqa: S311  repeatable
        self.send(right.status, right.headers, noise)
        return True

    def no_http(self, _: Asked, __: _Right) -> bool:
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        return False

    def bomb(self, _: Asked, right: _Right) -> bool:
        self.send(right.status, {**right.headers, "Content-Encoding": "gzip"}, _zeros())
        return True

    def page(self, _: Asked, __: _Right) -> bool:
        self.send(200, {"Content-Type": "text/html"}, LOGIN)
        return True

    def page_as_part(self, _: Asked, right: _Right) -> bool:
        """A page under the status and place of the bytes that were asked for."""
        body = (LOGIN * (len(right.body) // len(LOGIN) + 1))[: len(right.body)]
        self.send(right.status, {**right.headers, "Content-Type": "text/html"}, body)
        return True

    def to_other_port(self, asked: Asked, _: _Right) -> bool:
        self.send(302, {"Location": f"{self.server.faulty.other_url}{asked.uri}"}, b"")
        return True

    def circle(self, asked: Asked, _: _Right) -> bool:
        self.send(302, {"Location": asked.uri}, b"")
        return True

    def within(self, asked: Asked, _: _Right) -> bool:
        self.send(307, {"Location": f"{self.server.faulty.url}{asked.uri}"}, b"")
        return True

    def to_nowhere(self, _: Asked, __: _Right) -> bool:
        self.send(302, {}, b"")
        return True

    def other_tag(self, _: Asked, right: _Right) -> bool:
        self.send(right.status, {**right.headers, "ETag": '"another"'}, right.body)
        return True

    def other_size(self, _: Asked, right: _Right) -> bool:
        place = right.headers.get("Content-Range", "").rpartition("/")[0]
        self.send(right.status, {**right.headers, "Content-Range": f"{place}/{len(right.whole) + 999}"}, right.body)
        return True


@cache
def _zeros() -> bytes:
    """A few kB that unpack to 1 GB."""
    inner = gzip.compress(bytes(1 << 20), 9)
    return inner * 1024


_FAULTS: dict[str, Callable[[_Handler, Asked, _Right], bool]] = {
    "cut": _Handler.cut,
    "short": _Handler.short,
    "reset": _Handler.reset,
    "no answer": _Handler.no_answer,
    "hang": _Handler.hang,
    "hang half": _Handler.hang_half,
    "drip": _Handler.drip,
    "drip then cut": _Handler.drip_then_cut,
    "other range": _Handler.other_range,
    "shifted": _Handler.shifted,
    "whole": _Handler.whole,
    "mislabelled": _Handler.mislabelled,
    "no place": _Handler.no_place,
    "garbage": _Handler.garbage,
    "no http": _Handler.no_http,
    "bomb": _Handler.bomb,
    "page": _Handler.page,
    "page as part": _Handler.page_as_part,
    "to other port": _Handler.to_other_port,
    "to nowhere": _Handler.to_nowhere,
    "circle": _Handler.circle,
    "within": _Handler.within,
    "other tag": _Handler.other_tag,
    "other size": _Handler.other_size,
}
FAULTS = (*_FAULTS, "500", "502", "503", "429 soon", "404", "403", "416")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, faulty: Faulty, elsewhere: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faulty, self.elsewhere, self.over = faulty, elsewhere, threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the game."""


@contextmanager
def faulty(root: Path) -> Iterator[Faulty]:
    """A server of the folder ``root`` that fails as it is told, while the block runs."""
    one = Faulty(root)
    servers = [_Server(one, elsewhere) for elsewhere in (False, True)]
    one.url, one.other_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield one
    finally:
        for server in servers:
            server.over.set()
            server.shutdown()
            server.server_close()
