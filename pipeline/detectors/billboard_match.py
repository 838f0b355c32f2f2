"""One place in the images of all dates: every board at every foot near it tried, and the best guesses looked at closely."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..model.grid import Grid
from . import cues
from .billboard_evidence import (
    BLIND,
    ENOUGH,
    LEAST,
    Spot,
    believed,
    best_line,
    feet_within,
    gap_m,
    line_scores,
    log_light,
    made_tone,
    shadow_scores,
    together,
)
from .billboard_shape import Boards, Samples, all_boards, line_samples, shadow_samples
from .billboard_sun import Sun

_SHIFT_M = 2.5  # how far one foot may seem to lie apart on two dates
_FAR_M = 6.0  # past the longest shadow
_RIVALS_FROM_M, _RIVALS_M = 15.0, 9.0  # ring round a site in which its board is none of them: least radius, width
_BEYOND_M = 7.0  # how far it lies past the feet that are tried
_RIVALS_STEP_M = 3.0
_RIVALS_TRIED = 12
_RIVALS = 3
_TURNS_DEG = (-7.5, -3.75, 0.0, 3.75, 7.5)
_FACTORS = (0.85, 1.0, 1.15)  # of the length
_NONE = {"uneven": 1.0, "rough": 1.0, "depth": 0.0}  # where too little was seen to tell


@dataclass(frozen=True)
class Date:
    """One date of a view: images (rows, cols) of light, tone and near infrared (logarithms), of shadow (bool); its sun."""

    day: dt.date
    light: np.ndarray
    tone: np.ndarray
    nir: np.ndarray | None
    shade: np.ndarray
    sun: Sun
    grid: Grid

    @classmethod
    def of(cls, day: dt.date, colours: Mapping[str, np.ndarray], sun: Sun, grid: Grid) -> Date:
        """The date of an image's bands (``cues.bands``)."""
        nir = np.log(np.maximum(colours["nir"], 0) + np.float32(0.01)) if "nir" in colours else None
        window_px = 2 * round(25.0 / grid.pixel_m) + 1
        shade = cues.shadow_mask(colours, window_px=window_px)
        return cls(day, log_light(colours, grid.pixel_m), made_tone(colours, grid.pixel_m), nir, shade, sun, grid)

    @cached_property
    def usual(self) -> dict[str, float]:
        """Median of light and near infrared over the window."""
        return {
            name: median_of(of[::3, ::3]) for name, of in (("light", self.light), ("nir", self.nir)) if of is not None
        }


@dataclass(frozen=True)
class Place:
    """One site in the images of all dates, and what every board at every foot scores there."""

    feet: np.ndarray
    light: list[Spot]
    tone: list[Spot]
    suns: list[Sun]
    shadows: list[np.ndarray]
    scores: list[np.ndarray]
    rivals: list[float]

    def others(self, number: int) -> list[int]:
        """Numbers of the other dates."""
        return [k for k in range(len(self.light)) if k != number]


def reach_m(sun: Sun, radius_m: float) -> float:
    """How far from a site its boards' shadows and the ground beside them lie."""
    boards = all_boards()
    return _ring_m(radius_m)[1] + float((boards.top_m * sun.reach + boards.length_m / 2).max()) + _FAR_M


def place_of(dates: Sequence[Date], x_m: float, y_m: float, radius_m: float) -> Place:
    """The surroundings of a map position that may be wrong by ``radius_m`` in the images of all dates, tried and scored."""
    feet, boards = feet_within(radius_m), all_boards()
    reach = max(reach_m(date.sun, radius_m) for date in dates)
    light, tone = (
        [Spot.cut(getattr(date, name), date.grid, x_m, y_m, reach) for date in dates] for name in ("light", "tone")
    )
    suns = [date.sun for date in dates]
    shadows = [shadow_scores(spot, feet, boards, sun) for spot, sun in zip(light, suns, strict=True)]
    scores = [together(shadow, line_scores(spot, feet, boards)) for shadow, spot in zip(shadows, tone, strict=True)]
    rivals = [_rival(lit, made, sun, _ring_m(radius_m)) for lit, made, sun in zip(light, tone, suns, strict=True)]
    return Place(feet, light, tone, suns, shadows, scores, rivals)


@dataclass(frozen=True)
class Match:
    """One board at one foot on one date, where its panel appears, and the evidence for it."""

    foot_m: np.ndarray
    panel_m: np.ndarray
    board: Boards
    evidence: dict[str, float]

    @property
    def rank(self) -> float:
        """What the better of two guesses has more of."""
        return self.evidence["shadow"] + self.evidence["lighter"] + 0.5 * self.evidence["again"]


def guesses(place: Place, number: int) -> list[tuple[np.ndarray, int]]:
    """Feet and boards worth a closer look: the best of this date, of all dates together, and of each other date."""
    together_all = np.sum(np.maximum(place.scores, LEAST), axis=0)
    chosen = {int(scores.argmax()) for scores in (place.scores[number], together_all, *place.scores)}
    count = place.scores[number].shape[1]
    return [(place.feet[index // count], index % count) for index in sorted(chosen)]


def _refined(light: Spot, tone: Spot, foot_m: np.ndarray, board: Boards, sun: Sun) -> tuple[np.ndarray, Boards]:
    """The foot and board that fit best among those a little aside, turned, longer or shorter."""
    turns, factors = np.meshgrid(_TURNS_DEG, _FACTORS)
    one = np.ones(turns.size)
    tried = Boards(
        board.length_m[0] * factors.ravel(),
        board.bottom_m[0] * one,
        board.top_m[0] * one,
        (board.direction_deg[0] + turns.ravel()) % 180,
    )
    feet = feet_within(1.5)
    # Lines are looked for within the lean of a foot, so that one foot stands for all of these.
    line = line_scores(tone.moved(foot_m), np.zeros((1, 2)), tried)
    scores = together(shadow_scores(light, foot_m + feet, tried, sun), line)
    foot, which = np.unravel_index(scores.argmax(), scores.shape)
    return foot_m + feet[foot], tried.take(np.array([which]))


def matched(place: Place, number: int, foot_m: np.ndarray, which: int) -> Match:
    """A guess looked at closely on one date.

    ``shadow``: score of its shadow. ``lighter``, ``darker``: score of its panel as a line. ``both``: the lesser of shadow
    and lighter line. ``again``: best score of the shadow of the same board at the same foot on another date, under that
    date's sun. ``moved``: score of the shadow in the difference to another date. ``backed``: the better of both.
    ``came``: score of the line in that difference. ``stops``: the line's contrast past its ends. ``rival``: shadow and
    line of what looks most like boards farther off, where none is known. These are limited to what is plain.
    ``uneven``: difference of the ground on the two sides of the shadow. ``rough``: scatter inside it. ``depth``: mean
    contrast.
    """
    light, tone, sun, others = place.light[number], place.tone[number], place.suns[number], place.others(number)
    near = np.hypot(*(place.feet - foot_m).T) <= _SHIFT_M
    foot_m, board = _refined(light, tone, foot_m, all_boards().take(np.array([which])), sun)
    samples = shadow_samples(board, sun, _direction(light, foot_m, board, sun), gap_m(light.pixel_m))
    again = max((_known(float(place.shadows[k][near, which].max())) for k in others), default=0.0)
    moved = max((_in_difference(light, place.light[k], foot_m, samples, 1) for k in others), default=0.0)
    line = best_line(tone, foot_m, board)
    lines = line_samples(board, gap_m(light.pixel_m))
    came = max((_in_difference(tone, place.tone[k], line.middle_m, lines, -line.sign) for k in others), default=0.0)
    inner, outer = light.taken(foot_m, samples.inside[0]), light.taken(foot_m, samples.beside[0])
    parts = len(inner)
    shadow = float(believed(light.contrasts(foot_m[None], samples))[0, 0])
    told = {
        "shadow": shadow,
        "lighter": line.lighter,
        "darker": line.darker,
        "both": min(shadow, line.lighter),
        "again": again,
        "moved": moved,
        "backed": max(again, moved),
        "came": came,
        "stops": line.stops,
        "rival": place.rivals[number],
    }
    told = {name: float(np.clip(value, LEAST, ENOUGH)) for name, value in told.items()} | {
        "uneven": abs(float(outer[:parts].mean() - outer[parts : 2 * parts].mean())),
        "rough": float(inner.std()),
        "depth": float(outer.mean() - inner.mean()),
    }
    told = {name: value if np.isfinite(value) else _NONE[name] for name, value in told.items()}
    return Match(foot_m, line.middle_m, board, told)


def _ring_m(radius_m: float) -> tuple[float, float]:
    start = max(radius_m + _BEYOND_M, _RIVALS_FROM_M)
    return start, start + _RIVALS_M


def _rival(light: Spot, tone: Spot, sun: Sun, ring_m: tuple[float, float]) -> float:
    """Mean score of the places round a site that look most like boards: where many do, one more says little."""
    feet = feet_within(ring_m[1], _RIVALS_STEP_M, ring_m[0])
    shadow = shadow_scores(light, feet, all_boards(), sun)
    which = shadow.argmax(axis=1)
    shadow = shadow.max(axis=1)
    scores = [
        min(shadow[k], ENOUGH) + min(best_line(tone, feet[k], all_boards().take(which[[k]])).lighter, ENOUGH)
        for k in np.argsort(-shadow)[:_RIVALS_TRIED]
    ]
    return max(float(np.mean(np.sort(scores)[-_RIVALS:])) / 2, LEAST)


def _direction(spot: Spot, foot_m: np.ndarray, board: Boards, sun: Sun) -> float:
    """That of the sun's possible azimuths under which the shadow fits best."""
    if len(sun.azimuths_deg) == 1:
        return sun.azimuths_deg[0]
    each = [
        float(shadow_scores(spot, foot_m[None], board, replace(sun, azimuths_deg=(azimuth,)))[0, 0])
        for azimuth in sun.azimuths_deg
    ]
    return sun.azimuths_deg[int(np.argmax(each))]


def _in_difference(spot: Spot, other: Spot, at_m: np.ndarray, samples: Samples, sign: int) -> float:
    gone = Spot(spot.values - other.values, spot.pixel_m)
    return _known(float(believed(sign * gone.contrasts(at_m[None], samples))[0, 0]))


def _known(score: float) -> float:
    """A score that says nothing where it is blind."""
    return 0.0 if score < BLIND / 2 else max(score, -1.0)


def median_of(values: np.ndarray) -> float:
    """Median of what was observed; NaN where nothing was."""
    found = values[np.isfinite(values)]
    return float(np.median(found)) if found.size else float("nan")
