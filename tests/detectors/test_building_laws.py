"""What must hold of buildings on real pixels, whatever the network: nothing new where nothing was built, and so on."""

from __future__ import annotations

from dataclasses import replace

import cv2
import geopandas as gpd
import numpy as np
import pytest
import rasterio
from test_building import view

from pipeline.config import RunConfig
from pipeline.config.decision_options import ConfidenceOptions
from pipeline.detectors.building import Building
from pipeline.prepare.radiometry import match
from pipeline.prepare.register import register
from pipeline.run.runner import run

pytestmark = pytest.mark.real

PLACES = (
    "roadside_vhr/imagery/2017-10-20.tif",
    "roadside_vhr/imagery/2012-05-05.tif",
    "building_pairs/levir/B/test_55_0256_0000.png",
    "building_pairs/whu/B/train_3.tif",
    "building_pairs/fotbcd/B/val_754.tif",
    "building_pairs/dsifn/A/4_4.png",
)
FINEST = {"whu": 0.25, "fotbcd": 0.2, "dsifn": 0.6}


def picture(path):
    with rasterio.open(path) as file:
        return np.moveaxis(file.read()[:3], 0, -1).astype(np.float32) / 255


def seen(before, after, pixel_m=0.5):
    """Both dates as a run hands them to a detector."""
    plain = view(before, after, pixel_m)
    moved = register(plain.before, plain.after, pixel_m)
    own = plain.before if moved.refused else moved.aligned
    return replace(plain, before=match(own, plain.after)[0], before_as_taken=own)


def exchanged(view):
    """The very same pictures in the other order."""
    return replace(view, before=view.after, after=view.before_as_taken, before_as_taken=None)


def sure(table, kind="building"):
    return table[(table["kind"] == kind) & (table["confidence"] >= ConfidenceOptions().sure)]


def jpeg(image):
    coded = cv2.imencode(".jpg", (image * 255).round().astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32) / 255


def shifted(image):
    move = np.float32([[1, 0, 0.5], [0, 1, 0.5]])
    return cv2.warpAffine(image, move, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


SEEN_OTHERWISE = {
    "the same": lambda i: i,
    "shift": shifted,
    "gain": lambda i: np.clip(i * 0.75, 0, 1),
    "offset": lambda i: np.clip(i * 0.9 + 0.06, 0, 1),
    "gamma": lambda i: i**1.3,
    "haze": lambda i: i + 0.3 * (np.float32([0.75, 0.78, 0.82]) - i),
    "blur": lambda i: cv2.GaussianBlur(i, (0, 0), 1.0),
    "jpeg": jpeg,
}


@pytest.mark.parametrize("change", SEEN_OTHERWISE)
@pytest.mark.parametrize("place", PLACES)
def test_the_same_ground_seen_otherwise_has_nothing_new(real_data, place, change):
    image = picture(real_data / place)[:640, :640]
    pixel_m = next((size for name, size in FINEST.items() if name in place), 0.5)
    other = SEEN_OTHERWISE[change](image).astype(np.float32)
    for before, after in ((other, image), (image, other)):
        table = Building()(seen(before, after, pixel_m))
        assert sure(table).empty
        assert sure(table, "demolition").empty


@pytest.fixture(scope="module")
def roadside(real_data):
    folder = real_data / "roadside_vhr"
    images = [picture(path) for path in sorted((folder / "imagery").glob("*.tif"))]
    truth = gpd.read_file(folder / "truth.gpkg", layer="findings").to_crs(4548)
    roads = gpd.read_file(folder / "layers.gpkg", layer="roads").to_crs(4548)
    return images, truth.geometry, roads.union_all().buffer(90)


def best_iou(shape, shapes):
    return max((shape.intersection(one).area / shape.union(one).area for one in shapes), default=0.0)


def test_exchanged_dates_turn_new_into_demolished(roadside):
    shown = seen(*roadside[0])
    forth, back = Building()(shown), Building()(exchanged(shown))
    came, went = sure(forth), sure(back, "demolition")
    assert len(came) >= 5
    for shape in came.geometry:
        assert best_iou(shape, back[back["kind"] == "demolition"].geometry) > 0.9
    assert len(went) == pytest.approx(len(came), abs=1)
    for shape in sure(back).geometry:
        assert best_iou(shape, roadside[1]) < 0.3


def test_the_buildings_beside_the_highway_are_found(roadside):
    images, truth, corridor = roadside
    found = sure(Building()(seen(*images))).geometry
    large = [shape for shape in truth if shape.area > 500 and shape.intersects(corridor)]
    assert len(large) >= 5
    for shape in large:
        assert best_iou(shape, found) > 0.5
    false = [one for one in found if one.intersects(corridor) and max(truth.intersection(one).area) < 0.3 * one.area]
    assert len(false) <= 2


@pytest.mark.slow
def test_other_tiles_find_the_same(real_data, tmp_path):
    tables = []
    for tile_px in (512, 1024):
        config = RunConfig.load(
            real_data / "roadside_vhr" / "run.yaml",
            [f"output={tmp_path / str(tile_px)}", f"imagery.tile_px={tile_px}", "detectors=[{use: building}]"],
        )
        run(config)
        tables.append(gpd.read_file(tmp_path / str(tile_px) / "findings.gpkg", layer="findings"))
    first = tables[0]
    assert len(first) >= 4
    for other in tables[1:]:
        assert len(other) == len(first)
        for shape in first.geometry:
            assert best_iou(shape, other.geometry) > 0.8
