"""Columns that are drawn on the server: months and runs as SVG figures that need no script, and read in grey and on paper.

A chart has one measure and its own title, each column bears its figure as text, and numerator and denominator stand
under the axis; so nothing rests on colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..reports import values
from ..reports.labels import Word
from .index_rows import percent

MONTHS, RUNS = 12, 10  # most columns of a chart of months, and of one of runs, whose days take more room
_WIDTH, _LEFT, _RIGHT, _TOP, _BASE = 372.0, 38.0, 4.0, 26.0, 118.0
_BAR = 17.0
_MONTH_Y, _YEAR_Y, _N_Y, _OF_Y = 132.0, 145.0, 162.0, 176.0
_SPARK_SLOT, _SPARK_BAR, _SPARK_BASE, _SPARK_HIGH = 12.0, 8.0, 26.0, 23.0


class Point(NamedTuple):
    """One column: what stands under it, how high it is (None: no figure), its label and, of a fraction, both parts."""

    tick: str
    year: str
    height: float | None
    label: str
    n: str = ""
    of: str = ""
    low: float | None = None
    high: float | None = None


def month_point(month: str, height: float | None, label: str, **more: Any) -> Point:
    """A point of a month ``2024-11``."""
    return Point(str(int(month[5:7])), month[:4], height, label, **more)


def run_point(day: str, count: int) -> Point:
    """A point of a run whose newest image is of ``2024-11-05``."""
    return Point(day[5:], day[:4], float(count), str(count))


def share_of(n: object, of: object) -> float | None:
    """A share, None where there is nothing to divide by."""
    return None if values.is_null(of) or not float(of) else float(n) / float(of)  # type: ignore[arg-type]


def chart(
    name: str, title: Word, points: Sequence[Point], *, slots: int = MONTHS, as_share: bool = False
) -> dict[str, Any]:
    """Geometry of a chart of the newest ``slots`` points, and all of it in words for who does not see it."""
    points = points[-slots:]
    slot = (_WIDTH - _LEFT - _RIGHT) / slots
    top = 1.0 if as_share else _round_top(point.height for point in points)
    fractions = any(point.of for point in points)
    return {
        "id": name,
        "title": title,
        "desc": "; ".join(_in_words(point) for point in points),
        "width": _WIDTH,
        "height": _OF_Y + 6 if fractions else _YEAR_Y + 6,
        "left": _LEFT,
        "right": _WIDTH - _RIGHT,
        "base": _BASE,
        "rows": {"n": _N_Y, "of": _OF_Y} if fractions else {},
        "grid": [(_y(share * top, top), _grid_label(share * top, as_share)) for share in _grid(top, as_share)],
        "columns": [
            _column(_LEFT + slot * (place + 0.5), point, points[place - 1] if place else None, top)
            for place, point in enumerate(points)
        ],
    }


def spark(heights: Sequence[float | None], top: float) -> dict[str, Any]:
    """A line of small columns: ``bars`` and ``gaps`` (where there is no figure) as SVG paths."""
    bars, gaps = [], []
    for place, height in enumerate(heights[-MONTHS:]):
        x = place * _SPARK_SLOT + (_SPARK_SLOT - _SPARK_BAR) / 2
        if height is None:
            gaps.append(f"M{x:g} {_SPARK_BASE - 4:g}h{_SPARK_BAR:g}")
        else:
            high = max(_SPARK_HIGH * min(height / top, 1.0) if top > 0 else 0.0, 0.6)
            bars.append(f"M{x:g} {_SPARK_BASE:g}v{-high:.1f}h{_SPARK_BAR:g}v{high:.1f}z")
    return {"bars": "".join(bars), "gaps": "".join(gaps), "width": MONTHS * _SPARK_SLOT, "base": _SPARK_BASE}


def stack(parts: Sequence[tuple[str, Word, int]]) -> dict[str, Any]:
    """One bar of 100 units in parts (name, label, count), with the share of each; no segments where all are 0."""
    total = sum(count for _, _, count in parts)
    segments, at = [], 0.0
    for name, _, count in parts:
        width = 100.0 * count / total if total else 0.0
        if width:
            segments.append({"name": name, "x": round(at, 2), "width": round(width, 2)})
        at += width
    key = [
        {"name": name, "label": label, "count": count, "share": percent(share_of(count, total), 0)}
        for name, label, count in parts
    ]
    return {"segments": segments, "key": key, "total": total}


def _column(middle: float, point: Point, before: Point | None, top: float) -> dict[str, Any]:
    height = point.height
    y = _BASE if height is None else _y(height, top)
    new_year = before is None or before.year != point.year
    whisker = None
    if point.low is not None and point.high is not None:
        whisker = (_y(point.high, top), _y(point.low, top))
    above = min(y, whisker[0]) if whisker else y
    return {
        "x": round(middle - _BAR / 2, 1),
        "middle": round(middle, 1),
        "y": y,
        "width": _BAR,
        "height": round(_BASE - y, 1),
        "empty": height is None,
        "label": point.label,
        "label_y": round(above - 4, 1),
        "tick": point.tick,
        "tick_y": _MONTH_Y,
        "year": point.year if new_year else "",
        "year_y": _YEAR_Y,
        "n": point.n,
        "of": point.of,
        "whisker": whisker,
    }


def _y(height: float, top: float) -> float:
    return round(_BASE - (_BASE - _TOP) * min(max(height / top, 0.0), 1.0), 1)


def _in_words(point: Point) -> str:
    when = f"{point.year}-{point.tick}"
    return f"{when}: {point.n}/{point.of} {point.label}" if point.of else f"{when}: {point.label}"


def _grid(top: float, as_share: bool) -> tuple[float, ...]:
    whole = as_share or (top / 2).is_integer()
    return (0.0, 0.5, 1.0) if whole else (0.0, 1.0)


def _grid_label(value: float, as_share: bool) -> str:
    return percent(value, 0) if as_share else f"{value:g}"


def _round_top(heights: Iterable[float | None]) -> float:
    """The round number at or above all: 1, 2, 4, 6, 8 or 10 times a power of ten."""
    highest = max((height for height in heights if height is not None), default=0.0)
    if highest <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= highest)
