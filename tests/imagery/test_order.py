"""Medians and quantiles by one selection are numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.imagery.order import median, quantile


@pytest.mark.parametrize("count", [1, 2, 3, 10, 4097])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_numpys(count: int, dtype: type) -> None:
    values: np.ndarray = np.random.default_rng(count).normal(0, 1, (1, count)).astype(dtype)
    assert median(values) == np.median(values)
    assert median(values).dtype == dtype
    for share in (0.0, 0.02, 0.35, 0.7, 0.98, 1.0):
        found = quantile(values, share)
        assert found.dtype == dtype
        assert found == pytest.approx(np.quantile(values, share), rel=1e-6)


def test_nothing_has_no_median() -> None:
    assert np.isnan(median(np.empty(0, np.float32)))
