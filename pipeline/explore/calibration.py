"""Is a confidence worth its name: the reliability diagram."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..errors import LuyuError
from ..evaluate.confidence import brier, calibration_error, reliability
from ..reports.labels import frozen
from . import drawing

_BLUE, _GREY = "#0072b2", "#8a8f94"
_WORDS = frozen(
    promised=("给出的置信度", "confidence that was given"),
    right=("属实的比例", "share that was right"),
    count=("条数", "count"),
    perfect=("名副其实", "as promised"),
    title=("置信度校准", "calibration of confidence"),
    range=("95% 区间", "95 % interval"),
)


def calibration_curve(
    confidence: ArrayLike,
    right: ArrayLike,
    *,
    bins: int = 10,
    name: str = "",
    figsize: tuple[float, float] = (6.0, 6.5),
) -> Figure:
    """What was promised against what came true: a reliability diagram, with how many objects each point rests on.

    Parameters
    ----------
    confidence
        Of each object, (n,), 0..1.
    right
        Whether it was right, (n,), bool; objects that nobody has judged are to be left out before.
    bins
        Number of bins of equal width.
    name
        Added to the title: of what, on which places.
    figsize
        Inches.

    Returns
    -------
    Figure
        Above: a point for each bin that holds an object, at its mean confidence, with the Wilson interval of the share that
        was right; the dashed line is what a calibrated confidence gives. Below: counts. In the title the expected
        calibration error (ECE, the mean distance from that line, 0..1), the Brier score, and n.

    Raises
    ------
    LuyuError
        No object, lengths that differ, confidences beyond 0..1, or ``right`` that is neither true nor false.

    Notes
    -----
    Murphy and Winkler 1977 (reliability), Wilson 1927 (intervals), Brier 1950. An ECE of few objects is mostly noise: with
    ten in a bin the share that is right is off by 0.16 (one standard error) by chance alone.

    >>> figure = calibration_curve([0.2, 0.3, 0.8, 0.9], [False, False, True, True], bins=2)
    >>> [axes.get_ylabel().split()[-1] for axes in figure.axes]
    ['right', 'count']
    """
    promised, true = np.asarray(confidence, dtype=float), np.asarray(right)
    _check(promised, true, bins)
    true = true.astype(bool)
    table = reliability(promised, true, bins)
    with drawing.lettering():
        figure = drawing.sheet(figsize)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        _points(above, table)
        _counts(below, table, bins)
        facts = f"ECE {calibration_error(table):.3f} · Brier {brier(promised, true):.3f} · n = {len(promised)}"
        title = " · ".join(filter(None, (drawing.said(_WORDS["title"]), drawing.shown(name))))
        drawing.titled(above, f"{title}\n{facts}")
    return figure


def _check(promised: np.ndarray, true: np.ndarray, bins: int) -> None:
    if promised.ndim != 1 or promised.shape != true.shape:
        raise LuyuError(f"confidence {promised.shape} and right {true.shape} must be two lists of one length")
    if not promised.size:
        raise LuyuError("no object: a calibration is of objects that somebody has judged")
    if not ((promised >= 0) & (promised <= 1)).all():  # NaN, too
        raise LuyuError("confidence must lie within 0..1; leave objects without one out")
    if pd.isna(true).any() or not set(np.unique(true.astype(object))) <= {True, False}:
        raise LuyuError("right must be true or false of each object; leave out what nobody has judged")
    if bins < 1:
        raise LuyuError(f"bins is {bins}; give 1 or more")


def _points(axes: Axes, table: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label=drawing.said(_WORDS["perfect"]))
    low, high = table["right"] - table["low"], table["high"] - table["right"]
    spread = np.clip(np.vstack([low, high]), 0.0, None)
    axes.errorbar(
        table["promised"], table["right"], yerr=spread, fmt="o", color=_BLUE, markersize=6, capsize=3, linewidth=1.2,
        label=drawing.said(_WORDS["range"]),
    )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02))
    axes.set_ylabel(drawing.said(_WORDS["right"]), fontsize=9)
    axes.legend(loc="upper left", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _counts(axes: Axes, table: pd.DataFrame, bins: int) -> None:
    middles = (table["from"] + table["to"]) / 2
    axes.bar(middles, table["count"], width=0.9 / bins, color=_GREY)
    for middle, count in zip(middles, table["count"], strict=True):
        axes.text(middle, count, f"{count}", ha="center", va="bottom", fontsize=8, color=drawing.INK)
    axes.margins(y=0.25)
    axes.set_xlabel(drawing.said(_WORDS["promised"]), fontsize=9)
    axes.set_ylabel(drawing.said(_WORDS["count"]), fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
