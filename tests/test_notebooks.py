"""The notebooks' two faces say the same, no output is committed, nothing is defined; pytest runs them by itself (nbmake)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ONE = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# Besides the package: what numbers, tables, geometry and figures are written in, and the cluster of the last notebook.
READERS = {"distributed", "geopandas", "matplotlib", "numpy", "pandas", "pipeline", "shapely", "xarray"}
PLAIN = {"datetime", "hashlib", "json", "pathlib", "tempfile", "time"}
CHINESE = re.compile("[\u4e00-\u9fff]")
LATIN = re.compile("[A-Za-z]{3}")


def cells(path: Path, kind: str) -> list[NotebookNode]:
    return [cell for cell in jupytext.read(path).cells if cell.cell_type == kind]


def code(path: Path) -> ast.Module:
    return ast.parse("\n".join(cell.source for cell in cells(path, "code")))


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def defined(tree: ast.AST) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    return [ast.unparse(node).splitlines()[0] for node in ast.walk(tree) if isinstance(node, kinds)]


def headings(path: Path) -> list[str]:
    lines = [line for cell in cells(path, "markdown") for line in cell.source.splitlines()]
    return [line for line in lines if line.startswith("#")]


def test_there_are_seven_in_order() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(1, 8)]


@ONE
def test_script_and_notebook_are_in_step(path: Path) -> None:
    notebook, script = jupytext.read(path), jupytext.read(path.with_suffix(".py"))
    assert [(c.cell_type, c.source) for c in notebook.cells] == [(c.cell_type, c.source) for c in script.cells]


def test_every_script_has_its_notebook() -> None:
    scripts = {path.stem for path in (ROOT / "notebooks").glob("*.py")}
    assert scripts == {path.stem for path in NOTEBOOKS}


@ONE
def test_no_output_is_kept(path: Path) -> None:
    assert all(not cell.outputs and cell.execution_count is None for cell in cells(path, "code"))


@ONE
def test_nothing_is_defined_and_nothing_strange_imported(path: Path) -> None:
    tree = code(path)
    assert defined(tree) == []
    assert imported(tree) <= READERS | PLAIN
    assert "pipeline" in imported(tree)


def test_a_definition_would_be_seen() -> None:
    tree = ast.parse("import requests\nfor n in range(3):\n    f = lambda x: x\ndef g():\n    return 1\nclass C: ...")
    assert len(defined(tree)) == 3
    assert imported(tree) == {"requests"}


@ONE
def test_it_is_headed_in_both_languages_and_ends_with_an_exercise(path: Path) -> None:
    told = headings(path)
    assert told[0].startswith("# ")
    for heading in told:
        assert CHINESE.search(heading), heading
        assert LATIN.search(heading), heading
    last = jupytext.read(path).cells[-1]
    assert last.cell_type == "markdown"
    assert last.source.startswith("## 练习 · Exercise")
    assert re.search(r"^1\. .+^2\. ", last.source, re.MULTILINE | re.DOTALL)


@ONE
def test_it_shows_figures_and_says_what_a_finding_is(path: Path) -> None:
    said = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert "疑似线索" in said
    drawn = "\n".join(cell.source for cell in cells(path, "code"))
    assert re.search(r"plt\.show\(\)|luyu\.(tile_evidence|road_strip|calibration_curve)\(", drawn)
