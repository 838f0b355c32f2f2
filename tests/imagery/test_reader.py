"""Reading: exact where pixels lie on the grid, as GDAL's warper elsewhere, loud where something is wrong."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pictures import band_file, grid, land, tiff
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import from_bounds

from pipeline.errors import ImageryError
from pipeline.imagery.reader import MemoryReader, RasterioReader
from pipeline.tiff.gdal_env import checked, gdal_env

READER = RasterioReader()


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    return np.clip(land(200, 260) * 1000, 1, None).astype(np.uint16)


@pytest.fixture(scope="module")
def image(numbers: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiff(tmp_path_factory.mktemp("reader") / "scene.tif", numbers, grid(200, 260))


def test_aligned_window_is_copied_bit_for_bit(image, numbers):
    window = grid(50, 70, west_m=520_000 + 17 * 0.5, north_m=3_800_000 - 90 * 0.5)
    assert np.array_equal(READER.read(band_file(image, index=2), window), numbers[1, 90:140, 17:87].astype(np.float32))


def test_window_past_the_edge_is_nan_outside_only(image, numbers):
    window = grid(40, 40, west_m=520_000 - 10 * 0.5, north_m=3_800_000 + 5 * 0.5)
    got = READER.read(band_file(image), window)
    assert np.isnan(got[:5]).all()
    assert np.isnan(got[:, :10]).all()
    assert np.array_equal(got[5:, 10:], numbers[0, :35, :30].astype(np.float32))


def test_window_elsewhere_is_all_nan(image):
    assert np.isnan(READER.read(band_file(image), grid(8, 8, west_m=600_000.0))).all()
    assert np.isnan(READER.read(band_file(image), grid(8, 8, west_m=600_000.1))).all()


def test_warped_window_past_the_edge_is_nan_outside_only(image, tmp_path, numbers):
    window = grid(40, 40, west_m=520_000 - 10.3, north_m=3_800_000 + 5.2)
    got = READER.read(band_file(image), window)
    known = np.isfinite(got)
    assert known[12:, 22:].all()
    assert not known[:10].any()
    assert not known[:, :20].any()
    holed = numbers.copy()
    holed[:, 150, 200] = 0  # far from the window: the way that looks for gaps must give the same
    other = tiff(tmp_path / "holed.tif", holed, grid(200, 260), nodata=0)
    wide = grid(200, 260, west_m=520_000 - 10.3, north_m=3_800_000 + 5.2)
    assert np.array_equal(READER.read(band_file(other), wide)[:40, :40], got, equal_nan=True)


def test_several_bands_equal_single_ones_in_the_order_asked(image):
    files = [band_file(image, index=index) for index in (3, 1)]
    together = READER.read_many(files, grid(30, 30, north_m=3_799_990.2))
    for file, band in zip(files, together, strict=True):
        assert np.array_equal(READER.read(file, grid(30, 30, north_m=3_799_990.2)), band, equal_nan=True)


@pytest.mark.parametrize("epsg", [4548, 4547, 32650])
def test_warped_read_agrees_with_warped_vrt(image, epsg):
    window = _window_in(epsg)
    with rasterio.open(image) as source, WarpedVRT(
        source, crs=f"EPSG:{epsg}", transform=window.transform, width=window.cols, height=window.rows,
        resampling=Resampling.bilinear, tolerance=0.01,
    ) as vrt:  # fmt: skip
        expected = vrt.read(1).astype(np.float32)
    got = READER.read(band_file(image), window)
    assert np.isfinite(got).all()
    assert np.abs(got - expected).max() <= 1.0  # the VRT rounds to whole numbers


def _window_in(epsg: int):
    from pyproj import Transformer

    x, y = Transformer.from_crs(4548, epsg, always_xy=True).transform(520_030.0, 3_799_970.0)
    return grid(60, 70, epsg=epsg, west_m=round(x, 1) + 0.17, north_m=round(y, 1) + 0.31)


def test_linear_ramp_survives_a_half_pixel_phase(tmp_path):
    rows, cols = np.mgrid[:80, :90].astype(np.float32)
    path = tiff(tmp_path / "ramp.tif", (rows * 3 + cols * 2)[None], grid(80, 90))
    got = READER.read(band_file(path), grid(20, 20, west_m=520_010.25, north_m=3_799_989.75))
    expected = (rows * 3 + cols * 2)[20:40, 20:40] + 0.5 * 3 + 0.5 * 2
    assert np.abs(got - expected).max() < 1e-2


def test_coarse_grid_reads_the_overview_that_fits(tmp_path, numbers):
    path = tiff(tmp_path / "o.tif", numbers[:1], grid(200, 260))
    with rasterio.open(path, "r+") as out:
        out.build_overviews([2, 4, 8], Resampling.average)
    window = grid(20, 30, west_m=520_004.0, north_m=3_799_996.0, pixel_m=2.1)
    bounds = window.bounds_m
    with rasterio.open(path) as source:
        view = from_bounds(*bounds, transform=source.transform)
        mean = source.read(1, window=view).astype(float).mean()
    got = READER.read(band_file(path), window)
    assert abs(got.mean() / mean - 1) < 0.02
    with rasterio.open(path, "r+") as out:  # proof that level 4 (index 1) was read: spoil the full resolution
        out.write(np.zeros_like(numbers[0]), 1)
    assert np.array_equal(READER.read(band_file(path), window), got)


def test_masks_are_never_taken_from_overviews(tmp_path):
    classes = np.zeros((1, 128, 128), np.uint8)
    classes[0, ::2, ::2] = 9
    path = tiff(tmp_path / "m.tif", classes, grid(128, 128))
    with rasterio.open(path, "r+") as out:
        out.build_overviews([2, 4], Resampling.average)
    got = READER.read(band_file(path), grid(20, 20, pixel_m=2.1), resampling="nearest")
    assert set(np.unique(got)) <= {0.0, 9.0}


def test_nodata_is_where_all_bands_of_the_file_have_it(tmp_path):
    array = np.full((3, 64, 64), 7, np.uint8)
    array[:, 10, 10] = 0
    array[0, 20, 20] = 0  # a dark pixel, not a hole
    path = tiff(tmp_path / "n.tif", array, grid(64, 64), nodata=0)
    red, blue = READER.read_many([band_file(path), band_file(path, index=3)], grid(64, 64))
    assert np.isnan(red[10, 10])
    assert np.isnan(blue[10, 10])
    assert red[20, 20] == 0
    assert np.isfinite(red).sum() == 64 * 64 - 1


def test_nodata_of_the_call_wins_and_alpha_counts(tmp_path):
    array = np.full((2, 64, 64), 255, np.uint8)
    array[0, 5, 5], array[1, 6, 6] = 99, 0
    path = tiff(tmp_path / "a.tif", array, grid(64, 64), alpha="yes")
    got = READER.read(band_file(path), grid(64, 64), nodata=99)
    assert np.argwhere(np.isnan(got)).tolist() == [[5, 5], [6, 6]]


def test_float_infinities_are_no_data(tmp_path):
    array = np.ones((1, 64, 64), np.float32)
    array[0, 3, 3], array[0, 4, 4] = np.inf, np.nan
    path = tiff(tmp_path / "f.tif", array, grid(64, 64))
    assert np.isnan(READER.read(band_file(path), grid(64, 64))).sum() == 2


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("missing.tif", "missing.tif"),
        ("garbage", "TIFF"),
        ("vrt", "not recognized"),
        ("no crs", "coordinate system"),
        ("one band", "no band 4"),
        ("/vsicurl/http://127.0.0.1/x.tif", "/vsi"),
        ("vrt:///etc/passwd", "vrt:"),
        ("ftp://host/x.tif", "ftp"),
        ("<VRTDataset/>", "<"),
        ("https://h/x.tif?header_file=/etc/passwd&url=u", "header_file"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path, what, words):
    href = str(_BAD[what](tmp_path)) if what in _BAD else what
    with pytest.raises(ImageryError, match="cannot read band 'green'") as error:
        READER.read(band_file(href, "green", 4), grid(8, 8))
    assert words in str(error.value)


def _garbage(folder: Path) -> str:
    (folder / "g.tif").write_bytes(b"II*\0 this is no image" * 50)
    return str(folder / "g.tif")


def _vrt(folder: Path) -> str:
    secret = folder / "secret.bin"
    secret.write_bytes(b"s" * 64)
    (folder / "v.tif").write_text(
        '<VRTDataset rasterXSize="8" rasterYSize="8">'
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        f"<SourceFilename>{secret}</SourceFilename></VRTRasterBand></VRTDataset>"
    )
    return str(folder / "v.tif")


_BAD = {
    "garbage": _garbage,
    "vrt": _vrt,
    "no crs": lambda folder: tiff(folder / "x.tif", np.ones((4, 64, 64), np.uint8), grid(64, 64), crs=None),
    "one band": lambda folder: tiff(folder / "b.tif", np.ones((1, 64, 64), np.uint8), grid(64, 64)),
}


def test_truncated_file_is_an_error_not_zeros(image, tmp_path):
    whole = Path(image).read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageryError):
        READER.read(band_file(str(tmp_path / "cut.tif")), grid(200, 260))


def test_absurd_windows_and_files_are_refused_before_memory_is_taken(image, tmp_path):
    with pytest.raises(ImageryError, match="too large"):
        READER.read(band_file(image), grid(100_000, 100_000))
    with pytest.raises(ImageryError, match="no overviews"):
        RasterioReader(max_bytes=100_000).read(band_file(image), grid(8, 8, pixel_m=12.3))
    strip = tiff(
        tmp_path / "s.tif",
        np.ones((1, 640, 640), np.uint8),
        grid(640, 640),
        tiled=False,
        blockysize=640,
        blockxsize=640,
    )
    with pytest.raises(ImageryError, match="COG"):
        RasterioReader(max_bytes=100_000).read(band_file(strip), grid(8, 8))


def test_reader_travels_and_threads_agree(image):
    reader = pickle.loads(pickle.dumps(READER))  # noqa: S301
    windows = [grid(40, 40, west_m=520_000 + k * 3.3) for k in range(16)]
    alone = [READER.read(band_file(image), window) for window in windows]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda window: reader.read(band_file(image), window), windows))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(alone, together, strict=True))


class _Server(BaseHTTPRequestHandler):
    """Serves one file with ranges; ``fail`` answers go wrong first."""

    content = b""
    fail = 0
    how = "500"

    def do_GET(self):
        kind = type(self)
        first, last = 0, len(kind.content) - 1
        if given := self.headers.get("Range"):
            start, _, end = given.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
        body = kind.content[first : last + 1]
        if kind.fail > 0:
            kind.fail -= 1
            if kind.how in ("404", "503"):
                self.send_error(int(kind.how))
                return
            body = body[: len(body) // 2]  # the rest never comes
        self.send_response(206 if given else 200)
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(kind.content)}")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(image):
    handler = type("Handler", (_Server,), {"content": Path(image).read_bytes()})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{running.server_port}/scene.tif"
    running.shutdown()
    running.server_close()


@pytest.mark.parametrize("how", ["503", "short"])
def test_passing_failure_is_overcome_by_another_try(server, numbers, how):
    handler, url = server
    handler.fail, handler.how = 1, how
    got = READER.read(band_file(url), grid(200, 260))
    assert np.array_equal(got, numbers[0].astype(np.float32))


def test_lasting_failure_is_told_without_the_secret(server):
    handler, url = server
    handler.fail, handler.how = 1000, "404"
    with pytest.raises(ImageryError) as error:
        READER.read(band_file(url + "?sig=topsecret"), grid(8, 8))
    assert "topsecret" not in str(error.value)
    assert "scene.tif" in str(error.value)


def test_addresses():
    assert checked("C:\\images\\a.tif") == "C:\\images\\a.tif"
    assert checked("s3://bucket/a.tif") == "s3://bucket/a.tif"


def test_settings_reach_gdal():
    from rasterio.env import get_gdal_config

    with gdal_env():
        assert get_gdal_config("GDAL_DISABLE_READDIR_ON_OPEN") == "TRUE"
        assert get_gdal_config("GDAL_NUM_THREADS") == 1


def test_memory_reader_agrees_with_the_file(image, numbers):
    memory = MemoryReader({"here": (numbers, grid(200, 260))})
    window = grid(40, 50, west_m=520_000 - 5.0, north_m=3_799_930.0)
    for index in (1, 3):
        assert np.array_equal(
            memory.read(band_file("here", index=index), window),
            READER.read(band_file(image, index=index), window),
            equal_nan=True,
        )
    assert memory.log == [("here", window)] * 2
    with pytest.raises(ImageryError, match="no such array"):
        memory.read(band_file("there"), window)
