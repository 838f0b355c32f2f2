"""Basemaps as a configuration names them: what is refused, and that no key is kept."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline.errors import ConfigError
from pipeline.maps.basemap_options import Basemap, resolved

ANY = TypeAdapter(Basemap)
KEY = "0123456789abcdef0123456789abcdef"
URL = "https://tiles.example.cn/{z}/{x}/{y}.png"


def basemap(**given):
    return ANY.validate_python(given)


def xyz(url=URL, **given):
    return basemap(kind="xyz", name="单位影像", url=url, **given)


def refusal(**given) -> str:
    with pytest.raises(ValidationError) as caught:
        basemap(**given)
    return "; ".join(f"{fault['loc']} {fault['msg']}" for fault in caught.value.errors())  # what a run's check tells


def refused(url=URL, **given) -> str:
    return refusal(kind="xyz", name="单位影像", url=url, **given)


def test_tianditu_in_the_web_mercator_matrix_with_its_names_on_top():
    lower, upper = basemap(kind="tianditu", layer="vec").templates
    assert lower.startswith("https://t{s}.tianditu.gov.cn/vec_w/wmts?")
    assert "LAYER=cva&" in upper
    assert "TILEMATRIXSET=w" in upper
    assert upper.endswith("tk={key}")
    assert len(basemap(kind="tianditu", layer="ter", labels=False).templates) == 1


def test_a_plain_service_and_one_on_the_own_machine():
    assert xyz().templates == (URL,)
    assert not xyz().needs_key
    assert xyz("https://s.example.cn/wmts?m={TileMatrix}&r={TileRow}&c={TileCol}&k={key}").needs_key
    assert xyz("http://127.0.0.1:8080/{z}/{x}/{y}.png").templates
    assert xyz("https://m{s}.example.cn/{q}.webp", subdomains=["0", "1"]).subdomains == ("0", "1")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://tiles.example.cn/{z}/{x}/{row}.png", "{row} is not known"),
        ("https://tiles.example.cn/{z}/{x}/{y}.png?t={Time}", "{Time} is not known"),
        ("https://tiles.example.cn/{z}/{x}.png", "has no {y}"),
        ("https://t{s}.example.cn/{z}/{x}/{y}.png", "no subdomains"),
        ("https://{z}.example.cn/{z}/{x}/{y}.png", "host"),
        ("http://tiles.example.cn/{z}/{x}/{y}.png", "not https"),
        ("http://10.1.2.3/{z}/{x}/{y}.png", "not https"),
        ("ftp://tiles.example.cn/{z}/{x}/{y}.png", "no https address"),
        ("javascript:alert(1)//{z}/{x}/{y}", "no https address"),
        ("//tiles.example.cn/{z}/{x}/{y}.png", "no https address"),
        ("https://[bad/{z}/{x}/{y}.png", "is no address"),
        ("https://tiles.example.cn:port/{z}/{x}/{y}.png", "is no address"),
        ("https://tiles.example.cn/{z}/{x}/{y}.png ", "blank"),
        ("https://good.cn\\@evil.cn/{z}/{x}/{y}.png", "user and password"),
        ("https://good.cn\\{z}/{x}/{y}.png", "backslash"),
        ("https://a.cn;script-src/{z}/{x}/{y}.png", "ASCII"),
        ("https://ａｍａｐ.com/{z}/{x}/{y}.png", "ASCII"),
        ("https://user:secret@tiles.example.cn/{z}/{x}/{y}.png", "user and password"),
    ],
)
def test_an_address_that_a_page_cannot_ask(url, said):
    assert said in refused(url)


@pytest.mark.parametrize(
    "host",
    [
        "webrd01.is.autonavi.com", "WPRD01.IS.AUTONAVI.COM.", "map.amap.com", "rt0.map.gtimg.com", "p0.map.qq.com",
        "www.google.cn",
    ],
)  # fmt: skip
def test_shifted_services_only_with_the_shift_declared(host):
    url = f"https://{host}/{{z}}/{{x}}/{{y}}.png"
    assert "GCJ-02" in refused(url)
    assert "needs shift: true" in refused(url, datum="gcj02")
    assert "goes with datum: gcj02" in refused(url, shift=True)
    assert xyz(url, datum="gcj02", shift=True).shift


def test_google_with_gl_cn_and_hosts_behind_subdomains():
    assert "GCJ-02" in refused("https://mt0.google.com/vt?gl=cn&x={x}&y={y}&z={z}")
    assert "GCJ-02" in refused("https://w{s}.is.autonavi.com/t?x={x}&y={y}&z={z}", subdomains=["01"])


@pytest.mark.parametrize("more", [{}, {"datum": "gcj02", "shift": True}])
@pytest.mark.parametrize("host", ["maponline0.bdimg.com", "online1.map.baidu.com"])
def test_baidu_is_always_refused(host, more):
    assert "BD-09" in refused(f"https://{host}/{{z}}/{{x}}/{{y}}.png", **more)


def test_a_key_in_the_address_is_refused_and_not_repeated():
    said = refused(f"https://tiles.example.cn/{{z}}/{{x}}/{{y}}.png?tk={KEY}", min_zoom="no number", strange=1)
    assert "a key is written into the address (tk=…)" in said
    assert KEY not in said
    for given in ({"kind": "tianditu"}, {"kind": "xyz", "name": "x", "url": URL + "?k={key}"}):
        said = refusal(**given, key_env=KEY)
        assert "is the key itself" in said
        assert KEY not in said


def test_keys_by_name_only():
    assert "has no {key}" in refused(URL, key_env="TILES_KEY")
    assert "needs key_env" in refused(URL + "?k={key}", key_in_page=True)
    assert "no name of an environment variable" in refused(URL + "?k={key}", key_env="my key")
    kept = xyz(URL + "?k={key}", key_env="TILES_KEY", key_in_page=True)
    assert kept.model_dump()["key_env"] == "TILES_KEY"


def test_a_dump_holds_no_key(monkeypatch):
    monkeypatch.setenv("TIANDITU_KEY", KEY)
    for key_in_page in (False, True):
        text = basemap(kind="tianditu", key_env="TIANDITU_KEY", key_in_page=key_in_page).model_dump_json()
        assert KEY not in text
        assert ANY.validate_json(text).model_dump_json() == text


def test_levels_and_subdomains():
    assert "deeper than max_zoom" in refused(min_zoom=12, max_zoom=10)
    assert "subdomains" in refused("https://t{s}.example.cn/{z}/{x}/{y}.png", subdomains=["0.evil.cn/"])
    assert "labels" in refusal(kind="tianditu", labels="what")


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("folder", "tiles", "is no folder"),
        ("mbtiles", "a.mbtiles", "is no file"),
        ("pmtiles", "a.pmtiles", "is no file"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(tmp_path, kind, name, said):
    with pytest.raises(ConfigError, match=f"底图.*{said}; give"):
        resolved(basemap(kind=kind, name="底图", path=name), tmp_path)


def test_paths_are_relative_to_the_configuration(tmp_path):
    (tmp_path / "tiles" / "3").mkdir(parents=True)
    given = basemap(kind="folder", name="底图", path="tiles")
    assert resolved(given, tmp_path).path == tmp_path / "tiles"
    assert resolved(xyz(), tmp_path) == xyz()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no levels; tiles lie in it as"):
        resolved(basemap(kind="folder", name="x", path="empty"), Path(tmp_path))
