"""Where the tiles of a tile service lie: which of them touch a polygon, and under which address each is asked for.

Two lattices are in use. ``w`` (EPSG:3857): level z cuts the square world of Web Mercator into 2**z by 2**z tiles. ``c``
(EPSG:4490 or 4326): tiles of the plate carrée, square in degrees; tianditu counts from 1, where two tiles of 180 degrees
(256 px of 0.703125 degrees) make the world; OGC's WorldCRS84Quad and GeoServer call the same level 0.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from ..model.scene import TileService
from .gcj02 import to_gcj02

if TYPE_CHECKING:
    from pyproj import Transformer

PLACEHOLDERS = ("z", "x", "y", "-y", "s", "q", "key", "TileMatrix", "TileRow", "TileCol")
MERCATOR_HALF_M = math.pi * 6378137.0
_METRES_PER_DEGREE = 111_320.0
_PIECES = 32  # vertices along a window's edge, at least, before it is bent into another projection
_MOST = 1_000_000
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class TileMatrix:
    """The lattice of one level: north-west corner, side of a tile (all in the CRS's units), columns and rows."""

    west: float
    north: float
    side: float
    cols: int
    rows: int

    @classmethod
    def of(cls, service: TileService) -> TileMatrix:
        """The level that the service is read at."""
        if service.epsg == 3857:
            count = 2**service.zoom
            return cls(-MERCATOR_HALF_M, MERCATOR_HALF_M, 2 * MERCATOR_HALF_M / count, count, count)
        rows = 2 ** (service.zoom - service.two_wide)
        return cls(-180.0, 90.0, 180.0 / rows, 2 * rows, rows)

    def transform(self, col: int, row: int, tile_px: int) -> Affine:
        """Affine from (col, row) of pixels, counted from that tile's north-west corner, to the CRS."""
        px = self.side / tile_px
        return Affine(px, 0.0, self.west + col * self.side, 0.0, -px, self.north - row * self.side)

    def touching(self, shape: BaseGeometry) -> list[tuple[int, int]]:
        """(col, row) of the tiles that a shape in the matrix's CRS touches, row by row; ValueError beyond a million."""
        if shape.is_empty:
            return []
        west, south, east, north = shape.bounds
        left, right = (math.floor((x - self.west) / self.side) for x in (west, east))
        top, bottom = (math.floor((self.north - y) / self.side) for y in (north, south))
        cols = np.arange(max(left, 0), min(right, self.cols - 1) + 1)
        rows = np.arange(max(top, 0), min(bottom, self.rows - 1) + 1)
        if cols.size * rows.size > _MOST:
            raise ValueError(f"{cols.size} x {rows.size} tiles lie over the area; choose a smaller zoom or area")
        col, row = (index.ravel() for index in np.meshgrid(cols, rows))
        x, y = self.west + col * self.side, self.north - row * self.side
        shapely.prepare(shape)
        hit = shapely.intersects(shape, shapely.box(x, y - self.side, x + self.side, y))
        return [(int(c), int(r)) for c, r in zip(col[hit], row[hit], strict=True)]


def address(template: str, service: TileService, col: int, row: int) -> str:
    """The address of a tile (col from the west, row from the north); ``{key}`` stays, for the way in to fill.

    >>> address("https://t{s}.example.cn/{z}/{x}/{-y}?tk={key}", TileService(zoom=3, subdomains=("0", "1")), 5, 2)
    'https://t1.example.cn/3/5/5?tk={key}'
    """
    below = TileMatrix.of(service).rows - 1 - row
    counted = below if service.flipped else row
    spread = service.subdomains[(col + row) % len(service.subdomains)] if service.subdomains else ""
    known = {"z": service.zoom, "x": col, "y": counted, "-y": below, "s": spread, "q": quadkey(service.zoom, col, row)}
    known |= {"TileMatrix": service.zoom, "TileRow": counted, "TileCol": col}
    return _HOLE.sub(lambda hole: str(known.get(hole[1], hole[0])), template)


def holes(template: str) -> list[str]:
    """The names in braces of a template, in their order."""
    return _HOLE.findall(template)


def quadkey(zoom: int, col: int, row: int) -> str:
    """The tile's number in base four, as some services count.

    >>> quadkey(3, 3, 5)
    '213'
    """
    return "".join(str((col >> bit & 1) + 2 * (row >> bit & 1)) for bit in range(zoom - 1, -1, -1))


def ground_px_m(service: TileService, lat_deg: float) -> float:
    """Size of a pixel on the ground, m, at that latitude; of pixels in degrees the longer (north-south) side."""
    px = TileMatrix.of(service).side / service.tile_px
    return px * math.cos(math.radians(lat_deg)) if service.epsg == 3857 else px * _METRES_PER_DEGREE


def to_service(shape: BaseGeometry, epsg: int, service: TileService) -> BaseGeometry:
    """A shape of the CRS ``epsg`` as it lies in the pictures of the service, shift of GCJ-02 included."""
    west, south, east, north = shape.bounds
    pieces = shapely.segmentize(shape, max(east - west, north - south) / _PIECES or 1.0)
    return shapely.transform(pieces, lambda xy: np.column_stack(points_in(xy[:, 0], xy[:, 1], epsg, service)))


def points_in(x: np.ndarray, y: np.ndarray, epsg: int, service: TileService) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in the service's pictures of points in the CRS ``epsg``; infinite where they have no place."""
    if not service.gcj02:
        return _between(epsg, service.epsg).transform(x, y)
    lon, lat = to_gcj02(*_between(epsg, 4326).transform(x, y))
    return _between(4326, service.epsg).transform(lon, lat)


@lru_cache(maxsize=32)
def _between(source: int, target: int) -> Transformer:
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)
