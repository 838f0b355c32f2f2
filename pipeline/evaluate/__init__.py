"""How good are we: findings against truth, object by object and square metre by square metre, with intervals."""

from __future__ import annotations

from .pairing import PairOptions
from .read import read_findings
from .score import evaluate
from .scorecard import Scorecard

__all__ = ["PairOptions", "Scorecard", "evaluate", "read_findings"]
