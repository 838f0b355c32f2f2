"""Real items of real catalogues: parsed off line, every band with the way to reflectance that its product has."""

import json
from fnmatch import fnmatchcase

import pytest

from pipeline.catalog.stac import StacSource
from pipeline.catalog.stac_item import footprint_of, parsed, scene_of
from pipeline.errors import CatalogError

pytestmark = pytest.mark.real
ELSEWHERE = "https://example.cn/item.json"
WANTED = {"blue", "green", "red", "nir"}


@pytest.fixture
def features(real):
    """(path, item as JSON) of all real items."""
    found = []
    for path in sorted(real("stac_items").rglob("*json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = data.get("features", []) if data.get("type") == "FeatureCollection" else [data]
        found += [(path, row) for row in rows if row.get("type") == "Feature" and "assets" in row]
    assert len(found) > 130
    return found


def claimed(feature):
    """Common names that the item's GeoTIFF data assets claim, by either generation of metadata."""
    names = set()
    for asset in feature["assets"].values():
        kind, roles = asset.get("type") or asset["href"], set(asset.get("roles") or ())
        if "tif" not in kind or roles & {"thumbnail", "overview", "data-mask"}:
            continue
        for band in (*asset.get("eo:bands", ()), *asset.get("bands", ())):
            if isinstance(band, dict):
                names.add(band.get("common_name") or band.get("eo:common_name"))
    return names & WANTED


def stated(feature, name):
    """(scale, offset) that the item's own metadata states for a band, of assets that are no pictures."""
    found = set()
    for key, asset in feature["assets"].items():
        bands = asset.get("bands") or asset.get("eo:bands") or ()
        raster = asset.get("raster:bands") or asset.get("bands") or ()
        if "tif" not in (asset.get("type") or asset["href"]) or key.startswith("visual"):
            continue
        for position, band in enumerate(bands):
            if isinstance(band, dict) and name in (band.get("common_name"), band.get("eo:common_name")):
                one = {**band, **(raster[position] if position < len(raster) else {})}
                scale, offset = one.get("scale", one.get("raster:scale")), one.get("offset", one.get("raster:offset"))
                if scale is not None:
                    found.add((scale, offset or 0))
    return found


def test_every_item_that_claims_colours_gives_bands_with_the_stated_reflectance(features):
    source = StacSource(url="https://example.cn/catalog.json", mask="none")
    good, refused = 0, []
    for path, feature in features:
        owner = next(
            (link["href"] for link in feature.get("links", ()) if link["href"].startswith("https://")), ELSEWHERE
        )
        item = parsed(feature, owner)
        names = claimed(feature)
        try:
            scene = scene_of(item, owner, source, None)
        except CatalogError as error:
            if names:
                refused.append((path.name, str(error)))
            continue
        assert names <= set(scene.files), path.name
        good += bool(names)
        applied = feature["properties"].get("earthsearch:boa_offset_applied") is True
        for name in names:
            band = scene.files[name].band
            for scale, offset in stated(feature, name):
                assert band.scale == pytest.approx(scale), path.name
                assert band.offset == pytest.approx(0 if applied else offset), path.name
            assert stated(feature, name) or band.scale < 0.1, path.name
            assert scene.files[name].href.startswith(("https://", "s3://")), path.name
    assert good > 40
    # what is left out says why: numbers that nobody explains, or addresses that are no plain files
    assert all("reflectance" in why or "not https" in why for _, why in refused), refused


# Files, and what their numbers take to become reflectance, by the rules that ESA, USGS and USDA publish. Sentinel-2:
# DN / 10000 before processing baseline 04.00, (DN - 1000) / 10000 since, at both levels, and DN / 10000 again where the
# host has taken the 1000 out. None: no reflectance, so it is refused.
S2_PLAIN, S2_OFFSET, LANDSAT, NAIP = (1e-4, 0.0), (1e-4, -0.1), (2.75e-5, -0.2), (1 / 255, 0.0)
TABLE = [
    (
        "es_items/sentinel-2-l2a__*",
        S2_PLAIN,
    ),  # 05.09 and 05.11, boa_offset_applied true, raster:offset -0.1 all the same
    ("es_items/sentinel-2-c1-l2a__*_T2*", S2_OFFSET),  # 05.11, as ESA made them
    ("es_items/sentinel-2-l1c__*", S2_OFFSET),  # 05.11
    ("es_items/landsat-c2-l2__*", LANDSAT),
    ("pc_items/sentinel-2-l2a__*", S2_PLAIN),  # 02.12, says nothing of scale or offset
    ("pc_items/landsat-*", LANDSAT),
    ("pc_items/naip__*", NAIP),
    ("odc-stac/S2B_MSIL2A_20190629*", S2_PLAIN),  # 02.12
    ("odc-stac/S2A_28QCH_*", S2_PLAIN),  # N0214 in the product's name
    ("odc-stac/site?-2020*", S2_PLAIN),  # 02.12
    ("odc-stac/LC08_L2SP_*", LANDSAT),
    ("odc-stac/LE07_L2SP_*", LANDSAT),
    ("titiler/mosaic_item.json", S2_PLAIN),  # N0214
    ("stactools-sentinel2/S2A_MSIL1C_20200717*", S2_PLAIN),  # 02.09
    ("stactools-sentinel2/S2A_MSIL1C_20210908*", S2_PLAIN),  # 03.01
    ("stactools-sentinel2/S2A_MSIL2A_20190212*", S2_PLAIN),  # 02.12
    ("stactools-sentinel2/S2A_MSIL2A_2023*", S2_OFFSET),  # 05.09
    ("stactools-sentinel2/S2A_OPER_MSI_L??_TL_SGS__20181231*", S2_PLAIN),  # 02.07, 02.11
    ("stactools-sentinel2/S2A_OPER_MSI_L2A_TL_2APS_20240108*", S2_OFFSET),  # 05.10
    ("stactools-sentinel2/S2A_OPER_MSI_L2A_TL_VGS1_20220401*_T34LBP*", S2_OFFSET),  # 04.00
    ("stactools-sentinel2/S2A_OPER_MSI_L2A_TL_VGS1_20220401*_T34LBQ*", (1e-4, -0.7)),  # its metadata says -7000 of red
    ("stactools-sentinel2/S2A_T60CWS_20240109*", S2_OFFSET),  # 05.10
    ("stactools-sentinel2/S2B_MSIL2A_20191228*", S2_PLAIN),  # 02.12
    ("stactools-sentinel2/S2B_MSIL2A_20200914*_N0500_*", S2_OFFSET),  # taken in 2020, processed again with the offset
    ("stactools-sentinel2/S2B_MSIL2A_20220413*", S2_OFFSET),  # 04.00
    ("stactools-sentinel2/esa_S2B_MSIL2A_20210122*", S2_PLAIN),  # 02.14
    ("stactools-sentinel2/examples/sentinel2-l1c-example/*/*", S2_PLAIN),  # 02.09
    ("stactools-sentinel2/examples/sentinel2-l2a-example/*/*", S2_PLAIN),  # 02.12
    ("stactools-landsat/examples/landsat-c2-l2/*/*", LANDSAT),
    ("stactools-landsat/examples/landsat-c2-l1/*/*", None),  # radiances
    ("titiler/extensions_render_item.json", None),  # Collection 1 level 1: nobody says
]
# Of these products, but without an asset that names a colour, or a stand-in at a made-up address.
NO_BANDS = ("odc-stac/LC08_L2SR_081119*", "odc-stac/ga_ls8c*", "odc-stac/only_crs_proj*", "rio-tiler/*", "stac-spec/*")


def as_geotiffs(feature):
    """The item as it would be with its JPEG 2000 files turned into GeoTIFFs: the numbers in them are the same."""
    text = json.dumps(feature).replace('"image/jp2"', '"image/tiff; application=geotiff"')
    return json.loads(text.replace(".jp2", ".tif"))


def is_known_product(feature):
    properties = feature["properties"]
    names = (feature.get("collection"), properties.get("platform"), properties.get("constellation"))
    said = " ".join(str(one) for one in names).lower()
    return any(word in said for word in ("sentinel-2", "sentinel 2", "sentinel-s2", "landsat", "naip"))


def test_every_real_item_gets_the_scale_and_offset_of_its_product(features, real):
    source = StacSource(url="https://example.cn/catalog.json", mask="none")
    base, used, tried = real("stac_items"), set(), 0
    for path, feature in features:
        place = path.relative_to(base).as_posix()
        if not is_known_product(feature) or any(fnmatchcase(place, one) for one in NO_BANDS):
            continue
        if (
            "sentinel-2-l2a__" not in place
        ):  # what is told of Earth Search's GeoTIFFs is not true of the files beside them
            feature = as_geotiffs(feature)  # noqa: PLW2901
        rows = [row for row in TABLE if fnmatchcase(place, row[0])]
        assert len(rows) == 1, place
        (pattern, expected), tried = rows[0], tried + 1
        used.add(pattern)
        item = parsed(feature, "https://example.cn/i/i.json")
        if expected is None:
            with pytest.raises(CatalogError, match="reflectance"):
                scene_of(item, "https://example.cn/i/i.json", source, None)
            continue
        scene = scene_of(item, "https://example.cn/i/i.json", source, None)
        for name in {"green", "red", "nir"} & set(scene.files):
            band = scene.files[name].band
            assert (band.scale, band.offset) == (pytest.approx(expected[0]), pytest.approx(expected[1])), (place, name)
        assert "red" in scene.files, place
    assert used == {pattern for pattern, _ in TABLE}
    assert tried > 100


def test_items_of_the_planetary_computer_are_signed_and_those_of_earth_search_are_not(features):
    source, seen = StacSource(url="https://example.cn/catalog.json", mask="none"), 0
    for path, feature in features:
        if not path.name.startswith(("sentinel-2-l2a__", "landsat", "naip__")):
            continue
        scene = scene_of(parsed(feature, "https://example.cn/i.json"), "https://example.cn/i.json", source, None)
        ways = {(one.access, one.href.partition(":")[0]) for one in scene.files.values()}
        if path.parent.name == "pc_items":
            assert ways == {("planetary_computer", "https")}, path.name
        else:
            assert ways == {("", "s3" if path.name.startswith("landsat") else "https")}, path.name
        assert scene.cloud_percent == feature["properties"].get("eo:cloud_cover"), path.name
        seen += 1
    assert seen > 30


def test_landsat_is_masked_by_bits_and_sentinel_2_by_classes(features):
    source, seen = StacSource(url="https://example.cn/catalog.json"), set()
    for path, feature in features:
        if path.parent.name not in ("es_items", "pc_items"):
            continue
        product = path.name.partition("__")[0]
        if "landsat" in product or product in ("sentinel-2-l2a", "sentinel-2-c1-l2a"):
            scene = scene_of(parsed(feature, "https://example.cn/i.json"), "https://example.cn/i.json", source, None)
            landsat = "landsat" in product
            assert (scene.mask_bits, bool(scene.mask_bad)) == ((0b111111, False) if landsat else (0, True)), path.name
            assert "qa_pixel" in scene.mask.href.lower() if landsat else "scl" in scene.mask.href.lower()
            seen.add((path.parent.name, product))
    assert len(seen) == 6


def test_known_products_get_their_published_scale(features):
    source = StacSource(url="https://example.cn/catalog.json")
    seen = set()
    for path, feature in features:
        if path.parent.name not in ("es_items", "pc_items"):
            continue
        product = path.name.partition("__")[0]
        item = parsed(feature, "https://example.cn/i.json")
        if product in ("sentinel-2-l2a", "sentinel-2-c1-l2a", "naip") or product.startswith("landsat"):
            options = source if product.startswith("sentinel") else source.model_copy(update={"mask": "none"})
            scene = scene_of(item, "https://example.cn/i.json", options, None)
            red = scene.files["red"].band
            expected = 2.75e-5 if "landsat" in product else 1 / 255 if product == "naip" else 1e-4
            assert red.scale == pytest.approx(expected), path.name
            if product == "sentinel-2-c1-l2a":
                assert red.offset == -0.1
            if product == "sentinel-2-l2a":  # taken out by one host, before it was introduced at the other
                assert red.offset == 0.0
            if product.startswith("sentinel-2"):
                assert 9 in scene.mask_bad
                assert scene.native_pixel_m in (10.0, None)
            seen.add(product)
    assert len(seen) == 5


def test_every_footprint_is_valid(features):
    for path, feature in features:
        item = parsed(feature, "https://example.cn/i.json")
        assert footprint_of(item).is_valid, path.name


def test_jpeg_2000_items_are_refused_by_name(features):
    source = StacSource(url="https://example.cn/catalog.json")
    tried = 0
    for path, feature in features:
        if path.name.startswith("sentinel-2-l1c__"):
            with pytest.raises(CatalogError, match="JPEG 2000"):
                scene_of(parsed(feature, "https://example.cn/i.json"), "https://example.cn/i.json", source, None)
            tried += 1
    assert tried >= 5
