"""From a mask in road coordinates to strips: pieces joined along the road, each with two edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .roadframe import RoadFrame


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
    mask: np.ndarray, frame: RoadFrame, *, bridge_m: float, shortest_m: float, narrowest_m: float
) -> np.ndarray:
    """``mask`` (across, along), breaks up to ``bridge_m`` closed along the road, what is shorter or narrower gone."""
    bridge = _odd(bridge_m / frame.along_step_m)
    short = _odd(shortest_m / frame.along_step_m)
    narrow = max(round(narrowest_m / frame.across_step_m), 1)
    padded = np.pad(mask, ((0, 0), (bridge, bridge)))
    closed = ndimage.binary_closing(padded, np.ones((1, bridge)))[:, bridge:-bridge]
    # A border column repeats itself outwards: a strip that leaves the window must not be shortened there.
    wide = np.pad(closed, ((0, 0), (short, short)), mode="edge")
    opened = ndimage.binary_opening(wide, np.ones((1, short)))[:, short:-short]
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
