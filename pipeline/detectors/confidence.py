"""The confidence of a candidate: a logistic of its evidence.

Fitted on candidates in places where the truth is known (``benchmarks/building_net/calibrate.py``,
``benchmarks/grain/calibrate.py``; the note in the file says on what).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError

_LIMIT = 4.0  # standardised values beyond this tell no more; it also keeps strange windows from extremes


@dataclass(frozen=True)
class Confidence:
    """Fitted numbers, one of each per name: ``mean``, ``scale``, ``weights``; and the ``bias``."""

    names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float
    note: Mapping[str, Any]

    def terms(self, evidence: Mapping[str, float]) -> dict[str, float]:
        """Share of each piece of evidence in the log-odds; with ``bias`` they add up to them."""
        raw = np.array([evidence[name] for name in self.names])
        z = np.clip((raw - self.mean) / self.scale, -_LIMIT, _LIMIT)
        return dict(zip(self.names, (z * self.weights).tolist(), strict=True))

    def probability(self, evidence: Mapping[str, float], *, prior: float = 0.0) -> float:
        """Confidence 0..1; ``prior`` is log-odds of what was known before looking, added to those of the evidence."""
        odds = sum(self.terms(evidence).values()) + self.bias + prior
        return float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))

    @property
    def sha256(self) -> str:
        """Digest of the numbers."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The numbers, rounded to what matters."""
        rows = zip(self.names, self.mean, self.scale, self.weights, strict=True)
        columns = {n: {"mean": round(m, 4), "scale": round(s, 4), "weight": round(w, 4)} for n, m, s, w in rows}
        return {"note": dict(self.note), "bias": round(self.bias, 4), "columns": columns}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Confidence:
        """The way back."""
        rows = data["columns"]
        part = {key: np.array([row[key] for row in rows.values()]) for key in ("mean", "scale", "weight")}
        return cls(tuple(rows), part["mean"], part["scale"], part["weight"], float(data["bias"]), data["note"])

    def fit_for(self, names: Collection[str], path: Path) -> Confidence:
        """Itself where it weighs nothing but ``names``; ConfigError naming the file otherwise."""
        strange = sorted(set(self.names) - set(names))
        if strange:
            raise ConfigError(
                f"{path}: weighs {', '.join(strange)}, which this detector does not measure; it measures {', '.join(names)}"
            )
        return self

    @classmethod
    def load(cls, path: Path) -> Confidence:
        """The weights in a file; ConfigError where it is none."""
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{path}: no weights of a detector's evidence ({error}); "
                "leave 'confidence' out to use those that come with luyu"
            ) from error


@cache
def shipped_confidence(name: str = "building_confidence.json") -> Confidence:
    """Weights that come with the program."""
    return Confidence.load(Path(__file__).with_name(name))
