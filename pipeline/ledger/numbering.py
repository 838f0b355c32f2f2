"""Unified numbers (统一编号) of cases: readable, in order, never used twice."""

from __future__ import annotations

import datetime as dt
from string import Formatter

from pydantic import Field, field_validator

from ..model.options import Options

_FIELDS = frozenset({"county", "yyyy", "yyyymm", "kind", "seq4"})
_NEEDED = frozenset({"county", "yyyymm", "kind", "seq4"})


class NumberOptions(Options):
    """How cases are numbered. The client's own case system issues the legal number; this one is the lead's."""

    template: str = Field(
        default="{county}-{yyyymm}-{kind}-{seq4}",
        description="Form of the number; must hold {county}, {yyyymm}, {kind} and {seq4}, may hold {yyyy}.",
    )
    no_county: str = Field(
        default="000000",
        pattern=r"^[0-9A-Za-z]+$",
        description="Stands for the county code of a place outside every county of the layer.",
    )

    @field_validator("template")
    @classmethod
    def _unique(cls, template: str) -> str:
        try:
            parts = list(Formatter().parse(template))
        except ValueError as error:
            raise ValueError(f"template {template!r}: {error}") from error
        names = {name for _, name, _, _ in parts if name is not None}
        if wrong := sorted(names - _FIELDS):
            raise ValueError(f"template {template!r}: unknown fields {wrong}; known: {sorted(_FIELDS)}")
        if missing := sorted(_NEEDED - names):
            raise ValueError(f"template {template!r} lacks {missing}: two cases could get one number")
        return template


def series(county: str, day: dt.date, kind: str) -> str:
    """The series that a case is counted in: county, month of the evidence, kind.

    >>> series("320322", dt.date(2017, 10, 20), "building")
    '320322-201710-building'
    """
    return f"{county}-{day:%Y%m}-{kind}"


def number(options: NumberOptions, county: str, day: dt.date, kind: str, seq: int) -> str:
    """The number of the ``seq``-th case of its series.

    >>> number(NumberOptions(), "320322", dt.date(2017, 10, 20), "building", 7)
    '320322-201710-building-0007'
    """
    return options.template.format(county=county, yyyy=f"{day:%Y}", yyyymm=f"{day:%Y%m}", kind=kind, seq4=f"{seq:04d}")
