"""When a known place shows something new: it grew, it came back, or a dismissed place has changed since."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from ..model.kinds import GRAIN_DRYING, Status
from ..model.options import Options
from .lifecycle import REBUILT_FROM
from .reasons import Says, says
from .state import CHINA, State

_PASSING = frozenset({GRAIN_DRYING})  # kinds that come and go by themselves


class RenewalOptions(Options):
    """What counts as new at a known place (practice, local)."""

    grown_share: float = Field(0.5, gt=0, description="A footprint is larger by this share of the known one, and by")
    grown_m2: float = Field(30.0, ge=0, description="this many m² at least: it has grown.")
    surer: float = Field(
        0.2, ge=0, le=1,
        description="Where the detector was told that it was wrong, what appears anew must be surer by this much.",
    )  # fmt: skip
    episode_days: int = Field(
        30, ge=1, description="Grain that is seen so many days after the last time is another event."
    )


def grown(state: State, area_m2: float, day: dt.date, options: RenewalOptions, beside_m2: float = 0.0) -> bool:
    """Whether a sighting of ``area_m2`` on ``day`` is growth; images from before the last sighting tell of none.

    ``beside_m2``: area of other known cases that the sighting covers too.
    """
    known = None if state.known_m2 is None else state.known_m2 + beside_m2
    if known is None or day.isoformat() < (state.last_seen_on or state.opened_on):
        return False
    return area_m2 >= known * (1 + options.grown_share) and area_m2 - known >= options.grown_m2


def why_reopened(
    state: State,
    area_m2: float,
    day: dt.date,
    last_absent: dt.date | None,
    confidence: float | None,
    options: RenewalOptions,
    beside_m2: float = 0.0,
) -> str | None:
    """``rebuilt``, ``grown``, ``absent_since`` or ``new_episode`` where a sighting reopens the case, else None.

    Only an image taken after the decision can contradict it. A dismissed place stays dismissed for as long as it shows
    what was dismissed: it must have grown, or an image since must show it without the thing (``last_absent``), or, of
    what passes by itself, enough time must have gone by. Where the verdict was that the detector erred, a mere new
    appearance may be the same error of the next season, and has to be surer than the one that was dismissed.
    """
    status = Status(state.status)
    if status not in REBUILT_FROM | {Status.DISMISSED}:
        return None
    if day <= dt.datetime.fromisoformat(state.since).astimezone(CHINA).date():
        return None
    if status in REBUILT_FROM:
        return "rebuilt"
    if grown(state, area_m2, day, options, beside_m2):
        return "grown"
    seen = dt.date.fromisoformat(state.judged_on or state.opened_on)
    why = None
    # An image that showed the thing, and is now read as one without it, tells of the detector and not of the place.
    read_twice = last_absent is not None and last_absent.isoformat() == state.last_seen_on
    if last_absent is not None and last_absent > seen and not read_twice:
        why = "absent_since"
    elif state.kind in _PASSING and (day - seen).days > options.episode_days:
        why = "new_episode"
    if why is not None and says(state.reason) is Says.WRONG:
        surer = confidence is not None and state.confidence is not None
        return why if surer and confidence >= state.confidence + options.surer else None  # type: ignore[operator]
    return why
