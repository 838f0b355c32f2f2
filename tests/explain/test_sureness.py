"""A confidence taken apart adds up to itself: of every candidate of the finished run, and of each limit."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import geopandas as gpd
import pytest

from pipeline.detectors.confidence import shipped_confidence
from pipeline.explain.confidence import confidence
from pipeline.explain.subject import Subject
from pipeline.explain.sureness import sureness
from pipeline.explain.weighing import own_weights, weights_of
from pipeline.ranking.apply import ranked
from pipeline.run.runner import RunReport
from tests.ranking.world import plain_ranking

_DIGITS = 1.5e-3  # evidence is kept to three digits, the confidence to four


def test_parts_add_up_to_the_confidence_of_every_candidate(finished: RunReport) -> None:
    record = json.loads(finished.folder.run_json.read_text(encoding="utf-8"))
    table = gpd.read_file(finished.folder.findings_gpkg, layer="candidates").to_dict("records")
    weights = {one["name"]: weights_of(record, one["name"]) for one in record["detectors"]}
    kinds = set()
    for row in table:
        parts = sureness(Subject(row, record, weights=weights[row["detector"]]))
        assert parts is not None
        total = parts.known + parts.rest
        assert 1 / (1 + math.exp(-total)) == pytest.approx(row["confidence"], abs=1e-6)
        assert parts.again == pytest.approx(row["confidence"], abs=_DIGITS), row["finding_id"]
        assert parts.baseline is not None
        assert all(
            term.weight is not None or term.name in ("season", "rain", "lasting", "gone_again") for term in parts.terms
        )
        kinds.add(row["kind"])
    assert kinds >= {"building", "grain_drying", "roadworks", "stockpile"}


def subject(detector: str, confidence: float, evidence: dict, **thresholds: object) -> Subject:
    record = {
        "configuration": {"decisions": {"confidence": {}}},
        "detectors": [{"name": detector, "thresholds": {"use": detector, **thresholds}}],
    }
    row = {"kind": detector, "detector": detector, "confidence": confidence, "evidence": json.dumps(evidence)}
    return Subject(row, record)


def building(**told: float) -> dict[str, float]:
    weights = shipped_confidence()
    return dict(zip(weights.names, weights.mean.tolist(), strict=True)) | {"new": 0.95} | told


def test_a_limit_is_named_where_the_confidence_stands_on_it() -> None:
    flat = sureness(subject("building", 0.4, building()))
    assert flat is not None
    assert flat.limit is not None
    assert (flat.limit.option, flat.limit.most) == ("flat_confidence", 0.4)
    assert flat.limit.share < 0
    assert flat.rest == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("confidence", "most"), [(0.7, 0.4), (0.4, 0.7)])
def test_no_limit_is_named_where_none_held(confidence: float, most: float) -> None:
    told = sureness(subject("building", confidence, building(), flat_confidence=most))
    assert told is not None
    assert told.limit is None


def test_a_roof_is_limited_by_its_shadow_only() -> None:
    cues = {"cues": {"edge": 9.0}}
    shaded = sureness(subject("stockpile", 0.2, {**cues, "shade": 0.9}, roof_shade=0.5))
    lit = sureness(subject("stockpile", 0.2, {**cues, "shade": 0.1}, roof_shade=0.5))
    assert shaded is not None
    assert shaded.limit is not None
    assert lit is not None
    assert lit.limit is None
    assert lit.rest < -2


def test_a_board_of_no_register_has_a_factor_for_its_limit() -> None:
    weights = own_weights("billboard")
    assert weights is not None
    told = {"listed": False, "standing": 0.9, "stood": 0.1, **dict.fromkeys(weights.names, 0.5)}
    held = sureness(subject("billboard", round(0.4 * 0.9 * 0.9, 4), told))
    free = sureness(subject("billboard", 0.5, told))
    assert held is not None
    assert held.limit is not None
    assert held.limit.option == "max_unlisted_confidence"
    assert free is not None
    assert free.limit is None


def test_without_terms_all_is_rest_and_without_confidence_nothing() -> None:
    told = sureness(subject("network", 0.75, {"probability": 0.75}))
    assert told is not None
    assert told.terms == ()
    assert told.rest == pytest.approx(math.log(3))
    assert sureness(Subject({"kind": "building"})) is None


def test_what_verdicts_changed_stands_apart_from_the_detectors_own() -> None:
    evidence = building() | {"detector_confidence": 0.6}
    told = sureness(subject("building", 0.8, evidence))
    assert told is not None
    assert told.own == 0.6
    assert told.ranked == pytest.approx(math.log(4) - math.log(1.5))
    assert told.known + told.rest == pytest.approx(math.log(4))


def test_terms_of_a_ranking_add_up_to_what_it_gave(finished: RunReport) -> None:
    ranking = plain_ranking("2", confidence_log_odds=0.5, new=0.8, area_log=-0.3)
    table = gpd.read_file(finished.folder.findings_gpkg, layer="candidates")
    told = ranked(table[table["kind"] == ranking.kind], [ranking]).to_dict("records")
    assert told
    for row in told:
        area_m2 = row["geometry"].area
        parts = sureness(Subject({**row, "area_m2": area_m2}, ranking=ranking))
        assert parts is not None
        assert parts.learnt_baseline is not None
        assert list(parts.learnt) == sorted(parts.learnt, key=lambda name: -abs(parts.learnt[name]))
        total = parts.learnt_baseline + sum(parts.learnt.values())
        assert 1 / (1 + math.exp(-total)) == pytest.approx(row["confidence"], abs=_DIGITS)
        assert parts.known + parts.rest == pytest.approx(parts.odds)
    other = plain_ranking("2", of_nothing=1.0)
    unknown = sureness(Subject({**told[0], "area_m2": 10.0}, ranking=other))
    assert unknown is not None
    assert (dict(unknown.learnt), unknown.learnt_baseline) == ({}, None)


def test_what_another_version_weighed_is_not_weighed_again() -> None:
    """Its weights may have been others: no baseline is claimed, and nothing is made of its evidence by those of today."""
    mine = subject("building", 0.9, building())
    then = replace(mine, row={**mine.row, "detector_version": "0.0.0"})
    now, before = sureness(mine), sureness(then)
    assert now is not None
    assert before is not None
    assert now.terms
    assert (before.baseline, before.terms) == (None, ())


def test_a_confidence_that_was_rounded_up_to_the_threshold_did_not_reach_it() -> None:
    mine = subject("building", 0.6, building())
    limits = {"building": {"sure": 0.5, "sure_alone": 0.6, "unsure": 0.2, "near_m": 100.0}}
    record = {**(mine.record or {}), "configuration": {"decisions": {"confidence": limits}}}
    short = replace(mine, record=record, row={**mine.row, "why_not": "too_uncertain"}, company=False)
    told = {row.label.en: row.said.zh for row in confidence(short).rows}
    assert told["threshold"].startswith("0.6 < 0.6")
