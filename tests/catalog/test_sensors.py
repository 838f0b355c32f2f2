import pytest

from pipeline.catalog.sensors import known, profile, sensor
from pipeline.errors import ConfigError, Problems
from pipeline.model.shipped import shipped

GOOD = """\
name: mine
title: {zh: 我的, en: Mine}
bands:
  - {name: red, index: 2}
  - {name: nir, index: 1, scale: 0.5, offset: -1}
scale: 0.001
geo_rmse_m: 3
notes: ours
"""


NAMES = sorted(path.stem for path in shipped("sensors").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_shipped_profiles_are_whole(name):
    found = profile(name)
    assert {"red", "green", "blue"} <= {band.name for band in found.bands}
    assert found.dtype is not None
    brightest = {"uint8": 255, "uint16": 65535}[found.dtype]
    assert 0.9 <= brightest * found.scale + found.offset < 65
    assert found.native_pixel_m is not None
    assert len(found.notes) > 80
    assert found.title.zh != found.title.en
    assert found.sources
    assert all(len(source) > 20 for source in found.sources)
    assert (found.calibration == "display") == (found.dtype == "uint8")
    assert all(other in NAMES for other in found.by_band_count.values())


def test_raw_images_are_worse_than_controlled_ones():
    for name in NAMES:
        found = profile(name)
        made_in_china = name.startswith(("gf", "jilin", "superview"))
        assert (found.raw_rmse_m is not None) == made_in_china
        assert found.raw_rmse_m is None or found.raw_rmse_m >= 5 * found.geo_rmse_m


def test_the_expected_profiles_are_shipped():
    expected = {"rgb_vhr", "rgbn_vhr_8bit", "simulated_vhr", "naip_rgbn", "jilin1_rgb", "dom_rgb", "dom_rgbn"}
    for name in ("gf1_pms", "gf2_pms", "gf6_pms", "gf7_pms", "jilin1_pms"):
        expected |= {name, f"{name}_fused"}
    expected |= {"superview1", "superview1_fused", "superview_neo", "superview_neo_fused"}
    expected |= {"planetscope_sr", "planetscope_sr_8b", "landsat89_c2_l2", "landsat457_c2_l2"}
    assert expected | {"sentinel2_l2a", "sentinel2_l2a_bands", "sentinel2_l1c_bands"} <= set(known())


def test_bands_of_several_files(tmp_path):
    text = GOOD.replace("index: 2}", "index: 1, file: '_B4'}")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    found = profile("mine", [tmp_path])
    assert found.files == ("_B4", "")
    assert [band.name for band in found.in_file("_B4")] == ["red"]


def test_without_offset():
    assert profile("sentinel2_l2a").sensor(with_offset=False).band("red").offset == 0.0
    assert profile("sentinel2_l2a").sensor().band("red").offset == -0.1


def test_a_band_may_have_its_own_scale(tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD, encoding="utf-8")
    found = sensor("mine", [tmp_path])
    assert (found.band("red").index, found.band("red").scale, found.band("red").offset) == (2, 0.001, 0.0)
    assert (found.band("nir").scale, found.band("nir").offset) == (0.5, -1.0)
    assert found.nodata is None


def test_own_profiles_win_over_shipped_ones(tmp_path):
    text = GOOD.replace("name: mine", "name: rgb_vhr", 1)
    (tmp_path / "rgb_vhr.yaml").write_text(text, encoding="utf-8")
    assert sensor("rgb_vhr", [tmp_path]).geo_rmse_m == 3.0
    assert sensor("rgb_vhr").geo_rmse_m == 1.0


def test_unknown_names_get_a_hint():
    with pytest.raises(ConfigError, match="did you mean 'rgb_vhr'"):
        sensor("rgb_vrh")
    with pytest.raises(ConfigError, match=r"known: .*gf2_pms_fused.*rgb_vhr"):
        sensor("zzz")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("geo_rmse_m: 3", "geo_rms_m: 3", "mine.yaml:7: geo_rms_m: unknown key; did you mean 'geo_rmse_m'?"),
        ("index: 2}", "index: 0}", "mine.yaml:4: bands.0.index: Input should be greater than or equal to 1"),
        ("index: 2}", "index: 2, colour: x}", "mine.yaml:4: bands.0.colour: unknown key"),
        ("index: 2}", "index: 1}", "band index 1 stands twice"),
        ("name: mine", "name: other", "mine.yaml:1: name is 'other', the file's 'mine'"),
        ("scale: 0.001", "scale: -1", "mine.yaml:6: scale"),
        ("name: mine", "name: [mine", "not valid YAML"),
        ("index: 2}", "index: 2, file: '[a'}", "mine.yaml:4: bands.0.file: '[a' is no pattern"),
        ("notes: ours", "notes: ours\nmask: {file: _QA}", "neither bad values nor bits"),
        ("notes: ours", "notes: ours\nmask: {file: _QA, bats: [1]}", "mask.bats: unknown key; did you mean 'bits'?"),
        ("notes: ours", "notes: ours\ncalibration: good", "mine.yaml:9: calibration: Input should be 'reflectance'"),
        ("notes: ours", "notes: ours\nraw_rmse_m: -1", "mine.yaml:9: raw_rmse_m"),
    ],
)
def test_faults_name_file_line_and_key(tmp_path, old, new, said):
    (tmp_path / "mine.yaml").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises((ConfigError, Problems)) as caught:
        sensor("mine", [tmp_path])
    assert said in str(caught.value)
