"""A camera whose polynomials are known takes a pattern that is known over a terrain that is known; where is it after?"""

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Transformer
from rasterio.transform import from_origin

from pipeline.errors import ImageryError
from pipeline.imagery.ortho import read_ortho
from pipeline.imagery.reader import RasterioReader
from pipeline.model.grid import Grid
from pipeline.model.scene import Band, BandFile, Ortho
from tests.rpc_camera import LAT, LON, camera, rpb

TO_M = Transformer.from_crs(4326, 4548, always_xy=True)
X0, Y0 = TO_M.transform(LON, LAT)
GRID = Grid(epsg=4548, west_m=round(X0) - 120, north_m=round(Y0) + 120, pixel_m=1.0, rows=240, cols=240)
LEAN = 0.3
STEP_M = 30.0


def height_m(x, y):
    return 50.0 + 40.0 * np.sin((x - X0) / 60.0) * np.cos((y - Y0) / 80.0)


def dots():
    """Places of the dots on the ground, m."""
    along = np.arange(-90.0, 91.0, STEP_M)
    return [(X0 + dx + 0.3, Y0 + dy - 0.2) for dx in along for dy in along]


def pattern(x, y):
    value = np.full(np.shape(x), 100.0)
    for at_x, at_y in dots():
        value += 900.0 * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * 2.5**2))
    return value


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Folder with the raw image, two bands and a column without data, its .rpb, and the elevation model."""
    folder = tmp_path_factory.mktemp("raw")
    rpc = camera(lean=LEAN)
    rows, cols = np.meshgrid(np.arange(400.0), np.arange(400.0), indexing="ij")
    seen = np.full(rows.shape, 50.0)
    for _ in range(15):  # the line of sight meets the terrain where its height is that of the ground there
        lon, lat = rpc.ground(rows, cols, seen)
        x, y = TO_M.transform(lon, lat)
        seen = height_m(x, y)
    image = np.rint(pattern(x, y)).astype("uint16")
    image[:, :40] = 0
    with rasterio.open(
        folder / "GF2_PMS1_X-MSS1.tiff", "w", driver="GTiff", count=2, dtype="uint16", width=400, height=400
    ) as out:
        out.write(np.stack([image, image // 2]))
    (folder / "GF2_PMS1_X-MSS1.rpb").write_text(rpb(rpc))
    west, north = round(X0) - 400, round(Y0) + 400
    gx, gy = np.meshgrid(west + 2.5 + 5 * np.arange(160), north - 2.5 - 5 * np.arange(160))
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", count=1, dtype="float32", width=160, height=160,
        crs="EPSG:4548", transform=from_origin(west, north, 5, 5),
    ) as out:  # fmt: skip
        out.write(height_m(gx, gy).astype("float32"), 1)
    return folder


def files(folder, ortho, name="GF2_PMS1_X-MSS1.tiff"):
    return [BandFile(str(folder / name), Band(f"b{index}", index), ortho=ortho) for index in (1, 2)]


def found(image, grid, around):
    """Where the brightest dot near each place lies, m, as the centre of its light."""
    x, y = np.meshgrid(grid.x_m, grid.y_m)
    places = []
    for at_x, at_y in around:
        near = np.hypot(x - at_x, y - at_y) < 8.0
        light = np.where(near, np.clip(image - 150.0, 0, None), 0)
        places.append((np.sum(light * x) / light.sum(), np.sum(light * y) / light.sum()))
    return np.array(places)


def test_over_the_terrain_everything_is_in_its_place(raw):
    image, half = read_ortho(files(raw, Ortho(dem=str(raw / "dem.tif"))), GRID, nodata=0)
    assert image.dtype == np.float32
    assert image.shape == GRID.shape
    away = np.hypot(*(found(image, GRID, dots()) - np.array(dots())).T)
    assert away.max() < 0.5  # of a pixel of 1 m; measured 0.37 at most, 0.14 on average
    assert np.nanmax(np.abs(half - image / 2)) < 1.0


def test_on_a_plane_everything_is_off_by_what_its_height_predicts(raw):
    image, _ = read_ortho(files(raw, Ortho(height_m=50.0)), GRID, nodata=0)
    rpc = camera(lean=LEAN)
    predicted = []
    for x, y in dots():
        lon, lat = TO_M.transform(x, y, direction="INVERSE")
        predicted.append(TO_M.transform(*rpc.ground(*rpc.image(lon, lat, height_m(x, y)), 50.0)))
    away = np.hypot(*(found(image, GRID, predicted) - np.array(predicted)).T)
    assert away.max() < 0.5
    moved_m = np.hypot(*(np.array(predicted) - np.array(dots())).T)
    expected_m = [LEAN * abs(height_m(x, y) - 50.0) for x, y in dots()]
    assert moved_m == pytest.approx(expected_m, abs=0.8)
    assert moved_m.max() > 8.0


def test_the_geoid_is_added_to_heights_of_the_model(raw):
    at_sea, raised = (
        read_ortho(files(raw, Ortho(dem=str(raw / "dem.tif"), geoid_m=n)), GRID, nodata=0)[0] for n in (0.0, 10.0)
    )
    shift = found(raised, GRID, [(x - 3.0, y) for x, y in dots()]) - found(at_sea, GRID, dots())
    assert np.abs(shift[:, 0]).mean() == pytest.approx(10.0 * LEAN, abs=0.3)


def test_no_data_and_outside_are_nan(raw):
    wide = Grid(epsg=4548, west_m=round(X0) - 300, north_m=round(Y0) + 20, pixel_m=1.0, rows=40, cols=300)
    image, _ = read_ortho(files(raw, Ortho(height_m=50.0)), wide, nodata=0)
    assert np.isnan(image[:, :135]).all()  # outside up to 100, no data up to 140
    assert np.isfinite(image[:, 145:]).all()
    assert np.nanmin(image) >= 99
    far = Grid(epsg=4548, west_m=round(X0) + 3000, north_m=round(Y0), pixel_m=1.0, rows=20, cols=30)
    assert np.isnan(read_ortho(files(raw, Ortho()), far)[0]).all()


def test_coarser_grids_get_means(raw):
    coarse = Grid(epsg=4548, west_m=round(X0) - 60, north_m=round(Y0) + 60, pixel_m=4.0, rows=30, cols=30)
    fine = Grid(epsg=4548, west_m=round(X0) - 60, north_m=round(Y0) + 60, pixel_m=1.0, rows=120, cols=120)
    ortho = Ortho(dem=str(raw / "dem.tif"))
    means = read_ortho(files(raw, ortho), fine)[0].reshape(30, 4, 30, 4).mean(axis=(1, 3))
    away = read_ortho(files(raw, ortho), coarse)[0] - means
    assert np.abs(away).mean() < 12.0  # of a pattern that runs from 100 to 1000
    assert np.abs(away.mean()) < 1.0


def test_tiles_agree_at_their_seam(raw):
    ortho = Ortho(dem=str(raw / "dem.tif"))
    whole = read_ortho(files(raw, ortho), GRID, nodata=0)[0]
    part = Grid(GRID.epsg, GRID.west_m + 100, GRID.north_m - 70, 1.0, 60, 80)
    assert np.allclose(read_ortho(files(raw, ortho), part, nodata=0)[0], whole[70:130, 100:180], atol=0.5)


def test_only_what_is_asked_for_is_read(raw):
    ortho = Ortho(dem=str(raw / "dem.tif"))
    whole = read_ortho(files(raw, ortho), GRID, nodata=0)[0]
    within = shapely.box(GRID.west_m + 50.5, GRID.north_m - 80, GRID.west_m + 90, GRID.north_m - 40)
    part = read_ortho(files(raw, ortho), GRID, nodata=0, within=within)[0]
    inside = np.zeros(GRID.shape, bool)
    inside[40:80, 50:90] = True
    assert np.allclose(part[inside], whole[inside], atol=0.5)
    assert np.isnan(part[~inside]).all()


def test_nearest_gives_numbers_of_the_file(raw):
    image = read_ortho(files(raw, Ortho(height_m=50.0)), GRID, resampling="nearest")[0]
    assert np.array_equal(image, np.rint(image))


def test_the_reader_calls_it(raw):
    one = RasterioReader().read(files(raw, Ortho(dem=str(raw / "dem.tif")))[0], GRID, nodata=0)
    assert np.isfinite(one).mean() > 0.9


def test_what_cannot_be_placed_is_an_error_not_a_hole(raw, tmp_path):
    image = (raw / "GF2_PMS1_X-MSS1.tiff").read_bytes()
    (tmp_path / "bare.tiff").write_bytes(image)
    with pytest.raises(ImageryError, match="without polynomials"):
        read_ortho(files(tmp_path, Ortho(), "bare.tiff"), GRID)
    with pytest.raises(ImageryError, match=r"no\.tiff"):
        read_ortho(files(tmp_path, Ortho(), "no.tiff"), GRID)
    with rasterio.open(
        tmp_path / "small.tif", "w", driver="GTiff", count=1, dtype="int16", width=10, height=10,
        crs="EPSG:4548", transform=from_origin(X0, Y0, 5, 5),
    ) as out:  # fmt: skip
        out.write(np.full((1, 10, 10), 50, "int16"))
    with pytest.raises(ImageryError, match=r"small\.tif has no height on"):
        read_ortho(files(raw, Ortho(dem=str(tmp_path / "small.tif"))), GRID)
    with pytest.raises(ImageryError, match="no band 3"):
        read_ortho([BandFile(str(raw / "GF2_PMS1_X-MSS1.tiff"), Band("b", 3), ortho=Ortho())], GRID)
