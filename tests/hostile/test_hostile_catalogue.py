"""Catalogues: refused with a sentence, or handled and reported."""

from __future__ import annotations

import pytest

from .cases import Case
from .corpus import cases_of
from .judge import Judge, told


@pytest.mark.slow
@pytest.mark.parametrize("case", cases_of("catalogue"), ids=str)
def test_it_is_judged_right(case: Case, judge: Judge) -> None:
    faults = judge.tried(case)
    assert not faults, told(case, faults, judge.ended[f"{case.kind}/{case.name}"])
