"""Marks that make a picture a document: outline, scale bar, north arrow, drawn into pixels with no font but cv2's own."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import geopandas as gpd
import numpy as np
import shapely
from PIL import Image
from shapely.geometry.base import BaseGeometry

from ..errors import LuyuError

SIDE_PX = 560
_SUBPIXEL_BITS = 4
_LIGHT, _DARK, _YELLOW = (255, 255, 255), (20, 20, 20), (255, 240, 0)


def decoded(content: bytes, what: str) -> np.ndarray:
    """A picture file as uint8 (rows, cols, 3), red green blue; LuyuError that names ``what`` where it is none."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, Image.DecompressionBombError, ValueError) as error:
        raise LuyuError(f"{what}: the picture cannot be read: {error}") from error


def marked(
    pixels: np.ndarray, *, footprint: BaseGeometry | None, epsg: int | None, grid: Mapping[str, Any] | None
) -> bytes:
    """JPEG of a north-up picture, the longer side ``SIDE_PX``, with a north arrow.

    ``grid``: ``epsg, west_m, north_m, pixel_m`` of the picture; with it a true scale bar and the outline of ``footprint``
    (in ``epsg``) are drawn. Without it neither can be, and neither is.
    """
    rows, cols = pixels.shape[:2]
    factor = SIDE_PX / max(rows, cols)
    size = (max(1, round(cols * factor)), max(1, round(rows * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    canvas = np.ascontiguousarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=how))
    if grid is not None:
        if footprint is not None and epsg is not None:
            _outline(canvas, _rings(footprint, epsg, grid), np.array(size) / (cols, rows))
        _scale_bar(canvas, float(grid["pixel_m"]) / factor)
    _north(canvas)
    out = io.BytesIO()
    Image.fromarray(canvas).save(out, "JPEG", quality=88)
    return out.getvalue()


def bar_length_m(width_m: float) -> float:
    """The longest of 1, 2, 5, 10, 20, ... m that takes no more than 30 % of a picture ``width_m`` wide.

    >>> bar_length_m(96.0), bar_length_m(1700.0)
    (20.0, 500.0)
    """
    most = 0.3 * width_m
    step = 10.0 ** np.floor(np.log10(most))
    return float(max(step * k for k in (1, 2, 5) if step * k <= most))


def _rings(footprint: BaseGeometry, epsg: int, grid: Mapping[str, Any]) -> list[np.ndarray]:
    """Rings of the footprint as (n, 2) arrays of col, row of the picture as it was taken."""
    there = gpd.GeoSeries([footprint], crs=epsg).to_crs(int(grid["epsg"])).iloc[0]
    scale = np.array([1.0, -1.0]) / float(grid["pixel_m"])
    corner = (float(grid["west_m"]), float(grid["north_m"]))
    parts = [part for part in shapely.get_parts(there) if part.geom_type == "Polygon"]
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    return [(shapely.get_coordinates(ring) - corner) * scale for ring in rings]


def _outline(canvas: np.ndarray, rings: Sequence[np.ndarray], scale: np.ndarray) -> None:
    shapes = [np.rint((ring * scale - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32) for ring in rings]
    for colour, thickness in ((_DARK, 4), (_YELLOW, 2)):  # a dark edge keeps the line seen on bright roofs
        cv2.polylines(canvas, shapes, True, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _scale_bar(canvas: np.ndarray, pixel_m: float) -> None:
    rows, cols = canvas.shape[:2]
    length_m = bar_length_m(cols * pixel_m)
    left, bottom = 16, rows - 18
    right = left + round(length_m / pixel_m)
    for colour, edge in ((_DARK, 2), (_LIGHT, 0)):
        cv2.rectangle(canvas, (left - edge, bottom - 1 - edge), (right + edge, bottom + 1 + edge), colour, cv2.FILLED)
    _text(canvas, f"{length_m:g} m", (left, bottom - 12))


def _north(canvas: np.ndarray) -> None:
    right = canvas.shape[1] - 28
    arrow = np.array([[right, 14], [right - 11, 46], [right, 39], [right + 11, 46]], np.int32)
    cv2.fillPoly(canvas, [arrow], _LIGHT, cv2.LINE_AA)
    cv2.polylines(canvas, [arrow], True, _DARK, 2, cv2.LINE_AA)
    _text(canvas, "N", (right - 8, 70))


def _text(canvas: np.ndarray, text: str, at: tuple[int, int]) -> None:
    for colour, width in ((_DARK, 4), (_LIGHT, 2)):
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, width, cv2.LINE_AA)
