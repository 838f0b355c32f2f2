"""Far files, from outside: the pixels that rasterio reads of the same file here, few bytes, nothing twice, no silent hole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from pictures import band_file, grid, land, tiff
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.features import geometry_mask
from rasterio.shutil import copy
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from servers.faulty import FAULTS, PASSING, Faulty, faulty
from servers.nginx import Nginx, nginx
from servers.s3 import s3
from tifffile import TiffFile

from pipeline.errors import ImageryError
from pipeline.imagery.decode import forget_decoded
from pipeline.imagery.reader import RasterioReader
from pipeline.model.grid import Grid
from pipeline.net import http
from pipeline.net.options import NetOptions
from pipeline.tiff import remote
from pipeline.tiff.gdal_env import gdal_env

ROWS, COLS = 500, 620
PLACE = grid(ROWS, COLS)
ROAD = shapely.LineString([(520_010, 3_799_990), (520_150, 3_799_900), (520_180, 3_799_780), (520_305, 3_799_760)])
CORRIDOR = ROAD.buffer(12.0)
ALIGNED = grid(300, 400, west_m=520_020.0, north_m=3_799_970.0)
SHIFTED = grid(300, 400, west_m=520_020.2, north_m=3_799_970.15)
COARSE = grid(60, 75, pixel_m=2.2, west_m=520_020.0, north_m=3_799_970.0)
WINDOWS = {"aligned": ALIGNED, "shifted": SHIFTED, "coarse": COARSE}


def anew() -> None:
    """As a new process would be: nothing known, nothing decoded."""
    remote._known.clear()
    forget_decoded()


def numbers(dtype: str, bands: int = 3) -> np.ndarray:
    picture = np.concatenate([land(ROWS, COLS, seed) for seed in (1, 2)])[:bands]
    if dtype == "float32":
        return picture.astype(np.float32)
    top = {"uint8": 250, "uint16": 4000, "int16": 4000}[dtype]
    return np.clip(picture * top * 1.5, 1, top).astype(dtype)


def overviews(path: Path) -> None:
    with rasterio.open(path, "r+") as out:
        out.build_overviews([2, 4], Resampling.average)


def masked(path: Path, array: np.ndarray, **profile: object) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"):
        tiff(path, array, PLACE, **profile)
        with rasterio.open(path, "r+") as out:
            holes = np.full((ROWS, COLS), 255, np.uint8)
            holes[60:200, 100:260] = 0
            out.write_mask(holes)


def with_alpha(path: Path) -> None:
    array = numbers("uint8", 4)
    array[3] = 255
    array[3, 60:200, 100:260] = 0
    tiff(path, array, PLACE, photometric="RGB", alpha="YES")


def with_nodata(path: Path) -> None:
    array = numbers("uint16")
    array[:, 60:200, 100:260] = 0
    tiff(path, array, PLACE, nodata=0)


def cog(path: Path, array: np.ndarray, **options: object) -> None:
    plain = path.with_suffix(".plain")
    tiff(plain, array, PLACE)
    copy(plain, path, driver="COG", blocksize=128, overview_count=2, overview_resampling="average", **options)
    plain.unlink()


def sparse(path: Path) -> None:
    array = numbers("uint16")
    array[:, 128:192, 64:320] = 0
    tiff(path, array, PLACE, sparse_ok=True, nodata=0)


def tiffs(dtype: str, bands: int = 3, **profile: object):
    return lambda path: tiff(path, numbers(dtype, bands), PLACE, **profile)


def cogs(dtype: str, bands: int = 3, **options: object):
    return lambda path: cog(path, numbers(dtype, bands), **options)


FILES = {
    "uint8 deflate": tiffs("uint8"),
    "uint16 deflate predictor 2": tiffs("uint16", predictor=2),
    "uint16 zstd band by band": tiffs("uint16", compress="zstd", predictor=2, interleave="band"),
    "int16 lzw": tiffs("int16", compress="lzw", predictor=2),
    "float32 deflate predictor 3": tiffs("float32", predictor=3),
    "float32 zstd": tiffs("float32", compress="zstd"),
    "uint8 uncompressed": tiffs("uint8", compress="none"),
    "uint16 uncompressed band by band": tiffs("uint16", compress="none", interleave="band"),
    "uint8 jpeg": tiffs("uint8", compress="jpeg", photometric="ycbcr"),
    "uint8 webp": tiffs("uint8", compress="webp", webp_lossless=True),
    "uint8 packbits": tiffs("uint8", compress="packbits"),
    "uint16 lerc": tiffs("uint16", compress="lerc"),
    "12 bits": tiffs("uint16", nbits=12),
    "strips": tiffs("uint16", tiled=False, blockysize=16),
    "one strip": tiffs("uint8", tiled=False, blockysize=ROWS),
    "big tiff": tiffs("uint16", bigtiff="YES"),
    "big endian": tiffs("uint16", endianness="BIG"),
    "big tiff, big endian, strips": tiffs("float32", bigtiff="YES", endianness="BIG", tiled=False, blockysize=8),
    "blocks larger than the image": tiffs("uint8", blockxsize=1024, blockysize=1024),
    "internal mask": lambda path: masked(path, numbers("uint8")),
    "internal mask, jpeg": lambda path: masked(path, numbers("uint8"), compress="jpeg", photometric="ycbcr"),
    "alpha": with_alpha,
    "nodata": with_nodata,
    "blocks left out": sparse,
    "cog deflate": cogs("uint16", compress="deflate", predictor=2),
    "cog jpeg": cogs("uint8", compress="jpeg", quality=90),
    "cog webp": cogs("uint8", compress="webp", quality=80),
    "cog one band": cogs("float32", 1, compress="zstd"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("far")


@pytest.fixture(scope="module")
def web(folder: Path) -> Iterator[Nginx]:
    with nginx(folder) as server:
        yield server


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: no header and no pause is remembered."""
    monkeypatch.setattr(http, "_pauses", {})
    anew()


def reader(cache: Path, **options: object) -> RasterioReader:
    return RasterioReader(network=NetOptions(cache=cache, **({"backoff_s": 0, "silence_s": 1.0} | options)))


def inside(place: Grid, area: shapely.Geometry = CORRIDOR) -> np.ndarray:
    """Pixels whose centre lies in the area."""
    return ~geometry_mask([area], place.shape, place.transform)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", FILES)
def test_the_corridor_is_the_same_from_far_and_near(web: Nginx, folder: Path, tmp_path: Path, kind: str, window: str):
    path = folder / f"{kind.replace(' ', '_').replace(',', '')}.tif"
    if not path.exists():
        FILES[kind](path)
    place = WINDOWS[window]
    bands = (2, 1) if "one band" not in kind else (1,)
    far = [band_file(f"{web.url}/{path.name}", index=index) for index in bands]
    near = [band_file(str(path), index=index) for index in bands]
    got = np.stack(reader(tmp_path).read_many(far, place, within=CORRIDOR))
    expected = np.stack(RasterioReader().read_many(near, place))
    road = inside(place)
    assert np.array_equal(got[:, road], expected[:, road], equal_nan=True)
    known = np.isfinite(got)
    if window == "aligned":
        assert np.array_equal(got[known], expected[known])  # beyond the corridor: right, or not read
    if window == "aligned":
        _equals_rasterio(path, bands, got, road)
    elif not known.all(axis=0)[road].all():
        assert kind in ("internal mask", "internal mask, jpeg", "alpha", "nodata", "blocks left out")
    else:
        _equals_warped_vrt(path, bands, place, got, road)


def _equals_rasterio(path: Path, bands: tuple[int, ...], got: np.ndarray, road: np.ndarray) -> None:
    with rasterio.open(path) as source:
        col, row = (round(v) for v in ~source.transform @ (ALIGNED.west_m, ALIGNED.north_m))
        view = Window(col, row, ALIGNED.cols, ALIGNED.rows)
        plain, valid = source.read(list(bands), window=view), source.dataset_mask(window=view) > 0
    valid = np.broadcast_to(valid, plain.shape)[:, road]
    assert np.array_equal(np.isfinite(got[:, road]), valid)
    assert np.array_equal(got[:, road][valid], plain[:, road][valid].astype(np.float32))
    assert valid.sum() > 1000


def _equals_warped_vrt(path: Path, bands: tuple[int, ...], place: Grid, got: np.ndarray, road: np.ndarray) -> None:
    with rasterio.open(path) as source:
        level = {} if place.pixel_m < 1 or not source.overviews(1) else {"overview_level": 1}
    with rasterio.open(path, **level) as source, WarpedVRT(
        source, crs=f"EPSG:{place.epsg}", transform=place.transform, width=place.cols, height=place.rows,
        resampling=Resampling.bilinear, tolerance=0.001, dtype="float32",
    ) as vrt:  # fmt: skip
        expected = vrt.read(list(bands), out_dtype="float32")
    # GDAL judges by its own blocks how much a smaller picture is smoothed, so there it is near only
    share = 1e-5 if place.pixel_m < 1 else 0.02
    assert np.abs(got - expected)[:, road].max() <= share * np.abs(expected).max()


@pytest.mark.parametrize("epsg", [4547, 32650])
def test_another_projection_agrees_with_warped_vrt(web: Nginx, folder: Path, tmp_path: Path, epsg: int):
    from pyproj import Transformer

    path = folder / f"warped_{epsg}.tif"
    array = numbers("uint16")
    tiff(path, array, PLACE)
    move = Transformer.from_crs(4548, epsg, always_xy=True).transform
    x, y = move(520_040.0, 3_799_950.0)
    place = grid(220, 240, epsg=epsg, west_m=round(x, 1), north_m=round(y, 1))
    area = shapely.transform(CORRIDOR, lambda p: np.column_stack(move(p[:, 0], p[:, 1])))
    (got,) = reader(tmp_path).read_many([band_file(f"{web.url}/{path.name}")], place, within=area)
    with rasterio.open(path) as source, WarpedVRT(
        source, crs=f"EPSG:{epsg}", transform=place.transform, width=place.cols, height=place.rows,
        resampling=Resampling.bilinear, tolerance=0.01, dtype="float32", XSCALE=1, YSCALE=1,
    ) as vrt:  # fmt: skip  # without the scales GDAL smooths by what it takes for a change of size, block by block
        expected = vrt.read(1, out_dtype="float32")
    road = inside(place, area)
    assert road.sum() > 2000
    assert np.isfinite(got[road]).all()
    assert np.abs(got - expected)[road].max() <= 0.05  # of 4,000


def scene(folder: Path, name: str, side: int = 2600, block: int = 256) -> tuple[Path, Grid]:
    """A COG of one uint16 band that does not compress well, and where it lies."""
    path, place = folder / name, grid(side, side)
    if not path.exists():
        noise = np.random.default_rng(5).integers(1, 4000, (1, side, side), np.uint16)
        tiff(path.with_suffix(".plain"), noise, place)
        copy(path.with_suffix(".plain"), path, driver="COG", compress="deflate", level=1, blocksize=block)
    return path, place


def touched(path: Path, area: shapely.Geometry, place: Grid, level: int = 0) -> tuple[int, int]:
    """Bytes of the blocks that the area touches at an overview level, and of what lies before the first block."""
    with TiffFile(path) as file:
        pages = [page for page in file.pages if page.photometric != 4]
        page = pages[level]
        across, step_m = -(-page.imagewidth // page.tilewidth), page.tilewidth * place.pixel_m * 2**level
        total = 0
        for number, count in enumerate(page.databytecounts):
            row, col = divmod(number, across)
            west, north = place.west_m + col * step_m, place.north_m - row * step_m
            total += count * shapely.box(west, north - step_m, west + step_m, north).intersects(area)
        return total, min(min(one.dataoffsets) for one in pages)


@pytest.mark.parametrize(("pixel_m", "level"), [(0.5, 0), (2.0, 2)])
def test_no_more_bytes_than_the_blocks_under_the_corridor(
    web: Nginx, folder: Path, tmp_path: Path, pixel_m: float, level: int
):
    path, place = scene(folder, "bytes.tif")
    west, south, east, north = place.bounds_m
    road = shapely.LineString([(west + 20, south + 50), (west + 500, south + 700), (east - 30, north - 40)])
    area = road.buffer(15.0)
    one = reader(tmp_path)
    side = round(300 / pixel_m)
    web.forget()
    for row in range(5):
        for col in range(5):
            tile = grid(side, side, pixel_m=pixel_m, west_m=west + col * 300.0, north_m=north - row * 300.0)
            if tile.footprint.intersects(area):
                one.read(band_file(f"{web.url}/{path.name}"), tile, within=area.intersection(tile.footprint))
    hits = web.requests()
    # an overview is resampled, so the kernel reaches past the corridor by two of its pixels
    ideal, header = touched(path, area if level == 0 else area.buffer(3.1 * pixel_m), place, level)
    sent = sum(hit.sent for hit in hits)
    assert {hit.status for hit in hits} == {206}
    assert ideal < sent <= 1.05 * (ideal + header) + 64_000
    whole, _ = touched(path, place.footprint, place, level)
    assert ideal < 0.7 * whole


def test_blocks_ahead_come_in_the_same_requests(web: Nginx, folder: Path, tmp_path: Path):
    path, place = scene(folder, "ahead.tif")
    west, north = place.west_m, place.north_m
    area = shapely.LineString([(west, north - 110), (west + 995, north - 80)]).buffer(15.0)
    counts = []
    for cache, ahead in (("single", None), ("ahead", area)):
        one = RasterioReader(network=NetOptions(cache=tmp_path / cache), ahead=ahead)
        anew()
        web.forget()
        for col in range(10):
            tile = grid(200, 200, west_m=west + col * 100.0, north_m=north - 45.0)
            one.read(band_file(f"{web.url}/{path.name}"), tile, within=area.intersection(tile.footprint))
        counts.append((len(web.requests()), sum(hit.sent for hit in web.requests())))
    (single, single_bytes), (together, together_bytes) = counts
    assert together <= 3 < single
    assert together_bytes <= 1.02 * single_bytes


def test_a_second_run_fetches_nothing(web: Nginx, folder: Path, tmp_path: Path):
    path, _ = scene(folder, "again.tif")
    far = band_file(f"{web.url}/{path.name}")
    web.forget()
    first = reader(tmp_path).read(far, ALIGNED, within=CORRIDOR)
    assert web.requests()
    web.forget()
    anew()
    again = reader(tmp_path).read(far, ALIGNED, within=CORRIDOR)
    assert np.array_equal(first, again, equal_nan=True)
    assert web.requests() == []


@pytest.mark.parametrize("harm", ["cut", "flipped", "emptied", "swapped"])
def test_a_damaged_cache_is_noticed(web: Nginx, folder: Path, tmp_path: Path, harm: str):
    path, _ = scene(folder, "damage.tif")
    far = band_file(f"{web.url}/{path.name}")
    first = reader(tmp_path).read(far, ALIGNED, within=CORRIDOR)
    entries = sorted(entry for entry in tmp_path.rglob("*") if entry.is_file() and entry.stat().st_size > 100)
    assert len(entries) > 3
    bodies = [entry.read_bytes() for entry in entries]
    for number, (entry, body) in enumerate(zip(entries, bodies, strict=True)):
        middle = len(body) // 2
        flipped = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        harmed = {"cut": body[:middle], "flipped": flipped, "emptied": b"", "swapped": bodies[number - 1]}[harm]
        entry.write_bytes(harmed)
    web.forget()
    anew()
    assert np.array_equal(reader(tmp_path).read(far, ALIGNED, within=CORRIDOR), first, equal_nan=True)
    assert web.requests()
    web.forget()
    anew()
    assert np.array_equal(reader(tmp_path).read(far, ALIGNED, within=CORRIDOR), first, equal_nan=True)
    assert web.requests() == []


def test_without_a_cache_pixels_are_the_same(web: Nginx, folder: Path, tmp_path: Path):
    path, _ = scene(folder, "uncached.tif")
    far = band_file(f"{web.url}/{path.name}")
    one = reader(tmp_path / "none", cache_gb=0)
    first = one.read(far, ALIGNED, within=CORRIDOR)
    expected = RasterioReader().read(band_file(str(path)), ALIGNED)
    road = inside(ALIGNED)
    assert np.array_equal(first[road], expected[road])
    assert not (tmp_path / "none").exists()


def test_windows_beside_the_corridor_or_the_file_ask_for_no_block(web: Nginx, folder: Path, tmp_path: Path):
    path, _ = scene(folder, "beside.tif")
    far = band_file(f"{web.url}/{path.name}")
    elsewhere = grid(50, 50, west_m=900_000.0)
    assert np.isnan(reader(tmp_path).read(far, elsewhere, within=elsewhere.footprint)).all()
    web.forget()
    assert np.isnan(reader(tmp_path).read(far, ALIGNED, within=shapely.Polygon())).all()
    aside = shapely.box(PLACE.west_m - 900, 3_799_000, PLACE.west_m - 800, 3_799_100)
    assert np.isnan(reader(tmp_path).read(far, ALIGNED, within=aside)).all()
    assert web.requests() == []


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    folder = tmp_path_factory.mktemp("failing")
    tiff(folder / "a.tif", numbers("uint16"), PLACE, predictor=2)
    tiff(folder / "plain.tif", numbers("uint16"), PLACE, compress="none")
    with faulty(folder) as server:
        yield server


@pytest.fixture
def bad(failing: Faulty) -> Iterator[Faulty]:
    failing.mend()
    yield failing
    failing.mend()


def right() -> np.ndarray:
    left, top = round((ALIGNED.west_m - PLACE.west_m) * 2), round((PLACE.north_m - ALIGNED.north_m) * 2)
    return numbers("uint16")[0, top : top + ALIGNED.rows, left : left + ALIGNED.cols].astype(np.float32)


HARMLESS = ("whole",)  # a small file sent whole will do


@pytest.mark.parametrize("when", ["from the start", "after the header"])
@pytest.mark.parametrize("fault", [one for one in FAULTS if one not in ("drip", "within")])
def test_a_fault_that_stays_is_an_error_and_leaves_no_trace(bad: Faulty, tmp_path: Path, fault: str, when: str):
    """Never NaN, never zero; and once the server is well again, so are the pixels."""
    far = band_file(f"{bad.url}/a.tif?sig=TOPSECRET")
    one = reader(tmp_path, tries=2, silence_s=0.3)
    if when == "after the header":
        bad.next("")
    bad.always(fault)
    road, got, said = inside(ALIGNED), None, ""
    try:
        got = one.read(far, ALIGNED, within=CORRIDOR)
    except ImageryError as error:
        said = f"{error} {error!r}"
    if got is None:
        assert f"{bad.url}/a.tif" in said
        assert "TOPSECRET" not in said
        assert fault not in HARMLESS
    else:
        assert fault in (*HARMLESS, "other tag", "other size", "no place")
        assert np.array_equal(got[road], right()[road])
    bad.mend()
    assert np.array_equal(one.read(far, ALIGNED, within=CORRIDOR)[road], right()[road])


@pytest.mark.parametrize("fault", [*PASSING, "hang", "garbage", "page", "page as part", "no http"])
def test_a_fault_that_passes_does_no_harm(bad: Faulty, tmp_path: Path, fault: str):
    bad.next("", fault)
    got = reader(tmp_path, silence_s=0.3).read(band_file(f"{bad.url}/a.tif"), ALIGNED, within=CORRIDOR)
    road = inside(ALIGNED)
    assert np.array_equal(got[road], right()[road])
    assert [hit.fault for hit in bad.hits].count(fault) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_one_request_in_twenty_fails_and_all_pixels_are_right(bad: Faulty, tmp_path: Path, seed: int):
    bad.at_random(0.05, seed=seed)
    road = inside(PLACE)
    faults = 0
    for round_ in range(3):  # three runs with empty caches
        one = reader(tmp_path / str(round_))
        anew()
        for name in ("a.tif", "plain.tif"):
            for row in range(0, ROWS, 50):
                for col in range(0, COLS, 50):
                    tile = grid(50, 50, west_m=PLACE.west_m + col / 2, north_m=PLACE.north_m - row / 2)
                    part = CORRIDOR.intersection(tile.footprint)
                    if part.is_empty:
                        continue
                    got = one.read(band_file(f"{bad.url}/{name}"), tile, within=part)
                    expected = numbers_once()[row : row + 50, col : col + 50]
                    seen = road[row : row + 50, col : col + 50]
                    rows, cols = expected.shape
                    assert np.array_equal(got[:rows, :cols][seen], expected[seen])
        faults = sum(bool(hit.fault) for hit in bad.hits)
    assert faults >= 3


def numbers_once(known: dict[str, np.ndarray] = {}) -> np.ndarray:  # noqa: B006  kept on purpose
    if not known:
        known["a"] = numbers("uint16")[0].astype(np.float32)
    return known["a"]


@pytest.mark.parametrize("same_size", [True, False])
def test_a_file_that_changes_between_reads_is_noticed(bad: Faulty, tmp_path: Path, same_size: bool):
    path = bad.root / f"changing_{same_size}.tif"
    old, new = numbers("uint16"), 4001 - numbers("uint16")
    kind = {"compress": "none"} if same_size else {"compress": "deflate", "predictor": 2}
    tiff(path, old, PLACE, **kind)
    far, one = band_file(f"{bad.url}/{path.name}"), reader(tmp_path)
    west = grid(64, 64, west_m=520_020.0, north_m=3_799_990.0)
    east = grid(64, 64, west_m=520_270.0, north_m=3_799_785.0)
    assert np.array_equal(one.read(far, west)[:10, :10], old[0, 20:30, 40:50])
    tiff(path, new, PLACE, **kind)
    with pytest.raises(ImageryError, match="has changed"):
        one.read(far, east)
    # and the next try, or the next run, takes the new file; nothing is mixed
    assert np.array_equal(one.read(far, east)[:10, :10], new[0, 430:440, 540:550])
    assert np.array_equal(one.read(far, west)[:10, :10], new[0, 20:30, 40:50])


@pytest.mark.parametrize("compress", ["none", "deflate"])
def test_what_was_not_fetched_cannot_be_read(web: Nginx, folder: Path, tmp_path: Path, compress: str):
    """A hole is an error in itself, whatever asks for it: not zeros."""
    path = folder / f"hole_{compress}.tif"
    tiff(path, numbers("uint16"), PLACE, compress=compress)
    far = remote.remote_file(f"{web.url}/{path.name}", "", NetOptions(cache=tmp_path))
    with gdal_env(), far.opened({}) as source, pytest.raises(RasterioIOError):
        source.read(1, window=Window(300, 300, 50, 50))


def test_s3_objects_through_signed_links(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, _ = scene(folder, "signed.tif")
    with s3() as store:
        href = store.put(path, "2024/四月 a.tif")
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        road = inside(ALIGNED)
        got = reader(tmp_path / "a").read(band_file(href), ALIGNED, within=CORRIDOR)
        assert np.array_equal(got[road], RasterioReader().read(band_file(str(path)), ALIGNED)[road])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret-of-the-tests")
        anew()
        with pytest.raises(ImageryError, match="not allowed") as caught:
            reader(tmp_path / "b", tries=2).read(band_file(href), ALIGNED, within=CORRIDOR)
        assert "secret" not in str(caught.value)
        assert "Signature" not in str(caught.value)
