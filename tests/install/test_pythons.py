"""The Pythons that pyproject.toml names: what is installed on each, whether they read the code, and the demo where they are."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fresh import UV, ran
from locked import LINUX, PYTHONS, ROOT, installed

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OTHERS = [python for python in PYTHONS if python != sys.version_info[:2]]


def test_classifiers_and_bound_name_the_pythons_that_are_looked_at() -> None:
    named = re.findall(r"Python :: (3)\.(\d+)", "\n".join(PROJECT["classifiers"]))
    assert tuple((int(major), int(minor)) for major, minor in named) == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0][0]}.{PYTHONS[0][1]}"


def test_every_file_is_read_by_the_oldest_of_them() -> None:
    for path in (ROOT / "pipeline").rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=PYTHONS[0])


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_a_version_of_every_dependency_for_each(python: tuple[int, int]) -> None:
    names = {name.partition("==")[0] for name in installed(LINUX, python)}
    wanted = {re.split(r"[<>=\[ ]", text)[0].lower() for text in PROJECT["dependencies"]}
    assert wanted <= names


def _found(python: tuple[int, int]) -> Iterator[str]:
    """Interpreters of that version that start: on the path, or of pyenv."""
    name = f"python{python[0]}.{python[1]}"
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for one in (shutil.which(name), *map(str, versions.glob(f"{python[0]}.{python[1]}.*/bin/python"))):
        if one and subprocess.run([one, "-c", "import venv"], capture_output=True).returncode == 0:
            yield one


@pytest.mark.slow
@pytest.mark.parametrize("python", OTHERS, ids=lambda one: ".".join(map(str, one)))
def test_it_runs_on_it(python: tuple[int, int], wheel: Path, world: Path, tmp_path: Path) -> None:
    """The newest runs the demo, the others look at a world: minutes are dear."""
    interpreter = next(_found(python), None)
    if interpreter is None:
        pytest.skip(f"no Python {python[0]}.{python[1]} on this machine; the lock alone was looked at")
    venv = tmp_path / "venv"
    try:
        ran(UV, "venv", "--quiet", "--python", interpreter, venv, cwd=tmp_path)
        install = [UV, "pip", "install", "--quiet", "--python", venv / "bin" / "python"]
        ran(*install, "--require-hashes", "-r", ROOT / "requirements.lock", cwd=tmp_path)
        ran(*install, "--no-deps", wheel, cwd=tmp_path)
        if python == PYTHONS[-1]:
            assert "findings:" in ran(venv / "bin" / "luyu", "demo", "--km", "0.8", cwd=tmp_path)
        else:
            said = ran(venv / "bin" / "luyu", "check", world / "run.yaml", "--set", "output=out", cwd=tmp_path)
            assert "nothing stands in the way" in said
    finally:
        shutil.rmtree(venv, ignore_errors=True)
