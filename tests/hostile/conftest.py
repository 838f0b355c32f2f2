"""One judge for the cases of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .judge import Judge, judging


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with judging(tmp_path_factory.mktemp("hostile") / "cases") as one:
        yield one
