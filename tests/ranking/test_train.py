"""A ranking is learnt where verdicts teach one, refused where they do not, and says on what it rests."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import TrainingError
from pipeline.ranking.examples import from_file, from_ledger, from_table
from pipeline.ranking.model import Ranking
from pipeline.ranking.train import in_use, install, judge, train
from tests.ranking.world import DAY, findings, judged


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("office") / "ledger.sqlite"
    judged(path, *findings(160))
    return path


@pytest.fixture(scope="module")
def learnt(ledger: Path) -> Ranking:
    return train(from_ledger(ledger, "building"), cap=10)


def test_informative_evidence_lifts_precision_at_the_cap(learnt: Ranking) -> None:
    judge(learnt)
    at_cap = learnt.scores.precision_at_cap
    assert at_cap.after[0] > 0.9 > at_cap.before[0]
    assert at_cap.moved[1] > 0, "its interval lies above nothing gained"
    assert learnt.scores.average_precision.moved[1] > 0
    assert learnt.scores.brier.after[0] < learnt.scores.brier.before[0]


def test_it_holds_on_objects_that_it_never_saw(learnt: Ranking) -> None:
    table, right = findings(400, seed=2)
    fresh = _features(table)
    p = learnt.confidence(fresh)
    assert abs(p.mean() - right.mean()) < 0.05, "calibrated as a whole"
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        inside = (p >= low) & (p <= high)
        assert abs(p[inside].mean() - right[inside].mean()) < 0.12, "and in each third"


def test_its_numbers_can_be_read(learnt: Ranking) -> None:
    assert set(learnt.terms) == {"shade", "texture", "confidence_log_odds"}, "no constant, nothing of the place"
    assert learnt.terms["shade"].weight > 0 > learnt.terms["texture"].weight
    table = _features(findings(5, seed=3)[0])
    score = learnt.contributions(table).sum(axis=1) + learnt.bias
    odds = learnt.calibration.slope * score + learnt.calibration.offset
    assert np.allclose(learnt.confidence(table), 1 / (1 + np.exp(-odds)))
    unknown = table.assign(shade=np.nan)
    assert (learnt.contributions(unknown)["shade"] == 0).all(), "what is not known counts as the mean"


def test_it_says_what_it_was_trained_on_and_nobody_s_name(learnt: Ranking) -> None:
    on = learnt.trained_on
    assert (on.right + on.wrong, on.places, on.left_out_by) == (160, 6, "county")
    assert on.counties == tuple(f"3203{number:02d}" for number in range(6))
    assert (on.decided_from, on.decided_to) == ("2024-12-01", "2024-12-01")
    assert (learnt.kind, learnt.detector, learnt.detector_version) == ("building", "building", "9")
    assert "officer" not in learnt.model_dump_json()


@pytest.mark.parametrize("seed", [1, 2])
def test_verdicts_by_chance_teach_nothing_and_are_refused(seed: int) -> None:
    table, right = findings(120, seed=seed, informative=False)
    ranking = train(from_table(table.assign(right=right), "building", "chance"), cap=10)
    with pytest.raises(TrainingError, match=r"not installed[^\n]*\n  precision at the cap \(10 per county\)"):
        judge(ranking)


def test_one_that_is_no_better_than_the_one_in_use_is_refused(ledger: Path, learnt: Ranking, tmp_path: Path) -> None:
    out = tmp_path / "building.json"
    install(learnt, out)
    examples = from_ledger(ledger, "building")
    same = train(examples, cap=10, in_use=in_use(out, examples))
    assert same.version == 2
    assert same.scores.average_precision.moved[0] == pytest.approx(0, abs=1e-3), "held against what it was left out of"
    with pytest.raises(TrainingError, match="no better than version 1 of the ranking in use"):
        judge(same)


def test_the_one_that_is_replaced_is_kept(learnt: Ranking, tmp_path: Path) -> None:
    out = tmp_path / "building.json"
    assert install(learnt, out) is None
    first = out.read_bytes()
    kept = install(learnt.model_copy(update={"version": 2}), out)
    assert kept == tmp_path / "building.v1.json"
    assert kept.read_bytes() == first
    assert Ranking.load(out).version == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["building.json", "building.v1.json"]


def test_few_verdicts_are_told_with_what_is_needed() -> None:
    table, right = findings(40)
    few = from_table(table.assign(right=right).iloc[:20], "building", "few")
    with pytest.raises(TrainingError, match=r"too few verdicts.*: 20 \(\d+ right.*needed are 30"):
        train(few)
    with pytest.raises(TrainingError, match=r"40 \(40 right in .*, 0 wrong in 0\)"):
        train(from_table(table.assign(right=True), "building", "one class"))


def test_a_single_county_is_left_out_by_the_kilometre() -> None:
    table, right = findings(60, counties=1)
    ranking = train(from_table(table.assign(right=right), "building", "one county"))
    assert ranking.trained_on.left_out_by == "km square"
    assert ranking.trained_on.places == 18
    assert ranking.scores.counties_above_cap == 1


@pytest.mark.parametrize(
    ("reason", "right", "nothing"), [("greenhouse", 0, 0), ("permitted", 9, 0), ("existing", 0, 9), ("see file", 0, 9)]
)
def test_what_a_dismissal_says_of_the_detection(tmp_path: Path, reason: str, right: int, nothing: int) -> None:
    table, _ = findings(10)
    judged(tmp_path / "l.sqlite", table, np.arange(10) == 0, reason)
    examples = from_ledger(tmp_path / "l.sqlite", "building")
    assert examples.table["right"].sum() == 1 + right
    assert examples.left_out == ({f"dismissed: {reason}": nothing} if nothing else {})


def test_a_labelled_file_teaches_the_same_as_a_ledger(tmp_path: Path, learnt: Ranking) -> None:
    table, right = findings(160)
    table.assign(right=right).drop(columns="permit_no").to_file(tmp_path / "labelled.gpkg")
    other = train(from_file(tmp_path / "labelled.gpkg", "building"), cap=10)
    assert (other.terms, other.bias, other.scores) == (learnt.terms, learnt.bias, learnt.scores), "to the last digit"
    with pytest.raises(TrainingError, match=r"labelled.gpkg: no verdict on 'grain_drying'"):
        from_file(tmp_path / "labelled.gpkg", "grain_drying")
    table.to_file(tmp_path / "bare.gpkg")
    with pytest.raises(TrainingError, match=r"bare.gpkg: lacks columns \['right'\]"):
        from_file(tmp_path / "bare.gpkg", "building")


def test_an_older_ledger_takes_its_evidence_from_the_run(tmp_path: Path) -> None:
    table, right = findings(40)
    table, right = table.iloc[:12], right[:12]
    judged(tmp_path / "old.sqlite", table.drop(columns="evidence"), right)
    with pytest.raises(TrainingError, match="12 no evidence in the ledger"):
        from_ledger(tmp_path / "old.sqlite", "building")
    run = tmp_path / "run"
    run.mkdir()
    table.to_file(run / "findings.gpkg", layer="candidates")
    assert len(from_ledger(tmp_path / "old.sqlite", "building", [run]).table) == 12
    with pytest.raises(TrainingError, match="holds no finished run"):
        from_ledger(tmp_path / "old.sqlite", "building", [tmp_path])


def test_only_the_last_version_of_the_detector_teaches(tmp_path: Path) -> None:
    table, right = findings(12)
    table.loc[:4, "detector_version"] = "8"
    judged(tmp_path / "l.sqlite", table.iloc[:5], right[:5])
    judged(tmp_path / "l.sqlite", table.iloc[5:], right[5:], at=DAY + dt.timedelta(days=1))
    examples = from_ledger(tmp_path / "l.sqlite", "building")
    assert (examples.detector_version, len(examples.table)) == ("9", 7)
    assert examples.left_out == {"by another detector or version": 5}


def _features(table):
    from pipeline.ranking.features import features

    return features(
        [json.loads(text) for text in table["evidence"]], table["confidence"].to_numpy(), np.full(len(table), 240.0)
    )
