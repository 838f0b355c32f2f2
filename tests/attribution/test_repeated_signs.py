"""Signs of rural roads repeat in every county; a register that holds the whole key says which road is meant."""

import geopandas as gpd
import pytest
from shapely import LineString

from pipeline.attribution.along import alongside
from pipeline.attribution.assets import placed_assets
from pipeline.linref.reference import LinearReference

CRS = 4548
NAN = float("nan")


def road(key, y):
    return {
        "route_code": "X201", "route_key": key, "name": None, "road_class": "X", "tech_class": 4.0, "pavement_width_m": NAN,
        "roadbed_width_m": NAN, "stake_from_m": 0.0, "stake_to_m": 1000.0, "geometry": LineString([(0, y), (1000, y)]),
    }  # fmt: skip


@pytest.fixture
def linref():
    return LinearReference(gpd.GeoDataFrame([road("X201320321", 0), road("X201320322", 5000)], crs=CRS))


@pytest.mark.parametrize(
    ("key", "y"), [("X201320321", 0), ("X201320322", 5000), ("X201", None), (None, None), ("X201990000", None)]
)
def test_the_key_decides_and_a_mere_sign_is_told(linref, key, y):
    stretch = {"route_code": "X201", "route_key": key, "stake_m": 400.0, "stake_from_m": 400.0, "stake_to_m": 500.0}
    row = gpd.GeoDataFrame([{**stretch, "kind": "culvert", "name": "涵", "number": "1"}], geometry=[None], crs=CRS)
    placed, problems = placed_assets(row.drop(columns=["stake_from_m", "stake_to_m"]), linref)
    doubt = [] if y is not None else ["say X201, as 2 roads are called"]
    assert [said in problem for said, problem in zip(doubt, problems, strict=True)] == [True] * len(doubt)
    assert (placed.geometry.iloc[0].x, placed.geometry.iloc[0].y) == pytest.approx(
        (400, y or 0)
    )  # of several the first
    ground, problems = alongside(row.drop(columns="stake_m"), linref, 20.0)
    assert len(problems) == len(doubt)
    low, high = (y, y) if y is not None else (0, 5000)  # a stretch holds along both
    assert ground.geometry.iloc[0].bounds == pytest.approx((400, low - 20, 500, high + 20))


def test_a_national_road_is_one_road_whatever_county_its_sections_name():
    table = gpd.GeoDataFrame([road("X201320321", 0), road("X201320322", 0)], crs=CRS)
    table["geometry"] = [LineString([(0, 0), (1000, 0)]), LineString([(1000, 0), (2000, 0)])]
    table = table.assign(
        route_code="G311", route_key=["G311320321", "G311320322"], road_class="G",
        stake_from_m=[0.0, 1000.0], stake_to_m=[1000.0, 2000.0],
    )  # fmt: skip
    row = {"kind": "culvert", "name": "涵", "route_code": "G311", "stake_m": 1400.0}
    placed, problems = placed_assets(gpd.GeoDataFrame([row], geometry=[None], crs=CRS), LinearReference(table))
    assert placed.geometry.iloc[0].coords[0] == pytest.approx((1400, 0))
    assert problems == ()
