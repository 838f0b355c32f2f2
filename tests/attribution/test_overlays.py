from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon, box

from pipeline.attribution.assets import assets
from pipeline.attribution.counties import counties
from pipeline.attribution.exempt import exempt
from pipeline.attribution.permits import permits
from pipeline.errors import GeometryError

from .conftest import EPSG, frame, square

INDEX = ["b", "a", "c", "d"]
COUNTIES = frame([box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)], code=["320322", "320321"], name=["沛县", "丰县"])


def found(*shapes) -> gpd.GeoDataFrame:
    return frame(shapes).set_index(pd.Index(INDEX[: len(shapes)]))


def test_the_largest_share_wins_and_borders_are_told(unharmed):
    result = unharmed(counties, found(square(500, 500), square(993, 500), square(1200, 500), square(5000)), COUNTIES)
    assert result["county_code"].tolist() == ["320322", "320322", "320321", None]
    assert result["county_name"].tolist() == ["沛县", "沛县", "丰县", None]
    np.testing.assert_allclose(result["county_share"], [1, 0.7, 1, 0])
    assert result["near_border"].tolist() == [False, True, False, False]
    assert result["near_border"].dtype == bool


def test_an_even_split_goes_to_the_lower_code_whatever_the_order():
    split = found(square(995, 500))
    for layer in (COUNTIES, COUNTIES.iloc[::-1]):
        assert counties(split, layer)["county_code"].tolist() == ["320321"]


def test_a_county_in_parts_and_with_a_crossed_outline_counts_once():
    bowtie = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    layer = frame([bowtie, box(0, 10, 10, 20)], code=["1", "1"], name=["x", "x"])
    result = counties(found(square(0, 0), box(0, 0, 10, 20)), layer)
    np.testing.assert_allclose(result["county_share"], [0.5, 0.75])


def test_border_distance_is_an_option():
    near = found(square(900, 500))  # 90 m from the line
    assert counties(near, COUNTIES)["near_border"].tolist() == [True]
    assert counties(near, COUNTIES, border_m=89)["near_border"].tolist() == [False]


@settings(max_examples=25, deadline=None)
@given(st.floats(-50, 2050), st.floats(1, 60))
def test_county_shares_agree_with_overlay(x, size):
    """Parity with geopandas' own overlay."""
    one = frame([square(x, 400, size)])
    result = counties(one, COUNTIES).iloc[0]
    parts = gpd.overlay(one.assign(n=0), COUNTIES, how="intersection", keep_geom_type=True)
    share = parts.area.max() / size**2 if len(parts) else 0.0
    assert result["county_share"] == pytest.approx(share, abs=1e-6)


def test_layers_in_another_plane_are_refused():
    with pytest.raises(GeometryError, match="layer 'counties' is in"):
        counties(found(square(0)), COUNTIES.to_crs(4549))
    with pytest.raises(GeometryError, match="metric CRS first"):
        counties(found(square(0)).to_crs(4326), COUNTIES)
    with pytest.raises(GeometryError, match="no CRS"):
        assets(found(square(0)).set_crs(None, allow_override=True), COUNTIES)


def test_empty_tables_give_columns_without_rows_or_values():
    none, nobody = found(square(0)).iloc[:0], COUNTIES.iloc[:0]
    assert counties(none, COUNTIES).empty
    assert counties(found(square(0)), nobody)["county_code"].tolist() == [None]
    layer = frame([], number=[], valid_from=[], valid_to=[])
    assert permits(found(square(0)), layer, on=pd.Series(dtype=object))["permit_no"].tolist() == [None]
    assert exempt(found(square(0)), frame([], name=[]))["exempt"].tolist() == [False]
    assert assets(found(square(0)), frame([], kind=[], name=[]))["asset_kind"].tolist() == [None]


def test_lawful_structures_are_left_alone(unharmed):
    layer = frame(
        [square(0, 0, 20), Point(105, 5), square(200, 0, 20), square(300, 0, 20)],
        name=["收费站", None, "x", "路段"],
        reason=[None, "灌溉", "早于划定", None],
        number=[None] * 4,
        built_on=[None, None, dt.date(2015, 1, 1), None],
        designated_on=[None, None, dt.date(2011, 7, 1), dt.date(2011, 7, 1)],
    )
    shapes = found(square(2, 2), square(100), square(205, 2), box(12, 0, 32, 10))
    result = unharmed(exempt, shapes, layer)
    assert result["exempt"].tolist() == [True, True, False, False]
    assert result["exempt_note"].tolist() == ["lawful 收费站", "lawful 灌溉", "built_after 2011-07-01", "extended 60 %"]
    stretch = found(square(302, 2), square(304, 4))
    days = pd.Series(["2010-05-01", "2012-05-01"], index=stretch.index)
    dated = exempt(stretch, layer, on=days)
    assert dated["exempt"].tolist() == [True, False]
    assert dated["exempt_note"].tolist() == ["before 2011-07-01", None]
    assert not exempt(stretch, layer)["exempt"].any()


def test_an_exempt_layer_with_no_columns_but_places():
    assert exempt(found(square(0)), frame([square(0)]))["exempt_note"].tolist() == ["lawful"]


@pytest.mark.real
def test_the_real_place(real):
    truth = real["truth"]
    where = counties(truth, real["counties"].rename(columns={"XZQDM": "code", "XZQMC": "name"}))
    assert set(where["county_code"]) == {"320322", "320321"}
    assert (where["county_share"] > 0.5).all()
    layer = real["permits"].rename(columns={"XKZH": "number", "SX": "kind", "YXQQ": "valid_from", "YXQZ": "valid_to"})
    covered = permits(truth, layer, on=pd.Series("2017-10-20", index=truth.index))
    assert covered["permit_no"].notna().sum() == 1
    nearest = truth.distance(real["roads"].geometry.iloc[0])[truth.area > 1000].idxmin()
    assert covered["permit_note"][nearest] == "covered"
    late = permits(truth, layer, on=pd.Series("2019-01-01", index=truth.index))
    assert late["permit_note"][nearest] == "expired 2018-03-01"
    bridges = real["bridges"].rename(columns={"QLMC": "name"}).assign(kind="bridge")
    near = assets(truth, bridges, within_m=500)
    here = truth.distance(bridges.geometry.iloc[0])
    np.testing.assert_allclose(near["asset_distance_m"], here.where(here <= 500))


@pytest.mark.slow
def test_ten_thousand_footprints_take_seconds_not_minutes():
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 50_000, (10_000, 2))
    many = frame([square(x, y) for x, y in places])
    grid = [box(x, y, x + 5000, y + 5000) for x in range(0, 50_000, 5000) for y in range(0, 50_000, 5000)]
    layer = frame(grid, code=[f"{n:06d}" for n in range(100)], name=[str(n) for n in range(100)])
    assert counties(many, layer)["county_code"].notna().all()
    assert many.crs.to_epsg() == EPSG


def test_reasons_of_another_province_exempt_nothing_here():
    layer = frame(
        [square(0, 0, 20), square(100, 0, 20)],
        name=["泵站", "老泵站"],
        reason=["必要的农田水利设施", "农田水利设施"],
        built_on=[None, dt.date(1990, 1, 1)],
        designated_on=[None, dt.date(2011, 7, 1)],
    )
    shapes = found(square(2, 2), square(102, 2))
    assert exempt(shapes, layer)["exempt"].tolist() == [True, True]
    elsewhere = exempt(shapes, layer, elsewhere=("农田水利",))
    assert elsewhere["exempt"].tolist() == [False, True]  # older than the designation is lawful everywhere
    assert elsewhere["exempt_note"].tolist() == ["not_here 必要的农田水利设施", "lawful 农田水利设施"]
