"""Terms of a confidence: those that the detector kept, or those that its weights make of the evidence."""

from __future__ import annotations

import doctest

import pytest

from pipeline.detectors.confidence import shipped_confidence
from pipeline.errors import LuyuError
from pipeline.explain import explanation, weighing
from pipeline.explain.weighing import own_weights, terms_of, weighed, weights_of


def test_examples_in_the_docstrings_hold() -> None:
    for module in (weighing, explanation):
        assert doctest.testmod(module).attempted
        assert doctest.testmod(module).failed == 0


def test_what_a_series_added_stands_among_the_terms() -> None:
    told = terms_of({"cues": {"ends": 1.0}, "series": {"lasting": -3.0}}, None)
    assert told == {"ends": 1.0, "lasting": -3.0}
    assert terms_of({"series": {"lasting": -3.0}}, None) == {}


def test_weights_are_those_of_the_run(tmp_path) -> None:
    record = {"detectors": [{"name": "building", "thresholds": {"use": "building"}}]}
    assert weights_of(record, "building") == own_weights("building") == shipped_confidence()
    assert weights_of(record, "stockpile") is None
    away = {"use": "stockpile", "confidence": str(tmp_path / "gone.json")}
    assert weights_of({"detectors": [{"name": "stockpile", "thresholds": away}]}, "stockpile") is None


def test_a_detector_without_terms_is_said_to_have_none() -> None:
    with pytest.raises(LuyuError, match="holds no terms"):
        weighed({"kind": "building", "confidence": 0.7, "detector": "network", "evidence": '{"probability": 0.7}'})
    with pytest.raises(LuyuError, match="has no confidence"):
        weighed({"finding_id": "x", "confidence": None})
