"""Which finding is which truth: the best one-to-one pairing of outlines, kind by kind."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..model.options import Options


class PairOptions(Options):
    """When a finding may count as a truth found."""

    min_iou: float = Field(default=0.3, gt=0, le=1, description="Intersection over union that is enough, 0..1.")
    min_strip_share: float = Field(
        default=0.3, gt=0, le=1, description="For a strip: overlap as a share of either outline that is enough, 0..1."
    )
    strip_elongation: float = Field(
        default=5.0, gt=1, description="A truth is a strip from this length over width of its rotated rectangle."
    )


@dataclass(frozen=True)
class Overlaps:
    """Pairs of outlines of one kind that overlap enough to be one thing, as columns of equal length."""

    found: np.ndarray  # positions in findings
    truth: np.ndarray  # positions in truth
    iou: np.ndarray


def overlaps(findings: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, options: PairOptions) -> Overlaps:
    """All pairs that may count, in the order of findings then truth; both tables valid and in one metric CRS.

    Thin strips (grain along a lane) fall under ``min_iou`` from an error of a metre, so a strip counts when
    ``min_strip_share`` of the finding or of the truth overlaps. The truth decides what a strip is.
    """
    ours, theirs = findings.geometry.to_numpy(), truth.geometry.to_numpy()
    left, right = shapely.STRtree(theirs).query(ours, predicate="intersects")
    alike = findings["kind"].to_numpy(dtype=object)[left] == truth["kind"].to_numpy(dtype=object)[right]
    left, right = left[alike], right[alike]
    common = shapely.area(shapely.intersection(ours[left], theirs[right]))
    area_a, area_b = shapely.area(ours[left]), shapely.area(theirs[right])
    iou = _ratio(common, area_a + area_b - common)
    share = _ratio(common, np.minimum(area_a, area_b))
    strip = elongation(theirs)[right] >= options.strip_elongation
    enough = (iou >= options.min_iou) | (strip & (share >= options.min_strip_share))
    order = np.lexsort((right[enough], left[enough]))
    return Overlaps(left[enough][order], right[enough][order], iou[enough][order])


def best_pairs(candidates: Overlaps) -> Overlaps:
    """The one-to-one choice with the most pairs, and among those with the greatest sum of overlaps.

    Each connected group of outlines is solved by itself (Hungarian method); the result does not depend on the order
    of the rows but for exact ties.
    """
    if not len(candidates.found):
        return candidates
    found, row = np.unique(candidates.found, return_inverse=True)
    truth, col = np.unique(candidates.truth, return_inverse=True)
    size = len(found) + len(truth)
    graph = coo_array((np.ones(len(row)), (row, len(found) + col)), shape=(size, size))
    group = connected_components(graph, directed=False)[1][row]
    order = np.argsort(group, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    chosen = [m if len(m) == 1 else _solved(m, row, col, candidates.iou) for m in groups]
    kept = np.sort(np.concatenate(chosen))
    return Overlaps(candidates.found[kept], candidates.truth[kept], candidates.iou[kept])


def elongation(outlines: np.ndarray) -> np.ndarray:
    """Length over width of each outline's smallest rotated rectangle; infinite for a line."""
    corners = pd.Series(shapely.minimum_rotated_rectangle(outlines))
    sides = np.full((len(outlines), 2), np.nan)
    for place, rectangle in enumerate(corners):
        if rectangle is not None and rectangle.geom_type == "Polygon":
            xy = shapely.get_coordinates(rectangle)
            sides[place] = np.hypot(*np.diff(xy[:3], axis=0).T)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sides.max(axis=1) / sides.min(axis=1)
    return np.where(np.isnan(ratio), np.inf, ratio)


def _solved(members: np.ndarray, row: np.ndarray, col: np.ndarray, iou: np.ndarray) -> np.ndarray:
    rows, at_row = np.unique(row[members], return_inverse=True)
    cols, at_col = np.unique(col[members], return_inverse=True)
    # One more pair must outweigh any sum of overlaps, each of which is at most 1.
    gain = np.zeros((len(rows), len(cols)))
    gain[at_row, at_col] = min(gain.shape) + 1.0 + iou[members]
    which = np.full(gain.shape, -1)
    which[at_row, at_col] = members
    picked = which[linear_sum_assignment(gain, maximize=True)]
    return picked[picked >= 0]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)
