"""Kilometres seen and not seen, and why."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString

from pipeline.errors import ImageryError, NetError
from pipeline.model.cause import Cause
from pipeline.model.grid import Grid
from pipeline.run.coverage import COLUMNS, by_cause, coverage_table, lost_stretches, observed_stretches

GRID = Grid(4548, 0.0, 400.0, 1.0, 400, 400)
DUE = gpd.GeoDataFrame(
    {"route_code": ["G311"], "county_code": ["320322"], "county_name": ["甲"], "km_per_m": [0.001]},
    geometry=[LineString([(50, 200), (350, 200)])],
    crs=4548,
)


def cloud(from_col: int) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[:, from_col:] = True
    return mask


def test_all_seen() -> None:
    table = coverage_table(observed_stretches(DUE, {}, GRID))
    assert table.loc[0, ["km_due", "km_observed", "km_unobserved", "why"]].tolist() == [0.3, 0.3, 0.0, ""]


def test_a_clouded_third_is_said_to_be_clouded() -> None:
    stretches = observed_stretches(DUE, {"cloud": cloud(250), "shift": np.zeros(GRID.shape, bool)}, GRID)
    table = coverage_table(stretches)
    assert table.loc[0, "km_unobserved"] == pytest.approx(0.1, abs=0.03)
    assert table.loc[0, "why"].startswith("cloud 0.1")
    assert set(stretches["reason"]) == {"", "cloud"}
    assert stretches.length.sum() == pytest.approx(300.0)


def test_the_reason_named_is_the_larger_one() -> None:
    stretches = observed_stretches(DUE, {"cloud": cloud(120), "no_image": cloud(60) & ~cloud(120)}, GRID)
    seen = stretches.assign(m=stretches.length).groupby("reason")["m"].sum()
    assert seen[Cause.CLOUD] > seen[Cause.NO_SCENE] > 30
    assert seen.sum() == pytest.approx(300.0)


METRES = st.floats(0.0, 5000.0, allow_nan=False)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["G311", "S253"]), st.sampled_from(["320322", ""])),
        st.dictionaries(st.sampled_from(["", *Cause]), METRES, min_size=1),
        min_size=1,
    ),
    st.floats(0.9, 1.1),
)
def test_parts_sum_to_what_is_due_to_the_metre(parts: dict, km_per_km: float) -> None:
    rows = [
        (route, county, "", km_per_km / 1000, str(cause), LineString([(0, 0), (metres, 0)]))
        for (route, county), causes in parts.items()
        for cause, metres in causes.items()
    ]
    table = coverage_table(gpd.GeoDataFrame(rows, columns=[*COLUMNS, "geometry"], geometry="geometry", crs=4548))
    metres = (1000 * table.drop(columns=["route_code", "county_code", "county_name", "why"])).round(6)
    assert (metres == metres.round()).all(axis=None), "kilometres are in whole metres"
    metres = metres.round().astype(int)
    assert (metres["km_observed"] + metres["km_unobserved"] == metres["km_due"]).all()
    assert (metres[[cause.column for cause in Cause]].sum(axis=1) == metres["km_unobserved"]).all()
    for row, place in enumerate(zip(table["route_code"], table["county_code"], strict=True)):
        true_m = {cause: metres * km_per_km for cause, metres in parts[place].items()}
        assert metres.loc[row, "km_due"] == round(sum(true_m.values()))
        assert metres.loc[row, "km_observed"] == pytest.approx(true_m.get("", 0.0), abs=1.0)
        for cause in Cause:
            assert metres.loc[row, cause.column] == pytest.approx(true_m.get(cause, 0.0), abs=1.0)


def test_what_no_stretch_accounts_for_is_never_left_out() -> None:
    stretches = observed_stretches(DUE.assign(geometry=[LineString([(50, 200), (250, 200)])]), {}, GRID)
    other = DUE.assign(route_code="S253")
    table = coverage_table(stretches, pd.concat([DUE, other], ignore_index=True)).set_index("route_code")
    assert table.loc["G311", ["km_due", "km_observed", "km_failed"]].tolist() == [0.3, 0.2, 0.1]
    assert table.loc["S253", ["km_due", "km_observed", "km_failed", "why"]].tolist() == [0.3, 0.0, 0.3, "failed 0.300"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ImageryError("a", "red", "cut off"), Cause.READ_FAILURE),
        (NetError("https://example.org", "the server answers 503", 503), Cause.READ_FAILURE),
        (ZeroDivisionError(), Cause.FAILED),
    ],
)
def test_images_that_cannot_be_read_are_told_from_other_faults(error: Exception, cause: Cause) -> None:
    stretches = lost_stretches(DUE, error)
    assert stretches["reason"].tolist() == [cause]
    assert by_cause(coverage_table(stretches))[cause] == 0.3


def test_a_cause_without_a_name_is_refused() -> None:
    with pytest.raises(KeyError, match="fog"):
        observed_stretches(DUE, {"fog": cloud(0)}, GRID)
