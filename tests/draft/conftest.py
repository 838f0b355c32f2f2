"""A county's own files, made once; tests that change one work on a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_files import own_files


@pytest.fixture(scope="session")
def own(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``路线.shp`` in GBK without .cpg, ``影像/DAY_影像.tif`` of 8 bits."""
    return own_files(world, tmp_path_factory.mktemp("自己的 文件"))
