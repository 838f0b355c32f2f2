"""What stands or lies on the ground: footprints with a look, a height and a life, and where there is still room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from shapely import Polygon

from .roads import Road


@dataclass(frozen=True, eq=False)
class Thing:
    """One thing. It is there on ``day`` when ``born <= day < gone``; ``event``: its kind in the truth."""

    # How it is painted: house, greenhouse, yard, village, pond, entrance, field, bare, foundation, earth, trench, heap,
    # stack, grain, patch, vehicle, board.
    sort: str
    shape: Polygon
    look: str  # key into the table of spectra
    height_m: float = 0.0
    roof: str = "none"  # gable | flat | shed; of a board: pole | posts | mast
    born: dt.date | None = None
    gone: dt.date | None = None
    event: str = ""
    scenario: str = ""
    route_code: str = ""
    number: int | None = None  # things of one event share a number: the pieces of one spread of grain
    base_m: float = 0.0  # height of its lower edge: a board stands on posts
    stage: str = ""  # of a building site: bare | foundation | building

    def there(self, day: dt.date) -> bool:
        """Whether it can be seen on a day without clouds."""
        return (self.born is None or self.born <= day) and (self.gone is None or day < self.gone)


def rectangle(centre: np.ndarray, length_m: float, width_m: float, along: np.ndarray) -> Polygon:
    """Rectangle round ``centre`` whose length lies along the unit vector ``along``."""
    left = np.array([-along[1], along[0]])
    half = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * 0.5
    return Polygon(centre + half[:, :1] * length_m * along + half[:, 1:] * width_m * left)


def turned(vector: np.ndarray, angle_deg: float) -> np.ndarray:
    """``vector`` turned anticlockwise."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1]])


@dataclass
class Roadside:
    """Room along the roads. What takes an interval of a side has it alone; junctions are kept free."""

    roads: tuple[Road, ...]
    junction_m: float = 110.0
    _taken: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for road in self.roads:
            for other in self.roads:
                if other is road or not road.axis.intersects(other.axis):
                    continue
                at = road.axis.project(road.axis.intersection(other.axis).representative_point())
                reach_m = self.junction_m + other.land_m + other.zone_m
                for lane in ("left", "right", "pavement", "left pavement", "right pavement"):
                    self._taken.setdefault((road.route_code, lane), []).append((at - reach_m, at + reach_m))

    def take(
        self,
        road: Road,
        lane: str,
        length_m: float,
        rng: np.random.Generator,
        prefer: Callable[[float], float] | None = None,
    ) -> float | None:
        """Start of a free interval of ``length_m`` on one lane of a road, now taken; None when there is no room.

        ``prefer`` gives a start's worth: the best of those that are free is taken, without it the first.
        """
        taken = self._taken.setdefault((road.route_code, lane), [])
        last = road.axis.length - 12.0 - length_m
        if last < 12.0:
            return None
        free = (
            float(start)
            for start in rng.uniform(12.0, last, 60)
            if all(start + length_m < a or start > b for a, b in taken)
        )
        start = next(free, None) if prefer is None else max(free, key=prefer, default=None)
        if start is not None:
            taken.append((start - 6.0, start + length_m + 6.0))
        return start
