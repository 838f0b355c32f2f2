"""`luyu train`: a ranking from verdicts, judged on places that it had not seen, installed if it ranks better there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from .. import __version__
from ..errors import TrainingError
from ..files import write_bytes, write_text
from .examples import Examples
from .fit import FOLDS, fit, left_out
from .model import Ranking, TrainedOn
from .score import compared

LEAST_VERDICTS = 30
_SURE = 0.9  # share of the resamples in which a new order must be better than the one in use


def train(examples: Examples, *, cap: int = 20, seed: int = 0, in_use: Ranking | None = None) -> Ranking:
    """The ranking that the verdicts teach, with its scores on places left out; not yet judged.

    Whole places are left out, a fifth at a time, and scored by a fit without them: counties where right and wrong
    verdicts both come from five or more, else squares of 1 km. ``before`` in the scores is the confidence by ``in_use``
    where it fits the same detector and version, else the confidence that people saw. The ranking itself is then
    fitted on all. TrainingError where there are too few verdicts.
    """
    table, right = examples.table, examples.table["right"].to_numpy(bool)
    by, places = _places(table)
    after = left_out(examples.features, right, places, seed=seed)
    before, against = _before(examples, in_use)
    county = table["county"].to_numpy(str)
    scores = compared(before, after, right, county=county, places=places, cap=cap, seed=seed)
    fitted = fit(examples.features, right, places, seed=seed)
    days = sorted(day for day in table["decided_on"] if day)
    said = "\n".join(f"{ident} {int(value)}" for ident, value in zip(table["id"], right, strict=True))
    return Ranking(
        version=1 if in_use is None else in_use.version + 1,
        luyu=__version__,
        kind=examples.kind,
        detector=examples.detector,
        detector_version=examples.detector_version,
        terms=fitted.terms,
        bias=fitted.bias,
        calibration=fitted.calibration,
        trained_on=TrainedOn(
            right=int(right.sum()),
            wrong=int((~right).sum()),
            left_out=dict(examples.left_out),
            counties=tuple(sorted(set(county) - {""})),
            places=len(np.unique(places)),
            left_out_by=by,
            decided_from=days[0] if days else "",
            decided_to=days[-1] if days else "",
            sha256=hashlib.sha256(said.encode()).hexdigest(),
            held_against=against,
            seed=seed,
        ),
        scores=scores,
        left_out_confidence=dict(zip(table["id"], np.round(after, 4).tolist(), strict=True)),
    )


def judge(ranking: Ranking) -> None:
    """TrainingError with the figures when the ranking is no better on places left out than what is in use."""
    scores = ranking.scores
    worse = []
    if scores.better_in < _SURE:
        worse.append(f"the order was better in {scores.better_in:.0%} of resampled places, {_SURE:.0%} are asked for")
    if scores.precision_at_cap.moved[0] < 0:
        worse.append("precision at the cap fell")
    if worse:
        raise TrainingError(
            f"not installed: on places left out it ranks no better than {ranking.trained_on.held_against}"
            f" ({'; '.join(worse)}).\n{scores.text()}\nNothing was written; train again once there are more verdicts."
        )


def install(ranking: Ranking, out: Path) -> Path | None:
    """Write the file, whole or not at all; the one that it replaces is kept beside it, and its path returned.

    WorkspaceError where it cannot be written.
    """
    kept = None
    if out.is_file():
        kept = out.with_suffix(f".v{ranking.version - 1}{out.suffix}")
        write_bytes(kept, out.read_bytes())
    write_text(out, ranking.model_dump_json(indent=1) + "\n")
    return kept


def in_use(out: Path, examples: Examples) -> Ranking | None:
    """The ranking that ``out`` holds; TrainingError when it is one of another kind."""
    if not out.is_file():
        return None
    found = Ranking.load(out)
    if found.kind != examples.kind:
        raise TrainingError(
            f"--out {out}: holds a ranking of {found.kind!r}, not of {examples.kind!r}; name another file"
        )
    return found


def _before(examples: Examples, used: Ranking | None) -> tuple[np.ndarray, str]:
    """What is in use now says of each row, (n,), and what that is."""
    shown = examples.table["confidence"].to_numpy(float)
    same = used is not None and (used.detector, used.detector_version) == (
        examples.detector,
        examples.detector_version,
    )
    if used is None or not same or set(used.terms) - set(examples.features.columns):
        return shown, "the confidence that was shown"
    honest = examples.table["id"].map(used.left_out_confidence).to_numpy(float)
    fresh = used.confidence(examples.features)
    return np.where(np.isnan(honest), fresh, honest), f"version {used.version} of the ranking in use"


def _places(table: pd.DataFrame) -> tuple[Literal["county", "km square"], np.ndarray]:
    """What is left out as a whole: of each row its county or square. TrainingError where verdicts are too few for it."""
    right = table["right"]
    least = {column: min(table[column][side].nunique() for side in (right, ~right)) for column in ("county", "square")}
    enough = len(table) >= LEAST_VERDICTS
    if enough and least["county"] >= FOLDS:
        return "county", table["county"].to_numpy(str)
    if enough and least["square"] >= FOLDS:
        return "km square", table["square"].to_numpy(str)
    raise TrainingError(
        f"too few verdicts to learn from: {len(table)} ({right.sum()} right in {table['square'][right].nunique()} squares"
        f" of 1 km, {(~right).sum()} wrong in {table['square'][~right].nunique()}); needed are {LEAST_VERDICTS}, right and"
        f" wrong ones in {FOLDS} squares or more each"
    )
