"""Masks and their objects against the truth, where findings are pixels and not yet polygons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .bootstrap import ratio


def f1(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """F1 of a class from its counts, element by element; NaN where it is neither found nor true anywhere."""
    return ratio(2 * tp, 2 * tp + fp + fn)


def parts(mask: np.ndarray, min_px: int = 1) -> np.ndarray:
    """Connected parts (by edges, not by corners) of ``min_px`` pixels or more, int32 labels from 1; 0 elsewhere."""
    labels, count = ndimage.label(mask)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= min_px
    large[0] = False
    return np.where(large, np.cumsum(large), 0).astype(np.int32)[labels]


@dataclass(frozen=True)
class Matches:
    """What became of each found object (label less 1) and of each true one.

    ``truth_of`` (found,): the true object that a found one shows, -1 for none. ``due`` (truth,): whether a true object is
    large enough to be asked for. ``common_px`` (found,): pixels of a found object on any true one. ``found_px`` (found,),
    ``truth_px`` (truth,): sizes; 0 of a label that has no pixel.
    """

    truth_of: np.ndarray
    due: np.ndarray
    common_px: np.ndarray
    found_px: np.ndarray
    truth_px: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Found objects that show a true one that is due, bool (found,)."""
        return np.append(self.due, False)[self.truth_of]

    @property
    def false(self) -> np.ndarray:
        """Found objects that show no true one, bool (found,); what shows one too small to be due is neither."""
        return (self.truth_of < 0) & (self.found_px > 0)


def match(
    found: np.ndarray, truth: np.ndarray, confidence: np.ndarray, *, min_iou: float = 0.3, min_truth_px: int = 1
) -> Matches:
    """Labels found against true labels, one to one: the surest chooses first, the best overlap of those still free.

    So the answer for the findings above any confidence is this answer cut there (the rule of PASCAL VOC and COCO). True
    objects of fewer than ``min_truth_px`` are not due and may be shown by several.

    Parameters
    ----------
    found, truth
        Integer labels (rows, cols) from 1; 0 is nothing.
    confidence
        Of each found label, (found,).
    min_iou
        Intersection over union from which a found object shows a true one.
    """
    n, m = len(confidence), int(truth.max(initial=0))
    flat = found.ravel().astype(np.int64) * (m + 1) + truth.ravel()
    both = np.bincount(flat, minlength=(n + 1) * (m + 1)).reshape(n + 1, m + 1)
    found_px, truth_px, common = both.sum(1)[1:], both.sum(0)[1:], both[1:, 1:]
    ours, theirs = np.nonzero(common)
    overlap = common[ours, theirs]
    iou = overlap / (found_px[ours] + truth_px[theirs] - overlap)
    enough = iou >= min_iou
    ours, theirs, iou = ours[enough], theirs[enough], iou[enough]
    due = truth_px >= min_truth_px
    truth_of, taken = np.full(n, -1), np.zeros(m, bool)
    for k in np.lexsort((theirs, ours, -iou, ~due[theirs], -np.asarray(confidence)[ours])):
        if truth_of[ours[k]] < 0 and not taken[theirs[k]]:
            truth_of[ours[k]] = theirs[k]
            taken[theirs[k]] = due[theirs[k]]
    return Matches(truth_of, due, common.sum(1), found_px, truth_px)
