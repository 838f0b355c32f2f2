"""Kilometres not observed, by cause: the sums that maps, overview and register show, and how they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ..model.cause import Cause
from . import style, values
from .pages import records


def km_by_cause(coverage: pd.DataFrame) -> dict[str, float]:
    """Kilometres by cause over all rows of a coverage table, in the vocabulary's order; causes without are left out.

    Tables without columns by cause (of earlier versions) are read from their column ``why``.
    """
    found: dict[str, float] = {}
    for row in records(coverage):
        for name, km in km_of_row(row).items():
            found[name] = found.get(name, 0.0) + km
    return {name: round(found[name], 3) for name in ordered(found)}


def km_of_row(row: Mapping[str, Any]) -> dict[str, float]:
    """Kilometres by cause in one row, those above zero."""
    if not any(cause.column in row for cause in Cause):
        return dict(values.reasons(row.get("why")))
    km = {str(cause): row.get(cause.column) for cause in Cause}
    return {name: float(value) for name, value in km.items() if not values.is_null(value) and float(value) > 0}  # type: ignore[arg-type]


def ordered(names: Iterable[str]) -> list[str]:
    """Names of causes in the vocabulary's order, others behind by name."""
    known = list(style.CAUSES)
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def look(name: str) -> style.CauseStyle:
    """Name, colour and pattern of a cause; one that is not known keeps its own name, in grey."""
    return style.CAUSES.get(name) or style.CauseStyle(*style.word(style.REASONS, name), style.GREY, "2 7")


def in_words(row: Mapping[str, Any]) -> str:
    """The causes of one row as text for people; what stands in ``why`` as it is where that cannot be told."""
    km = km_of_row(row)
    parts = [f"{look(name).zh} {values.number(km[name], 2)} km" for name in ordered(km)]
    return "；".join(parts) or values.text(row.get("why"))
