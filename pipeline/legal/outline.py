"""The outline of all zones together, made only around the footprints that ask for it.

A union of all zones of a country costs more than everything else that is asked of them, and nearly all of it lies far from
any footprint. What lies within ``reach_m`` of a footprint gives the same answer as long as that answer is less than
``reach_m``; the few footprints deeper than that are asked again with twice the reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from ..geo.pieces import batches, blocks, border_lines

_REACH_M = 40.0  # deeper than nearly all footprints lie
_SEAM_M = 0.005  # zones that meet to the millimetre have no edge between them
_BLOCK_VERTICES = 1024


@dataclass(frozen=True)
class Near:
    """What lies around footprints: pairs of a footprint and a part of a zone."""

    shape: np.ndarray  # position of the footprint, ascending
    row: np.ndarray  # of the zone
    ground: np.ndarray  # of the zone, cut at the reach
    touches: np.ndarray  # whether the footprint touches it

    def only(self, wanted: np.ndarray) -> Near:
        """The wanted pairs."""
        return Near(self.shape[wanted], self.row[wanted], self.ground[wanted], self.touches[wanted])


@dataclass(frozen=True)
class Grounds:
    """Zones, the largest cut into blocks, and a tree over them."""

    blocks: np.ndarray
    row: np.ndarray  # which zone each block is of
    tree: shapely.STRtree

    @classmethod
    def of(cls, zones: np.ndarray) -> Grounds:
        """From polygons, one for each row."""
        parts, row = blocks(zones, _BLOCK_VERTICES)
        return cls(parts, row, shapely.STRtree(parts))

    def only(self, wanted: np.ndarray) -> Grounds:
        """Those of the wanted rows."""
        kept = wanted[self.row]
        return Grounds(self.blocks[kept], self.row[kept], shapely.STRtree(self.blocks[kept]))

    def near(self, shapes: np.ndarray, reach_m: float = _REACH_M) -> Near:
        """The ground within ``reach_m`` of the shapes that touch any."""
        one, block = self.tree.query(shapes, predicate="intersects")
        asked = np.unique(one)
        windows = shapely.box(*(shapely.bounds(shapes[asked]) + reach_m * np.array([-1.0, -1.0, 1.0, 1.0])).T)
        at, around = self.tree.query(windows)
        order = np.lexsort((around, at))
        at, around = at[order], around[order]
        count = len(self.blocks)
        touches = np.isin(asked[at] * count + around, one * count + block)
        # An overlay rounds as its first operand does: zones to the millimetre, windows not at all.
        ground = shapely.intersection(windows[at], self.blocks[around])
        return Near(asked[at], self.row[around], ground, touches)

    def depths(
        self,
        shapes: np.ndarray,
        places: tuple[np.ndarray, np.ndarray],
        near: Near | None = None,
        reach_m: float = _REACH_M,
    ) -> np.ndarray:
        """How far the deepest place of each footprint is from the outer edge of all zones together, metres.

        Parameters
        ----------
        shapes
            Footprints, (n,).
        places
            Position of the footprint, and the point inside the zones, (m,) both.
        near
            What lies within ``reach_m`` of them where that is known.
        """
        of, points = places
        depth = np.zeros(len(shapes))
        edges = _edges(near or self.near(shapes, reach_m), len(shapes))
        np.maximum.at(depth, of, shapely.distance(edges[of], points))
        deep = np.flatnonzero(depth >= reach_m - 4 * _SEAM_M)
        if len(deep):
            number = np.full(len(shapes), -1)
            number[deep] = np.arange(len(deep))
            mine = number[of] >= 0
            depth[deep] = self.depths(shapes[deep], (number[of[mine]], points[mine]), reach_m=2 * reach_m)
        return depth


def _edges(near: Near, count: int) -> np.ndarray:
    """Outline of the ground around each of ``count`` footprints, prepared; null where there is none."""
    first = np.searchsorted(near.shape, np.arange(count))
    within = np.arange(len(near.shape)) - first[near.shape]
    table = np.full((count, within.max(initial=0) + 1), None, dtype=object)
    table[near.shape, within] = shapely.buffer(near.ground, _SEAM_M, join_style="mitre")
    edges = shapely.boundary(shapely.buffer(shapely.union_all(table, axis=1), -_SEAM_M, join_style="mitre"))
    shapely.prepare(edges)
    return edges


@dataclass(frozen=True)
class Borders:
    """The outlines of zones as short lines, which tell the next zone sooner than whole polygons."""

    row: np.ndarray  # which zone each line is of
    tree: shapely.STRtree

    @classmethod
    def of(cls, zones: np.ndarray) -> Borders:
        """From polygons, one for each row."""
        lines, rows = zip(*(border_lines(zones[low:high]) for low, high in batches(zones)), strict=True)
        first = [low for low, _ in batches(zones)]
        row = np.concatenate([start + own for start, own in zip(first, rows, strict=True)])
        return cls(row, shapely.STRtree(np.concatenate(lines)))

    def nearest(self, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row of the zone next to each shape outside of all, of equally near ones the first, and how far it is, metres."""
        (at, line), far = self.tree.query_nearest(shapes, return_distance=True)
        row, distance = np.full(len(shapes), np.iinfo(np.int64).max), np.zeros(len(shapes))
        np.minimum.at(row, at, self.row[line])
        distance[at] = far
        return row, distance
