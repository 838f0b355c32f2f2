"""Figures of evidence: all panels are there, lie on their ground, share what they must share, and add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from matplotlib.figure import Figure

from pipeline.config import RunConfig
from pipeline.errors import LuyuError, NoImageError
from pipeline.explore import confidence_terms, drawing, finding_evidence, panels, tile_evidence, tile_view, weighed
from pipeline.reports import values
from pipeline.reports.chips import Stretch
from pipeline.run.plan import make_plan
from pipeline.run.tile import process_tile


@pytest.fixture(scope="module")
def plan(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("explored")
    return make_plan(RunConfig.load(world / "run.yaml", [f"output={out}", f"ledger={out / 'ledger.sqlite'}"]))


@pytest.fixture(scope="module")
def tile(plan, finished):
    return tile_view(plan, finished.findings[finished.findings["kind"] == "building"].geometry.iloc[0])


@pytest.fixture(scope="module")
def drawn(tile) -> Figure:
    return tile_evidence(tile)


def pictures(figure: Figure) -> list:
    return [axes for axes in figure.axes if axes.images]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_a_tile_gives_the_candidates_that_the_run_has_of_it(plan, tile) -> None:
    job = next(plan.jobs((tile.job.tile,)))
    alone = process_tile(job).candidates
    assert len(alone)
    assert_geodataframe_equal(tile.candidates, alone)


def test_a_tile_is_found_by_id_and_by_place(plan) -> None:
    wanted = plan.tiles[-1]
    assert tile_view(plan, wanted.tile_id).job.tile == wanted
    with pytest.raises(LuyuError, match="has no tile 'r1'; it has"):
        tile_view(plan, "r1")
    with pytest.raises(LuyuError, match=r"no tile of the plan lies at 5, 5"):
        tile_view(plan, shapely.box(0, 0, 10, 10))


def test_a_tile_without_an_image_is_refused(plan, monkeypatch) -> None:
    monkeypatch.setattr(type(plan), "scenes_of", lambda _self, _tile: ((), ()))
    with pytest.raises(NoImageError, match=r"no image of imagery\.before touches it"):
        tile_view(plan, plan.tiles[0])


def test_every_step_of_a_tile_has_its_panel_on_the_tile_s_ground(tile, drawn) -> None:
    west, south, east, north = tile.grid.bounds_m
    shown = pictures(drawn)
    assert len(shown) == 5 + len(tile.maps)
    for axes in shown:
        assert axes.get_xlim() == (west, east)
        assert axes.get_ylim() == (south, north)
        assert axes.get_aspect() == 1.0
        first = axes.images[0].get_extent()
        assert west <= first[0] < first[1] <= east
        assert south <= first[2] < first[3] <= north
        assert any(text.get_text().endswith(" m") for text in axes.texts)  # its scale bar
    assert [axes.images[0].get_extent() for axes in shown[:4]] == [[west, east, south, north]] * 4


def test_before_and_after_share_their_stretch(tile, drawn) -> None:
    before, after = tile.rgb
    stretch = Stretch.of((before, after))
    for axes, cut in zip(pictures(drawn)[:2], (before, after), strict=True):
        assert np.array_equal(axes.images[0].get_array(), stretch.rgb8(cut))


def test_the_scale_bar_is_as_long_as_it_says(tile, drawn) -> None:
    axes = pictures(drawn)[0]
    bar = next(line for line in axes.lines if len(line.get_xdata()) == 2)
    length_m = float(np.ptp(bar.get_xdata()))
    assert [text.get_text() for text in axes.texts] == [f"{length_m:g} m"]
    assert 0.05 < length_m / (tile.grid.cols * tile.grid.pixel_m) <= 0.3


def test_what_was_not_observed_is_told_with_its_share(tile, drawn) -> None:
    lost = 1 - float(tile.pair.observed.mean())
    assert titles(drawn)[2].endswith(f"{100 * lost:.1f}%")
    legend = [text.get_text() for text in pictures(drawn)[2].get_legend().get_texts()]
    for reason, mask in tile.unobserved.items():
        if mask.mean() > 0.001:
            assert any(f"{100 * mask.mean():.1f}%" in line for line in legend), reason


def test_the_layers_are_those_of_the_run_s_detectors(tile) -> None:
    layers = {layer.name: layer for layer in tile.maps}
    assert list(layers) == ["change", "beyond_usual", "warmth", "new", "lost"]
    building = tile.candidates[tile.candidates["kind"] == "building"].geometry.iloc[0]
    new = layers["new"]
    x, y = building.centroid.coords[0]
    col, row = (x - new.grid.west_m) / new.grid.pixel_m, (new.grid.north_m - y) / new.grid.pixel_m
    assert new.values[int(row), int(col)] > new.level  # where a building was found the network said so
    assert np.isnan(new.values[~tile.pair.observed]).all()
    seen = new.values[tile.pair.observed]
    assert 0 <= seen.min() <= seen.max() <= 1
    assert layers["change"].values[int(row), int(col)] > np.nanmedian(layers["change"].values)


def test_the_shift_panel_draws_what_blocks_said(tile, drawn) -> None:
    votes = tile.pair.registration.votes_px
    axes = pictures(drawn)[3]
    dots = axes.lines[-1]
    assert len(dots.get_xdata()) == len(votes)
    west, south, east, north = tile.grid.padded(20).bounds_m
    assert west <= dots.get_xdata().min() <= dots.get_xdata().max() <= east
    assert south <= dots.get_ydata().min() <= dots.get_ydata().max() <= north
    rows, cols = tile.pair.registration.measured_px
    assert f"{rows:+.2f} / {cols:+.2f} px" in titles(drawn)[3]


def test_candidates_bear_their_confidence(tile, drawn) -> None:
    said = {text.get_text() for text in pictures(drawn)[-1].texts}
    assert {f"{confidence:.2f}" for confidence in tile.candidates["confidence"]} <= said


def test_a_part_of_the_tile_and_other_candidates(tile) -> None:
    thing = tile.candidates.geometry.iloc[0]
    mine = tile.candidates[["kind", "geometry"]].head(1).to_crs(4490)
    figure = tile_evidence(tile, mine, maps=False, around=thing, columns=5, figsize=(10, 3))
    assert len(pictures(figure)) == 5
    assert figure.get_size_inches().tolist() == [10, 3]
    for axes in pictures(figure):
        assert axes.get_xlim()[0] < thing.bounds[0] < thing.bounds[2] < axes.get_xlim()[1]
        assert np.ptp(axes.get_xlim()) == pytest.approx(np.ptp(axes.get_ylim()))
        assert np.ptp(axes.get_xlim()) < tile.grid.cols * tile.grid.pixel_m
        assert sum(text.get_text().endswith(" m") for text in axes.texts) == 1
    outline = pictures(figure)[-1].patches[0].get_path().get_extents()
    assert outline.bounds[:2] == pytest.approx(thing.bounds[:2], abs=0.02)  # laid back into the tile's CRS
    with pytest.raises(LuyuError, match="no CRS"):
        tile_evidence(tile, mine.set_crs(None, allow_override=True), maps=False)
    with pytest.raises(LuyuError, match="lack the column 'kind'"):
        tile_evidence(tile, mine.drop(columns="kind"), maps=False)


def test_a_notebook_shows_a_figure_without_pyplot(tile) -> None:
    picture = tile_evidence(tile, maps=False, columns=5, figsize=(10, 3))._repr_png_()
    assert picture.startswith(b"\x89PNG")
    assert picture == tile_evidence(tile, maps=False, columns=5, figsize=(10, 3))._repr_png_()


@pytest.mark.parametrize("kind", ["building", "grain_drying"])
def test_terms_add_up_to_the_confidence(finished, kind) -> None:
    row = finished.findings[finished.findings["kind"] == kind].iloc[0]
    told = weighed(row)
    odds = sum(told.terms.values()) + told.rest
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(row["confidence"], abs=1e-3)
    sizes = [abs(value) for value in told.terms.values()]
    assert sizes == sorted(sizes, reverse=True)
    figure = confidence_terms(row, most=3)
    bars = [patch.get_width() for patch in figure.axes[0].patches]
    assert len(bars) == min(len(told.terms), 3) + (len(told.terms) > 3) + 1
    assert sum(bars) == pytest.approx(odds, abs=1e-3)


def test_the_rest_of_a_building_is_its_baseline(finished) -> None:
    """Nothing limits or ranks it here, so what is left over is what the weights begin with."""
    from pipeline.detectors.confidence import shipped_confidence

    row = finished.findings[finished.findings["kind"] == "building"].sort_values("confidence").iloc[-1]
    assert weighed(row).rest == pytest.approx(shipped_confidence().bias, abs=0.1)


def test_terms_are_drawn_into_axes_that_are_given(finished) -> None:
    figure = Figure()
    left, _ = figure.subplots(1, 2)
    assert confidence_terms(finished.findings.iloc[0], axes=left) is figure
    assert left.patches


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ({"kind": "building", "evidence": "{}"}, "has no confidence"),
        ({"confidence": 0.5, "evidence": "{}", "detector": "network"}, "holds no terms"),
        ({"confidence": 0.5, "evidence": None, "detector": "building"}, "holds no terms"),
        ({"confidence": 0.5, "evidence": "not json"}, "is no JSON"),
    ],
)
def test_a_confidence_that_cannot_be_taken_apart_says_so(row, match) -> None:
    with pytest.raises(LuyuError, match=match):
        confidence_terms(row)


def test_a_finding_with_its_pictures_on_their_ground(finished) -> None:
    row = finished.findings.iloc[0]
    figure = finding_evidence(finished, row["finding_id"])
    before, after = pictures(figure)
    assert before.get_xlim() == after.get_xlim()
    x, y = row.geometry.centroid.coords[0]
    assert np.mean(before.get_xlim()) == pytest.approx(x, abs=2)
    assert np.mean(before.get_ylim()) == pytest.approx(y, abs=2)
    assert [np.isclose(np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())) for axes in (before, after)] == [True, True]
    said = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    for value in (row["case_no"], row["scene_before"], row["stake_from"], f"{row['confidence']:.2f}"):
        assert value in said
    assert values.day(row["last_absent"]) in titles(figure)[0]
    assert "a clue, never a verdict" in figure.get_suptitle()
    assert finding_evidence(finished.folder.root, row["case_no"]).get_suptitle() == figure.get_suptitle()


def test_the_footprint_lies_where_the_picture_has_it(finished) -> None:
    """The yellow outline that the run drew into the picture falls on the footprint's own edge."""
    row = finished.findings[finished.findings["kind"] == "building"].iloc[0]
    axes = pictures(finding_evidence(finished, row["finding_id"]))[0]
    pixels = np.asarray(axes.images[0].get_array(), float)
    west, east, south, north = axes.images[0].get_extent()
    yellow = (pixels[..., 0] > 190) & (pixels[..., 1] > 170) & (pixels[..., 2] < 110)
    rows, cols = np.nonzero(yellow)
    points = shapely.points(
        west + (cols + 0.5) * (east - west) / pixels.shape[1], north - (rows + 0.5) * (north - south) / pixels.shape[0]
    )
    assert len(points) > 40
    assert np.median(shapely.distance(points, row.geometry.exterior)) < 0.5


def test_a_finding_that_is_not_there_is_refused(finished) -> None:
    with pytest.raises(LuyuError, match="has no finding 'x'; it has"):
        finding_evidence(finished, "x")


def test_a_finding_without_pictures_still_has_its_facts(finished, tmp_path) -> None:
    import shutil

    shutil.copytree(finished.folder.root, tmp_path / "run", ignore=shutil.ignore_patterns("chips", "work", ".lock"))
    figure = finding_evidence(tmp_path / "run", finished.findings["finding_id"].iloc[0])
    assert pictures(figure) == []
    assert sum("no picture was kept" in text.get_text() for axes in figure.axes for text in axes.texts) == 2


def test_without_a_chinese_font_english_stands_alone(tile, monkeypatch) -> None:
    monkeypatch.setattr(drawing, "chinese_font", lambda: None)
    figure = tile_evidence(tile, maps=False, columns=5, figsize=(10, 3))
    said = [
        *titles(figure),
        figure.get_suptitle(),
        *(t.get_text() for t in pictures(figure)[-1].get_legend().get_texts()),
    ]
    assert all(text.isascii() or "×" in text for text in said)
    assert drawing.shown("沛县 K1") == "?? K1"


def test_dollars_in_a_table_are_dollars(tile) -> None:
    hostile = tile.candidates.head(1).assign(kind=r"$\frac{1}{0}$ %s {x}")
    figure = tile_evidence(tile, hostile, maps=False, columns=5, figsize=(10, 3))
    assert figure._repr_png_().startswith(b"\x89PNG")
    row = {"confidence": 0.5, "finding_id": "$x_", "evidence": {"cues": {"$\\frac$": 1.0, "a$b": -1.0}}}
    assert confidence_terms(row)._repr_png_().startswith(b"\x89PNG")


def test_grey_is_lighter_than_what_it_is_made_of() -> None:
    rgb8 = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (panels.pale(rgb8) >= rgb8).all()
