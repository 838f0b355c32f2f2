"""The memory of cases: what was seen, what people decided, in one append-only file or database."""

from __future__ import annotations

from .kept import CasePicture, Photo
from .lifecycle import TRANSITIONS, What
from .matching import MatchOptions
from .numbering import NumberOptions
from .options import LedgerOptions
from .reasons import Says, says
from .store import Ledger

__all__ = [
    "TRANSITIONS",
    "CasePicture",
    "Ledger",
    "LedgerOptions",
    "MatchOptions",
    "NumberOptions",
    "Photo",
    "Says",
    "What",
    "says",
]
