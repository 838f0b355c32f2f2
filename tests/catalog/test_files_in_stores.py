"""Deliveries in an S3 store: folders and globs over keys, headers by a small request, days from names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import shapely
from pictures import grid, tiff
from servers.s3 import s3 as running_store

from pipeline.catalog.file_paths import glob_regex
from pipeline.catalog.files import FilesSource
from pipeline.errors import CatalogError, Problems
from pipeline.model.scene import Period

AREA = shapely.box(116.0, 33.0, 119.0, 36.0)
PERIOD = Period.parse("2024-01-01/2024-12-31")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("store")
    # Larger than a first request: this store, unlike Amazon's, refuses a range that reaches past the end.
    image = Path(
        tiff(folder / "x.tif", np.random.default_rng(1).integers(0, 255, (3, 128, 128), np.uint8), grid(128, 128))
    )
    with running_store() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        for name in ("dom/2024/peixian_20240605.tif", "dom/2024/feng_20240610.tif", "dom/2023/old_20230605.tif"):
            running.put(image, name)
        note = folder / "note.txt"
        note.write_text("no image")
        running.put(note, "dom/2024/note.txt")
        yield running


def scenes(*entries: str) -> list[str]:
    source = FilesSource.model_validate({"sensor": "rgb_vhr", "scenes": list(entries)})
    return [scene.scene_id for scene in source.scenes(AREA, PERIOD, base=Path("/nowhere"))]


def test_a_folder_of_a_store_is_read_whole(store):
    assert scenes(f"s3://{store.bucket}/dom/") == ["peixian_20240605", "feng_20240610"]


def test_globs_reach_over_keys(store):
    assert scenes(f"s3://{store.bucket}/dom/*/pei*.tif") == ["peixian_20240605"]
    assert scenes(f"s3://{store.bucket}/**/f*.tif") == ["feng_20240610"]
    with pytest.raises(Problems, match="no TIFF lies there"):
        scenes(f"s3://{store.bucket}/*.tif")


def test_an_object_that_is_not_there_is_named(store):
    with pytest.raises((Problems, CatalogError), match=r"404|not found|none_20240101"):
        scenes(f"s3://{store.bucket}/dom/none_20240101.tif")


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("s3://b/a*.tif", "s3://b/abc.tif", "s3://b/a/bc.tif"),
        ("s3://b/**/x.tif", "s3://b/x.tif", "s3://b/x.tiff"),
        ("s3://b/**/x.tif", "s3://b/1/2/x.tif", "s3://b/1/2/xx.tif"),
        ("s3://b/[ab]?.tif", "s3://b/a1.tif", "s3://b/c1.tif"),
        ("s3://b/x+(1).tif", "s3://b/x+(1).tif", "s3://b/xx1.tif"),
    ],
)
def test_globs_over_keys(pattern, yes, no):
    assert re.match(glob_regex(pattern), yes)
    assert not re.match(glob_regex(pattern), no)
