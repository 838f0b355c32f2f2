from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from shapely import LineString, Point, box

from pipeline.attribution.facilities import FacilityOptions, facilities, own_facilities

from .conftest import frame, square

ASSETS = frame(
    [
        box(0, 0, 100, 100),
        Point(1000, 0),
        LineString([(2000, 0), (2100, 0)]),
        Point(3000, 0),
        None,
        box(4000, 0, 4100, 100),
    ],
    kind=["toll_station", "service_area", "depot", "sign", "toll_station", "toll_station"],
    name=["沛县收费站", "沛县服务区", None, "F1", "没有位置", "按桩号"],
    by_stake=[False, False, False, False, False, True],
)


def test_premises_are_drawn_or_a_radius():
    own = own_facilities(ASSETS)
    assert own["name"].tolist() == ["沛县收费站", "沛县服务区", None, "按桩号"]
    assert own["basis"].tolist() == ["polygon", "radius", "radius", "radius"]
    assert own.geometry.iloc[0].equals(box(0, 0, 100, 100))
    np.testing.assert_allclose(own.area.iloc[1:3], [np.pi * 200**2, np.pi * 60**2 + 100 * 120], rtol=0.01)
    assert own.area.iloc[3] > 100 * 100  # a polygon made of stakes is widened like any other guess


def test_only_what_is_drawn_exempts(unharmed):
    found = frame([square(10, 10), box(95, 0, 105, 10), square(1000, 150), square(1000, 195, 20), square(3000, 0)])
    result = unharmed(facilities, found, own_facilities(ASSETS))
    assert result["facility"].tolist() == ["沛县收费站", None, None, None, None]
    assert result["facility_near"].tolist() == [None, None, "沛县服务区", None, None]


@pytest.mark.parametrize("flag", [True, np.True_, 1.0, 1])
def test_what_was_placed_by_stake_is_a_guess_however_the_flag_is_kept(flag):
    assets = ASSETS.iloc[5:].assign(by_stake=pd.Series([flag], index=[5], dtype=object))
    assert own_facilities(assets)["basis"].tolist() == ["radius"]
    assert own_facilities(assets.assign(by_stake=None))["basis"].tolist() == ["polygon"]


def test_a_facility_without_a_name_goes_by_its_kind():
    found = frame([square(2050, 0)])
    assert facilities(found, own_facilities(ASSETS))["facility_near"].tolist() == ["depot"]


def test_cover_and_radius_are_options():
    half = frame([box(95, 0, 105, 10)])
    assert facilities(half, own_facilities(ASSETS), FacilityOptions(min_cover=0.5))["facility"].tolist() == [
        "沛县收费站"
    ]
    options = FacilityOptions(radius_m={"sign": 30.0})
    assert own_facilities(ASSETS, options)["name"].tolist() == ["F1"]
    with pytest.raises(ValidationError):
        FacilityOptions(min_cover=0.0)


def test_no_assets_no_facilities():
    own = own_facilities(frame([], kind=[], name=[]))
    assert facilities(frame([square(0)]), own).iloc[0].tolist() == [None, None]
    assert own_facilities(ASSETS.drop(columns=["by_stake", "name"]))["name"].tolist() == [None] * 4
