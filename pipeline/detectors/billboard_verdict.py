"""From evidence to a word: a board stands, is gone, or cannot be seen, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.kinds import Sighted
from .billboard_match import Date
from .billboard_options import BillboardOptions
from .billboard_sites import Sight
from .confidence import Confidence

LEAST_LINE = 0.3  # contrast of a line that can do without its shadow


@dataclass(frozen=True)
class Verdict:
    """What one date says of a site.

    ``why`` in a word: board, nothing, pixels, sun, hidden, cloud_shadow, no_shadow, no_trial, weak.
    """

    day: dt.date
    state: Sighted
    confidence: float
    why: str
    evidence: dict[str, Any]
    sight: Sight | None

    def told(self) -> dict[str, Any]:
        """The evidence as plain JSON."""
        rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in self.evidence.items()}
        return {"why": self.why, **rounded}


def verdict_of(date: Date, sight: Sight | None, weights: Confidence, options: BillboardOptions) -> Verdict:
    """The verdict on a site from what was seen of it on a date.

    Its confidence is that of the state. A board is gone only where all of the place was observed in sunlight and boards
    drawn there were found; the surer these are, the surer it is gone.
    """
    if sight is None:
        return Verdict(date.day, Sighted.UNSEEN, 1.0, "sun", {"sun_elevation_deg": date.sun.elevation_deg}, None)
    standing = weights.probability(sight.evidence)
    trials = [weights.probability(trial) for trial in sight.trials]
    power = float(np.mean(trials)) if trials else 0.0
    facts: dict[str, Any] = dict(sight.evidence) | {
        "standing": standing,
        "seen": sight.seen,
        "dimmed": sight.dimmed,
        "off_m": float(np.hypot(*sight.foot_m)),
        "board_m": float(sight.board.length_m[0]),
    }
    if trials:
        facts["trials"] = power
    if standing >= options.present_from and _whole(sight, options):
        return Verdict(date.day, Sighted.PRESENT, standing, "board", facts, sight)
    unseen = _why_unseen(standing, power, sight, options)
    if unseen:
        sure = 1 - standing if unseen in ("hidden", "cloud_shadow") else 1 - abs(1 - 2 * standing) * power
        return Verdict(date.day, Sighted.UNSEEN, float(np.clip(sure, 0, 1)), unseen, facts, sight)
    # Of boards that stand, the share that trials miss would look like this as well.
    gone = (1 - standing) / (1 - standing + standing + (1 - power))
    return Verdict(date.day, Sighted.ABSENT, float(gone), "nothing", facts, sight)


def _whole(sight: Sight, options: BillboardOptions) -> bool:
    """Whether there is more than a light line that runs on, as tracks and kerbs do: a shadow, or an end on both sides."""
    told = sight.evidence
    return told["shadow"] >= options.min_shadow or told["stops"] >= options.min_stop * max(told["lighter"], LEAST_LINE)


def _why_unseen(standing: float, power: float, sight: Sight, options: BillboardOptions) -> str:
    """Why nothing can be said, in a word; empty where a board would be seen."""
    if sight.seen < options.min_seen:
        return "hidden"
    if sight.dimmed < -options.max_dimming:
        return "cloud_shadow"
    if standing >= options.present_from:
        return "no_shadow"
    if power < options.would_be_seen:
        return "no_trial"
    return "weak" if standing > options.absent_below else ""
