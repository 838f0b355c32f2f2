"""The STAC catalogue of evidence pictures."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import numpy as np
import pystac
import pytest
import rasterio
import shapely
from pystac.validation import validate_dict

from pipeline.catalog.stac import StacSource
from pipeline.errors import LuyuError
from pipeline.imagery.stack import load
from pipeline.ledger import CasePicture
from pipeline.model.grid import Grid
from pipeline.model.scene import Period
from pipeline.reports.chips import Stretch, clean_picture
from pipeline.share.evidence import write_catalogue

from .conftest import EAST, EPSG, NORTH, picture

GRID = {"epsg": EPSG, "west_m": EAST - 40, "north_m": NORTH + 60, "pixel_m": 0.5, "width_px": 200, "height_px": 192}


@pytest.fixture(scope="module")
def catalogue(shared) -> pystac.Catalog:
    return pystac.Catalog.from_file((shared / "stac" / "catalog.json").as_posix())


def test_catalogue_is_valid_stac_1_1_and_self_contained(catalogue, shared):
    items = list(catalogue.get_items(recursive=True))
    assert len(items) == 2  # the third picture has no place
    for thing, kind in [(catalogue, "Catalog"), *((c, "Collection") for c in catalogue.get_collections()),
                        *((i, "Feature") for i in items)]:  # fmt: skip
        said = json.loads((shared / "stac" / thing.get_self_href().split("/stac/")[1]).read_text(encoding="utf-8"))
        assert said["stac_version"] == "1.1.0"
        assert said["type"] == kind
        validate_dict(said, extensions=[])
        links = [link["href"] for link in said["links"]] + [asset["href"] for asset in said.get("assets", {}).values()]
        assert not [href for href in links if href.startswith(("/", "http", "file:"))]


def test_items_say_place_day_case_and_source(catalogue):
    items = {item.properties["luyu:role"]: item for item in catalogue.get_items(recursive=True)}
    after = items["after"]
    assert after.properties["proj:code"] == f"EPSG:{EPSG}"
    assert after.properties["proj:shape"] == [192, 200]
    assert after.properties["proj:transform"] == [0.5, 0.0, EAST - 40, 0.0, -0.5, NORTH + 60]
    assert after.datetime == dt.datetime(2024, 10, 12, 4, tzinfo=dt.UTC)  # noon in China
    assert after.properties["luyu:case_no"] == "320321-202410-building-0001"
    source = after.get_single_link("derived_from")
    assert source.title == "demo/20241012?x=1"
    assert source.href == "urn:luyu:scene:demo%2F20241012%3Fx%3D1"
    west, south, east, north = after.bbox
    assert west < east
    assert south < north
    assert 117 < west < 118
    assert shapely.geometry.shape(after.geometry).exterior.is_ccw


def test_links_lead_to_files_that_are_there(catalogue, shared):
    for item in catalogue.get_items(recursive=True):
        here = (shared / "stac" / item.get_self_href().split("/stac/")[1]).parent
        assert (here / item.get_single_link("related").href).resolve() == (shared / "cases.parquet").resolve()
        asset = item.assets["visual"]
        content = (here / asset.href).read_bytes()
        assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
        assert asset.extra_fields["file:size"] == len(content)


def test_extension_fields_are_those_of_the_extensions(catalogue):
    """By hand, since the schemas are on the network: names and types as projection 2.0, file 2.1 and eo 2.0 have them."""
    for item in catalogue.get_items(recursive=True):
        said = item.to_dict()
        assert [url.rsplit("/", 3)[1:3] for url in said["stac_extensions"]] == [
            ["projection", "v2.0.0"], ["file", "v2.1.0"], ["eo", "v2.0.0"],
        ]  # fmt: skip
        assert {name for name in said["properties"] if name.startswith("proj:")} == {
            "proj:code",
            "proj:shape",
            "proj:transform",
        }
        bands = said["assets"]["visual"]["bands"]
        assert [band["eo:common_name"] for band in bands] == ["red", "green", "blue"]
        assert (
            bytes.fromhex(said["assets"]["visual"]["file:checksum"])[:2] == b"\x12\x20"
        )  # multihash: SHA-256, 32 bytes


def test_pixels_lie_where_the_ledger_says(catalogue, shared):
    item = next(i for i in catalogue.get_items(recursive=True) if i.properties["luyu:role"] == "before")
    with rasterio.open(next((shared / "stac").rglob(f"{item.id}.tif"))) as cog:
        assert cog.crs.to_epsg() == EPSG
        assert cog.transform.c == EAST - 40
        assert cog.transform.f == NORTH + 60
        assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        truth = np.random.default_rng(1).integers(0, 255, (192, 200, 3), dtype=np.uint8)
        assert np.array_equal(np.moveaxis(cog.read(), 0, -1), np.maximum(truth, 1))  # 0 is no data


def test_our_own_source_reads_it(shared):
    source = StacSource(kind="stac", url=str(shared / "stac" / "catalog.json"), collection="evidence")
    scenes = source.scenes(
        shapely.box(117, 34, 118, 35), Period(dt.date(2024, 10, 1), dt.date(2024, 10, 31)), base=shared
    )
    assert [scene.day for scene in scenes] == [dt.date(2024, 10, 12)]
    grid = Grid(EPSG, EAST - 40, NORTH + 60, 0.5, 192, 200)
    image = load(scenes, grid, ("red", "green", "blue"))
    truth = np.random.default_rng(2).integers(0, 255, (192, 200, 3), dtype=np.uint8)
    assert np.allclose(image["red"].to_numpy()[0], np.maximum(truth[..., 0], 1) / 255, atol=1e-6)


def test_what_was_not_seen_is_no_data(tmp_path):
    cut = np.full((192, 200, 3), 0.2, np.float32)
    cut[:50] = np.nan
    content = clean_picture(cut, Stretch(0.0, 0.4, 1.0))
    one = CasePicture("c-1", "after", "s", "2024-10-12", "image/webp", content, GRID)
    write_catalogue(tmp_path, [one], "t")
    with rasterio.open(next(tmp_path.rglob("*.tif"))) as cog:
        assert cog.nodata == 0
        seen = cog.read_masks(1) > 0
    assert not seen[:50].any()
    assert seen[50:].all()


def test_a_picture_that_is_none_is_named(tmp_path):
    broken = CasePicture("c-1", "after", "s", "2024-10-12", "image/png", b"no picture", GRID)
    with pytest.raises(LuyuError, match=r"'c-1'.*no picture"):
        write_catalogue(tmp_path, [broken], "t")
    small = CasePicture("c-1", "after", "s", "2024-10-12", "image/png", picture({**GRID, "width_px": 10}, 1), GRID)
    with pytest.raises(LuyuError, match="its grid says"):
        write_catalogue(tmp_path, [small], "t")
    odd = CasePicture("c-1", "after", "s", "2024-10-12", "image/png", picture(GRID, 1), {"epsg": "x"})
    with pytest.raises(LuyuError, match="grid cannot be read"):
        write_catalogue(tmp_path, [odd], "t")


def test_a_hostile_case_number_makes_no_path(tmp_path):
    one = CasePicture("../../etc/passwd", "after", "..\\s\x00", "2024-10-12", "image/png", picture(GRID, 1), GRID)
    assert write_catalogue(tmp_path / "stac", [one], "t") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"stac"}
    item = next(pystac.Catalog.from_file((tmp_path / "stac" / "catalog.json").as_posix()).get_items(recursive=True))
    assert item.properties["luyu:case_no"] == "../../etc/passwd"


def test_no_pictures_no_catalogue(tmp_path):
    assert write_catalogue(tmp_path / "stac", [], "t") == 0
    assert not (tmp_path / "stac").exists()
