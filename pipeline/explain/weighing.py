"""What a finding's confidence is made of: shares of the log-odds, by piece of evidence."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..detectors import registry
from ..detectors.confidence import Confidence
from ..errors import ConfigError, LuyuError
from ..model.options import Options
from ..reports import values
from ..reports.terms import figures

_LIMIT = 1e-6


@dataclass(frozen=True)
class Weighed:
    """A confidence taken apart.

    ``terms``: log-odds by name of the evidence, the weightiest first. ``rest``: what is left of the confidence's log-odds:
    the detector's baseline, and limits or a ranking that came after it.
    """

    confidence: float
    terms: Mapping[str, float]
    rest: float


def weighed(finding: Mapping[str, Any], weights: Confidence | None = None) -> Weighed:
    """The terms of a finding or candidate: ``confidence``, ``detector`` and ``evidence`` (JSON text or a mapping).

    ``weights``: those that the detector ran with, if not its own. LuyuError where the evidence holds no terms, as that of a
    network whose confidence is the mean probability of its pixels, and where there is no confidence.

    >>> found = weighed({"confidence": 0.5, "evidence": '{"cues": {"edge": 1.5, "shade": -2.0}}'})
    >>> found.terms, found.rest
    ({'shade': -2.0, 'edge': 1.5}, 0.5)
    """
    name = values.text(finding.get("finding_id")) or values.text(finding.get("kind")) or "finding"
    if values.is_null(finding.get("confidence")):
        raise LuyuError(f"{name} has no confidence; give the row of a run's findings or candidates")
    confidence = float(finding["confidence"])
    evidence = _evidence(finding, name)
    told = terms_of(evidence, weights or own_weights(values.text(finding.get("detector"))))
    if not told:
        raise LuyuError(
            f"{name}: its evidence holds no terms of a confidence (detector {values.text(finding.get('detector'))!r}); "
            "pass the weights that the detector ran with, or read the column 'evidence' itself"
        )
    rest = log_odds(confidence) - sum(told.values())
    return Weighed(confidence, dict(sorted(told.items(), key=lambda term: (-abs(term[1]), term[0]))), round(rest, 4))


def terms_of(evidence: Mapping[str, Any], weights: Confidence | None) -> dict[str, float]:
    """Log-odds by name: the ``cues`` that the detector kept, else what ``weights`` make of the evidence; {} without both."""
    return _cues(evidence) or _by_weights(evidence, weights)


def log_odds(confidence: float) -> float:
    """ln(p / (1 - p)), of what is nearly 0 or 1 that of a millionth.

    >>> log_odds(0.5)
    0.0
    """
    share = min(max(confidence, _LIMIT), 1 - _LIMIT)
    return math.log(share / (1 - share))


def weights_of(record: Mapping[str, Any], detector: str) -> Confidence | None:
    """The weights that a detector of this name ran with by ``run.json``; None where it has none that can be read here."""
    for told in record["detectors"]:
        if told["name"] == detector:
            return _weights(registry.parse_options(told["thresholds"]))
    return None


def _evidence(finding: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    raw = finding.get("evidence")
    try:
        parsed = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError as error:
        raise LuyuError(f"{name}: its evidence is no JSON: {error}") from error
    return parsed if isinstance(parsed, Mapping) else {}


def _cues(evidence: Mapping[str, Any]) -> dict[str, float]:
    """Shares that the detector kept; what a series of images added to one of them (``series``) stands with them."""
    told = [figures(part) for name in ("cues", "series") if isinstance(part := evidence.get(name), Mapping)]
    return {name: share for part in told for name, share in part.items()} if "cues" in evidence else {}


def _by_weights(evidence: Mapping[str, Any], weights: Confidence | None) -> dict[str, float]:
    if weights is None:
        return {}
    told = figures(evidence)
    return weights.terms(told) if set(weights.names) <= set(told) else {}


def own_weights(detector: str) -> Confidence | None:
    """The weights that come with a detector of this name; None where it has none."""
    known = registry.known()
    return None if detector not in known else _weights(known[detector].Options)


def _weights(options: Options | type[Options]) -> Confidence | None:
    """Weights of a detector with these options, or with its defaults."""
    try:
        weights = getattr(registry.build(options() if isinstance(options, type) else options), "weights", None)
    except (ConfigError, ValueError):  # one that cannot be made without options of its own, or whose file is away
        return None
    return weights if isinstance(weights, Confidence) else None
