"""A file server at a distance: each answer begins a fixed time after its request, however many come at once.

Run as a program it serves a folder (``python latency.py FOLDER --port 8000 --delay-ms 40``). It speaks HTTP/1.1 with
kept connections and byte ranges, one or several (multipart), sends straight from mapped files, and costs little CPU, so
that a reader that is measured against it waits for the distance and for nothing else.

Its log is asked for at ``/--log`` (one line a request, tabs between the fields of ``Hit``) and emptied at ``/--forget``.
"""

from __future__ import annotations

import argparse
import asyncio
import mmap
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

_REASONS = {200: "OK", 206: "Partial Content", 404: "Not Found", 416: "Range Not Satisfiable"}
_BOUNDARY = "--between-parts--"
_PIECE = 1 << 16
_AT_ONCE = 256  # pieces; longer bodies wait for the client


class _Files:
    """Files of a folder, mapped once; written anew they are mapped anew."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._open: dict[Path, tuple[int, memoryview, str]] = {}

    def get(self, uri: str) -> tuple[memoryview, str, str] | None:
        """Bytes, entity tag and date of the file, or None."""
        path = (self.root / unquote(urlsplit(uri).path).lstrip("/")).resolve()
        if not path.is_relative_to(self.root) or not path.is_file():
            return None
        stat = path.stat()
        known = self._open.get(path)
        if known is None or known[0] != stat.st_mtime_ns:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if stat.st_size else b""
            known = self._open[path] = (stat.st_mtime_ns, memoryview(data), f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"')
        return known[1], known[2], formatdate(stat.st_mtime, usegmt=True)


def _spans(text: str, size: int) -> list[tuple[int, int]] | None:
    """Start and stop of each range asked for; empty: none can be met; None: no range."""
    if not text.startswith("bytes="):
        return None
    spans = []
    for one in text.removeprefix("bytes=").split(","):
        first, _, last = one.strip().partition("-")
        start = int(first) if first else max(size - int(last), 0)
        stop = min(int(last) + 1, size) if first and last else size
        if start < stop:
            spans.append((start, stop))
    return spans


class _Connection(asyncio.Protocol):
    def __init__(self, files: _Files, delay_s: float, log: list[str]) -> None:
        self.files, self.delay_s, self.log = files, delay_s, log
        self.got = b""
        self.flows = asyncio.Event()
        self.flows.set()
        self.tasks: set[asyncio.Task] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            lines = self.got[:end].decode("latin-1").split("\r\n")
            self.got = self.got[end + 4 :]
            method, uri, _ = lines[0].split(" ", 2)
            headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines[1:])}
            if uri.startswith("/--"):
                self.control(uri)
                continue
            asyncio.get_running_loop().call_later(self.delay_s, self.answer, method, uri, headers, time.monotonic())

    def control(self, uri: str) -> None:
        body = "\n".join(self.log).encode() if uri == "/--log" else b""
        if uri == "/--forget":
            self.log.clear()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def answer(self, method: str, uri: str, headers: dict[str, str], began: float) -> None:
        """Status, headers and mapped bytes, and a line in the log."""
        found = self.files.get(uri)
        if found is None:
            self.send(method, uri, headers, began, 404, ["Content-Length: 9"], [b"not found"])
            return
        data, tag, date = found
        size = len(data)
        told = ["Accept-Ranges: bytes", f"ETag: {tag}", f"Last-Modified: {date}"]
        spans = _spans(headers.get("range", ""), size)
        if spans is None:
            self.send(method, uri, headers, began, 200, [*told, f"Content-Length: {size}"], [data])
        elif not spans:
            told += ["Content-Length: 0", f"Content-Range: bytes */{size}"]
            self.send(method, uri, headers, began, 416, told, [])
        elif len(spans) == 1:
            ((start, stop),) = spans
            told += [f"Content-Length: {stop - start}", f"Content-Range: bytes {start}-{stop - 1}/{size}"]
            self.send(method, uri, headers, began, 206, told, [data[start:stop]])
        else:
            parts: list[bytes | memoryview] = []
            for start, stop in spans:
                parts.append(f"\r\n--{_BOUNDARY}\r\nContent-Range: bytes {start}-{stop - 1}/{size}\r\n\r\n".encode())
                parts.append(data[start:stop])
            parts.append(f"\r\n--{_BOUNDARY}--\r\n".encode())
            told += [f"Content-Length: {sum(map(len, parts))}",
                     f"Content-Type: multipart/byteranges; boundary={_BOUNDARY}"]  # fmt: skip
            self.send(method, uri, headers, began, 206, told, parts)

    def send(
        self, method: str, uri: str, headers: dict[str, str], began: float, status: int, told: list[str],
        parts: list[bytes | memoryview],
    ) -> None:  # fmt: skip
        """Head and body, a piece at a time as the client takes them, and what was really sent into the log."""
        head = ("\r\n".join([f"HTTP/1.1 {status} {_REASONS[status]}", *told]) + "\r\n\r\n").encode("latin-1")
        pieces = [part[at : at + _PIECE] for part in parts for at in range(0, len(part), _PIECE)]
        close = headers.get("connection", "").lower() == "close"

        def note(body: int) -> None:
            self.log.append(f"{method}\t{uri}\t{status}\t{len(head) + body}\t{body}\t{headers.get('range', '-')}\t"
                            f"{time.monotonic() - began:.4f}")  # fmt: skip

        self.transport.write(head)
        if method == "HEAD" or len(pieces) < _AT_ONCE:
            for piece in () if method == "HEAD" else pieces:
                self.transport.write(piece)
            note(0 if method == "HEAD" else sum(map(len, pieces)))
            if close:
                self.transport.close()
            return
        task = asyncio.get_running_loop().create_task(self.slowly(pieces, note, close))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def slowly(self, pieces: list[bytes | memoryview], note: Callable[[int], None], close: bool) -> None:
        """A long body, no faster than the client takes it; clients hang up on those that they did not want."""
        sent = 0
        for piece in pieces:
            await self.flows.wait()
            if self.transport.is_closing():
                break
            self.transport.write(piece)
            sent += len(piece)
        note(sent)
        if close:
            self.transport.close()

    def pause_writing(self) -> None:
        self.flows.clear()

    def resume_writing(self) -> None:
        self.flows.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.flows.set()


async def _serve(root: Path, port: int, delay_s: float) -> None:
    files, log = _Files(root), []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(files, delay_s, log), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


@dataclass(frozen=True)
class Distant:
    """A running server: ``url`` of its root, without a slash at the end."""

    url: str
    root: Path

    def requests(self) -> list:
        """Requests since the start or the last :meth:`forget`."""
        from .loopback import Hit

        with urllib.request.urlopen(f"{self.url}/--log", timeout=60) as answer:  # noqa: S310
            lines = answer.read().decode().splitlines()
        hits = []
        for line in lines:
            method, uri, status, sent, body, asked, seconds = line.split("\t")
            hits.append(Hit(method, uri, int(status), int(sent), int(body), asked, float(seconds)))
        return hits

    def forget(self) -> None:
        """Leave out what was asked so far."""
        urllib.request.urlopen(f"{self.url}/--forget", timeout=60).close()  # noqa: S310


@contextmanager
def distant(root: Path, *, delay_ms: float = 40.0) -> Iterator[Distant]:
    """A server of the folder ``root``, ``delay_ms`` away, while the block runs."""
    from .loopback import free_port, running

    port = free_port()
    command = [sys.executable, __file__, str(root), "--port", str(port), "--delay-ms", str(delay_ms)]
    with tempfile.TemporaryDirectory(prefix="latency-") as home, running(command, port, Path(home, "output")):
        yield Distant(f"http://127.0.0.1:{port}", Path(root))


def main() -> None:
    said = argparse.ArgumentParser(description="A file server at a distance.")
    said.add_argument("root", type=Path)
    said.add_argument("--port", type=int, required=True)
    said.add_argument("--delay-ms", type=float, default=40.0)
    asked = said.parse_args()
    asyncio.run(_serve(asked.root, asked.port, asked.delay_ms / 1000))


if __name__ == "__main__":
    main()
