"""Whether roads that a web map shifted are seen in the images, and whether right ones are left in peace."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from scipy.ndimage import gaussian_filter
from shapely import LineString

from pipeline.geo.gcj02 import to_gcj02
from pipeline.imagery.reader import RasterioReader
from pipeline.model.scene import Band, BandFile, Scene
from pipeline.run.road_position import judged, road_position

WEST, NORTH, PIXEL_M, ROWS, COLS = 518_000.0, 3_802_500.0, 2.5, 1400, 2400


def winding(offset_m: float = 0.0, seed: float = 0.0) -> LineString:
    """A road of some 5 km through the picture."""
    x = np.arange(518_700.0, 523_300.0, 40.0)
    y = 3_800_700.0 + offset_m + 350.0 * np.sin((x - 518_700.0) / 520.0 + seed) + 90.0 * np.sin((x - 518_000.0) / 170.0)
    return LineString(np.column_stack([x, y]))


def land(lines: list[LineString], seed: int) -> np.ndarray:
    """Fields and roads, 0..1: parcels of their own brightness with rows in them, texture, dark pavement, bright verge."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:ROWS, 0:COLS]
    parcel = (x // 37 + 97 * (y // 53)) % 4099
    tone, angle = rng.uniform(0.25, 0.55, 4099)[parcel], rng.uniform(0, np.pi, 4099)[parcel]
    rows = 0.03 * np.sin((np.cos(angle) * x + np.sin(angle) * y) * 1.1)
    image = tone + rows + 0.05 * gaussian_filter(rng.standard_normal((ROWS, COLS)), 1.5) * 3
    points = shapely.points(WEST + (x + 0.5) * PIXEL_M, NORTH - (y + 0.5) * PIXEL_M)
    for line in lines:
        shapely.prepare(line)
        near = shapely.dwithin(points, line, 22.0)
        far_m = np.full(image.shape, np.inf)
        far_m[near] = shapely.distance(points[near], line)
        image[far_m < 22.0] = 0.5
        image[far_m < 7.0] = 0.2
    return image + 0.02 * rng.standard_normal(image.shape)


def plan_of(folder: Path, image: np.ndarray, line: LineString) -> Any:
    """As much of a plan as is looked at."""
    path = folder / "scene.tif"
    profile = {"driver": "GTiff", "width": COLS, "height": ROWS, "count": 3, "dtype": "float32", "crs": "EPSG:4548"}
    with rasterio.open(path, "w", transform=Affine(PIXEL_M, 0, WEST, 0, -PIXEL_M, NORTH), nodata=-1, **profile) as file:
        for index, factor in enumerate((0.9, 1.0, 1.1), 1):
            file.write((image * factor).astype(np.float32), index)
    files = {name: BandFile(str(path), Band(name, index)) for index, name in enumerate(("blue", "green", "red"), 1)}
    return SimpleNamespace(
        due=gpd.GeoDataFrame(geometry=[line], crs=4548),
        layers=SimpleNamespace(epsg=4548),
        before=(),
        after=(Scene("s", dt.date(2024, 10, 1), files),),
        config=SimpleNamespace(imagery=SimpleNamespace(reader=RasterioReader)),
    )


def shifted(line: LineString) -> LineString:
    """The road as a web map has it."""
    there = pyproj.Transformer.from_crs(4548, 4490, always_xy=True)
    back = pyproj.Transformer.from_crs(4490, 4548, always_xy=True)
    return shapely.transform(
        line, lambda xy: np.column_stack(back.transform(*to_gcj02(*there.transform(xy[:, 0], xy[:, 1]))))
    )


@pytest.fixture(scope="module")
def ground() -> np.ndarray:
    return land([winding(), winding(900.0, 1.3)], seed=3)


def test_right_roads_are_left_in_peace_and_shifted_ones_are_seen(tmp_path: Path, ground: np.ndarray) -> None:
    right = road_position(plan_of(tmp_path, ground, winding()))
    assert right is not None
    assert not right.looks_shifted
    assert right.likeness[0] > right.likeness[1] + 1
    assert "lie on the roads of the images" in str(right)
    wrong = road_position(plan_of(tmp_path, ground, shifted(winding())))
    assert wrong is not None
    assert wrong.beside_roads
    assert not wrong.beside_images
    assert "shift of GCJ-02" in str(wrong)
    assert "nothing was moved" in str(wrong)


def test_some_metres_of_error_are_no_shift(tmp_path: Path, ground: np.ndarray) -> None:
    found = road_position(
        plan_of(tmp_path, ground, shapely.transform(winding(), lambda xy: xy + np.array([6.0, -8.0])))
    )
    assert found is not None
    assert not found.looks_shifted


def test_roads_that_lie_elsewhere_are_not_said_to_be_gcj02(tmp_path: Path, ground: np.ndarray) -> None:
    plan = plan_of(tmp_path, ground, winding())
    for angle in np.arange(0, 2 * np.pi, 0.6):
        off = 400.0 * np.array([np.cos(angle), np.sin(angle)])
        plan.due = gpd.GeoDataFrame(geometry=[shapely.transform(winding(), lambda xy, off=off: xy + off)], crs=4548)
        found = road_position(plan)
        assert found is not None
        assert not found.looks_shifted, angle


def test_images_along_the_road_alone(tmp_path: Path, ground: np.ndarray) -> None:
    """Pixels only within 200 m of the road: whoever is shifted lies beside the images."""
    y, x = np.mgrid[0:ROWS, 0:COLS]
    points = shapely.points(WEST + (x + 0.5) * PIXEL_M, NORTH - (y + 0.5) * PIXEL_M)
    strip = np.where(shapely.dwithin(points, winding(), 200.0), ground, -1.0)
    plan = plan_of(tmp_path, strip, winding())
    right = road_position(plan)
    assert right is not None
    assert not right.looks_shifted
    plan.due = gpd.GeoDataFrame(geometry=[shifted(winding())], crs=4548)
    wrong = road_position(plan)
    assert wrong is not None
    assert wrong.beside_images or wrong.beside_roads


def test_a_line_too_short_says_nothing(tmp_path: Path, ground: np.ndarray) -> None:
    assert road_position(plan_of(tmp_path, ground, LineString([(520000, 3800700), (520050, 3800700)]))) is None


def test_chance_seldom_looks_like_a_shift() -> None:
    """Where no place is better than another, five hundred sets of 40 pieces give no alarm."""
    rng = np.random.default_rng(0)
    across = rng.uniform(-547, 547, (40, 9))
    across[:, 0] = 0.0
    alarms = [judged(rng.normal(2.0, 1.4, (40, 9)), across, np.ones((40, 9))).looks_shifted for _ in range(500)]
    assert sum(alarms) == 0


def test_roads_that_run_with_the_shift_cannot_tell() -> None:
    """Better by far, but moved along itself: the same road."""
    likeness = np.ones((40, 9))
    likeness[:, 1] = 5.0
    found = judged(likeness, np.full((40, 9), 10.0), np.ones((40, 9)))
    assert found.pieces == 0
    assert not found.looks_shifted


# ---- real pictures


@pytest.mark.real
def test_a_real_highway_and_the_same_as_a_web_map_has_it(tmp_path: Path) -> None:
    from pipeline.config import RunConfig
    from pipeline.errors import Problems
    from pipeline.run.check import check, checked_plan
    from tests.catalog.conftest import ROOT

    folder = ROOT.parent / "shared" / "real" / "roadside_vhr"
    if not folder.exists():
        pytest.skip(f"real data {folder} is not here; set LUYU_REAL_DATA")
    plan = checked_plan(RunConfig.load(folder / "run.yaml", [f"output={tmp_path / 'out'}"]))
    right = road_position(plan)
    assert right is not None
    assert not right.looks_shifted
    moved = plan.due.set_geometry([shifted(line) for line in plan.due.geometry], crs=4548)
    wrong = road_position(replace(plan, due=moved))
    assert wrong is not None
    assert wrong.beside_images
    assert "lie outside the images" in str(wrong)
    # the whole way: no image touches such roads, and the refusal says why
    for name in ("roads", "stakes", "counties", "permits", "bridges"):
        layer = gpd.read_file(folder / "layers.gpkg", layer=name)
        layer = layer.set_geometry([shifted(one) for one in layer.geometry], crs=4548) if name == "roads" else layer
        layer.to_file(tmp_path / "layers.gpkg", layer=name)
    (tmp_path / "layers.yaml").write_text((folder / "layers.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    config = RunConfig.load(folder / "run.yaml", [f"layers={tmp_path / 'layers.yaml'}", f"output={tmp_path}"])
    made = check(checked_plan(config))
    assert made.summary()["roads_look_shifted"]
    assert any("lie outside the images" in note for note in made.notes)
    assert any("layer 'roads' looks like GCJ-02" in note for note in made.notes)
    # and where no image touches their corridor, the refusal says why
    narrow = config.model_copy(update={"area": config.area.model_copy(update={"corridor_m": 1.0})})
    with pytest.raises(Problems, match="inside once the shift of GCJ-02"):
        checked_plan(narrow)
