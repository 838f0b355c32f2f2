"""What a ranking looks at: the detector's evidence, its own confidence, and the size, as columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

#: Where a candidate's evidence keeps what the detector itself thought, once a ranking has its say.
DETECTOR_CONFIDENCE = "detector_confidence"
#: Entries that decisions add after detection: they tell where a thing stands, not what it is.
LATER = frozenset(
    (
        DETECTOR_CONFIDENCE, "edge_distance_m", "priority", "permit", "permit_ref", "exempt", "facility", "facility_near",
        "impact", "assets", "errors_m", "outcome", "supports_accusation",
    )
)  # fmt: skip
_CERTAIN = 0.001  # confidences nearer to 0 or 1 than this tell no more


def features(evidence: Sequence[Mapping[str, Any]], confidence: np.ndarray, area_m2: np.ndarray) -> pd.DataFrame:
    """A row of numbers each: every numeric entry of ``evidence``, ``confidence_log_odds`` and ``area_log``; NaN = none.

    ``confidence`` (n,) is the detector's own, ``area_m2`` (n,) that of the footprint.
    """
    rows = [
        {name: float(value) for name, value in one.items() if name not in LATER and isinstance(value, int | float)}
        for one in evidence
    ]
    p = np.clip(np.asarray(confidence, float), _CERTAIN, 1 - _CERTAIN)
    table = pd.DataFrame(rows, index=range(len(rows)), dtype=float)
    return table.assign(
        confidence_log_odds=np.log(p / (1 - p)), area_log=np.log(np.maximum(np.asarray(area_m2, float), 1.0))
    )
