"""The course of one place over many images: absent, appeared, ongoing, finished; updated one image at a time.

Grain lies for two or three days, images come when they come. What can be known of it is between which images it
appeared and went; a course keeps just that. Known sites (billboards of a register) have courses too, without the pace.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import Field

from ..model.kinds import Sighted
from ..model.options import Options


class Phase(StrEnum):
    """Where a place stands after its last clear image."""

    UNKNOWN = "unknown"  # 未观测
    ABSENT = "absent"  # 无
    APPEARED = "appeared"  # 初现：一期影像所见，待后续影像确认
    ONGOING = "ongoing"  # 持续
    FINISHED = "finished"  # 已消失


class CourseOptions(Options):
    """How images of one place make events."""

    event_days: int = Field(
        5, ge=1, le=60, description="Sightings farther apart, with no image between, are two events, days."
    )


@dataclass(frozen=True)
class Event:
    """One stay: last clear image without it, first with it, first later one that confirms it, last with it, first without.

    ``last_absent``, ``confirmed_on`` and ``gone_on`` are None where no such image was taken.
    """

    last_absent: dt.date | None
    first_seen: dt.date
    confirmed_on: dt.date | None
    last_seen: dt.date
    gone_on: dt.date | None

    @property
    def provisional(self) -> bool:
        """Whether a single image says so."""
        return self.confirmed_on is None


@dataclass(frozen=True)
class Course:
    """What is known of one place: its phase, its last clear look, and its events, oldest first."""

    phase: Phase = Phase.UNKNOWN
    last_absent: dt.date | None = None
    last_look: dt.date | None = None
    looks: int = 0
    events: tuple[Event, ...] = ()

    def after(self, day: dt.date, state: Sighted, options: CourseOptions | None = None) -> Course:
        """The course once the image of ``day`` has said ``state``; days must not go back (ValueError).

        A day that was looked at before tells nothing new, unless it shows what the other image of that day did not.
        """
        if self.last_look is not None and day < self.last_look:
            raise ValueError(f"an image of {day} cannot follow one of {self.last_look}; sort them by day")
        if state is Sighted.UNSEEN or (day == self.last_look and state is Sighted.ABSENT):
            return self
        looks = self.looks + (day != self.last_look)
        if state is Sighted.ABSENT:
            return self._absent(day, looks)
        return self._present(day, looks, (options or CourseOptions()).event_days)

    def _absent(self, day: dt.date, looks: int) -> Course:
        if self.phase in (Phase.APPEARED, Phase.ONGOING):
            events = (*self.events[:-1], replace(self.events[-1], gone_on=day))
            return Course(Phase.FINISHED, day, day, looks, events)
        phase = Phase.FINISHED if self.phase is Phase.FINISHED else Phase.ABSENT
        return Course(phase, day, day, looks, self.events)

    def _present(self, day: dt.date, looks: int, event_days: int) -> Course:
        last = self.events[-1] if self.events else None
        if (
            last is not None
            and self.phase in (Phase.APPEARED, Phase.ONGOING)
            and (day - last.last_seen).days <= event_days
        ):
            confirmed = last.confirmed_on or (day if day > last.first_seen else None)
            event = replace(last, last_seen=day, confirmed_on=confirmed)
            phase = Phase.ONGOING if confirmed else Phase.APPEARED
            return Course(phase, self.last_absent, day, looks, (*self.events[:-1], event))
        absent = self.last_absent if last is None or self.phase is Phase.FINISHED else None
        event = Event(absent, day, None, day, None)
        return Course(Phase.APPEARED, self.last_absent, day, looks, (*self.events, event))

    def event_on(self, day: dt.date) -> Event | None:
        """The event that an image of ``day`` shows, None where there is none."""
        return next((event for event in self.events if event.first_seen <= day <= event.last_seen), None)


def course(looks: Iterable[tuple[dt.date, Sighted]], options: CourseOptions | None = None) -> Course:
    """The course that looks in any order add up to; of one day what shows something counts before what does not."""
    now = Course()
    for day, state in sorted(looks, key=lambda look: (look[0], look[1] is not Sighted.PRESENT)):
        now = now.after(day, state, options)
    return now
