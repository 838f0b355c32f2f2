"""What a board beside a road looks like from above: the shadow of its panel, and its panel as a thin line.

A panel of some metres' height on posts throws a shadow that lies off its foot: a parallelogram with one side as long as
the panel and the other along the sun's direction, with lit ground all round. All boards that a site may hold are tried
by samples: points in the shadow and beside it, as offsets from the foot, (east, north) in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely

from .billboard_sun import Sun

#: Length of the panel, its lower and its upper edge above ground, m: two-post boards, middling ones, tall ones on one pole.
SIZES_M = ((8.0, 3.5, 6.5), (8.0, 5.5, 8.5), (12.0, 8.0, 13.0), (17.0, 10.0, 16.0), (17.0, 13.0, 19.0))
_DIRECTIONS_DEG = tuple(range(0, 180, 15))
_PARTS = (-0.39, -0.13, 0.13, 0.39)  # along the panel, in its lengths
_THICK_M = 1.0
_SPREAD = (0.22, 0.5, 0.78)  # between the shadow's near and far edge
_END_M = 2.5  # past the end of what is looked for


@dataclass(frozen=True)
class Boards:
    """Boards to be tried: arrays (n,), lengths in m, direction of the panel's line in degrees clockwise from north."""

    length_m: np.ndarray
    bottom_m: np.ndarray
    top_m: np.ndarray
    direction_deg: np.ndarray

    def __len__(self) -> int:
        return len(self.length_m)

    @property
    def along(self) -> np.ndarray:
        """Unit vectors along the panels (n, 2), east and north."""
        angle = np.deg2rad(self.direction_deg)
        return np.column_stack([np.sin(angle), np.cos(angle)])

    def take(self, which: np.ndarray) -> Boards:
        """Some of them."""
        return Boards(self.length_m[which], self.bottom_m[which], self.top_m[which], self.direction_deg[which])


@lru_cache(maxsize=1)
def all_boards() -> Boards:
    """Every size in every direction."""
    rows = np.array([(*size, direction) for size in SIZES_M for direction in _DIRECTIONS_DEG], float)
    return Boards(*rows.T)


def _thrown(sun_azimuth_deg: float) -> np.ndarray:
    """Unit vector in which shadows fall."""
    angle = np.deg2rad(sun_azimuth_deg)
    return -np.array([np.sin(angle), np.cos(angle)])


@dataclass(frozen=True)
class Samples:
    """Offsets from a foot, metres: ``inside`` (n, parts, 3, 2); ``beside`` (n, 2 flanks of the parts and 2 ends, 2)."""

    inside: np.ndarray
    beside: np.ndarray

    @property
    def part(self) -> np.ndarray:
        """Which part each of ``beside`` is compared with."""
        count = self.inside.shape[1]
        return np.concatenate([np.arange(count), np.arange(count), [0, count - 1]])


def shadow_samples(boards: Boards, sun: Sun, azimuth_deg: float, gap_m: float) -> Samples:
    """Where the panels' shadows lie; the ground beside is looked at ``gap_m`` from their edges."""
    down, along = _thrown(azimuth_deg), boards.along
    normal = np.column_stack([along[:, 1], -along[:, 0]])
    normal *= np.where(normal @ down < 0, -1.0, 1.0)[:, None]
    low, high = boards.bottom_m * sun.reach, boards.top_m * sun.reach
    depth = np.asarray(_SPREAD)[None, :] * (high - low)[:, None] + low[:, None]
    inside = _parts(boards)[:, :, None, :] + depth[:, None, :, None] * down
    aside = normal * (_THICK_M / 2 + gap_m)
    flanks = [_parts(boards) + (edge[:, None] * down + k * aside)[:, None, :] for edge, k in ((low, -1), (high, 1))]
    sheared = np.abs(along @ down) * (high - low) / 2
    ends = _ends(boards, sheared) + ((low + high) / 2)[:, None, None] * down
    return Samples(inside, np.concatenate([*flanks, ends], axis=1))


def line_samples(boards: Boards, gap_m: float) -> Samples:
    """Where the panels' lines lie, from their middle."""
    along = boards.along
    normal = np.column_stack([along[:, 1], -along[:, 0]])
    spread = np.array([-0.08, 0.0, 0.08])[None, :, None] * (boards.length_m[:, None] * along)[:, None, :]
    inside = _parts(boards)[:, :, None, :] + spread[:, None]
    aside = (normal * (_THICK_M / 2 + gap_m))[:, None, :]
    return Samples(inside, np.concatenate([_parts(boards) - aside, _parts(boards) + aside, _ends(boards, 0.0)], axis=1))


def _parts(boards: Boards) -> np.ndarray:
    return np.asarray(_PARTS)[None, :, None] * (boards.length_m[:, None] * boards.along)[:, None, :]


def _ends(boards: Boards, more_m: np.ndarray | float) -> np.ndarray:
    reach = boards.length_m / 2 + more_m + _END_M
    return np.array([-1.0, 1.0])[None, :, None] * (reach[:, None] * boards.along)[:, None, :]


def shadow_outline(board: Boards, sun: Sun) -> shapely.Polygon:
    """The shadow of one board's panel round its foot at (0, 0), metres."""
    half = board.along[0] * board.length_m[0] / 2
    down = _thrown(sun.azimuth_deg) * sun.reach
    corners = [sign * half + z * down for sign in (-1, 1) for z in (board.bottom_m[0], board.top_m[0])]
    return shapely.MultiPoint(corners).convex_hull.buffer(_THICK_M / 2)


def panel_outline(board: Boards) -> shapely.Polygon:
    """The panel of one board from straight above, at (0, 0), metres."""
    half = board.along[0] * board.length_m[0] / 2
    return shapely.LineString([-half, half]).buffer(_THICK_M / 2, cap_style="flat")
