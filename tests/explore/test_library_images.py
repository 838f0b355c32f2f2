"""Images as plain Datasets: loaded on one grid, paired, searched; the same as a run's tile, and refused with the remedy."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
import shapely
import xarray as xr

import pipeline as luyu
from pipeline.config import RunConfig
from pipeline.errors import LuyuError
from pipeline.explore.grids import grid_of
from pipeline.imagery import write_cog
from pipeline.model.grid import Grid
from pipeline.prepare import PairOptions, RegistrationOptions
from pipeline.run.plan import make_plan

GRID = Grid(4548, 520_000.0, 3_800_000.0, 0.5, 160, 200)
DAYS = ("2024-04-28", "2024-10-12")


def dataset(grid: Grid = GRID, *, seed: int = 0, shift_px: int = 0, **attrs) -> xr.Dataset:
    """A textured image; ``shift_px``: how far east its content lies."""
    field = np.random.default_rng(seed).random((grid.rows, grid.cols + 40)).astype(np.float32) / 4 + 0.1
    part = field[:, 20 - shift_px : 20 - shift_px + grid.cols]
    bands = {name: (("y", "x"), part * k) for name, k in (("blue", 0.8), ("green", 1.0), ("red", 0.9))}
    return xr.Dataset(bands, {"y": grid.y_m, "x": grid.x_m}, attrs={"epsg": grid.epsg} | attrs)


def tif(path: Path, *, bands: int = 3, dtype: type = np.uint8, value: int = 51) -> Path:
    return write_cog(path, np.full((bands, GRID.rows, GRID.cols), value, dtype), GRID)


@pytest.fixture(scope="module")
def run_tile(world, finished, tmp_path_factory):
    plan = make_plan(RunConfig.load(world / "run.yaml", [f"output={tmp_path_factory.mktemp('images')}"]))
    surest = finished.findings[finished.findings["kind"] == "building"].sort_values("confidence").iloc[-1]
    return plan, luyu.tile_view(plan, surest.geometry)


def test_a_file_lies_on_its_own_grid(tmp_path: Path) -> None:
    image = luyu.load(tif(tmp_path / "a_20241012.tif"))
    assert grid_of(image) == GRID
    assert image.attrs["transform"] == tuple(GRID.transform[:6])
    assert image.attrs["day"] == "2024-10-12"
    assert set(image.data_vars) == {"red", "green", "blue"}
    assert image["red"].dtype == np.float32
    assert float(image["red"][3, 4]) == pytest.approx(0.2)
    assert "clouded" not in image.coords


def test_an_area_is_cut_to_whole_pixels_and_two_dates_lie_on_one_grid(tmp_path: Path) -> None:
    first, second = tif(tmp_path / "a_20240428.tif"), tif(tmp_path / "b_20241012.tif")
    area = gpd.GeoSeries([shapely.box(520_010.2, 3_799_950.1, 520_030.0, 3_799_970.0)], crs=4548).to_crs(4490)
    before = luyu.load(first, area=area)
    west, south, *_ = grid_of(before).bounds_m
    assert (west % 0.5, south % 0.5) == (0.0, 0.0)
    assert grid_of(before).footprint.covers(area.to_crs(4548).buffer(-0.05).iloc[0])
    after = luyu.load(second, like=before)
    assert grid_of(after) == grid_of(before)
    coarse = luyu.load(first, area=area, resolution_m=2.0)
    assert grid_of(coarse).pixel_m == 2.0
    with pytest.raises(LuyuError, match="like says the grid already"):
        luyu.load(second, like=before, resolution_m=1.0)


def test_an_image_keeps_its_crs_whatever_the_area_s(tmp_path: Path) -> None:
    utm = Grid(32650, 518_000.0, 3_828_000.0, 0.5, 160, 200)
    path = write_cog(tmp_path / "u_20241012.tif", np.full((3, 160, 200), 51, np.uint8), utm)
    area = gpd.GeoSeries([utm.footprint.buffer(-10)], crs=32650).to_crs(4490)
    image = luyu.load(path, area=area)
    assert (image.attrs["epsg"], image.attrs["pixel_m"]) == (32650, 0.5)
    assert float(image["red"].mean()) == pytest.approx(0.2)


def test_two_sheets_make_one_image_and_the_newest_wins(tmp_path: Path) -> None:
    old, new = tif(tmp_path / "a_20240428.tif", value=51), tif(tmp_path / "b_20240501.tif", value=102)
    image = luyu.load([old, new])
    assert float(image["red"].mean()) == pytest.approx(0.4)
    assert (image.attrs["day"], image.attrs["scenes"]) == ("2024-05-01", ["b_20240501"])


def test_an_image_in_degrees_needs_a_metric_grid(tmp_path: Path) -> None:
    path = tmp_path / "c_20241012.tif"
    place = rasterio.transform.from_origin(117.2, 34.6, 5e-6, 5e-6)
    profile = {"driver": "GTiff", "width": 200, "height": 160, "count": 3, "dtype": "uint8", "crs": "EPSG:4490"}
    with rasterio.open(path, "w", transform=place, **profile) as file:
        file.write(np.full((3, 160, 200), 51, np.uint8))
    with pytest.raises(LuyuError, match=r"pixels are in degrees.*load\(…, resolution_m=0.5\)"):
        luyu.load(path)
    image = luyu.load(path, resolution_m=0.5)
    assert image.attrs["epsg"] == 4548
    assert float(image["red"].mean()) == pytest.approx(0.2, abs=1e-3)


def test_files_that_say_too_little_are_asked_for_it(tmp_path: Path) -> None:
    undated = tif(tmp_path / "late.tif")
    with pytest.raises(LuyuError, match=r"no date.*load\(…, day='2024-10-12'\)"):
        luyu.load(undated)
    assert luyu.load(undated, day="2024-10-12").attrs["day"] == "2024-10-12"
    with pytest.raises(LuyuError, match=r"'12\.10\.2024' is no day"):
        luyu.load(undated, day="12.10.2024")
    with pytest.raises(LuyuError, match="has 5 bands of uint16; say which sensor"):
        luyu.load(tif(tmp_path / "d_20241012.tif", bands=5, dtype=np.uint16))
    with pytest.raises(LuyuError, match="say whose images these are"):
        luyu.load(tmp_path)
    with pytest.raises(LuyuError, match=r"nothing\.tif: no such file or folder"):
        luyu.load(tmp_path / "nothing.tif")
    with pytest.raises(LuyuError, match="has only blue, green, red"):
        luyu.load(undated, day="2024-10-12", bands=["nir"])
    with pytest.raises(LuyuError, match="no image is named"):
        luyu.load([])
    far = gpd.GeoSeries([shapely.box(530_000, 3_800_000, 530_010, 3_800_010)], crs=4548)
    with pytest.raises(LuyuError, match="none of the images touches the area"):
        luyu.load(undated, day="2024-10-12", area=far)
    with pytest.raises(LuyuError, match=r"are no window; cut the corridor with tiles\(\)"):
        luyu.load(undated, day="2024-10-12", area=far.buffer(50_000))


def test_a_catalogue_an_item_and_its_file_are_the_same(world) -> None:
    catalogue = world / "imagery" / "demo-vhr" / "collection.json"
    path = sorted(catalogue.parent.glob("*/*-20241012.json"))[0]
    item = luyu.load(path)
    area = gpd.GeoSeries([grid_of(item).footprint], crs=item.attrs["epsg"])
    assert "clouded" in item.coords
    again = luyu.load(pystac.Item.from_file(path))
    xr.testing.assert_identical(item, again)
    whole = luyu.load(catalogue, day="2024-10-01/2024-10-30", area=area, resolution_m=0.5)
    one = item["green"].to_numpy()
    seen = np.isfinite(one)
    np.testing.assert_allclose(whole["green"].to_numpy()[seen], one[seen])


def test_images_of_very_different_pixels_are_not_mixed(world) -> None:
    catalogue = world / "imagery" / "catalog.json"  # 0.5 m, and a series of 10 m
    area = gpd.GeoSeries([shapely.box(519_950, 3_829_950, 520_000, 3_830_000)], crs=4548)
    with pytest.raises(LuyuError, match=r"pixels of 0\.5 m .* and 10 m .* make no one image; .*collection\.json"):
        luyu.load(catalogue, day="2024-04-28", area=area, resolution_m=0.5)


def test_a_shift_and_a_gain_are_found_and_inputs_stay() -> None:
    before, after = dataset(shift_px=3, day=DAYS[0]), dataset(day=DAYS[1])
    before = before * 0.8 + 0.02
    before.attrs = dataset(day=DAYS[0]).attrs
    then = before.copy(deep=True), after.copy(deep=True)
    found = luyu.pair(before, after)
    assert found.registration.reliable
    np.testing.assert_allclose(found.registration.shift_px, (0.0, -3.0), atol=0.05)
    assert found.radiometry["bands"]["green"]["gain"] == pytest.approx(1.25, abs=0.02)
    inner = np.s_[10:-10, 10:-10]
    apart = np.abs(found.before["green"].to_numpy() - found.after["green"].to_numpy())[inner]
    assert np.median(apart) < 0.01
    xr.testing.assert_identical(before, then[0])
    xr.testing.assert_identical(after, then[1])


def test_what_is_not_observed_has_one_reason() -> None:
    before, after = dataset(day=DAYS[0]), dataset(day=DAYS[1])
    cloud = np.zeros(GRID.shape, bool)
    cloud[:40] = True
    after = after.where(xr.DataArray(~cloud, dims=("y", "x"))).assign_coords(clouded=(("y", "x"), cloud))
    hole = np.ones(GRID.shape, bool)
    hole[:, :30] = False
    before = before.where(xr.DataArray(hole, dims=("y", "x")))
    before.attrs, after.attrs = dataset(day=DAYS[0]).attrs, dataset(day=DAYS[1]).attrs
    found = luyu.pair(before, after)
    total = found.observed.astype(int) + sum(mask.astype(int) for mask in found.reasons.values())
    assert (total == 1).all()
    assert found.reasons["cloud"][:40, 30:].all()
    assert found.reasons["no_image"][60:, :28].all()
    assert not found.observed[:40].any()
    assert found.observed[60:, 60:].mean() > 0.95


def test_a_shift_above_the_tolerance_refuses_the_pair() -> None:
    strict = PairOptions(registration=RegistrationOptions(max_shift_m=1.0))
    found = luyu.pair(dataset(shift_px=8), dataset(), days=DAYS, options=strict)
    assert found.registration.refused
    assert found.reasons["shift"].mean() > 0.9
    assert repr(found).startswith("Pair(160 × 200 px, 0.0 % observed; ")
    assert len(repr(found)) < 200


def test_a_grid_is_read_as_xarray_users_write_it() -> None:
    image = dataset()
    wkt = rasterio.crs.CRS.from_epsg(4548).to_wkt()
    rio = image.drop_attrs().assign_coords(spatial_ref=((), 0, {"crs_wkt": wkt}))
    assert grid_of(rio) == GRID
    assert grid_of(image.drop_attrs().assign_attrs(crs="EPSG:4548")) == GRID
    single = image.assign_coords(x=image.x.astype(np.float32), y=image.y)
    assert grid_of(single).pixel_m == pytest.approx(0.5, abs=1e-3)
    timed = image.assign_coords(time=np.datetime64("2024-10-12"))
    found = luyu.pair(image.assign_coords(time=np.datetime64("2024-04-28")), timed)
    assert [found.before_scenes[0].day, found.after_scenes[0].day] == [dt.date(2024, 4, 28), dt.date(2024, 10, 12)]


def changed(**coords) -> xr.Dataset:
    return dataset(day=DAYS[1]).assign_coords(coords)


DEGREES = dataset(day=DAYS[1]).assign_attrs(epsg=4490)
ROADS = gpd.GeoDataFrame(
    {"route_code": ["G311"]}, geometry=[shapely.LineString([(520_000, 3_799_960), (520_100, 3_799_960)])], crs=4548
)
BEFORE, AFTER = dataset(day=DAYS[0]), dataset(day=DAYS[1])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: luyu.pair(BEFORE, DEGREES), r"pixels are in degrees .*load\(…, resolution_m=0.5\)"),
        (lambda: luyu.pair(BEFORE.drop_attrs(), AFTER, days=DAYS), "before: has no CRS"),
        (lambda: luyu.pair(BEFORE, AFTER.assign_attrs(epsg=4547)), r"different grids \(EPSG:4548.*EPSG:4547.*like=before"),
        (lambda: luyu.pair(BEFORE, AFTER.isel(x=slice(4, None))), "different grids"),
        (lambda: luyu.pair(AFTER, BEFORE), "must be later than before"),
        (lambda: luyu.pair(dataset(), AFTER), r"before: when was it taken\?.*attrs\['day'\]"),
        (lambda: luyu.pair(BEFORE, AFTER, days=("spring", None)), "'spring' is no day"),
        (lambda: luyu.pair(BEFORE, AFTER.rename(blue="B2", green="B3", red="B4")), r"no band in common.*\.rename"),
        (lambda: luyu.pair((BEFORE * 10_000).assign_attrs(BEFORE.attrs), AFTER), "no reflectance.*divide them by 10000"),
        (lambda: luyu.pair(BEFORE.expand_dims(time=1), AFTER), r"dims \['time'\] besides y and x"),
        (lambda: luyu.pair(BEFORE.rename(x="lon"), AFTER), "dims y and x are needed"),
        (lambda: luyu.pair(BEFORE.drop_vars("x"), AFTER), "has no coordinate 'x'"),
        (lambda: luyu.pair(BEFORE, changed(y=GRID.y_m[::-1])), "run from south to north"),
        (lambda: luyu.pair(BEFORE, changed(y=GRID.y_m * 2)), "square ones are needed"),
        (lambda: luyu.pair(BEFORE, changed(x=GRID.x_m + 0.2 * np.sin(np.arange(GRID.cols)))), "not evenly spaced"),
        (lambda: luyu.detect(BEFORE), r"a Pair is needed, got Dataset; pair\(before, after\)"),
        (lambda: luyu.detect(luyu.pair(BEFORE, AFTER), "grain_drying"), "looks along roads; give them"),
        (lambda: luyu.detect(luyu.pair(BEFORE, AFTER), "bilding"), "did you mean 'building'"),
        (lambda: luyu.detect(luyu.pair(BEFORE, AFTER), {"use": "building", "min_area": 3}), "detector 'building': min_area"),
        (lambda: luyu.detect(luyu.pair(BEFORE, AFTER), []), "none is named"),
        (lambda: luyu.detect(luyu.pair(BEFORE, AFTER), "built_up_screening"), "works on pixels of 5 to 30 m"),
        (lambda: luyu.detect(luyu.pair(BEFORE, AFTER.drop_vars("blue"))), r"has no blue, it has green, red; .*rename"),
        (
            lambda: luyu.detect(luyu.pair(BEFORE, AFTER), "building", ROADS.set_geometry(ROADS.translate(9_000))),
            "none runs through the images",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_the_remedy(call, match) -> None:
    with pytest.raises(LuyuError, match=match):
        call()


def test_a_tile_is_searched_as_the_run_does_it(world, run_tile) -> None:
    """The same window by the library: objects that the run believes in are found at the same place, as sure."""
    plan, theirs = run_tile
    catalogue, window = (
        world / "imagery" / "demo-vhr" / "collection.json",
        gpd.GeoSeries([theirs.grid.footprint], crs=plan.layers.epsg),
    )
    before = luyu.load(catalogue, day=plan.config.imagery.before, area=window, resolution_m=theirs.grid.pixel_m)
    after = luyu.load(catalogue, day=plan.config.imagery.after, like=before)
    assert grid_of(before) == theirs.grid
    found = luyu.pair(before, after)
    np.testing.assert_allclose(found.registration.shift_px, theirs.pair.registration.shift_px, atol=0.1)
    assert (found.observed == theirs.pair.observed).mean() > 0.97
    sure = theirs.candidates[(theirs.candidates["confidence"] > 0.8) & (theirs.candidates["kind"] == "building")]
    assert len(sure)
    mine = luyu.detect(found, "building", plan.layers.roads, zones=plan.zones)
    for shape, confidence in zip(sure.geometry, sure["confidence"], strict=True):
        alike = mine.intersection(shape).area / mine.union(shape).area
        assert alike.max() > 0.8
        assert mine["confidence"][alike.idxmax()] == pytest.approx(confidence, abs=0.15)


def test_a_look_keeps_what_detectors_saw(run_tile) -> None:
    plan, theirs = run_tile
    seen = luyu.look(theirs.pair, ["building", {"use": "grain_drying"}], plan.layers.roads.to_crs(4490))
    assert seen.grid == theirs.grid
    assert seen.view.zones["pavement"].any()
    assert (seen.view.zones["pavement"] == theirs.view.zones["pavement"]).mean() > 0.99
    assert {one.name for one in seen.maps} >= {"change", "new", "lost", "warmth"}
    assert repr(seen).startswith("TileView('window'")
    assert len(repr(seen)) < 200
