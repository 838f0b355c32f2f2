"""How much a region looks like a new roof: a logistic of its statistics, each bent at three places.

Every statistic enters as a piecewise linear term (a generalised additive model, Hastie and Tibshirani 1986), so that
its share in a score can be named. The numbers in ``building_weights.json`` were fitted by
``benchmarks/fit_buildings.py`` on pairs of real images; the note in the file says which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_LOGARITHMIC = frozenset(
    ("area_m2", "width_m", "length_m", "elongation", "edge", "edge_before", "inner_edge", "inner_edge_before")
)
_LEFT_OUT = frozenset(("a", "b", "a_before", "b_before"))  # colour cast: differs by sensor more than by what is there
_LIMIT = 5.0  # standardised values beyond this tell no more; it also keeps strange windows from extremes


def columns(stats: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The model's inputs from the statistics of ``roof.measure``: logarithms of ratios and sizes, and combinations."""
    out = {
        name: np.log(value + 0.05) if name in _LOGARITHMIC else value
        for name, value in stats.items()
        if name not in _LEFT_OUT
    }
    size = np.log(stats["area_m2"])
    return out | {
        "clear": out["edge"] - out["inner_edge"],
        "new_edge": out["edge"] - out["edge_before"],
        "new_strong": out["strong"] - out["strong_before"],
        "contrast_to_spread": np.log((out["contrast"] + 0.01) / (out["spread"] + 0.01)),
        "greener": out["green"] - out["green_before"],
        "hollow_large": size * (1 - out["fullness"]),
        "spread_large": size * out["spread"],
        "ragged_large": size * (1 - out["convexity"]),
        "inner_large": size * out["inner_edge"],
        "long_large": size * out["elongation"],
        "shade_lead": out["shade"] - out["shade_sun"],
        "shade_lit": out["shade"] * (1 - out["shadow"]),
        "darkness": out["shadow"] * (1 - out["l"]),
        "changed": out["change"] * (1 - np.clip(out["likeness"], -1, 1)),
        "full_edge": out["fullness"] * out["edge"],
        "grey_dark": (1 - out["chroma"]) * (1 - out["l"]),
    }


@dataclass(frozen=True)
class Ranking:
    """Fitted numbers, one row per column: ``mean``, ``scale``, ``bends`` (k, 3, standardised), ``weights`` (k, 4)."""

    names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    bends: np.ndarray
    weights: np.ndarray
    bias: float

    def basis(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        """Bent inputs, float32 (n, columns, 4)."""
        raw = np.stack([table[name] for name in self.names], axis=1)
        z = np.clip((raw - self.mean) / self.scale, -_LIMIT, _LIMIT)
        bent = np.maximum(z[:, :, None] - self.bends, 0)
        return np.concatenate([z[:, :, None], bent], axis=2).astype(np.float32)

    def terms(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        """Share of each column in the log-odds, (n, columns)."""
        return np.einsum("nkb,kb->nk", self.basis(table), self.weights)

    def probability(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        """Score 0..1 of each row, (n,)."""
        return 1 / (1 + np.exp(-np.clip(self.terms(table).sum(axis=1) + self.bias, -30, 30)))

    def to_dict(self) -> dict[str, object]:
        """The numbers, rounded to what matters."""
        rows = {
            name: {
                "mean": round(float(self.mean[k]), 5),
                "scale": round(float(self.scale[k]), 5),
                "bends": [round(float(v), 4) for v in self.bends[k]],
                "weights": [round(float(v), 4) for v in self.weights[k]],
            }
            for k, name in enumerate(self.names)
        }
        return {"bias": round(self.bias, 4), "columns": rows}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ranking:
        """The way back."""
        rows = data["columns"]
        part = {key: np.array([row[key] for row in rows.values()]) for key in ("mean", "scale", "bends", "weights")}
        return cls(tuple(rows), part["mean"], part["scale"], part["bends"], part["weights"], float(data["bias"]))


@cache
def shipped_rankings() -> tuple[Ranking, Ranking]:
    """The fitted rankings that come with the program: of regions, and of the objects made of them."""
    data = json.loads(Path(__file__).with_name("building_weights.json").read_text(encoding="utf-8"))
    return Ranking.from_dict(data["regions"]), Ranking.from_dict(data["objects"])
