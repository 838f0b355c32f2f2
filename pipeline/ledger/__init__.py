"""The memory of cases: what was seen, what people decided, in one append-only file."""

from __future__ import annotations

from .lifecycle import TRANSITIONS, What
from .matching import MatchOptions
from .numbering import NumberOptions
from .reasons import Says, says
from .store import Ledger, LedgerOptions

__all__ = ["TRANSITIONS", "Ledger", "LedgerOptions", "MatchOptions", "NumberOptions", "Says", "What", "says"]
