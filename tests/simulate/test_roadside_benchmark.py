"""The benchmark of roadside things: what its figures must be where the answer is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from pipeline.simulate import Hazards, World
from pipeline.simulate.options import Clouds

ROOT = Path(__file__).resolve().parents[2]
Make = Callable[..., object]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The benchmark's package, as its script finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import roadside.days
        import roadside.page
        import roadside.score
        import roadside.worlds

        return roadside


@pytest.fixture(scope="module")
def world(bench: ModuleType) -> World:
    return World.generate(bench.worlds.options(405, km=4.0))


@pytest.fixture(scope="module")
def outcome(bench: ModuleType, world: World) -> Make:
    """A run that gave these findings."""

    def make(findings: gpd.GeoDataFrame, **more: object) -> object:
        plain = {"candidates": findings, "sites": None, "hot_spots": None, "km": 4.0, "seconds": (1.0, 1.0)}
        return bench.worlds.Outcome(seed=405, world=world, findings=findings, **{**plain, **more}, failures=0)

    return make


@pytest.fixture(scope="module")
def answer(world: World) -> gpd.GeoDataFrame:
    """Findings of one who knows the truth."""
    return world.truth.assign(confidence=1.0)


def test_whoever_knows_the_truth_finds_all_of_it(bench: ModuleType, outcome: Make, answer: gpd.GeoDataFrame) -> None:
    truth, found = bench.score.judged(outcome(answer))
    assert truth.loc[truth["due"], "hit"].all()
    assert truth["due"].sum() > 20
    assert set(truth["kind"][truth["due"]]) == set(bench.worlds.KINDS)
    assert set(found["verdict"]) <= {"hit", "not_due"}
    assert (found["verdict"] == "hit").sum() == truth["due"].sum()


def test_whoever_finds_nothing_misses_all(bench: ModuleType, outcome: Make, answer: gpd.GeoDataFrame) -> None:
    truth, found = bench.score.judged(outcome(answer.iloc[:0]))
    assert not truth["hit"].any()
    assert not truth["candidate"].any()
    assert found.empty


def test_the_wrong_kind_is_neither_right_nor_false(bench: ModuleType, outcome: Make, answer: gpd.GeoDataFrame) -> None:
    heaps = answer[answer["kind"] == "stockpile"].assign(kind="building")
    truth, found = bench.score.judged(outcome(heaps))
    assert set(found["verdict"]) == {"other"}
    assert set(truth.loc[truth["kind"] == "stockpile", "taken_for"]) == {"building"}


def test_two_findings_on_one_thing_are_one_hit_and_one_again(
    bench: ModuleType, outcome: Make, answer: gpd.GeoDataFrame
) -> None:
    twice = pd.concat([answer, answer.assign(geometry=answer.geometry.buffer(0.1))], ignore_index=True)
    _, found = bench.score.judged(outcome(twice))
    count = found["verdict"].value_counts()
    assert count["hit"] == count["repeat"]
    assert "false" not in count


@pytest.mark.parametrize(("away_m", "verdict"), [(4.5, "hit"), (9.0, "false")])
def test_a_billboard_counts_within_its_distance(
    bench: ModuleType, outcome: Make, answer: gpd.GeoDataFrame, away_m: float, verdict: str
) -> None:
    board = answer[(answer["kind"] == "billboard") & bench.score.due(answer)].iloc[:1]
    side = shapely.get_coordinates(board.geometry.iloc[0])[[0, 3]]
    across = (side[0] - side[1]) / float(((side[0] - side[1]) ** 2).sum() ** 0.5)
    thick = float(((side[0] - side[1]) ** 2).sum() ** 0.5)
    moved = board.assign(geometry=board.geometry.translate(*((away_m + thick) * across)))
    _, found = bench.score.judged(outcome(moved))
    assert found["verdict"].tolist() == [verdict]


def test_false_findings_are_told_by_what_they_lie_on(bench: ModuleType, outcome: Make, world: World) -> None:
    strips = [thing for thing in world.things if thing.sort == "field"]
    surface = next(band for band in world.upkeep if band.work == "surface")
    middle = surface.road.line_at(surface.centre_m).interpolate(
        (surface.from_m + surface.to_m) / 2 / surface.road.axis.length, normalized=True
    )
    kept = [strips[0].shape.buffer(-2), middle.buffer(3)]
    found = gpd.GeoDataFrame(
        {"kind": ["building", "roadworks"], "confidence": [0.9, 0.9]}, geometry=kept, crs=world.truth.crs
    )
    _, told = bench.score.judged(outcome(found))
    assert told["verdict"].tolist() == ["false", "false"]
    assert told["on"].tolist()[0] == "strip of field, ploughed or harvested, new"
    assert told["on"].tolist()[1] in ("upkeep: surface", "vehicle", "repair of the pavement, new")


def test_what_an_earlier_image_says_of_a_site_is_no_word_on_the_later_day(
    bench: ModuleType, outcome: Make, answer: gpd.GeoDataFrame, world: World
) -> None:
    numbers = [site.number for site in world.sites]
    later, earlier = world.options.days[-1].isoformat(), world.options.days[0].isoformat()
    sites = gpd.GeoDataFrame(
        {"number": numbers[:3], "state": ["standing", "standing", "unseen"], "day": [later, earlier, None]},
        geometry=[site.true_at for site in world.sites[:3]], crs=world.truth.crs,
    )  # fmt: skip
    table = bench.days.site_table(outcome(answer, sites=sites)).set_index("number")
    assert table.loc[numbers[:3], "said"].tolist() == ["standing", "unseen", "unseen"]
    assert set(table.loc[numbers[3:], "said"]) == {"nothing"}
    assert set(table["true"]) <= {"standing", "gone", "hidden"}


def test_rates_have_exact_bounds(bench: ModuleType) -> None:
    assert bench.score.poisson(0, 1.0) == pytest.approx((0.0, 0.0, 3.6889), abs=1e-4)
    assert bench.score.poisson(10, 2.0) == pytest.approx((5.0, 2.3977, 9.1952), abs=1e-3)


def test_days_of_grain_are_compared_spread_by_spread(bench: ModuleType) -> None:
    calm = bench.worlds.options(405, harvest=True, km=2.0).model_copy(update={"hazards": Hazards.none()})
    world = World.generate(calm)
    grain = world.truth[world.truth["kind"] == "grain_drying"].reset_index(drop=True)

    def table(findings: gpd.GeoDataFrame) -> pd.DataFrame:
        return bench.days.grain_table(
            bench.worlds.Outcome(405, world, findings, findings, None, None, 2.0, (1.0, 1.0), 0)
        )

    right = table(grain.assign(confidence=1.0))
    assert right["found"].all()
    assert (right[["first_seen", "last_absent", "gone_on"]] == 1).all(axis=None)
    wrong = table(grain.assign(gone_on=None, first_seen="2024-10-12"))
    assert wrong["gone_on"].tolist() == grain["gone_on"].isna().astype(float).tolist()
    assert wrong["first_seen"].tolist() == (grain["first_seen"] == "2024-10-12").astype(float).tolist()
    assert 0 < wrong["gone_on"].sum() < len(wrong)


def test_a_day_under_clouds_tells_nothing_of_a_spread(bench: ModuleType) -> None:
    options = bench.worlds.options(405, harvest=True, km=2.0)
    dull = World.generate(options.model_copy(update={"hazards": Hazards.none(clouds=Clouds(size=0.5))}))
    grain = dull.truth[dull.truth["kind"] == "grain_drying"]
    grain = grain[grain["clear_share"] >= 0.5]
    result = bench.worlds.Outcome(405, dull, grain, grain, None, None, 2.0, (1.0, 1.0), 0)
    days = bench.days.clear_days(result, grain)
    assert (days["first_seen"].to_numpy() >= grain["first_seen"].to_numpy()).all()
    assert (days["last_absent"].to_numpy() < days["first_seen"].to_numpy()).all()
    assert (days.to_numpy() != grain[list(days.columns)].fillna("").to_numpy()).any()


def test_the_page_says_which_detectors_it_lacks(bench: ModuleType, outcome: Make, answer: gpd.GeoDataFrame) -> None:
    truth, found = bench.score.judged(outcome(answer))
    sites = bench.days.site_table(outcome(answer))
    results = bench.page.Results(
        truth, found, sites, False, pd.DataFrame(), None, 4.0,
        pd.DataFrame([(405, "pairs", 1.0, 2.0)], columns=["seed", "part", "made", "run"]), 0, ("billboard",), (405,),
    )  # fmt: skip
    text = bench.page.render(results)
    assert "no detector 'billboard'" in text
    assert "| billboard | no detector |" in text
    assert "states of registered billboards are not scored" in text
    assert "1.00 (" in text
