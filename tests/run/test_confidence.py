"""Which candidates are sure enough: two thresholds, the upper one for what stands alone."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely import box

from pipeline.config.decision_options import ConfidenceOptions, DecisionOptions
from pipeline.run.confidence import doubts

LIMITS = {"building": ConfidenceOptions(sure=0.5, sure_alone=0.7, unsure=0.2, near_m=100)}


def candidates(*rows: tuple[float, float], kind: str = "building") -> gpd.GeoDataFrame:
    """Houses of 10 m at these (x, confidence)."""
    return gpd.GeoDataFrame(
        {"kind": kind, "confidence": [confidence for _, confidence in rows]},
        geometry=[box(x, 0, x + 10, 10) for x, _ in rows],
        crs=4548,
    )


@pytest.mark.parametrize(
    ("confidence", "why"),
    [(0.7, ""), (0.69, "too_uncertain"), (0.5, "too_uncertain"), (0.2, "too_uncertain"), (0.19, "unlikely")],
)
def test_alone_it_takes_more(confidence: float, why: str) -> None:
    assert doubts(candidates((0, confidence)), LIMITS).tolist() == [why]


def test_in_company_of_a_sure_one_it_takes_less() -> None:
    assert doubts(candidates((0, 0.5), (110, 0.5)), LIMITS).tolist() == ["", ""]
    assert doubts(candidates((0, 0.5), (110.1, 0.5)), LIMITS).tolist() == ["too_uncertain"] * 2, "more than 100 m apart"
    assert doubts(candidates((0, 0.5), (50, 0.49)), LIMITS).tolist() == ["too_uncertain"] * 2, "the other is not sure"
    assert doubts(candidates((0, 0.49), (50, 0.9)), LIMITS).tolist() == ["too_uncertain", ""], "company makes none sure"


def test_other_kinds_are_no_company_and_have_no_thresholds_unless_given() -> None:
    both = pd.concat([candidates((0, 0.5)), candidates((20, 0.99), (40, 0.01), kind="grain_drying")], ignore_index=True)
    assert doubts(both, LIMITS).tolist() == ["too_uncertain", "", ""]
    assert doubts(both, {"building": None}).tolist() == ["", "", ""]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 1)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_candidates_has_no_say(rows: list[tuple[float, float]], random: object) -> None:
    table = candidates(*rows) if rows else candidates((0, 0.5)).iloc[:0]
    order = list(range(len(table)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert doubts(table.iloc[order], LIMITS).sort_index().equals(doubts(table, LIMITS))


def test_a_configuration_that_names_one_kind_keeps_the_usual_of_the_others() -> None:
    given_ = DecisionOptions(confidence={"grain_drying": {"sure": 0.1, "unsure": 0.1}}).confidence
    assert given_["building"] == DecisionOptions().confidence["building"]
    assert DecisionOptions(confidence={"building": None}).confidence["building"] is None
    assert np.isclose(DecisionOptions(confidence={"building": {"sure": 0.55}}).confidence["building"].sure, 0.55)


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"unsure \(0.25\), sure \(0.7\), sure_alone \(0.6\) must not fall"):
        DecisionOptions(confidence={"building": {"sure": 0.7}})
