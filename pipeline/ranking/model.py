"""The file that `luyu train` writes: a logistic of standardised evidence, calibrated, with all that it rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError

from ..errors import ConfigError
from ..model.options import Options

LIMIT = 5.0  # standardised values beyond this tell no more; it also keeps strange candidates from extremes
SCHEMA_VERSION = 1


class Term(Options):
    """One column of ``features``: standardised by ``mean`` and ``scale``, then weighed. A missing value is the mean."""

    mean: float
    scale: float
    weight: float


class Calibration(Options):
    """Platt's (1999): log-odds = ``slope`` times score plus ``offset``, fitted on scores of places left out."""

    method: Literal["platt"] = "platt"
    slope: float = Field(ge=0)
    offset: float


class Measure(Options):
    """A score on places left out: of the confidence in use before, after training, and how far it moved; 95 % bounds."""

    before: tuple[float, float, float]
    after: tuple[float, float, float]
    moved: tuple[float, float, float]


class Scores(Options):
    """How good, on places that the fit had not seen; bounds by resampling whole places.

    ``precision_at_cap``: right share of the first ``cap`` of each county. ``average_precision``: of the whole order.
    ``brier``: mean square of confidence minus verdict, less is better. ``better_in``: share of the resamples in which the
    order improved. ``counties_above_cap``: counties with more verdicts than the cap; in others it cannot tell.
    """

    cap: int
    counties_above_cap: int
    precision_at_cap: Measure
    average_precision: Measure
    brier: Measure
    better_in: float

    def text(self) -> str:
        """The scores in a few lines."""
        rows = (
            (f"precision at the cap ({self.cap} per county)", self.precision_at_cap),
            ("average precision", self.average_precision),
            ("Brier score (less is better)", self.brier),
        )
        lines = [
            f"  {name}: {one.before[0]:.3f} -> {one.after[0]:.3f}, moved {one.moved[0]:+.3f}"
            f" ({one.moved[1]:+.3f} to {one.moved[2]:+.3f})"
            for name, one in rows
        ]
        if not self.counties_above_cap:
            lines.append(f"  no county has more than {self.cap} verdicts: precision at the cap cannot move; see --cap")
        return "\n".join(lines)


class TrainedOn(Options):
    """The verdicts behind a ranking; no person's name."""

    right: int
    wrong: int
    left_out: dict[str, int] = Field(description="Verdicts that teach nothing, and why not.")
    counties: tuple[str, ...]
    places: int
    left_out_by: Literal["county", "km square"]
    decided_from: str
    decided_to: str
    sha256: str = Field(description="Of the ids and verdicts.")
    held_against: str = Field(description="What ``before`` in the scores is.")
    seed: int


class Ranking(Options):
    """Confidence of one detector's candidates of one kind, as verdicts have it.

    ``left_out_confidence``: what each object (finding id) got from a fit that had not seen its place: by these it is
    held against its successor, so that what it was trained on speaks for neither.
    """

    schema_version: Literal[1] = 1
    version: int = Field(ge=1)
    luyu: str
    kind: str
    detector: str
    detector_version: str
    terms: dict[str, Term]
    bias: float
    calibration: Calibration
    trained_on: TrainedOn
    scores: Scores
    left_out_confidence: dict[str, float]

    @classmethod
    def load(cls, path: Path) -> Ranking:
        """The ranking in a file; ConfigError naming file and key where it is none of this form."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; give a file that `luyu train --out` wrote") from error
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()[:3])
            raise ConfigError(f"{path}: no ranking of form {SCHEMA_VERSION} ({wrong}); train it anew") from error

    def contributions(self, table: pd.DataFrame) -> pd.DataFrame:
        """Share of each term in the uncalibrated log-odds; with ``bias`` they add up to it. ``table``: ``features``."""
        names = list(self.terms)
        mean, scale, weight = (
            np.array([getattr(term, part) for term in self.terms.values()]) for part in ("mean", "scale", "weight")
        )
        z = np.clip((table[names].to_numpy(float) - mean) / scale, -LIMIT, LIMIT)
        return pd.DataFrame(np.nan_to_num(z) * weight, columns=names, index=table.index)

    def confidence(self, table: pd.DataFrame) -> np.ndarray:
        """Calibrated probability that each row is right, (n,). ``table``: ``features`` with a column per term."""
        score = self.contributions(table).sum(axis=1).to_numpy() + self.bias
        odds = self.calibration.slope * score + self.calibration.offset
        return 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
