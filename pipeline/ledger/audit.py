"""Which dismissals a second person checks again: a sample that nobody can foresee or bend, the same on every machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import LedgerError
from ..model.kinds import Status


def audit_sample(
    cases: Iterable[Mapping[str, Any]], *, share: float, seed: str, since: str = "", until: str = "9999"
) -> list[Mapping[str, Any]]:
    """Dismissed cases to be checked again, by number: ``share`` of each county's, at least one.

    Cases are drawn by a digest of their number and ``seed`` (say, the month and a word drawn after the month has ended), so
    that nobody who dismisses knows what will be looked at. Those audited already stay in the sample.

    Parameters
    ----------
    cases
        As ``Ledger.cases()`` tells them.
    share
        Part of the dismissals of each county, 0..1.
    since, until
        UTC text of the first moment, and of the first one after, in which they were dismissed.
    """
    if not 0 < share <= 1:
        raise LedgerError(f"audit: share {share:g} is not above 0 and at most 1; e.g. 0.1 for a tenth")
    counties: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        if case["status"] == Status.DISMISSED and since <= case["since"] < until:
            counties.setdefault(case["county_code"] or "", []).append(case)
    drawn = [
        case
        for mine in counties.values()
        for case in sorted(mine, key=lambda case: _draw(seed, case["case_no"]))[: math.ceil(share * len(mine))]
    ]
    return sorted(drawn, key=lambda case: str(case["case_no"]))


def _draw(seed: str, case_no: str) -> str:
    return hashlib.sha256(f"{seed}\n{case_no}".encode()).hexdigest()
