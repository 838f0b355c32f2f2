"""What the dates of a view say of one known site: evidence for a board on each, and how well that could be seen at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .billboard_evidence import Spot, feet_within, gap_m, line_scores, shadow_scores, together
from .billboard_match import Date, Place, guesses, matched, median_of, place_of
from .billboard_shape import Boards, all_boards, shadow_samples
from .billboard_trial import TRIALS, drawn

_TRIAL_M = 2.0  # how far from its foot a trial board is looked for
_AROUND_M = 20.0  # what a cloud's shadow darkens all over


@dataclass(frozen=True)
class Sight:
    """One site on one date. ``trials``: evidence of boards that were drawn into the picture; ``seen``: share observed.

    ``foot_m`` (east, north of the site) and ``board`` are those of the best match, ``panel_m`` where its panel appears.
    ``dimmed``: how much darker than usual the place is against other dates (natural logarithm, 0 or less), as under a cloud.
    """

    day: dt.date
    evidence: dict[str, float]
    foot_m: np.ndarray
    panel_m: np.ndarray
    board: Boards
    seen: float
    dimmed: float
    trials: tuple[dict[str, float], ...]


def look(
    dates: Sequence[Date],
    x_m: float,
    y_m: float,
    radius_m: float,
    shadow_light: float,
    doubtful: Callable[[Mapping[str, float]], bool],
) -> list[Sight]:
    """What each date says of a site at a map position that may be wrong by ``radius_m``.

    ``shadow_light``: brightness in a board's shadow against that in the sun, for the trials, which are made where the
    evidence is ``doubtful``.
    """
    place = place_of(dates, x_m, y_m, radius_m)
    dimmed = _dimmed(dates, x_m, y_m)
    out = []
    for number, date in enumerate(dates):
        found = [matched(place, number, *guess) for guess in guesses(place, number)]
        best = max(found, key=lambda match: match.rank)
        trials = _trials(place, number, date, (x_m, y_m), shadow_light) if doubtful(best.evidence) else ()
        out.append(
            Sight(
                date.day, best.evidence, best.foot_m, best.panel_m, best.board, _seen(place, number), dimmed[number], trials
            )
        )  # fmt: skip
    return out


def _seen(place: Place, number: int) -> float:
    """Share of what boards at the site would change that was observed."""
    spot, sun = place.light[number], place.suns[number]
    points = shadow_samples(TRIALS.turned(sun.azimuth_deg), sun, sun.azimuth_deg, gap_m(spot.pixel_m))
    offsets = np.concatenate([points.inside.reshape(-1, 2), points.beside.reshape(-1, 2), np.zeros((1, 2))])
    steps = spot.at(place.feet[::5])[:, None] + spot.offsets(offsets)[None]
    return float(np.isfinite(spot.values.ravel()[steps]).mean())


def _trials(
    place: Place, number: int, date: Date, at_m: tuple[float, float], shadow_light: float
) -> tuple[dict[str, float], ...]:
    """Evidence of boards that are drawn at the site, one at a time: what would be seen if one stood there."""
    light, tone, sun = place.light[number], place.tone[number], place.suns[number]
    if not np.isfinite(light.values).any():
        return ()
    half_m = (light.middle_px - 1) * light.pixel_m
    shade = Spot.cut(date.shade.astype(np.float32), date.grid, *at_m, half_m).values > 0.5
    feet = feet_within(_TRIAL_M)
    out = []
    for k in range(len(TRIALS)):
        trial = TRIALS.turned(sun.azimuth_deg).take(np.array([k]))
        with_board = drawn(light, tone, shade, trial, sun, shadow_light)
        numbers = _like(trial)
        tried = all_boards().take(numbers)
        found = together(shadow_scores(with_board[0], feet, tried, sun), line_scores(with_board[1], feet, tried))
        foot, which = np.unravel_index(found.argmax(), found.shape)
        there = [
            [drawn_on if n == number else spot for n, spot in enumerate(spots)]
            for spots, drawn_on in zip((place.light, place.tone), with_board, strict=True)
        ]
        changed = replace(place, light=there[0], tone=there[1])
        out.append(matched(changed, number, feet[foot], int(numbers[which])).evidence)
    return tuple(out)


def _like(trial: Boards) -> np.ndarray:
    """Numbers of the boards that are tried and resemble one."""
    boards = all_boards()
    turn = np.abs((boards.direction_deg - trial.direction_deg + 90) % 180 - 90)
    return np.flatnonzero((turn <= 16) & (np.abs(boards.length_m - trial.length_m) < 3.5))


def _dimmed(dates: Sequence[Date], x_m: float, y_m: float) -> list[float]:
    """How much darker the place is on each date than on the others in every band looked at, natural logarithm, 0 at most."""
    rows = []
    for name in ("light", "nir"):
        bands = [getattr(date, name) for date in dates]
        if all(band is not None for band in bands):
            spots = [Spot.cut(band, d.grid, x_m, y_m, _AROUND_M) for band, d in zip(bands, dates, strict=True)]
            rows.append([median_of(spot.values) - date.usual[name] for spot, date in zip(spots, dates, strict=True)])
    levels = np.array(rows)
    out = []
    for k in range(len(dates)):
        rest = np.delete(levels, k, axis=1)
        known = np.isfinite(levels[:, k]) & np.isfinite(rest).any(axis=1)
        gaps = levels[known, k] - np.nanmedian(rest[known], axis=1)
        out.append(float(min(gaps.max(), 0.0)) if known.all() and gaps.size else 0.0)
    return out
