"""What a command loads before it answers: help loads nothing heavy, a list of cases nothing of images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.ledger import Ledger

_PIXELS = (
    "alembic", "cv2", "dask", "distributed", "folium", "matplotlib", "onnxruntime", "rasterio", "scipy", "skimage",
    "sklearn", "xarray",
)  # fmt: skip
_TABLES = ("geopandas", "numpy", "pandas", "pyarrow", "pyproj", "shapely", "sqlalchemy")
_LOADED_BY = """
import contextlib, io, sys
import pipeline.cli
from typer.main import get_command

def lines(command, above=()):
    yield above
    for name, below in getattr(command, "commands", {}).items():
        yield from lines(below, (*above, name))

asked = [sys.argv[2:]]
if asked == [["--help"]]:
    from pipeline.cli.app import app
    asked = [[*line, "--help"] for line in lines(get_command(app))]
    assert len(asked) > 30, asked
for args in asked:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert pipeline.cli.main(args) == 0, args
    assert out.getvalue(), args
print(*sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1].split(","))))
"""


def loaded(unwanted: tuple[str, ...], *args: str) -> str:
    """Which of the packages ``luyu args`` loads in a process of its own; ``--help`` stands for that of every command."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED_BY, ",".join(unwanted), *args], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_help_loads_what_only_work_needs(monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setenv("LUYU_LANG", lang)
    catalogue = ("polib",) if lang == "en" else ()
    assert loaded((*_PIXELS, *_TABLES, *catalogue, "rich", "ruamel"), "--help") == ""


def test_a_list_of_cases_loads_nothing_of_images(tmp_path: Path) -> None:
    place = str(tmp_path / "ledger.sqlite")
    Ledger.open(place).close()
    assert loaded(_PIXELS, "cases", "list", "--ledger", place) == ""


def test_what_detectors_there_are_needs_tables_but_no_scheduler_and_no_drawing() -> None:
    unwanted = ("alembic", "dask", "distributed", "folium", "matplotlib", "rich", "sklearn")
    assert loaded((*unwanted, "geopandas"), "detectors") == "geopandas", "or the test sees nothing"


@pytest.mark.parametrize("program", [[str(Path(sys.executable).with_name("luyu"))], [sys.executable, "-m", "pipeline"]])
def test_the_program_starts_under_both_its_names(program: list[str]) -> None:
    done = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: luyu")
