"""How a ledger matches, numbers, waits and sets deadlines. A ledger remembers what its runs were configured with."""

from __future__ import annotations

from pydantic import Field

from ..model.options import Options
from .deadlines import DeadlineOptions
from .matching import MatchOptions
from .numbering import NumberOptions
from .renewal import RenewalOptions


class LedgerOptions(Options):
    """How cases are recognised, numbered and timed."""

    match: MatchOptions = Field(default=MatchOptions(), description="When a finding is a case already known.")
    renewal: RenewalOptions = Field(default=RenewalOptions(), description="What counts as new at a known place.")
    number: NumberOptions = Field(default=NumberOptions(), description="How cases are numbered.")
    deadlines: DeadlineOptions = Field(default=DeadlineOptions(), description="By when each step is due.")
    audit_share: float = Field(
        default=0.1, gt=0, le=1, description="Share of dismissals that a second person checks again (local)."
    )
    wait_s: float = Field(default=60.0, gt=0, description="How long a writer waits for another one, s.")
