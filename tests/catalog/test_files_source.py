import datetime as dt
import pickle

import numpy as np
import pytest
import rasterio
import shapely
from pydantic import TypeAdapter, ValidationError
from pyproj import Transformer
from rasterio.transform import from_origin

from pipeline.catalog.sources import FilesSource, Source
from pipeline.errors import CatalogError, ConfigError, LuyuError, Problems
from pipeline.model.scene import Period

AREA = shapely.box(117.2, 34.3, 117.3, 34.4)
YEAR = Period.parse("2024-01-01/2024-12-31")


def tiff(path, *, crs="EPSG:4548", bands=3, dtype="uint8", nodata=None, west=520000, tags=None, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": bands, "dtype": dtype, "width": 8, "height": 4, "crs": crs, "nodata": nodata}
    transform = from_origin(west, 3800000, 0.5, 0.5) if west is not None else None
    with rasterio.open(path, "w", **profile, **({"transform": transform} if transform else {}), **more) as out:
        out.write(np.ones((bands, 4, 8), dtype))
        if tags:
            out.update_tags(**tags)
    return path


def source(*scenes, sensor="rgb_vhr"):
    return TypeAdapter(Source).validate_python({"kind": "files", "sensor": sensor, "scenes": list(scenes)})


def scenes(tmp_path, *entries, period=YEAR, area=AREA, sensor="rgb_vhr"):
    return source(*entries, sensor=sensor).scenes(area, period, base=tmp_path)


def test_glob_gives_sorted_scenes_with_the_day_of_the_name(tmp_path):
    for name in ("b_20241105.tif", "a_2024-05-01.tif", "c_20240501.tif"):
        tiff(tmp_path / "img" / name)
    found = scenes(tmp_path, "img/*.tif")
    assert [scene.scene_id for scene in found] == ["a_2024-05-01", "c_20240501", "b_20241105"]
    assert found[0].day == dt.date(2024, 5, 1)
    red = found[0].files["red"]
    assert red.href == str(tmp_path / "img" / "a_2024-05-01.tif")
    assert (red.band.index, red.band.scale, red.band.offset) == (1, pytest.approx(1 / 255), 0.0)
    assert found[0].native_pixel_m == 0.5
    stored = (tmp_path / "img" / "a_2024-05-01.tif").stat().st_size
    assert found[0].bytes_per_px == pytest.approx(stored / (4 * 8 * 3))
    assert found[0].sensor == "rgb_vhr"


def test_footprint_is_the_outline_in_degrees(tmp_path):
    tiff(tmp_path / "a_20240501.tif")
    outline = scenes(tmp_path, "a_20240501.tif")[0].footprint_lonlat
    lon, lat = Transformer.from_crs(4548, 4490, always_xy=True).transform([520000, 520004], [3800000, 3799998])
    assert outline.bounds == pytest.approx((lon[0], lat[1], lon[1], lat[0]), abs=1e-6)


def test_date_of_the_entry_wins_over_name_and_tags(tmp_path):
    tiff(tmp_path / "a_20230501.tif", tags={"TIFFTAG_DATETIME": "2022:01:01 00:00:00"})
    found = scenes(tmp_path, {"path": "a_20230501.tif", "date": "2024-06-01"})
    assert found[0].day == dt.date(2024, 6, 1)
    assert found[0].scene_id == "a_20230501_20240601"


@pytest.mark.parametrize("tag", [{"TIFFTAG_DATETIME": "2024:06:05 10:00:00"}, {"ACQUISITIONDATE": "20240605"}])
def test_date_of_the_tags(tmp_path, tag):
    tiff(tmp_path / "scene.tif", tags=tag)
    assert scenes(tmp_path, "scene.tif")[0].day == dt.date(2024, 6, 5)


@pytest.mark.parametrize(
    "name",
    [
        "GF2_PMS1_E117.2_N34.3_20240605_L1A0007654321_fused.tif",
        "JL1GF03D01_PMS_20240605023012_200251234_101_0024_001_L3D_PSH.tif",
        "20240605_023012_12_24aa_3B_AnalyticMS_SR.tif",
        "xuzhou.2024.06.05.tif",
    ],
)
def test_dates_in_names_of_real_forms(tmp_path, name):
    tiff(tmp_path / name)
    assert scenes(tmp_path, name)[0].day == dt.date(2024, 6, 5)


def test_no_date_and_two_dates_are_refused(tmp_path):
    tiff(tmp_path / "scene.tif")
    tiff(tmp_path / "mosaic_20240401_20240531.tif")
    with pytest.raises(Problems) as caught:
        scenes(tmp_path, "scene.tif", "mosaic_20240401_20240531.tif")
    assert "no date in the name" in caught.value.problems[0]
    assert "two dates in the name" in caught.value.problems[1]
    assert "{path: mosaic_20240401_20240531.tif, date: 2024-11-05}" in caught.value.problems[1]


def test_one_file_by_two_entries_is_one_scene(tmp_path):
    tiff(tmp_path / "a_20240501.tif")
    assert len(scenes(tmp_path, "*.tif", "a_20240501.tif")) == 1


def test_sheets_of_one_name_are_told_apart(tmp_path):
    for folder in ("peixian", "fengxian"):
        tiff(tmp_path / folder / "dom_20240501.tif")
    found = scenes(tmp_path, "*/dom_20240501.tif")
    assert [scene.scene_id for scene in found] == ["fengxian_dom_20240501", "peixian_dom_20240501"]


def test_nodata_of_the_file_wins_over_the_profile(tmp_path):
    tiff(tmp_path / "a_20240501.tif", nodata=255)
    tiff(tmp_path / "b_20240501.tif", dtype="uint16", bands=4)
    assert scenes(tmp_path, "a_20240501.tif")[0].nodata == 255
    assert scenes(tmp_path, "b_20240501.tif", sensor="gf2_pms_fused")[0].nodata == 0


def test_only_what_lies_in_period_and_area(tmp_path):
    tiff(tmp_path / "in_20240501.tif")
    tiff(tmp_path / "elsewhere_20240501.tif", west=620000)
    tiff(tmp_path / "earlier_20230501.tif")
    assert [scene.scene_id for scene in scenes(tmp_path, "*.tif")] == ["in_20240501"]


def test_nothing_in_period_or_area_says_what_there_is(tmp_path):
    tiff(tmp_path / "a_20240501.tif")
    with pytest.raises(CatalogError, match=r"no image lies in 2025-01-01/2025-12-31; the files are of 2024-05-01"):
        scenes(tmp_path, "*.tif", period=Period.parse("2025-01-01/2025-12-31"))
    with pytest.raises(CatalogError, match="none of the images of 2024-01-01/2024-12-31 touches the area"):
        scenes(tmp_path, "*.tif", area=shapely.box(0, 0, 1, 1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: tiff(p, bands=2), "has 2 bands, but sensor 'rgb_vhr' needs 3"),
        (lambda p: tiff(p, dtype="uint16"), "holds uint16, but sensor 'rgb_vhr' describes uint8"),
        (lambda p: tiff(p, crs=None), "say in which system"),
        (lambda p: p.write_text("<VRTDataset/>"), "the content is not TIFF"),
        (lambda p: p.write_bytes(b"II*\x00"), "cannot be opened as GeoTIFF"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, make, said):
    make(tmp_path / "a_20240501.tif")
    with pytest.raises(LuyuError, match=said):
        scenes(tmp_path, "a_20240501.tif")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_raw_deliveries_are_told_to_be_orthorectified(tmp_path):
    tiff(tmp_path / "a_20240501.tif", crs=None, west=None)
    with pytest.raises(LuyuError, match="of a raw \\(L1A\\) delivery ask"):
        scenes(tmp_path, "a_20240501.tif")


def test_a_vrt_named_tif_does_not_leak(tmp_path):
    secret = tiff(tmp_path / "secret.tif")
    (tmp_path / "a_20240501.tif").write_text(
        f'<VRTDataset rasterXSize="8" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{secret}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(LuyuError, match="not TIFF"):
        scenes(tmp_path, "a_20240501.tif")


def test_all_bad_entries_are_told_at_once(tmp_path):
    with pytest.raises(Problems) as caught:
        scenes(tmp_path, "no/*.tif", "missing.tif", "https://host/*.tif")
    assert "glob 'no/*.tif' matches no file" in caught.value.problems[0]
    assert "'missing.tif': no such file" in caught.value.problems[1]
    assert "a web server lists no folder" in caught.value.problems[2]


def test_resolved_makes_paths_absolute_and_round_trips(tmp_path):
    one = source("img/*.tif", {"path": "/abs/a.tif", "date": "2024-05-01"}, "s3://bucket/a_20240501.tif")
    done = one.resolved(tmp_path)
    dumped = done.model_dump(mode="json", by_alias=True)
    assert dumped["scenes"] == [
        f"{tmp_path}/img/*.tif",
        {"path": "/abs/a.tif", "date": "2024-05-01", "dates": None},
        "s3://bucket/a_20240501.tif",
    ]
    assert TypeAdapter(Source).validate_python(dumped) == done
    assert done.resolved(tmp_path / "other") == done


def test_unknown_keys_and_sensors_are_refused(tmp_path):
    with pytest.raises(ValidationError, match="Extra inputs"):
        FilesSource.model_validate({"sensor": "rgb_vhr", "scenes": ["a"], "scene": 1})
    with pytest.raises(ConfigError, match="unknown sensor"):
        scenes(tmp_path, "*.tif", sensor="nonsense")


def test_scenes_survive_the_way_to_another_process(tmp_path):
    tiff(tmp_path / "a_20240501.tif")
    found = scenes(tmp_path, "*.tif")
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301


@pytest.mark.real
def test_a_real_pair(real):
    folder = real("roadside_vhr")
    area = shapely.box(117.21, 34.32, 117.22, 34.33)
    one = source("imagery/*.tif")
    before = one.scenes(area, Period.parse("2012-01-01/2012-12-31"), base=folder)
    after = one.scenes(area, Period.parse("2017-01-01/2017-12-31"), base=folder)
    assert [scene.day for scene in (*before, *after)] == [dt.date(2012, 5, 5), dt.date(2017, 10, 20)]


@pytest.mark.real
def test_ten_real_aerial_dates(real):
    folder = real("naip")
    found = source("*.tif", sensor="naip_rgbn").scenes(
        shapely.box(-180, 0, 0, 90), Period.parse("2000-01-01/2025-01-01"), base=folder
    )
    assert [scene.day.year for scene in found] == [2009, 2010, 2012, 2014, 2015, 2016, 2017, 2018, 2019, 2020]
    assert all(scene.native_pixel_m == pytest.approx(5.0, rel=0.3) for scene in found)
