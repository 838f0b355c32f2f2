"""Single panels of a tile's figure; each draws into axes that are given."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from ..model.cause import Cause
from ..model.grid import Grid
from ..prepare.pair import Pair
from ..reports import style
from ..reports.labels import Word
from . import drawing
from .evidence import EvidenceMap

_PAIR_REASONS = {"no_image": Cause.NO_SCENE, "cloud": Cause.CLOUD, "shift": Cause.SHIFT_REFUSED}
_ARROW_SHARE = 0.06  # of the window's width: how long the key's arrow is drawn
_ONE_SIDED, _SIGNED, _UNSEEN = "cividis", "PuOr_r", "#d9d9d9"
_ZONES = ("control_zone", "highway_land", "pavement")
_FAINT = 0.55
_LEAST_SHARE = 5e-4  # of the window; less is not said


def picture(axes: Axes, rgb8: np.ndarray, grid: Grid, title: str) -> None:
    """A picture, uint8 (rows, cols, 3), on its ground."""
    drawing.image(axes, rgb8, grid)
    drawing.titled(axes, title)


def unobserved(axes: Axes, rgb8: np.ndarray, reasons: Mapping[str, np.ndarray], grid: Grid) -> None:
    """What was not observed, and why, over the picture in grey; shares of the window stand in the legend."""
    drawing.image(axes, pale(rgb8), grid)
    handles = []
    for reason, mask in reasons.items():
        if mask.mean() >= _LEAST_SHARE:
            look = style.CAUSES[_PAIR_REASONS[reason].value]
            layer = np.zeros((*mask.shape, 4))
            layer[mask] = (*mpl.colors.to_rgb(look.colour), 0.75)
            drawing.image(axes, layer, grid)
            words = drawing.said(Word(look.zh, look.en))
            handles.append(Patch(facecolor=look.colour, label=f"{words} {100 * mask.mean():.1f}%"))
    if handles:
        axes.legend(handles=handles, loc="upper left", fontsize=7, framealpha=0.9)
    seen = 1.0 - sum(float(mask.mean()) for mask in reasons.values())
    drawing.titled(axes, f"{drawing.said(Word('未观测', 'not observed'))}: {100 * (1 - seen):.1f}%")


def shift(axes: Axes, pair: Pair, margin_px: int, rgb8: np.ndarray, grid: Grid) -> None:
    """How the earlier image was laid on the later one: the common shift, and how far each block's own lies from it.

    ``margin_px``: how far past the window was measured. The key says how long a shift the arrows draw.
    """
    drawing.image(axes, pale(rgb8), grid)
    registration = pair.registration
    words = drawing.said(Word("配准", "registration"))
    if registration is None:
        drawing.titled(axes, f"{words}: –")
        return
    votes = registration.votes_px
    if len(votes):
        x_m = grid.west_m + (votes[:, 1] - margin_px + 0.5) * grid.pixel_m
        y_m = grid.north_m - (votes[:, 0] - margin_px + 0.5) * grid.pixel_m
        key_px = _round_up(float(np.percentile(np.hypot(votes[:, 2], votes[:, 3]), 75)))
        length_m = _ARROW_SHARE * grid.cols * grid.pixel_m / key_px
        arrows = axes.quiver(
            x_m, y_m, votes[:, 3] * length_m, -votes[:, 2] * length_m, angles="xy", scale_units="xy", scale=1.0,
            color="#d55e00", width=0.007, zorder=6, clip_on=True,
        )  # fmt: skip
        axes.quiverkey(
            arrows, 0.82, 0.05, key_px * length_m, f"{key_px:g} px", labelpos="N", coordinates="axes", zorder=9
        )
        axes.plot(x_m, y_m, ".", color=drawing.INK, markersize=3, zorder=7)
    rows, cols = registration.measured_px
    state = _state(registration.reliable, registration.refused, registration.from_prior)
    drawing.titled(axes, f"{words}: {drawing.said(state)}\n{rows:+.2f} / {cols:+.2f} px (rows, cols), "
                   f"{len(votes)} blocks")  # fmt: skip


def _round_up(shift_px: float) -> float:
    """The next of 0.01, 0.02, 0.05, 0.1, ... px."""
    step = 10.0 ** np.floor(np.log10(max(shift_px, 0.01)))
    return float(next(k * step for k in (1, 2, 5, 10) if k * step >= shift_px))


def _state(reliable: bool, refused: bool, from_prior: bool) -> Word:
    if refused:
        return Word("拒绝比对", "refused")
    if from_prior:
        return Word("取邻近分幅值", "of other tiles")
    return Word("已量测", "measured") if reliable else Word("不可靠，未改正", "unreliable, not corrected")


def layer(axes: Axes, one: EvidenceMap, bounds_m: tuple[float, float, float, float]) -> None:
    """A layer of evidence with its scale, on the whole window's ground, a line where an object may begin."""
    low, high = one.limits
    signed = low < 0 < high
    colours = mpl.colormaps[_SIGNED if signed else _ONE_SIDED].with_extremes(bad=_UNSEEN)
    drawn = drawing.image(axes, np.ma.masked_invalid(one.values), one.grid, cmap=colours, vmin=low, vmax=high)
    axes.set_facecolor(_UNSEEN)
    drawing.ground(axes, bounds_m)
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.01, extend=_beyond(one))
    bar.ax.tick_params(labelsize=7)
    if one.level is not None and np.nanmax(one.values) >= one.level:
        axes.contour(one.grid.x_m, one.grid.y_m, one.values, levels=[one.level], colors=["#d55e00"], linewidths=1.6)
        bar.ax.axhline(one.level, color="#d55e00", linewidth=1.5)
    drawing.titled(axes, f"{drawing.said(one.label)}, {one.unit}\n{', '.join(one.detectors)}")


def _beyond(one: EvidenceMap) -> str:
    found = one.values[np.isfinite(one.values)]
    if not found.size:
        return "neither"
    under, over = bool(found.min() < one.limits[0]), bool(found.max() > one.limits[1])
    return "both" if under and over else "min" if under else "max" if over else "neither"


def zones(axes: Axes, masks: Mapping[str, np.ndarray], rgb8: np.ndarray, grid: Grid) -> list[Patch]:
    """The zones as the detectors have them, burnt into pixels, over the picture in grey; gives the legend's entries."""
    drawing.image(axes, pale(rgb8), grid)
    handles = []
    for zone in _ZONES:
        mask = masks.get(zone)
        if mask is None or not mask.any():
            continue
        look = style.zone_style(zone)
        tint = np.zeros((*mask.shape, 4))
        tint[mask] = (*mpl.colors.to_rgb(look.fill), 0.6)
        drawing.image(axes, tint, grid)
        handles.append(Patch(facecolor=look.fill, edgecolor=look.line, label=drawing.said(Word(look.zh, look.en))))
    return handles


def candidates(axes: Axes, found: gpd.GeoDataFrame, grid: Grid, handles: list[Patch]) -> None:
    """Candidates in the colours of their kinds, each with its confidence where it has one, and the legend."""
    told = found["confidence"] if "confidence" in found else [None] * len(found)
    for kind, confidence, shape in zip(found["kind"], told, found.geometry, strict=True):
        look = style.kind_style(str(kind))
        drawing.area(axes, shape, look.colour, fill=0.35)
        if confidence is not None and np.isfinite(confidence):
            top = shape.intersection(grid.footprint).bounds or shape.bounds
            drawing.label(axes, f"{confidence:.2f}", ((top[0] + top[2]) / 2, top[3]))
    for kind in dict.fromkeys(found["kind"]):
        look = style.kind_style(str(kind))
        words = drawing.shown(drawing.said(Word(look.zh, look.en)))
        handles.append(Patch(facecolor=look.colour, edgecolor=drawing.INK, label=words))
    if handles:
        axes.legend(handles=handles, loc="upper left", fontsize=7, framealpha=0.9)
    drawing.titled(axes, f"{drawing.said(Word('候选与置信度', 'candidates, confidence'))}: {len(found)}")


def pale(rgb8: np.ndarray) -> np.ndarray:
    """A picture in light grey, uint8 (rows, cols, 3), for something to be drawn on."""
    grey = rgb8.mean(axis=-1, keepdims=True)
    return np.repeat(255 - _FAINT * (255 - grey), 3, axis=-1).astype(np.uint8)
