"""What a ranking does to candidates, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import ConfigError
from pipeline.ranking.apply import load_rankings, ranked
from pipeline.ranking.features import LATER
from pipeline.ranking.model import Ranking
from tests.ranking.world import findings, plain_ranking


def test_confidence_is_the_ranking_s_and_the_detector_s_stays_as_evidence() -> None:
    table, _ = findings(6)
    weighed = ranked(table, [plain_ranking(shade=1.0)])
    shade = [json.loads(text)["shade"] for text in table["evidence"]]
    assert np.allclose(weighed["confidence"], 1 / (1 + np.exp(-np.clip(shade, -5, 5))), atol=1e-4)
    for before, after, own in zip(table["evidence"], weighed["evidence"], table["confidence"], strict=True):
        assert json.loads(after) == json.loads(before) | {"detector_confidence": own}
    assert weighed.drop(columns=["confidence", "evidence"]).equals(table.drop(columns=["confidence", "evidence"]))


def test_other_kinds_and_detectors_are_left_alone() -> None:
    table, _ = findings(6)
    table.loc[:1, "kind"] = "grain_drying"
    table.loc[2:3, "detector"] = "mine"
    weighed = ranked(table, [plain_ranking(shade=1.0)])
    pd.testing.assert_frame_equal(pd.DataFrame(weighed.iloc[:4]), pd.DataFrame(table.iloc[:4]))
    assert (weighed["confidence"].iloc[4:] != table["confidence"].iloc[4:]).all()
    assert ranked(table, []) is table


def test_each_candidate_is_weighed_by_itself() -> None:
    table, _ = findings(6)
    whole = ranked(table, [plain_ranking(shade=1.0)])
    alone = pd.concat([ranked(table.iloc[[row]], [plain_ranking(shade=1.0)]) for row in (4, 0)])
    assert alone["confidence"].tolist() == whole["confidence"].iloc[[4, 0]].tolist()


def test_evidence_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"looks at evidence \['sunlight'\].*candidates do not have.*'shade'"):
        ranked(findings(3)[0], [plain_ranking(sunlight=1.0)])


def test_a_ranking_of_another_version_or_detector_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "building.json"
    path.write_text(plain_ranking(shade=1.0).model_dump_json(), encoding="utf-8")
    (named,) = load_rankings([path], {"building": "9"})
    assert named.record()["file"] == str(path)
    assert len(named.record()["sha256"]) == 64
    with pytest.raises(
        ConfigError, match=r"version 9 of detector 'building', and this run's is version 10.*luyu train"
    ):
        load_rankings([path], {"building": "10"})
    with pytest.raises(ConfigError, match="does not use that detector"):
        load_rankings([path], {"grain_drying": "1"})
    with pytest.raises(ConfigError, match="both rank 'building'; keep one"):
        load_rankings([path, path], {"building": "9"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no ranking of form 1"),
        ('{"schema_version": 2}', "schema_version: Input should be 1"),
        (None, "No such file or directory; give a file that `luyu train --out` wrote"),
    ],
)
def test_a_file_that_is_no_ranking_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "other.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"other\.json: .*{said}"):
        Ranking.load(path)


def test_what_decisions_add_to_the_evidence_teaches_nothing(finished: object) -> None:
    """The names that a run adds are those that ``features`` leaves out."""
    evidence = [json.loads(text) for text in finished.findings["evidence"]]  # type: ignore[attr-defined]
    assert all({"errors_m", "outcome", "priority"} <= set(one) for one in evidence)
    assert {"errors_m", "outcome", "priority", "permit", "exempt", "detector_confidence"} <= LATER
