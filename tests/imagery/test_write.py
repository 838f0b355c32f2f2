"""COGs: valid, whole, the same each time, and read back as written; pictures with one stretch."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from pictures import RGB, band_file, dataset, grid, land

from pipeline.imagery.reader import RasterioReader
from pipeline.imagery.write import rgb_limits, to_rgb8, write_cog

FRAME = grid(700, 900)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_written_is_read_back_as_a_cog(tmp_path, dtype):
    array = (land(700, 900) * 200).astype(dtype)
    path = write_cog(tmp_path / "deep" / "x.tif", array, FRAME, band_names=RGB, nodata=0)
    with rasterio.open(path) as written:
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert written.profile["tiled"]
        assert written.overviews(1) == [2]
        assert written.compression.value.lower() == "deflate"
        assert written.crs.to_epsg() == 4548
        assert written.transform == FRAME.transform
        assert written.descriptions == RGB
        assert written.nodata == 0
        assert np.array_equal(written.read(), array)


def test_dataset_round_trip_keeps_nan(tmp_path):
    picture = land(700, 900)
    picture[:, 5:9, 7] = np.nan
    path = write_cog(tmp_path / "d.tif", dataset(picture), FRAME)
    files = [band_file(str(path), name, index) for index, name in enumerate(RGB, 1)]
    assert np.array_equal(RasterioReader().read_many(files, FRAME), picture, equal_nan=True)


def test_bytes_are_the_same_each_time(tmp_path):
    picture = land(700, 900)
    first = write_cog(tmp_path / "a.tif", picture, FRAME).read_bytes()
    assert write_cog(tmp_path / "sub" / "b.tif", picture.copy(), FRAME).read_bytes() == first


def test_without_overviews_and_single_band(tmp_path):
    path = write_cog(tmp_path / "m.tif", land(700, 900)[0] > 0.2, FRAME, overviews=None, compress="zstd")
    with rasterio.open(path) as written:
        assert written.overviews(1) == []
        assert written.dtypes == ("uint8",)


def test_old_file_stays_and_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    path = write_cog(tmp_path / "a.tif", land(700, 900), FRAME)
    old = path.read_bytes()

    def full(_number):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_cog(path, land(700, 900, seed=1), FRAME)
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tif"]


def test_wrong_shapes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="does not fit"):
        write_cog(tmp_path / "a.tif", land(60, 60), FRAME)
    with pytest.raises(ValueError, match="2 band names for 3"):
        write_cog(tmp_path / "a.tif", land(700, 900), FRAME, band_names=("a", "b"))


def test_pair_shares_one_stretch():
    before = dataset(land(60, 60))
    after = dataset(land(60, 60) + np.float32(0.1))
    limits = rgb_limits(before, after)
    first, second = to_rgb8(before, limits=limits), to_rgb8(after, limits=limits)
    assert first.dtype == np.uint8
    assert first.shape == (60, 60, 3)
    assert second.mean() > first.mean() + 10
    assert np.array_equal(to_rgb8(before), to_rgb8(dataset(land(60, 60) * 3 + 1)))


def test_nan_is_black_and_grey_stands_in():
    picture = land(20, 20)[:1]
    picture[0, 0, 0] = np.nan
    image = to_rgb8(dataset(picture, ("nir",)))
    assert image[0, 0].tolist() == [0, 0, 0]
    assert image.reshape(-1, 3)[1:].min() >= 1
    assert np.array_equal(image[..., 0], image[..., 2])
    assert (to_rgb8(dataset(picture * np.nan, ("nir",))) == 0).all()
