import datetime as dt

import pytest
import shapely

from pipeline.catalog.archive import unpack_needed
from pipeline.catalog.sources import FilesSource
from pipeline.errors import ConfigError, LuyuError, Problems
from pipeline.imagery.reader import RasterioReader
from pipeline.model.grid import Grid
from pipeline.model.scene import Period
from tests.catalog.deliveries import GF2, gf2_folder, gf7_xml, gf_xml, jilin_xml, map_tiff, packed, raw_tiff
from tests.rpc_camera import LAT, LON, camera

AREA = shapely.box(LON - 0.001, LAT - 0.001, LON + 0.001, LAT + 0.001)
YEAR = Period.parse("2024-01-01/2024-12-31")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LUYU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "deliveries"


def scenes(base, *entries, sensor="gf2_pms", period=YEAR, area=AREA, **more):
    source = FilesSource.model_validate({"sensor": sensor, "scenes": list(entries), **more})
    return source.scenes(area, period, base=base)


def test_an_archive_is_planned_without_unpacking_and_read_after(tmp_path, cache):
    packed(gf2_folder(tmp_path / "d"), tmp_path / "in" / f"{GF2}.tar.gz", nested=f"{GF2}/")
    (found,) = scenes(tmp_path, "in/*.tar.gz")
    assert found.scene_id == GF2
    assert found.day == dt.date(2024, 6, 5)
    assert list(found.files) == ["blue", "green", "red", "nir", "pan"]
    assert found.files["nir"].href.endswith(f"{GF2}/{GF2}-MSS1.tiff")
    assert found.files["nir"].band.index == 4
    assert found.files["pan"].href.endswith("-PAN1.tiff")
    assert found.files["red"].ortho.dem is None
    assert found.files["red"].ortho.height_m == 50.0
    assert (found.sensor, found.nodata, found.cloud_percent) == ("gf2_pms", 0, 3.0)
    assert found.off_nadir_deg == pytest.approx(12.9, abs=0.02)
    assert found.sun_elevation_deg == pytest.approx(74.6)
    assert found.native_pixel_m == pytest.approx(4.0, rel=0.03)
    assert not list(cache.glob("*/*.tiff"))
    assert len(unpack_needed([file.href for file in found.files.values()])) == 1
    grid = Grid(epsg=4548, west_m=520_050, north_m=3_799_950, pixel_m=4.0, rows=20, cols=20)
    reader = RasterioReader()
    red = reader.read(found.files["red"], grid, nodata=found.nodata)
    assert ((red >= 100) & (red < 900)).all()
    again = scenes(tmp_path, "in/*.tar.gz")
    assert again == (found,)


@pytest.mark.parametrize("form", ["folder", "nested folder", "file", "glob of files", ".tar", ".tar.xz", ".zip"])
def test_every_form_of_a_delivery_is_one_scene(tmp_path, form):
    folder = gf2_folder(tmp_path / "in" / "deep" / GF2)
    entry = {"folder": f"in/deep/{GF2}", "nested folder": "in", "glob of files": "in/*/*/*.tiff"}.get(form)
    if form == "file":
        entry = f"in/deep/{GF2}/{GF2}-MSS1.tiff"
    if entry is None:
        entry = packed(folder, tmp_path / f"{GF2}{form}").name
    (found,) = scenes(tmp_path, entry)
    assert (found.scene_id, found.day, set(found.files)) == (
        GF2,
        dt.date(2024, 6, 5),
        {"blue", "green", "red", "nir", "pan"},
    )


def test_raw_images_tell_how_far_off_they_may_be(tmp_path):
    gf2_folder(tmp_path / "d")
    (flat,) = scenes(tmp_path, "d")
    # 50 m of the satellite's position, and of a plane 0.3 * 4 m a metre of height, over 100 m / sqrt(3).
    assert flat.geo_rmse_m == pytest.approx((50.0**2 + (0.3 * 100 / 3**0.5) ** 2) ** 0.5, rel=0.05)
    map_tiff(tmp_path / "dem.tif", 1, pixel_m=100.0, dtype="int16")
    (hilly,) = scenes(tmp_path, "d", dem="dem.tif", geoid_m=-4.5)
    assert hilly.geo_rmse_m == 50.0
    ortho = hilly.files["red"].ortho
    assert (ortho.dem, ortho.geoid_m) == (str(tmp_path / "dem.tif"), -4.5)
    assert scenes(tmp_path, "d", geo_rmse_m=7.5)[0].geo_rmse_m == 7.5
    # The footprint is wider by that, so that no tile is missed that the image may show.
    assert flat.footprint_lonlat.contains(hilly.footprint_lonlat)
    map_tiff(tmp_path / "small.tif", 1, pixel_m=1.0, dtype="int16")
    with pytest.raises(Problems, match="does not cover"):
        scenes(tmp_path, "d", dem="small.tif")


def test_levels_on_a_map_without_control_keep_the_large_error(tmp_path):
    for level, error_m in (("LEVEL2A", 50.0), ("LEVEL4A", 2.0)):
        folder = tmp_path / level
        for suffix, bands in (("MSS1", 4), ("PAN1", 1)):
            map_tiff(folder / f"{GF2}-{suffix}.tiff", bands)
            (folder / f"{GF2}-{suffix}.xml").write_text(gf_xml(ProductLevel=level))
        (found,) = scenes(tmp_path, level)
        assert found.geo_rmse_m == error_m
        assert found.files["red"].ortho is None


SENSORS = [
    ("gf1_pms", "GF1_PMS2_E117.2_N34.3_20240605_L1A0001234567", ("MSS2", "PAN2"), None),
    ("gf1_pms", "GF1B_PMS_E117.2_N34.3_20240605_L1A1228000000", ("MUX", "PAN"), None),
    ("gf2_pms", "GF2_PMS2_E117.2_N34.3_20240605_L1A14721219001", ("MSS2", "PAN2"), None),
    ("gf6_pms", "GF6_PMS_E117.2_N34.3_20240605_L1A1120000000", ("MUX", "PAN"), None),
    ("gf7_pms", "GF7_DLC_E117.2_N34.3_20240605_L1A0000123456", ("BWDMUX", "BWDPAN"), gf7_xml()),
    ("superview1", "SV1-01_20240605_L1B0000169008_1109170084002_01", ("MUX", "PAN"), gf_xml(SatelliteID="SV1-01")),
    ("superview1", "SV1-02_20240605_L1B0000169008_1109170084002_01", ("MUX1", "PAN1"), gf_xml(SatelliteID="SV1-02")),
]


@pytest.mark.parametrize(("sensor", "name", "suffixes", "xml"), SENSORS)
def test_names_of_the_makers(tmp_path, sensor, name, suffixes, xml):
    folder = gf2_folder(tmp_path / "d", name, suffixes=suffixes, xml=xml)
    if sensor == "gf7_pms":
        raw_tiff(folder / f"{name}-FWDPAN.tiff", 1, camera())
    packed(folder, tmp_path / f"{name}.tar.gz")
    (found,) = scenes(tmp_path, f"{name}.tar.gz", sensor=sensor)
    assert (found.scene_id, found.day) == (name, dt.date(2024, 6, 5))
    assert set(found.files) == {"blue", "green", "red", "nir", "pan"}
    assert found.geo_rmse_m >= 20.0
    assert "FWD" not in "".join(file.href for file in found.files.values())


def test_jilin(tmp_path):
    name = "JL1GF02A_PMS1_20240605073012_200166837_102_0025_001_L1"
    for suffix, bands in (("MSS", 4), ("PAN", 1)):
        raw_tiff(tmp_path / "d" / f"{name}_{suffix}.tif", bands, camera(), text="_rpc.txt")
        (tmp_path / "d" / f"{name}_{suffix}_meta.xml").write_text(jilin_xml())
    packed(tmp_path / "d", tmp_path / f"{name}.tar.gz")
    (found,) = scenes(tmp_path, f"{name}.tar.gz", sensor="jilin1_pms")
    assert (found.scene_id, found.day, found.off_nadir_deg) == (name, dt.date(2024, 6, 5), 20.0)
    assert found.geo_rmse_m > 200
    assert found.files["red"].ortho.height_m == 50.0


def test_the_xml_wins_over_the_name_and_the_entry_over_both(tmp_path):
    gf2_folder(tmp_path / "d", xml=gf_xml(CenterTime="2024-06-04T18:00:00Z"))
    assert scenes(tmp_path, "d")[0].day == dt.date(2024, 6, 5)
    gf2_folder(tmp_path / "d", xml=gf_xml(CenterTime="2024-06-09 11:00:00"))
    assert scenes(tmp_path, "d")[0].scene_id == f"{GF2}_20240609"
    assert scenes(tmp_path, {"path": "d", "date": "2024-07-01"})[0].day == dt.date(2024, 7, 1)


def test_what_is_missing_or_wrong_is_said(tmp_path):
    folder = gf2_folder(tmp_path / "d")
    (folder / f"{GF2}-PAN1.tiff").unlink()
    assert "pan" not in scenes(tmp_path, "d")[0].files  # colours alone are enough
    (folder / f"{GF2}-MSS1.rpb").unlink()
    with pytest.raises(Problems, match=r"ask for its polynomials \(\.rpb"):
        scenes(tmp_path, "d")
    (folder / f"{GF2}-MSS1.tiff").rename(folder / f"{GF2}-PAN1.tiff")
    with pytest.raises(Problems, match=r"lacks the file of band 'blue' .*ask for the whole delivery"):
        scenes(tmp_path, "d")
    (folder / f"{GF2}-PAN1.tiff").rename(folder / "scene.tiff")
    with pytest.raises(Problems, match=r"scene\.tiff: its name ends like none of the files .* fused product"):
        scenes(tmp_path, "d")
    (folder / "scene.tiff").unlink()
    with pytest.raises(Problems, match="holds no TIFF image"):
        scenes(tmp_path, "d")


def test_a_raw_image_needs_a_profile_that_knows_its_error(tmp_path):
    raw_tiff(tmp_path / "a_20240605.tif", 3, camera(), dtype="uint8")
    with pytest.raises(Problems, match="does not tell how far off those are"):
        scenes(tmp_path, "a_20240605.tif", sensor="rgb_vhr")
    assert scenes(tmp_path, "a_20240605.tif", sensor="jilin1_rgb")[0].geo_rmse_m > 200


def test_wrong_archives_are_told_together(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"nothing")
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(Problems) as caught:
        scenes(tmp_path, "a.tar.gz", "b.zip")
    assert len(caught.value.problems) == 2


def test_the_type_is_checked_before_unpacking(tmp_path, cache):
    for suffix, bands in (("MSS1", 4), ("PAN1", 1)):
        map_tiff(tmp_path / "d" / f"{GF2}-{suffix}.tiff", bands, dtype="uint8")
    packed(tmp_path / "d", tmp_path / "a.zip")
    with pytest.raises(Problems, match="holds uint8, but sensor 'gf2_pms' describes uint16"):
        scenes(tmp_path, "a.zip")
    assert not list(cache.glob("*/*.tiff"))


def test_planetscope_with_its_mask_and_by_number_of_bands(tmp_path):
    start = "20240605_023012_12_24aa_3B"
    map_tiff(tmp_path / f"{start}_AnalyticMS_SR_8b_clip.tif", 8)
    map_tiff(tmp_path / f"{start}_udm2_clip.tif", 8, dtype="uint8")
    map_tiff(tmp_path / "20240606_023012_12_24aa_3B_AnalyticMS_SR.tif", 4)
    eight, four = scenes(tmp_path, "*.tif", sensor="planetscope_sr")
    assert {name: file.band.index for name, file in eight.files.items()} | {"nir": 8, "red": 6} == {
        "coastal": 1, "blue": 2, "green": 4, "yellow": 5, "red": 6, "rededge": 7, "nir": 8,
    }  # fmt: skip
    assert eight.sensor == "planetscope_sr_8b"
    assert eight.mask.href.endswith("_udm2_clip.tif")
    assert (eight.mask.band.index, eight.mask_bad) == (1, frozenset({0}))
    assert {name: file.band.index for name, file in four.files.items()} == {"blue": 1, "green": 2, "red": 3, "nir": 4}
    assert four.mask is None
    assert four.mask_bad == frozenset()


def test_landsat(tmp_path):
    start = "LC08_L2SP_122036_20240605_20240612_02_T1"
    for band in ("SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "QA_PIXEL", "ST_B10"):
        map_tiff(tmp_path / "d" / f"{start}_{band}.TIF", 1)
    packed(tmp_path / "d", tmp_path / f"{start}.tar")
    (found,) = scenes(tmp_path, f"{start}.tar", sensor="landsat89_c2_l2")
    assert (found.scene_id, found.day) == (start, dt.date(2024, 6, 5))
    assert {name: file.href[-9:] for name, file in found.files.items()} == {
        "blue": "SR_B2.TIF", "green": "SR_B3.TIF", "red": "SR_B4.TIF", "nir": "SR_B5.TIF",
    }  # fmt: skip
    assert (found.files["red"].band.scale, found.files["red"].band.offset) == (2.75e-5, -0.2)
    assert found.mask.href.endswith("QA_PIXEL.TIF")
    assert found.mask_bits == 0b111111


S2 = "S2B_MSIL2A_20240605T023549_N0510_R089_T50SMD_20240605T051234"


def s2_bands(folder, stem="T50SMD_20240605T023549", tags=None):
    for band in ("B02", "B03", "B04", "B08"):
        map_tiff(folder / f"{stem}_{band}_10m.tif", 1, tags=tags)


@pytest.mark.parametrize(
    ("folder", "stem", "xml", "tags", "more", "offset"),
    [
        (f"{S2}.SAFE", "T50SMD_20240605T023549", None, None, {}, -0.1),
        (S2.replace("N0510", "N0301") + ".SAFE", "T50SMD_20240605T023549", None, None, {}, 0.0),
        ("S2B_MSIL2A_20190605T023549_N0500_R089_T50SMD_20230605T051234", "T50SMD_20190605T023549", None, None, {}, -0.1),
        ("plain", "T50SMD_20240605T023549", None, None, {}, -0.1),
        ("plain", "T50SMD_20190605T023549", None, None, {}, 0.0),
        ("plain", "T50SMD_20190605T023549", "05.00", None, {}, -0.1),
        ("plain", "T50SMD_20220605T023549", "03.01", None, {}, 0.0),
        ("plain", "T50SMD_20190605T023549", None, {"PROCESSING_BASELINE": "05.00"}, {}, -0.1),
        ("plain", "T50SMD_20240605T023549", None, {"BOA_OFFSET_APPLIED": "True"}, {}, 0.0),
        (f"{S2}.SAFE", "T50SMD_20240605T023549", None, None, {"harmonised": True}, 0.0),
        ("plain", "T50SMD_20190605T023549", None, None, {"harmonised": False}, -0.1),
    ],
)  # fmt: skip
def test_sentinels_offset_is_applied_once(tmp_path, folder, stem, xml, tags, more, offset):
    s2_bands(tmp_path / folder / "GRANULE" / "IMG_DATA", stem, tags)
    if xml:
        text = f"<n1:Level-2A_User_Product><PROCESSING_BASELINE>{xml}</PROCESSING_BASELINE></n1:Level-2A_User_Product>"
        (tmp_path / folder / "MTD_MSIL2A.xml").write_text(text)
    period = Period.parse("2018-01-01/2024-12-31")
    (found,) = scenes(tmp_path, folder, sensor="sentinel2_l2a_bands", period=period, **more)
    assert {file.band.offset for file in found.files.values()} == {offset}
    assert {file.band.scale for file in found.files.values()} == {1e-4}


def test_a_safe_of_jpeg_2000_is_told_to_be_converted(tmp_path):
    (tmp_path / f"{S2}.SAFE" / "IMG_DATA").mkdir(parents=True)
    (tmp_path / f"{S2}.SAFE" / "IMG_DATA" / "B04.jp2").write_bytes(b"")
    with pytest.raises(Problems, match="JPEG 2000, which is not read; convert"):
        scenes(tmp_path, f"{S2}.SAFE", sensor="sentinel2_l2a_bands")


@pytest.mark.real
def test_real_bands_of_sentinel(real):
    folder = real("oscd")
    entry = {"path": str(folder / "beirut" / "imgs_1"), "date": "2015-08-20"}
    (found,) = scenes(
        folder, entry, sensor="sentinel2_l1c_bands", area=shapely.box(-180, -90, 180, 90),
        period=Period.parse("2015-01-01/2015-12-31"),
    )  # fmt: skip
    assert set(found.files) == {"blue", "green", "red", "nir", "swir16", "swir22"}
    assert found.files["red"].band.offset == 0.0


def test_https_and_other_addresses(tmp_path):
    with pytest.raises(Problems, match="neither a path nor an s3:// or https:// address"):
        scenes(tmp_path, "ftp://host/a.tif")


def test_date_and_dates_together_are_refused():
    with pytest.raises(ValueError, match="has date and dates"):
        FilesSource.model_validate(
            {"sensor": "rgb_vhr", "scenes": [{"path": "a", "date": "2024-01-01", "dates": "2024-01-01/2024-02-01"}]}
        )
    assert issubclass(ConfigError, LuyuError)
