"""The corridor cut into the squares of a lattice that all runs share.

Squares are found by halving the corridor again and again, so the cost grows with the corridor's length and never with
the area of its bounding box: a 300 km diagonal road has 1.4 million squares of 256 m in its box and some 3,000 on it.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import GeometryError
from ..model.grid import Grid, Tile

_POLYGON, _MULTIPOLYGON = 3, 6
_LEAST_PX = (
    256  # of a square that are read at least, whatever the core; with the halo enough to lay two dates on each other
)
_STEP_PX = (
    32  # what is read begins and ends at whole steps, so that corridors that differ a little have the same windows
)
_SLACK_M = 1.0


def tiles_over(
    corridor: BaseGeometry,
    *,
    epsg: int,
    pixel_m: float,
    tile_px: int = 512,
    halo_px: int,
    along: gpd.GeoSeries | gpd.GeoDataFrame | None = None,
) -> list[Tile]:
    """Tiles of ``tile_px`` pixels whose cores partition ``corridor``.

    What is read of a tile is the box about its core, in whole steps of 32 pixels and never less than 256, with its halo: of a
    square that the road only clips, most is far from all that is searched.

    Corners lie on multiples of ``tile_px * pixel_m``, so any two runs with the same pixel share the lattice. ``row``
    counts squares north of northing 0, ``col`` east of easting 0; the id of a tile, ``r014843_c001995``, is made of them.

    Parameters
    ----------
    corridor
        Polygon or MultiPolygon in metres of ``epsg``.
    halo_px
        Pixels read beyond that box on each side.
    along
        Lines of the roads. With it tiles come in the order in which the roads pass them: by road, by measure along it,
        then by (row, col); without it by (row, col).

    Raises
    ------
    GeometryError
        ``corridor`` has infinite coordinates or no area, or the sizes are not positive.
    """
    if pixel_m <= 0 or tile_px <= 0 or halo_px < 0:
        raise GeometryError(f"tiles need pixel_m > 0, tile_px > 0, halo_px >= 0; got {pixel_m}, {tile_px}, {halo_px}")
    if not np.isfinite(shapely.get_coordinates(corridor)).all():
        raise GeometryError("the corridor has infinite coordinates; check the CRS of the roads layer")
    if shapely.area(corridor) <= 0:
        raise GeometryError(
            "the corridor has no area; check that the roads layer holds lines within the area asked for"
        )
    step_m = tile_px * pixel_m
    cores, rows, cols = _halved(corridor, step_m)
    order = _order(cores, rows, cols, along)
    side_px = tile_px + 2 * halo_px
    halo_m = halo_px * pixel_m
    bounds_px = shapely.bounds(cores) / pixel_m - np.column_stack([cols, rows, cols, rows]) * tile_px
    west, east = _kept(bounds_px[:, 0], bounds_px[:, 2], tile_px)
    south, north = _kept(bounds_px[:, 1], bounds_px[:, 3], tile_px)
    cut_px = np.column_stack([tile_px - north, south, west, tile_px - east])
    tiles = []
    for i in order:
        row, col = int(rows[i]), int(cols[i])
        whole = Grid(epsg, col * step_m - halo_m, (row + 1) * step_m + halo_m, pixel_m, side_px, side_px)
        cut = (int(cut_px[i, 0]), int(cut_px[i, 1]), int(cut_px[i, 2]), int(cut_px[i, 3]))
        grid = whole.part(slice(cut[0], side_px - cut[1]), slice(cut[2], side_px - cut[3]))
        tiles.append(Tile(f"r{row:06d}_c{col:06d}", row, col, grid, halo_px, cores[i], cut))
    return tiles


def _kept(low_px: np.ndarray, high_px: np.ndarray, tile_px: int) -> tuple[np.ndarray, np.ndarray]:
    """From where to where a square is read along one axis, px from its edge, for a core between ``low_px`` and ``high_px``."""
    least = min(_LEAST_PX, tile_px)
    around = np.clip((low_px + high_px - least) / 2, 0, tile_px - least)
    first = np.floor(np.minimum(low_px, around) / _STEP_PX) * _STEP_PX
    last = np.ceil(np.maximum(high_px, around + least) / _STEP_PX) * _STEP_PX
    return np.maximum(first, 0).astype(int), np.minimum(last, tile_px).astype(int)


def _halved(corridor: BaseGeometry, step_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cores, rows and columns of the lattice squares that the corridor covers in part, in no particular order."""
    parts = shapely.get_parts(corridor)
    parts = parts[shapely.area(parts) > 0]
    parts = np.where(shapely.is_valid(parts), parts, shapely.make_valid(parts))
    bounds = shapely.bounds(shapely.union_all(parts))
    # half-open windows (col0, row0, col1, row1) of lattice indices
    window = np.array([[*np.floor(bounds[:2] / step_m), *(np.floor(bounds[2:] / step_m) + 1)]], dtype=np.int64)
    shapes = np.array([shapely.union_all(parts)], dtype=object)
    while (wide := (window[:, 2:] - window[:, :2]).max(axis=1) > 1).any():
        done_window, done_shapes = window[~wide], shapes[~wide]
        first, second = _split(window[wide])
        halves = np.concatenate([first, second])
        shapes = _near(np.concatenate([shapes[wide]] * 2), halves * step_m)
        kept = shapely.area(shapes) > 0
        window, shapes = np.concatenate([done_window, halves[kept]]), np.concatenate([done_shapes, shapes[kept]])
    shapes = _clipped(shapes, window * step_m)
    kept = shapely.area(shapes) > 0
    return shapes[kept], window[kept, 1], window[kept, 0]


def _split(window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both halves of each window, cut across its longer side."""
    size = window[:, 2:] - window[:, :2]
    axis = np.argmax(size, axis=1)
    every = np.arange(len(window))
    middle = window[every, axis] + size[every, axis] // 2
    first, second = window.copy(), window.copy()
    first[every, axis + 2] = middle
    second[every, axis] = middle
    return first, second


def _near(shapes: np.ndarray, boxes_m: np.ndarray) -> np.ndarray:
    """What of each shape lies in its box and a little about it, four times faster than the exact part."""
    west, south, east, north = (boxes_m + _SLACK_M * np.array([-1, -1, 1, 1])).T
    corners = zip(shapes, west, south, east, north, strict=True)
    cut = np.array([shapely.clip_by_rect(shape, *corner) for shape, *corner in corners], dtype=object)
    broken = ~shapely.is_valid(cut)
    cut[broken] = shapely.make_valid(cut[broken])
    return cut


def _clipped(shapes: np.ndarray, boxes_m: np.ndarray) -> np.ndarray:
    """Areal part of each shape within its box."""
    cut = shapely.intersection(shapes, shapely.box(*boxes_m.T))
    kind = shapely.get_type_id(cut)
    for i in np.flatnonzero((kind != _POLYGON) & (kind != _MULTIPOLYGON) & (shapely.area(cut) > 0)):
        pieces = shapely.get_parts(cut[i])  # an edge or corner of the shape that runs along the box
        cut[i] = shapely.union_all(pieces[np.isin(shapely.get_type_id(pieces), (_POLYGON, _MULTIPOLYGON))])
    return cut


def _order(
    cores: np.ndarray, rows: np.ndarray, cols: np.ndarray, along: gpd.GeoSeries | gpd.GeoDataFrame | None
) -> np.ndarray:
    if along is None or not len(along):
        return np.lexsort((cols, rows))
    lines = np.asarray(shapely.force_2d(along.geometry.array))
    lines = lines[~shapely.is_empty(lines) & ~shapely.is_missing(lines)]
    if not len(lines):
        return np.lexsort((cols, rows))
    parts, road = shapely.get_parts(lines, return_index=True)
    points = shapely.point_on_surface(cores)
    at, near = shapely.STRtree(parts).query_nearest(points)
    nearest = np.full(len(points), len(parts))
    np.minimum.at(nearest, at, near)  # the first of equally near parts
    measure_m = np.round(shapely.line_locate_point(parts[nearest], points), 3)
    return np.lexsort((cols, rows, measure_m, nearest, road[nearest]))
