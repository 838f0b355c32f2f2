"""What is known of a run's inputs on one page without any script: warnings, a sketch map, layers and routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import geopandas as gpd
import jinja2
import numpy as np
import shapely

from . import offline, style, values
from .labels import Word

_WIDTH_PX, _HEIGHT_PX, _MARGIN_PX = 960.0, 640.0, 12.0
_MOST_POINTS = 4000  # of one layer; more are not told apart
_MOST_ROWS = 12  # row numbers that are listed
_HEADS = (
    Word("图层", "layer"),
    Word("文件", "file"),
    Word("格式", "format"),
    Word("编码", "encoding"),
    Word("坐标系", "CRS"),
    Word("读入", "read"),
    Word("采用", "kept"),
    Word("剔除行", "rows left out"),
    Word("修复行", "rows repaired"),
    Word("重复行", "rows repeated"),
    Word("中误差 m", "standard error"),
)


class _Drawn(NamedTuple):
    """How a layer is drawn and what it is called; in the order of drawing."""

    table: str
    css: str
    word: Word
    point: bool = False
    line: bool = False


_LAYERS = (
    _Drawn("images", "images", Word("影像范围", "images")),
    _Drawn("counties", "counties", Word("县界", "counties")),
    _Drawn("townships", "townships", Word("乡镇界", "townships")),
    _Drawn("zones", "zones", Word("公路用地、建筑控制区", "zones")),
    _Drawn("permits", "permits", Word("许可", "permits")),
    _Drawn("exempt", "exempt", Word("豁免", "exempt")),
    _Drawn("expressway", "road road-expressway", Word("高速公路", "expressways"), line=True),
    _Drawn("G", "road road-G", Word("国道", "national roads"), line=True),
    _Drawn("S", "road road-S", Word("省道", "provincial roads"), line=True),
    _Drawn("other", "road road-other", Word("县道及以下", "other roads"), line=True),
    _Drawn("stakes", "stakes", Word("桩号", "stakes"), point=True),
    _Drawn("breaks", "breaks", Word("断链", "broken chainage"), point=True),
    _Drawn("assets", "assets", Word("路产", "assets"), point=True),
    _Drawn("registry", "registry", Word("台账", "registry"), point=True),
)


@dataclass(frozen=True)
class CheckPage:
    """All that the page shows.

    ``reports``: one mapping a layer (``label, path, layer, driver, encoding, encoding_from, crs, crs_from, read, kept,
    left_out, repaired, repeated, accuracy_m``); ``routes``: ``route_code, name, sections, km, posts``; ``tables``: layers by
    name in the metric CRS ``epsg``, of which roads hold ``road_class``; ``images``: footprints in the same CRS.
    """

    title: str
    epsg: int
    reports: Sequence[Mapping[str, Any]]
    routes: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    tables: Mapping[str, gpd.GeoDataFrame]
    images: gpd.GeoDataFrame


def render(page: CheckPage) -> str:
    """The page as HTML text, sealed; the same input gives the same text."""
    shapes = _by_layer(page)
    place = _Frame(shapes)
    drawn = [layer for layer in _LAYERS if layer.table in shapes]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    html = environment.from_string(offline.asset("check.html.jinja")).render(
        csp_mark=offline.CSP_MARK,
        css=offline.asset("page.css") + offline.asset("check.css"),
        title=values.text(page.title),
        internal=style.INTERNAL,
        epsg=page.epsg,
        notes=[values.text(note) for note in page.notes],
        width=place.width_px,
        height=place.height_px,
        drawing=[shape for layer in drawn for shape in place.drawn(layer, shapes[layer.table])],
        legend=[
            {"css": layer.css, "zh": layer.word.zh, "en": layer.word.en, "count": len(shapes[layer.table])}
            | {"point": layer.point, "line": layer.line}
            for layer in drawn
        ],
        heads=_HEADS,
        reports=page.reports,
        routes=page.routes,
        rows=_rows,
    )
    return offline.seal(html)


def _by_layer(page: CheckPage) -> dict[str, np.ndarray]:
    """Geometries by name of ``_LAYERS``; roads by class, empty layers left out."""
    tables = {**page.tables, "images": page.images}
    shapes = {name: np.asarray(table.geometry.dropna().values) for name, table in tables.items() if name != "roads"}
    roads = page.tables["roads"]
    classes = roads["road_class"].where(roads["road_class"].isin(["expressway", "G", "S"]), "other")
    shapes |= {str(name): np.asarray(rows.geometry.dropna().values) for name, rows in roads.groupby(classes)}
    return {name: found for name, found in shapes.items() if len(found)}


class _Frame:
    """From metres to the drawing: what lies about the roads and things by the road, north up."""

    def __init__(self, shapes: Mapping[str, np.ndarray]) -> None:
        near = [shapes[layer.table] for layer in _LAYERS if (layer.line or layer.point) and layer.table in shapes]
        west, south, east, north = shapely.total_bounds(np.concatenate(near))
        margin_m = max(0.05 * max(east - west, north - south), 200.0)
        self._box = (west - margin_m, south - margin_m, east + margin_m, north + margin_m)
        span_x, span_y = east - west + 2 * margin_m, north - south + 2 * margin_m
        self._px_per_m = min((_WIDTH_PX - 2 * _MARGIN_PX) / span_x, (_HEIGHT_PX - 2 * _MARGIN_PX) / span_y)
        self.width_px = round(span_x * self._px_per_m + 2 * _MARGIN_PX, 1)
        self.height_px = round(span_y * self._px_per_m + 2 * _MARGIN_PX, 1)

    def drawn(self, layer: _Drawn, shapes: np.ndarray) -> Iterator[dict[str, Any]]:
        """Paths, or circles of layers of points; what lies outside the frame is cut off."""
        if layer.point:
            centres = shapely.centroid(shapes)[:: max(len(shapes) // _MOST_POINTS, 1)]
            inside = shapely.get_coordinates(centres[shapely.intersects(centres, shapely.box(*self._box))])
            radius = 2 if layer.table == "stakes" else 4
            yield {"css": layer.css, "r": radius, "points": [tuple(point) for point in self._px(inside).tolist()]}
            return
        cut = shapely.clip_by_rect(shapely.simplify(shapes, 0.5 / self._px_per_m), *self._box)
        parts = shapely.get_parts(cut[~shapely.is_empty(cut)])
        path = "".join(self._path(part) for part in parts if part.geom_type in ("LineString", "Polygon"))
        if path:
            yield {"css": layer.css, "d": path, "points": None}

    def _path(self, part: shapely.Geometry) -> str:
        if part.geom_type == "Polygon":
            return "".join(f"{self._line(ring)}Z" for ring in (part.exterior, *part.interiors))
        return self._line(part)

    def _line(self, line: shapely.Geometry) -> str:
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in self._px(shapely.get_coordinates(line)).tolist())

    def _px(self, xy: np.ndarray) -> np.ndarray:
        west, _, _, north = self._box
        x, y = (xy[:, 0] - west) * self._px_per_m, (north - xy[:, 1]) * self._px_per_m
        return np.round(np.column_stack([x, y]) + _MARGIN_PX, 1)


def _rows(numbers: Sequence[int]) -> str:
    """``3, 8, 12 … (40)``."""
    shown = ", ".join(map(str, numbers[:_MOST_ROWS]))
    return f"{shown} … ({len(numbers)})" if len(numbers) > _MOST_ROWS else shown
