"""The shift itself: one surface for the window, its summit climbed between the pixels, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from pydantic import Field

from ..model.options import Options
from .edge_fields import centred, edge_field
from .edges import (
    Block,
    Template,
    blocks,
    far_shift,
    gathered,
    offset,
    peak,
    scattered,
    surface,
    textured,
    votes,
)

_LEAST_REACH_PX = 16  # the surface must be wide enough to tell a peak from its surroundings
_VOTE_REACH_PX = 4
_AGREE_PX = 2.0
_ROUNDS = 5
_SETTLED_PX = 0.02
_PRIOR_SIGMAS = 3.0
_PRIOR_LEAST_PX = 1.0
_GOAL_PX = 0.15  # what the confidence is about
# Log-odds of an error below the goal: constant, per ln(peak), per ln(error). Logistic regression on the origins TUNED of
# benchmarks/bench_registration.py, origins weighed alike, pairs of two different places as wrong at a quarter of that.
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
class Measure:
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


@dataclass(frozen=True)
class Reference:
    """An image that others are laid on: its field, the blocks with texture, and what is looked for in the others."""

    field: np.ndarray
    where: tuple[Block, ...]
    template: Template

    @classmethod
    def of(cls, still: Sequence[np.ndarray], tolerance_px: float, options: RegistrationOptions) -> Reference:
        """The reference of some bands (rows, cols), for shifts up to ``tolerance_px``."""
        field = edge_field(still, options.smooth_px)
        shape = still[0].shape
        reach = min(max(math.ceil(2 * tolerance_px), _LEAST_REACH_PX), min(shape) // 4)
        where = tuple(b for b in blocks(shape, options.block_px, reach) if textured(field, b))
        return cls(field, where, Template(centred(field, reach), reach))


def measured(
    fixed: Reference, loose: Sequence[np.ndarray], options: RegistrationOptions, prior: Prior | None
) -> Measure:
    """About the prior or near zero; if nothing is believed there and no prior says where, about the best anywhere."""
    reach = fixed.template.reach_px
    if reach <= _VOTE_REACH_PX:
        return Measure()  # a window of a few pixels
    if len(fixed.where) < options.min_blocks:
        return Measure(blocks=len(fixed.where))
    moving = edge_field(loose, options.smooth_px)

    def about(centre: tuple[int, int], prior: Prior | None = None) -> Measure:
        there = moving if centre == (0, 0) else edge_field(loose, options.smooth_px, centre)
        found, sign = surface(fixed.template, there)
        top = peak(found, _searched(found.shape, centre, prior))
        rough = Measure((centre[0] + top.place_px[0], centre[1] + top.place_px[1]), peak=top.height)
        if top.roundness < _RIDGE:
            return replace(rough, blocks=len(fixed.where))
        rough = replace(rough, ease=math.log(_USUAL_SUMMITS / top.summits))
        return _climbed(fixed, loose, rough, sign, options, prior)

    near = about((0, 0))
    if not doubted(near, options):
        return near
    if prior is not None:
        return about((round(-prior.shift_px[0]), round(-prior.shift_px[1])), prior)
    centre = far_shift(fixed.field, moving)
    if max(map(abs, centre)) > reach - _AGREE_PX:
        far = about(centre)
        return near if doubted(far, options) else far
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
    fixed: Reference,
    loose: Sequence[np.ndarray],
    rough: Measure,
    sign: int,
    options: RegistrationOptions,
    prior: Prior | None,
) -> Measure:
    """The summit approached on fields sampled at the place itself, where the parabola has no bias; and the evidence."""
    place, where, template = rough.place_px, fixed.where, fixed.template.field
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


def doubted(measure: Measure, options: RegistrationOptions) -> str:
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
