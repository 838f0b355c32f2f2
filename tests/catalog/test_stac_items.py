"""Real items of real catalogues: parsed off line, every band with the way to reflectance that its product has."""

import json

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
