"""What is read aloud of a finding: every section, both languages, and a run, a case, a candidate asked for."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from scipy.special import ndtr

from pipeline.cli import main
from pipeline.errors import LuyuError
from pipeline.explain.explanation import explained
from pipeline.explain.subject import Subject
from pipeline.explain.zone import margins_m, spread_m
from pipeline.ledger import Ledger
from pipeline.model.kinds import WhyNot
from pipeline.reports.why_not import REASONS, reason
from pipeline.run.explained import of_case, of_run, read_run
from pipeline.run.runner import RunReport
from pipeline.run.stored import StoredRun

_SECTIONS = ("where", "images", "confidence", "zone", "law", "priority", "case", "otherwise")


@pytest.fixture(scope="module")
def stored(finished: RunReport, tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A copy of the run with its ledger, which may be written."""
    root = Path(shutil.copytree(finished.folder.root, tmp_path_factory.mktemp("explained") / "run"))
    return read_run(root, str(root / "ledger.sqlite"))


def figures(told: dict, section: str) -> dict[str, dict[str, float]]:
    rows = next(one["rows"] for one in told["sections"] if one["name"] == section)
    return {row["label"]["en"]: row.get("figures", {}) for row in rows}


def test_every_finding_is_explained_in_every_section(stored: StoredRun) -> None:
    findings = stored.findings
    for name in findings["finding_id"]:
        told = explained(of_run(stored, name)).told()
        assert told["finding"]
        assert tuple(one["name"] for one in told["sections"]) == _SECTIONS
        for section in told["sections"]:
            for row in section["rows"]:
                assert row["label"]["zh"]
                assert row["label"]["en"]
                assert row["said"]["zh"]
                assert row["said"]["en"]
                assert "nan" not in row["said"]["en"].lower().split()
                assert "None" not in row["said"]["en"]
        json.dumps(told, allow_nan=False)
        points = figures(told, "priority")
        total = points.pop("sum")["priority"]
        assert total == pytest.approx(max(sum(one["points"] for one in points.values()), 0.0), abs=0.06)


def test_the_run_names_the_threshold_that_decided(stored: StoredRun) -> None:
    """What stands alone needs more; the row that is said to have passed did pass."""
    seen = set()
    for row in stored.findings.itertuples():
        subject = of_run(stored, row.finding_id)
        limits = subject.limits
        assert limits is not None
        enough = limits["sure" if subject.company else "sure_alone"]
        assert row.confidence >= enough
        assert figures(explained(subject).told(), "confidence")["threshold"]["threshold"] == enough
        seen.add(subject.company)
    assert seen == {True, False}


def test_a_candidate_says_why_it_is_no_finding(stored: StoredRun) -> None:
    candidates = stored.tables["candidates"]
    reasons = candidates[~candidates["reportable"].astype(bool)].drop_duplicates("why_not")
    assert len(reasons) >= 3
    for row in reasons.itertuples():
        told = explained(of_run(stored, row.finding_id))
        assert told.why_not == row.why_not
        assert told.head.zh.endswith("为什么没有列为线索")
        assert REASONS[row.why_not].rule.zh in "\n".join(told.lines("zh"))


def test_the_likelier_reading_of_the_place_is_named(stored: StoredRun) -> None:
    candidates = stored.tables["candidates"]
    row = candidates[(candidates["kind"] == "building") & (candidates["why_not"].fillna("") == "")].iloc[[0]]
    twin = row.assign(kind="roadworks", confidence=0.2, why_not="another_kind", finding_id="twin")
    both = replace(stored, tables={**stored.tables, "candidates": pd.concat([candidates, twin], ignore_index=True)})
    text = "\n".join(explained(of_run(both, "twin")).lines("zh"))
    assert f"疑似建筑 {row['finding_id'].iloc[0]}，置信度 {row['confidence'].iloc[0]:.4g}" in text


def test_a_case_is_explained_from_the_ledger_alone_and_with_its_run(stored: StoredRun) -> None:
    number = stored.findings["case_no"].dropna().iloc[0]
    with stored.opened() as ledger:
        alone, both = (list(explained(of_case(ledger, number, run)).lines("en")) for run in (None, stored))
    assert any("--run names the run" in line for line in alone)
    assert not any("--run names the run" in line for line in both)
    assert any("decisions.confidence." in line for line in both)
    assert any(f"case number: {number}" in line for line in alone)


def test_a_run_that_did_not_find_the_case_is_refused(stored: StoredRun) -> None:
    number = stored.findings["case_no"].dropna().iloc[0]
    nothing = {
        **stored.tables,
        "findings": stored.tables["findings"][:0],
        "candidates": stored.tables["candidates"][:0],
    }
    with stored.opened() as ledger, pytest.raises(LuyuError, match="leave --run out"):
        of_case(ledger, number, replace(stored, tables=nothing))


def test_a_run_is_explained_without_its_ledger_where_that_does_not_answer(stored: StoredRun, tmp_path: Path) -> None:
    root = Path(shutil.copytree(stored.folder.root, tmp_path / "run"))
    record = json.loads((root / "run.json").read_text(encoding="utf-8"))
    record["configuration"]["ledger"] = "postgresql://…@127.0.0.1:1/db"
    (root / "run.json").write_text(json.dumps(record), encoding="utf-8")
    row = stored.tables["findings"].dropna(subset=["case_no"]).iloc[0]
    text = "\n".join(explained(of_run(read_run(root), row["case_no"])).lines("zh"))
    assert "办理情况不详" in text
    with pytest.raises(LuyuError, match="127"):
        read_run(root, "postgresql://me:s3cret@127.0.0.1:1/db")


def test_what_people_did_stands_in_the_case(stored: StoredRun) -> None:
    number = stored.findings["case_no"].dropna().iloc[1]
    with Ledger.open(stored.ledger_place, create=False) as ledger:
        ledger.advance(number, "dismissed", "officer", details={"reason": "greenhouse"})
        text = "\n".join(explained(of_case(ledger, number)).lines("both"))
    assert "核查不属实" in text
    assert "greenhouse" in text
    assert "officer" in text


def test_the_margin_is_where_the_chance_falls_to_the_level_of_decision() -> None:
    record = {"configuration": {"decisions": {"probability": 0.9}}, "detectors": []}
    evidence = {"errors_m": {"image": 3.0, "zone_edge": 4.0}}
    subject = Subject({"edge_distance_m": 10.0, "evidence": evidence}, record)
    assert spread_m(subject) == (3.0, 4.0, 5.0)
    margins = margins_m(subject)
    assert margins is not None
    assert [ndtr((10.0 - margin) / 5.0) for margin in margins] == pytest.approx([0.9, 0.1])
    assert margins_m(Subject({"edge_distance_m": 10.0, "evidence": evidence})) is None


def test_hot_spots_and_stages_of_the_place_are_named(stored: StoredRun) -> None:
    row = dict(stored.findings.iloc[0])
    stages = [
        {"stage": "bare", "day": "2023-10-01", "case_no": "A-1"},
        {"stage": "building", "day": "2024-10-12", "case_no": None},
    ]
    spot = {"route_code": "G311", "stake_from": "K1+000", "stake_to": "K1+200", "events": 3, "years": 2}
    row["evidence"] = json.dumps({**json.loads(row["evidence"]), "stages": stages})
    text = "\n".join(explained(Subject(row, hot_spots=[spot])).lines("en"))
    assert "2023-10-01 bare ground A-1" in text
    assert "G311 K1+000～K1+200: 3 times in 2 years" in text


def test_a_row_that_knows_next_to_nothing_is_explained_too() -> None:
    told = explained(Subject({"kind": "shed", "evidence": "no json"}))
    assert [one.name for one in told.sections] == ["where", "law", "case", "otherwise"]
    assert "shed" in told.head.en


def test_what_has_a_permit_is_said_to_open_no_case() -> None:
    told = explained(Subject({"kind": "building", "permit_no": "许可1号", "permit_state": "covered"}))
    text = "\n".join(told.lines("zh"))
    assert "有许可，列出而不立案" in text
    assert "许可有效 许可1号" in text


def test_every_reason_has_words_and_a_rule() -> None:
    assert set(REASONS) == {one.value for one in WhyNot}
    assert all(one.word.zh and one.rule.zh and one.rule.en for one in REASONS.values())
    assert reason("of a plug-in").word.en == "of a plug-in"


def test_the_command_speaks_the_readers_language(stored: StoredRun, capfd, monkeypatch) -> None:
    root, number = str(stored.folder.root), stored.findings["case_no"].dropna().iloc[0]
    ledger = str(stored.ledger_place)
    for language, words in (("zh", "有多大把握"), ("en", "how sure")):
        monkeypatch.setenv("LUYU_LANG", language)
        assert main(["explain", number, "--ledger", ledger]) == 0
        assert words in capfd.readouterr().out
    assert main(["explain", number, "--ledger", ledger, "--run", root, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["case_no"] == number
    other = gpd.read_file(stored.folder.findings_gpkg, layer="candidates")
    other = other[other["why_not"].fillna("") != ""]["finding_id"].iloc[0]
    assert main(["explain", other, "--run", root, "--ledger", ledger]) == 0
    assert "why this is no clue" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"), [((), "--ledger PATH"), (("--run",), "no finding or candidate"), (("--ledger",), "no-such-case")]
)
def test_what_is_asked_wrongly_is_refused(stored: StoredRun, capfd, more: tuple[str, ...], words: str) -> None:
    places = {"--run": str(stored.folder.root), "--ledger": str(stored.ledger_place)}
    assert main(["explain", "no-such-case", *(part for name in more for part in (name, places[name]))]) == 2
    assert words in capfd.readouterr().err


def rows(row: dict, section: str, record: dict | None = None) -> dict[str, str]:
    """What is said in a section in Chinese, by its label in English."""
    told = explained(Subject(row, record)).sections
    return {one.label.en: one.said.zh for part in told if part.name == section for one in part.rows}


def test_of_a_demolition_the_images_show_what_stood_and_is_gone() -> None:
    seen = {"scene_before": "a", "scene_after": "b", "last_absent": "2024-04-28", "first_seen": "2024-10-12"}
    gone = rows({"kind": "demolition", **seen}, "images")
    assert [text for text in gone.values() if "：" in text] == ["2024-04-28：尚未拆除", "2024-10-12：已不在"]
    new = rows({"kind": "building", **seen}, "images")
    assert [text for text in new.values() if "：" in text] == ["2024-04-28：此处没有", "2024-10-12：此处有"]


@pytest.mark.parametrize(
    ("outcome", "said"), [("suspected", True), ("not_as_approved", True), ("lawful", False), ("permitted", False)]
)
def test_where_nothing_is_suspected_nothing_is_said_of_an_accusation(outcome: str, said: bool) -> None:
    evidence = {"outcome": outcome, "supports_accusation": False}
    told = rows({"kind": "building", "zone": "control_zone", "evidence": evidence}, "zone")
    assert ("can support an accusation" in told) is said


def test_codes_of_notes_are_words_and_an_absent_permit_claims_no_layer() -> None:
    evidence = {"permit": "expired 2023-04-30", "exempt": "extended 35 %"}
    told = rows({"kind": "building", "permit_state": "expired", "evidence": evidence}, "law")
    assert told["of the permit"] == "有效期止于 2023-04-30"
    assert told["of the exemption"] == "超出原合法设施 35 %"
    assert "of the permit" not in rows({"permit_state": "covered", "evidence": {"permit": "covered"}}, "law")
    assert "未提供该图层" in rows({"kind": "building"}, "law")["permit"]


def test_outside_is_said_only_where_the_next_line_is_the_outermost() -> None:
    record = {"configuration": {"decisions": {"probability": 0.9}}, "detectors": []}
    row = {
        "kind": "building",
        "edge_distance_m": 10.0,
        "membership": "inside",
        "evidence": {"errors_m": {"image": 1.0}},
    }
    label = "farther out past the line, by"
    assert "11.3 m 判为区外" in rows({**row, "zone": "control_zone"}, "otherwise", record)[label]
    assert "区外" not in rows({**row, "zone": "highway_land"}, "otherwise", record)[label]


def test_kinds_that_no_other_rivals_are_not_told_of_rivals() -> None:
    assert "a likelier reading" in rows({"kind": "billboard"}, "otherwise")
    assert "a likelier reading" not in rows({"kind": "grain_drying"}, "otherwise")


def test_nothing_from_data_moves_the_terminal() -> None:
    row = {"kind": "building", "route_code": "G311\x1b[31m\x9b2J\nK1+000: ok", "evidence": {"facility": "厂\u2028x"}}
    text = list(explained(Subject(row)).lines("both"))
    assert not any(sign in line for line in text for sign in "\x1b\x9b\n\u2028")
    assert any("G311[31m2J K1+000: ok" in line for line in text)


@pytest.mark.parametrize("odd", [None, "x", [], float("nan"), {"image": "x", "zone_edge": [1]}])
def test_evidence_of_another_make_is_passed_over(odd: object) -> None:
    evidence = dict.fromkeys(("errors_m", "takes", "stages", "priority", "cues", "impact"), odd)
    row = {"kind": "grain_drying", "zone": "pavement", "confidence": 0.5, "edge_distance_m": 1.0, "evidence": evidence}
    json.dumps(explained(Subject(row)).told(), allow_nan=False)


def test_names_that_are_nearly_right_are_offered(stored: StoredRun) -> None:
    row = stored.findings.dropna(subset=["case_no"]).iloc[0]
    for wanted, meant in ((row["finding_id"][:8], row["finding_id"]), (f"{row['case_no']}x", row["case_no"])):
        with pytest.raises(LuyuError, match=rf"did you mean .*{meant}"):
            of_run(stored, wanted)
    with pytest.raises(LuyuError, match=r"candidates, such as"):
        of_run(stored, "什么都不是")
