"""Areas at 10 m: found where building came to stay, nothing where only light, season or a crop changed."""

from __future__ import annotations

import datetime as dt
import json
from itertools import combinations
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
import pytest
import rasterio
import xarray as xr

from pipeline.detectors import registry
from pipeline.detectors.base import View
from pipeline.detectors.screening import BuiltUpScreening, ScreeningOptions, _lasting, season_apart_days
from pipeline.errors import ConfigError
from pipeline.model.grid import Grid
from pipeline.prepare.mosaic import DatedImage
from pipeline.prepare.radiometry import match
from tests.s2_land import BANDS, NORTH, WEST, land, site_polygon

BEFORE, AFTER = dt.date(2023, 10, 3), dt.date(2024, 10, 8)


def dataset(image: np.ndarray, names: tuple[str, ...] = BANDS) -> xr.Dataset:
    return xr.Dataset(
        {name: (("y", "x"), image[k].astype(np.float32)) for k, name in enumerate(BANDS) if name in names}
    )


def view(before, after, *, pixel_m=10.0, names=BANDS, before_day=BEFORE, after_day=AFTER, **more) -> View:
    shape = before.shape[1:]
    zones = {n: np.full(shape, n == "corridor") for n in ("pavement", "highway_land", "control_zone", "corridor")}
    grid = Grid(4548, WEST, NORTH, pixel_m, *shape)
    one, other = dataset(before, names), dataset(after, names)
    return View(grid, one, other, zones, gpd.GeoDataFrame(geometry=[], crs=4548), before_day, after_day, **more)


def series(images: list[np.ndarray], year: int) -> tuple[DatedImage, ...]:
    return tuple(DatedImage(dt.date(year, 10, 1 + 9 * k), dataset(image)) for k, image in enumerate(images))


def taken(before: list[np.ndarray], after: list[np.ndarray]) -> View:
    found = (series(before, 2023), series(after, 2024))
    return view(before[0], after[-1], before_series=found[0], after_series=found[1])


def grounds(table: gpd.GeoDataFrame) -> list[str]:
    return [json.loads(text)["ground_before"] for text in table.evidence]


def test_it_is_filed_asks_for_short_wave_infrared_and_for_single_takes() -> None:
    assert registry.known()["built_up_screening"] is BuiltUpScreening
    options = registry.parse_options({"use": "built_up_screening", "max_takes": 4})
    assert registry.wishes([options, registry.parse_options({"use": "building"})]) == (("swir16", "swir22"), 4)
    assert registry.wishes([registry.parse_options({"use": "building"})]) == ((), 0)


def test_a_site_on_a_field_is_found_as_an_area_with_its_limits_said() -> None:
    table = BuiltUpScreening()(view(land(), land(site=True)))
    assert list(table.columns) == ["kind", "confidence", "evidence", "geometry"]
    assert list(table.kind) == ["built_up_area"]
    shape = table.geometry[0]
    assert shape.intersection(site_polygon()).area / shape.union(site_polygon()).area > 0.6
    told = json.loads(table.evidence[0])
    assert "不能认定建筑物" in told["limits"]
    assert "cannot tell a building" in told["limits"]
    assert told["provisional"]
    assert told["ndvi_before"] > 0.5 > told["ndvi_after"]
    assert table.confidence[0] < 0.76  # one pair is never sure


def test_several_takes_make_it_surer() -> None:
    once = BuiltUpScreening()(view(land(), land(site=True)))
    several = BuiltUpScreening()(taken([land(), land()], [land(site=True), land(site=True)]))
    assert len(several) == 1
    assert several.confidence[0] > once.confidence[0]
    assert not json.loads(several.evidence[0])["provisional"]


@pytest.mark.parametrize("names", [BANDS, BANDS[:4]], ids=["six bands", "no short-wave infrared"])
def test_fields_that_were_ploughed_between_two_dates_are_not_reported(names) -> None:
    assert BuiltUpScreening()(view(land(1), land(2), names=names)).empty


def test_a_field_that_dries_white_once_does_not_last() -> None:
    white = land(site=True)
    assert BuiltUpScreening()(taken([land(), land()], [white, land(), land()])).empty  # green again
    assert BuiltUpScreening()(taken([land(), white], [white, white])).empty  # looked so before
    assert len(BuiltUpScreening()(taken([land(), land()], [land(), white, white]))) == 1


def test_swapped_dates_give_nothing() -> None:
    assert BuiltUpScreening()(view(land(site=True), land())).empty
    assert BuiltUpScreening()(taken([land(site=True)] * 2, [land()] * 2)).empty


CHANGED_LIGHT = {
    "the same": lambda image: image,
    "gain": lambda image: image * 1.15,
    "offset": lambda image: image + 0.03,
    "other gain in each band": lambda image: image * np.linspace(0.85, 1.2, 6, dtype=np.float32)[:, None, None],
    "haze": lambda image: image * 0.85 + np.float32(0.05) * np.exp(-np.arange(6, dtype=np.float32))[:, None, None],
    "thicker haze to one side": lambda image: (
        image
        + np.linspace(0, 0.02, image.shape[2], dtype=np.float32)
        * np.exp(-np.arange(6, dtype=np.float32))[:, None, None]
    ),
    "noise": lambda image: image + 0.004 * np.random.default_rng(3).standard_normal(image.shape).astype(np.float32),
}


@pytest.mark.parametrize("light", CHANGED_LIGHT.values(), ids=CHANGED_LIGHT)
@pytest.mark.parametrize("bare_ground", ["persistent", "always"])
def test_the_same_ground_in_other_light_gives_nothing(light, bare_ground) -> None:
    low = BuiltUpScreening(ScreeningOptions(min_confidence=0.05, bare_ground=bare_ground))
    assert low(view(light(land(site=True)), land(site=True))).empty
    assert low(view(land(site=True), light(land(site=True)))).empty


def test_takes_of_another_season_lower_confidence_and_say_so() -> None:
    same = BuiltUpScreening()(view(land(), land(site=True)))
    other = BuiltUpScreening()(view(land(), land(site=True), before_day=dt.date(2023, 5, 1)))
    told = json.loads(other.evidence[0])
    assert not told["same_season"]
    assert told["season_apart_days"] == 161
    assert other.confidence[0] == pytest.approx(0.7 * same.confidence[0], abs=1e-3)


def test_takes_of_another_season_are_left_aside_where_others_fit() -> None:
    winter = DatedImage(dt.date(2023, 1, 10), dataset(land(site=True)))  # would hide the site
    found = series([land(), land()], 2023), series([land(site=True)] * 2, 2024)
    seen = view(land(), land(site=True), before_series=(*found[0], winter), after_series=found[1])
    assert len(BuiltUpScreening()(seen)) == 1


def test_seasons_are_told_across_new_year() -> None:
    assert season_apart_days(dt.date(2023, 12, 28), dt.date(2025, 1, 6)) == 9
    assert season_apart_days(dt.date(2023, 3, 3), dt.date(2025, 9, 1)) == 182


def test_the_newest_take_and_enough_others_must_agree() -> None:
    scores = np.array([[0.9, 0.9, 0.1, np.nan], [0.8, 0.2, 0.9, 0.7], [0.7, 0.9, 0.9, np.nan]], np.float32)[:, None, :]
    assert _lasting(scores, 2)[0] == pytest.approx([0.7, 0.9, 0.9, 0.7])
    assert np.isnan(_lasting(np.full((2, 1, 1), np.nan, np.float32), 2)).all()


def test_clouded_pixels_are_no_change() -> None:
    after = land(site=True)
    after[:, 50:80, 70:110] = np.nan
    assert BuiltUpScreening()(view(land(), after)).empty
    assert BuiltUpScreening()(view(land(), np.full_like(land(), np.nan))).empty


@pytest.mark.parametrize(("pixel_m", "remedy"), [(2.0, "'building'"), (60.0, "Sentinel-2")])
def test_pixels_too_fine_or_too_coarse_are_refused(pixel_m, remedy) -> None:
    with pytest.raises(ConfigError, match=remedy) as caught:
        BuiltUpScreening()(view(land(), land(), pixel_m=pixel_m))
    assert "imagery.resolution_m" in str(caught.value)


def test_without_near_infrared_it_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="no band 'nir'"):
        BuiltUpScreening()(view(land(), land(), names=BANDS[:3]))


@pytest.mark.real
def test_a_real_field_gives_nothing_between_any_two_dates_of_one_season(real_data: Path) -> None:
    """Red and near infrared of one Spanish field in 33 takes of 2019; it holds no date a year apart from another."""
    source = real_data / "s2_series" / "demo" / "raw_s2_ndvi_field.nc"
    stacks = {}
    for name in ("B04", "B08"):
        with rasterio.open(f"netcdf:{source}:{name}") as file:
            stacks[name] = file.read() / 10_000
            days = [int(v) for v in file.tags()["NETCDF_DIM_t_VALUES"].strip("{}").split(",")]
    # Blue and green are not there: taken as grey, which is how concrete looks, they speak for building if anything.
    images = [np.stack([red, red, red, nir, red, red]) for red, nir in zip(stacks["B04"], stacks["B08"], strict=True)]
    when = [dt.date(1990, 1, 1) + dt.timedelta(days=day) for day in days]
    screen, looked = BuiltUpScreening(), 0
    for one, other in combinations(range(len(days)), 2):
        if season_apart_days(when[one], when[other]) > 45:
            continue
        looked += 1
        pair = view(images[one], images[other], names=BANDS[:4], before_day=when[one], after_day=when[other])
        assert screen(pair).empty, (when[one], when[other])
    assert looked > 100


@pytest.mark.real
def test_real_farmland_of_six_summers_gives_nothing_that_lasts(real_data: Path) -> None:
    """Aerial RGBN of fields, lakes and roads in North Dakota at 10 m: two summers before, two after.

    Of vegetation that gave way. Bare shores and soils that changed are reported there; see ``bare_ground``.
    """
    takes = []
    for path in sorted((real_data / "naip").glob("*.tif"))[5:9]:
        with rasterio.open(path) as file:
            red, green, blue, nir = (cv2.resize(b, (467, 361), interpolation=cv2.INTER_AREA) / 255 for b in file.read())
        names = {"blue": blue, "green": green, "red": red, "nir": nir}
        image = xr.Dataset({name: (("y", "x"), band.astype(np.float32)) for name, band in names.items()})
        takes.append(DatedImage(dt.date.fromisoformat(path.stem[-8:]), image))
    last = takes[-1].image
    matched = [DatedImage(one.day, match(one.image, last)[0]) for one in takes[:-1]] + [takes[-1]]
    shape = (361, 467)
    grid = Grid(26914, 0.0, 0.0, 10.0, *shape)
    zones = {"corridor": np.ones(shape, bool)}
    seen = View(
        grid, matched[1].image, last, zones, gpd.GeoDataFrame(geometry=[], crs=26914), takes[1].day, takes[-1].day,
        before_series=tuple(matched[:2]), after_series=tuple(matched[2:]),
    )  # fmt: skip
    found = BuiltUpScreening(ScreeningOptions(season_days=90, bare_ground="never"))(seen)
    assert found.empty, found.evidence.tolist()
