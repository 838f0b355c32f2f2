"""Boards, works, stages and heaps of a simulated world: what the truth says stands in the pixels, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from pipeline.catalog.layers import Layers
from pipeline.model.grid import Grid
from pipeline.simulate import Events, Hazards, World, WorldOptions, simulate
from pipeline.simulate import options as choices
from pipeline.simulate.camera import shot
from pipeline.simulate.paint_boards import board_shadows
from pipeline.simulate.things import Thing
from pipeline.simulate.upkeep import upkeep

MANY = Events(
    building_inside=0.5, billboard=2, billboard_new=1.5, billboard_gone=1.5, billboard_phantom=1, roadworks=1, pad=0.7,
    access=0.7, trench=0.7, site=1, stockpile=3,
)  # fmt: skip
CALM = WorldOptions(km=4.0, hazards=Hazards.none(), events=MANY)


@pytest.fixture(scope="module")
def calm() -> World:
    return World.generate(CALM)


def mean_inside(world: World, shape: shapely.Geometry, day: object, margin_m: float = 15.0) -> np.ndarray:
    """Mean reflectance per band inside a shape, as the camera has it."""
    west, south, east, north = (round(v) for v in shape.buffer(margin_m).bounds)
    grid = Grid(4548, west, north, 0.25, (north - south) * 4, (east - west) * 4)
    numbers, _ = world.render(grid, day)
    inside = shapely.contains_xy(shape, *np.meshgrid(grid.x_m, grid.y_m))
    return numbers[:, inside].mean(axis=1) / 10_000


def boards(world: World, scenario: str) -> list[Thing]:
    return [thing for thing in world.things if thing.scenario == scenario]


def test_a_new_board_shows_its_top_and_its_shadow_and_an_old_one_stays(calm: World) -> None:
    options = calm.options
    for board in boards(calm, "board_new"):
        before, after = (mean_inside(calm, board.shape, day) for day in (options.last_absent, options.first_seen))
        assert np.abs(np.log(after / before)).max() > 0.25
    for board in boards(calm, "board_listed"):
        before, after = (mean_inside(calm, board.shape, day) for day in (options.last_absent, options.first_seen))
        np.testing.assert_allclose(after, before, rtol=0.02)


def test_the_shadow_falls_where_sun_and_height_put_it(calm: World) -> None:
    taken = shot(calm.options, calm.options.first_seen)
    others = shapely.unary_union([t.shape.buffer(12) for t in calm.things if t.height_m and t.sort != "board"])
    trees = shapely.union_all(shapely.points(calm.trees.x, calm.trees.y).tolist()).buffer(9)
    seen = 0
    for board in boards(calm, "board_new"):
        panel = shapely.Polygon(board_shadows(board, taken)[0]).buffer(-0.4)
        if panel.area < 6 or panel.intersects(others) or panel.intersects(trees) or panel.intersects(board.shape):
            continue
        before, after = (mean_inside(calm, panel, day) for day in (calm.options.last_absent, calm.options.first_seen))
        assert (after < 0.65 * before).all()
        far = panel.centroid.distance(board.shape.centroid)
        middle = 0.5 * (board.base_m + board.height_m) * float(np.hypot(*taken.shadow))
        assert far == pytest.approx(middle, rel=0.05)
        seen += 1
    assert seen >= 2


def test_the_camera_s_lean_displaces_the_top_by_height(calm: World) -> None:
    leaning = World.generate(CALM.model_copy(update={"hazards": Hazards.none(lean=choices.Lean(size=15))}))
    day = leaning.options.first_seen
    lean = shot(leaning.options, day).lean
    tall = [b for b in boards(leaning, "board_new") if b.roof == "pole"]
    for board in tall:
        top = shapely.affinity.translate(board.shape, *(board.height_m * lean))
        strip = mean_inside(leaning, top.buffer(-0.2), day)
        np.testing.assert_allclose(strip, mean_inside(calm, board.shape.buffer(-0.2), day), rtol=0.25)
    assert tall


def test_what_stands_on_the_later_day_is_true_and_what_was_taken_down_is_not(calm: World) -> None:
    truth = calm.truth[calm.truth["kind"] == "billboard"]
    assert set(truth["scenario"]) == {"board_listed", "board_unlisted", "board_new"}
    assert len(truth) == sum(t.there(calm.options.first_seen) for t in calm.things if t.scenario.startswith("board_"))
    always = truth["scenario"] != "board_new"
    assert truth["last_absent"].isna().tolist() == always.tolist()
    assert (truth["gone_on"].isna()).all()


def test_the_registry_s_states_follow_the_boards(calm: World) -> None:
    states = calm.site_states.set_index(["number", "day"])["state"]
    first, last = calm.options.last_absent.isoformat(), calm.options.first_seen.isoformat()
    expected = {
        "board_listed": ("standing", "standing"),
        "board_gone": ("standing", "gone"),
        "board_phantom": ("gone", "gone"),
    }
    assert {site.scenario for site in calm.sites} == set(expected)
    for site in calm.sites:
        assert (states[site.number, first], states[site.number, last]) == expected[site.scenario]
    assert len({site.number for site in calm.sites}) == len(calm.sites)


def test_clouds_hide_sites_and_leave_them_where_they_are(calm: World) -> None:
    hidden = World.generate(CALM.model_copy(update={"hazards": Hazards.none(clouds=choices.Clouds(size=0.9))}))
    assert [site.true_at for site in hidden.sites] == [site.true_at for site in calm.sites]
    assert (hidden.site_states["state"] == "hidden").mean() > 0.5
    assert hidden.site_states["stands"].equals(calm.site_states["stands"])


@pytest.mark.parametrize("seed", [7, 311])
def test_a_listed_board_of_a_full_world_is_under_a_cloud(seed: int) -> None:
    world = World.generate(WorldOptions(seed=seed, km=6))
    assert "hidden" in set(world.site_states["state"])


def test_the_registry_is_delivered_as_an_agency_would(tmp_path: Path) -> None:
    options = CALM.model_copy(
        update={"km": 2.0, "resolution_m": 4.0, "series": False, "reach_m": 60.0, "seed": 5,
                "events": MANY.model_copy(update={"billboard_stake_only": 0.5})}
    )  # fmt: skip
    world = World.generate(options)
    layers = Layers.load(simulate(tmp_path, options).parent / "layers.yaml")
    assert layers.registry is not None
    table = layers.registry.set_index("number")
    assert list(table.index) == [site.number for site in world.sites]
    assert table.geometry.isna().any()
    assert table.geometry.notna().any()
    for site in world.sites:
        row = table.loc[site.number]
        assert row["kind"] == "billboard"
        assert row["route_code"] == site.route_code
        assert row["stake_m"] == pytest.approx(site.stake_m, abs=0.51)
        assert row["valid_to"] == site.valid_to or site.valid_to is None
        if site.at is not None:
            assert row.geometry.distance(site.true_at) <= options.events.billboard_off_m + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_with_four_dates_a_site_goes_through_all_stages(seed: int) -> None:
    for dates in (4, 6):
        world = World.generate(CALM.model_copy(update={"seed": seed, "dates": dates, "km": 3.0}))
        order = ["none", "bare", "foundation", "building"]
        assert len(world.site_stages)
        for _, site in world.site_stages.sort_values("day").groupby("site"):
            assert list(dict.fromkeys(site["stage"])) == order
        of_sites = world.truth[world.truth["stage"].notna()]
        assert set(zip(of_sites["kind"], of_sites["stage"], strict=True)) == {("building", "building")}


def test_with_two_dates_sites_have_come_to_different_stages(calm: World) -> None:
    last = calm.site_stages[calm.site_stages["day"] == calm.options.first_seen.isoformat()]
    assert set(last["stage"]) == {"bare", "foundation", "building"}
    kind_of = {"bare": "roadworks", "foundation": "roadworks", "building": "building"}
    assert last["kind"].tolist() == [kind_of[stage] for stage in last["stage"]]


def test_works_lie_in_the_zones_and_heaps_on_the_land() -> None:
    for seed in range(3):
        truth = World.generate(CALM.model_copy(update={"seed": seed})).truth
        works = truth[truth["kind"] == "roadworks"]
        assert set(works["scenario"]) >= {"earth", "pad", "access", "trench"}
        assert set(works["zone"]) <= {"highway_land", "control_zone"}
        assert (works["zone_overlap_m2"] > 0).all()
        heaps = truth[truth["kind"] == "stockpile"]
        assert set(heaps["zone"]) == {"highway_land"}
        assert heaps["zone_overlap_m2"].to_numpy() == pytest.approx(heaps["area_m2"].to_numpy(), rel=0.02)
        assert heaps["length_m"].between(2.0, 20.5).all()


def test_new_ground_works_and_works_alone_open_the_ground_of_the_zones() -> None:
    """Yards and entrances that are no event lie beyond the zones or were there before."""
    for seed in range(4):
        world = World.generate(WorldOptions(km=6, seed=seed))
        zones = shapely.unary_union([road.control for road in world.roads])
        new = [t for t in world.things if t.born and not t.event and not t.stage and t.sort in ("yard", "entrance")]
        assert new
        for thing in new:
            assert thing.shape.intersection(zones).area < 0.05 * thing.shape.area


def test_upkeep_changes_its_stripes_and_trees_and_no_truth(calm: World) -> None:
    kept = World.generate(CALM.model_copy(update={"hazards": Hazards.none(upkeep=choices.Upkeep(size=6))}))
    assert kept.truth.geometry.geom_equals(calm.truth.geometry).all()
    np.testing.assert_array_equal(kept.trees.x, calm.trees.x)
    before, after = (kept.trees.on(day) for day in (kept.options.last_absent, kept.options.first_seen))
    gone = set(zip(before.x, before.y, strict=True)) - set(zip(after.x, after.y, strict=True))
    planted = set(zip(after.x, after.y, strict=True)) - set(zip(before.x, before.y, strict=True))
    assert gone
    assert planted
    assert {band.work for band in kept.upkeep} == {"surface", "shoulder", "mowing", "ditch", "rail", "paint"}
    assert upkeep(calm.options, calm.roads) == ()
    surface = next(band for band in kept.upkeep if band.work == "surface" and band.road.surface == "asphalt")
    along = (surface.from_m + surface.to_m) / 2 / surface.road.axis.length
    spot = surface.road.line_at(surface.centre_m).interpolate(along, normalized=True).buffer(1.2)
    fresh, old = (mean_inside(world, spot, kept.options.first_seen) for world in (kept, calm))
    assert (fresh < 0.75 * old).all()
