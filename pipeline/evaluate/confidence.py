"""Is a confidence worth its name: reliability, and what is found at a bearable number of false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .bootstrap import ratio
from .intervals import rate


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Of each bin of equal width that holds a finding: what was promised and what came true (Murphy and Winkler 1977).

    Columns: ``from``, ``to`` (the last bin holds 1 as well), ``count``, ``promised`` (mean confidence), ``right`` (share) and its
    Wilson bounds ``low``, ``high``.
    """
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.digitize(confidence, edges) - 1, 0, bins - 1)
    rows = []
    for k in np.unique(which):
        some = right[which == k]
        share, low, high = rate(int(some.sum()), len(some))
        promised = float(confidence[which == k].mean())
        rows.append((edges[k], edges[k + 1], len(some), promised, share, low, high))
    return pd.DataFrame(rows, columns=["from", "to", "count", "promised", "right", "low", "high"])


def calibration_error(table: pd.DataFrame) -> float:
    """Expected calibration error: the mean gap between promised and right, bins weighed by count; NaN of no finding."""
    gap = (table["promised"] - table["right"]).abs() * table["count"]
    return float(gap.sum() / table["count"].sum()) if len(table) else np.nan


def brier(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean squared gap between confidence and outcome (Brier 1950): 0 is perfect; NaN of no finding."""
    return float(np.mean((confidence - right) ** 2)) if len(right) else np.nan


def recall_at(
    confidence: np.ndarray,
    right: np.ndarray,
    false: np.ndarray,
    unit: np.ndarray,
    *,
    due: np.ndarray,
    allowed: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Largest recall with no more false findings than are allowed: a point of the free-response curve, (draws,).

    Parameters
    ----------
    confidence, right, false, unit
        Of each finding, (found,): right and false as from `masks.match`, ``unit`` the number of the image that it is in.
    due, allowed
        Of each unit, (units,): true objects that are due, false findings that one may bear.
    weights
        Draws of units, (draws, units), as from `bootstrap.weights`. Findings of one confidence stand or fall together.
    """
    order = np.argsort(-confidence, kind="stable")
    confidence, drawn = confidence[order], weights[:, unit[order]]
    hits, wrong = ((drawn * some[order]).cumsum(axis=1) for some in (right, false))
    last = np.append(confidence[1:] != confidence[:-1], True)[: len(confidence)]
    bearable = (wrong[:, last] <= (weights @ allowed)[:, None] + 1e-9) * hits[:, last]
    return ratio(bearable.max(axis=1, initial=0), weights @ due)
