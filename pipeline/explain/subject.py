"""What is explained: one candidate with all that is known about it; whatever is absent is said to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..detectors.confidence import Confidence
from ..ranking.model import Ranking
from ..reports import values


@dataclass(frozen=True)
class Subject:
    """One finding or candidate.

    Attributes
    ----------
    row
        Columns of FINDINGS, and of a run's candidates also ``reportable`` and ``why_not``.
    record
        The run's ``run.json``; None where only the ledger was asked.
    case
        The case as ``Ledger.case`` gives it; None where it is none, or there was no ledger.
    weights, ranking
        Those that the run weighed it with; None where there are none that can be read here.
    company
        Whether another sure candidate of its kind lies near enough; None where the run's candidates are not at hand.
    rival
        The candidate of another kind that stands in its stead; None where there is none.
    nearby
        Other cases within reach on the same road, as the ledger lists them, with ``apart_m``; the nearest first.
    hot_spots
        Rows of HOT_SPOTS of its kind that it lies on.
    """

    row: Mapping[str, Any]
    record: Mapping[str, Any] | None = None
    case: Mapping[str, Any] | None = None
    weights: Confidence | None = None
    ranking: Ranking | None = None
    company: bool | None = None
    rival: Mapping[str, Any] | None = None
    nearby: Sequence[Mapping[str, Any]] = ()
    hot_spots: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def evidence(self) -> Mapping[str, Any]:
        """The evidence parsed; empty where there is none that can be read."""
        raw = self.row.get("evidence")
        if isinstance(raw, Mapping):
            return raw
        try:
            told = json.loads(values.text(raw) or "{}")
        except ValueError:
            return {}
        return told if isinstance(told, Mapping) else {}

    @property
    def why_not(self) -> str:
        """The reason for which it is no finding; empty where it is one."""
        return values.text(self.row.get("why_not"))

    @property
    def decisions(self) -> Mapping[str, Any]:
        """The run's ``decisions``; empty without its record."""
        return {} if self.record is None else self.record["configuration"]["decisions"]

    @property
    def limits(self) -> Mapping[str, Any] | None:
        """Thresholds of confidence of its kind; None where the run has none, or is not at hand."""
        found = self.decisions.get("confidence", {}).get(self.text("kind"))
        return found if isinstance(found, Mapping) else None

    @cached_property
    def thresholds(self) -> Mapping[str, Any]:
        """Options of its detector in the run; empty where they are not known."""
        if self.record is None:
            return {}
        mine = (one for one in self.record["detectors"] if one["name"] == self.text("detector"))
        found = next(mine, None)
        return {} if found is None else found["thresholds"]

    def told_each(self, name: str) -> list[Mapping[str, Any]]:
        """A list in the evidence, such as its takes; [] where there is none that can be read."""
        found = self.evidence.get(name)
        return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []

    def text(self, name: str) -> str:
        """A column as text."""
        return values.text(self.row.get(name))

    def number(self, name: str) -> float | None:
        """A column as a number; None where there is none."""
        found = self.row.get(name)
        return None if values.is_null(found) else float(found)  # type: ignore[arg-type]

    def scene(self, which: str) -> Mapping[str, Any] | None:
        """What the run says of its image ``before`` or ``after``."""
        if self.record is None:
            return None
        wanted = self.text(f"scene_{which}")
        return next((one for one in self.record["scenes"][which] if one["id"] == wanted), None)
