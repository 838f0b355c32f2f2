"""``luyu papers`` from outside: files in a folder, what the public may not have, PDFs where there is LibreOffice."""

import re
import shutil

import pytest
from fake_office import make_cases, moment, settled, text_of
from typer.testing import CliRunner

from pipeline.cli.papers import papers_app
from pipeline.errors import LuyuError
from pipeline.model.audience import SMALLEST_COUNT
from pipeline.papers import source
from pipeline.papers.desk import Desk, Selection
from pipeline.papers.pdf import as_pdf

APPROVAL = "苏S(2024)012号"


@pytest.fixture
def office(tmp_path, ledger, numbers):
    """Run the command on the ledger; the folder of the papers is ``tmp_path/out``."""

    def call(*args: str):
        ledger_args = ["--ledger", str(tmp_path / "ledger.sqlite"), "--out", str(tmp_path / "out")]
        return CliRunner().invoke(papers_app, [*args, *ledger_args], catch_exceptions=True)

    return call


@pytest.mark.parametrize(
    ("args", "files"),
    [
        (["notice", "--no-pdf"], ["notice-check-320322101.docx"]),
        (["dossier", "--no-pdf", "--route", "G311"], ["dossier-G311.docx"]),
        (["ranking", "--no-pdf", "--period", "2024-11"], ["ranking-2024-11-01-2024-11-30.docx"]),
        (["spots"], ["spots-shp.zip", "spots.gpkg", "spots.xlsx"]),
    ],
)
def test_each_paper_is_written_and_said(office, tmp_path, args, files):
    done = office(*args)
    assert done.exit_code == 0, done.exception
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert done.stdout.split() == [str(tmp_path / "out" / name) for name in files]


@pytest.mark.parametrize(
    "args", [["notice"], ["dossier", "--route", "G311"], ["ranking", "--period", "2024-11"], ["spots"]]
)
def test_the_public_gets_nothing_without_an_approval_number(office, tmp_path, args):
    done = office(*args, "--audience", "public")
    assert isinstance(done.exception, LuyuError)
    assert "审图号" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("args", [["notice", "--no-pdf"], ["dossier", "--no-pdf", "--route", "G311"], ["spots"]])
def test_the_public_gets_counts_by_township_and_nothing_else(office, tmp_path, numbers, args):
    done = office(*args, "--audience", "public", "--map-approval", APPROVAL)
    assert done.exit_code == 0, done.exception
    (paper,) = (tmp_path / "out").iterdir()
    shown = text_of(paper.read_bytes())
    assert paper.name == "statistics.docx"
    assert APPROVAL in shown
    assert "龙固镇\n5" in shown
    for kept_back in (*numbers, "K512", "G311", "117.", "34.6", "大沙河桥"):
        assert kept_back not in shown
    assert b"word/media/" not in paper.read_bytes()


def test_a_sheet_is_never_for_the_public(office):
    assert office("sheet", "--audience", "public").exit_code == 2


def test_small_counts_are_hidden_and_no_sum_gives_them_away(ledger):
    findings = make_cases(5, township_name=["甲镇"] * 4 + ["乙镇"])
    numbers = settled(ledger, findings)
    for number in numbers[:3]:
        ledger.advance(number, "confirmed", "甲", at=moment(5))
    made = Desk(ledger, source.RunFiles()).public(Selection(), APPROVAL, moment(6).date())
    table = text_of(made["statistics.docx"]).split("县区\n")[1]
    rows = re.findall(r"(乙镇|甲镇|合计\n)\n(.+)\n(.+)\n(.+)", table)
    assert SMALLEST_COUNT == 3
    assert rows == [("乙镇", "少于3", "0", "0"), ("甲镇", "4", "3", "0"), ("合计\n", "—", "3", "0")]


def test_what_is_not_there_is_said(office, tmp_path):
    assert "no case nowhere" in str(office("sheet", "nowhere").exception)
    assert "give check or rectify" in str(office("notice", "--form", "x").exception)
    assert "no findings.gpkg there" in str(office("notice", "--run", str(tmp_path)).exception)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notice.docx").write_bytes(b"no")
    assert "own/notice.docx" in str(office("notice", "--templates", str(tmp_path / "own")).exception)


def test_a_broken_run_folder_is_refused_by_name(office, run):
    (run / "coverage.csv").write_text("a,b\n1,2\n")
    said = str(office("dossier", "--route", "G311", "--run", str(run)).exception)
    assert "coverage.csv cannot be read as a coverage table" in said
    (run / "findings.gpkg").write_bytes(b"no")
    assert "cannot be read" in str(office("notice", "--run", str(run)).exception)


def test_without_libreoffice_there_is_a_line_and_no_failure(office, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    done = office("notice")
    assert done.exit_code == 0
    assert "no PDF: LibreOffice" in done.stdout
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".docx"]


def test_a_pdf_lies_beside_each_paper_and_a_sheet_is_one_page(office, tmp_path, numbers, soffice):
    done = office("sheet", *numbers[:2])
    assert done.exit_code == 0, done.exception
    pdfs = sorted((tmp_path / "out").glob("*.pdf"))
    assert [path.stem for path in pdfs] == [f"sheet-{number}" for number in sorted(numbers[:2])]
    assert [len(re.findall(rb"/Type\s*/Page\b", path.read_bytes())) for path in pdfs] == [1, 1]


def test_a_paper_that_libreoffice_cannot_read_is_named(tmp_path, soffice):
    (tmp_path / "x.docx").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(LuyuError, match=r"x\.docx: LibreOffice made no PDF"):
        as_pdf([tmp_path / "x.docx"])
    assert as_pdf([]) == []


def test_a_libreoffice_that_hangs_is_given_up(tmp_path, monkeypatch):
    hangs = tmp_path / "soffice"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _name: str(hangs))
    (tmp_path / "x.docx").write_bytes(b"")
    with pytest.raises(LuyuError, match="no PDF within"):
        as_pdf([tmp_path / "x.docx"], limit_s=0.2)
