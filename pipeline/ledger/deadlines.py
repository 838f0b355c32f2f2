"""By when each step is due: working days from the act that asks for it."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from ..model.options import Options
from .lifecycle import ACT, What
from .workdays import Calendar

_DAYS = "Working days "


class DeadlineOptions(Options):
    """Working days for each step (local practice); null: no deadline unless one is named."""

    check_days: int | None = Field(10, ge=1, description=_DAYS + "from 交办 to the check on the ground.")
    notify_days: int | None = Field(None, ge=1, description=_DAYS + "from 核查属实 to the notice that sets a term.")
    rectify_days: int | None = Field(15, ge=1, description=_DAYS + "from 限期整改 to 已整改.")
    close_days: int | None = Field(5, ge=1, description=_DAYS + "from 已整改 to 办结.")
    revisit_days: int | None = Field(60, ge=1, description=_DAYS + "from 办结 to 回访.")
    answer_days: int | None = Field(15, ge=1, description=_DAYS + "from a request to correct to its answer.")
    calendar: Calendar = Field(Calendar(), description="Working days: the national calendar and local changes.")

    def due_on(self, what: What, day: dt.date) -> dt.date | None:
        """The day by which the step that ``what`` begins is due, from the day it was said."""
        name = "answer_days" if what is What.OBJECTED else ACT[what].deadline
        days = None if name is None else getattr(self, name)
        return None if days is None else self.calendar.after(day, days)
