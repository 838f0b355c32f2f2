import datetime as dt
import json
import pickle
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pystac
import pytest
import shapely
from pydantic import TypeAdapter, ValidationError

from pipeline.catalog import fetch
from pipeline.catalog.sources import Source, StacSource
from pipeline.errors import CatalogError, LuyuError
from pipeline.model.scene import Period

AREA = shapely.box(117.2, 34.3, 117.3, 34.4)
YEAR = Period.parse("2024-01-01/2024-12-31")
BANDS = [
    {
        "name": "red",
        "eo:common_name": "red",
        "raster:scale": 1e-4,
        "raster:offset": 0.0,
        "nodata": 0,
        "data_type": "uint16",
    },
    {
        "name": "nir",
        "eo:common_name": "nir",
        "raster:scale": 2e-4,
        "raster:offset": -0.1,
        "nodata": 0,
        "data_type": "uint16",
    },
]


def item(name, moment="2024-05-01T02:30:00Z", area=AREA, properties=None, assets=None):
    made = pystac.Item(
        name,
        shapely.geometry.mapping(area),
        list(area.bounds),
        dt.datetime.fromisoformat(moment),
        {
            "luyu:geo_rmse_m": 0.7,
            "view:sun_azimuth": 150.0,
            "view:sun_elevation": 55.0,
            "gsd": 0.5,
            **(properties or {}),
        },
    )
    for key, asset in (assets or {"image": image(), "mask": mask()}).items():
        made.add_asset(key, asset)
    return made


def image(href="./image.tif", bands=None, **more):
    extra = {"bands": BANDS if bands is None else bands, **more}
    return pystac.Asset(href, media_type=pystac.MediaType.COG, roles=["data"], extra_fields=extra)


def mask(href="./mask.tif"):
    return pystac.Asset(href, media_type=pystac.MediaType.COG, roles=["data-mask"])


def written(folder, *items, collection="demo-vhr"):
    """A self-contained catalogue of one collection; returns the path of catalog.json."""
    root = pystac.Catalog("root", "test")
    one = pystac.Collection(
        collection,
        "test",
        pystac.Extent(pystac.SpatialExtent([[-180, -90, 180, 90]]), pystac.TemporalExtent([[None, None]])),
    )
    root.add_child(one)
    one.add_items(items)
    one.update_extent_from_items()
    root.normalize_and_save(str(folder), pystac.CatalogType.SELF_CONTAINED)
    return folder / "catalog.json"


def scenes(url, period=YEAR, area=AREA, base=None, **options):
    return StacSource(url=str(url), **options).scenes(area, period, base=base or url.parent)


def test_an_item_becomes_a_scene(tmp_path):
    url = written(tmp_path, item("s1"))
    (scene,) = scenes(url)
    assert scene.scene_id == "s1"
    assert scene.day == dt.date(2024, 5, 1)
    folder = tmp_path / "demo-vhr" / "s1"
    assert {name: one.href for name, one in scene.files.items()} == dict.fromkeys(
        ("red", "nir"), str(folder / "image.tif")
    )
    red, nir = scene.files["red"].band, scene.files["nir"].band
    assert (red.index, red.scale, red.offset) == (1, 1e-4, 0.0)
    assert (nir.index, nir.scale, nir.offset) == (2, 2e-4, -0.1)
    assert scene.nodata == 0.0
    assert (scene.mask.href, scene.mask.band.index) == (str(folder / "mask.tif"), 1)
    assert scene.mask_bad == frozenset(range(1, 256))
    assert (scene.sun_azimuth_deg, scene.sun_elevation_deg) == (150.0, 55.0)
    assert (scene.geo_rmse_m, scene.native_pixel_m, scene.bytes_per_px) == (0.7, 0.5, 2.0)
    assert scene.footprint_lonlat.equals(AREA)
    assert pickle.loads(pickle.dumps(scene)).files == scene.files  # noqa: S301


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2024-01-01T17:30:00Z", dt.date(2024, 1, 2)),
        ("2024-01-01T15:59:59Z", dt.date(2024, 1, 1)),
        ("2024-01-01T23:00:00+08:00", dt.date(2024, 1, 1)),
    ],
)
def test_days_are_those_of_china(tmp_path, moment, day):
    (scene,) = scenes(written(tmp_path, item("s", moment)))
    assert scene.day == day


def test_new_year_in_utc_belongs_to_the_local_year(tmp_path):
    url = written(tmp_path, item("s", "2023-12-31T17:30:00Z"))
    assert scenes(url)[0].day == dt.date(2024, 1, 1)


def test_sorted_by_day_then_id_and_cut_to_period_and_area(tmp_path):
    far = shapely.box(110, 30, 111, 31)
    items = [
        item("b"),
        item("a"),
        item("z", "2024-04-01T02:00:00Z"),
        item("far", area=far),
        item("old", "2020-01-01T02:00:00Z"),
    ]
    found = scenes(written(tmp_path, *items))
    assert [scene.scene_id for scene in found] == ["z", "a", "b"]


def test_cloudy_scenes_are_left_out_on_demand(tmp_path):
    url = written(
        tmp_path, item("clear", properties={"eo:cloud_cover": 5}), item("cloudy", properties={"eo:cloud_cover": 80})
    )
    assert len(scenes(url)) == 2
    assert [scene.scene_id for scene in scenes(url, max_cloud_percent=20)] == ["clear"]
    with pytest.raises(CatalogError, match="cloudier than 1 %"):
        scenes(url, max_cloud_percent=1)


def test_nothing_in_the_period_says_what_there_is(tmp_path):
    url = written(tmp_path, item("a", "2023-05-01T02:00:00Z"), item("b", "2023-10-01T02:00:00Z"))
    with pytest.raises(
        CatalogError, match=r"has no items in 2024-01-01/2024-12-31; it has items from 2023-05-01 to 2023-10-01"
    ):
        scenes(url)
    with pytest.raises(CatalogError, match="has no items of 2023-01-01/2023-12-31 near the area"):
        scenes(url, period=Period.parse("2023-01-01/2023-12-31"), area=shapely.box(0, 0, 1, 1))


def test_collections_elsewhere_are_not_opened(tmp_path, monkeypatch):
    root = written(tmp_path, item("s1"))
    other = written(tmp_path / "other", item("s2", "2019-05-01T02:00:00Z"), collection="old")
    data = json.loads(root.read_text())
    data["links"].append({"rel": "child", "href": "./other/old/collection.json"})
    root.write_text(json.dumps(data))
    opened = []
    monkeypatch.setattr(fetch, "_read", lambda path, read=fetch._read: opened.append(path.name) or read(path))
    assert [scene.scene_id for scene in scenes(root)] == ["s1"]
    assert "s2.json" not in opened
    assert other.exists()


def test_one_id_in_two_collections_is_told_apart(tmp_path):
    root = written(tmp_path, item("s1"))
    written(tmp_path / "other", item("s1"), collection="second")
    data = json.loads(root.read_text())
    data["links"].append({"rel": "child", "href": "./other/second/collection.json"})
    root.write_text(json.dumps(data))
    assert [scene.scene_id for scene in scenes(root)] == ["demo-vhr_s1", "second_s1"]


def test_one_collection_is_taken_and_an_unknown_one_lists_the_known(tmp_path):
    url = written(tmp_path, item("s1"))
    assert len(scenes(url, collection="demo-vhr")) == 1
    with pytest.raises(CatalogError, match="no collection 'demo-vrh'; did you mean 'demo-vhr'"):
        scenes(url, collection="demo-vrh")


@pytest.mark.parametrize("which", ["catalog.json", "demo-vhr/collection.json", "demo-vhr/s1/s1.json"])
def test_catalogue_collection_and_item_all_serve_as_root(tmp_path, which):
    written(tmp_path, item("s1"))
    assert [scene.scene_id for scene in scenes(tmp_path / which)] == ["s1"]


def test_a_saved_list_of_items_serves_as_well(tmp_path):
    made = pystac.ItemCollection([item("s1"), item("s2")])
    made.save_object(str(tmp_path / "items.json"))
    found = scenes(tmp_path / "items.json")
    assert [scene.scene_id for scene in found] == ["s1", "s2"]
    assert found[0].files["red"].href == str(tmp_path / "image.tif")


def test_links_in_a_circle_end(tmp_path):
    url = written(tmp_path, item("s1"))
    data = json.loads((tmp_path / "demo-vhr" / "collection.json").read_text())
    data["links"].append({"rel": "child", "href": "../catalog.json"})
    (tmp_path / "demo-vhr" / "collection.json").write_text(json.dumps(data))
    assert len(scenes(url)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("[]", "expected a JSON object"),
        ('{"type": "Feature"}', "no STAC item"),
        ('{"type": "Topology"}', "its type is 'Topology'"),
        ('{"type": "Feature", "id": "a", "assets": {}, "properties": {}}', "not a valid STAC item"),
    ],
)
def test_what_is_no_catalogue(tmp_path, content, said):
    if content is not None:
        (tmp_path / "catalog.json").write_text(content)
    with pytest.raises(CatalogError, match=said):
        scenes(tmp_path / "catalog.json")


# ---- bands


def test_bands_by_the_extensions_of_stac_1_0(tmp_path):
    old = {
        "eo:bands": [{"name": "B4", "common_name": "red"}],
        "raster:bands": [{"scale": 2.75e-05, "offset": -0.2, "nodata": 0}],
    }
    asset = pystac.Asset("./r.tif", media_type=pystac.MediaType.COG, extra_fields=old)
    (scene,) = scenes(written(tmp_path, item("s", assets={"SR_B4": asset})))
    assert scene.files["red"].band.scale == 2.75e-05
    assert scene.files["red"].band.offset == -0.2
    assert scene.mask is None


def test_an_image_without_band_metadata_by_its_sensor(tmp_path):
    url = written(
        tmp_path, item("s", assets={"visual_dom": pystac.Asset("./d.tif", media_type=pystac.MediaType.GEOTIFF)})
    )
    (scene,) = scenes(url, sensor="rgb_vhr")
    assert {name: one.band.index for name, one in scene.files.items()} == {"red": 1, "green": 2, "blue": 3}
    assert scene.files["red"].band.scale == pytest.approx(1 / 255)
    assert scene.sensor == "rgb_vhr"
    with pytest.raises(LuyuError, match=r"assets: \{red: B04\}"):
        scenes(url)


def test_assets_mapped_by_hand(tmp_path):
    assets = {
        "pic": image(bands=[{}, {}, {}], **{"raster:scale": 0.01}),
        "b4": image("./b4.tif", bands=[{"raster:scale": 0.5}]),
    }
    url = written(tmp_path, item("s", assets=assets))
    (scene,) = scenes(url, assets={"red": "b4", "blue": "pic:3"})
    assert (scene.files["red"].band.index, scene.files["red"].band.scale) == (1, 0.5)
    assert (scene.files["blue"].band.index, scene.files["blue"].band.scale) == (3, 0.01)
    with pytest.raises(LuyuError, match="no asset 'b5' for band 'red'; it has pic, b4"):
        scenes(url, assets={"red": "b5"})


def test_numbers_that_nobody_explains_are_refused(tmp_path):
    url = written(tmp_path, item("s", assets={"red": image(bands=[{"eo:common_name": "red", "data_type": "uint16"}])}))
    with pytest.raises(LuyuError, match="does not say how its numbers become reflectance"):
        scenes(url)
    assert scenes(url, sensor="simulated_vhr")[0].files["red"].band.scale == 1e-4


@pytest.mark.parametrize(
    ("properties", "stated", "offset"),
    [
        ({"s2:processing_baseline": "05.11"}, {}, -0.1),
        ({"s2:processing_baseline": "02.12"}, {}, 0.0),
        ({"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": True}, {}, 0.0),
        ({"s2:processing_baseline": "05.11"}, {"raster:scale": 1e-4, "raster:offset": -0.1}, -0.1),
        ({"s2:processing_baseline": "04.00"}, {"raster:scale": 1e-4, "raster:offset": -0.7}, -0.7),
        ({"earthsearch:boa_offset_applied": True}, {"raster:scale": 1e-4, "raster:offset": -0.1}, 0.0),
        ({"earthsearch:boa_offset_applied": False}, {"raster:scale": 1e-4, "raster:offset": -0.1}, -0.1),
        ({}, {}, -0.1),
    ],
)
def test_the_offset_of_sentinel_2(tmp_path, properties, stated, offset):
    bands = [{"eo:common_name": "red", "data_type": "uint16", **stated}]
    made = item("s", properties={"constellation": "sentinel-2", **properties}, assets={"red": image(bands=bands)})
    (scene,) = scenes(written(tmp_path, made), sensor="sentinel2_l2a")
    assert (scene.files["red"].band.scale, scene.files["red"].band.offset) == (1e-4, offset)


def test_jpeg_2000_is_refused_by_name(tmp_path):
    jp2 = pystac.Asset("./B04.jp2", media_type=pystac.MediaType.JPEG2000, roles=["data"])
    with pytest.raises(LuyuError, match="JPEG 2000"):
        scenes(written(tmp_path, item("s", assets={"red": jp2})))


def test_the_finest_asset_of_a_band_wins_and_pictures_come_last(tmp_path):
    def red(href, key_gsd, roles):
        asset = image(href, bands=[BANDS[0]], gsd=key_gsd)
        asset.roles = roles
        return asset

    assets = {
        "visual": red("./v.tif", 1, ["visual"]),
        "red_20m": red("./20.tif", 20, ["data"]),
        "red": red("./10.tif", 10, ["data"]),
    }
    (scene,) = scenes(written(tmp_path, item("s", assets=assets)))
    assert scene.files["red"].href.endswith("10.tif")
    assert scene.native_pixel_m == 10.0


# ---- masks


def test_masks_by_key_role_and_option(tmp_path):
    assets = {"image": image(), "scl": mask("./SCL.tif")}
    url = written(tmp_path, item("s", assets=assets))
    assert scenes(url)[0].mask_bad == frozenset({0, 1, 3, 8, 9, 10, 11})
    assert scenes(url, mask_bad=[3, 9])[0].mask_bad == frozenset({3, 9})
    assert scenes(url, mask="none")[0].mask is None
    with pytest.raises(LuyuError, match="no asset 'qa' for the mask; it has image, scl"):
        scenes(url, mask="qa")


def test_a_mask_that_nobody_explains_is_refused(tmp_path):
    url = written(tmp_path, item("s", assets={"image": image(), "quality": mask()}))
    with pytest.raises(LuyuError, match="add mask_bad: to the source"):
        scenes(url)
    assert scenes(url, mask_bad=[0])[0].mask_bad == frozenset({0})


# ---- addresses


@pytest.mark.parametrize(
    "href", ["/vsicurl/https://e.cn/a.tif", "vrt://a.tif", "<VRTDataset/>", "https://127.0.0.1/a.tif"]
)
def test_assets_that_point_where_they_must_not(tmp_path, href):
    url = written(tmp_path, item("s", assets={"image": image("./x.tif"), "mask": mask()}))
    path = tmp_path / "demo-vhr" / "s" / "s.json"
    data = json.loads(path.read_text())
    data["assets"]["image"]["href"] = href
    path.write_text(json.dumps(data))
    with pytest.raises(LuyuError, match=r"refused|asset_hosts"):
        scenes(url)


def test_sources_resolve_and_round_trip(tmp_path):
    one = TypeAdapter(Source).validate_python({"kind": "stac", "url": "demo/catalog.json", "assets": {"red": "B04"}})
    done = one.resolved(tmp_path)
    assert done.url == str(tmp_path / "demo" / "catalog.json")
    assert TypeAdapter(Source).validate_python(done.model_dump(mode="json", by_alias=True)) == done
    web = StacSource(url="https://e.cn/catalog.json")
    assert web.resolved(tmp_path) == web
    with pytest.raises(ValidationError, match="neither a path nor an https address"):
        StacSource(url="ftp://e.cn/catalog.json")
    with pytest.raises(ValidationError, match="tag"):
        TypeAdapter(Source).validate_python({"kind": "stack", "url": "a"})


# ---- the web


@pytest.fixture
def server(monkeypatch):
    """Serves a dict of path to (status, headers, object or function of the query); records what was asked."""
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    answers, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            asked.append(self.path)
            status, headers, body = answers.get(parts.path, (404, {}, {}))
            if callable(status):
                status = status()
            if callable(body):
                body = body(parse_qs(parts.query))
            raw = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", answers, asked
    httpd.shutdown()
    httpd.server_close()


def web_scenes(url, **options):
    return StacSource(url=url, **options).scenes(AREA, YEAR, base=None)


def test_a_static_catalogue_on_the_web(tmp_path, server):
    base, answers, _ = server
    written(tmp_path, item("s1"), item("s2"))
    for path in tmp_path.rglob("*.json"):
        answers[f"/{path.relative_to(tmp_path)}"] = (200, {}, json.loads(path.read_text()))
    found = web_scenes(f"{base}/catalog.json", collection="demo-vhr")
    assert [scene.files["red"].href for scene in found] == [
        f"{base}/demo-vhr/{name}/image.tif" for name in ("s1", "s2")
    ]


def test_a_catalogue_on_the_web_cannot_point_at_local_files(tmp_path, server):
    base, answers, _ = server
    data = item("s1").to_dict()
    data["assets"]["image"]["href"] = "file:///etc/passwd"
    answers["/item.json"] = (200, {}, data)
    with pytest.raises(LuyuError, match=r"points to the local file|refused"):
        web_scenes(f"{base}/item.json")


def test_passing_faults_are_tried_again_and_lasting_ones_told(server):
    base, answers, asked = server
    codes = iter([503, 200])
    answers["/item.json"] = (lambda: next(codes), {}, item("s1", assets={"image": image(f"{base}/a.tif")}).to_dict())
    assert len(web_scenes(f"{base}/item.json")) == 1
    assert len(asked) == 2
    with pytest.raises(CatalogError, match="the server answers 404"):
        web_scenes(f"{base}/no.json?sig=secret")
    answers["/down.json"] = (503, {}, {})
    with pytest.raises(CatalogError, match="answers 503") as caught:
        web_scenes(f"{base}/down.json?sig=secret")
    assert "secret" not in str(caught.value)


def test_redirects_to_another_host_are_refused(server):
    base, answers, _ = server
    answers["/item.json"] = (302, {"Location": base.replace("127.0.0.1", "localhost") + "/other.json"}, {})
    with pytest.raises(CatalogError, match="another host"):
        web_scenes(f"{base}/item.json")


def api(base, answers, pages, matched=None):
    """A STAC API with these pages of items."""
    link = {"rel": "search", "href": f"{base}/search", "method": "GET"}
    answers["/"] = (200, {}, {"type": "Catalog", "id": "api", "conformsTo": [], "links": [link]})

    def search(query):
        at = int(query.get("page", ["0"])[0])
        links = [{"rel": "next", "href": f"{base}/search?page={at + 1}"}] if at + 1 < len(pages) else []
        found = {"type": "FeatureCollection", "features": [one.to_dict() for one in pages[at]], "links": links}
        return found if matched is None else {**found, "numberMatched": matched}

    answers["/search"] = (200, {}, search)


def remote_item(base, name):
    return item(name, assets={"image": image(f"{base}/{name}.tif")})


def test_an_api_is_searched_page_by_page(server):
    base, answers, asked = server
    one, two, three = (remote_item(base, name) for name in "abc")
    api(base, answers, [[one, two], [two, three]], matched=3)
    assert [scene.scene_id for scene in web_scenes(f"{base}/")] == ["a", "b", "c"]
    query = parse_qs(urlsplit(asked[1]).query)
    assert query["bbox"] == ["117.200000,34.300000,117.300000,34.400000"]
    assert query["datetime"] == ["2023-12-31T00:00:00Z/2025-01-01T23:59:59Z"]


def test_an_api_that_loses_items_is_told(server):
    base, answers, _ = server
    api(base, answers, [[remote_item(base, "a")]], matched=2)
    with pytest.raises(CatalogError, match="promised 2 items and gave 1"):
        web_scenes(f"{base}/")


def test_an_api_that_turns_in_circles_is_told(server):
    base, answers, _ = server
    api(base, answers, [[remote_item(base, "a")]])
    status, headers, search = answers["/search"]
    answers["/search"] = (
        status,
        headers,
        lambda _: {**search({}), "links": [{"rel": "next", "href": f"{base}/search?page=1"}]},
    )
    with pytest.raises(CatalogError, match="leads back"):
        web_scenes(f"{base}/")
