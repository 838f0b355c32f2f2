"""Rules that keep whole kinds of attack out: what the corpus holds, what code may not do, what tables may not hold."""

from __future__ import annotations

import ast
import datetime as dt
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from openpyxl import load_workbook

from .corpus import CASES

PACKAGE = Path(__file__).resolve().parents[2] / "pipeline"
FORMULA = '=HYPERLINK("http://x","y")'


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    kinds = Counter(case.kind for case in CASES)
    assert sum(kinds.values()) >= 400
    assert min(kinds.values()) >= 3
    assert len({(case.kind, case.name) for case in CASES}) == len(CASES)
    told = " ".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_hostile_*.py"))
    asked = " ".join(re.findall(r"cases_of\((.*?)\)", told))
    assert set(kinds) == set(re.findall(r'"(\w+)"', asked))  # a kind that no file asks for would be tried by nobody


# What makes code or objects of data, however it is imported. ``pickle`` in a docstring is none.
_FORBIDDEN = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch", "code", "runpy",
}  # fmt: skip
# Between this program's own processes, over connections that it makes; SECURITY.md tells of it.
_OWN_WORKERS = {"execution/executor.py", "execution/worker.py"}
_CALLS = {"eval", "exec", "compile", "__import__"}


def _faults(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in _FORBIDDEN]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _FORBIDDEN and not node.level:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
                found.append(node.func.id)
            words = {keyword.arg: keyword.value for keyword in node.keywords}
            if isinstance(words.get("allow_pickle"), ast.Constant) and words["allow_pickle"].value:
                found.append("allow_pickle")
            if isinstance(words.get("shell"), ast.Constant) and words["shell"].value:
                found.append("shell")
            if isinstance(words.get("typ"), ast.Constant) and words["typ"].value == "unsafe":
                found.append("unsafe YAML")
    return found


def test_nothing_is_made_an_object_or_code_of_data() -> None:
    found = {
        str(path.relative_to(PACKAGE)): faults
        for path in sorted(PACKAGE.rglob("*.py"))
        if (faults := _faults(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert {name: faults for name, faults in found.items() if name not in _OWN_WORKERS} == {}
    assert all(set(found[name]) == {"pickle"} for name in _OWN_WORKERS)


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from joblib import load", "eval(x)", "np.load(x, allow_pickle=True)", "YAML(typ='unsafe')"],
)
def test_the_test_sees_what_is_forbidden(line: str) -> None:
    assert _faults(ast.parse(line))


def test_every_file_of_pixels_is_opened_by_its_driver() -> None:
    """``rasterio.open`` without ``driver`` takes whatever the content claims to be."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "rasterio.open":
                names = {keyword.arg for keyword in node.keywords}
                if not names & {"driver", None}:
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []


def test_the_program_knows_no_driver_that_leads_elsewhere() -> None:
    """In the program and, by its environment, in what it starts; the file's own driver is the first wall, this the second."""
    code = (
        "import contextlib, io, json, sys\n"
        "from pipeline.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()): assert main(['detectors']) == 0\n"
        "import pyogrio, rasterio\n"
        "with rasterio.Env() as env: names = sorted({*env.drivers(), *pyogrio.list_drivers()})\n"
        "print(json.dumps(names))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    known = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"GTiff", "GPKG", "GeoJSON", "ESRI Shapefile", "KML", "FlatGeobuf", "MapInfo File", "OpenFileGDB"} <= known
    assert not known & {"VRT", "OGR_VRT", "WMS", "WMTS", "WCS", "WFS", "OAPIF", "GTI", "STACIT", "GDALG", "GML", "HTTP"}


def _formulas(book: bytes) -> list[str]:
    """Cells that a spreadsheet would compute or follow."""
    found = []
    for sheet in load_workbook(io.BytesIO(book)):
        for row in sheet.iter_rows():
            found += [str(cell.value) for cell in row if cell.data_type == "f" or cell.hyperlink is not None]
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        found += [name for name in archive.namelist() if "externalLink" in name or name.endswith("vbaProject.bin")]
    return found


def test_every_writer_of_tables_leaves_formulas_as_text(tmp_path: Path) -> None:
    """All that write .xlsx or .csv say so to their library; whoever adds one is told here."""
    books = {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if "xlsxwriter.Workbook(" in path.read_text(encoding="utf-8")
    }
    assert set(books) == {"field/sheet.py", "papers/spots.py", "reports/register.py", "share/fields.py"}
    for name, text in books.items():
        assert re.search(r'_SAFE = \{"strings_to_formulas": False, "strings_to_urls": False', text), name
        assert text.count("xlsxwriter.Workbook(") == len(re.findall(r"xlsxwriter\.Workbook\(\w+, _SAFE\)", text)), name
        assert "write_formula" not in text, name
        assert "write_url" not in text, name
    tables = [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if re.search(r"csv\.(writer|DictWriter)\(|\.to_csv\(", path.read_text("utf-8"))
    ]
    assert {str(path.relative_to(PACKAGE)) for path in tables} == {
        "reports/gis.py",
        "run/read_list.py",
        "share/fields.py",
    }
    for path in tables:
        assert "neutral(" in path.read_text(encoding="utf-8"), path
    assert not [path for path in PACKAGE.rglob("*.py") if ".to_excel(" in path.read_text(encoding="utf-8")]


def test_a_table_of_spots_holds_no_formula() -> None:
    import geopandas as gpd
    from shapely import box

    from pipeline.papers.spots import table, workbook

    row = {
        "case_no": FORMULA,
        "county_name": "=1+1",
        "kind": "building",
        "area_m2": 10.0,
        "law": "@x",
        "permit_no": "+1",
    }
    cases = gpd.GeoDataFrame([row], geometry=[box(500_000, 3_800_000, 500_010, 3_800_010)], crs=4548)
    book = workbook(table(cases), created=dt.date(2024, 11, 5))
    assert _formulas(book) == []
    assert FORMULA in [cell.value for line in load_workbook(io.BytesIO(book)).worksheets[0] for cell in line]


def test_the_environment_of_the_tests_is_left_alone() -> None:
    """The second wall is for the program's own processes; who imports the package keeps his drivers."""
    code = "import os, pipeline, pipeline.catalog.layers; print(os.environ.get('GDAL_SKIP'))"
    env = {name: text for name, text in os.environ.items() if name not in ("GDAL_SKIP", "OGR_SKIP")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env)
    assert done.stdout.strip() == "None"
