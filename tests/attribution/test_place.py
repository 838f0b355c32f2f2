from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, box

from pipeline.attribution.place import place
from pipeline.linref.reference import LinearReference
from pipeline.model.route import RouteCode
from pipeline.model.stake import Stake

from .conftest import frame, roads

LINES = [LineString([(0, 0), (2000, 0)]), LineString([(1000, -500), (1000, 500)])]


LINREF = LinearReference(roads(LINES, ["G311320322", "S253320322"], [10_000.0, 0.0]))


def test_stakes_side_and_offset(unharmed):
    found = frame([box(100, 20, 140, 30), box(500, -40, 520, -30), box(1008, 30, 1018, 40)])
    found = found.set_index(pd.Index([7, 3, 5]))
    section = pd.Series([0, 1], index=[5, 3])  # another order, one unknown
    result = unharmed(lambda shapes: place(shapes, LINREF, section.astype("float64")), found)
    assert result["stake"].tolist() == ["K10+120", "K0+465", "K11+013"]
    assert result["stake_from"].tolist() == ["K10+100", "K0+460", "K11+008"]
    assert result["stake_to"].tolist() == ["K10+140", "K0+470", "K11+018"]
    assert result["side"].tolist() == ["left", "left", "left"]
    np.testing.assert_allclose(result["offset_m"], [25, 490, 35])


def test_without_a_section_the_nearest_road_counts():
    found = frame([box(1008, 30, 1018, 40)])
    assert place(found, LINREF)["stake"].tolist() == ["K0+535"]
    assert place(found, LINREF)["side"].tolist() == ["right"]


def test_no_footprints_and_no_geometry():
    assert list(place(frame([]), LINREF).columns) == ["stake", "stake_m", "stake_from", "stake_to", "side", "offset_m"]
    assert place(frame([None]), LINREF).isna().all(axis=None)


@pytest.mark.real
def test_the_real_place(real):
    mine = roads(real["roads"].geometry, real["roads"]["LXBM"], [512_300.0, 40_000.0])
    stakes = real["stakes"]
    stakes = stakes.assign(
        route_key=stakes["LXBM"],
        route_code=[RouteCode.parse(code).sign for code in stakes["LXBM"]],
        stake_m=[Stake.parse(text).measure_m for text in stakes["ZH"]],
    )
    found = real["truth"]
    result = place(found, LinearReference(mine, stakes), section=pd.Series(0, index=found.index))
    post = stakes[stakes["ZH"] == "K512+500"].geometry.iloc[0]
    nearest = found.representative_point().distance(Point(post)).idxmin()
    metres = result["stake"].map(lambda text: Stake.parse(text).measure_m)
    assert abs(metres[nearest] - 512_500) <= found.distance(post)[nearest] + 40
    assert (metres >= result["stake_from"].map(lambda text: Stake.parse(text).measure_m) - 1).all()
    assert (metres <= result["stake_to"].map(lambda text: Stake.parse(text).measure_m) + 1).all()
    np.testing.assert_allclose(
        result["offset_m"], found.representative_point().distance(mine.geometry.iloc[0]), atol=1e-6
    )
