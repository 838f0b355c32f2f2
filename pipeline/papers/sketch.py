"""Sketches as PNG: where one case lies, where all of a notice lie, and a road drawn straight with its cases.

Text in them is ASCII (routes, stakes, numbers), so no Chinese font is needed and every machine gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from shapely.geometry.base import BaseGeometry

from ..model.kinds import Zone
from ..model.stake import Stake
from ..reports import style, values
from .drawing import bar_length_m

_DPI = 150
_RED, _ROAD, _INK = "#c1121f", "#3c444c", "#202020"
_AROUND_M = 70.0
_LEAST_M = 200.0
_ZONES_WITHIN_M = 5_000.0  # in a wider sketch a zone is thinner than its line
_MOST_LABELS = 80  # more would cover the road
_STEPS_M = (100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e9)
_AROUND_POINT_PT = ((0, 13), (0, -13), (15, 0), (-15, 0), (15, 13), (-15, -13), (-15, 13), (15, -13), (0, 28), (0, -28))
_ZONES = (Zone.CONTROL_ZONE.value, Zone.HIGHWAY_LAND.value, Zone.PAVEMENT.value)


@dataclass(frozen=True)
class Surroundings:
    """What a sketch shows besides the case, all in one metric CRS ``epsg``: tables as a run's findings.gpkg holds them."""

    epsg: int
    roads: gpd.GeoDataFrame | None = None
    zones: gpd.GeoDataFrame | None = None
    stakes: gpd.GeoDataFrame | None = None


@dataclass(frozen=True)
class Mark:
    """One case on a strip: its stake and the ends of its stretch in metres, its side and kind."""

    number: int
    at_m: float
    from_m: float
    to_m: float
    side: str
    kind: str
    settled: bool = field(default=False)


def of_case(footprint: BaseGeometry, label: str, around: Surroundings) -> bytes:
    """One footprint (in ``around.epsg``) with road, zones and stakes about it; ``label`` (route and stake) stands beside it."""
    west, south, east, north = footprint.bounds
    side = max(_LEAST_M, east - west + 2 * _AROUND_M, north - south + 2 * _AROUND_M)
    x, y = (west + east) / 2, (south + north) / 2
    with _figure(8.0, 8.0) as (figure, axes):
        _frame(axes, (x - side / 2, y - side / 2, x + side / 2, y + side / 2))
        _ground(axes, around, [footprint], stakes_every_m=100.0)
        axes.add_patch(
            PathPatch(_path(footprint), facecolor=(*mpl.colors.to_rgb(_RED), 0.3), edgecolor=_RED, linewidth=1.6)
        )
        _say(axes, label, (x, north + 0.03 * side), color=_RED, weight="bold", va="bottom")
        _marks(axes)
        return _png(figure)


def of_many(points: Sequence[tuple[float, float]], labels: Sequence[str], around: Surroundings) -> bytes:
    """Numbered points (metres, in ``around.epsg``) with the roads between them; ``labels`` stand beside them, if not too many."""
    xy = np.asarray(points, dtype=float)
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = np.maximum(high - low, [600.0, 375.0]) * 1.25
    span = np.maximum(span, span[::-1] * np.array([1.6, 1 / 1.6]))  # the paper's shape, whichever way the road runs
    middle = (low + high) / 2
    with _figure(16.0, 10.0) as (figure, axes):
        _frame(axes, (*(middle - span / 2), *(middle + span / 2)))
        _ground(
            axes,
            around,
            list(shapely.points(xy)),
            stakes_every_m=next(step for step in _STEPS_M if step >= span[0] / 7),
        )
        axes.plot(
            xy[:, 0], xy[:, 1], "o", color=_RED, markersize=6, markeredgecolor="white", markeredgewidth=0.8, zorder=5
        )
        if len(xy) <= _MOST_LABELS:
            _numbers(axes, xy, labels)
        _marks(axes)
        return _png(figure)


def strip(route: str, from_m: float, to_m: float, marks: Sequence[Mark]) -> bytes:
    """The road drawn straight, stakes growing to the right: cases of the left side above it, of the right side below.

    Not to scale across the road. Settled cases are drawn hollow.
    """
    length_m = max(to_m - from_m, 100.0)
    with _figure(24.0, 4.8) as (figure, axes):
        axes.set_xlim(from_m - 0.07 * length_m, from_m + 1.04 * length_m)
        axes.set_ylim(-1.5, 1.5)
        axes.axis("off")
        axes.plot([from_m, from_m + length_m], [0, 0], color=_ROAD, linewidth=7, solid_capstyle="butt", zorder=1)
        axes.plot([from_m, from_m + length_m], [0, 0], color="white", linewidth=1, linestyle=(0, (6, 5)), zorder=2)
        step_m = next(step for step in _STEPS_M if length_m / step <= 14)
        for at in np.arange(np.ceil(from_m / step_m) * step_m, from_m + length_m + 1, step_m):
            axes.plot([at, at], [-0.14, 0.14], color=_ROAD, linewidth=1, zorder=1)
            _say(axes, str(Stake(float(at))), (at, -1.46), fontsize=7, va="bottom")
        _say(axes, route, (from_m - 0.01 * length_m, 0), fontsize=9, weight="bold", ha="right", va="center")
        _strip_marks(axes, marks, length_m)
        return _png(figure)


def _strip_marks(axes: Axes, marks: Sequence[Mark], length_m: float) -> None:
    heights = {"left": _lanes([m for m in marks if m.side != "right"], length_m)}
    heights["right"] = _lanes([m for m in marks if m.side == "right"], length_m)
    for mark in marks:
        sign = -1 if mark.side == "right" else 1
        y = sign * (0.42 + 0.2 * heights["right" if sign < 0 else "left"][mark.number])
        colour = style.kind_style(mark.kind).colour
        axes.plot(
            [mark.from_m, mark.to_m], [0.1 * sign] * 2, color=colour, linewidth=4, solid_capstyle="butt", zorder=3
        )
        axes.plot([mark.at_m, mark.at_m], [0.1 * sign, y], color=colour, linewidth=0.8, zorder=3)
        face = "white" if mark.settled else colour
        axes.plot([mark.at_m], [y], "o", markersize=11, markerfacecolor=face, markeredgecolor=colour, zorder=4)
        ink = _INK if mark.settled or mark.kind in ("grain_drying", "built_up_area") else "white"
        axes.text(mark.at_m, y, str(mark.number), fontsize=6, ha="center", va="center_baseline", color=ink, zorder=5)


def _lanes(marks: Sequence[Mark], length_m: float) -> dict[int, int]:
    """The lowest of five lanes for each mark in which it stands clear of the one before it."""
    last = [-np.inf] * 5
    lanes = {}
    for mark in sorted(marks, key=lambda m: (m.at_m, m.number)):
        free = next((lane for lane, at in enumerate(last) if mark.at_m - at > 0.018 * length_m), int(np.argmin(last)))
        last[free] = mark.at_m
        lanes[mark.number] = free
    return lanes


def _numbers(axes: Axes, xy: np.ndarray, labels: Sequence[str]) -> None:
    """A label beside each point, on the first side where it writes over no other label and no other point."""
    to_pt = axes.transData.transform(xy) * 72.0 / _DPI
    taken: list[np.ndarray] = []
    for at, at_pt, label in zip(xy, to_pt, labels, strict=True):
        room = np.array([9.0 + 3.0 * max(len(label) - 1, 0), 13.0])
        others = np.array([*taken, *(pt for pt in to_pt if pt is not at_pt and np.any(pt != at_pt))]).reshape(-1, 2)
        spots = at_pt + np.array(_AROUND_POINT_PT)
        clear = [not np.any(np.all(np.abs(others - spot) < room, axis=1)) for spot in spots]
        chosen = clear.index(True) if True in clear else 0
        taken.append(spots[chosen])
        axes.annotate(
            _ascii(label), at, xytext=_AROUND_POINT_PT[chosen], textcoords="offset points", ha="center", va="center",
            fontsize=8, color=_RED, weight="bold", zorder=6, parse_math=False,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": _RED, "linewidth": 0.6},
        )  # fmt: skip


@contextmanager
def _figure(width_cm: float, height_cm: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure that no setting of the machine has a say in."""
    with mpl.rc_context():
        mpl.rcdefaults()
        figure = Figure(figsize=(width_cm / 2.54, height_cm / 2.54), dpi=_DPI)
        FigureCanvasAgg(figure)
        yield figure, figure.add_axes((0.005, 0.005, 0.99, 0.99))


def _frame(axes: Axes, bounds: tuple[float, float, float, float]) -> None:
    axes.set_xlim(bounds[0], bounds[2])
    axes.set_ylim(bounds[1], bounds[3])
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("#fbfaf6")


def _ground(axes: Axes, around: Surroundings, avoid: Sequence[BaseGeometry], *, stakes_every_m: float) -> None:
    """Zones, roads with their codes (away from ``avoid``), stakes: whatever of them is known within the frame."""
    window = shapely.box(axes.get_xlim()[0], axes.get_ylim()[0], axes.get_xlim()[1], axes.get_ylim()[1])
    if around.zones is not None and window.bounds[2] - window.bounds[0] <= _ZONES_WITHIN_M:
        zones = around.zones.iloc[sorted(around.zones.sindex.query(window, predicate="intersects"))]
        for zone in _ZONES:
            shapes = shapely.intersection(zones[zones["zone"] == zone].geometry.to_numpy(), window)
            merged = shapely.union_all(shapes)
            if not merged.is_empty:
                look = style.zone_style(zone)
                patch = PathPatch(_path(merged), facecolor=look.fill, edgecolor=look.line, linewidth=0.4, alpha=0.6)
                axes.add_collection(PatchCollection([patch], match_original=True))
    if around.roads is not None:
        roads = around.roads.iloc[sorted(around.roads.sindex.query(window, predicate="intersects"))]
        _roads(axes, roads, window, avoid)
    if around.stakes is not None:
        _stakes(axes, around.stakes, window, stakes_every_m)


def _roads(axes: Axes, roads: gpd.GeoDataFrame, window: BaseGeometry, avoid: Sequence[BaseGeometry]) -> None:
    longest: dict[str, BaseGeometry] = {}
    for code, shape in zip(roads["route_code"], shapely.intersection(roads.geometry.to_numpy(), window), strict=True):
        lines = [part for part in shapely.get_parts(shape) if part.geom_type == "LineString"]
        axes.add_collection(
            LineCollection([shapely.get_coordinates(line) for line in lines], colors=_ROAD, linewidths=1.6)
        )
        for line in lines:
            if line.length > getattr(longest.get(values.text(code)), "length", 0.0):
                longest[values.text(code)] = line
    for code, line in sorted(longest.items()):
        spots = [line.interpolate(share, normalized=True) for share in (0.2, 0.35, 0.5, 0.65, 0.8)]
        at = max(spots, key=lambda spot: min((spot.distance(point) for point in avoid), default=0.0))
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": _ROAD, "linewidth": 0.6}
        _say(axes, code, (at.x, at.y), weight="bold", va="center", bbox=box, zorder=3.5)


def _stakes(axes: Axes, stakes: gpd.GeoDataFrame, window: BaseGeometry, every_m: float) -> None:
    near = stakes.iloc[sorted(stakes.sindex.query(window, predicate="intersects"))]
    near = near[np.isclose(np.remainder(near["stake_m"].to_numpy(float) + 0.5, every_m), 0.5)]
    for label, point in zip(near["stake"], near.geometry, strict=True):
        axes.plot([point.x], [point.y], "o", color="white", markeredgecolor=_ROAD, markersize=3.5, zorder=4)
        axes.annotate(
            _ascii(values.text(label)), (point.x, point.y), xytext=(4, -4), textcoords="offset points", fontsize=6.5,
            color=_INK, va="top", parse_math=False, zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
        )  # fmt: skip


def _marks(axes: Axes) -> None:
    """A scale bar that is true, and a north arrow: the sketch is drawn grid north up."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    width, height = east - west, north - south
    length_m = bar_length_m(width)
    left, low = west + 0.03 * width, south + 0.04 * height
    axes.plot([left, left + length_m], [low, low], color=_INK, linewidth=3, solid_capstyle="butt", zorder=7)
    shown = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    _say(axes, shown, (left + length_m / 2, low + 0.012 * height), va="bottom")
    x, top = east - 0.05 * min(width, height), north - 0.09 * height
    axes.annotate(
        "", (x, north - 0.02 * height), xytext=(x, top), arrowprops={"arrowstyle": "-|>", "color": _INK, "lw": 1.4}, zorder=7
    )  # fmt: skip
    _say(axes, "N", (x, top), weight="bold", va="top")


def _say(axes: Axes, text: str, at: tuple[float, float], **look: object) -> None:
    given = {"fontsize": 8, "color": _INK, "ha": "center", "zorder": 7, "parse_math": False} | look
    axes.text(*at, _ascii(text), **given)  # type: ignore[arg-type]


def _ascii(text: str) -> str:
    """What the figure's own font can draw, and no more of it than there is room for."""
    return "".join(char if " " <= char <= "~" else "?" for char in values.text(text))[:32]


def _path(area: BaseGeometry) -> Outline:
    parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    rings = [shapely.get_coordinates(ring) for part in parts for ring in (part.exterior, *part.interiors)]
    return Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
