"""The simulated world keeps its own laws: the truth stands in the pixels, a switch changes what it says and no more."""

from __future__ import annotations

import ast
import datetime as dt
import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
import shapely
from ruamel.yaml import YAML

import pipeline.simulate
from pipeline.model.grid import Grid
from pipeline.simulate import Events, Hazards, World, WorldOptions, simulate
from pipeline.simulate import options as choices
from pipeline.simulate.layers import digitised, roads_layer, stakes_layer
from pipeline.simulate.noise import stream
from pipeline.simulate.press import run_yaml, sheets
from pipeline.simulate.roads import counties, roads
from pipeline.simulate.truth import COLUMNS

CALM = WorldOptions(km=4.0, hazards=Hazards.none())
SMALL = WorldOptions(km=1.0, reach_m=80.0, resolution_m=1.0)
BUSY = Events(building_inside=2, building_astride=1.5, building_outside=1.5, grain=2.5, roadworks=1, stockpile=1.5)


@pytest.fixture(scope="module")
def calm() -> World:
    return World.generate(CALM.model_copy(update={"events": BUSY}))


@pytest.fixture(scope="module")
def little() -> World:
    return World.generate(CALM.model_copy(update={"km": 1.5}))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("world"), SMALL).parent


def window(shape: shapely.Geometry, margin_m: float = 20.0, pixel_m: float = 0.5) -> Grid:
    west, south, east, north = (round(v) for v in shape.buffer(margin_m).bounds)
    return Grid(4548, west, north, pixel_m, int((north - south) / pixel_m), int((east - west) / pixel_m))


def inside(grid: Grid, shape: shapely.Geometry) -> np.ndarray:
    return shapely.contains_xy(shape, *np.meshgrid(grid.x_m, grid.y_m))


def look(world: World, shape: shapely.Geometry, day: dt.date) -> np.ndarray:
    """Mean reflectance per band inside a shape, as the camera has it."""
    grid = window(shape)
    numbers, _ = world.render(grid, day)
    return numbers[:, inside(grid, shape)].mean(axis=1) / 10_000


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_writes_give_the_same_bytes_whatever_the_workers(tmp_path: Path, written: Path) -> None:
    again = simulate(tmp_path, SMALL.model_copy(update={"workers": 1})).parent
    assert digest(again) == digest(written)


def test_another_seed_is_another_world() -> None:
    one, two = (World.generate(WorldOptions(km=2, seed=seed)).truth for seed in (1, 2))
    assert not one.geometry.iloc[0].equals(two.geometry.iloc[0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("km", [1.0, 2.0])
def test_every_world_has_a_building_inside_and_a_strip(seed: int, km: float) -> None:
    truth = World.generate(WorldOptions(km=km, seed=seed)).truth
    assert "inside" in set(truth["scenario"])
    assert "grain_drying" in set(truth["kind"])


@pytest.mark.parametrize("seed", range(3))
def test_no_event_overlaps_another_or_an_older_thing(seed: int) -> None:
    world = World.generate(WorldOptions(km=6, seed=seed, events=BUSY, hazards=Hazards(clouds=choices.Clouds(on=False))))
    shapes = list(world.truth.geometry)
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    assert [(a, b) for a, b in pairs.tolist() if a < b] == []
    # Buildings stand on the bare ground of their own sites.
    others = [t.shape for t in world.things if not t.event and not t.stage and t.sort not in ("patch", "vehicle")]
    assert shapely.STRtree(others).query(shapes, predicate="intersects").size == 0


def test_length_is_what_was_asked_for() -> None:
    for km in (1.0, 12.0):
        assert sum(road.axis.length for road in roads(WorldOptions(km=km))) == pytest.approx(km * 1000, rel=0.002)


def test_all_roads_cross_the_border() -> None:
    ways = roads(WorldOptions())
    lands = counties(WorldOptions(), ways)
    crossed = [road.route_code for road in ways if all(road.axis.intersects(county.area) for county in lands)]
    assert {"G311", "X201"} <= set(crossed)
    assert lands[0].area.intersection(lands[1].area).area == pytest.approx(0, abs=1e-6)


def test_truth_agrees_with_plain_distances(calm: World) -> None:
    """Zones from the true axis by distance, not by the buffers that made the truth."""
    widths = {"G": 20.0, "S": 15.0, "X": 10.0}
    roads = {road.route_code: road for road in calm.roads}
    for row in calm.truth.itertuples():
        road = roads[row.route_code]
        near, far = road.axis.distance(row.geometry), road.axis.hausdorff_distance(row.geometry.centroid)
        edge = road.land_m + widths[road.road_class]
        if row.scenario == "inside":
            assert row.zone == "control_zone"
            assert near >= road.land_m - 0.2
            assert row.zone_overlap_m2 == pytest.approx(row.area_m2, rel=0.02)
        if row.scenario == "astride":
            assert near < edge
            assert 0.05 * row.area_m2 < row.zone_overlap_m2 < 0.95 * row.area_m2
        if row.scenario == "outside":
            assert (row.zone, row.membership) == ("outside", "outside")
            assert near > edge
        if row.kind == "grain_drying":
            assert row.zone == "pavement"
            assert row.zone_overlap_m2 == pytest.approx(row.area_m2, rel=0.01)
            assert 1.5 <= row.area_m2 / row.length_m <= 4.6
        assert far > near


def test_truth_names_stake_side_and_county(calm: World) -> None:
    for row in calm.truth.itertuples():
        road = next(road for road in calm.roads if road.route_code == row.route_code)
        km, metres = row.stake.removeprefix("K").split("+")
        place, forward, left = road.frame(1000 * int(km) + int(metres) - road.stake_from_m)
        centre = np.array(row.geometry.centroid.coords[0])
        assert abs((centre - place) @ forward) < 3.0
        if row.kind == "building":
            assert row.side == ("left" if (centre - place) @ left > 0 else "right")
        county = next(county for county in calm.counties if county.code == row.county_code)
        assert county.area.intersection(row.geometry).area >= 0.5 * row.geometry.area


def test_only_a_permit_in_force_counts() -> None:
    world = World.generate(WorldOptions(km=6, events=BUSY))
    numbers = {permit.number: permit for permit in world.permits}
    given = world.truth[world.truth["permit_no"].notna()]
    assert len(given) >= 2
    for row in given.itertuples():
        permit = numbers[row.permit_no]
        assert permit.valid_from <= world.options.first_seen <= permit.valid_to
        assert permit.area.contains(row.geometry)
    expired = [p for p in world.permits if p.valid_to < world.options.first_seen]
    assert expired
    assert not {p.number for p in expired} & set(given["permit_no"])


def test_grain_is_on_the_road_after_and_not_before(calm: World) -> None:
    for thing in [t for t in calm.things if t.event == "grain_drying"][:6]:
        core = thing.shape.buffer(-0.7)
        before, after = (look(calm, core, day) for day in (calm.options.last_absent, calm.options.first_seen))

        def tan(v: np.ndarray) -> float:
            return float((v[2] - v[0]) / (v[2] + v[0]))

        assert tan(before) < 0.17  # a grey pavement
        assert tan(after) > 0.28  # straw-yellow
        assert after[3] > before[3] + 0.10


def test_buildings_stand_after_and_fields_lay_before(calm: World) -> None:
    for thing in [t for t in calm.things if t.event == "building"][:6]:
        before, after = (look(calm, thing.shape, day) for day in (calm.options.last_absent, calm.options.first_seen))
        assert np.abs(np.log(after / before)).max() > 0.3
        ndvi_after = (after[3] - after[2]) / (after[3] + after[2])
        assert ndvi_after < 0.40


def test_demolished_and_older_buildings_are_no_findings(calm: World) -> None:
    quiet = [t for t in calm.things if t.scenario in ("demolished", "older")]
    assert {t.scenario for t in quiet} == {"demolished", "older"}
    assert not calm.truth["scenario"].isin(["demolished", "older"]).any()
    for thing in quiet:
        assert thing.there(calm.options.last_absent)
        assert thing.there(calm.options.first_seen) is (thing.scenario == "older")


def test_without_hazards_only_events_and_the_vehicles_change(calm: World) -> None:
    """Seasons and sun off: away from everything new the two dates are the same picture."""
    new = shapely.unary_union([t.shape.buffer(25) for t in calm.things if t.born or t.gone])
    road = calm.roads[0]
    place = next(p for m in range(200, 1700, 20) if not (p := road.axis.interpolate(m).buffer(20)).intersects(new))
    grid = window(place, 0.0)
    before, after = (calm.render(grid, day)[0] for day in calm.options.days)
    np.testing.assert_array_equal(before, after)


def test_windows_agree_where_they_overlap() -> None:
    world = World.generate(CALM.model_copy(update={"hazards": Hazards(jpeg=choices.Jpeg(on=False))}))
    x, y = np.round(world.roads[1].axis.interpolate(0.3, normalized=True).coords[0])
    one, two = Grid(4548, x - 60, y + 60, 0.5, 240, 240), Grid(4548, x - 10, y + 35, 0.5, 240, 240)
    day = world.options.first_seen
    (a, mask_a), (b, mask_b) = world.render(one, day), world.render(two, day)
    np.testing.assert_array_equal(mask_a[50:, 100:], mask_b[:190, :140])
    difference = np.abs(a[:, 50:, 100:].astype(int) - b[:, :190, :140])
    assert difference.max() <= 5  # one count of the detector, where rounding falls the other way
    assert (difference > 0).mean() < 1e-3


def test_shift_moves_the_picture_by_what_it_says(calm: World) -> None:
    from skimage.registration import phase_cross_correlation

    from pipeline.simulate.camera import shot

    moved = World.generate(calm.options.model_copy(update={"hazards": Hazards.none(shift=choices.Shift(size=2.0))}))
    village = next(t for t in calm.things if t.sort == "village")
    grid, day = window(village.shape, 0.0), calm.options.first_seen
    still, shifted = (world.render(grid, day)[0][2].astype(float) for world in (calm, moved))
    found, _, _ = phase_cross_correlation(still, shifted, upsample_factor=20, normalization=None)
    columns, rows = shot(moved.options, day).shift_px
    assert 0.5 < np.hypot(columns, rows) <= 2.0
    assert found == pytest.approx((-rows, -columns), abs=0.1)


def test_lean_moves_roofs_and_leaves_the_ground(calm: World) -> None:
    leaning = World.generate(calm.options.model_copy(update={"hazards": Hazards.none(lean=choices.Lean(size=25))}))
    day = calm.options.first_seen
    house = max((t for t in calm.things if t.event == "building"), key=lambda t: t.height_m)
    grid = window(house.shape)
    assert (calm.render(grid, day)[0] != leaning.render(grid, day)[0]).any()
    field = window(shapely.Point(calm.roads[2].frame(300.0)[0] + calm.roads[2].frame(300.0)[2] * 170).buffer(15), 0.0)
    if not any(t.shape.intersects(field.footprint.buffer(60)) for t in calm.things):
        np.testing.assert_array_equal(calm.render(field, day)[0], leaning.render(field, day)[0])


def test_clouds_cover_their_share_and_the_mask_misses_little() -> None:
    hazards = Hazards.none(clouds=choices.Clouds(size=0.2, mask_error_m=5))
    world = World.generate(WorldOptions(km=6, hazards=hazards))
    grid = Grid(4548, 518_800.0, 3_831_200.0, 6.0, 400, 400)
    day = world.options.first_seen
    numbers, mask = world.render(grid, day)
    assert 0.08 < (mask == 1).mean() < 0.35
    assert (mask == 2).any()
    white = (numbers.min(axis=0) > 4500) & (mask == 0)
    assert white.mean() < 0.02


PIXELS_ONLY = (
    "haze",
    "gain",
    "shift",
    "blur",
    "noise",
    "jpeg",
    "lean",
    "vignette",
    "sun",
    "seasons",
    "vehicles",
    "clouds",
)


@pytest.mark.parametrize("name", PIXELS_ONLY)
def test_a_camera_switch_changes_pixels_and_neither_truth_nor_layers(little: World, name: str) -> None:
    hazard = type(Hazards.model_fields[name].default)(on=True)
    other = World.generate(little.options.model_copy(update={"hazards": Hazards.none(**{name: hazard})}))
    plain = [column for column in COLUMNS if column != "clear_share"]
    assert other.truth[plain].equals(little.truth[plain])
    assert other.truth.geometry.geom_equals(little.truth.geometry).all()
    assert roads_layer(other.options, other.roads).equals(roads_layer(little.options, little.roads))
    ground = next(t.shape for t in little.things if t.event == "building").centroid.buffer(90)
    grid = Grid(
        4548, *np.round((ground.bounds[0], ground.bounds[3])), 1.5, 120, 1200 if name in ("clouds", "vignette") else 120
    )
    day = little.options.first_seen
    assert (little.render(grid, day)[0] != other.render(grid, day)[0]).any()


@pytest.mark.parametrize("name", ["patches", "confusers", "fieldwork", "furniture"])
def test_more_things_leave_the_truth_and_the_trees(little: World, name: str) -> None:
    hazard = type(Hazards.model_fields[name].default)(on=True)
    other = World.generate(little.options.model_copy(update={"hazards": Hazards.none(**{name: hazard})}))
    assert len(other.things) > len(little.things)
    assert other.truth.geometry.geom_equals(little.truth.geometry).all()
    np.testing.assert_array_equal(other.trees.x, little.trees.x)


def test_digitising_error_has_the_size_it_says() -> None:
    road = roads(WorldOptions())[0]
    drawn = digitised(road.axis, 1.5, stream(1, "x"))
    offsets = [road.across_m(shapely.Point(xy)) for xy in drawn.coords]
    assert np.std(offsets) == pytest.approx(1.5, rel=0.2)
    assert digitised(road.axis, 0.0, stream(1, "x")).hausdorff_distance(road.axis) < 0.2


def test_stakes_and_widths_show_their_faults_only_when_asked() -> None:
    calm = World.generate(WorldOptions(km=3, hazards=Hazards.none()))
    faulty = World.generate(
        WorldOptions(km=3, hazards=Hazards.none(stakes=choices.Stakes(), widths=choices.Widths(size=1)))
    )
    whole, gappy = (stakes_layer(world.options, world.roads) for world in (calm, faulty))
    assert len(gappy) < len(whole)
    assert not roads_layer(calm.options, calm.roads)["LMKD"].isna().any()
    assert roads_layer(faulty.options, faulty.roads)["LMKD"].isna().any()
    road = calm.roads[0]
    first = whole[whole["LXBM"] == road.route_key].iloc[0]
    km, metres = first["ZH"].removeprefix("K").split("+")
    assert road.stake_m(first.geometry) == pytest.approx(1000 * int(km) + int(metres), abs=0.01)


def test_one_or_two_centrelines_of_the_divided_road() -> None:
    for drawn, width in (("one", 18.0), ("two", 9.0)):
        options = WorldOptions(km=2, carriageways=drawn)
        layer = roads_layer(options, roads(options))
        national = layer[layer["LXBM"].str.startswith("G311")]
        assert len(national) == (1 if drawn == "one" else 2)
        assert set(national["LMKD"]) == {width}


def test_everything_opens_with_the_usual_libraries(written: Path) -> None:
    catalog = pystac.Catalog.from_file(str(written / "imagery" / "catalog.json"))
    items = list(catalog.get_child("demo-vhr").get_items())
    assert {item.datetime.date() for item in items} == set(WorldOptions().days)
    for item in items:
        asset = item.assets["data"]
        assert [band["common_name"] for band in asset.extra_fields["eo:bands"]] == ["blue", "green", "red", "nir"]
        with (
            rasterio.open(asset.get_absolute_href()) as data,
            rasterio.open(item.assets["mask"].get_absolute_href()) as mask,
        ):
            assert data.crs.to_epsg() == 4548
            assert data.overviews(1)
            assert data.nodata == 0
            assert [data.width, data.height] == item.properties["proj:shape"][::-1]
            fill = mask.read(1) == 255
            np.testing.assert_array_equal((data.read() == 0).all(axis=0), fill)
    assert set(gpd.list_layers(written / "layers.gpkg")["name"]) >= {
        "roads",
        "stakes",
        "counties",
        "permits",
    }
    truth = gpd.read_file(written / "truth.gpkg", layer="findings")
    assert list(truth.columns) == [*COLUMNS, "geometry"]
    assert truth.crs.to_epsg() == 4548


def test_series_is_coarse_and_agrees_with_the_sharp_images(written: Path) -> None:
    catalog = pystac.Catalog.from_file(str(written / "imagery" / "catalog.json"))
    items = list(catalog.get_child("demo-10m").get_items())
    assert len({item.datetime.date() for item in items}) >= 6
    with rasterio.open(items[0].assets["data"].get_absolute_href()) as data:
        assert data.res == (10.0, 10.0)
        assert (data.read(4) > 0).any()


def test_run_file_has_the_form_that_runs_take(written: Path) -> None:
    run = YAML(typ="safe").load((written / "run.yaml").read_text(encoding="utf-8"))
    assert run["imagery"]["source"] == {"kind": "stac", "url": "imagery/catalog.json", "collection": "demo-vhr"}
    assert (written / run["layers"]).is_file()
    layers = YAML(typ="safe").load((written / "layers.yaml").read_text(encoding="utf-8"))
    for entry in [*(v for k, v in layers.items() if k != "assets"), *layers["assets"]]:
        table = gpd.read_file(written / entry["path"], layer=entry["layer"])
        assert set(entry["columns"].values()) <= set(table.columns)


@pytest.mark.parametrize("dates", [2, 3, 6])
def test_run_periods_hold_all_dates(dates: int) -> None:
    options = WorldOptions(dates=dates)
    run = YAML(typ="safe").load(run_yaml(options))["imagery"]
    inside = set()
    for name in ("before", "after"):
        start, end = (dt.date.fromisoformat(text) for text in run[name].split("/"))
        inside |= {day for day in options.days if start <= day <= end}
    assert inside == set(options.days)
    assert options.last_absent < options.first_seen


def test_sheets_cover_the_corridor_once() -> None:
    world = World.generate(WorldOptions(km=3))
    found = [sheet for sheet in sheets(world) if sheet.collection == "demo-vhr"]
    parts = shapely.unary_union([sheet.part.footprint for sheet in found])
    assert world.corridor.difference(parts).area < 4.0
    assert sum(sheet.grid.footprint.area for sheet in found) == pytest.approx(
        shapely.unary_union([sheet.grid.footprint for sheet in found]).area
    )


def test_simulator_knows_nothing_of_detection() -> None:
    allowed = {"errors", "model", "geo"}
    for path in Path(pipeline.simulate.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                assert (node.module or node.names[0].name).split(".")[0] in allowed, path.name
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert not (node.module or "").startswith("pipeline"), path.name


def test_one_spread_of_grain_is_one_event_however_many_driveways_cut_it() -> None:
    world = World.generate(WorldOptions(seed=5, km=12.0))
    grain = world.truth[world.truth["kind"] == "grain_drying"]
    pieces = [thing for thing in world.things if thing.event == "grain_drying"]
    assert len(grain) == len({thing.number for thing in pieces}) < len(pieces)
    assert abs(grain.geometry.area.sum() - sum(thing.shape.area for thing in pieces)) < 1e-6
