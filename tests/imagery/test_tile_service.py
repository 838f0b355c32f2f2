"""Tile services: what is asked for, where pixels land, and that a refusal never looks like bare ground."""

from __future__ import annotations

import hashlib
import logging
import math
import pickle
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Transformer
from rasterio.transform import from_bounds
from servers.tile_server import TileServer, tile_bounds, tile_server

from pipeline.errors import ImageryError
from pipeline.geo.gcj02 import from_gcj02
from pipeline.geo.tile_matrix import TileMatrix
from pipeline.imagery.reader import RasterioReader
from pipeline.imagery.tile_service import planned, read, read_tiles, to_fetch
from pipeline.model.grid import Grid
from pipeline.model.scene import Band, BandFile, TileService
from pipeline.net.options import NetOptions

ZOOM = 17
KEY = "0123456789abcdef0123456789abcdef"
GRID = Grid(4548, 520_003.25, 3_800_300.0, 1.0, 250, 450)
CORRIDOR = shapely.LineString([(519_990, 3_800_060), (520_470, 3_800_290)]).buffer(30)
SERVICES = {
    "merc": TileService(ZOOM),
    "deg": TileService(ZOOM, epsg=4490),
    "gcj": TileService(ZOOM, gcj02=True),
}
ROOF_M = (520_100.0, 520_140.0, 3_800_100.0, 3_800_130.0)  # black, and ground all the same


@lru_cache
def between(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def on_roof(x_m: np.ndarray, y_m: np.ndarray, margin_m: float = 0.0) -> np.ndarray:
    """Whether places lie on the roof, widened by a margin."""
    west, east, south, north = ROOF_M
    across, along = abs(x_m - (west + east) / 2), abs(y_m - (south + north) / 2)
    return (across < (east - west) / 2 + margin_m) & (along < (north - south) / 2 + margin_m)


def ground(x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    """What lies at these places (EPSG:4548): three bands of 0..255."""
    waves = [
        60 * np.sin(x_m / 4.1 + phase) + 40 * np.sin(y_m / 5.3 - phase) + 20 * np.sin((x_m + y_m) / 7.7)
        for phase in (0.0, 0.9, 1.7)
    ]
    return np.where(on_roof(x_m, y_m), 0.0, 128 + np.stack(waves))


def tiles_over(epsg: int, margin: int, *, shifted: bool = False) -> list[tuple[int, int]]:
    """Columns and rows about the test grid, found by the published formulas."""
    lon, lat = between(4548, 4326).transform(520_230, 3_800_175)
    if shifted:
        lon, lat = lon + 0.0055, lat - 0.0015
    count = 2**ZOOM
    x = math.floor((lon + 180) / 360 * count)
    y = math.floor((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count)
    if epsg != 3857:
        y = math.floor((90 - lat) / (360 / count))
    return [(x + dx, y + dy) for dy in range(-margin, margin + 1) for dx in range(-margin, margin + 1)]


def paint(path: Path, epsg: int, *, shifted: bool = False) -> None:
    """A GeoTIFF of whole tiles that shows the ground, in the pictures' own CRS and datum."""
    tiles = tiles_over(epsg, 2, shifted=shifted)
    bounds = np.array([tile_bounds(epsg, ZOOM, *tile) for tile in tiles])
    west, south, east, north = *bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)
    px = 256 * 5
    xs = west + (np.arange(px) + 0.5) * (east - west) / px
    ys = north - (np.arange(px) + 0.5) * (north - south) / px
    x, y = (axis.ravel() for axis in np.meshgrid(xs, ys))
    lon, lat = between(epsg, 4326).transform(x, y)
    if shifted:
        lon, lat = from_gcj02(np.asarray(lon), np.asarray(lat))
    x_m, y_m = between(4326, 4548).transform(lon, lat)
    pixels = np.rint(ground(np.asarray(x_m), np.asarray(y_m))).reshape(3, px, px).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "width": px, "height": px, "crs": f"EPSG:{epsg}"}
    with rasterio.open(path, "w", **profile, transform=from_bounds(west, south, east, north, px, px)) as out:
        out.write(pixels)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TileServer]:
    folder = tmp_path_factory.mktemp("tiles")
    paint(folder / "merc.tif", 3857)
    paint(folder / "deg.tif", 4490)
    paint(folder / "gcj.tif", 3857, shifted=True)
    with tile_server(folder) as server:
        yield server


@pytest.fixture
def server(running: TileServer, monkeypatch: pytest.MonkeyPatch) -> TileServer:
    monkeypatch.setenv("TIANDITU_KEY", KEY)
    running.rules(key=KEY)
    running.taken()
    return running


@pytest.fixture
def net(tmp_path: Path) -> NetOptions:
    return NetOptions(cache=tmp_path / "cache", tries=2, backoff_s=0)


def layer(server: TileServer, name: str = "merc", *, ext: str = "png", **changes: object) -> list[BandFile]:
    """Red, green and blue of a layer of the server."""
    href = f"{server.url}/{name}/{{z}}/{{x}}/{{y}}.{ext}?tk={{key}}"
    service = replace(SERVICES[name], **changes)
    bands = [Band("red", 1), Band("green", 2), Band("blue", 3)]
    return [BandFile(href, band, "key:TIANDITU_KEY", service=service) for band in bands]


def expected(grid: Grid = GRID) -> np.ndarray:
    return ground(*np.meshgrid(grid.x_m, grid.y_m))


def roof(margin_m: float) -> np.ndarray:
    """Pixels of the grid on the roof, (rows, cols)."""
    return on_roof(*np.meshgrid(GRID.x_m, GRID.y_m), margin_m)


def shift_px(got: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """By how many pixels (down, right) the picture lies off, by least squares on its slopes; edges of roofs left out."""
    use = ~roof(4.0)
    use[:20], use[-20:], use[:, :20], use[:, -20:] = False, False, False, False
    slopes = np.stack([slope[use] for slope in np.gradient(truth)], axis=1)
    return np.linalg.lstsq(slopes, (truth - got)[use], rcond=None)[0]


def in_grid(epsg: int, tile: tuple[int, int]) -> shapely.Polygon:
    """A tile's square in EPSG:4548."""
    square = shapely.segmentize(shapely.box(*tile_bounds(epsg, ZOOM, *tile)), 20 if epsg == 3857 else 2e-4)
    to_metres = between(epsg, 4548)
    return shapely.transform(square, to_metres.transform, interleaved=False)


def pixels_in(epsg: int, tile: tuple[int, int], shrink_m: float = 3.0) -> np.ndarray:
    """Pixels of the grid whose centres lie well inside a tile."""
    square = in_grid(epsg, tile).buffer(-shrink_m)
    x, y = np.meshgrid(GRID.x_m, GRID.y_m)
    return shapely.contains_xy(square, x, y)


@pytest.mark.parametrize(("name", "epsg"), [("merc", 3857), ("deg", 4490)])
def test_only_tiles_that_touch_the_corridor_are_asked_for(server, net, name, epsg):
    files = layer(server, name)
    read_tiles(files, GRID, within=CORRIDOR, options=net)
    log = server.taken()
    asked = {hit.tile[1:] for hit in log}
    window = CORRIDOR & GRID.footprint
    near = {tile: in_grid(epsg, tile).distance(window) for tile in tiles_over(epsg, 2)}
    assert {tile for tile, away in near.items() if away == 0} <= asked
    assert asked <= {tile for tile, away in near.items() if away < 3.0}
    assert asked < {tile for tile in near if in_grid(epsg, tile).intersects(GRID.footprint)}
    assert asked == {(ref.col, ref.row) for ref in planned(files[0], GRID, within=CORRIDOR)}
    assert len(log) == len(asked)  # all bands of a tile come at once
    assert {hit.key for hit in log} == {KEY}


@pytest.mark.parametrize("name", ["merc", "deg", "gcj"])
def test_pixels_lie_where_they_belong(server, net, name):
    got = np.stack(read_tiles(layer(server, name), GRID, options=net))
    truth = expected()
    for band, true in zip(got, truth, strict=True):
        assert np.abs(shift_px(band, true)).max() < 0.03
    assert np.abs(got - truth)[:, 20:-20, 20:-20].mean() < 4
    moved = replace(GRID, west_m=GRID.west_m + 0.1)  # the measure itself sees a tenth of a pixel
    assert shift_px(got[0], expected(moved)[0])[1] == pytest.approx(0.1, abs=0.03)


def test_a_picture_in_gcj02_taken_as_it_is_would_be_far_off(server, net):
    got = read_tiles(layer(server, "gcj", gcj02=False), GRID, options=net)
    assert all(np.isnan(band).all() for band in got) or np.nanmean(np.abs(got[0] - expected()[0])) > 30


def test_wmts_requests_and_rows_from_the_south(server, net):
    truth = read_tiles(layer(server), GRID, options=net)
    kvp = f"{server.url}/merc/wmts?SERVICE=WMTS&TILEMATRIX={{TileMatrix}}&TILEROW={{TileRow}}&TILECOL={{TileCol}}&tk={{key}}"
    files = [replace(file, href=kvp) for file in layer(server)]
    assert np.array_equal(np.stack(read_tiles(files, GRID, options=net)), np.stack(truth))
    flipped = planned(layer(server, flipped=True)[0], GRID)
    assert {int(ref.address.split("/")[-1].partition(".")[0]) + ref.row for ref in flipped} == {2**ZOOM - 1}


def test_a_second_run_asks_for_nothing(server, net):
    server.rules(key=KEY, tiles={f"{ZOOM}/{x}/{y}": "missing" for x, y in tiles_over(3857, 0)})
    files = layer(server)
    assert len(to_fetch(files[0], GRID, options=net)) == len(planned(files[0], GRID))
    first = read_tiles(files, GRID, options=net)
    assert server.taken()
    assert to_fetch(files[0], GRID, options=net) == ()
    again = read_tiles(files, GRID, options=net)
    other_host = layer(server)
    assert np.array_equal(np.stack(first), np.stack(again), equal_nan=True)
    read_tiles([replace(f, service=replace(f.service, subdomains=("1",))) for f in other_host], GRID, options=net)
    assert server.taken() == []
    assert KEY.encode() not in b"".join(path.read_bytes() for path in net.cache.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("mode", "cause"),
    [("missing", "no tile"), ("gone", "no tile"), ("nothing", "no tile"), ("dot", "dot"), ("black", "one colour"),
     ("clear", "transparent")],
)  # fmt: skip
def test_a_tile_that_is_not_there_is_not_observed(server, net, mode, cause):
    (tile,) = tiles_over(3857, 0)
    server.rules(key=KEY, tiles={f"{ZOOM}/{tile[0]}/{tile[1]}": mode})
    got = read(layer(server), GRID, options=net)
    assert list(got.absent) == [tile]
    assert cause in got.absent[tile]
    hole, bands = pixels_in(3857, tile), np.stack(got.bands)
    assert hole.sum() > 5_000
    assert np.isnan(bands[:, hole]).all()
    others = np.logical_or.reduce([pixels_in(3857, near) for near in tiles_over(3857, 1) if near != tile])
    assert np.isfinite(bands[:, others]).all()


def test_black_ground_is_ground(server, net):
    got = np.stack(read_tiles(layer(server), GRID, options=net))
    assert (got[:, roof(-3.0)] == 0).all()
    assert np.isfinite(got).all()


def test_a_placeholder_that_comes_twice_is_found_out_and_remembered(server, net, caplog):
    spoilt = tiles_over(3857, 1)[3:5]
    server.rules(key=KEY, tiles={f"{ZOOM}/{x}/{y}": "blank" for x, y in spoilt})
    with caplog.at_level(logging.WARNING):
        got = read(layer(server), GRID, options=net)
    assert set(got.absent) == set(spoilt)
    assert "one and the same picture" in caplog.text
    assert KEY not in caplog.text
    for tile in spoilt:
        assert np.isnan(np.stack(got.bands)[:, pixels_in(3857, tile)]).all()
    alone = in_grid(3857, spoilt[0]).buffer(-5)
    assert set(read(layer(server), GRID, within=alone, options=net).absent) == {spoilt[0]}


def test_a_placeholder_that_is_listed_is_found_at_once(server, net, tmp_path):
    (tile,) = tiles_over(3857, 0)
    server.rules(key=KEY, tiles={f"{ZOOM}/{tile[0]}/{tile[1]}": "blank"})
    files = layer(server)
    assert read(files, GRID, options=net).absent == {}  # seen once, it might be ground
    import urllib.request

    with urllib.request.urlopen(f"{server.url}/merc/{ZOOM}/{tile[0]}/{tile[1]}.png?tk={KEY}") as answer:  # noqa: S310
        digest = hashlib.sha256(answer.read()).hexdigest()
    known = layer(server, placeholders=frozenset({digest}))
    assert read(known, GRID, options=net).absent == {tile: "a known placeholder"}


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("refused", "TIANDITU_KEY"),
        ("teapot", "TIANDITU_KEY"),
        ("quota", "TIANDITU_KEY"),
        ("fails", "500"),
        ("html", "text/html"),
        ("json", "application/json"),
        ("cut", "no whole answer"),
        ("small", "set tile_px"),
    ],
)
def test_what_cannot_be_had_is_an_error_and_can_be_had_later(server, net, mode, says):
    (tile,) = tiles_over(3857, 0)
    server.rules(key=KEY, tiles={f"{ZOOM}/{tile[0]}/{tile[1]}": mode})
    with pytest.raises(ImageryError, match=says) as caught:
        read_tiles(layer(server), GRID, options=net)
    assert f"tile {ZOOM}/{tile[0]}/{tile[1]}" in str(caught.value)
    assert KEY not in repr(caught.value)
    assert KEY not in repr(caught.value.__cause__)
    assert pickle.loads(pickle.dumps(caught.value)).why == caught.value.why  # noqa: S301
    server.rules(key=KEY)
    assert np.isfinite(np.stack(read_tiles(layer(server), GRID, options=net))).all()


def test_a_wrong_key_and_a_missing_one_are_named_and_not_shown(server, net, monkeypatch):
    wrong = "ffff0000ffff0000ffff0000ffff0000"
    monkeypatch.setenv("TIANDITU_KEY", wrong)
    with pytest.raises(ImageryError, match="key in TIANDITU_KEY is wrong") as caught:
        read_tiles(layer(server), GRID, options=net)
    assert wrong not in str(caught.value)
    assert {hit.key for hit in server.taken()} == {wrong}
    monkeypatch.delenv("TIANDITU_KEY")
    with pytest.raises(ImageryError, match="TIANDITU_KEY"):
        read_tiles(layer(server), GRID, options=net)
    assert server.taken() == []


@pytest.mark.parametrize("mode", ["fails_once", "busy_once", "slow"])
def test_faults_that_pass_change_nothing(server, net, mode, tmp_path):
    calm = read_tiles(layer(server), GRID, options=net)
    server.rules(key=KEY, tiles={"*": mode})
    href = layer(server)[0].href.replace("?", f"?run={mode}&")
    files = [replace(file, href=href) for file in layer(server)]
    patient = net.model_copy(update={"cache": tmp_path / "other", "tries": 3})
    assert np.array_equal(np.stack(read_tiles(files, GRID, options=patient)), np.stack(calm))


def test_palettes_grey_webp_and_jpeg_are_read(server, net):
    truth = expected()
    for ext, off in (("jpg", 6), ("webp", 8)):
        got = np.stack(read_tiles(layer(server, ext=ext), GRID, options=net))
        assert np.abs(got - truth)[:, 20:-20, 20:-20].mean() < off
    for mode in ("grey", "palette"):
        server.rules(key=KEY, tiles={"*": mode})
        files = [replace(file, href=file.href + f"&as={mode}") for file in layer(server)]
        got = np.stack(read_tiles(files, GRID, options=net))
        assert np.isfinite(got).all()
        if mode == "grey":
            assert np.array_equal(got[0], got[2])
            assert np.abs(got[0] - np.tensordot([0.299, 0.587, 0.114], truth, 1))[20:-20, 20:-20].mean() < 4
        else:
            assert np.abs(got - truth).mean() < 40


def test_inside_the_corridor_nothing_changes_by_leaving_out_the_rest(server, net):
    x, y = np.meshgrid(GRID.x_m, GRID.y_m)
    inside = shapely.contains_xy(CORRIDOR, x, y)
    whole = np.stack(read_tiles(layer(server), GRID, options=net))
    part = np.stack(read_tiles(layer(server), GRID, within=CORRIDOR, options=net))
    assert np.array_equal(part[:, inside], whole[:, inside])
    assert np.isnan(part).any()


def test_bands_come_in_the_order_asked_and_through_the_reader(server, net):
    whole = read_tiles(layer(server), GRID, options=net)
    blue, red = RasterioReader(network=net).read_many([layer(server)[2], layer(server)[0]], GRID)
    assert np.array_equal(blue, whole[2])
    assert np.array_equal(red, whole[0])
    infrared = replace(layer(server)[0], band=Band("nir", 4))
    with pytest.raises(ImageryError, match="no band 4"):
        read_tiles([infrared], GRID, options=net)


def test_nodata_is_a_colour_in_all_bands(server, net):
    got = np.stack(read_tiles(layer(server), GRID, nodata=0, options=net))
    assert np.isnan(got[:, roof(-3.0)]).all()
    assert np.isnan(got[0]).mean() < 0.03


def test_requests_are_no_faster_than_allowed(server, net):
    read_tiles(layer(server, per_second=20.0, at_once=4), GRID, options=net)
    at = sorted(hit.at for hit in server.taken())
    assert len(at) >= 6
    assert at[-1] - at[0] > (len(at) - 1) / 20.0 * 0.9


def test_a_level_much_finer_than_the_grid_is_refused_before_anything_is_asked(server, net):
    coarse = Grid(4548, 520_000.0, 3_800_000.0, 30.0, 400, 400)
    with pytest.raises(ImageryError, match="choose a smaller zoom"):
        read_tiles(layer(server), coarse, options=net)
    assert server.taken() == []


@pytest.mark.parametrize("service", SERVICES.values())
def test_the_lattice_is_the_published_one(service):
    matrix = TileMatrix.of(service)
    for col, row in [(0, 0), (matrix.cols - 1, matrix.rows - 1), *tiles_over(service.epsg, 1)]:
        west, south, east, north = tile_bounds(service.epsg, ZOOM, col, row)
        place = matrix.transform(col, row, 256)
        assert (place.c, place.f) == pytest.approx((west, north), abs=1e-6 if service.epsg == 3857 else 1e-11)
        assert place @ (256, 256) == pytest.approx((east, south), abs=1e-6 if service.epsg == 3857 else 1e-11)


def test_degrees_counted_from_zero_are_the_same_tiles():
    one, zero = TileService(12, epsg=4490), TileService(11, epsg=4490, two_wide=0)
    assert TileMatrix.of(one) == TileMatrix.of(zero)
