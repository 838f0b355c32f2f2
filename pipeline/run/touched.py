"""Which scenes touch which tiles, for all tiles of a province at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyproj
import shapely

from ..model.grid import Tile
from ..model.scene import Scene

_AT_ONCE = 8192  # windows that are held as polygons


class Touched:
    """Scenes by tile: those whose footprint touches the tile's window; one without a footprint touches all."""

    def __init__(self, scenes: Sequence[Scene], tiles: Sequence[Tile], to_lonlat: pyproj.Transformer) -> None:
        self._scenes = tuple(scenes)
        self._everywhere = np.flatnonzero([scene.footprint_lonlat is None for scene in scenes]).astype(np.int32)
        placed = np.flatnonzero([scene.footprint_lonlat is not None for scene in scenes]).astype(np.int32)
        tree = shapely.STRtree([scene.footprint_lonlat for scene in scenes if scene.footprint_lonlat is not None])
        pairs = [np.empty((2, 0), np.int64)]
        for start in range(0, len(tiles) if len(placed) else 0, _AT_ONCE):
            some = tiles[start : start + _AT_ONCE]
            windows = shapely.transform(
                shapely.box(*np.array([tile.grid.bounds_m for tile in some], float).T),
                to_lonlat.transform,
                interleaved=False,
            )
            tile, scene = tree.query(windows, predicate="intersects")
            pairs.append(np.stack([tile + start, placed[scene]]))
        both = np.concatenate(pairs, axis=1)
        both = both[:, np.lexsort((both[1], both[0]))]
        self._which = both[1].astype(np.int32)
        self._ends = np.searchsorted(both[0], np.arange(len(tiles) + 1))

    def positions(self, tile: int) -> np.ndarray:
        """Positions of the scenes that touch the tile at a position, ascending."""
        mine = self._which[self._ends[tile] : self._ends[tile + 1]]
        return np.union1d(mine, self._everywhere) if len(self._everywhere) else mine

    def of(self, tile: int) -> tuple[Scene, ...]:
        """The scenes themselves, in their order."""
        return tuple(self._scenes[position] for position in self.positions(tile))

    def tiles_of(self) -> list[np.ndarray]:
        """By scene, the positions of the tiles that it touches, ascending."""
        count = len(self._ends) - 1
        tile = np.repeat(np.arange(count), np.diff(self._ends))
        order = np.argsort(self._which, kind="stable")
        ends = np.searchsorted(self._which[order], np.arange(len(self._scenes) + 1))
        by_scene = [tile[order][first:last] for first, last in pairwise(ends)]
        for everywhere in self._everywhere:
            by_scene[everywhere] = np.arange(count)
        return by_scene
