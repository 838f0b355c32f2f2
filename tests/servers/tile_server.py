"""A tile server that cuts tiles from GeoTIFFs, wants a key, keeps a log, and misbehaves tile by tile when told to.

``python tile_server.py FOLDER PORT``: ``FOLDER/NAME.tif`` (EPSG:3857 or 4490) is served as ``/NAME/Z/X/Y.EXT?tk=KEY`` and
as WMTS (``/NAME/wmts?…&TILEMATRIX=Z&TILEROW=Y&TILECOL=X&tk=KEY``); EXT: png, jpg, webp. ``FOLDER/rules.json``, read at
each request, may hold ``key`` and ``tiles`` ({"Z/X/Y" or "*": mode}). Modes: see :data:`MODES`. Where tiles lie is
computed by the formulas that map makers publish, not by the code under test.
"""

from __future__ import annotations

import io
import json
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

MODES = (
    "missing", "gone", "nothing", "blank", "dot", "black", "clear", "html", "json", "slow", "fails_once", "fails",
    "busy_once", "quota", "refused", "teapot", "cut", "small", "grey", "palette",
)  # fmt: skip


@dataclass(frozen=True)
class TileHit:
    """A request: the layer, the tile, the status that it got, the key that it carried."""

    layer: str
    tile: tuple[int, int, int]
    status: int
    key: str
    at: float


@dataclass(frozen=True)
class TileServer:
    """The running server: its address, and what it was asked since the last look."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rules(self, *, key: str = "", tiles: Mapping[str, str] | None = None) -> None:
        """What it demands and which tiles it spoils from now on."""
        new = self.folder / "rules.new"
        new.write_text(json.dumps({"key": key, "tiles": dict(tiles or {})}))
        new.replace(self.folder / "rules.json")

    def taken(self) -> list[TileHit]:
        """Requests since the last call."""
        log = self.folder / "log.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return [TileHit(h["layer"], tuple(h["tile"]), h["status"], h["key"], h["at"]) for h in map(json.loads, lines)]


@contextmanager
def tile_server(folder: Path) -> Iterator[TileServer]:
    """The server on a free port of the loopback address while the block runs."""
    from servers.loopback import free_port, running

    port = free_port()
    with running([sys.executable, __file__, str(folder), str(port)], port, folder / "server.log"):
        yield TileServer(folder, port)


def tile_bounds(epsg: int, z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile, rows from the north, in the units of its CRS."""
    count = 2**z
    west, east = x / count * 360 - 180, (x + 1) / count * 360 - 180
    if epsg != 3857:
        side = 0.703125 * 256 / 2 ** (z - 1)  # level 1 of tianditu: 0.703125 degrees per pixel
        return x * side - 180, 90 - (y + 1) * side, (x + 1) * side - 180, 90 - y * side
    radius = 6378137.0
    lat = [math.atan(math.sinh(math.pi * (1 - 2 * row / count))) for row in (y + 1, y)]
    south, north = (radius * math.log(math.tan(math.pi / 4 + phi / 2)) for phi in lat)
    return math.radians(west) * radius, south, math.radians(east) * radius, north


class _Handler(BaseHTTPRequestHandler):
    folder: Path
    lock = threading.Lock()
    counts: ClassVar[Counter[str]] = Counter()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name.lower(): values[0] for name, values in parse_qs(parts.query).items()}
        pieces = parts.path.strip("/").split("/")
        if pieces[-1] == "wmts":
            z, x, y, ext = int(query["tilematrix"]), int(query["tilecol"]), int(query["tilerow"]), "png"
        else:
            z, x, (last, _, ext) = int(pieces[1]), int(pieces[2]), pieces[3].partition(".")
            y = int(last)
        rules = json.loads((self.folder / "rules.json").read_text())
        mode = rules["tiles"].get(f"{z}/{x}/{y}", rules["tiles"].get("*", ""))
        with self.lock:
            self.counts[self.path] += 1
            first = self.counts[self.path] == 1
        if rules["key"] and query.get("tk") != rules["key"]:
            status, kind, body = 403, "application/json", json.dumps({"msg": "非法key", "sent": self.path}).encode()
        else:
            status, kind, body = self._answer(mode, first, pieces[0], (z, x, y), ext)
        hit = {"layer": pieces[0], "tile": [z, x, y], "status": status, "key": query.get("tk", ""), "at": time.time()}
        with self.lock, (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(hit) + "\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status == 429:
            self.send_header("Retry-After", "0")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body[: len(body) // 2] if mode == "cut" else body)
        if mode == "cut":
            self.close_connection = True

    def _answer(self, mode: str, first: bool, layer: str, tile: tuple[int, int, int], ext: str) -> tuple:
        statuses = {
            "missing": 404,
            "gone": 410,
            "nothing": 204,
            "fails": 500,
            "quota": 429,
            "refused": 403,
            "teapot": 418,
        }
        page = b"<html><body>key tk refused</body></html>"
        if mode in statuses:
            return statuses[mode], "text/html", page
        if first and mode in ("fails_once", "busy_once"):
            return (500 if mode == "fails_once" else 429), "text/html", page
        if mode == "html":
            return 200, "text/html; charset=utf-8", page
        if mode == "json":
            return 200, "application/json", b'{"code": 12, "msg": "over quota"}'
        if mode == "slow":
            time.sleep(0.3)
        chosen = "png" if mode in ("blank", "dot", "black", "clear", "palette", "grey") else ext
        return 200, f"image/{chosen}", _encoded(self.folder / f"{layer}.tif", mode, tile, chosen)

    def log_message(self, *args: object) -> None:
        """The log is written by the handler itself."""


@lru_cache(maxsize=1024)
def _encoded(path: Path, mode: str, tile: tuple[int, int, int], ext: str) -> bytes:
    """The body of a tile, made once."""
    image, how = _picture(path, mode, tile)
    body = io.BytesIO()
    image.save(body, {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}[ext], **how)
    return body.getvalue()


def _picture(path: Path, mode: str, tile: tuple[int, int, int]) -> tuple:
    """A picture as PIL has it, and how to encode it."""
    from PIL import Image, ImageDraw

    if mode == "blank":
        image = Image.new("RGB", (256, 256), (242, 239, 233))
        ImageDraw.Draw(image).text((90, 120), "no imagery here", fill=(90, 90, 90))
        return image, {}
    if mode in ("dot", "black", "clear"):
        size = (1, 1) if mode == "dot" else (256, 256)
        return Image.new("RGBA", size, (0, 0, 0, 255 if mode == "black" else 0)), {}
    image = Image.fromarray(_cut(path, tile))
    if mode == "small":
        return image.resize((128, 128)), {}
    if mode == "grey":
        return image.convert("L"), {}
    if mode == "palette":
        return image.quantize(8), {}
    return image, ({"quality": 95} if image.mode == "RGB" else {})


def _cut(path: Path, tile: tuple[int, int, int]):
    """Uint8 (256, 256, bands) of a tile: pixels of the file that lie in it, black outside the file."""
    import numpy as np
    import rasterio
    from rasterio.windows import from_bounds

    with rasterio.open(path) as source:
        window = from_bounds(*tile_bounds(source.crs.to_epsg(), *tile), source.transform)
        window = window.round_offsets(op="round").round_lengths(op="round")
        pixels = source.read(window=window, boundless=True, fill_value=0)
    return np.moveaxis(pixels, 0, -1)


if __name__ == "__main__":
    _Handler.folder = Path(sys.argv[1])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), _Handler).serve_forever()
