"""A confidence taken apart, so that the parts add up to its log-odds again and nothing is hidden in between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..detectors import registry
from ..detectors.confidence import Confidence
from ..detectors.grain_score import cues_of
from ..ranking.features import DETECTOR_CONFIDENCE, features
from ..ranking.model import Ranking
from ..reports import terms as words
from .subject import Subject
from .weighing import log_odds, own_weights, terms_of

_ROUNDED = 5e-4  # confidences are kept to four digits
#: By use: the option that limits a confidence, and the option from which value of ``shade`` on it does.
_LIMITS = {
    "building": ("flat_confidence", None),
    "roadworks": ("roof_confidence", "roof_shade"),
    "stockpile": ("roof_confidence", "roof_shade"),
    "billboard": ("max_unlisted_confidence", None),
}


@dataclass(frozen=True)
class Term:
    """One piece of evidence: its ``share`` of the log-odds; its ``value`` and ``weight`` per standard deviation where known."""

    name: str
    share: float
    value: float | None = None
    weight: float | None = None


@dataclass(frozen=True)
class Limit:
    """A limit that the detector set: ``most`` by ``option``; ``share``: what that took off the log-odds."""

    option: str
    most: float
    share: float


@dataclass(frozen=True)
class Sureness:
    """A confidence and its parts, all log-odds: baseline + terms + limit + ranking + rest.

    ``own``: the detector's own confidence, before verdicts were asked. ``baseline`` None: the weights are not at hand, it is
    part of the rest. ``limit``, ``ranked``: None where there was none. ``learnt``: terms of the ranking by name, where its
    file can be read; with ``learnt_baseline`` they add up to the log-odds too. ``rest``: what is left: figures are kept to
    three digits, and of what several tiles saw the confidence is that of the best view or the mean of all.
    """

    confidence: float
    own: float
    baseline: float | None
    terms: tuple[Term, ...]
    limit: Limit | None
    ranked: float | None
    learnt: Mapping[str, float] = field(default_factory=dict)
    learnt_baseline: float | None = None

    @property
    def odds(self) -> float:
        """The log-odds that everything adds up to."""
        return log_odds(self.confidence)

    @property
    def known(self) -> float:
        """All that has a name, log-odds."""
        limit = None if self.limit is None else self.limit.share
        named = [term.share for term in self.terms]
        return math.fsum([*named, *(part for part in (self.baseline, limit, self.ranked) if part is not None)])

    @property
    def rest(self) -> float:
        """What has none."""
        return self.odds - self.known

    @property
    def again(self) -> float:
        """The confidence that the named parts give by themselves."""
        return 1 / (1 + math.exp(-min(max(self.known, -30.0), 30.0)))


def sureness(subject: Subject) -> Sureness | None:
    """The parts of a subject's confidence; None where it has none. Terms are the weightiest first, ties by name."""
    confidence = subject.number("confidence")
    if confidence is None:
        return None
    evidence = subject.evidence
    weights = None if _of_another_version(subject) else subject.weights or own_weights(subject.text("detector"))
    shares = terms_of(evidence, weights)
    told = _values(evidence, weights)
    weight = (
        {} if weights is None else dict(zip(weights.names, np.asarray(weights.weights, float).tolist(), strict=True))
    )
    found = tuple(
        Term(name, share, told.get(name), weight.get(name))
        for name, share in sorted(shares.items(), key=lambda item: (-abs(item[1]), item[0]))
    )
    own = evidence.get(DETECTOR_CONFIDENCE)
    own = confidence if not isinstance(own, int | float) else float(own)
    baseline = None if weights is None or not shares else float(weights.bias)
    ranked = log_odds(confidence) - log_odds(own) if DETECTOR_CONFIDENCE in evidence else None
    learnt = {} if ranked is None or subject.ranking is None else _learnt(subject.ranking, subject, own)
    return Sureness(
        confidence,
        own,
        baseline,
        found,
        _limit(subject, own, baseline, shares),
        ranked,
        learnt,
        _learnt_baseline(subject.ranking) if learnt and subject.ranking is not None else None,
    )


def _of_another_version(subject: Subject) -> bool:
    """Whether it was found by another version of its detector than is here, whose weights may have been others."""
    use = str(subject.thresholds.get("use") or subject.text("detector"))
    here, then = registry.known().get(use), subject.text("detector_version")
    return here is not None and bool(then) and then != here.version


def _learnt_baseline(ranking: Ranking) -> float:
    """Log-odds of a candidate that is the mean in everything that the ranking looks at."""
    return ranking.calibration.slope * ranking.bias + ranking.calibration.offset


def _values(evidence: Mapping[str, Any], weights: Confidence | None) -> dict[str, float]:
    """The figures that were weighed, by the name of their term."""
    told = words.figures(evidence)
    if weights is None or set(weights.names) <= set(told):
        return told
    try:
        return words.figures(cues_of(evidence)) | {name: told[name] for name in weights.names if name in told}
    except (KeyError, TypeError):
        return told


def _limit(subject: Subject, own: float, baseline: float | None, shares: Mapping[str, float]) -> Limit | None:
    """The limit of its detector, where the confidence stands on it and the evidence alone would give more."""
    use = str(subject.thresholds.get("use") or subject.text("detector"))
    if baseline is None or use not in _LIMITS:
        return None
    option, above = _LIMITS[use]
    most = _option(subject, use, option)
    odds = baseline + sum(shares.values())
    if most is None or not _stands_on(most, own, odds, subject.evidence, use):
        return None
    if above is not None:
        from_here, shade = _option(subject, use, above), subject.evidence.get("shade")
        if from_here is None or not isinstance(shade, int | float) or shade < from_here - _ROUNDED:
            return None
    return Limit(option, most, log_odds(own) - odds)


def _stands_on(most: float, own: float, odds: float, evidence: Mapping[str, Any], use: str) -> bool:
    """Whether a confidence is what the limit ``most`` makes of log-odds ``odds``."""
    if use == "billboard":  # of one that no register has, the limit is a factor
        standing, stood = evidence.get("standing"), evidence.get("stood")
        if evidence.get("listed") is not False or not isinstance(standing, float) or not isinstance(stood, float):
            return False
        return abs(most * standing * (1 - stood) - own) < 4 * _ROUNDED
    return abs(own - most) <= _ROUNDED and odds > log_odds(most)


def _option(subject: Subject, use: str, option: str) -> float | None:
    """An option of the detector as the run had it, else its default; None where there is none."""
    known = registry.known().get(use)
    found = subject.thresholds.get(option, None if known is None else getattr(known.Options(), option, None))
    return None if found is None else float(found)


def _learnt(ranking: Ranking, subject: Subject, own: float) -> dict[str, float]:
    """Terms of the ranking, calibrated, the weightiest first; {} where its file is not at hand or asks for other evidence."""
    area_m2 = subject.number("area_m2")
    if area_m2 is None:
        return {}
    table = features([subject.evidence], np.array([own]), np.array([area_m2]))
    if set(ranking.terms) - set(table.columns):
        return {}
    shares = (ranking.calibration.slope * ranking.contributions(table).iloc[0]).to_dict()
    return dict(sorted(((str(k), float(v)) for k, v in shares.items()), key=lambda item: (-abs(item[1]), item[0])))
