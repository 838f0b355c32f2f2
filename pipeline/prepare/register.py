"""The shift between two images of one place, to a tenth of a pixel, and whether it can be trusted.

Brightness changes with season, sun and sensor; edges stay. Each image becomes a field of edge directions
(doubled angles, so that a field that turns from darker to brighter than its road keeps its edge), weak edges damped
(after Fitch et al. 2002, "Orientation correlation", and Di Zenzo 1986 for several bands). Blocks of one field are
correlated with the other over all shifts in reach; the mean of the blocks' correlation surfaces votes for one shift,
which blocks that changed cannot outvote because they agree on nothing. The shift is then refined on resampled pixels,
and blocks are asked one by one how far they are from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from ..model.options import Options
from .edges import Block, blocks, edge_field, far_shift, prominence, summit, surfaces, textured
from .resample import moved

if TYPE_CHECKING:
    import xarray as xr

_LEAST_REACH_PX = 16  # the surface must be wide enough to tell a peak from its surroundings
_FINE_REACH_PX = 4
_AGREE_PX = 2.0
_ROUNDS = 3
_SETTLED_PX = 0.03


class RegistrationOptions(Options):
    """How the shift between two dates is measured and when it is believed."""

    max_shift_m: float = Field(
        default=5.0, gt=0, le=200, description="Largest shift that is corrected, m; a larger one refuses the image."
    )
    max_shift_px: float = Field(
        default=2.0, gt=0, le=100, description="The same in pixels, for coarse images; the larger of the two counts."
    )
    block_px: int = Field(default=128, ge=32, le=1024, description="Side of the blocks that vote, px.")
    smooth_px: float = Field(default=1.0, gt=0, le=5, description="Gaussian blur before edges are taken, px.")
    min_blocks: int = Field(default=4, ge=1, description="Fewest blocks that must find the common shift.")
    min_peak: float = Field(
        default=3.5, gt=0, description="Least height of the correlation peak above its surroundings, in their spreads."
    )
    min_agreeing: float = Field(
        default=0.25, gt=0, le=1, description="Least share of textured blocks that must find the common shift."
    )
    max_rmse_px: float = Field(default=1.5, gt=0, description="Largest spread of the agreeing blocks, px.")
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
    ``fixed``; zero when not ``reliable``. ``rmse_px``: spread of the agreeing blocks about it, NaN if none agrees.
    ``aligned``: ``moving`` on the grid of ``fixed``, NaN where nothing moved in; unchanged when not reliable or when
    the shift is too small to mend, all NaN when ``refused``. ``measured_px``: the measurement, believed or not;
    ``peak``, ``agreeing``, ``blocks``: what the belief rests on. ``votes_px``: one row per agreeing block, its centre
    (row, col) and how far it is from the common shift (rows, cols).
    """

    shift_px: tuple[float, float]
    shift_m: tuple[float, float]
    rmse_px: float
    reliable: bool
    refused: bool
    reason: str
    aligned: xr.Dataset
    measured_px: tuple[float, float] = (0.0, 0.0)
    peak: float = 0.0
    agreeing: float = 0.0
    blocks: int = 0
    votes_px: np.ndarray = field(default_factory=lambda: np.empty((0, 4)), compare=False)


@dataclass(frozen=True)
class _Measure:
    """Where ``moving``'s content lies relative to ``fixed`` (the negative of the correction), and the evidence."""

    place_px: tuple[float, float] = (0.0, 0.0)
    peak: float = 0.0
    agreeing: float = 0.0
    rmse_px: float = math.nan
    used: tuple[Block, ...] = ()
    votes_px: np.ndarray = field(default_factory=lambda: np.empty((0, 4)))


def register(
    moving: xr.Dataset, fixed: xr.Dataset, pixel_m: float, options: RegistrationOptions | None = None
) -> Registration:
    """``moving`` laid on ``fixed``: Datasets (y, x) of one shape; the bands that both have are compared.

    Unreliable, and therefore treated as no shift, when too few blocks have texture, when the vote has no clear winner
    or when the blocks that agree scatter (ploughed fields, new building sites, haze). Refused when a reliable shift is
    larger than the tolerance: such an image must not be compared.
    """
    options = options or RegistrationOptions()
    common = [name for name in fixed.data_vars if name in moving.data_vars]
    if not common or fixed.sizes != moving.sizes:
        raise ValueError(f"nothing to compare: bands {list(moving.data_vars)} {dict(moving.sizes)} with "
                         f"{list(fixed.data_vars)} {dict(fixed.sizes)}")  # fmt: skip
    still = [fixed[name].to_numpy() for name in common]
    loose = [moving[name].to_numpy() for name in common]
    tolerance_px = options.tolerance_px(pixel_m)
    measure = _measure(still, loose, tolerance_px, options)
    doubt = _doubt(measure, options)
    shift_px = _rounded(-measure.place_px[0]), _rounded(-measure.place_px[1])
    refused = not doubt and math.hypot(*shift_px) > tolerance_px
    if refused:
        doubt = f"shift of {math.hypot(*shift_px) * pixel_m:.1f} m is above the {tolerance_px * pixel_m:.1f} m allowed"
    applied = (0.0, 0.0) if doubt and not refused else shift_px
    return Registration(
        shift_px=applied,
        shift_m=(_rounded(applied[1] * pixel_m), _rounded(-applied[0] * pixel_m)),
        rmse_px=measure.rmse_px,
        reliable=refused or not doubt,
        refused=refused,
        reason=doubt,
        aligned=_aligned(moving, applied, refused, options),
        measured_px=shift_px,
        peak=measure.peak,
        agreeing=measure.agreeing,
        blocks=len(measure.used),
        votes_px=measure.votes_px,
    )


def _measure(
    still: Sequence[np.ndarray], loose: Sequence[np.ndarray], tolerance_px: float, options: RegistrationOptions
) -> _Measure:
    """Vote near zero; if nothing wins there, once more about the best place anywhere."""
    fixed = edge_field(still, options.smooth_px)
    moving = edge_field(loose, options.smooth_px)
    reach = min(max(math.ceil(2 * tolerance_px), _LEAST_REACH_PX), options.block_px)
    near = _vote(fixed, moving, (0, 0), reach, options)
    if _doubt(near, options) and near.used:
        centre = far_shift(fixed, moving)
        if max(map(abs, centre)) > reach - _AGREE_PX:
            far = _vote(fixed, moving, centre, reach, options)
            near = near if _doubt(far, options) else far
    return _refined(fixed, loose, near, options) if near.used else near


def _vote(
    fixed: np.ndarray, moving: np.ndarray, centre: tuple[int, int], reach: int, options: RegistrationOptions
) -> _Measure:
    """The shift about ``centre`` that the blocks prefer on average, and the share of blocks that find it alone."""
    there = _rolled(moving, centre)
    used = tuple(b for b in blocks(fixed.shape[:2], options.block_px) if textured(fixed, b) and textured(there, b))
    if len(used) < options.min_blocks:
        return _Measure()  # nothing to vote
    each = surfaces(fixed, there, used, reach)
    mean = each.mean(axis=0)
    place = summit(mean)
    own = np.array([summit(surface) for surface in each])
    agreeing = np.hypot(*(own - place).T) <= _AGREE_PX
    return _Measure(
        place_px=(centre[0] + place[0], centre[1] + place[1]),
        peak=prominence(mean),
        agreeing=float(agreeing.mean()),
        rmse_px=0.0,
        used=used,
    )


def _refined(fixed: np.ndarray, loose: Sequence[np.ndarray], rough: _Measure, options: RegistrationOptions) -> _Measure:
    """The vote repeated on resampled pixels until what remains is small, so that the parabola's bias cancels."""
    place = rough.place_px
    for _ in range(_ROUNDS):
        back = edge_field([moved(band, (-place[0], -place[1])) for band in loose], options.smooth_px)
        each = surfaces(fixed, back, rough.used, _FINE_REACH_PX)
        rest = summit(each.mean(axis=0))
        place = place[0] + rest[0], place[1] + rest[1]
        if math.hypot(*rest) < _SETTLED_PX:
            break
    own = np.array([summit(surface) for surface in each]) - rest
    near = np.hypot(*own.T) <= _AGREE_PX
    centres = np.array([((b.top + b.bottom) / 2, (b.left + b.right) / 2) for b in rough.used])
    spread = 1.4826 * np.median(np.abs(own[near]), axis=0) if near.any() else np.array([math.nan, math.nan])
    return _Measure(
        place_px=place,
        peak=rough.peak,
        agreeing=rough.agreeing,
        rmse_px=float(np.hypot(*spread)),
        used=rough.used,
        votes_px=np.column_stack([centres, -own])[near],
    )


def _doubt(measure: _Measure, options: RegistrationOptions) -> str:
    """Why the measure is not believed; empty if it is."""
    if not measure.used:
        return "too little texture or overlap to measure a shift"
    if measure.peak < options.min_peak:
        return f"no clear shift: correlation peak {measure.peak:.1f} below {options.min_peak:g}"
    if measure.agreeing < max(options.min_agreeing, options.min_blocks / len(measure.used)):
        return (
            f"blocks disagree: {measure.agreeing:.0%} find the common shift, {options.min_agreeing:.0%} and "
            f"{options.min_blocks} of {len(measure.used)} needed"
        )
    if measure.rmse_px > options.max_rmse_px:
        return f"blocks scatter by {measure.rmse_px:.2f} px, {options.max_rmse_px:g} px allowed"
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


def _rolled(field: np.ndarray, centre: tuple[int, int]) -> np.ndarray:
    """The field displaced by ``-centre`` whole pixels, zeros coming in."""
    if centre == (0, 0):
        return field
    import cv2

    matrix = np.array([[1, 0, -centre[1]], [0, 1, -centre[0]]], np.float32)
    return cv2.warpAffine(field, matrix, (field.shape[1], field.shape[0]), flags=cv2.INTER_NEAREST)


def _rounded(value: float) -> float:
    """To a thousandth, without a negative zero: the last digits differ between machines."""
    return round(value, 3) + 0.0
