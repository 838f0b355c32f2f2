"""Corridor, zones, tiles, stakes and membership without a configuration: what a run has, on the frames' own index."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from pandas.testing import assert_series_equal

import pipeline as luyu
from pipeline.config import RunConfig
from pipeline.errors import LuyuError
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import corridor as room_corridor
from pipeline.model.shipped import shipped
from pipeline.model.tables import ZONES
from pipeline.run.plan import make_plan


@pytest.fixture(scope="module")
def plan(world, tmp_path_factory):
    return make_plan(RunConfig.load(world / "run.yaml", [f"output={tmp_path_factory.mktemp('library')}"]))


@pytest.fixture(scope="module")
def roads(plan) -> gpd.GeoDataFrame:
    return plan.layers.roads


def plain(count: int = 3, crs: int = 4548) -> gpd.GeoDataFrame:
    lines = [shapely.LineString([(520_000, 3_800_000 + 500 * n), (520_600, 3_800_040 + 500 * n)]) for n in range(count)]
    names = {"route_code": ["G311", "S253", "X201320322"][:count]}
    return gpd.GeoDataFrame(names, geometry=lines, crs=4548, index=list("abc")[:count]).to_crs(crs)


def test_a_corridor_is_a_row_a_road_on_its_index() -> None:
    roads = plain()
    found = luyu.corridor(roads, 40.0)
    assert list(found.index) == ["a", "b", "c"]
    assert found.crs == roads.crs
    assert found["half_width_m"].tolist() == [40.0] * 3
    np.testing.assert_allclose(found.area, 80.0 * roads.length, rtol=1e-4)


def test_where_the_law_decides_it_is_the_room_s_corridor(roads) -> None:
    rules = LegalRules.load()
    mine = luyu.corridor(roads).union_all()
    theirs = room_corridor(roads, rules)
    assert mine.symmetric_difference(theirs).area < 1.0
    wide = luyu.corridor(roads).area
    assert (luyu.corridor(roads, margin_m=10.0).area < wide).all()


def test_degrees_come_back_as_degrees_and_are_the_same_ground() -> None:
    metric, degrees = luyu.zones(plain()), luyu.zones(plain(crs=4490))
    assert degrees.crs.to_epsg() == 4490
    assert degrees["zone"].tolist() == metric["zone"].tolist()
    np.testing.assert_allclose(degrees.to_crs(4548).area, metric.area, rtol=1e-3)


def test_zones_are_those_of_the_run(plan, roads) -> None:
    layers = plan.layers
    found = luyu.zones(
        roads, shipped("legal") / "china.yaml", stakes=layers.stakes, counties=layers.counties, announced=layers.announced
    )  # fmt: skip
    ZONES.check(found)
    keys = ["route_code", "section", "side", "zone", "basis"]
    mine, theirs = (table.assign(m2=table.area).groupby(keys)["m2"].sum() for table in (found, plan.zones))
    assert_series_equal(mine, theirs, rtol=1e-4)


def test_the_section_is_the_row_s_label() -> None:
    found = luyu.zones(plain())
    by_road = found.groupby("section")["route_code"].first()
    assert by_road.to_dict() == {"a": "G311", "b": "S253", "c": "X201"}


def test_tiles_are_those_of_the_run(plan) -> None:
    whole = gpd.GeoDataFrame(geometry=[plan.corridor], crs=plan.layers.epsg)
    imagery, tile = plan.config.imagery, plan.tiles[0]
    halo_m = tile.halo_px * tile.grid.pixel_m
    found = luyu.tiles(whole, imagery.resolution_m, tile_px=imagery.tile_px, halo_m=halo_m, along=plan.ground.due)
    assert list(found.index) == [one.tile_id for one in plan.tiles]
    assert found["window"].tolist() == [one.grid.footprint for one in plan.tiles]
    assert found.area.sum() == pytest.approx(plan.corridor.area)


def test_findings_are_located_and_judged_as_the_run_did(finished, plan, roads) -> None:
    findings = finished.findings.set_index("finding_id")
    placed = luyu.locate(findings, roads, plan.layers.stakes)
    assert list(placed.index) == list(findings.index)
    for name in ("stake", "side", "stake_from", "stake_to"):
        assert placed[name].tolist() == findings[name].tolist()
    np.testing.assert_allclose(placed["offset_m"], findings["offset_m"], atol=0.01)
    judged = luyu.judge(findings, plan.zones, probability=plan.config.decisions.probability, rules=plan.rules)
    for name in ("zone", "membership", "zone_basis"):
        assert judged[name].tolist() == findings[name].tolist()
    np.testing.assert_allclose(judged["zone_probability"], findings["zone_probability"], atol=1e-3)


def test_points_have_no_span_and_what_has_no_geometry_no_place() -> None:
    points = gpd.GeoSeries([shapely.Point(520_100, 3_800_020), None], index=["p", "q"], crs=4548)
    told = luyu.locate(points, plain())
    assert told.loc["p", "route_code"] == "G311"
    assert told.loc["p", "section"] == "a"
    assert pd.isna(told.loc["p", "stake_from"])
    assert told.loc["q", "section"] == -1
    assert pd.isna(told.loc["q", "stake"])


@pytest.mark.parametrize("code", ["G311", "G311320322"])
def test_posts_by_sign_or_key_and_stakes_as_text(code) -> None:
    roads = plain(1).assign(route_code="G311320322")
    ends = shapely.get_coordinates(roads.geometry.iloc[0])
    posts = gpd.GeoDataFrame(
        {"route_code": code, "stake": ["K10+000", "K10+600"]}, geometry=shapely.points(ends), crs=4548
    )
    told = luyu.locate(
        gpd.GeoSeries([roads.geometry.iloc[0].interpolate(0.5, normalized=True)], crs=4548), roads, posts
    )
    assert told["stake"].tolist() == ["K10+300"]


def test_frames_stay_as_they_were() -> None:
    roads, things = plain(crs=4490), gpd.GeoDataFrame(
        {"kind": ["building"]}, geometry=[shapely.box(520_050, 3_800_020, 520_060, 3_800_030)], crs=4548
    )  # fmt: skip
    roads_then, things_then = roads.copy(), things.copy()
    bands = luyu.zones(roads)
    luyu.corridor(roads)
    luyu.locate(things, roads)
    luyu.judge(things, bands, 1.0)
    assert_geodataframe_equal(roads, roads_then)
    assert_geodataframe_equal(things, things_then)


NOWHERE = plain().set_crs(None, allow_override=True)
POINTS = plain().set_geometry(plain().centroid)
SHED = gpd.GeoDataFrame(geometry=[shapely.box(520_050, 3_800_020, 520_060, 3_800_030)], crs=4548)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: luyu.corridor(NOWHERE, 50.0), r"roads have no CRS.*set_crs\('EPSG:4490'\)"),
        (lambda: luyu.corridor(plain().drop(columns="geometry"), 50.0), "a GeoDataFrame is needed, got"),
        (lambda: luyu.corridor(plain(), -1.0), "half_width_m is -1.0; give metres"),
        (lambda: luyu.corridor(POINTS, 50.0), r"type \['Point'\]; centrelines \(LineString\) are needed"),
        (lambda: luyu.zones(plain().iloc[:0]), "roads hold no line"),
        (lambda: luyu.zones(plain().rename(columns={"route_code": "LXBM"})), r"columns=\{'LXBM': 'route_code'\}"),
        (lambda: luyu.zones(plain().assign(route_code="?")), "not a route code: '.'; .* or give a column 'road_class'"),
        (lambda: luyu.zones(plain(), "no-such.yaml"), "no-such.yaml"),
        (lambda: luyu.tiles(plain()), r"ground has no area; corridor\(roads\) gives"),
        (lambda: luyu.tiles(SHED, 0.0), "pixel_m is 0.0; give the side of a pixel"),
        (lambda: luyu.locate(SHED, plain(), POINTS.drop(columns="route_code")), r"stakes lack 'stake_m' \(metres\) or"),
        (lambda: luyu.judge(SHED, luyu.zones(plain())), "sigma_m: say how many metres off"),
        (
            lambda: luyu.judge(SHED.set_geometry(SHED.centroid), luyu.zones(plain()), 1.0),
            "only areas reach into a zone",
        ),
        (lambda: luyu.judge(SHED, luyu.zones(plain()), 1.0, probability=0.3), "between 0.5 and 1"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_remedy(call, match) -> None:
    with pytest.raises(LuyuError, match=match):
        call()
