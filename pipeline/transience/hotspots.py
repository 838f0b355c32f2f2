"""Hot spots: stretches where something recurs across days and years, ranked, for the notice to the township.

Images are samples: of what lies two or three days and is seen every fifth, most is missed. A place where it was caught
twice is one where it is usual; how often it was looked at belongs beside how often it was seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
from pydantic import Field

from ..model.options import Options
from .cells import CELL_M, Stretch
from .course import Course, Event

COLUMNS = (
    "kind", "route_code", "side", "from_m", "to_m", "events", "years", "days_seen", "looks", "first_day", "last_day",
    "rank",
)  # fmt: skip


class HotSpotOptions(Options):
    """When a stretch is one where something recurs."""

    min_events: int = Field(2, ge=1, le=50, description="Fewest separate events at one place.")
    apart_days: int = Field(
        60,
        ge=1,
        le=400,
        description="What nobody saw gone between two events counts twice only if they lie farther apart, days.",
    )
    join_m: float = Field(60.0, ge=0, le=1000, description="Stretches nearer than this along the road are one, m.")


@dataclass
class _Spot:
    """A hot spot as it grows along the road."""

    kind: str
    place: str
    side: str
    first: int
    last: int
    stays: set[tuple[object, object]]
    most: int
    looks: int


def hot_spots(stretches: Iterable[Stretch], options: HotSpotOptions | None = None) -> pd.DataFrame:
    """Table of hot spots (``COLUMNS``), the worst first.

    Ranked by ``years`` in which it happened, then ``events`` (most at one place of the stretch), then length. ``from_m``
    and ``to_m`` are stakes; ``days_seen``: days on which it began there; ``looks``: most clear images of one place.
    """
    options = options or HotSpotOptions()
    spots: list[_Spot] = []
    for one in stretches:
        stays = _stays(one.course, options.apart_days)
        if len(stays) < options.min_events:
            continue
        last = spots[-1] if spots else None
        near = last is not None and (last.kind, last.place, last.side) == (one.kind, one.place, one.side)
        if last is None or not near or (one.first - last.last - 1) * CELL_M > options.join_m:
            last = _Spot(one.kind, one.place, one.side, one.first, one.last, set(), 0, 0)
            spots.append(last)
        last.last = max(last.last, one.last)
        last.stays |= {(event.first_seen, event.last_seen) for event in stays}
        last.most = max(last.most, len(stays))
        last.looks = max(last.looks, one.course.looks)
    rows = [_row(spot) for spot in spots]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    table = table.assign(length=table["to_m"] - table["from_m"]).sort_values(
        ["years", "events", "length", "route_code", "from_m", "side"], ascending=[False, False, False, True, True, True]
    )
    return table.drop(columns="length").reset_index(drop=True).assign(rank=range(1, len(table) + 1))[list(COLUMNS)]


def _stays(course: Course, apart_days: int) -> list[Event]:
    """Events that are surely several: what lies on and on, seen by every image and gone on none, is one."""
    kept: list[Event] = []
    last_seen = None
    for event in course.events:
        if last_seen is None or event.last_absent is not None or (event.first_seen - last_seen).days > apart_days:
            kept.append(event)
        last_seen = event.last_seen
    return kept


def _row(spot: _Spot) -> tuple[object, ...]:
    begun = {first for first, _ in spot.stays}
    years = len({day.year for day in begun})  # type: ignore[attr-defined]
    last_day = max(last for _, last in spot.stays)  # type: ignore[type-var]
    return (
        spot.kind, spot.place, spot.side, spot.first * CELL_M, (spot.last + 1) * CELL_M, spot.most, years,
        len(begun), spot.looks, min(begun), last_day,  # type: ignore[type-var]
    )  # fmt: skip
