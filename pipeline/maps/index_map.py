"""The overview's small map: counties as links, roads and clues, as SVG path texts in pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ..reports import encode, style, values
from ..reports.pages import lonlat
from .index_rows import county_link

_WIDTH_PX, _HEIGHT_PX, _MARGIN_PX = 720.0, 480.0, 16.0
_Pixels = Callable[[np.ndarray], np.ndarray]


def drawing(
    counties: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, findings: gpd.GeoDataFrame, clues: Mapping[str, int]
) -> dict[str, Any]:
    """What the map is made of; ``width`` 0 where there is nothing to draw.

    ``findings``: in degrees, most urgent first; ``clues``: how many there are by county code.
    """
    counties, roads = lonlat(counties, "counties"), lonlat(roads, "roads")
    points = shapely.points(np.c_[findings["lon"].to_numpy(float), findings["lat"].to_numpy(float)])
    everything = shapely.get_coordinates(np.concatenate([counties.geometry, roads.geometry, points]).astype(object))
    if not len(everything):
        return {"counties": [], "roads": [], "dots": [], "width": 0, "height": 0}
    (west, south), (east, north) = everything.min(axis=0).tolist(), everything.max(axis=0).tolist()
    shrink = math.cos(math.radians((south + north) / 2))
    scale = min(
        (_WIDTH_PX - 2 * _MARGIN_PX) / max((east - west) * shrink, 1e-6),
        (_HEIGHT_PX - 2 * _MARGIN_PX) / max(north - south, 1e-6),
    )

    def pixels(lonlats: np.ndarray) -> np.ndarray:
        x = _MARGIN_PX + (lonlats[:, 0] - west) * shrink * scale
        return np.c_[x, _MARGIN_PX + (north - lonlats[:, 1]) * scale]

    tolerance_m = 0.4 / scale * 111_320
    return {
        "width": round((east - west) * shrink * scale + 2 * _MARGIN_PX),
        "height": round((north - south) * scale + 2 * _MARGIN_PX),
        "counties": list(_counties(counties, clues, pixels, tolerance_m)),
        "roads": [
            {"class": style.word(style.ROAD_CLASS, values.text(road_class)).en, "path": _path(shape, pixels)}
            for road_class, shape in zip(
                values.column(roads, "road_class"),
                encode.simplified(roads.geometry.to_numpy(), tolerance_m),
                strict=True,
            )
        ],
        "dots": list(_dots(findings, pixels)),
    }


def corners(shape: str, radius: float, x: float = 8.0, y: float = 8.0) -> str:
    """Corners of a symbol as SVG writes them; empty for a circle."""
    return " ".join(f"{x + radius * dx:.1f},{y + radius * dy:.1f}" for dx, dy in style.SHAPES.get(shape, ()))


def _counties(
    counties: gpd.GeoDataFrame, clues: Mapping[str, int], pixels: _Pixels, tolerance_m: float
) -> Iterator[dict[str, Any]]:
    shapes = encode.simplified(counties.geometry.to_numpy(), tolerance_m)
    for code, name, shape in zip(counties["code"], counties["name"], shapes, strict=True):
        if not shape.is_empty:
            yield {
                "link": county_link(code),
                "name": values.text(name),
                "clues": clues.get(values.text(code), 0),
                "path": _path(shape, pixels),
                "at": np.round(pixels(shapely.get_coordinates(shape.representative_point())), 1)[0].tolist(),
            }


def _path(shape: BaseGeometry, pixels: _Pixels) -> str:
    """SVG path of a polygon's rings or a line's parts."""
    rings = []
    for part in shapely.get_parts(shape):
        rings += [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in pixels(shapely.get_coordinates(r))) for r in rings)


def _dots(findings: gpd.GeoDataFrame, pixels: _Pixels) -> Iterator[dict[str, Any]]:
    """Symbols, least urgent first so that urgent ones lie on top."""
    places = np.round(pixels(findings[["lon", "lat"]].to_numpy(float)), 1)
    rows = zip(places.tolist(), values.column(findings, "kind"), values.column(findings, "status"), strict=True)
    for (x, y), kind, status in reversed(list(rows)):
        look = style.kind_style(values.text(kind))
        fill = style.GREY if values.text(status) in style.SETTLED else look.colour
        yield {"x": x, "y": y, "fill": fill, "corners": corners(look.shape, 4.5, x, y)}
