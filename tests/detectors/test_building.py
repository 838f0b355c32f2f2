"""New buildings are found where they are, and nothing is where nothing was built."""

from __future__ import annotations

import datetime as dt
import json

import cv2
import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr

from pipeline.detectors import cues, registry
from pipeline.detectors.base import View
from pipeline.detectors.building import Building, BuildingOptions
from pipeline.detectors.comparison import compare
from pipeline.detectors.footprint import drawn_like_a_building, share_on_border, trace
from pipeline.detectors.ranking import Ranking, columns, shipped_rankings
from pipeline.detectors.roof import shadow_direction, shadow_from_sun
from pipeline.errors import ConfigError
from pipeline.model.grid import Grid
from pipeline.prepare.radiometry import match
from pipeline.prepare.register import register

WEST, NORTH = 520_000.0, 3_800_000.0


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


HOUSE = (90, 110, 60, 100)  # row, col, height, width in pixels of 0.5 m


def house_polygon():
    row, col, height, width = HOUSE
    x, y = WEST + col / 2, NORTH - row / 2
    return shapely.box(x, y - height / 2, x + width / 2, y)


def iou(one, two):
    return one.intersection(two).area / one.union(two).area


@pytest.fixture(scope="module")
def scene():
    ground = meadow()
    other_day = np.clip(meadow() + np.random.default_rng(8).normal(0, 0.01, ground.shape), 0, 1).astype(np.float32)
    return other_day, built(ground, *HOUSE)


def test_it_is_filed_and_keeps_the_contract(scene):
    assert registry.known()["building"] is Building
    table = Building()(view(*scene))
    assert list(table.columns) == ["kind", "confidence", "evidence", "geometry"]
    assert table.crs.to_epsg() == 4548
    assert (table.kind == "building").all()
    assert table.confidence.between(0.5, 1).all()
    assert table.geometry.is_valid.all()
    assert {"green_before", "edge_before", "edge", "shade", "rectangle", "likeness"} <= set(
        json.loads(table.evidence[0])
    )


def test_a_new_roof_is_found_where_it_stands(scene):
    table = Building()(view(*scene))
    assert len(table) == 1
    assert iou(table.geometry[0], house_polygon()) > 0.8


def test_a_vanished_roof_is_not_new(scene):
    before, after = scene
    assert Building()(view(after, before)).empty


@pytest.mark.parametrize("which", [0, 1])
def test_identical_images_have_nothing_new(scene, which):
    low = Building(BuildingOptions(min_confidence=0.05))
    assert low(view(scene[which], scene[which])).empty


def test_the_same_view_gives_the_same_table(scene):
    first, second = (Building()(view(*scene)) for _ in range(2))
    assert first.equals(second)


def test_where_nothing_was_seen_nothing_is_found(scene):
    before, after = (image.copy() for image in scene)
    row, col, height, width = HOUSE
    before[row - 20 : row + height + 20, col - 20 : col + width + 30] = np.nan
    assert Building()(view(before, after)).empty
    assert Building()(view(np.full_like(after, np.nan), after)).empty


def test_a_hole_elsewhere_does_not_matter(scene):
    before, after = (image.copy() for image in scene)
    after[200:] = np.nan
    table = Building()(view(before, after))
    assert len(table) == 1
    assert iou(table.geometry[0], house_polygon()) > 0.8


def test_finer_pixels_give_the_same_building_in_the_same_place(scene):
    finer = [cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR) for image in scene]
    table = Building()(view(*finer, pixel_m=0.25))
    assert len(table) == 1
    assert iou(table.geometry[0], house_polygon()) > 0.8


def test_pixels_too_coarse_are_refused_with_a_remedy(scene):
    with pytest.raises(ConfigError, match=r"1\.5 m.*resolution_m is 3.*finer imagery"):
        Building()(view(*scene, pixel_m=3.0))


def test_what_stands_on_the_carriageway_is_no_building(scene):
    seen = view(*scene)
    seen.zones["pavement"][:] = True
    assert Building()(seen).empty


def test_a_roof_cut_by_the_window_is_still_an_object(scene):
    before, after = (image[:, 150:] for image in scene)  # leaves 60 of the roof's 100 columns
    table = Building(BuildingOptions(min_confidence=0.3))(view(before, after))
    row, col, height, width = HOUSE
    x, y = WEST, NORTH - row / 2
    left = shapely.box(x, y - height / 2, x + (col + width - 150) / 2, y)
    assert len(table) == 1
    assert iou(table.geometry[0], left) > 0.8


@pytest.mark.parametrize(("azimuth_deg", "away"), [(180, (0, -1)), (90, (-1, 0)), (135, (-(0.5**0.5), -(0.5**0.5)))])
def test_shadows_fall_away_from_the_sun(azimuth_deg, away):
    assert shadow_from_sun(azimuth_deg) == pytest.approx(away, abs=1e-12)


def test_shadow_direction_is_the_darker_side():
    sides = {name: np.array([10.0]) for name in ("east", "west", "south", "north")}
    dark = {"east_dark": [9.0], "west_dark": [0.0], "south_dark": [0.0], "north_dark": [9.0]}
    found = shadow_direction(sides | {n: np.array(v) for n, v in dark.items()}, np.array([1.0]))
    assert found == pytest.approx((0.5**0.5, -(0.5**0.5)))


def test_likeness_is_one_for_a_copy_in_another_exposure(scene):
    after = cues.bands(dataset(scene[1]))
    darker = {name: band * np.float32(0.7) + np.float32(0.02) for name, band in after.items()}
    assert compare(darker, after, 0.5).likeness.min() > 0.9


def test_rankings_survive_the_file():
    for ranking in shipped_rankings():
        again = Ranking.from_dict(json.loads(json.dumps(ranking.to_dict())))
        assert again.names == ranking.names
        assert np.array_equal(again.weights, ranking.weights)


def test_terms_and_bias_are_the_log_odds():
    ranking = shipped_rankings()[1]
    table = {
        name: np.array([ranking.mean[k], ranking.mean[k] + ranking.scale[k]]) for k, name in enumerate(ranking.names)
    }
    odds = ranking.terms(table).sum(axis=1) + ranking.bias
    assert ranking.probability(table) == pytest.approx(1 / (1 + np.exp(-odds)))
    assert odds[1] - odds[0] == pytest.approx(ranking.weights[:, 0].sum(), abs=1e-4)


def test_columns_need_no_colour_cast():
    stats = {n: np.ones(2) for n in ("area_m2", "edge", "inner_edge", "edge_before", "strong", "strong_before", "contrast",
             "spread", "green", "green_before", "fullness", "convexity", "elongation", "shade", "shade_sun", "shadow", "l",
             "change", "likeness", "chroma", "a", "b")}  # fmt: skip
    assert not {"a", "b"} & set(columns(stats))


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


# --- real pixels


@pytest.fixture(scope="module")
def roadside(real_data):
    folder = real_data / "roadside_vhr"
    images = []
    for path in sorted((folder / "imagery").glob("*.tif")):
        with rasterio.open(path) as file:
            images.append(np.moveaxis(file.read()[:3], 0, -1).astype(np.float32) / 255)
    return (
        images,
        gpd.read_file(folder / "truth.gpkg", layer="findings"),
        gpd.read_file(folder / "layers.gpkg", layer="roads"),
    )


def jpeg(image):
    coded = cv2.imencode(".jpg", (image * 255).round().astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32) / 255


def shifted(image):
    return cv2.warpAffine(
        image, np.float32([[1, 0, 0.5], [0, 1, 0.5]]), image.shape[1::-1], borderMode=cv2.BORDER_REFLECT
    )


SEEN_OTHERWISE = {
    "shift": shifted,
    "gain": lambda i: np.clip(i * 0.75, 0, 1),
    "offset": lambda i: np.clip(i * 0.9 + 0.06, 0, 1),
    "gamma": lambda i: i**1.3,
    "blur": lambda i: cv2.GaussianBlur(i, (0, 0), 1.0),
    "jpeg": jpeg,
}


@pytest.mark.real
@pytest.mark.parametrize("change", SEEN_OTHERWISE)
def test_the_same_ground_seen_otherwise_has_nothing_new(roadside, change):
    image = roadside[0][1][:640, :640]
    assert Building()(view(SEEN_OTHERWISE[change](image).astype(np.float32), image)).empty


@pytest.mark.real
def test_vanished_buildings_are_not_reported(roadside):
    (before, after), truth, _ = roadside
    table = Building()(view(after, before))
    # On the place of the U-shaped one the other image shows its bare white slab: new there, but not the building.
    slab = truth[(truth.area > 2000) & (truth.area < 2500)].geometry.iloc[0]
    for shape in truth.geometry:
        for found in table.geometry:
            assert iou(shape, found) < 0.3
            assert shape.equals(slab) or shape.intersection(found).area < 0.05 * shape.area


@pytest.mark.real
def test_the_large_buildings_beside_the_highway_are_found(roadside):
    (before, after), truth, roads = roadside
    aligned = match(register(dataset(before), dataset(after), 0.5).aligned, dataset(after))[0]
    before = np.dstack([aligned[n].to_numpy() for n in ("red", "green", "blue")])
    table = Building()(view(before, after))
    corridor = roads.to_crs(4548).union_all().buffer(90)
    large = truth.to_crs(4548)[(truth.area > 500) & truth.intersects(corridor).to_numpy()]
    assert len(large) >= 5
    for shape in large.geometry:
        assert max(iou(shape, one) for one in table.geometry) > 0.5
    false = [
        one for one in table.geometry if one.intersects(corridor) and max(truth.intersection(one).area) < 0.3 * one.area
    ]
    assert len(false) <= 3  # one of them lies just at the least confidence of a candidate
