"""Objects: an image cut into superpixels, the superpixels merged into a tree of nested regions, sums over each region.

Any node of the tree (a *binary partition tree*, Salembier and Garrido 2000) is a candidate object, from a few pixels to
a whole industrial yard, so no single scale has to be right. Two neighbours merge when each is the other's cheapest; the
cost is that of the full lambda schedule (Koepfler, Lopez and Morel 1994; Robinson, Redding and Crisp 2002). All sums
over pixels and over outlines are additive and are passed up the tree, so statistics of all nodes cost one pass.

Everything is counted in pixels, rows down and columns right; label 0 is "not observed" and belongs to no node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.segmentation import watershed

EAST, WEST, SOUTH, NORTH = "east", "west", "south", "north"


def superpixels(gradient: np.ndarray, seen: np.ndarray, *, reach_px: int = 5) -> np.ndarray:
    """Labels 1..n (int32) of the watershed of ``gradient`` from its minima at least ``reach_px`` (odd) apart; 0 unseen.

    Outlines follow the crest of the gradient, so a blurred edge lies in neither neighbour as a strip of its own.
    """
    relief = cv2.GaussianBlur(gradient.astype(np.float32), (0, 0), 1.0)
    minima = (relief == cv2.erode(relief, np.ones((reach_px, reach_px), np.uint8))) & seen
    _, markers = cv2.connectedComponents(minima.astype(np.uint8), connectivity=8)
    labels = watershed(relief, markers, mask=seen)
    present = np.unique(labels)
    present = present[present > 0]
    lookup = np.zeros(int(labels.max()) + 1, np.int32)
    lookup[present] = np.arange(1, present.size + 1)
    return lookup[labels]


@dataclass(frozen=True)
class Borders:
    """Pixel edges between different superpixels: positions of the pixel before and after it, and its axis.

    ``first``, ``second``: flat pixel indices, ``second`` lies east (``horizontal``) or south of ``first``.
    ``pair``: index into ``pairs`` (m, 2), zero-based superpixels, smaller first.
    """

    first: np.ndarray
    second: np.ndarray
    horizontal: np.ndarray
    pair: np.ndarray
    pairs: np.ndarray
    leaf_first: np.ndarray
    leaf_second: np.ndarray

    @classmethod
    def between(cls, labels: np.ndarray) -> Borders:
        """The borders of a label image; edges to label 0 are left out (an object may go on where nothing was seen)."""
        index = np.arange(labels.size).reshape(labels.shape)
        flat = labels.ravel().astype(np.int64) - 1
        parts = []
        for one, two in ((index[:, :-1], index[:, 1:]), (index[:-1], index[1:])):
            a, b = one.ravel(), two.ravel()
            keep = (flat[a] != flat[b]) & (flat[a] >= 0) & (flat[b] >= 0)
            parts.append((a[keep], b[keep]))
        first, second = (np.concatenate([p[side] for p in parts]) for side in (0, 1))
        horizontal = np.repeat([True, False], [parts[0][0].size, parts[1][0].size])
        i, j = flat[first], flat[second]
        count = max(int(flat.max()) + 1, 1)
        keys, pair = np.unique(np.minimum(i, j) * count + np.maximum(i, j), return_inverse=True)
        return cls(first, second, horizontal, pair, np.stack([keys // count, keys % count], axis=1), i, j)


@dataclass(frozen=True)
class Tree:
    """Nested regions: nodes 0..leaves-1 are superpixels, each later node is the union of its two children.

    ``parent``: (nodes,), -1 at a root, always above its children's numbers. ``rounds``: (new, one, two) of each round
    of merges. ``start``, ``size``: node k holds the superpixels ``order[start[k]:start[k] + size[k]]``.
    """

    leaves: int
    parent: np.ndarray
    rounds: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    start: np.ndarray
    size: np.ndarray
    order: np.ndarray

    def total(self, leaf_values: np.ndarray, inner: np.ndarray | None = None) -> np.ndarray:
        """Sums over each node, (nodes, ...), of values per superpixel, less the ``inner`` of all nodes within it."""
        out = np.zeros((self.parent.size, *leaf_values.shape[1:]), np.float64)
        out[: self.leaves] = leaf_values
        if inner is not None:
            out -= inner
        for new, one, two in self.rounds:
            out[new] += out[one] + out[two]
        return out

    def meeting(self, pairs: np.ndarray) -> np.ndarray:
        """The lowest node that holds both superpixels of each pair (m, 2); -1 where none does."""
        one, two = pairs[:, 0].copy(), pairs[:, 1].copy()
        going = np.arange(one.size)
        while going.size:
            a, b = one[going], two[going]
            lower = a < b
            a, b = np.where(lower, self.parent[a], a), np.where(lower, b, self.parent[b])
            out = (a < 0) | (b < 0)
            a, b = np.where(out, -1, a), np.where(out, -1, b)
            one[going], two[going] = a, b
            going = going[a != b]
        return one


def _cheapest_mutual(cost: np.ndarray, pairs: np.ndarray, count: int) -> np.ndarray:
    """Indices of the pairs that are the cheapest of both their regions, in order of cost (ties by position)."""
    usable = np.flatnonzero(np.isfinite(cost))
    ranked = usable[np.argsort(cost[usable], kind="stable")]
    best = np.full(count, ranked.size, np.int64)
    rank = np.arange(ranked.size)
    np.minimum.at(best, pairs[ranked, 0], rank)
    np.minimum.at(best, pairs[ranked, 1], rank)
    return ranked[(best[pairs[ranked, 0]] == rank) & (best[pairs[ranked, 1]] == rank)]


def partition_tree(
    borders: Borders, area: np.ndarray, mean: np.ndarray, edge: np.ndarray, *, max_area_px: float
) -> Tree:
    """The tree over superpixels of ``area`` (n,) px and ``mean`` (n, channels); no node is larger than ``max_area_px``.

    ``edge``: (n pixel edges,) strength relative to the image's usual (1 = usual). Cost of a merge:
    ``a b / (a + b) * |mean difference|^2 / common length * (0.2 + mean edge)``.
    """
    leaves = area.size
    total = 2 * max(leaves, 1)
    size = np.zeros(total)
    size[:leaves] = area
    sums = np.zeros((total, mean.shape[1]))
    sums[:leaves] = mean * area[:, None]
    parent = np.full(total, -1, np.int64)
    pairs = borders.pairs.astype(np.int64)
    length = np.bincount(borders.pair, minlength=len(pairs)).astype(float)
    strength = np.bincount(borders.pair, edge, minlength=len(pairs))
    rounds, top = [], leaves
    while len(pairs):
        i, j = pairs.T
        both = size[i] + size[j]
        gap = sums[i] / size[i, None] - sums[j] / size[j, None]
        cost = size[i] * size[j] / both * np.einsum("ij,ij->i", gap, gap) / length * (0.2 + strength / length)
        chosen = _cheapest_mutual(np.where(both <= max_area_px, cost, np.inf), pairs, total)
        if not chosen.size:
            break
        one, two = pairs[chosen].T
        new = np.arange(top, top + chosen.size)
        top += chosen.size
        parent[one], parent[two] = new, new
        size[new], sums[new] = size[one] + size[two], sums[one] + sums[two]
        rounds.append((new, one.copy(), two.copy()))
        moved = np.where(parent[pairs] >= 0, parent[pairs], pairs)
        keep = moved[:, 0] != moved[:, 1]
        low, high = moved[keep].min(axis=1), moved[keep].max(axis=1)
        keys, where = np.unique(low * total + high, return_inverse=True)
        length = np.bincount(where, length[keep], minlength=keys.size)
        strength = np.bincount(where, strength[keep], minlength=keys.size)
        pairs = np.stack([keys // total, keys % total], axis=1)
    return _ordered(leaves, parent[:top], tuple(rounds))


def _ordered(leaves: int, parent: np.ndarray, rounds: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]) -> Tree:
    """The tree with its superpixels laid out so that every node is one slice."""
    size = np.zeros(parent.size, np.int64)
    size[:leaves] = 1
    for new, one, two in rounds:
        size[new] = size[one] + size[two]
    start = np.zeros(parent.size, np.int64)
    roots = np.flatnonzero(parent < 0)
    start[roots] = np.cumsum(size[roots]) - size[roots]
    for new, one, two in reversed(rounds):
        start[one] = start[new]
        start[two] = start[new] + size[one]
    order = np.empty(leaves, np.int64)
    order[start[:leaves]] = np.arange(leaves)
    return Tree(leaves, parent, rounds, start, size, order)


@dataclass(frozen=True)
class Regions:
    """A label image with its borders and its tree, and the sums and masks of all nodes."""

    labels: np.ndarray
    borders: Borders
    tree: Tree
    met: np.ndarray
    pixels: np.ndarray
    first_pixel: np.ndarray

    @classmethod
    def grow(
        cls, labels: np.ndarray, channels: np.ndarray, edge: np.ndarray, *, max_area_px: float, borders: Borders
    ) -> Regions:
        """Regions of ``labels``, merged by means of ``channels`` (rows, cols, k) and ``edge`` (rows, cols)."""
        flat = labels.ravel().astype(np.int64) - 1
        count = int(flat.max()) + 1
        inside = flat >= 0
        area = np.bincount(flat[inside], minlength=count).astype(float)
        mean = np.stack(
            [np.bincount(flat[inside], c.ravel()[inside], minlength=count) for c in np.moveaxis(channels, -1, 0)],
            axis=1,
        )
        strength = np.maximum(edge.ravel()[borders.first], edge.ravel()[borders.second])
        tree = partition_tree(borders, area, mean / area[:, None], strength, max_area_px=max_area_px)
        rank = np.empty(count, np.int64)
        rank[tree.order] = np.arange(count)
        pixels = np.flatnonzero(inside)
        pixels = pixels[np.argsort(rank[flat[pixels]], kind="stable")]
        first_pixel = np.concatenate([[0], np.cumsum(area[tree.order])]).astype(np.int64)
        return cls(labels, borders, tree, tree.meeting(borders.pairs), pixels, first_pixel)

    def sums(self, images: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Sum over the pixels of each node, (nodes,), of each image (rows, cols)."""
        flat = self.labels.ravel().astype(np.int64)
        leaves = self.tree.leaves
        values = [np.bincount(flat, image.ravel(), minlength=leaves + 1)[1:] for image in images.values()]
        return dict(zip(images, self.tree.total(np.stack(values, axis=1)).T, strict=True))

    def outline_sums(self, values: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
        """Sum along the outline of each node, (nodes,), of values per pixel edge as seen from its two sides.

        ``values``: name -> (value for the region of ``borders.first``, value for that of ``borders.second``).
        """
        b, leaves, nodes = self.borders, self.tree.leaves, self.tree.parent.size
        own = np.stack(
            [
                np.bincount(b.leaf_first, one, minlength=leaves) + np.bincount(b.leaf_second, two, minlength=leaves)
                for one, two in values.values()
            ],
            axis=1,
        )
        inner = np.zeros((nodes, len(values)))
        met = self.met >= 0
        for k, (one, two) in enumerate(values.values()):
            per_pair = np.bincount(b.pair, one + two, minlength=len(b.pairs))
            inner[:, k] = np.bincount(self.met[met], per_pair[met], minlength=nodes)
        return dict(zip(values, self.tree.total(own, inner).T, strict=True))

    def extent(self) -> np.ndarray:
        """First row, last row, first col, last col of each node, (nodes, 4) int."""
        rows, cols = np.divmod(self.pixels, self.labels.shape[1])
        cuts = self.first_pixel[:-1]
        leaf = [np.minimum.reduceat(rows, cuts), -np.maximum.reduceat(rows, cuts)]
        leaf += [np.minimum.reduceat(cols, cuts), -np.maximum.reduceat(cols, cuts)]
        out = np.zeros((self.tree.parent.size, 4), np.int64)
        out[self.tree.order] = np.stack(leaf, axis=1)
        for new, one, two in self.tree.rounds:
            out[new] = np.minimum(out[one], out[two])
        return out * np.array([1, -1, 1, -1])

    def pixels_of(self, node: int) -> np.ndarray:
        """Flat indices of the pixels of a node."""
        start = self.tree.start[node]
        return self.pixels[self.first_pixel[start] : self.first_pixel[start + self.tree.size[node]]]
