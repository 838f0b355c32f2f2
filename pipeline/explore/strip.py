"""The road made straight: pixels resampled into metres along and across it, as numbers and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..detectors import cues
from ..detectors.roadframe import RoadFrame, frames
from ..errors import LuyuError
from ..model.grid import Grid
from ..prepare.pair import Pair
from ..reports import style
from ..reports.chips import Stretch
from ..reports.labels import Word, frozen
from . import drawing
from .grids import grid_of
from .plain import Roads, in_crs
from .tile import TileView

if TYPE_CHECKING:
    import xarray as xr

_USUAL_WIDTH_M = 7.0
_WORDS = frozen(
    image=("影像", "image"),
    before=("前时相", "before"),
    after=("后时相", "after"),
    warmth=("暖色变化", "change of warmth"),
    along=("沿路", "along the road"),
    across=("横向", "across"),
    left=("左", "left"),
    right=("右", "right"),
    pavement=("路面边缘", "edge of the pavement"),
)
_EDGE = "#ffffff"
_MOST_RATIO = 0.3  # (R-B)/(R+B): what the strongest colour of the change stands for


def straighten(
    image: xr.Dataset,
    roads: gpd.GeoDataFrame,
    *,
    section: object = None,
    margin_m: float = 6.0,
    width_m: float | None = None,
) -> xr.Dataset:
    """An image in the coordinates of a road: rows are metres across its axis, columns metres along it.

    Parameters
    ----------
    image
        Dataset (y, x) on a metric grid.
    roads
        Lines in any CRS; ``pavement_width_m`` (m) counts where it is recorded.
    section
        Label of the row of ``roads`` that is meant; None: the one that runs through the image for longest.
    margin_m
        How far past the edge of the pavement is shown, m.
    width_m
        Width of the pavement, m, where none is recorded; default 7.

    Returns
    -------
    Dataset
        Dims (across_m, along_m): the same bands, bilinear, float32, NaN outside the image. ``across_m`` is positive to the
        left of the line as digitised, ``along_m`` counts from its start; coordinates ``x_m``, ``y_m`` (both dims) say where
        each sample lies. ``attrs``: ``section``, ``pavement_width_m``, ``epsg``.

    Raises
    ------
    LuyuError
        No road runs through the image, or there is no such section.

    >>> import xarray as xr
    >>> place = {"y": 3_800_000.0 - np.arange(60), "x": 520_000.0 + np.arange(200)}
    >>> image = xr.Dataset({"red": (("y", "x"), np.tile(np.arange(200.0), (60, 1)))}, place, attrs={"epsg": 4548})
    >>> line = shapely.LineString([(520_000, 3_799_970), (520_200, 3_799_970)])
    >>> road = gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[line], crs=4548)
    >>> strip = straighten(image, road)
    >>> strip["red"].dims, round(float(strip["red"].sel(along_m=100, across_m=0, method="nearest")))
    (('across_m', 'along_m'), 100)
    """
    import xarray as xr

    grid = grid_of(image)
    frame, lines = _frame(roads, grid, section, margin_m, width_m)
    x_m, y_m = frame.points_m
    dims = ("across_m", "along_m")
    told = {str(name): (dims, frame.sample(band.transpose("y", "x").to_numpy(), grid)) for name, band in image.items()}
    place = {
        "across_m": frame.across_m, "along_m": frame.part_from_m + frame.along_m, "x_m": (dims, x_m), "y_m": (dims, y_m)
    }  # fmt: skip
    facts = {"section": lines.given.index[frame.section], "pavement_width_m": frame.width_m, "epsg": grid.epsg}
    return xr.Dataset(told, coords=place, attrs=facts)


def road_strip(
    images: xr.Dataset | Pair | TileView,
    roads: gpd.GeoDataFrame,
    *,
    candidates: gpd.GeoDataFrame | None = None,
    stakes: gpd.GeoDataFrame | None = None,
    section: object = None,
    margin_m: float = 6.0,
    between_m: tuple[float, float] | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """A figure of the road made straight: one image, or both dates with what became warmer, and candidates on them.

    Parameters
    ----------
    images
        A Dataset (y, x; blue, green, red), a pair, or a tile view; its candidates are drawn if none are given.
    roads, section, margin_m
        As `straighten` takes them.
    candidates
        Areas in any CRS, with ``kind`` and perhaps ``confidence``.
    stakes
        Posts, so that the axis along the road tells stakes; see `locate`. Without: those that the roads record.
    between_m
        From where to where along the line is shown, m; None: all of it that is in the image.
    figsize
        Inches.

    Returns
    -------
    Figure
        A panel each for before, after, and the change of (R-B)/(R+B) between them; across is stretched. Of one image one.

    Raises
    ------
    LuyuError
        As `straighten`; candidates without a CRS.

    >>> import xarray as xr
    >>> place = {"y": 3_800_000.0 - np.arange(60), "x": 520_000.0 + np.arange(200)}
    >>> field = (("y", "x"), np.full((60, 200), 0.2, np.float32))
    >>> image = xr.Dataset({band: field for band in ("blue", "green", "red")}, place, attrs={"epsg": 4548})
    >>> line = shapely.LineString([(520_000, 3_799_970), (520_200, 3_799_970)])
    >>> figure = road_strip(image, gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[line], crs=4548))
    >>> len(figure.axes)
    1
    """
    dated, found = _dated(images)
    found = candidates if candidates is not None else found
    grid = grid_of(dated[0][1])
    frame, lines = _frame(roads, grid, section, margin_m, None)
    samples = [{band: frame.sample(image[band].to_numpy(), grid) for band in image.data_vars} for _, image in dated]
    pictures = _pictures(samples)
    shown = _columns(frame, between_m)
    with drawing.lettering():
        panels = len(pictures) + (len(pictures) == 2)
        figure = drawing.sheet(figsize or (13.0, 1.0 + 1.9 * panels))
        axes = list(np.ravel(figure.subplots(panels, 1, sharex=True, squeeze=False)))
        for one, (title, _), picture in zip(axes, dated, pictures, strict=False):
            _lay(one, picture, frame, shown)
            drawing.titled(one, title)
        if len(pictures) == 2:
            _warmer(axes[-1], samples, frame, shown)
        if found is not None:
            for one in axes:
                _outline(one, found, frame, grid.epsg, shown)
        _stakes(axes[-1], frame, lines, stakes, shown)
        kinds = [] if found is None else list(dict.fromkeys(found["kind"]))
        _legend(axes[0], kinds)
    return figure


def _frame(
    roads: gpd.GeoDataFrame, grid: Grid, section: object, margin_m: float, width_m: float | None
) -> tuple[RoadFrame, Roads]:
    """The frame that is meant, and the roads that it is one of."""
    lines = Roads.of(roads, crs=gpd.GeoSeries(crs=grid.epsg).crs, classed=False)
    every = frames(lines.table, grid, margin_m=margin_m, default_width_m=width_m or _USUAL_WIDTH_M)
    named = [frame for frame in every if section is None or lines.given.index[frame.section] == section]
    if not named:
        which = "no road" if section is None else f"no road of section {section!r}"
        raise LuyuError(f"{which} runs through the image; the roads have {list(lines.given.index[:8])}, check both CRS")
    return max(named, key=lambda frame: len(frame.along_m)), lines


def _dated(images: Any) -> tuple[list[tuple[str, Any]], gpd.GeoDataFrame | None]:
    """Titles and images, oldest first, and the candidates that come with them."""
    if isinstance(images, TileView):
        view = images.view
        titles = [
            f"{drawing.said(_WORDS['before'])} {view.before_day}",
            f"{drawing.said(_WORDS['after'])} {view.after_day}",
        ]
        return list(zip(titles, (view.before, view.after), strict=True)), images.candidates
    if isinstance(images, Pair):
        return [(drawing.said(_WORDS["before"]), images.before), (drawing.said(_WORDS["after"]), images.after)], None
    return [(f"{drawing.said(_WORDS['image'])} {images.attrs.get('day', '')}".strip(), images)], None


def _pictures(samples: Sequence[dict[Any, np.ndarray]]) -> list[np.ndarray]:
    """Straightened pictures, uint8 (across, along, 3), under one stretch."""
    names = ("red", "green", "blue")
    if missing := [name for name in names if name not in samples[0]]:
        raise LuyuError(f"a picture needs red, green and blue; the image has no {', '.join(missing)}")
    cuts = [np.stack([day[name] for name in names], axis=-1) for day in samples]
    stretch = Stretch.of(cuts)
    return [stretch.rgb8(cut) for cut in cuts]


def _columns(frame: RoadFrame, between_m: tuple[float, float] | None) -> tuple[float, float]:
    low, high = frame.span_m(0, len(frame.along_m) - 1)
    if between_m is None:
        return low, high
    if not low <= between_m[0] < between_m[1] <= high:
        raise LuyuError(f"between_m is {between_m}; the image shows the road from {low:.0f} to {high:.0f} m")
    return between_m


def _lay(
    axes: Axes, pixels: np.ndarray, frame: RoadFrame, shown: tuple[float, float], *, edge: str = _EDGE, **look: Any
) -> Any:
    """Samples on axes of metres along and across; left of the line is up."""
    low, high = frame.span_m(0, len(frame.along_m) - 1)
    half = frame.across_step_m / 2
    extent = (low, high, frame.across_m[0] - half, frame.across_m[-1] + half)
    drawn = axes.imshow(pixels, extent=extent, origin="lower", aspect="auto", interpolation="nearest", **look)
    for edge_m in (-frame.width_m / 2, frame.width_m / 2):
        axes.axhline(edge_m, color=edge, linewidth=1.0, linestyle=(0, (6, 4)))
    axes.set_xlim(*shown)
    axes.set_ylabel(f"{drawing.said(_WORDS['across'])}, m", fontsize=8)
    axes.tick_params(labelsize=8)
    return drawn


def _warmer(axes: Axes, samples: Sequence[dict[Any, np.ndarray]], frame: RoadFrame, shown: tuple[float, float]) -> None:
    change = cues.warmth(samples[1]) - cues.warmth(samples[0])
    drawn = _lay(
        axes, np.ma.masked_invalid(change), frame, shown, edge=drawing.INK, cmap="PuOr_r", vmin=-_MOST_RATIO, vmax=_MOST_RATIO
    )  # fmt: skip
    axes.set_facecolor("#d9d9d9")
    bar = axes.figure.colorbar(drawn, ax=axes, pad=0.01, shrink=0.9)
    bar.ax.tick_params(labelsize=7)
    drawing.titled(axes, f"{drawing.said(_WORDS['warmth'])}, (R−B)/(R+B)")


def _outline(axes: Axes, found: gpd.GeoDataFrame, frame: RoadFrame, epsg: int, shown: tuple[float, float]) -> None:
    """Candidates as lines in the road's coordinates, by the samples that lie in them."""
    there = in_crs(found, epsg, "candidates")
    along_m = frame.part_from_m + frame.along_m
    for kind, shape in zip(there["kind"], there.geometry, strict=True):
        shapely.prepare(shape)
        inside = shapely.contains_xy(shape, *frame.points_m)
        if not inside.any():
            continue
        colour = style.kind_style(str(kind)).colour
        for line, width in ((drawing.INK, 2.6), (colour, 1.4)):
            axes.contour(along_m, frame.across_m, inside, levels=[0.5], colors=[line], linewidths=width)
    axes.set_xlim(*shown)


def _legend(axes: Axes, kinds: Sequence[str]) -> None:
    words = drawing.said(_WORDS["pavement"])
    handles = [Line2D([], [], color=_EDGE, linestyle=(0, (4, 3)), label=words)]
    for kind in kinds:
        look = style.kind_style(str(kind))
        handles.append(Line2D([], [], color=look.colour, label=drawing.shown(drawing.said(Word(look.zh, look.en)))))
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=7, facecolor="#3c444c", labelcolor="white",
        framealpha=0.9, ncols=5,
    )  # fmt: skip


def _stakes(
    axes: Axes, frame: RoadFrame, lines: Roads, stakes: gpd.GeoDataFrame | None, shown: tuple[float, float]
) -> None:
    """Metres along the line, with the stake at each tick, where the road has a code."""
    axes.set_xlabel(f"{drawing.said(_WORDS['along'])}, m", fontsize=8)
    ticks = np.asarray(MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(*shown))
    ticks = ticks[(ticks >= shown[0]) & (ticks <= shown[1])]
    own = lines.table.loc[frame.section]
    if own["route_code"] is None:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        return
    parts = shapely.get_parts(own.geometry)
    ends_m = np.concatenate([[0.0], np.cumsum(shapely.length(parts))])
    at = np.clip(np.searchsorted(ends_m, ticks, side="right") - 1, 0, len(parts) - 1)
    where = gpd.GeoSeries(shapely.line_interpolate_point(parts[at], ticks - ends_m[at]), crs=lines.table.crs)
    told = lines.reference(stakes).locate(where, section=pd.Series(frame.section, index=where.index))["stake"]
    axes.set_xticks(ticks, [f"{tick:g}\n{own['route_code']} {stake}" for tick, stake in zip(ticks, told, strict=True)])
