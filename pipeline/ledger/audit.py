"""Which dismissals a second person checks again: a sample that nobody can foresee or bend, the same on every machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import LedgerError
from .lifecycle import What


def audit_sample(events: Iterable[Mapping[str, Any]], *, share: float, seed: str) -> list[str]:
    """Numbers of dismissed cases to be checked again, sorted: ``share`` of each county's, at least one.

    Cases are drawn by a digest of their number and ``seed`` (say, a word drawn after the period has ended), so that nobody
    who dismisses knows what will be looked at. What has become of them since has no say.

    Parameters
    ----------
    events
        Of the period, as ``Ledger.events`` tells them.
    share
        Part of the dismissals of each county, 0..1; LedgerError otherwise.
    """
    if not 0 < share <= 1:
        raise LedgerError(f"audit: share {share:g} is not above 0 and at most 1; e.g. 0.1 for a tenth")
    counties: dict[str, set[str]] = {}
    for event in events:
        if event["what"] == What.DISMISSED:
            counties.setdefault(event["county_code"] or "", set()).add(event["case_no"])
    return sorted(
        number
        for mine in counties.values()
        for number in sorted(mine, key=lambda number: _draw(seed, number))[: math.ceil(share * len(mine))]
    )


def _draw(seed: str, case_no: str) -> str:
    return hashlib.sha256(f"{seed}\n{case_no}".encode()).hexdigest()
