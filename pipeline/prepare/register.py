"""The shift between two images of one place, to a tenth of a pixel, and whether it can be trusted.

Brightness changes with season, sun and sensor; edges stay. Each image becomes a field of edge directions (see
:mod:`edges`); one field is correlated with the other over all shifts in reach, always by the same pixels of ``fixed``.
The summit is then climbed on fields sampled between the pixels. Blocks are asked how far the answer hangs on each of
them (jackknife); from that and from how the summit stands out against its rivals follows a confidence, the chance that
the error is below 0.15 px, fitted on real pairs moved by known amounts (``benchmarks/bench_registration.py``).

A window that says too little by itself can be asked about the surroundings of a ``prior_px``, the shift of its
neighbours: rivals farther off then do not count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from ..model.options import Options
from .edges import (
    Block,
    blocks,
    centred,
    edge_field,
    far_shift,
    gathered,
    offset,
    peak,
    scattered,
    surface,
    textured,
    votes,
)
from .resample import moved

if TYPE_CHECKING:
    import xarray as xr

_LEAST_REACH_PX = 16  # the surface must be wide enough to tell a peak from its surroundings
_VOTE_REACH_PX = 4
_AGREE_PX = 2.0
_ROUNDS = 5
_SETTLED_PX = 0.02
_PRIOR_SIGMAS = 3.0
_PRIOR_LEAST_PX = 1.0
_GOAL_PX = 0.15  # what the confidence is about
# log-odds of an error below the goal: constant, per ln(peak), per ln(error); fitted by benchmarks/bench_registration.py
_WEIGHTS = (-5.65, 3.85, -1.74)
_LEAST_ERROR_PX = 0.005
_USUAL_SUMMITS = 140.0  # that a search over 41 x 41 shifts has room for
_RIDGE = 0.03  # a summit flatter than this along one direction fixes no place


class RegistrationOptions(Options):
    """How the shift between two dates is measured and when it is believed."""

    max_shift_m: float = Field(
        default=5.0, gt=0, le=200, description="Largest shift that is corrected, m; a larger one refuses the image."
    )
    max_shift_px: float = Field(
        default=2.0, gt=0, le=100, description="The same in pixels, for coarse images; the larger of the two counts."
    )
    block_px: int = Field(default=128, ge=32, le=1024, description="Side of the blocks that are compared, px.")
    smooth_px: float = Field(
        default=1.75,
        ge=0.8,
        le=5,
        description="Width (standard deviation) of the Gaussian that edges are taken by, px.",
    )
    min_blocks: int = Field(default=4, ge=2, description="Fewest blocks with texture that a measure may rest on.")
    min_confidence: float = Field(
        default=0.7,
        gt=0,
        lt=1,
        description="Least confidence (chance of an error below 0.15 px) at which a measured shift is believed.",
    )
    max_error_px: float = Field(
        default=1.0,
        gt=0,
        description="Largest standard error of a believed shift, px: how far the blocks pull at it (change, leaning "
        "buildings, relief). A shift that only neighbours tell must be known to half of that.",
    )
    unmeasured: Literal["refuse", "assume_zero"] = Field(
        default="refuse",
        description="What becomes of an image whose shift cannot be measured: refused as not comparable, or taken as "
        "if it lay right.",
    )
    min_correction_px: float = Field(
        default=0.1, ge=0, le=1, description="Smaller shifts are left: resampling would blur more than it mends, px."
    )

    def tolerance_px(self, pixel_m: float) -> float:
        """Largest shift that is corrected, px."""
        return max(self.max_shift_m / pixel_m, self.max_shift_px)


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


@dataclass(frozen=True)
class Prior:
    """What is known of the shift before the window is looked at: ``shift_px`` as in Registration, and its sigma."""

    shift_px: tuple[float, float]
    sigma_px: float

    @property
    def reach_px(self) -> float:
        """How far from it a shift is looked for."""
        return max(_PRIOR_SIGMAS * self.sigma_px, _PRIOR_LEAST_PX)

    @property
    def confidence(self) -> float:
        """Chance that the prior itself is within 0.15 px (two independent normal errors)."""
        return 1.0 - math.exp(-0.5 * (_GOAL_PX / max(self.sigma_px, 1e-6)) ** 2)

    @property
    def error_px(self) -> float:
        """Standard error of both coordinates together."""
        return math.sqrt(2) * self.sigma_px


@dataclass(frozen=True)
class _Measure:
    """Where ``moving``'s content lies relative to ``fixed`` (the negative of the correction), and the evidence."""

    place_px: tuple[float, float] = (0.0, 0.0)
    confidence: float = 0.0
    error_px: float = math.inf
    peak: float = 0.0
    ease: float = 0.0  # log of how many fewer places were searched than usual
    agreeing: float = 0.0
    rmse_px: float = math.nan
    blocks: int = 0
    votes_px: np.ndarray = field(default_factory=lambda: np.empty((0, 4)))


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
    measure = _measure(
        [fixed[name].to_numpy() for name in common],
        [moving[name].to_numpy() for name in common],
        tolerance_px,
        options,
        prior,
    )
    measured_px = _rounded(-measure.place_px[0]), _rounded(-measure.place_px[1])
    doubt = _doubt(measure, options)
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


def _measure(
    still: Sequence[np.ndarray],
    loose: Sequence[np.ndarray],
    tolerance_px: float,
    options: RegistrationOptions,
    prior: Prior | None,
) -> _Measure:
    """About the prior or near zero; if nothing is believed there and no prior says where, about the best anywhere."""
    fixed = edge_field(still, options.smooth_px)
    moving = edge_field(loose, options.smooth_px)
    quarter = min(fixed.shape[:2]) // 4
    reach = min(max(math.ceil(2 * tolerance_px), _LEAST_REACH_PX), quarter)
    if reach <= _VOTE_REACH_PX:
        return _Measure()  # a window of a few pixels
    where = [b for b in blocks(fixed.shape[:2], options.block_px, reach) if textured(fixed, b)]
    if len(where) < options.min_blocks:
        return _Measure(blocks=len(where))
    template = centred(fixed, reach)

    def about(centre: tuple[int, int], prior: Prior | None = None) -> _Measure:
        there = moving if centre == (0, 0) else edge_field(loose, options.smooth_px, centre)
        found, sign = surface(template, there, reach, reach)
        top = peak(found, _searched(found.shape, centre, prior))
        rough = _Measure((centre[0] + top.place_px[0], centre[1] + top.place_px[1]), peak=top.height)
        if top.roundness < _RIDGE:
            return replace(rough, blocks=len(where))
        rough = replace(rough, ease=math.log(_USUAL_SUMMITS / top.summits))
        return _climbed(template, loose, rough, where, sign, options, prior)

    near = about((0, 0))
    if not _doubt(near, options):
        return near
    if prior is not None:
        return about((round(-prior.shift_px[0]), round(-prior.shift_px[1])), prior)
    centre = far_shift(fixed, moving)
    if max(map(abs, centre)) > reach - _AGREE_PX:
        far = about(centre)
        return near if _doubt(far, options) else far
    return near


def _searched(shape: tuple[int, ...], centre: tuple[int, int], prior: Prior | None) -> np.ndarray | None:
    """The shifts of a surface that a prior leaves open; None: all."""
    if prior is None:
        return None
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    row = rows - shape[0] // 2 + centre[0] + prior.shift_px[0]
    col = cols - shape[1] // 2 + centre[1] + prior.shift_px[1]
    return np.hypot(row, col) <= prior.reach_px


def _climbed(
    template: np.ndarray,
    loose: Sequence[np.ndarray],
    rough: _Measure,
    where: Sequence[Block],
    sign: int,
    options: RegistrationOptions,
    prior: Prior | None,
) -> _Measure:
    """The summit approached on fields sampled at the place itself, where the parabola has no bias; and the evidence."""
    place = rough.place_px
    for _ in range(_ROUNDS):
        back = edge_field(loose, options.smooth_px, place)
        values = gathered(template, back, where, sign)
        rest = offset(values.sum(axis=0))
        place = place[0] + rest[0], place[1] + rest[1]
        if math.hypot(*rest) < _SETTLED_PX:
            break
    strayed = math.hypot(place[0] - rough.place_px[0], place[1] - rough.place_px[1]) > _AGREE_PX
    strayed |= prior is not None and math.dist(place, [-p for p in prior.shift_px]) > prior.reach_px + 1
    error_px = math.inf if strayed else math.hypot(scattered(values), math.hypot(*rest))
    own = votes(template, back, where, _VOTE_REACH_PX) - rest
    near = np.hypot(*own.T) <= _AGREE_PX
    centres = np.array([((b.top + b.bottom) / 2, (b.left + b.right) / 2) for b in where])
    spread = 1.4826 * np.median(np.abs(own[near]), axis=0) if near.any() else np.array([math.nan, math.nan])
    confidence = _confidence(rough.peak, error_px, rough.ease)
    if prior is not None and not strayed:
        place, error_px = _weighed(place, error_px, prior)
    return replace(
        rough,
        place_px=place,
        confidence=confidence,
        error_px=error_px,
        agreeing=float(near.mean()),
        rmse_px=float(np.hypot(*spread)),
        blocks=len(where),
        votes_px=np.column_stack([centres, -own])[near],
    )


def _weighed(place_px: tuple[float, float], error_px: float, prior: Prior) -> tuple[tuple[float, float], float]:
    """Place and standard error of measure and prior together, each by the inverse of its variance."""
    share = error_px**2 / (error_px**2 + prior.error_px**2)  # of the prior
    row, col = (own - share * (own + known) for own, known in zip(place_px, prior.shift_px, strict=True))
    return (row, col), math.sqrt(share) * prior.error_px


def _confidence(peak: float, error_px: float, ease: float) -> float:
    """Chance that the error is below 0.15 px, from how the summit stands out and how the blocks pull at it."""
    if peak <= 0 or not math.isfinite(error_px):
        return 0.0
    constant, per_peak, per_error = _WEIGHTS
    odds = constant + per_peak * math.log(peak) + per_error * math.log(max(error_px, _LEAST_ERROR_PX)) + ease
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def _doubt(measure: _Measure, options: RegistrationOptions) -> str:
    """Why the measure is not believed; empty if it is."""
    if measure.blocks < options.min_blocks:
        return (
            f"shift not measurable: too little texture or overlap ({measure.blocks} blocks, "
            f"{options.min_blocks} needed)"
        )
    if measure.confidence < options.min_confidence:
        return (
            f"shift not measurable: confidence {measure.confidence:.2f} below {options.min_confidence:g} (summit "
            f"{measure.peak:.1f} spreads high, blocks pull by {measure.error_px:.2f} px)"
        )
    if measure.error_px > options.max_error_px:
        return (
            f"shift not measurable: blocks pull by {measure.error_px:.2f} px, {options.max_error_px:g} px allowed "
            "(change, leaning buildings or relief)"
        )
    return ""


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
