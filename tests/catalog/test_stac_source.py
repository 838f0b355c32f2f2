import datetime as dt
import json
import pickle
from pathlib import Path

import pystac
import pytest
import shapely
from pydantic import TypeAdapter, ValidationError
from servers.stac_script import scripted

from pipeline.catalog import json_doc
from pipeline.catalog.sources import Source, StacSource
from pipeline.errors import CatalogError, LuyuError, NetError
from pipeline.model.scene import Period
from pipeline.net.options import NetOptions

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
    monkeypatch.setattr(json_doc, "_read", lambda path, read=json_doc._read: opened.append(path.name) or read(path))
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
        # processed again, though taken before 2022; or by a baseline that only the name tells
        ({"s2:processing_baseline": "05.00", "datetime": "2020-09-14T02:00:00Z"}, {}, -0.1),
        ({"s2:product_uri": "S2B_MSIL2A_20200914T231559_N0500_R087_T01VCG_20230.SAFE"}, {}, -0.1),
        ({"s2:product_uri": "S2B_MSIL2A_20240914T231559_N0214_R087_T01VCG_20230.SAFE"}, {}, 0.0),
        # an offset that is stated, but cannot be in the numbers; a scale alone says nothing of the offset
        ({"s2:processing_baseline": "02.12"}, {"raster:scale": 1e-4, "raster:offset": -0.1}, 0.0),
        ({"s2:processing_baseline": "05.11"}, {"raster:scale": 1e-4}, -0.1),
        ({"s2:processing_baseline": "05.11"}, {"raster:scale": 1e-4, "raster:offset": 0}, 0.0),
        ({"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "02.12"}, {"raster:offset": -0.1}, 0.0),
        ({"s2:processing_baseline": "99.99"}, {}, -0.1),  # own processing: by the day
    ],
)
def test_the_offset_of_sentinel_2(tmp_path, properties, stated, offset):
    bands = [{"eo:common_name": "red", "data_type": "uint16", **stated}]
    moment = properties.pop("datetime", "2024-05-01T02:30:00Z")
    common = {"constellation": "sentinel-2", "s2:product_type": "S2MSI2A"}
    made = item("s", moment, properties={**common, **properties}, assets={"red": image(bands=bands)})
    period = Period.parse(f"{moment[:4]}-01-01/{moment[:4]}-12-31")
    (scene,) = scenes(written(tmp_path, made), period=period, sensor="sentinel2_l2a")
    assert (scene.files["red"].band.scale, scene.files["red"].band.offset) == (1e-4, offset)


def test_numbers_of_other_processors_are_as_they_say(tmp_path):
    bands = [{"eo:common_name": "red", "data_type": "int16", "raster:scale": 1e-4}]
    made = item("s", properties={"platform": "sentinel-2b", "s2:processing_baseline": "05.11"},
                assets={"B04": image(bands=bands)})  # fmt: skip
    (scene,) = scenes(written(tmp_path, made, collection="hls2-s30"))
    assert (scene.files["red"].band.scale, scene.files["red"].band.offset) == (1e-4, 0.0)


def test_radiances_are_refused(tmp_path):
    bands = [
        {"eo:common_name": "red", "raster:scale": 0.66, "raster:offset": 2.0, "unit": "watt/steradian/square_meter"}
    ]
    with pytest.raises(LuyuError, match="radiances, not reflectance"):
        scenes(written(tmp_path, item("s", assets={"B2": image(bands=bands)})))


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


def test_bit_masks_of_landsat_and_of_the_user(tmp_path):
    url = written(
        tmp_path, item("s", assets={"image": image(), "qa_aerosol": mask("./a.tif"), "QA_PIXEL.TIF": mask("./q.tif")})
    )
    (scene,) = scenes(url)
    assert scene.mask.href.endswith("q.tif")
    assert (scene.mask_bad, scene.mask_bits) == (frozenset(), 0b111111)
    (scene,) = scenes(url, mask_bits=0b1000)
    assert (scene.mask_bad, scene.mask_bits) == (frozenset(), 0b1000)
    (scene,) = scenes(url, mask="qa_aerosol", mask_bad=[1])
    assert (scene.mask_bad, scene.mask_bits) == (frozenset({1}), 0)


# ---- what the item says of the view, and what it says wrongly of the grid


def test_cloud_and_off_nadir_are_kept(tmp_path):
    (scene,) = scenes(written(tmp_path, item("s", properties={"eo:cloud_cover": 12.5, "view:off_nadir": 18})))
    assert (scene.cloud_percent, scene.off_nadir_deg) == (12.5, 18.0)
    (scene,) = scenes(written(tmp_path / "b", item("s", properties={"eo:cloud_cover": None, "view:off_nadir": "low"})))
    assert (scene.cloud_percent, scene.off_nadir_deg) == (None, None)


@pytest.mark.parametrize(
    "lies",
    [
        {},
        {"proj:epsg": 32631, "proj:shape": [1, 1], "proj:transform": [30, 0, 0, 0, -30, 0]},
        {"proj:epsg": "UTM", "proj:shape": "wide", "proj:transform": None, "proj:bbox": [0]},
        {"proj:epsg": None, "proj:shape": [0, 0], "proj:geometry": {"type": "Nothing"}},
        {"proj:code": "EPSG:99999", "proj:shape": [10**9, 10**9]},
    ],
)
def test_nothing_depends_on_what_is_said_of_the_projection(tmp_path, lies):
    honest = scenes(written(tmp_path / "a", item("s", assets={"image": image(**{"file:size": 10_000})})))
    made = item("s", properties=lies, assets={"image": image(**{"file:size": 10_000, **lies})})
    (scene,) = scenes(written(tmp_path / "b", made))
    here, there = str(tmp_path / "b"), str(tmp_path / "a")
    assert {name: (one.href.replace(here, there), one.band) for name, one in scene.files.items()} == {
        name: (one.href, one.band) for name, one in honest[0].files.items()
    }
    assert (scene.native_pixel_m, scene.nodata) == (honest[0].native_pixel_m, honest[0].nodata)
    assert scene.footprint_lonlat.equals(honest[0].footprint_lonlat)
    assert 0.01 <= scene.bytes_per_px <= 16


# ---- ways in


AZURE = "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/35/B04.tif"
PC = "https://planetarycomputer.microsoft.com/api/stac/v1"


def saved(tmp_path, href, links=(), key="image"):
    made = item("s", assets={key: image(href)}).to_dict()
    made["links"] = [{"rel": rel, "href": target} for rel, target in links]
    (tmp_path / "item.json").write_text(json.dumps(made))
    return tmp_path / "item.json"


@pytest.mark.parametrize("query", ["", "?st=2024&se=2024&sp=rl&sig=hunter2"])
def test_links_of_the_planetary_computer_are_signed_when_they_are_read(tmp_path, query):
    (scene,) = scenes(saved(tmp_path, AZURE + query, [("root", f"{PC}/"), ("self", f"{PC}/collections/c/items/s")]))
    assert {(one.href, one.access) for one in scene.files.values()} == {(AZURE, "planetary_computer")}
    (scene,) = scenes(saved(tmp_path, AZURE + query), sign="planetary_computer")
    assert {(one.href, one.access) for one in scene.files.values()} == {(AZURE, "planetary_computer")}


def test_links_that_nobody_can_sign_anew_keep_their_query_but_do_not_show_it(tmp_path):
    href = "https://store.example.org/a.tif?X-Amz-Signature=hunter2"
    (scene,) = scenes(saved(tmp_path, href))
    assert scene.files["red"].href == href
    assert scene.files["red"].access == ""
    assert "hunter2" not in repr(scene)
    (scene,) = scenes(saved(tmp_path, AZURE + "?sig=hunter2"))  # Azure, but nobody's known
    assert scene.files["red"].href.endswith("hunter2")
    (scene,) = scenes(saved(tmp_path, AZURE, [("root", f"{PC}/")]), sign="none")
    assert (scene.files["red"].href, scene.files["red"].access) == (AZURE, "")
    (scene,) = scenes(saved(tmp_path, "https://e.cn/a.tif", [("root", f"{PC}/")]))
    assert scene.files["red"].access == ""


def test_a_hostile_address_is_refused_without_its_secret(tmp_path):
    with pytest.raises(LuyuError, match="asset_hosts") as caught:
        scenes(saved(tmp_path, "https://10.0.0.7/a.tif?sig=hunter2"))
    assert "hunter2" not in str(caught.value)


def test_the_alternate_address_is_taken_on_demand(tmp_path):
    asset = image("https://landsatlook.example.org/red.TIF", alternate={"s3": {"href": "s3://usgs-landsat/red.TIF"}})
    url = written(tmp_path, item("s", assets={"image": asset}))
    assert scenes(url)[0].files["red"].href == "https://landsatlook.example.org/red.TIF"
    assert scenes(url, alternate="s3")[0].files["red"].href == "s3://usgs-landsat/red.TIF"
    with pytest.raises(LuyuError, match="no alternate address 'gs'; it has s3"):
        scenes(url, alternate="gs")


def test_many_items_that_cannot_be_used_are_counted(tmp_path):
    made = [
        item(f"s{number:03}", assets={"x": pystac.Asset("./x.jp2", media_type="image/jp2")}) for number in range(50)
    ]
    with pytest.raises(LuyuError, match="and 30 more items") as caught:
        scenes(written(tmp_path, *made))
    assert len(str(caught.value).splitlines()) == 21


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
def server():
    with scripted() as script:
        yield script


def web_scenes(url, **options):
    hasty = NetOptions(tries=3, backoff_s=0)
    return StacSource(url=url, **options).scenes(AREA, YEAR, base=Path(), network=hasty)


def test_a_static_catalogue_on_the_web(tmp_path, server):
    written(tmp_path, item("s1"), item("s2"))
    for path in tmp_path.rglob("*.json"):
        server.documents[f"/{path.relative_to(tmp_path)}"] = (200, {}, json.loads(path.read_text()))
    found = web_scenes(f"{server.base}/catalog.json", collection="demo-vhr")
    assert [scene.files["red"].href for scene in found] == [
        f"{server.base}/demo-vhr/{name}/image.tif" for name in ("s1", "s2")
    ]


def test_a_catalogue_on_the_web_cannot_point_at_local_files(server):
    data = item("s1").to_dict()
    data["assets"]["image"]["href"] = "file:///etc/passwd"
    server.documents["/item.json"] = (200, {}, data)
    with pytest.raises(LuyuError, match=r"points to the local file|refused"):
        web_scenes(f"{server.base}/item.json")


def test_passing_faults_are_tried_again_and_lasting_ones_told(server):
    codes = iter([503, 200])
    made = item("s1", assets={"image": image(f"{server.base}/a.tif")}).to_dict()
    server.documents["/item.json"] = (lambda: next(codes), {}, made)
    assert len(web_scenes(f"{server.base}/item.json")) == 1
    assert len(server.asked) == 2
    with pytest.raises(NetError, match="the server answers 404"):
        web_scenes(f"{server.base}/no.json")
    server.documents["/down.json"] = (503, {}, {})
    with pytest.raises(NetError, match="answers 503"):
        web_scenes(f"{server.base}/down.json")


def test_redirects_to_another_host_are_refused(server):
    server.documents["/item.json"] = (302, {"Location": server.base.replace("127.0.0.1", "localhost") + "/o.json"}, {})
    with pytest.raises(NetError, match="another host"):
        web_scenes(f"{server.base}/item.json")


def test_secrets_in_links_of_a_catalogue_are_never_shown(tmp_path, server):
    written(tmp_path, item("s1"))
    data = json.loads((tmp_path / "catalog.json").read_text())
    data["links"] = [{"rel": "child", "href": f"{server.base}/no/collection.json?sig=hunter2&se=2030"}]
    (tmp_path / "catalog.json").write_text(json.dumps(data))
    with pytest.raises(LuyuError, match=r"asset_hosts|answers 404") as caught:
        scenes(tmp_path / "catalog.json")
    assert "hunter2" not in str(caught.value)
    server.documents["/catalog.json"] = (200, {}, data)
    with pytest.raises(NetError, match="answers 404") as caught:
        web_scenes(f"{server.base}/catalog.json")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hunter2@e.cn/catalog.json",
        "https://e.cn/catalog.json?sv=2022&sig=hunter2",
        "https://e.cn/stac?api_key=hunter2",
        "https://e.cn/c.json?X-Amz-Signature=hunter2",
    ],
)
def test_an_address_that_holds_a_secret_is_refused_without_showing_it(url):
    with pytest.raises(ValidationError, match="LUYU_TOKEN_E_CN") as caught:
        StacSource(url=url)
    assert "hunter2" not in str(caught.value)
    assert StacSource(url="https://e.cn/get?file=catalog.json").url.endswith("catalog.json")


def test_one_page_of_a_search_is_no_catalogue(server):
    page = {"type": "FeatureCollection", "features": [], "links": [{"rel": "next", "href": f"{server.base}/2"}]}
    server.documents["/saved.json"] = (200, {}, page)
    with pytest.raises(CatalogError, match="one page of a search"):
        web_scenes(f"{server.base}/saved.json")
