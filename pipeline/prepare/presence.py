"""Whether a thing that stood in one picture of a place still stands in another one: both brought side by side and compared.

It asks no detector: what a detector does not report may still be there. Edges are compared (see :mod:`edge_fields`), grey
within and just outside the footprint, and colour after both pictures were matched by their surroundings. A building goes
only where a network that sees it in the one picture does not see it in the other as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydantic import Field
from scipy import fft

from ..model.options import Options
from .edge_fields import edge_field
from .resample import moved

_SMOOTH_PX = 1.5
_RIM_M, _AROUND_M = 1.5, 3.0  # what belongs to the thing; from where on its surroundings begin
_NEAR_PX = 2  # a roof leans by so much from one view to the next
_FAR_PX = (8, 12)  # places that lie so far off are other ground: as alike as chance makes them
_LEAST_SPREAD = 0.01
_EPS = 1e-9


class Answer(StrEnum):
    """What the newer picture says of the thing."""

    PRESENT = "present"
    GONE = "gone"
    CANNOT_TELL = "cannot_tell"
    UNREGISTERED = "unregistered"


class PresenceOptions(Options):
    """When a thing counts as still there or gone. Fitted on pairs of ``benchmarks/score_presence.py``."""

    min_seen: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Share of a case's footprint that an image must show clearly to say anything of it.",
    )
    min_px: int = Field(20, ge=9, description="Fewest pixels of a footprint that can be compared.")
    max_shift_m: float = Field(5.0, ge=0, le=50, description="How far two runs' images may lie apart, m.")
    comparable: float = Field(
        5.5, gt=0, description="How far the surroundings' own place must stand out from all others, in spreads."
    )
    alike: float = Field(0.2, gt=0, lt=1, description="Excess of edges' likeness from which a thing stands.")
    alike_grey: float = Field(0.5, gt=0, lt=1, description="Correlation of grey that goes with it.")
    unlike_before: float = Field(
        0.1, ge=0, lt=1, description="By how much more alike than to the picture from before the thing stood."
    )
    unlike: float = Field(0.15, gt=0, lt=1, description="Excess of edges' likeness above which nothing is called gone.")
    lost: float = Field(0.5, gt=0, lt=1, description="Network's probability of loss from which a building is gone.")
    left: float = Field(0.3, gt=0, lt=1, description="Its probability of a building now above which none is gone.")
    stood: float = Field(0.5, gt=0, lt=1, description="Its probability of a building then, below which it has no say.")


@dataclass(frozen=True)
class Likeness:
    """How alike two pictures of a thing are.

    ``edges``: correlation of edges in and around the footprint at its best within 2 px; ``chance``: what other ground 8 to 12
    px off reaches (90th percentile); ``grey``: correlation of grey; ``colour``: change of colour inside, in spreads of the
    surroundings, which both pictures are matched by; ``contrast``: how far the thing stood out from these. ``surroundings``:
    how far their own place stands out from all others, in spreads; infinite where it was known. ``shift_px``: (rows, cols)
    to be added to a place of the older picture.
    """

    edges: float
    chance: float
    grey: float
    colour: float
    contrast: float
    surroundings: float
    shift_px: tuple[int, int]

    @property
    def excess(self) -> float:
        """Likeness of edges beyond chance."""
        return self.edges - self.chance


def likeness(
    stood: np.ndarray,
    now: np.ndarray,
    inside: np.ndarray,
    pixel_m: float,
    options: PresenceOptions | None = None,
    *,
    shift_px: tuple[int, int] | None = None,
) -> Likeness | None:
    """How alike the thing ``inside`` (bool, rows, cols) is in two pictures (bands, rows, cols; NaN unseen) of one grid.

    The newer picture is searched for the older one's surroundings up to ``max_shift_m`` away, unless ``shift_px`` says where
    they lie. None where too little of it is seen in both.
    """
    options = options or PresenceOptions()
    seen = np.isfinite(stood).all(axis=0) & np.isfinite(now).all(axis=0)
    body = within(inside, max(1.0, _RIM_M / pixel_m)) & seen
    wide = within(inside, max(2.0, _AROUND_M / pixel_m))
    around = seen & ~wide
    if min((inside & seen).sum(), around.sum()) < options.min_px:
        return None
    surroundings, fields = math.inf, (edge_field(list(stood), _SMOOTH_PX), edge_field(list(now), _SMOOTH_PX))
    if shift_px is None:
        reach = math.ceil(options.max_shift_m / pixel_m)
        shift_px, surroundings = _place(correlations(*fields, around, reach + _FAR_PX[1]), reach)
    if shift_px != (0, 0):
        now = placed_on(now, shift_px)
        fields = fields[0], edge_field(list(now), _SMOOTH_PX)
        seen &= np.isfinite(now).all(axis=0)
        if (inside & seen).sum() < options.min_px or not (around & seen).any():
            return None
    edges = correlations(*fields, body & seen, _FAR_PX[1])
    grey = correlations(_grey(stood), _grey(now), wide & seen, _NEAR_PX)
    near, far = _rings(edges)
    colour, contrast = _colours(stood, now, inside & seen, around & seen)
    return Likeness(
        float(near.max()), float(np.percentile(far, 90)), float(grey.max()), colour, contrast, surroundings, shift_px
    )


def answer(
    found: Likeness,
    network: Mapping[str, float] | None,
    options: PresenceOptions | None = None,
    *,
    learned: bool = False,
) -> Answer:
    """What a comparison says. ``network``: its mean probabilities inside, ``lost``, ``before``, ``after`` and ``left``.

    ``left``: 90th percentile of ``after`` about the footprint. ``learned``: things of this kind are known to networks, so that
    without one nothing is gone.
    """
    options = options or PresenceOptions()
    if found.surroundings < options.comparable:
        return Answer.UNREGISTERED
    if found.excess >= options.alike and found.grey >= options.alike_grey:
        return Answer.PRESENT
    if network is not None and network["before"] >= options.stood:
        if network["after"] >= options.stood and network["lost"] < options.left:
            return Answer.PRESENT
        gone = network["lost"] >= options.lost and network["left"] < options.left
        return Answer.GONE if gone and _unlike(found, options) else Answer.CANNOT_TELL
    gone = not learned and _unlike(found, options) and _another(found)
    return Answer.GONE if gone else Answer.CANNOT_TELL


def _unlike(found: Likeness, options: PresenceOptions) -> bool:
    return found.excess < options.unlike and found.grey < options.alike_grey


def _another(found: Likeness) -> bool:
    """Whether a thing that stood out has made room for ground of another colour; what no network knows is asked for more."""
    return found.excess < 0.05 and found.grey < 0.2 and found.colour > 1.5 and found.contrast > 1.5


def placed_on(now: np.ndarray, shift_px: tuple[int, int]) -> np.ndarray:
    """The newer picture (bands, rows, cols) laid on the older one, by the shift of a ``Likeness``; NaN where nothing moved in."""
    return np.stack([moved(band, (-shift_px[0], -shift_px[1])) for band in now])


def within(inside: np.ndarray, reach_px: float) -> np.ndarray:
    """The mask and all within so many pixels of it."""
    import cv2

    return cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) <= reach_px


def correlations(first: np.ndarray, second: np.ndarray, where: np.ndarray, reach: int) -> np.ndarray:
    """Correlation (2 reach + 1, squared) of two fields (k, rows, cols) over ``where``, by shift of ``second`` against ``first``.

    The entry [reach + r, reach + c] compares ``first`` at a pixel with ``second`` r rows south and c columns east of it;
    each channel is taken from its mean over the pixels compared. By Fourier transforms, all shifts at once.
    """
    shape = [fft.next_fast_len(size + reach, real=True) for size in where.shape]
    count = float(where.sum())
    mask = where.astype(np.float32)
    spectrum = np.conj(fft.rfft2(mask, shape))

    def by_shift(product: np.ndarray) -> np.ndarray:
        whole = fft.irfft2(product, shape)
        return np.roll(whole, (reach, reach), axis=(0, 1))[: 2 * reach + 1, : 2 * reach + 1]

    cross, energy = np.zeros((2 * reach + 1,) * 2), np.zeros((2 * reach + 1,) * 2)
    own = 0.0
    for one, two in zip(first, second, strict=True):
        mine = (one - one[where].mean()) * mask
        theirs = two - two.mean()
        other = fft.rfft2(theirs, shape)
        own += float((mine * mine).sum())
        cross += by_shift(np.conj(fft.rfft2(mine, shape)) * other)
        energy += by_shift(spectrum * fft.rfft2(theirs * theirs, shape)) - by_shift(spectrum * other) ** 2 / count
    return cross / np.sqrt(np.maximum(own * energy, _EPS))


def _place(surface: np.ndarray, reach: int) -> tuple[tuple[int, int], float]:
    """The best shift within ``reach``, and how far it stands out from those 8 px off or more, in their spread."""
    middle = surface.shape[0] // 2
    core = surface[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]
    row, col = np.unravel_index(int(core.argmax()), core.shape)
    rows, cols = np.indices(surface.shape)
    far = np.maximum(abs(rows - (middle - reach + row)), abs(cols - (middle - reach + col))) >= _FAR_PX[0]
    others = surface[far]
    height = (core[row, col] - others.mean()) / max(float(others.std()), _LEAST_SPREAD)
    return (int(row) - reach, int(col) - reach), float(height)


def _rings(surface: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values about the middle of a surface of reach 12, and those 8 px off or more."""
    rows, cols = np.indices(surface.shape) - surface.shape[0] // 2
    away = np.maximum(abs(rows), abs(cols))
    return surface[away <= _NEAR_PX], surface[away >= _FAR_PX[0]]


def _grey(image: np.ndarray) -> np.ndarray:
    import cv2

    mean = image.mean(axis=0)
    known = np.isfinite(mean)
    filled = np.where(known, mean, mean[known].mean()).astype(np.float32)
    return cv2.GaussianBlur(filled, (0, 0), 0.7)[None]


def _colours(stood: np.ndarray, now: np.ndarray, inside: np.ndarray, around: np.ndarray) -> tuple[float, float]:
    """Change of colour inside and contrast before, in spreads of the surroundings; bands matched by these."""
    change, contrast = [], []
    for old, new in zip(stood, now, strict=True):
        spreads = [max(float(values[around].std()), _EPS) for values in (old, new)]
        middles = [float(np.median(values[around])) for values in (old, new)]
        was, is_now = (
            (float(values[inside].mean()) - middle) / spread
            for values, middle, spread in zip((old, new), middles, spreads, strict=True)
        )
        change.append(was - is_now)
        contrast.append(was)
    return float(np.linalg.norm(change)), float(np.linalg.norm(contrast))
