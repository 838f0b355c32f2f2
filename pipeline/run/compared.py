"""One thing in two pictures: their likeness, and what a network that knows such things sees in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.grid import Grid
from ..networks.network import Network
from ..networks.shipped import BUILDING_CHANNELS
from ..prepare.presence import Answer, Likeness, PresenceOptions, answer, likeness, placed_on, within

BANDS = ("red", "green", "blue")
_RIM_M = 1.0


@dataclass(frozen=True)
class Compared:
    """The answer, with what it rests on."""

    answer: Answer
    likeness: Likeness | None = None
    network: dict[str, float] | None = None

    def told(self) -> dict[str, Any]:
        """The evidence, ready for JSON."""
        if self.likeness is None:
            return {}
        one = self.likeness
        told: dict[str, Any] = {
            "score": round(one.excess, 3),
            "grey": round(one.grey, 3),
            "shift_px": list(one.shift_px),
        }
        if self.network is not None:
            told["network"] = {name: round(value, 3) for name, value in self.network.items()}
        return told


def compared(
    stood: np.ndarray,
    now: np.ndarray,
    inside: np.ndarray,
    grid: Grid,
    options: PresenceOptions,
    *,
    network: Network | None = None,
    learned: bool = False,
    shift_px: tuple[int, int] | None = None,
) -> Compared:
    """Whether the thing ``inside`` (bool) of one picture stands in another (both red, green, blue; (3, rows, cols), NaN unseen).

    ``network``: of the form ``BUILDING_CHANNELS``, asked only where the pictures alone do not show that it stands. ``learned``:
    nothing of this kind is gone without one. ``shift_px``: where the pictures lie on each other, if that is known.
    """
    found = likeness(stood, now, inside, grid.pixel_m, options, shift_px=shift_px)
    if found is None:
        return Compared(Answer.CANNOT_TELL)
    alone = answer(found, None, options, learned=learned)
    if network is None or alone in (Answer.PRESENT, Answer.UNREGISTERED):
        return Compared(alone, found)
    seen = _network_sees(stood, placed_on(now, found.shift_px), inside, grid, network)
    return Compared(answer(found, seen, options, learned=learned), found, seen)


def _network_sees(
    stood: np.ndarray, now: np.ndarray, inside: np.ndarray, grid: Grid, network: Network
) -> dict[str, float]:
    maps = network.probability(dict(zip(BANDS, stood, strict=True)), dict(zip(BANDS, now, strict=True)), grid)
    told = dict(zip(BUILDING_CHANNELS, np.nan_to_num(maps), strict=True))
    about = within(inside, _RIM_M / grid.pixel_m)
    means = {name: float(told[name][inside].mean()) for name in ("lost", "before", "after")}
    return means | {"left": float(np.percentile(told["after"][about], 90))}
