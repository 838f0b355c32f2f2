"""Stacks: reflectance, masks, composites, and an estimate that reads nothing."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pictures import RGB, band_file, grid, scene
from pyproj import Transformer

from pipeline.errors import ImageryError
from pipeline.imagery.reader import MemoryReader
from pipeline.imagery.stack import StackOptions, composite, estimate_bytes, load, overlapping

FRAME = grid(60, 80)
NO_MARGIN = StackOptions(mask_margin_m=0)


def footprint(place=FRAME) -> shapely.Polygon:
    to_lonlat = Transformer.from_crs(place.epsg, 4326, always_xy=True).transform
    return shapely.transform(place.footprint, lambda xy: np.column_stack(to_lonlat(*xy.T)))


@pytest.fixture
def reader() -> MemoryReader:
    whole = np.arange(3 * 60 * 80, dtype=np.uint16).reshape(3, 60, 80) + 1
    half = whole.copy()
    half[:, :, :40] = 0
    quality = np.zeros((1, 60, 80), np.uint8)
    quality[0, 30, 60] = 9
    return MemoryReader({"whole": (whole, FRAME), "half": (half, FRAME), "quality": (quality, FRAME)})


def test_numbers_become_reflectance_with_coordinates(reader):
    files = {name: band_file("whole", name, k, 1e-4, -0.1) for k, name in enumerate(RGB, 1)}
    stack = load([scene("whole", files=files)], FRAME, ("blue", "red"), reader=reader)
    assert list(stack.data_vars) == ["blue", "red"]
    assert stack["red"].dims == ("time", "y", "x")
    assert stack["red"].dtype == np.float32
    assert stack["red"].to_numpy()[0, 0, 0] == pytest.approx(1e-4 - 0.1)
    assert stack["blue"].to_numpy()[0, 0, 0] == pytest.approx(9601e-4 - 0.1)
    assert stack["time"].dtype == np.dtype("datetime64[ns]")
    assert stack.attrs == {"epsg": 4548, "pixel_m": 0.5}
    assert np.array_equal(stack["x"], FRAME.x_m)
    assert np.array_equal(stack["y"], FRAME.y_m)
    assert stack["scene_id"].to_numpy().tolist() == ["S2024-10-01"]


def test_bands_of_one_file_are_read_once(reader):
    load([scene("whole")], FRAME, RGB, reader=reader)
    assert reader.log == [("whole", FRAME)]


def test_scenes_are_sorted_by_day_and_those_elsewhere_dropped_unread(reader):
    far = footprint(grid(60, 80, west_m=530_000.0))
    scenes = [
        scene("whole", "2024-10-05", footprint_lonlat=footprint()),
        scene("nowhere", "2024-10-04", footprint_lonlat=far),
        scene("half", "2024-10-01", nodata=0),
    ]
    stack = load(scenes, FRAME, RGB, reader=reader)
    assert stack["scene_id"].to_numpy().tolist() == ["S2024-10-01", "S2024-10-05"]
    assert [s.scene_id for s in overlapping(scenes, FRAME)] == ["S2024-10-05", "S2024-10-01"]


def test_scene_without_a_pixel_here_is_left_out(reader):
    left = grid(60, 40)
    assert load([scene("half", nodata=0)], left, RGB, reader=reader).sizes["time"] == 0
    image, source = composite(load([scene("half", nodata=0)], left, RGB, reader=reader))
    assert np.isnan(image["red"]).all()
    assert (source == -1).all()


def test_cloud_is_widened_as_a_disc_and_told_apart_from_no_image(reader):
    clouded = scene("half", nodata=0, mask=band_file("quality"), mask_bad=frozenset({8, 9}))
    stack = load([clouded], FRAME, RGB, reader=reader, options=StackOptions(mask_margin_m=2.0))
    rows, cols = np.mgrid[:60, :80]
    disc = np.hypot(rows - 30, cols - 60) <= 4
    assert np.array_equal(stack["clouded"].to_numpy()[0], disc)
    assert np.array_equal(np.isnan(stack["green"].to_numpy()[0]), disc | (cols < 40))


def test_cloud_just_outside_the_window_reaches_in(reader):
    clouded = scene("whole", mask=band_file("quality"), mask_bad=frozenset({9}))
    options = StackOptions(mask_margin_m=3.0)
    whole = load([clouded], FRAME, RGB, reader=reader, options=options)
    part = load([clouded], grid(20, 80), RGB, reader=reader, options=options)
    lower = load([clouded], grid(28, 80), RGB, reader=reader, options=options)
    assert not part["clouded"].any()
    assert lower["clouded"].any()
    assert np.array_equal(lower["clouded"].to_numpy()[0], whole["clouded"].to_numpy()[0, :28])


def test_pixel_missing_in_one_band_is_missing_in_all():
    array = np.ones((3, 60, 80), np.float32)
    array[1, 5, 5] = np.nan
    stack = load([scene("x")], FRAME, RGB, reader=MemoryReader({"x": (array, FRAME)}))
    assert all(np.isnan(stack[name].to_numpy()[0, 5, 5]) for name in RGB)


def test_newest_clear_pixel_wins_and_says_where_from(reader):
    older = scene("whole", "2024-09-01")
    newer = scene("half", "2024-10-01", nodata=0, scale=2.0)
    stack = load([newer, older], FRAME, RGB, reader=reader)
    image, source = composite(stack)
    assert source.dtype == np.int16
    assert (source[:, :40] == 0).all()
    assert (source[:, 40:] == 1).all()
    raw = reader.files["whole"][0][0].astype(np.float32)
    assert np.array_equal(image["red"].to_numpy(), np.where(source == 1, raw * 2, raw))
    assert image["red"].dims == ("y", "x")


def test_composite_takes_all_bands_from_one_scene():
    rng = np.random.default_rng(3)
    arrays = {}
    for number in range(4):
        array = np.full((3, 60, 80), number + 1.0, np.float32)
        array[rng.random(array.shape) < 0.2] = np.nan
        arrays[str(number)] = (array, FRAME)
    scenes = [scene(str(number), f"2024-10-0{number + 1}") for number in range(4)]
    stack = load(scenes, FRAME, RGB, reader=MemoryReader(arrays))
    image, source = composite(stack)
    for name in RGB:
        values = image[name].to_numpy()
        assert np.array_equal(np.isnan(values), source < 0)
        assert np.array_equal(values[source >= 0], source[source >= 0] + 1.0)
    assert composite(load(scenes[::-1], FRAME, RGB, reader=MemoryReader(arrays)))[0].equals(image)


def test_lost_scene_or_band_is_an_error_that_names_it(reader):
    with pytest.raises(ImageryError, match=r"'S2024-10-01'.*no such array"):
        load([scene("lost")], FRAME, RGB, reader=reader)
    with pytest.raises(ImageryError, match=r"'nir'.*only blue, green, red"):
        load([scene("whole")], FRAME, ("red", "nir"), reader=reader)


def test_estimate_grows_with_bands_and_scenes_and_sees_no_far_scene():
    one = estimate_bytes([scene("x", native_pixel_m=0.5)], grid(512, 512), ["red"])
    assert one == 1024 * 1024
    assert estimate_bytes([scene("x", native_pixel_m=0.5)] * 2, grid(512, 512), RGB) == 6 * one
    far = scene("x", footprint_lonlat=footprint(grid(60, 80, west_m=530_000.0)))
    assert estimate_bytes([far], FRAME, RGB) == 0
    coarse = estimate_bytes([scene("x", native_pixel_m=10.0)], grid(512, 512), ["red"])
    overview = estimate_bytes([scene("x", native_pixel_m=0.125)], grid(512, 512), ["red"])
    assert coarse < one
    assert overview == one


def test_bits_of_a_quality_file_are_masked(reader):
    """Landsat's qa_pixel: bit 3 cloud, bit 4 shadow, bit 6 clear; 21824 is plain clear land."""
    quality = np.full((1, 60, 80), 21824, np.uint16)
    quality[0, 10:20, 10:20] = 22280  # cloud
    quality[0, 30:40, 30:40] = 23888  # shadow
    reader.files["qa"] = (quality, FRAME)  # type: ignore[index]
    stack = load(
        [scene("whole", mask=band_file("qa"), mask_bits=0b111111)], FRAME, RGB, reader=reader, options=NO_MARGIN
    )
    expected = np.zeros((60, 80), bool)
    expected[10:20, 10:20] = expected[30:40, 30:40] = True
    assert np.array_equal(stack["clouded"].to_numpy()[0], expected)
    both = scene("whole", mask=band_file("qa"), mask_bits=1 << 3, mask_bad=frozenset({21824}))
    stack = load([both], FRAME, RGB, reader=reader, options=NO_MARGIN)
    assert np.array_equal(~stack["clouded"].to_numpy()[0], quality[0] == 23888)


def test_mask_that_ends_before_the_image_leaves_the_rest_unknown(reader):
    reader.files["short"] = (np.zeros((1, 60, 50), np.uint8), grid(60, 50))  # type: ignore[index]
    stack = load([scene("whole", mask=band_file("short"), mask_bad=frozenset({9}))], FRAME, RGB, reader=reader)
    assert not stack["clouded"].to_numpy()[0, :, :50].any()
    assert stack["clouded"].to_numpy()[0, :, 50:].all()


def test_mosaic_of_two_days_is_cut_at_its_seamline(reader):
    west, east = footprint(grid(60, 30)), footprint(grid(60, 50, west_m=FRAME.west_m + 15.0))
    days = [
        scene("whole", "2024-03-01", footprint_lonlat=footprint(), clip_lonlat=west),
        scene("whole", "2024-05-01", footprint_lonlat=footprint(), clip_lonlat=east),
    ]
    stack = load(days, FRAME, RGB, reader=reader)
    seen = np.isfinite(stack["red"].to_numpy())
    assert np.array_equal(seen[0], np.broadcast_to(np.arange(80) < 30, (60, 80)))
    assert np.array_equal(seen[1], ~seen[0])
    assert not stack["clouded"].any()  # of another day is not cloudy: it is no image of this one
    far = grid(20, 20, west_m=FRAME.west_m + 300.0)
    assert overlapping(days, far) == ()


@pytest.mark.parametrize("fill", [0, 255])
def test_unmarked_border_is_no_ground_but_roofs_and_shadows_are(fill):
    """A mosaic of 400 x 400 px whose corner is filled up, with a saturated roof and a black shadow of 60 x 40 m."""
    whole = np.random.default_rng(0).integers(40, 200, (3, 400, 400)).astype(np.uint8)
    rows, cols = np.mgrid[:400, :400]
    corner = rows + cols < 200
    whole[:, corner] = fill
    roof, shadow = (slice(200, 280), slice(100, 220)), (slice(300, 380), slice(250, 370))
    whole[(slice(None), *roof)], whole[(slice(None), *shadow)] = 255, 0
    place = grid(400, 400)
    memory = MemoryReader({"dom": (whole, place)})
    mosaic = scene("dom", border=(0.0, 255.0))

    def seen(window) -> np.ndarray:
        return np.isfinite(load([mosaic], window, RGB, reader=memory)["red"].to_numpy()[0])

    assert not (seen(place) & corner).any()
    assert seen(place)[roof].all()
    assert seen(place)[shadow].all()
    # A window that cuts the border and the roof, and sees nothing of the file's edge.
    west_m, north_m = place.west_m + 25.0, place.north_m - 25.0
    part = seen(grid(200, 170, west_m=west_m, north_m=north_m))
    assert not (part & corner[50:250, 50:220]).any()
    assert part[150:, 50:].all()
    assert part.sum() > 0.95 * (~corner[50:250, 50:220]).sum()
    # A window inside the roof alone is ground.
    assert seen(grid(40, 60, west_m=place.west_m + 60.0, north_m=place.north_m - 110.0)).all()


def test_polygon_is_passed_to_the_reader_only_if_there_is_one(reader):
    asked = []

    class Careful:
        def read_many(self, files, frame, *, nodata=None, resampling="bilinear", **more):
            asked.append(more)
            return reader.read_many(files, frame, nodata=nodata, resampling=resampling)

        read = None

    masked = scene("whole", mask=band_file("quality"), mask_bad=frozenset({9}))
    load([masked], FRAME, RGB, reader=Careful())
    assert asked == [{}, {}]
    asked.clear()
    corridor = shapely.box(*grid(60, 20).bounds_m)
    load([masked], FRAME, RGB, reader=Careful(), within=corridor)
    image, quality = (more["within"] for more in asked)
    assert image.equals(corridor)
    assert quality.covers(corridor.buffer(StackOptions().mask_margin_m))  # cloud beyond it may reach in
