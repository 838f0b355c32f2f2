"""Edge fields and their correlation: what is done in strips and by spectra is what the plain sums give."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.prepare.edge_fields import _kernels, centred, edge_field
from pipeline.prepare.edges import Block, Template, gathered, surface


def noise(seed: int, rows: int = 150, cols: int = 90, bands: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [cv2.GaussianBlur(rng.random((rows, cols)).astype(np.float32), (0, 0), 1.5) for _ in range(bands)]


def plain_field(bands: list[np.ndarray], smooth_px: float) -> np.ndarray:
    """The field by its definition, of an image without gaps, in float64."""
    bell, slope = _kernels(smooth_px, 0.0)
    total = np.zeros((4, *bands[0].shape))
    for band in bands:
        dx, dy = (
            cv2.sepFilter2D(band.astype(np.float64), cv2.CV_64F, *kernels, borderType=cv2.BORDER_REPLICATE)
            for kernels in ((slope, bell), (bell, slope))
        )
        scale = np.sqrt(np.mean((dx * dx + dy * dy)[::4, ::4]))
        dx, dy = dx / scale, dy / scale
        total += np.stack([dx * dx - dy * dy, 2 * dx * dy, dx, dy])
    for pair, power in ((total[:2], 1), (total[2:], 2)):
        length = np.hypot(*pair)
        damp = 0.3 * np.median(length[::4, ::4] ** power)
        np.divide(pair, length ** (1 - power) * (length**power + damp), out=pair)
    return total


def test_a_field_is_what_its_definition_says() -> None:
    bands = noise(1)
    assert edge_field(bands, 1.75) == pytest.approx(plain_field(bands, 1.75), abs=2e-5)


def test_a_gap_leaves_the_rest_of_a_field_and_nothing_beside_it() -> None:
    bands = noise(2)
    bands[1][60:70, 40:60] = np.nan
    field = edge_field(bands, 1.75)
    assert np.isfinite(field).all()
    assert not field[:, 55:75, 35:65].any()
    assert field[:, :50].any(axis=(0, 2)).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_surface_is_the_correlation_at_every_shift(sign: int) -> None:
    """Spectra against sums of products; ``sign``: the second picture as it is, or its negative."""
    reach = 7
    first, second = noise(3), [sign * np.roll(band, (3, -2), axis=(0, 1)) for band in noise(3)]
    template = Template(centred(edge_field(first, 1.5), reach), reach)
    moving = edge_field(second, 1.5)
    found, told = surface(template, moving)
    inner = template.field[:, reach:-reach, reach:-reach].astype(np.float64)
    rows, cols = inner.shape[1:]
    energies = [np.sqrt((inner[k : k + 2] ** 2).sum() * (moving[k : k + 2] ** 2).sum()) for k in (0, 2)]
    assert told == sign
    assert np.unravel_index(found.argmax(), found.shape) == (reach + 3, reach - 2)
    for r, c in ((0, 0), (reach + 3, reach - 2), (2 * reach, 5)):
        products = inner * moving[:, r : r + rows, c : c + cols]
        expected = products[:2].sum() / energies[0] + sign * products[2:].sum() / energies[1]
        assert found[r, c] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_blocks_gather_the_same_products(sign: int) -> None:
    fixed, moving = edge_field(noise(4), 1.5), edge_field(noise(5), 1.5)
    block = Block(20, 60, 30, 70)
    (values,) = gathered(fixed, moving, [block], sign)
    turned = fixed[:, 20:60, 30:70] * np.array([1, 1, sign, sign])[:, None, None]
    for value, (r, c) in zip(values, ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)), strict=True):
        assert value == pytest.approx((turned * moving[:, 20 + r : 60 + r, 30 + c : 70 + c]).sum(), rel=1e-4, abs=1e-3)
