"""Spans of bytes, and how many of them are asked for in few requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_NEXT_DOOR = 64  # bytes between neighbours in a COG (size marks); asked for along with them
_WASTE = 0.01  # share of bytes that may be fetched in vain to save requests
_LARGEST = 16 << 20

Span = tuple[int, int]  # first byte, and the byte after the last


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans (start, stop) as few larger ones: neighbours together, and small gaps bridged while the waste stays small."""
    ordered = sorted(set(spans))
    if len(ordered) < 2:
        return ordered
    start, stop = np.array(ordered).T
    gap = np.maximum(start[1:] - np.maximum.accumulate(stop)[:-1], 0)
    budget = _WASTE * int((stop - start).sum())
    near = np.argsort(gap, kind="stable")
    bridged = np.zeros(len(gap), bool)
    bridged[near[(np.cumsum(gap[near]) <= budget) | (gap[near] <= _NEXT_DOOR)]] = True
    whole: list[tuple[int, int]] = []
    for (first, last), joins in zip(ordered, [False, *bridged], strict=True):
        if joins and last - whole[-1][0] <= _LARGEST:
            whole[-1] = whole[-1][0], max(whole[-1][1], last)
        else:
            whole.append((first, last))
    return whole
