from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.attribution.priority import PriorityOptions, priority
from pipeline.model.kinds import Membership, Zone, ZoneBasis


def table(**columns) -> pd.DataFrame:
    row = {
        "confidence": 0.8,
        "zone": "control_zone",
        "membership": "inside",
        "zone_basis": "announced",
        "kind": "building",
        "area_m2": 240.0,
        "near_border": False,
    }
    return pd.DataFrame({name: [value] for name, value in (row | columns).items()}, index=["f"])


@given(
    st.floats(0, 1),
    st.sampled_from([*Zone, None]),
    st.sampled_from([*Membership, None]),
    st.sampled_from([*ZoneBasis, None]),
    st.floats(0, 1e6),
    st.booleans(),
)
def test_the_terms_add_up_to_the_priority(confidence, zone, membership, basis, area_m2, near):
    result = priority(
        table(
            confidence=confidence, zone=zone, membership=membership, zone_basis=basis, area_m2=area_m2, near_border=near
        )
    )
    total = sum(json.loads(result["priority_terms"].iloc[0]).values())
    assert result["priority"].iloc[0] == pytest.approx(np.clip(total, 0, 100), abs=0.051)
    assert 0 <= result["priority"].iloc[0] <= 100


@pytest.mark.parametrize(
    "worse",
    [
        {"confidence": 0.2},
        {"confidence": None},
        {"zone": "outside"},
        {"zone": None},
        {"membership": "undetermined"},
        {"zone_basis": "estimated"},
        {"kind": "billboard"},
        {"area_m2": 20.0},
        {"area_m2": np.nan},
        {"near_border": True},
    ],
)
def test_what_is_less_certain_or_less_grave_comes_later(worse):
    before = table()
    assert priority(table(**worse))["priority"].iloc[0] < priority(before)["priority"].iloc[0]
    assert priority(before).index.tolist() == ["f"]


def test_the_gravest_has_a_hundred_and_nothing_has_zero():
    top = table(confidence=1.0, zone="pavement", kind="grain_drying", area_m2=5000.0)
    assert priority(top)["priority"].iloc[0] == 100.0
    nothing = table(confidence=None, zone=None, membership=None, zone_basis=None, area_m2=None, near_border=True)
    options = PriorityOptions(urgency={"building": 0.0})
    assert priority(nothing, options)["priority"].iloc[0] == 0.0


def test_points_must_make_a_hundred():
    with pytest.raises(ValueError, match="must be 100, not 110"):
        PriorityOptions(zone=35)
    with pytest.raises(ValueError, match="must lie in 0"):
        PriorityOptions(urgency={"building": 3})
