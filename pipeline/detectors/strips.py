"""From a mask in road coordinates to strips: pieces joined along the road, each with two edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from .roadframe import RoadFrame

_BLUR_PX = 1.0  # optics, the pixel itself and resampling along the road together, full width at half maximum


@dataclass(frozen=True)
class Strip:
    """A strip along the road: columns ``first`` to ``last`` (inclusive), its edges per column, and where it is covered.

    ``right_m``, ``left_m``: edges across, bridged over gaps; ``covered``: columns in which it was seen.
    """

    first: int
    last: int
    right_m: np.ndarray
    left_m: np.ndarray
    covered: np.ndarray

    @property
    def columns(self) -> slice:
        """The strip's columns in its frame."""
        return slice(self.first, self.last + 1)

    @property
    def width_m(self) -> float:
        """Median width where covered."""
        return float(np.median((self.left_m - self.right_m)[self.covered]))

    def mask(self, across_m: np.ndarray) -> np.ndarray:
        """Samples between the edges where covered, bool (across, columns of the strip)."""
        rows = across_m[:, None]
        return (rows >= self.right_m) & (rows <= self.left_m) & self.covered


def cleaned(
    mask: np.ndarray, hidden: np.ndarray, frame: RoadFrame, *, shortest_m: float, narrowest_m: float
) -> np.ndarray:
    """What most of the visible samples along the road agree on in ``mask`` (across, along), if long and wide enough.

    A sample counts when half or more of those within ``shortest_m`` along the road do. Samples that are ``hidden``
    (shadows) have no vote: they neither break a strip nor make one; where three of four are hidden nothing is.
    """
    window = _odd(shortest_m / frame.along_step_m)
    yes, visible = (
        cv2.blur(votes.astype(np.float32), (window, 1), borderType=cv2.BORDER_REPLICATE)
        for votes in (mask, mask | ~hidden)
    )
    agreed = (yes >= 0.5 * visible - 1e-6) & (visible > 0.25)
    narrow = max(round(narrowest_m / frame.across_step_m), 1)
    # A border column repeats itself outwards: a strip that leaves the window must not be shortened there.
    wide = np.pad(agreed, ((0, 0), (window, window)), mode="edge")
    opened = ndimage.binary_opening(wide, np.ones((1, window)))[:, window:-window]
    return np.asarray(ndimage.binary_opening(opened, np.ones((narrow, 1))))


def _odd(cells: float) -> int:
    return max(round(cells) // 2 * 2 + 1, 3)


def find(
    mask: np.ndarray, contrast: np.ndarray, frame: RoadFrame, *, gap_m: float, reach: np.ndarray
) -> Iterator[Strip]:
    """Strips of ``mask``, pieces that continue one another with gaps below ``gap_m`` joined, in order along the road.

    Edges are drawn where ``contrast`` falls to half of the piece's median, inside ``reach`` (bool), so that they do
    not depend on the threshold that made the mask.
    """
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    pieces = [_piece(labels == number + 1, box, contrast, reach, frame) for number, box in enumerate(boxes[:count])]
    pieces.sort(key=lambda piece: (piece.first, piece.last))
    for chain in _chains(pieces, gap_m / frame.along_step_m):
        yield _joined(chain)


def _piece(
    own: np.ndarray, box: tuple[slice, slice], contrast: np.ndarray, reach: np.ndarray, frame: RoadFrame
) -> Strip:
    cols = box[1]
    level = np.median(contrast[own]) / 2
    part = own[:, cols]
    rows = np.arange(len(part))[:, None]
    middle = np.round((part * rows).sum(axis=0) / np.maximum(part.sum(axis=0), 1)).astype(int)
    with np.errstate(invalid="ignore"):
        body = ((contrast[:, cols] >= level) & reach[:, cols]) | (part & (np.abs(rows - middle) <= 1))
    at_middle = np.minimum(np.maximum(middle, 0), len(part) - 1)
    above = np.where(~body & (rows > at_middle), rows, len(part)).min(axis=0)  # first row past the strip on either side
    below = np.where(~body & (rows < at_middle), rows, -1).max(axis=0)
    smooth = _odd(5.0 / frame.along_step_m)
    step, origin = frame.across_step_m, frame.across_m[0]
    right = ndimage.median_filter(origin + (below + 0.5) * step, smooth, mode="nearest")
    left = ndimage.median_filter(origin + (above - 0.5) * step, smooth, mode="nearest")
    # What is hardly wider than a pixel looks wider than it is: two blurs add as squares (full widths at half maximum).
    seen_m, blur_m = np.maximum(left - right, step), _BLUR_PX * frame.pixel_m
    excess = (seen_m - np.sqrt(np.maximum(seen_m**2 - blur_m**2, (0.5 * seen_m) ** 2))) / 2
    right, left = right + excess, left - excess
    return Strip(cols.start, cols.stop - 1, right, left, np.asarray(part.any(axis=0)))


def _chains(pieces: list[Strip], gap_columns: float) -> list[list[Strip]]:
    """Pieces grouped so that each continues one before it: near along the road, overlapping across it."""
    chains: list[list[Strip]] = []
    for piece in pieces:
        for chain in chains:
            last = max(chain, key=lambda other: other.last)
            near = piece.first - last.last - 1 <= gap_columns and piece.first > last.last
            left_m = min(_median(piece.left_m), _median(last.left_m))
            shared = left_m - max(_median(piece.right_m), _median(last.right_m))
            if near and shared > 0.4 * min(piece.width_m, last.width_m):
                chain.append(piece)
                break
        else:
            chains.append([piece])
    return chains


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


def _joined(chain: list[Strip]) -> Strip:
    first, last = min(p.first for p in chain), max(p.last for p in chain)
    columns = np.arange(first, last + 1)
    at = np.concatenate([np.arange(p.first, p.last + 1) for p in chain])
    right, left = (np.concatenate(values) for values in zip(*((p.right_m, p.left_m) for p in chain), strict=True))
    covered = np.zeros(len(columns), bool)
    covered[at[np.concatenate([p.covered for p in chain])] - first] = True
    return Strip(first, last, np.interp(columns, at, right), np.interp(columns, at, left), covered)
