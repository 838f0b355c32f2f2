"""Layouts: what the parser says of a file's blocks is what GDAL says, from few reads, and nonsense is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from pipeline.tiff.layout import layout_of


def written(path: Path, count: int = 3, side: int = 700, dtype: str = "uint16", **profile: object) -> Path:
    rng = np.random.default_rng(3)
    options = {"driver": "GTiff", "tiled": True, "blockxsize": 128, "blockysize": 256, "compress": "deflate"} | profile
    if options["driver"] == "COG":
        options = {"driver": "COG", "BLOCKSIZE": 128, "COMPRESS": "DEFLATE"} | profile
    with rasterio.open(
        path, "w", width=side, height=side - 60, count=count, dtype=dtype, crs="EPSG:4548",
        transform=from_origin(500_000, 3_800_000, 0.5, 0.5), **options,
    ) as out:  # fmt: skip
        out.write(rng.integers(1, 200, (count, side - 60, side)).astype(dtype))
    return path


def laid(path: Path):
    data = path.read_bytes()
    reads: list[tuple[int, int]] = []

    def read(start: int, stop: int) -> bytes:
        reads.append((start, stop))
        return data[start:stop]

    return layout_of(read, len(data)), reads


@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"interleave": "band"},
        {"tiled": False, "blockxsize": None, "blockysize": 16},
        {"bigtiff": "YES"},
        {"endianness": "BIG"},
        {"compress": None},
        {"driver": "COG"},
        {"driver": "COG", "COMPRESS": "ZSTD", "BIGTIFF": "YES"},
    ],
    ids=str,
)
def test_blocks_lie_where_gdal_says(tmp_path, profile):
    path = written(tmp_path / "a.tif", **{k: v for k, v in profile.items() if v is not None or k == "compress"})
    layout, reads = laid(path)
    assert len(reads) <= 3
    with rasterio.open(path) as source:
        (picture,) = layout.of_shape(source.height, source.width)
        separate = str(source.interleaving).lower().endswith("band")
        for band in (1, 3):
            for row in range(picture.offsets.shape[1]):
                for col in range(picture.offsets.shape[2]):
                    told = source.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=band)
                    assert int(told) == picture.offsets[band - 1 if separate else 0, row, col]


def test_overviews_and_masks_are_pictures_of_their_own(tmp_path):
    path = tmp_path / "m.tif"
    plain = written(tmp_path / "plain.tif", dtype="uint8", side=600)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(plain, "r+") as out:
        mask = np.full((540, 600), 255, np.uint8)
        mask[:100] = 0
        out.write_mask(mask)
    with rasterio.open(plain) as source:
        from rasterio.shutil import copy

        copy(source, path, driver="COG", BLOCKSIZE=128, OVERVIEW_RESAMPLING="NEAREST")
    layout, _ = laid(path)
    full = layout.of_shape(540, 600)
    assert [picture.is_mask for picture in full] == [False, True]
    assert [picture.is_mask for picture in layout.of_shape(270, 300)] == [False, True]
    with pytest.raises(ValueError, match="no picture of 1 x 1"):
        layout.of_shape(1, 1)


def test_a_block_left_out_has_no_bytes(tmp_path):
    path = tmp_path / "s.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=512, height=512, count=1, dtype="uint8", tiled=True, blockxsize=256,
        blockysize=256, SPARSE_OK=True, crs="EPSG:4548", transform=from_origin(5e5, 4e6, 1, 1),
    ) as out:  # fmt: skip
        out.write(np.ones((1, 256, 256), np.uint8), window=((0, 256), (0, 256)))
    layout, _ = laid(path)
    assert (layout.pictures[0].counts[0] > 0).tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize("harm", ["no tiff", "cut", "empty", "zeros", "random"])
def test_nonsense_is_refused_with_a_sentence(tmp_path, harm):
    whole = written(tmp_path / "a.tif").read_bytes()
    data = {
        "no tiff": b"<html>please log in</html>" * 100,
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "zeros": whole[:8] + bytes(4000),
        "random": whole[:8] + np.random.default_rng(1).bytes(4000),
    }[harm]
    with pytest.raises(ValueError, match=r"TIFF|damaged|cut off|picture|header"):
        layout_of(lambda start, stop: data[start:stop], len(data))


def test_a_header_without_end_is_refused(tmp_path):
    import struct

    # One directory after another, each a valid picture, in a circle or without end.
    entry = struct.pack("<HHII", 256, 3, 1, 16)
    fields = [entry, struct.pack("<HHII", 257, 3, 1, 16)]
    body = b"II*\x00" + struct.pack("<I", 8)
    for number in range(200):
        after = 8 + (number + 1) * (2 + 12 * len(fields) + 4)
        body += struct.pack("<H", len(fields)) + b"".join(fields) + struct.pack("<I", after)
    with pytest.raises(ValueError, match=r"TIFF|pictures|blocks|damaged"):
        layout_of(lambda start, stop: body[start:stop], len(body))
