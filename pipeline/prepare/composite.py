"""One picture of several comparable takes: the median of each pixel, and what it rests on.

A single earlier image may hold a passing cloud edge, a lorry, a flooded field. Of three or more takes in one radiometry
the median shows the usual state; a pixel that fewer saw is that of the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from ..model.options import Options

_STRIP = 256  # rows at a time, so that sorting needs little memory
_AGREE = 3.0  # times the usual distance from the median: farther, a take shows something else
_AGREE_SHARE = 0.1  # of the brightness; what noise and light alone may differ by


class CompositeOptions(Options):
    """How several takes of the earlier period become one image."""

    use: Literal["newest", "median"] = Field(
        "newest", description="newest: the best take's pixel, holes filled from the next | median: of clear takes."
    )
    min_takes: int = Field(
        3, ge=3, le=15, description="Fewest clear takes of a pixel for a median; below: the best one."
    )
    max_takes: int = Field(7, ge=3, le=31, description="Most takes that are read for a median.")


@dataclass(frozen=True)
class Median:
    """``values`` float32 (bands, rows, cols); ``takes`` uint8: how many takes a pixel rests on, 0 where none.

    ``nearest``, ``newest`` int16: the take whose pixel lies nearest to the value, and the newest take that does not show
    something else there; -1 where none.
    """

    values: np.ndarray
    takes: np.ndarray
    nearest: np.ndarray
    newest: np.ndarray


def median(takes: Sequence[np.ndarray], days: Sequence[int], min_takes: int) -> Median:
    """The median of takes in one radiometry, best first: arrays (bands, rows, cols), NaN in all bands or in none.

    ``days``: a number that grows with the date of each take. A pixel that fewer than ``min_takes`` saw is the first
    one's that has it.
    """
    shape = takes[0].shape[1:]
    out = Median(
        np.full_like(takes[0], np.nan), np.zeros(shape, np.uint8), np.full(shape, -1, np.int16), np.full(shape, -1, np.int16)
    )  # fmt: skip
    order = np.argsort([-day for day in days], kind="stable")
    for top in range(0, shape[0], _STRIP):
        rows = slice(top, top + _STRIP)
        _strip(np.stack([take[:, rows] for take in takes]), order, min_takes, out, rows)
    return out


def _strip(stack: np.ndarray, order: np.ndarray, min_takes: int, out: Median, rows: slice) -> None:
    """Fill some rows of ``out`` from a stack (takes, bands, rows, cols)."""
    clear = np.isfinite(stack[:, 0])
    count = clear.sum(axis=0)
    first = clear.argmax(axis=0)
    single = np.take_along_axis(stack, first[None, None], axis=0)[0]
    low, high = _middle(np.sort(stack, axis=0), count)
    many = count >= min_takes
    values = np.where(many, (low + high) / 2, single)
    away = np.sqrt(np.mean((stack - values) ** 2, axis=1))
    away = np.where(clear, away, np.inf)
    usual = np.sort(away, axis=0)
    usual = np.take_along_axis(usual, (np.maximum(count - 1, 0) // 2)[None], axis=0)[0]
    allowed = np.maximum(_AGREE * usual, _AGREE_SHARE * np.abs(values).mean(axis=0))
    agrees = clear & (away <= allowed)
    newest = order[agrees[order].argmax(axis=0)]
    seen = count > 0
    out.values[:, rows] = values
    out.takes[rows] = np.where(many, count, seen)
    out.nearest[rows] = np.where(seen, np.where(many, away.argmin(axis=0), first), -1)
    out.newest[rows] = np.where(seen, np.where(many, newest, first), -1)


def _middle(ascending: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two values about the middle of the ``count`` known ones (NaN sorts last); the same twice where that is odd."""
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, np.maximum(count - 1, 0))
    return tuple(np.take_along_axis(ascending, k[None, None], axis=0)[0] for k in (low, high))
