"""Figures of evidence: one tile step by step, one finding with its pictures and facts, one confidence taken apart."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image
from shapely.geometry.base import BaseGeometry

from ..detectors.confidence import Confidence
from ..errors import LuyuError
from ..explain.weighing import Weighed, weighed
from ..model.grid import Grid
from ..reports import labels, style, values
from ..reports.chips import rgb8_pair
from ..reports.labels import Word, frozen
from ..reports.terms import CUES
from ..run.chips import window_over
from . import drawing, panels
from .stored import Stored, stored
from .tile import TileView

_FACT_WIDTH = 78  # letters in a line
_FOR, _AGAINST, _NEITHER = "#0072b2", "#d55e00", "#8a8f94"
_PANEL_IN = (4.6, 4.6)
_LEAST_M = 120.0  # of a panel's side
_FACTS = (
    "kind", "case_no", "place", "zone", "membership", "why", "area_m2", "confidence", "priority", "last_absent",
    "first_seen", "scene_before", "scene_after", "permit_no", "permit_state", "law", "status",
)  # fmt: skip
_WORDS = frozen(
    before=("前时相", "before"),
    after=("后时相", "after"),
    place=("位置", "place"),
    why=("判定理由", "why"),
    no_chip=("没有影像截图", "no picture was kept"),
)
_ZONE_LINES = {"control_zone": "#e3cf9a", "highway_land": "#7fa6c9", "pavement": "#ffffff"}  # seen on dark ground, too


def tile_evidence(
    tile: TileView,
    candidates: gpd.GeoDataFrame | None = None,
    *,
    maps: bool = True,
    around: BaseGeometry | None = None,
    columns: int = 3,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """One tile step by step: before, after, what was not observed, the shift, layers of evidence, candidates over zones.

    ``tile``: from :func:`tile_view`. ``candidates``: kind and geometry, perhaps confidence, in the run's CRS or any other;
    None: those that the tile's detectors found. ``maps``: whether to draw the layers (networks run for them). All panels
    show the same ground, the tile's window in metres of the run's CRS, or of it a square about the geometry ``around``;
    both pictures share their stretch. ``figsize``: inches.
    LuyuError where the candidates have no CRS or no column ``kind``.
    """
    grid, found = tile.grid, _in_crs(tile.candidates if candidates is None else candidates, tile.grid)
    layers = tile.maps if maps else ()
    rows = -(-(5 + len(layers)) // columns)
    with drawing.lettering():
        figure = drawing.sheet(figsize or (columns * _PANEL_IN[0], rows * _PANEL_IN[1]))
        axes = list(np.ravel(figure.subplots(rows, columns, squeeze=False)))
        before, after = rgb8_pair(*tile.rgb)
        for title, image, day in (("before", before, tile.view.before_day), ("after", after, tile.view.after_day)):
            panels.picture(axes.pop(0), image, grid, f"{drawing.said(_WORDS[title])} {day}")
        panels.unobserved(axes.pop(0), after, tile.unobserved, grid)
        panels.shift(axes.pop(0), tile.pair, tile.job.imagery.pair.margin_px(grid.pixel_m), after, grid)
        for layer in layers:
            panels.layer(axes.pop(0), layer, grid.bounds_m)
        last = axes.pop(0)
        panels.candidates(last, found, grid, panels.zones(last, tile.view.zones, after, grid))
        for empty in axes:
            empty.remove()
        if around is not None:
            _look_at(figure.axes, around, grid)
        name = drawing.said(Word("分幅", "tile"))
        figure.suptitle(
            f"{name} {tile.job.tile.tile_id} · EPSG:{grid.epsg} · {grid.cols} × {grid.rows} px, {grid.pixel_m:g} m",
            fontsize=12, x=0.01, ha="left", parse_math=False,
        )  # fmt: skip
    return figure


def finding_evidence(run: Any, finding_id: str, *, figsize: tuple[float, float] = (15.0, 9.5)) -> Figure:
    """One finding of a finished run: before and after with the zones' edges, what its confidence rests on, and its facts.

    ``run``: a run's folder, or what ``run()`` gave. ``finding_id``: its id or the number of its case. The pictures are
    those of the run, on their ground (metres of the run's CRS).
    ``figsize``: inches. LuyuError where the folder holds no run or no such finding.
    """
    kept = stored(run)
    row = kept.finding(finding_id)
    with drawing.lettering():
        figure = drawing.sheet(figsize)
        spots = figure.add_gridspec(2, 6, height_ratios=(3, 2))
        chips = [figure.add_subplot(spots[0, part]) for part in (slice(0, 3), slice(3, 6))]
        for axes, which in zip(chips, ("before", "after"), strict=True):
            _chip(axes, kept, row, which)
        _terms_of(figure.add_subplot(spots[1, :3]), kept, row)
        _facts(figure.add_subplot(spots[1, 3:]), row)
        head = f"{style.DISCLAIMER.zh} {style.DISCLAIMER.en}" if drawing.chinese_font() else style.DISCLAIMER.en
        figure.suptitle(
            f"{drawing.shown(row['finding_id'])} · {head}", fontsize=12, x=0.01, ha="left", parse_math=False
        )
    return figure


def confidence_terms(
    finding: Mapping[str, Any] | pd.Series,
    *,
    weights: Confidence | None = None,
    most: int = 12,
    axes: Axes | None = None,
    figsize: tuple[float, float] = (7.0, 4.5),
) -> Figure:
    """What speaks for a finding or candidate and what against it: bars of log-odds, the ``most`` weightiest by name.

    ``finding``: a row with ``confidence``, ``detector`` and ``evidence``. With the rest (baseline, limits, ranking) the bars
    add up to the log-odds of its confidence. ``weights``: those the detector ran with, if not its own. ``axes``: where to
    draw; the figure given back is theirs then. ``figsize``: inches. LuyuError where the evidence holds no terms.
    """
    told = weighed(dict(finding), weights)
    with drawing.lettering():
        if axes is None:
            axes = drawing.sheet(figsize).subplots()
        _bars(axes, told, most)
    return axes.figure  # type: ignore[return-value]


def _bars(axes: Axes, told: Weighed, most: int) -> None:
    named = list(told.terms.items())
    bars = [(drawing.said(CUES.get(name, Word(name, name))), value) for name, value in named[:most]]
    if len(named) > most:
        others = drawing.said(Word(f"其他 {len(named) - most} 项", f"{len(named) - most} others"))
        bars.append((others, sum(value for _, value in named[most:])))
    bars.append((drawing.said(Word("基线、上限与校准", "baseline, limits, ranking")), told.rest))
    numbers = [value for _, value in bars]
    colours = [*(_FOR if value >= 0 else _AGAINST for value in numbers[:-1]), _NEITHER]
    axes.barh(range(len(bars)), numbers, color=colours, edgecolor=drawing.INK, linewidth=0.5)
    axes.set_yticks(range(len(bars)), [drawing.shown(name) for name, _ in bars], fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.axvline(0, color=drawing.INK, linewidth=0.8)
    span = max(map(abs, numbers)) or 1.0
    for at, value in enumerate(numbers):
        side = "left" if value >= 0 else "right"
        axes.text(
            value + (0.02 if value >= 0 else -0.02) * span, at, f"{value:+.2f}", va="center", ha=side, fontsize=7.5
        )
    axes.margins(x=0.16)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel(
        drawing.said(Word("对数几率（蓝：支持，橙：反对）", "log-odds (blue: for, orange: against)")), fontsize=8
    )
    total = sum(numbers)
    words = drawing.said(labels.COLUMNS["confidence"])
    drawing.titled(axes, f"{words} {told.confidence:.2f} = 1 / (1 + exp({-total:+.2f}))")


def _chip(axes: Axes, kept: Stored, row: Mapping[str, Any], which: str) -> None:
    """A kept picture on its ground with the zones' edges; a sentence where there is none."""
    day = values.day(row["last_absent" if which == "before" else "first_seen"])
    path = kept.folder.chip(row["finding_id"], which)
    title = f"{drawing.said(_WORDS[which])} {day}"
    if not path.is_file():
        drawing.says(axes, drawing.said(_WORDS["no_chip"]))
        drawing.titled(axes, title)
        return
    with Image.open(io.BytesIO(path.read_bytes())) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    window = window_over(row["geometry"], kept.epsg, kept.pixel_m)
    side_px = max(pixels.shape[:2])
    grid = Grid(window.epsg, window.west_m, window.north_m, window.cols * window.pixel_m / side_px, *pixels.shape[:2])
    drawing.image(axes, pixels, grid)
    handles = []
    for zone, colour in _ZONE_LINES.items():
        look = style.zone_style(zone)
        shapes = list(kept.zones_over(grid.footprint, zone))
        for shape in shapes:
            drawing.area(axes, shape, colour, width=1.2, linestyle=(0, (5, 3)), zorder=4)
        if shapes:
            words = drawing.said(Word(look.zh, look.en))
            handles.append(Line2D([], [], color=colour, linestyle=(0, (3, 2)), linewidth=2, label=words))
    if handles and which == "before":
        axes.legend(
            handles=handles, loc="upper left", fontsize=7, facecolor="#3c444c", labelcolor="white", framealpha=0.9
        )
    drawing.titled(axes, title)


def _terms_of(axes: Axes, kept: Stored, row: Mapping[str, Any]) -> None:
    try:
        _bars(axes, weighed(row, kept.weights_of(values.text(row.get("detector")))), 10)
    except LuyuError as error:
        drawing.says(axes, drawing.shown(str(error)))


def _facts(axes: Axes, row: Mapping[str, Any]) -> None:
    """The facts as a table: label, value; those that are empty are left out."""
    kind, zone = style.kind_style(values.text(row["kind"])), style.zone_style(values.text(row.get("zone")))
    place = (values.text(row.get("route_code")), values.stake_range(row), _worded(style.SIDES, row.get("side")))
    ready = {
        "kind": drawing.said(Word(kind.zh, kind.en)),
        "place": " ".join(filter(None, place)),
        "zone": drawing.said(Word(zone.zh, zone.en)) if values.text(row.get("zone")) else "",
        "membership": _worded(style.MEMBERSHIP, row.get("membership")),
        "why": _in_words(values.why_member(row)),
        "area_m2": values.number(row.get("area_m2")),
        "confidence": values.number(row.get("confidence"), 2),
        "priority": values.number(row.get("priority")),
        "permit_state": _worded(style.PERMIT_STATES, row.get("permit_state")),
        "status": _worded(style.STATUS, row.get("status")),
    }
    told = []
    for name in _FACTS:
        text = ready[name] if name in ready else values.day(row[name]) if name in _DAYS else values.text(row.get(name))
        if text:
            told.append((drawing.said(_WORDS.get(name) or labels.COLUMNS[name]), drawing.shown(text)))
    _table(axes, told)


def _table(axes: Axes, told: Sequence[tuple[str, str]]) -> None:
    """Labels and texts in two columns, long texts in several lines."""
    axes.axis("off")
    lines = [(label, drawing.wrapped(text, _FACT_WIDTH)) for label, text in told]
    at, step = 1.0, 1.0 / max(sum(text.count("\n") + 1 for _, text in lines), 14)
    for label, text in lines:
        for x, words, colour in ((0.0, label, "#555555"), (0.31, text, drawing.INK)):
            put = axes.text(x, at, words, fontsize=8, color=colour, va="top", linespacing=1.15, parse_math=False)
            put.set_in_layout(False)
        at -= (text.count("\n") + 1) * step


def _worded(words: Mapping[str, Word], name: object) -> str:
    return drawing.said(style.word(words, values.text(name))) if values.text(name) else ""


def _in_words(told: Word | str) -> str:
    return drawing.said(told, beside="; ") if isinstance(told, Word) else told


_DAYS = frozenset({"last_absent", "first_seen"})


def _look_at(axes: list[Axes], around: BaseGeometry, grid: Grid) -> None:
    """Panels over the window are cut to a square about a geometry."""
    west, south, east, north = around.bounds
    side_m = max(_LEAST_M, 2.5 * (east - west), 2.5 * (north - south))
    x, y = (west + east) / 2, (south + north) / 2
    for one in axes:
        if one.get_xlim() == (grid.bounds_m[0], grid.bounds_m[2]):
            drawing.ground(one, (x - side_m / 2, y - side_m / 2, x + side_m / 2, y + side_m / 2))


def _in_crs(found: gpd.GeoDataFrame, grid: Grid) -> gpd.GeoDataFrame:
    if "kind" not in found:
        raise LuyuError(f"candidates lack the column 'kind'; they have {list(found.columns)}")
    if found.crs is None:
        raise LuyuError(f"candidates have no CRS; set it with set_crs, the tile's is EPSG:{grid.epsg}")
    return found if found.crs.to_epsg() == grid.epsg else found.to_crs(grid.epsg)
