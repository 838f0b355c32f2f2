"""The fit: a ridge logistic of standardised columns, its penalty and its calibration by places left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from .model import LIMIT, Calibration, Term

FOLDS = 5
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # sklearn's C: one over the ridge penalty
_LEAST_KNOWN = 0.5  # a column that fewer rows have tells more of the rows than of the thing
_LOG_LOSS = make_scorer(  # the labels stated: a part of few places may hold one of them only
    log_loss, labels=[False, True], response_method="predict_proba", greater_is_better=False
)
_UNBOUND = 1e6  # C of the calibration: two numbers need no penalty


@dataclass(frozen=True)
class Fitted:
    """A fit as plain numbers, in the words of `Ranking`."""

    terms: dict[str, Term]
    bias: float
    calibration: Calibration
    model: Pipeline

    def confidence(self, table: pd.DataFrame) -> np.ndarray:
        """Calibrated probability of each row, (n,)."""
        score = self.model.decision_function(table[list(self.terms)].to_numpy(float))
        return 1 / (1 + np.exp(-(self.calibration.slope * score + self.calibration.offset)))


def fit(table: pd.DataFrame, right: np.ndarray, places: np.ndarray, *, seed: int) -> Fitted:
    """The logistic of ``table`` (features; NaN = unknown) that tells right (n, bool) from wrong.

    The ridge penalty is that of the least log loss on places (n, names) left out, five parts in turn; the scores of
    the same parts calibrate it (Platt 1999). Deterministic for a ``seed``.
    """
    names = usable(table)
    x, parts = table[names].to_numpy(float), _folds(right, places, seed)
    search = GridSearchCV(_model(), {"logistic__C": _STRENGTHS}, scoring=_LOG_LOSS, cv=parts)
    best = search.fit(x, right).best_estimator_
    score = cross_val_predict(best, x, right, cv=parts, method="decision_function")
    scaler, logistic = best.named_steps["scale"], best.named_steps["logistic"]
    numbers = zip(names, scaler.mean_.tolist(), scaler.scale_.tolist(), logistic.coef_[0].tolist(), strict=True)
    return Fitted(
        terms={name: Term(mean=mean, scale=scale, weight=weight) for name, mean, scale, weight in numbers},
        bias=float(logistic.intercept_[0]),
        calibration=_platt(score, right),
        model=best,
    )


def left_out(table: pd.DataFrame, right: np.ndarray, places: np.ndarray, *, seed: int) -> np.ndarray:
    """Confidence (n,) of each row by a fit, penalty and calibration and all, that has not seen its place."""
    out = np.empty(len(right))
    for known, unseen in _folds(right, places, seed):
        out[unseen] = fit(table.iloc[known], right[known], places[known], seed=seed).confidence(table.iloc[unseen])
    return out


def usable(table: pd.DataFrame) -> list[str]:
    """Columns that are mostly known and differ between rows."""
    known = table.columns[table.notna().mean() >= _LEAST_KNOWN]
    return [str(name) for name in known if table[name].std() > 0]


def _folds(right: np.ndarray, places: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    split = StratifiedGroupKFold(min(FOLDS, len(np.unique(places))), shuffle=True, random_state=seed)
    return list(split.split(right, right, places))


def _model() -> Pipeline:
    return Pipeline(
        [
            ("known", SimpleImputer(strategy="mean")),
            ("scale", StandardScaler()),
            ("limit", FunctionTransformer(np.clip, kw_args={"a_min": -LIMIT, "a_max": LIMIT})),
            ("logistic", LogisticRegression(max_iter=1000)),
        ]
    )


def _platt(score: np.ndarray, right: np.ndarray) -> Calibration:
    """Log-odds by score; where higher scores are not righter, everything gets the share that is right."""
    line = LogisticRegression(C=_UNBOUND).fit(score[:, None], right)
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:
        slope, offset = 0.0, float(np.log(right.mean() / (1 - right.mean())))
    return Calibration(slope=slope, offset=offset)
