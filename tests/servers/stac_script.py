"""A small STAC server that does what a test says: searches honestly, or fails in a way that servers have been seen to."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import shapely

Answer = tuple[int, dict[str, str], Any]  # status, headers, JSON (or bytes as they are, or a function of the query)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    headers: dict[str, str]

    @property
    def search(self) -> dict[str, Any]:
        """The parameters of a search, whichever way they came."""
        if self.method == "POST":
            return dict(self.body or {})
        plain: dict[str, Any] = {name: values[0] for name, values in self.query.items()}
        for name in ("bbox", "collections"):
            if name in plain:
                plain[name] = plain[name].split(",")
        if "bbox" in plain:
            plain["bbox"] = [float(value) for value in plain["bbox"]]
        if "intersects" in plain:
            plain["intersects"] = json.loads(plain["intersects"])
        return plain


@dataclass
class StacScript:
    """What the server has, how it pages, and what it does wrong.

    ``paging``: ``merge`` (POST links whose body is merged into the search), ``body`` (POST links that repeat it all),
    ``none`` (no next link). ``first``: answers that come before the honest ones, one a search. ``documents``: answers by
    path. ``spoil``: changes a page before it is sent.
    """

    base: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    methods: tuple[str, ...] = ("GET", "POST")
    shapes: bool = True
    paging: str = "merge"
    page: int = 1000
    counts: bool = True
    first: deque[Answer] = field(default_factory=deque)
    documents: dict[str, Answer] = field(default_factory=dict)
    spoil: Callable[[dict[str, Any], dict[str, Any]], Any] | None = None
    hangs_s: float = 0.0
    asked: list[Asked] = field(default_factory=list)

    @property
    def searches(self) -> list[Asked]:
        """The requests that were searches."""
        return [one for one in self.asked if one.path == "/search"]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.path in self.documents:
            status, headers, body = self.documents[asked.path]
            return (status() if callable(status) else status), headers, body(asked.query) if callable(body) else body
        if asked.path == "/":
            return 200, {}, self._landing()
        if asked.path == "/collections":
            ids = sorted({one["collection"] for one in self.items})
            return 200, {}, {"collections": [{"type": "Collection", "id": name, "links": []} for name in ids]}
        if asked.path == "/search":
            return self._search(asked)
        return 404, {}, {}

    def _landing(self) -> dict[str, Any]:
        links = [{"rel": "search", "href": f"{self.base}/search", "method": method} for method in self.methods]
        links.append({"rel": "data", "href": "./collections"})
        return {"type": "Catalog", "id": "script", "conformsTo": [], "links": links}

    def _search(self, asked: Asked) -> Answer:
        if asked.method not in self.methods:
            return 405, {}, {}
        if self.hangs_s:
            time.sleep(self.hangs_s)
        if self.first:
            return self.first.popleft()
        search = asked.search
        if "intersects" in search and not self.shapes:
            return 400, {}, {"detail": "intersects is not supported"}
        found = [one for one in self.items if _matches(one, search)]
        start, size = int(search.get("token", 0)), min(int(search.get("limit", 10)), self.page)
        page = {"type": "FeatureCollection", "features": found[start : start + size], "links": []}
        if self.counts:
            page["numberMatched"] = len(found)
        if start + size < len(found) and self.paging != "none":
            page["links"] = [self._next(asked, search, start + size)]
        return 200, {}, self.spoil(page, search) if self.spoil else page

    def _next(self, asked: Asked, search: dict[str, Any], token: int) -> dict[str, Any]:
        if asked.method == "GET":
            query = {**{name: values[0] for name, values in asked.query.items()}, "token": token}
            return {"rel": "next", "href": f"{self.base}/search?{urlencode(query)}"}
        body = {"token": token} if self.paging == "merge" else {**search, "token": token}
        link = {"rel": "next", "href": f"{self.base}/search", "method": "POST", "body": body}
        return {**link, "merge": True} if self.paging == "merge" else link


def _matches(item: dict[str, Any], search: dict[str, Any]) -> bool:
    shape = shapely.geometry.shape(item["geometry"])
    if "intersects" in search and not shape.intersects(shapely.geometry.shape(search["intersects"])):
        return False
    if "bbox" in search and not shape.intersects(shapely.box(*search["bbox"])):
        return False
    if "collections" in search and item.get("collection") not in search["collections"]:
        return False
    start, _, end = search.get("datetime", "/").partition("/")
    moment = item["properties"]["datetime"]
    return (not start or moment >= start) and (not end or moment <= end)


@contextmanager
def scripted(**settings: Any) -> Iterator[StacScript]:
    """The server while the block runs."""
    script = StacScript(**settings)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, parse_qs(parts.query), body, headers)
            status, headers, said = script.answer(asked)
            out = said if isinstance(said, bytes) else json.dumps(said).encode()
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(out)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(out)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    script.base = f"http://127.0.0.1:{httpd.server_port}"
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield script
    finally:
        httpd.shutdown()
        httpd.server_close()
