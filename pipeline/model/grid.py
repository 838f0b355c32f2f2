"""The run's pixel grid and its tiles. North up, square pixels, metric; rows count south, columns east."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from shapely import Polygon, box
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True)
class Grid:
    """A window of pixels: EPSG code, north-west corner, pixel size and shape.

    >>> g = Grid(epsg=4548, west_m=500_000, north_m=3_800_000, pixel_m=0.5, rows=4, cols=6)
    >>> g.bounds_m
    (500000, 3799998.0, 500003.0, 3800000)
    """

    epsg: int
    west_m: float
    north_m: float
    pixel_m: float
    rows: int
    cols: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.rows, self.cols

    @property
    def transform(self) -> Affine:
        """Affine from (col, row) to (x, y) in metres."""
        return Affine(self.pixel_m, 0.0, self.west_m, 0.0, -self.pixel_m, self.north_m)

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return (
            self.west_m,
            self.north_m - self.rows * self.pixel_m,
            self.west_m + self.cols * self.pixel_m,
            self.north_m,
        )

    @property
    def footprint(self) -> Polygon:
        """The window as a polygon."""
        return box(*self.bounds_m)

    @property
    def x_m(self) -> np.ndarray:
        """Easting of pixel centres, shape (cols,). Not kept: a plan holds thousands of grids."""
        return self.west_m + (np.arange(self.cols) + 0.5) * self.pixel_m

    @property
    def y_m(self) -> np.ndarray:
        """Northing of pixel centres, shape (rows,), decreasing."""
        return self.north_m - (np.arange(self.rows) + 0.5) * self.pixel_m

    def part(self, rows: slice, cols: slice) -> Grid:
        """The window of these rows and columns, both with a start and a stop.

        >>> Grid(4548, 0.0, 10.0, 0.5, 20, 20).part(slice(4, 10), slice(2, 20)).bounds_m
        (1.0, 5.0, 10.0, 8.0)
        """
        west_m, north_m = self.west_m + cols.start * self.pixel_m, self.north_m - rows.start * self.pixel_m
        return Grid(self.epsg, west_m, north_m, self.pixel_m, rows.stop - rows.start, cols.stop - cols.start)

    def padded(self, margin_px: int) -> Grid:
        """The same grid with ``margin_px`` more pixels on each side."""
        step = margin_px * self.pixel_m
        return Grid(
            self.epsg,
            self.west_m - step,
            self.north_m + step,
            self.pixel_m,
            self.rows + 2 * margin_px,
            self.cols + 2 * margin_px,
        )


@dataclass(frozen=True)
class Tile:
    """The unit of work: a square of the snapped lattice, the part of the corridor in it, and a halo to see past it.

    ``square`` is its square of the lattice; ``core`` = square ∩ corridor (the cores of all tiles partition the corridor).
    ``grid`` is what is read: the square plus ``halo_px`` on each side, less ``cut_px`` (north, south, west, east), rows and
    columns that are farther than the halo from all of the core.
    """

    tile_id: str
    row: int
    col: int
    grid: Grid
    halo_px: int
    core: BaseGeometry
    cut_px: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def square(self) -> Polygon:
        """The tile's square of the lattice, without its halo."""
        west, south, east, north = self.grid.bounds_m
        off = [(self.halo_px - cut) * self.grid.pixel_m for cut in self.cut_px]
        return box(west + off[2], south + off[1], east - off[3], north - off[0])
