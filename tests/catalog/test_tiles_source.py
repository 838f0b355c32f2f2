"""Tile services in a configuration: what becomes of it, and what is refused before anything is asked."""

from __future__ import annotations

import datetime as dt
import pickle

import pytest
import shapely
from pydantic import TypeAdapter, ValidationError
from pyproj import Geod

from pipeline.catalog.sources import Source, TilesSource
from pipeline.config import RunConfig
from pipeline.errors import CatalogError, ConfigError, LuyuError
from pipeline.geo.tile_matrix import address, ground_px_m
from pipeline.model.scene import Period, TileService
from pipeline.run.provenance import _scene

KEY = "0123456789abcdef0123456789abcdef"
AREA = shapely.box(117.2, 34.3, 117.3, 34.4)
YEAR = Period.parse("2024-01-01/2024-12-31")
TIANDITU = (
    "https://t{s}.tianditu.gov.cn/img_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=img&STYLE=default"
    "&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}&tk={key}"
)
PLAIN = "https://tiles.example.cn/2024/{z}/{x}/{y}.png"


def source(*urls: str, **more: object) -> TilesSource:
    return TypeAdapter(Source).validate_python(written(*urls, **more))


def written(*urls: str, **more: object) -> dict[str, object]:
    """A source as it stands in a configuration."""
    layers = [{"date": f"2024-{6 + number:02d}-05", "url": url} for number, url in enumerate(urls or (PLAIN,))]
    return {"kind": "tiles", "layers": layers, "zoom": 18, **more}


def tianditu(**more: object) -> TilesSource:
    return source(TIANDITU, key_env="TIANDITU_KEY", subdomains=list("01234567"), **more)


def scenes(found: TilesSource, period: Period = YEAR, **more: object):
    return found.scenes(AREA, period, base=None, **more)


def why(*urls: str, **more: object) -> str:
    """The one sentence with which a source is refused."""
    with pytest.raises(ValidationError) as caught:
        TilesSource.model_validate(written(*urls, **more))
    (fault,) = caught.value.errors()
    assert KEY not in str(caught.value)
    return fault["msg"]


def test_a_layer_becomes_a_scene_of_its_day(monkeypatch):
    monkeypatch.setenv("TIANDITU_KEY", KEY)
    (scene,) = scenes(tianditu(attribution="天地图 GS(2024)0568号", blank_sha256=["AB" * 32], geo_rmse_m=7.5))
    assert scene.scene_id == "tianditu.gov.cn_20240605_z18"
    assert scene.day == dt.date(2024, 6, 5)
    assert list(scene.files) == ["red", "green", "blue"]
    file = scene.files["green"]
    assert (file.band.index, file.access) == (2, "key:TIANDITU_KEY")
    assert file.service.placeholders == frozenset({"ab" * 32})
    assert (file.service.epsg, file.service.zoom, scene.geo_rmse_m) == (3857, 18, 7.5)
    assert scene.credit.startswith("天地图")
    assert scene.footprint_lonlat is None
    assert KEY not in repr(scene)
    assert KEY not in repr(_scene(scene))
    assert KEY.encode() not in pickle.dumps(scene)


def test_addresses_are_those_of_tianditu():
    file = scenes(tianditu())[0].files["red"]
    made = address(file.href, file.service, 216_432, 104_115)
    assert made.startswith("https://t3.tianditu.gov.cn/img_w/wmts?")
    assert made.endswith("TILEMATRIX=18&TILEROW=104115&TILECOL=216432&tk={key}")


@pytest.mark.parametrize(
    ("projection", "more", "side"),
    [("mercator", {}, 0.493), ("cgcs2000", {}, 0.597), ("mercator", {"tile_px": 512}, 0.2466)],
)
def test_pixels_are_measured_on_the_ground(projection, more, side):
    (scene,) = scenes(source(projection=projection, **more))
    assert scene.native_pixel_m == pytest.approx(side, rel=0.005)


def test_a_pixel_of_a_degree_service_agrees_with_the_ellipsoid():
    degrees = 0.703125 / 2**16
    _, _, metres = Geod(ellps="GRS80").inv(117.2, 34.3, 117.2, 34.3 + degrees)
    assert ground_px_m(TileService(17, epsg=4490), 34.3) == pytest.approx(metres, rel=0.005)


def test_layers_of_the_period_in_the_order_of_their_days():
    found = source(PLAIN, PLAIN.replace("2024", "b"), PLAIN.replace("2024", "c"))
    assert [scene.day.month for scene in scenes(found)] == [6, 7, 8]
    assert [s.day.month for s in scenes(found, Period.parse("2024-07-01/2024-07-31"))] == [7]
    with pytest.raises(CatalogError, match=r"no layer of 2023.*2024-06-05, 2024-07-05"):
        scenes(found, Period.parse("2023-01-01/2023-12-31"))


def test_two_layers_of_a_day_keep_two_names():
    layers = [{"date": "2024-06-05", "url": PLAIN}, {"date": "2024-06-05", "url": PLAIN.replace("2024", "east")}]
    found = TypeAdapter(Source).validate_python({"kind": "tiles", "layers": layers, "zoom": 18})
    assert len({scene.scene_id for scene in scenes(found)}) == 2


def test_time_is_filled_in():
    url = "https://wmts.example.cn/{Time}/{z}/{x}/{y}.jpg"
    layers = [{"date": "2024-06-05", "url": url}, {"date": "2024-07-05", "url": url, "time": "2024-Q3"}]
    found = scenes(TypeAdapter(Source).validate_python({"kind": "tiles", "layers": layers, "zoom": 18}))
    assert [scene.files["red"].href.split("/")[3] for scene in found] == ["2024-06-05", "2024-Q3"]


def test_bounds_say_where_there_are_tiles():
    assert scenes(source(bounds=[117.0, 34.0, 117.25, 34.35]))[0].footprint_lonlat.bounds == (
        117.0,
        34.0,
        117.25,
        34.35,
    )
    with pytest.raises(CatalogError, match="does not touch the area"):
        scenes(source(bounds=[110.0, 30.0, 111.0, 31.0]))
    assert "west, south, east, north" in why(bounds=[117.25, 34.0, 117.0, 34.35])


@pytest.mark.parametrize("name", ["tk", "key", "ak", "token", "access_token", "api_key", "sig"])
def test_a_key_in_the_template_is_refused_and_not_repeated(name):
    assert "write {key} in its place" in why(f"{PLAIN}?{name}={KEY}")
    assert "write {key} in its place" in why(PLAIN.replace("https://", f"https://user:{KEY}@"))


def test_a_key_in_place_of_the_variable_s_name_is_refused_and_not_repeated():
    assert "is the key itself" in why(f"{PLAIN}?tk={{key}}", key_env=KEY)
    assert "no name of an environment variable" in why(f"{PLAIN}?tk={{key}}", key_env="a key")


def test_no_message_of_a_configuration_shows_the_key(tmp_path, world):
    text = (world / "run.yaml").read_text(encoding="utf-8")
    head, _, tail = text.partition("source:")
    rest = tail[tail.index("\n") :].lstrip("\n")
    while rest.startswith("    "):
        rest = rest.partition("\n")[2]
    path = world / "spoilt.yaml"
    for more in (
        f"layers: [{{date: 2024-06-05, url: '{PLAIN}?tk={KEY}'}}]",
        f"layers: {{date: x, url: '{PLAIN}?tk={KEY}'}}",
        f"layers: [{{date: 2024-06-05, url: '{PLAIN}?tk={{key}}'}}], key_env: {KEY}",
    ):
        spoilt = f"{head}source: {{kind: tiles, zoom: 18, {more}}}\n{rest}"
        path.write_text(spoilt, encoding="utf-8")
        with pytest.raises(LuyuError, match="environment") as caught:
            RunConfig.load(path)
        path.unlink()
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["webst01.is.autonavi.com", "wprd02.is.autonavi.com", "p2.map.gtimg.com", "rt0.map.gtimg.com", "mt1.google.cn",
     "map.geoq.cn", "t1.dynamic.tiles.ditu.live.com"],
)  # fmt: skip
def test_shifted_pictures_are_refused_unless_that_is_said(host, caplog):
    url = f"https://{host}/a/{{z}}/{{x}}/{{y}}"
    assert "positions are off by some 500 m" in why(url)
    (scene,) = scenes(source(url, datum="gcj02"))
    assert scene.files["red"].service.gcj02
    assert "GCJ-02" in caplog.text


def test_google_is_shifted_in_china_only():
    assert scenes(source("https://mt1.google.com/vt?lyrs=s&x={x}&y={y}&z={z}"))
    assert "GCJ-02" in why("https://mt1.google.com/vt?lyrs=s&x={x}&y={y}&z={z}&gl=CN")


@pytest.mark.parametrize("host", ["maponline0.bdimg.com", "ss0.bdstatic.com", "online1.map.baidu.com"])
def test_baidu_s_lattice_is_not_read(host):
    assert "BD-09" in why(f"https://{host}/a/{{z}}/{{x}}/{{y}}", datum="gcj02")


@pytest.mark.parametrize(
    ("url", "more", "says"),
    [
        ("https://tiles.example.cn/{z}/{x}.png", {}, "has no {y}"),
        ("https://tiles.example.cn/a.png", {}, "has no {z} and no {x} and no {y}"),
        ("https://tiles.example.cn/{Style}/{z}/{x}/{y}.png", {}, "{Style} is not known"),
        ("https://t{s}.example.cn/{z}/{x}/{y}.png", {}, "names no subdomains"),
        (f"{PLAIN}?tk={{key}}", {}, "names no key_env"),
        (PLAIN, {"key_env": "TIANDITU_KEY"}, "has no {key}"),
        ("https://{key}.example.cn/{z}/{x}/{y}.png", {"key_env": "K"}, "only {s} may stand"),
        ("https://tiles.example.cn/{z}/{x}/{-y}.png", {"scheme": "tms"}, "counts from the south already"),
        ("http://tiles.example.cn/{z}/{x}/{y}.png", {}, "not https"),
        ("https://127.0.0.1/{z}/{x}/{y}.png", {}, "asset_hosts"),
        ("https://{s}/{z}/{x}/{y}.png", {"subdomains": ["tiles.example.cn", "10.0.0.1"]}, "asset_hosts"),
        ("/vsicurl/https://tiles.example.cn/{z}/{x}/{y}.png", {}, "no http"),
        ("file:///tiles/{z}/{x}/{y}.png", {}, "no http"),
        (PLAIN, {"datum": "gcj02", "projection": "cgcs2000"}, "goes with projection: mercator"),
        (PLAIN, {"blank_sha256": ["abc"]}, "sha256sum"),
        (PLAIN, {"zoom": 0}, "greater than or equal to 1"),
        (PLAIN, {"zoom": 23}, "less than or equal to 22"),
        (PLAIN, {"tile_px": 100}, "256 or 512"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(url, more, says):
    assert says in why(url, **more)


def test_hosts_of_one_s_own_must_be_listed():
    url = "http://127.0.0.1:8080/{z}/{x}/{y}.png"
    assert scenes(source(url, asset_hosts=["127.0.0.1"]))


def test_quadkeys():
    assert scenes(source("https://tiles.example.cn/a{q}.jpeg"))


def test_sensors_that_no_picture_can_have():
    with pytest.raises(ConfigError, match="pictures of 8 bit"):
        scenes(source(sensor="sentinel2_l2a"))
