from __future__ import annotations

import json
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy import stats
from shapely import Polygon, box

from pipeline.errors import LayerError, LuyuError
from pipeline.evaluate import PairOptions, evaluate, read_findings
from pipeline.evaluate.intervals import f1, rate
from pipeline.evaluate.pairing import best_pairs, elongation, overlaps

EPSG = 4548
REAL = Path(os.environ.get("LUYU_REAL_DATA", Path(__file__).parents[3] / "shared" / "real")) / "roadside_vhr"


def table(shapes, kind="building", **columns) -> gpd.GeoDataFrame:
    kinds = [kind] * len(shapes) if isinstance(kind, str) else kind
    return gpd.GeoDataFrame({"kind": kinds, **columns}, geometry=list(shapes), crs=EPSG)


def square(x: float, y: float = 0.0, size: float = 10.0):
    return box(520_000 + x, 3_800_000 + y, 520_000 + x + size, 3_800_000 + y + size)


def of(card, group="all") -> pd.Series:
    return card.table.loc[group]


def test_truth_against_itself_is_perfect():
    truth = table([square(0), square(20), square(5, 5)])
    row = of(evaluate(truth, truth))
    assert (row["tp"], row["fp"], row["fn"], row["not_due"]) == (3, 0, 0, 0)
    assert row[["precision", "recall", "f1", "area_f1", "area_iou", "median_iou"]].tolist() == [1.0] * 6
    assert row["position_error_m"] == 0


def test_hits_misses_and_false_ones_are_counted():
    truth = table([square(0), square(100), square(200)])
    found = table([square(2), square(104.9), square(500)])
    row = of(evaluate(found, truth, km=4.0))
    # IoU 0.67 counts, 0.34 counts, nothing is near 500
    assert (row["tp"], row["fp"], row["fn"]) == (2, 1, 1)
    assert row["precision"] == row["recall"] == pytest.approx(2 / 3)
    assert row["false_per_km"] == 0.25
    assert row["position_error_m"] == pytest.approx((2 + 4.9) / 2)
    assert row["area_precision"] == pytest.approx((80 + 51) / 300)
    assert of(evaluate(found, truth, min_iou=0.5))["tp"] == 1


def test_one_truth_is_found_once():
    halves = table([box(520_000, 3_800_000, 520_005, 3_800_010), box(520_005, 3_800_000, 520_010, 3_800_010)])
    row = of(evaluate(halves, table([square(0)])))
    assert (row["tp"], row["fp"], row["fn"]) == (1, 1, 0)
    assert row["area_f1"] == 1.0  # split outlines cover the same ground


def test_pairing_takes_the_best_whole_not_the_best_first():
    """Taking the best overlap first would leave the second finding without a truth."""
    truth = table([square(0), square(5)])
    found = table([square(4), square(8.5)])
    narrow = of(evaluate(found, truth, min_iou=0.2))
    assert narrow["tp"] == 2
    greedy_first = table([square(2.4), square(-3.5)])
    assert of(evaluate(greedy_first, table([square(0), square(6)])))["tp"] == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8), st.integers(0, 10_000))
def test_pairs_are_one_to_one_of_one_kind_and_order_free(places, seed):
    rng = np.random.default_rng(seed)
    kinds = [["building", "grain_drying"][n] for n in rng.integers(0, 2, len(places))]
    truth = table([square(x, y) for x, y in places], kinds)
    found = table(
        [square(x + dx, y) for (x, y), dx in zip(places, rng.uniform(-6, 6, len(places)), strict=True)], kinds
    )
    card = evaluate(found, truth)
    assert card.pairs["finding"].is_unique
    assert card.pairs["truth"].is_unique
    assert (found["kind"][card.pairs["finding"]].to_numpy() == truth["kind"][card.pairs["truth"]].to_numpy()).all()
    mixed = evaluate(found.sample(frac=1, random_state=seed), truth.sample(frac=1, random_state=seed + 1))
    assert mixed.table["tp"].tolist() == card.table["tp"].tolist()
    assert mixed.pairs["iou"].sum() == pytest.approx(card.pairs["iou"].sum())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_the_pairing_is_the_greatest_there_is(seed):
    """Parity with trying every choice."""
    rng = np.random.default_rng(seed)
    truth = table([square(x, 0) for x in rng.uniform(0, 25, 4)])
    found = table([square(x, 0) for x in rng.uniform(0, 25, 4)])
    all_pairs = overlaps(found, truth, PairOptions(min_iou=0.2))
    edges = list(zip(all_pairs.found.tolist(), all_pairs.truth.tolist(), all_pairs.iou.tolist(), strict=True))

    def best(rest, used_a=frozenset(), used_b=frozenset()):
        if not rest:
            return (0, 0.0)
        (a, b, iou), *others = rest
        without = best(others, used_a, used_b)
        if a in used_a or b in used_b:
            return without
        count, total = best(others, used_a | {a}, used_b | {b})
        return max(without, (count + 1, round(total + iou, 9)))

    chosen = best_pairs(all_pairs)
    assert (len(chosen.found), round(float(chosen.iou.sum()), 6)) == pytest.approx(best(edges), abs=1e-6)


def test_a_strip_that_is_off_by_a_metre_is_found():
    strip = box(520_000, 3_800_000, 520_060, 3_800_002)
    off = box(520_000, 3_800_001, 520_060, 3_800_003)
    short = box(520_000, 3_800_000, 520_015, 3_800_002)
    assert of(evaluate(table([off], "grain_drying"), table([strip], "grain_drying"), min_iou=0.4))["tp"] == 1
    assert of(evaluate(table([short], "grain_drying"), table([strip], "grain_drying")))["tp"] == 1
    house, corner = square(0, 0, 20), square(0, 0, 8)
    assert of(evaluate(table([corner]), table([house])))["tp"] == 0  # no strip: 16 % of a house is not the house
    np.testing.assert_allclose(elongation(np.array([strip, house])), [30, 1])


def test_what_is_not_due_is_neither_hit_nor_false_nor_missed():
    truth = table(
        [square(0), square(100), square(200), square(300)],
        membership=["inside", "outside", "outside", "undetermined"],
        permit_no=[None, None, None, "P1"],
    )
    row = of(evaluate(table([square(0), square(100), square(900)]), truth))
    assert (row["due"], row["tp"], row["fp"], row["fn"], row["not_due"]) == (1, 1, 1, 0, 1)
    assert row["area_precision"] == 0.5
    assert of(evaluate(table([square(300)]), truth))["not_due"] == 1


def test_kinds_that_were_not_looked_for_are_left_out_and_said():
    truth = table([square(0), square(100)], ["building", "billboard"])
    card = evaluate(table([square(0)]), truth, kinds=["building"])
    assert (of(card)["fn"], of(card)["recall"]) == (0, 1.0)
    assert "1 rows of truth are of kinds not looked for (billboard)" in card.notes[0]
    assert of(evaluate(table([square(0)]), truth))["fn"] == 1
    assert of(evaluate(table([square(0)], "billboard"), truth))["tp"] == 0  # the right place, the wrong kind


def test_groups_add_up_and_hits_stand_where_their_truth_does():
    truth = table(
        [square(0), square(100), square(200)],
        ["building", "building", "grain_drying"],
        county_code=["1", "2", None],
        route_code=["G311"] * 3,
        zone=["control_zone"] * 3,
        side=["left", "left", "right"],
        stake=["K1+000", "K2+000", "K3+000"],
    )
    found = table(
        [square(0), square(100), square(200), square(900)],
        ["building", "building", "grain_drying", "building"],
        county_code=["1", "1", "1", "2"],
        route_code=["G311", "G311", "S253", "G311"],
        zone=["control_zone", "outside", None, "pavement"],
        side=["left"] * 4,
        stake=["K1+004", "K2+010", "K3+000", None],
    )
    card = evaluate(found, truth, by=("kind", "county"), km=2.0)
    assert card.table.index.tolist() == ["all", "building/1", "building/2", "grain_drying/1"]
    parts, whole = card.table.iloc[1:], of(card)
    for name in ("due", "found", "tp", "fp", "fn", "not_due", "found_m2", "truth_m2", "common_m2"):
        assert parts[name].sum() == pytest.approx(whole[name])
    assert of(card, "building/2")[["tp", "fp"]].tolist() == [1, 1]
    assert whole["stake_error_m"] == 7.0  # the third is on another road
    assert whole["zone_agreement"] == 0.5  # one of the two that say
    assert whole["side_agreement"] == pytest.approx(2 / 3)
    assert whole["county_agreement"] == 0.5
    assert whole["false_per_km"] == 0.5
    assert card.table["false_per_km"].iloc[1:].isna().all()
    assert of(evaluate(found, truth, by=("kind",), km=2.0), "building")["false_per_km"] == 0.5


def test_missing_group_columns_are_named_so():
    card = evaluate(table([square(0)]), table([square(0), square(50)]), by=("county",))
    assert card.table.index.tolist() == ["all", "?"]


def test_nothing_found_and_nothing_due():
    some, none = table([square(0)]), table([])
    row = of(evaluate(none, some))
    assert (row["tp"], row["fn"], row["recall"]) == (0, 1, 0.0)
    assert np.isnan(row["precision"])
    row = of(evaluate(some, none))
    assert (row["fp"], row["precision"]) == (1, 0.0)
    assert np.isnan(row["recall"])
    empty = evaluate(none, none)
    assert of(empty)["found"] == 0
    assert json.loads(empty.to_json())["scores"][0]["f1"] is None
    assert empty.text()


@pytest.mark.parametrize("other", [4326, 4490, 4549, 32650])
def test_another_projection_gives_the_same_scores(other):
    truth, found = table([square(0), square(100, size=40)]), table([square(1), square(103, size=40)])
    here = of(evaluate(found, truth))
    for pair in ((found, truth.to_crs(other)), (found.to_crs(other), truth), (found.to_crs(other), truth.to_crs(4326))):
        there = of(evaluate(*pair))
        assert there["tp"] == here["tp"] == 2
        assert there["area_iou"] == pytest.approx(here["area_iou"], abs=2e-3)
        assert there["position_error_m"] == pytest.approx(here["position_error_m"], rel=2e-3)


def test_crossed_and_missing_outlines_do_not_stop_it():
    bowtie = Polygon([(520_000, 3_800_000), (520_010, 3_800_010), (520_010, 3_800_000), (520_000, 3_800_010)])
    card = evaluate(table([bowtie, None]), table([square(0)]))
    assert of(card)["tp"] == 1
    assert "1 rows of findings have no geometry" in card.notes[0]


def test_tables_are_left_alone():
    truth, found = table([square(0)]), table([square(1)])
    before = truth.copy(deep=True), found.copy(deep=True)
    evaluate(found, truth, by=("kind", "zone"))
    assert_frame_equal(truth, before[0])
    assert_frame_equal(found, before[1])


def test_what_makes_no_sense_is_refused():
    some = table([square(0)])
    with pytest.raises(LuyuError, match="cannot group by"):
        evaluate(some, some, by=("town",))
    with pytest.raises(LuyuError, match="positive length"):
        evaluate(some, some, km=0)
    with pytest.raises(LayerError, match="'truth': has no column 'kind'"):
        evaluate(some, some.drop(columns="kind"))
    with pytest.raises(LayerError, match="'findings': states no CRS"):
        evaluate(some.set_crs(None, allow_override=True), some)
    with pytest.raises(LayerError, match="row 0: not a stake: 'here'"):
        evaluate(some.assign(stake="here"), some)


@pytest.mark.parametrize(("method", "name"), [("wilson", "wilson"), ("exact", "exact")])
def test_intervals_are_those_of_the_textbook(method, name):
    for hits, count in [(0, 5), (5, 5), (17, 40)]:
        value, low, high = rate(hits, count, method)
        assert low <= value <= high
        bounds = stats.binomtest(hits, count).proportion_ci(0.95, method=name)
        assert (low, high) == (bounds.low, bounds.high)
    assert rate(10, 20, "exact")[1] < rate(10, 20)[1]
    value, low, high = f1(17, 5, 9)
    assert value == pytest.approx(2 * 17 / (2 * 17 + 5 + 9))
    assert low < value < high


def test_text_is_aligned_with_chinese_headers_and_json_has_no_nan():
    card = evaluate(table([square(0)]), table([square(1), square(90)]), by=("kind",))
    assert "NaN" not in card.to_json()
    assert json.loads(card.to_json())["scores"][1]["group"] == "building"
    text = card.text()
    assert "准确率 precision" in text
    assert "漏报 FN" in text
    assert "stake" not in text  # nobody said a stake: no column of dashes
    wide = {sum(2 if ord(char) > 0x2E7F else 1 for char in line) for line in text.split("\n\n")[0].splitlines()}
    assert len(wide) == 1


def test_findings_are_read_by_what_the_file_is(tmp_path):
    some = table([square(0), square(50)])
    some.to_file(tmp_path / "a.gpkg", layer="findings")
    some.to_file(tmp_path / "a.gpkg", layer="other")
    some.to_file(tmp_path / "one.gpkg", layer="only")
    some.to_crs(4326).to_file(tmp_path / "a.geojson", driver="GeoJSON")
    for name in ("a.gpkg", "one.gpkg", "a.geojson"):
        assert of(evaluate(read_findings(tmp_path / name), some))["tp"] == 2
    with pytest.raises(LayerError, match=r"a.gpkg: layer 'none'.*\['findings', 'other'\]"):
        read_findings(tmp_path / "a.gpkg", layer="none")
    (tmp_path / "trap.gpkg").write_text("<OGRVRTDataSource/>")
    (tmp_path / "trap.geojson").write_text("<OGRVRTDataSource/>")
    (tmp_path / "list.geojson").write_text("[1, 2]")
    (tmp_path / "cut.gpkg").write_bytes((tmp_path / "a.gpkg").read_bytes()[:5000])
    some.drop(columns="kind").to_file(tmp_path / "bare.gpkg", layer="findings")
    for name, why in [
        ("trap.gpkg", "no GeoPackage"),
        ("trap.geojson", "no GeoJSON"),
        ("list.geojson", "no GeoJSON"),
        ("cut.gpkg", "cannot be read"),
        ("bare.gpkg", "no column 'kind'"),
        ("none.gpkg", "no such file"),
        ("a.shp", "no such file"),
    ]:
        with pytest.raises(LayerError, match=why) as error:
            read_findings(tmp_path / name)
        assert name in str(error.value)


@pytest.mark.real
def test_the_real_truth_against_itself_and_moved():
    if not REAL.is_dir():
        pytest.skip(f"no real data at {REAL}; set LUYU_REAL_DATA to the folder that holds roadside_vhr")
    truth = read_findings(REAL / "truth.gpkg")
    assert of(evaluate(truth, truth))["f1"] == 1.0
    moved = truth.set_geometry(truth.translate(1.0, 0.0))
    row = of(evaluate(moved.to_crs(4490), truth))
    assert row["tp"] == len(truth)
    assert row["position_error_m"] == pytest.approx(1.0, rel=0.01)
    assert 0.5 < row["median_iou"] < 1.0


def test_what_lay_under_cloud_is_not_due():
    truth = table([square(0), square(100), square(200)], clear_share=[1.0, 0.1, None])
    row = of(evaluate(table([square(0), square(100)]), truth))
    assert (row["tp"], row["fp"], row["fn"], row["not_due"]) == (1, 0, 1, 1)
