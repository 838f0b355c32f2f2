"""Built once for all tests of the installation: the wheel and the source archive, out of the files of the project alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fresh import UV, needs_index
from locked import ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the wheel and the source archive."""
    out = tmp_path_factory.mktemp("built")
    done = subprocess.run([UV, "build", "--quiet", "--out-dir", out, ROOT], capture_output=True, encoding="utf-8")
    if done.returncode and "hatchling" in done.stderr and ("fetch" in done.stderr or "connect" in done.stderr):
        needs_index(f"the build back end could not be fetched: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))
