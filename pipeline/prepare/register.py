"""The shift between two images of one place, to a tenth of a pixel, and whether it can be trusted.

Brightness changes with season, sun and sensor; edges stay. Each image becomes a field of edge directions (see
:mod:`edge_fields`); one field is correlated with the other over all shifts in reach, always by the same pixels of ``fixed``.
The summit is then climbed on fields sampled between the pixels. Blocks are asked how far the answer hangs on each of
them (jackknife); from that and from how the summit stands out against its rivals follows a confidence, the chance that
the error is below 0.15 px, fitted on real pairs moved by known amounts (``benchmarks/bench_registration.py``).

A window that says too little by itself can be asked about the surroundings of a ``prior_px``, the shift of its
neighbours: rivals farther off then do not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .measure import Prior, Reference, RegistrationOptions, doubted, measured
from .resample import moved

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Registration", "RegistrationOptions", "register"]


@dataclass(frozen=True)
class Registration:
    """What was measured and what became of it.

    ``shift_px`` (rows south, cols east) and ``shift_m`` (east, north): the displacement that lays ``moving`` on
    ``fixed``; zero when not ``reliable``. ``confidence``: chance that its error is below 0.15 px, 0 to 1.
    ``refused``: the two must not be compared, ``reason`` says why: the shift is above the tolerance (``reliable``), or
    it could not be measured (not ``reliable``). ``from_prior``: the window said nothing, the prior was taken.
    ``aligned``: ``moving`` on the grid of ``fixed``, NaN where nothing moved in; unchanged when the shift is too small
    to mend or taken as zero, all NaN when ``refused``. ``measured_px``: the measurement, believed or not.

    Evidence: ``peak``: how far the correlation's summit stands above the median, in spreads of the surface;
    ``error_px``: standard error by the jackknife over blocks (infinite without a measure); ``blocks``: those with
    texture; ``agreeing``: the share of them whose own best place is within 2 px of the common one; ``rmse_px``: the
    robust spread of these, NaN if none; ``votes_px``: a row for each of them, its centre (row, col) and how far it is
    from the common shift (rows, cols).
    """

    shift_px: tuple[float, float]
    shift_m: tuple[float, float]
    rmse_px: float
    reliable: bool
    refused: bool
    reason: str
    aligned: xr.Dataset
    confidence: float = 0.0
    measured_px: tuple[float, float] = (0.0, 0.0)
    error_px: float = math.inf
    peak: float = 0.0
    agreeing: float = 0.0
    blocks: int = 0
    from_prior: bool = False
    votes_px: np.ndarray = field(default_factory=lambda: np.empty((0, 4)), compare=False)


def register(
    moving: xr.Dataset,
    fixed: xr.Dataset,
    pixel_m: float,
    options: RegistrationOptions | None = None,
    *,
    prior_px: tuple[float, float] | None = None,
    prior_sigma_px: float = 0.5,
) -> Registration:
    """``moving`` laid on ``fixed``: Datasets (y, x) of one shape; the bands that both have are compared.

    ``prior_px``: the displacement (rows, cols) that other windows of the same two scenes gave, ``prior_sigma_px`` its
    standard deviation in each. It is asked for only where the window by itself is not believed: its surroundings (3
    sigma, at least 1 px) are searched, and the answer is weighed with it. Where even that finds nothing, and the prior
    is sure (error at most half of ``max_error_px``: a sigma of 0.35 px), the prior is taken.

    Refused when the shift is larger than the tolerance, and, unless ``options.unmeasured`` is ``assume_zero``, when it
    cannot be measured: too few blocks with texture, no summit above its rivals, blocks that pull apart.
    """
    options = options or RegistrationOptions()
    common = [name for name in fixed.data_vars if name in moving.data_vars]
    if not common or fixed.sizes != moving.sizes:
        raise ValueError(f"nothing to compare: bands {list(moving.data_vars)} {dict(moving.sizes)} with "
                         f"{list(fixed.data_vars)} {dict(fixed.sizes)}")  # fmt: skip
    prior = None if prior_px is None else Prior((float(prior_px[0]), float(prior_px[1])), float(prior_sigma_px))
    tolerance_px = options.tolerance_px(pixel_m)
    reference = Reference.of([fixed[name].to_numpy() for name in common], tolerance_px, options)
    measure = measured(reference, [moving[name].to_numpy() for name in common], options, prior)
    measured_px = _rounded(-measure.place_px[0]), _rounded(-measure.place_px[1])
    doubt = doubted(measure, options)
    shift_px, confidence = measured_px, measure.confidence
    from_prior = bool(doubt) and prior is not None and prior.error_px <= options.max_error_px / 2
    if from_prior and prior is not None:
        shift_px, confidence, doubt = (_rounded(prior.shift_px[0]), _rounded(prior.shift_px[1])), prior.confidence, ""
    reliable, length_px = not doubt, math.hypot(*shift_px)
    refused = bool(doubt) and options.unmeasured == "refuse"
    if reliable and length_px > tolerance_px:
        refused = True
        doubt = f"shift of {length_px * pixel_m:.1f} m is above the {tolerance_px * pixel_m:.1f} m allowed"
    applied = shift_px if reliable else (0.0, 0.0)
    return Registration(
        shift_px=applied,
        shift_m=(_rounded(applied[1] * pixel_m), _rounded(-applied[0] * pixel_m)),
        rmse_px=measure.rmse_px,
        reliable=reliable,
        refused=refused,
        reason=doubt,
        aligned=_aligned(moving, applied, refused, options),
        confidence=_rounded(confidence),
        measured_px=measured_px,
        error_px=measure.error_px,
        peak=measure.peak,
        agreeing=measure.agreeing,
        blocks=measure.blocks,
        from_prior=from_prior,
        votes_px=measure.votes_px,
    )


def _aligned(
    moving: xr.Dataset, shift_px: tuple[float, float], refused: bool, options: RegistrationOptions
) -> xr.Dataset:
    if refused:
        return moving.map(lambda band: band * np.float32(np.nan), keep_attrs=True)
    if math.hypot(*shift_px) < options.min_correction_px:
        return moving
    return moving.assign(
        {name: (band.dims, moved(band.to_numpy(), shift_px)) for name, band in moving.data_vars.items()}
    )


def _rounded(value: float) -> float:
    """To a thousandth, without a negative zero: the last digits differ between machines."""
    return round(value, 3) + 0.0
