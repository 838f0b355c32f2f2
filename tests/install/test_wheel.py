"""The wheel and the source archive hold all that the program reads, and the wheel works outside of the repository."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from fresh import UV, ran
from locked import ROOT

pytestmark = pytest.mark.slow

_SHIPPED = {"legal": "configs/legal", "papers": "configs/papers", "sensors": "data_catalog/sensors"}
_LOOK = """
import json
from pathlib import Path
import pipeline
from pipeline.model.shipped import shipped
home = Path(pipeline.__file__).parent
files = [one for one in home.rglob("*") if one.is_file() and "__pycache__" not in one.parts]
places = {kind: shipped(kind) for kind in ("legal", "papers", "sensors")}
print(json.dumps({
    "home": str(home),
    "files": [one.relative_to(home).as_posix() for one in files],
    "shipped": {kind: place.relative_to(home).as_posix() for kind, place in places.items()},
}))
"""


def files_of(folder: Path) -> set[str]:
    """Files below a folder, as they are called from it, without what Python leaves behind."""
    return {
        one.relative_to(folder).as_posix()
        for one in folder.rglob("*")
        if one.is_file() and "__pycache__" not in one.parts and not one.name.startswith(".")
    }


def expected() -> set[str]:
    """What must lie in the wheel below ``pipeline``."""
    data = {f"shipped/{kind}/{name}" for kind, place in _SHIPPED.items() for name in files_of(ROOT / place)}
    return files_of(ROOT / "pipeline") | data


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, which takes its dependencies from the one that runs the tests."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    ran(UV, "venv", "--quiet", "--python", sys.executable, folder, cwd=folder.parent)
    ran(UV, "pip", "install", "--quiet", "--no-deps", "--python", folder / "bin" / "python", wheel, cwd=folder.parent)
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    # A path named in a .pth file is not looked into for further ones: the editable installation stays out.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def luyu(venv: Path, cwd: Path, *arguments: object, code: int = 0) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL", "LUYU_"))}
    return ran(venv / "bin" / "luyu", *arguments, cwd=cwd, env={**env, "HOME": str(cwd)}, code=code)


def test_the_wheel_holds_every_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith("luyu-")}
        there = {name.removeprefix("pipeline/") for name in names}
    assert all(name.startswith("pipeline/") for name in names)
    assert there == expected()
    kinds = {Path(name).suffix for name in there}
    assert {".onnx", ".docx", ".js", ".css", ".html", ".yaml"} <= kinds  # networks, papers, pages, rules and sensors
    assert any("migrations/versions" in name for name in there)
    assert wheel.stat().st_size < 40e6


def test_the_source_archive_builds_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    archive = next(built.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    ran(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, next(tmp_path.iterdir()), cwd=tmp_path)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as again, zipfile.ZipFile(wheel) as first:
        assert {one.filename: one.CRC for one in again.infolist()} == {
            one.filename: one.CRC for one in first.infolist()
        }
    assert archive.stat().st_size < 120e6


def test_it_runs_outside_of_the_repository(venv: Path, world: Path, tmp_path: Path) -> None:
    said = json.loads(ran(venv / "bin" / "python", "-I", "-c", _LOOK, cwd=tmp_path))
    assert Path(said["home"]).is_relative_to(venv)
    assert set(said["files"]) == expected()
    assert said["shipped"] == {kind: f"shipped/{kind}" for kind in _SHIPPED}
    assert "watch the land along highways" in luyu(venv, tmp_path, "--help")
    assert "resolution_m" in luyu(venv, tmp_path, "config")
    checked = luyu(venv, tmp_path, "check", world / "run.yaml", "--set", "output=out")
    assert "nothing stands in the way" in checked
    out = luyu(venv, tmp_path, "cases", "list", "--ledger", tmp_path / "new.sqlite", code=2)
    assert "new.sqlite" in out
