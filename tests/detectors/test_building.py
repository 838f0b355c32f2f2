"""From two dates to suspected buildings: objects, evidence, confidence; on drawn scenes with a network made by hand."""

from __future__ import annotations

import datetime as dt
import json

import cv2
import geopandas as gpd
import numpy as np
import onnx_models
import pytest
import shapely
import xarray as xr
from onnx import helper

from pipeline.detectors import cues, registry
from pipeline.detectors.base import View
from pipeline.detectors.building import Building, BuildingOptions
from pipeline.detectors.comparison import compare
from pipeline.detectors.confidence import Confidence, shipped_confidence
from pipeline.detectors.footprint import drawn_like_a_building, share_on_border, trace
from pipeline.detectors.from_probability import labelled
from pipeline.errors import ConfigError
from pipeline.model.grid import Grid
from pipeline.networks.shipped import building_network

WEST, NORTH = 520_000.0, 3_800_000.0
HOUSE = (90, 110, 60, 100)  # row, col, height, width in pixels of 0.5 m


def dataset(rgb):
    names = ("red", "green", "blue")
    return xr.Dataset({n: (("y", "x"), np.ascontiguousarray(rgb[..., k], np.float32)) for k, n in enumerate(names)})


def view(before, after, pixel_m=0.5, **more):
    shape = after.shape[:2]
    zones = {n: np.full(shape, n == "corridor") for n in ("pavement", "highway_land", "control_zone", "corridor")}
    day = dt.date(2017, 10, 20)
    grid = Grid(4548, WEST, NORTH, pixel_m, *shape)
    return View(grid, dataset(before), dataset(after), zones, gpd.GeoDataFrame(geometry=[], crs=4548), day, day, **more)


def meadow(seed=3, size=256):
    random = np.random.default_rng(seed)
    fine, wide = (cv2.GaussianBlur(random.normal(0, 1, (size, size)).astype(np.float32), (0, 0), s) for s in (0.8, 8.0))
    light = 0.3 + 0.05 * fine / fine.std() + 0.03 * wide / wide.std()
    return np.clip(np.dstack([light, light * 1.08, light * 0.75]), 0, 1)


def built(ground, row, col, height, width, shadow=10):
    """A flat bright roof whose shadow falls to the north-east."""
    out = ground.copy()
    out[row - shadow : row + height - shadow, col + shadow : col + width + shadow] *= (0.30, 0.33, 0.42)
    out[row : row + height, col : col + width] = 0.85
    out[row : row + height, col : col + width] += np.random.default_rng(0).normal(0, 0.008, (height, width, 1))
    return cv2.GaussianBlur(out.astype(np.float32), (0, 0), 0.6)


def house_polygon():
    row, col, height, width = HOUSE
    x, y = WEST + col / 2, NORTH - row / 2
    return shapely.box(x, y - height / 2, x + width / 2, y)


def iou(one, two):
    return one.intersection(two).area / one.union(two).area


@pytest.fixture(scope="module")
def white_roofs(tmp_path_factory):
    """A network of the building network's form that knows one thing: roofs are brighter than 0.6."""
    nodes = [
        *(
            node
            for date in ("before", "after")
            for node in (
                helper.make_node("Conv", [date, "w"], [f"{date}_mean"]),
                helper.make_node("Sub", [f"{date}_mean", "least"], [f"{date}_above"]),
                helper.make_node("Mul", [f"{date}_above", "steep"], [f"{date}_steep"]),
                helper.make_node("Sigmoid", [f"{date}_steep"], [f"{date}_roof"]),
                helper.make_node("Sub", ["one", f"{date}_roof"], [f"{date}_none"]),
            )
        ),
        helper.make_node("Mul", ["after_roof", "before_none"], ["new"]),
        helper.make_node("Mul", ["before_roof", "after_none"], ["lost"]),
        helper.make_node("Concat", ["new", "lost", "before_roof", "after_roof"], ["probability"], axis=1),
    ]
    weights = {
        "w": onnx_models.mean_kernel(3, 1),
        **{n: np.array(v, np.float32) for n, v in (("least", 0.6), ("steep", 40), ("one", 1))},
    }
    return onnx_models.save(tmp_path_factory.mktemp("network") / "white.onnx", nodes, weights=weights)


@pytest.fixture(scope="module")
def find(white_roofs):
    return Building(BuildingOptions(model=white_roofs, min_confidence=0))


@pytest.fixture(scope="module")
def scene():
    ground = meadow()
    other_day = np.clip(meadow() + np.random.default_rng(8).normal(0, 0.01, ground.shape), 0, 1).astype(np.float32)
    return other_day, built(ground, *HOUSE)


def test_it_is_filed_and_keeps_the_contract(find, scene):
    assert registry.known()["building"] is Building
    table = find(view(*scene))
    assert list(table.columns) == ["kind", "confidence", "evidence", "geometry"]
    assert table.crs.to_epsg() == 4548
    assert (table.kind == "building").all()
    assert table.confidence.between(0, 1).all()
    assert table.geometry.is_valid.all()


def test_a_new_roof_is_found_where_it_stands(find, scene):
    table = find(view(*scene))
    assert len(table) == 1
    assert iou(table.geometry[0], house_polygon()) > 0.9


def test_a_vanished_roof_is_a_demolition_at_the_same_place(find, scene):
    before, after = scene
    came, went = find(view(before, after)), find(view(after, before))
    assert went["kind"].tolist() == ["demolition"]
    assert iou(went.geometry[0], came.geometry[0]) > 0.95
    assert went["confidence"][0] == pytest.approx(came["confidence"][0], abs=0.1)


def test_evidence_says_what_the_eye_sees(find, scene):
    told = json.loads(find(view(*scene))["evidence"][0])
    assert told["new"] > 0.9
    assert told["before"] < 0.1 < 0.9 < told["after"]
    assert told["greener"] < 0  # plants went
    assert told["edge"] > told["edge_before"]
    assert told["rough"] < told["rough_before"]
    assert told["rectangle"] > 0.9
    assert told["contrast"] > 0.3
    assert told["size"] == pytest.approx(np.log(60 * 100 / 4 / 100), abs=0.1)


@pytest.mark.parametrize(("azimuth_deg", "falls_there"), [(225, True), (45, False)])
def test_a_shadow_speaks_only_on_the_side_away_from_the_sun(find, scene, azimuth_deg, falls_there):
    told = json.loads(find(view(*scene, sun_azimuth_deg=azimuth_deg))["evidence"][0])
    assert (told["shade"] > 0.4) is falls_there
    unknown = json.loads(find(view(*scene))["evidence"][0])
    assert unknown["shade"] > 0.4


def test_what_throws_no_shadow_is_no_sure_building_where_the_sun_is_known(white_roofs):
    sure = Building(BuildingOptions(model=white_roofs, min_confidence=0, flat_confidence=0.2))
    before, flat = meadow(), built(meadow(), *HOUSE, shadow=0)
    assert sure(view(before, flat, sun_azimuth_deg=225, sun_elevation_deg=40))["confidence"][0] == 0.2
    assert sure(view(before, flat))["confidence"][0] > 0.2
    assert sure(view(before, flat, sun_azimuth_deg=225, sun_elevation_deg=80))["confidence"][0] > 0.2
    tall = built(meadow(), *HOUSE)
    assert sure(view(before, tall, sun_azimuth_deg=225, sun_elevation_deg=40))["confidence"][0] > 0.2


@pytest.mark.parametrize("which", [0, 1])
def test_identical_images_have_nothing_new(find, scene, which):
    assert find(view(scene[which], scene[which])).empty


def test_the_same_view_gives_the_same_table(find, scene):
    first, second = (find(view(*scene)) for _ in range(2))
    assert first.equals(second)


def test_where_nothing_was_seen_nothing_is_found(find, scene):
    before, after = (image.copy() for image in scene)
    row, col, height, width = HOUSE
    before[row - 20 : row + height + 20, col - 20 : col + width + 30] = np.nan
    assert find(view(before, after)).empty
    assert find(view(np.full_like(after, np.nan), after)).empty


def test_a_hole_elsewhere_does_not_matter(find, scene):
    before, after = (image.copy() for image in scene)
    after[200:] = np.nan
    table = find(view(before, after))
    assert len(table) == 1
    assert iou(table.geometry[0], house_polygon()) > 0.9


def test_finer_pixels_give_the_same_building_in_the_same_place(find, scene):
    finer = [cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR) for image in scene]
    table = find(view(*finer, pixel_m=0.25))
    assert len(table) == 1
    assert iou(table.geometry[0], house_polygon()) > 0.9


def test_pixels_too_coarse_are_refused_with_a_remedy(find, scene):
    with pytest.raises(ConfigError, match=r"1\.5 m.*resolution_m is 3.*finer imagery"):
        find(view(*scene, pixel_m=3.0))


def test_what_stands_on_the_carriageway_is_no_building(find, scene):
    seen = view(*scene)
    seen.zones["pavement"][:] = True
    assert find(seen).empty


def test_a_roof_cut_by_the_window_is_still_an_object(find, scene):
    before, after = (image[:, 150:] for image in scene)  # leaves 60 of the roof's 100 columns
    table = find(view(before, after))
    row, col, height, width = HOUSE
    x, y = WEST, NORTH - row / 2
    left = shapely.box(x, y - height / 2, x + (col + width - 150) / 2, y)
    assert len(table) == 1
    assert iou(table.geometry[0], left) > 0.9
    assert json.loads(table["evidence"][0])["cut"] > 0.15


def test_the_smallest_roof_depends_on_the_pixels(white_roofs):
    before = meadow()
    after = built(before, 100, 100, 10, 10, shadow=0)  # 25 m2 at 0.5 m, 100 pixels
    small = Building(BuildingOptions(model=white_roofs, min_confidence=0, min_area_m2=4))
    assert len(small(view(before, after))) == 1
    coarse = [cv2.resize(i, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA) for i in (before, after)]
    assert small(view(*coarse, pixel_m=0.5 / 0.35)).empty  # 12 pixels are no shape


def test_another_network_must_have_the_same_channels(tmp_path):
    with pytest.raises(ConfigError, match=r"4 channels new, lost, before, after.*use: network"):
        building_network(onnx_models.brighter(tmp_path / "one.onnx"))


def test_files_that_are_not_there_are_refused_before_any_pixel(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.onnx: no such file"):
        Building(BuildingOptions(model=tmp_path / "none.onnx"))
    with pytest.raises(ConfigError, match=r"none\.json: no weights"):
        Building(BuildingOptions(confidence=tmp_path / "none.json"))


# --- parts


def roofs(*boxes, size=(80, 120), value=0.9):
    out = np.zeros(size, np.float32)
    for top, left, height, width in boxes:
        out[top : top + height, left : left + width] = value
    return out


def test_touching_roofs_become_two():
    p = np.maximum(roofs((10, 10, 30, 30), (10, 44, 30, 30)), roofs((20, 40, 10, 4), value=0.6))
    labels = labelled(p, high=0.5, low=0.4, min_area_px=20)
    assert labels.max() == 2
    assert labels[20, 20] != labels[20, 60]


def test_an_l_stays_one():
    p = roofs((10, 10, 50, 20), (40, 10, 20, 70))
    assert labelled(p, high=0.5, low=0.4, min_area_px=20).max() == 1


def test_hysteresis_keeps_a_weak_part_of_a_sure_roof_and_no_weak_roof():
    p = np.maximum(roofs((10, 10, 20, 20)), roofs((10, 30, 20, 20), (50, 60, 20, 20), value=0.45))
    labels = labelled(p, high=0.5, low=0.4, min_area_px=20)
    assert labels.max() == 1
    assert (labels > 0).sum() == pytest.approx(800, rel=0.1)  # corners of a weak part are lost to smoothing


def test_what_is_too_small_or_unseen_is_no_object():
    p = roofs((10, 10, 4, 4), (40, 40, 10, 10))
    p[40:50, 40:50] = np.nan
    assert labelled(p, high=0.5, low=0.4, min_area_px=20).max() == 0


def test_a_skylight_does_not_part_a_roof():
    p = roofs((10, 10, 40, 60))
    p[28:31, 38:41] = 0.1
    assert labelled(p, high=0.5, low=0.4, min_area_px=40).max() == 1


def test_likeness_is_one_for_a_copy_in_another_exposure(scene):
    after = cues.bands(dataset(scene[1]))
    darker = {name: band * np.float32(0.7) + np.float32(0.02) for name, band in after.items()}
    assert compare(darker, after, 0.5).likeness.min() > 0.9


def test_weights_survive_the_file(tmp_path):
    one = shipped_confidence()
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(one.to_dict()), encoding="utf-8")
    again = Confidence.load(path)
    assert again.names == one.names
    assert np.array_equal(again.weights, one.weights)


def test_terms_and_bias_are_the_log_odds():
    one = shipped_confidence()
    usual = dict(zip(one.names, one.mean.tolist(), strict=True))
    assert one.probability(usual) == pytest.approx(1 / (1 + np.exp(-one.bias)), abs=1e-6)
    surer = usual | {"new": usual["new"] + one.scale[one.names.index("new")]}
    assert one.terms(surer)["new"] == pytest.approx(one.weights[one.names.index("new")])


def test_a_file_that_is_no_weights_is_refused(tmp_path):
    path = tmp_path / "w.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"w\.json.*no weights.*leave 'confidence' out"):
        Confidence.load(path)


def test_trace_cuts_off_what_is_thin_closes_vents_and_keeps_courtyards():
    mask = np.zeros((120, 160), bool)
    mask[20:100, 20:100] = True
    mask[40:44, 40:44] = False  # a vent of 4 m2
    mask[60:80, 50:80] = False  # a courtyard of 150 m2
    mask[50:52, 100:150] = True  # a wall 1 m wide
    shape = trace(mask, Grid(4548, WEST, NORTH, 0.5, *mask.shape), open_m=2, fill_hole_m2=40, min_area_m2=20)
    assert len(shape.interiors) == 1
    assert shape.bounds[2] <= WEST + 51
    assert shape.area == pytest.approx(1600 - 150, rel=0.02)
    assert trace(mask, Grid(4548, WEST, NORTH, 0.5, *mask.shape), open_m=2, fill_hole_m2=40, min_area_m2=5000) is None


def test_of_nothing_there_is_no_outline():
    nothing = np.zeros((20, 20), bool)
    assert trace(nothing, Grid(4548, WEST, NORTH, 0.5, 20, 20), open_m=2, fill_hole_m2=40, min_area_m2=20) is None


def test_a_rectangle_is_drawn_like_a_building_and_a_blot_is_not():
    turned = shapely.affinity.rotate(shapely.box(0, 0, 30, 12), 33)
    house = drawn_like_a_building(turned)
    assert house["rectangle"] == pytest.approx(1)
    assert house["right_angled"] == pytest.approx(1)
    assert house["corners"] == 4
    blot = drawn_like_a_building(shapely.Point(0, 0).buffer(10))
    assert blot["right_angled"] < 0.3
    assert blot["rectangle"] < 0.8


def test_share_on_border():
    grid = Grid(4548, 0.0, 100.0, 0.5, 200, 200)
    assert share_on_border(shapely.box(10, 10, 20, 20), grid) == 0
    assert share_on_border(shapely.box(0, 10, 10, 20), grid) == pytest.approx(0.25)
