"""Identity of a finding: derived from what it is, never drawn, so that it is the same on every machine and re-run."""

from __future__ import annotations

import uuid

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

NAMESPACE = uuid.UUID("6a4d3f3e-6c2b-5d0e-9b1a-6c7579750001")  # ends in "luyu" and the version of this recipe
_GRID_M = 0.01
# Edges of the one-metre cells lie off every value that coordinates on the grid, their means and their areas take:
# a last bit that differs between two machines cannot carry a value over an edge.
_EDGE_M = 0.002513


def finding_id(
    detector: str, version: str, scene_before: str | None, scene_after: str | None, geometry: BaseGeometry
) -> str:
    """UUID (version 5) text of detector, version, scenes, and place and area of the footprint to 1 m and 1 m².

    The geometry is in the run's metric CRS. It is first laid on a grid of 1 cm, in a normal order of vertices, so that
    neither the start of the ring nor noise in the last digits changes the id.

    >>> shape = shapely.box(520000, 3800000, 520020, 3800012)
    >>> one = finding_id("building", "1", "2012", "2017", shape)
    >>> one == finding_id("building", "1", "2012", "2017", shapely.affinity.translate(shape, 1e-9))
    True
    >>> one == finding_id("building", "1", "2012", "2018", shape)
    False
    """
    laid = shapely.normalize(shapely.set_precision(shapely.make_valid(geometry), _GRID_M))
    if laid.is_empty:  # thinner than the grid
        laid = shapely.normalize(geometry)
    inner = laid.representative_point()
    cells = np.floor(np.array([inner.x, inner.y, laid.area]) + _EDGE_M + 0.5).astype(int)
    place = ",".join(str(cell) for cell in cells)
    return str(uuid.uuid5(NAMESPACE, "\n".join([detector, version, scene_before or "", scene_after or "", place])))
