"""Which internal blocks of a picture a polygon touches, and where their bytes lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from ..tiff.facts import Facts
from ..tiff.layout import Layout, Picture
from ..tiff.spans import Span
from .windows import Window, crs, same_crs

_STEP_PX = 64.0  # a straight edge is a curve in another projection; it is bent at points so far apart
_TOUCH_PX = 1e-6


@dataclass(frozen=True)
class Touched:
    """Blocks of a picture: ``mask`` (block rows, block cols) bool, and the side of a block in pixels."""

    mask: np.ndarray
    block_rows: int
    block_cols: int

    def runs(self, row: int, col: int, rows: int, cols: int) -> list[Window]:
        """The touched part of a pixel window as windows (row, col, rows, cols): runs of blocks, alike rows together."""
        found: list[Window] = []
        for y in range(row // self.block_rows, -(-(row + rows) // self.block_rows)):
            line = np.flatnonzero(np.diff(np.concatenate(([0], self.mask[y].astype(np.int8), [0]))))
            top, bottom = max(row, y * self.block_rows), min(row + rows, (y + 1) * self.block_rows)
            for first, stop in zip(line[::2], line[1::2], strict=True):
                left, right = max(col, int(first) * self.block_cols), min(col + cols, int(stop) * self.block_cols)
                above = next(
                    (n for n, r in enumerate(found) if r[0] + r[2] == top and (r[1], r[3]) == (left, right - left)), -1
                )
                if above >= 0:
                    found[above] = found[above][0], left, found[above][2] + bottom - top, right - left
                elif right > left:
                    found.append((top, left, bottom - top, right - left))
        return found


def everything(source: Facts) -> Touched:
    """All blocks of a picture."""
    block_rows, block_cols = source.block_shape
    return Touched(
        np.ones((-(-source.height // block_rows), -(-source.width // block_cols)), bool), block_rows, block_cols
    )


def touched(source: Facts, epsg: int, area: BaseGeometry, window: Window, margin_px: float) -> Touched:
    """Blocks of ``source`` within a pixel window (row, col, rows, cols) that ``area``, widened by a margin, touches.

    ``area`` is a polygon in the CRS of that EPSG code; ``margin_px`` are pixels of the source.
    """
    block_rows, block_cols = source.block_shape
    mask = np.zeros((-(-source.height // block_rows), -(-source.width // block_cols)), bool)
    shape = in_pixels(source, epsg, area)
    if margin_px:
        shape = shape.buffer(margin_px, join_style="mitre")
    row, col, rows, cols = window
    ys = np.arange(row // block_rows, -(-(row + rows) // block_rows))
    xs = np.arange(col // block_cols, -(-(col + cols) // block_cols))
    y, x = (part.ravel() for part in np.meshgrid(ys, xs, indexing="ij"))
    # Within the window only: a block at its edge may hold much that nobody asked for.
    west, east = np.maximum(x * block_cols, col), np.minimum((x + 1) * block_cols, col + cols)
    north, south = np.maximum(y * block_rows, row), np.minimum((y + 1) * block_rows, row + rows)
    squares = shapely.box(west + _TOUCH_PX, north + _TOUCH_PX, east - _TOUCH_PX, south - _TOUCH_PX)
    shapely.prepare(shape)
    mask[y, x] = shapely.intersects(shape, squares)
    return Touched(mask, block_rows, block_cols)


def in_pixels(source: Facts, epsg: int, area: BaseGeometry) -> BaseGeometry:
    """``area`` in pixels of the source (x = column, y = row); ValueError where it has no place there."""
    from rasterio.warp import transform

    back = ~source.transform
    if same_crs(source.crs_wkt, epsg):
        return affine_transform(area, (back.a, back.b, back.d, back.e, back.c, back.f))
    pixel_m = abs(source.transform.a)
    if source.crs.is_geographic:
        pixel_m *= 111_320.0
    bent = shapely.segmentize(area, _STEP_PX * pixel_m)

    def placed(points: np.ndarray) -> np.ndarray:
        xs, ys = (np.asarray(axis) for axis in transform(crs(epsg), source.crs, points[:, 0], points[:, 1]))
        return np.column_stack([back.a * xs + back.b * ys + back.c, back.d * xs + back.e * ys + back.f])

    shape = shapely.transform(bent, placed)
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise ValueError(f"the area has no place in the file's coordinate system ({source.crs.to_string()[:80]})")
    return shape if shape.is_valid else shapely.make_valid(shape)


def spans_of(layout: Layout, facts: Facts, blocks: Touched, window: Window, bands: Sequence[int]) -> list[Span]:
    """Where the bytes of the touched blocks of a pixel window lie, for bands (1-based) and the mask that goes with them."""
    spans: list[Span] = []
    planes = sorted({band - 1 for band in bands} | ({facts.count - 1} if facts.mask == "alpha" else set()))
    runs = blocks.runs(*window)
    for picture in layout.of_shape(facts.height, facts.width):
        of_picture = [0] if picture.is_mask or facts.together else planes
        spans += [span for plane in of_picture for run in runs for span in _in_run(picture, plane, run)]
    return list(dict.fromkeys(spans))


def _in_run(picture: Picture, plane: int, run: Window) -> list[Span]:
    row, col, rows, cols = run
    y = slice(row // picture.block_rows, -(-(row + rows) // picture.block_rows))
    x = slice(col // picture.block_cols, -(-(col + cols) // picture.block_cols))
    offsets, counts = picture.offsets[plane, y, x].ravel(), picture.counts[plane, y, x].ravel()
    return [(int(o), int(o + n)) for o, n in zip(offsets, counts, strict=True) if n]
