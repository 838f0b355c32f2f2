"""Candidates weighed by what verdicts taught; whatever detector they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from ..errors import ConfigError
from .features import DETECTOR_CONFIDENCE, features
from .model import Ranking

_DIGITS = 4


@dataclass(frozen=True)
class Named:
    """A ranking that a run's configuration names, and the file it was read from."""

    path: Path
    sha256: str
    ranking: Ranking

    def record(self) -> dict[str, Any]:
        """What ``run.json`` says of it."""
        told = self.ranking.model_dump(mode="json", exclude={"terms", "bias", "left_out_confidence"})
        return {"file": str(self.path), "sha256": self.sha256} | told


def load_rankings(paths: Sequence[Path], versions: Mapping[str, str]) -> tuple[Named, ...]:
    """The rankings in ``paths``; ConfigError when one does not fit the run's detectors (``versions`` by name)."""
    found: dict[str, Named] = {}
    for path in paths:
        ranking = Ranking.load(path)
        if ranking.kind in found:
            raise ConfigError(
                f"decisions.rankings: {found[ranking.kind].path} and {path} both rank {ranking.kind!r}; keep one"
            )
        here = versions.get(ranking.detector)
        if here != ranking.detector_version:
            has = "this run does not use that detector" if here is None else f"this run's is version {here}"
            raise ConfigError(
                f"decisions.rankings: {path} was trained on version {ranking.detector_version} of detector"
                f" {ranking.detector!r}, and {has}: its evidence means something else. Take the file out, run, and train"
                " anew on verdicts of that run (`luyu train`)"
            )
        found[ranking.kind] = Named(path, hashlib.sha256(path.read_bytes()).hexdigest(), ranking)
    return tuple(found.values())


def ranked(candidates: gpd.GeoDataFrame, rankings: Sequence[Ranking]) -> gpd.GeoDataFrame:
    """CANDIDATES with ``confidence`` as the rankings have it; the detector's own stays as evidence.

    ConfigError when a detector's evidence lacks what a ranking looks at.
    """
    for ranking in rankings:
        mine = (candidates["kind"] == ranking.kind) & (candidates["detector"] == ranking.detector)
        if mine.any():
            some = _weighed(candidates[mine], ranking)
            confidence, evidence = candidates["confidence"].astype(float), candidates["evidence"].copy()
            confidence[mine], evidence[mine] = some["confidence"], some["evidence"]
            candidates = candidates.assign(confidence=confidence, evidence=evidence)
    return candidates


def _weighed(mine: gpd.GeoDataFrame, ranking: Ranking) -> gpd.GeoDataFrame:
    evidence = [json.loads(text) for text in mine["evidence"]]
    own = mine["confidence"].to_numpy(float)
    table = features(evidence, own, mine.geometry.area.to_numpy())
    if lacking := sorted(set(ranking.terms) - set(table.columns)):
        raise ConfigError(
            f"decisions.rankings: the ranking of {ranking.kind!r} (version {ranking.version}) looks at evidence {lacking},"
            f" which this run's candidates do not have; they have {sorted(table.columns)}. Train anew, or take it out"
        )
    text = [
        json.dumps(one | {DETECTOR_CONFIDENCE: value}, ensure_ascii=False, sort_keys=True)
        for one, value in zip(evidence, own.tolist(), strict=True)
    ]
    return mine.assign(confidence=np.round(ranking.confidence(table), _DIGITS), evidence=text)
