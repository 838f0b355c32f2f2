"""The benchmark of building detection, on a few real pairs: facts that hold whatever a method is worth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """``import detection`` finds the benchmark's package."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def levir(bench: None, real_data: Path) -> list:
    from itertools import islice

    from detection.places import places

    return list(islice(places("levir"), 2))


def only(places: list, find: Callable) -> object:
    from detection.methods import of_mask
    from detection.score import tally

    return tally(places, [of_mask(find, None)])[0]


def truth_of(places: list) -> Callable:
    """A method that knows the answer."""
    known = {id(place.seen): place.truth for place in places}
    return lambda view: known[id(view)]


@pytest.mark.real
def test_everything_has_full_recall_and_the_labelled_share_as_precision(levir: list) -> None:
    from detection.baselines import everything
    from detection.score import figures

    told = figures(only(levir, everything))
    assert told["recall"][0] == 1
    assert told["precision"][0] == pytest.approx(np.mean([place.truth.mean() for place in levir]))
    assert told["object_recall"][0] < 0.1


@pytest.mark.real
def test_the_truth_itself_is_perfect_and_what_it_is_not_is_worthless(levir: list) -> None:
    from detection.score import figures

    answer = truth_of(levir)
    told = figures(only(levir, answer))
    assert told["f1"][0] == told["object_recall"][0] == told["object_precision"][0] == 1
    assert told["recall_at_one_per_ha"][0] == 1
    assert told["false_per_km2"][0] == 0
    assert told["due"][0] >= 5
    opposite = figures(only(levir, lambda view: ~answer(view)))
    assert opposite["f1"][0] == opposite["recall"][0] == 0


@pytest.mark.real
def test_baselines_find_something_and_are_no_oracle(levir: list) -> None:
    from detection.baselines import BASELINES
    from detection.methods import of_mask
    from detection.score import figures, tally

    for one in tally(levir, [of_mask(find, None) for find in BASELINES.values()]):
        told = figures(one)
        assert 0.02 < told["f1"][0] < 0.6
        assert np.isfinite(told["f1"]).all()
        assert one.cpu_s >= 0
        assert one.pixels == sum(place.truth.size for place in levir)


@pytest.mark.real
def test_exchanged_pairs_hold_the_later_picture_first(bench: None, real_data: Path) -> None:
    from detection.places import places

    as_is, other = next(places("levir")), next(places("levir", exchanged=True))
    assert (as_is.truth == other.truth).all()
    first, second = as_is.seen.after["red"].to_numpy(), other.seen.after["red"].to_numpy()
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.9
    earlier = other.seen.before["red"].to_numpy()
    both = np.isfinite(earlier)
    assert np.corrcoef(first[both], earlier[both])[0, 1] > 0.95


@pytest.mark.real
def test_along_the_road_all_is_counted_in_squares_and_metres(bench: None, real_data: Path) -> None:
    from detection.places import places
    from detection.score import figures

    (curve,) = places("roadside_vhr")
    assert len(curve.road_m) == 16
    assert curve.road_m.sum() == pytest.approx(940, abs=50)
    told = figures(only([curve], truth_of([curve])))
    assert told["due"][0] == 18
    assert 3 <= told["zone_due"][0] == told["zone_shown"][0] < 18
    assert told["zone_false"][0] == told["false_per_km"][0] == 0


@pytest.mark.real
def test_the_page_tells_every_set_method_and_promise_that_was_scored(levir: list) -> None:
    from detection.baselines import everything
    from detection.methods import METHODS, Found, of_mask
    from detection.page import render
    from detection.score import tally

    def half_sure(view: object) -> Found:
        found = of_mask(truth_of(levir), None)(view)
        return Found(found.mask, found.labels, np.full(len(found.confidence), 0.55))

    one, other = tally(levir, [of_mask(everything, None), half_sure])
    methods = (METHODS[0], METHODS[-1])
    results = {
        ("levir", v, m.name): t for v in ("", "exchanged", "0.8") for m, t in zip(methods, (one, other), strict=True)
    }
    page = render(results, methods, {"levir": "abc"})
    due = int(other.units["due"].sum())
    assert f"| levir | 2 | 0.03 | {due} | abc |" in page
    assert page.count("| everything |") >= 4
    assert page.count("| built-in |") >= 4
    assert f"| 0.5–0.6 | {due} | 0.55 | 1.00 (" in page
    assert "Brier score 0.20" in page
    assert "expected calibration error 0.450" in page
    assert "| 0.8 | 1.00 |" in page
    assert "nan" not in page


def test_a_set_is_never_scored_by_weights_that_saw_it(bench: None, tmp_path: Path) -> None:
    from detection.methods import weights_without

    with pytest.raises(ConfigError, match=r"never saw 'levir'.*make train-buildings"):
        weights_without("roadside_vhr", tmp_path)
    for name, origins in (("a", ["levir", "dsifn"]), ("b", ["whu"])):
        (tmp_path / f"{name}.json").write_text(json.dumps({"left_out": origins}), encoding="utf-8")
        (tmp_path / f"{name}.onnx").touch()
    (tmp_path / "confidence").mkdir()
    with pytest.raises(ConfigError, match=r"without_levir\.json"):
        weights_without("roadside_vhr", tmp_path)
    for origin in ("levir", "whu"):
        (tmp_path / "confidence" / f"without_{origin}.json").touch()
    assert weights_without("roadside_vhr", tmp_path).network.name == "a.onnx"
    assert weights_without("whu", tmp_path).confidence.name == "without_whu.json"
