"""What an officer may answer of a case in the field or on a map, and the act that each answer is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from .lifecycle import ACT, What
from .reasons import REASONS, UNDECIDED

LONGEST_NOTE = 2000
LONGEST_NAME = 60


class Verdict(StrEnum):
    """What was found on the ground."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    RECTIFIED = "rectified"
    CANNOT_TELL = "cannot_tell"


class Answer(NamedTuple):
    """How a verdict is called, and what the ledger makes of it."""

    zh: str
    en: str
    act: What


ANSWERS: Mapping[Verdict, Answer] = MappingProxyType(
    {
        Verdict.CONFIRM: Answer("属实", "confirmed", What.CONFIRMED),
        Verdict.DISMISS: Answer("不属实", "dismissed", What.DISMISSED),
        Verdict.RECTIFIED: Answer("已整改", "rectified", What.RECTIFIED),
        Verdict.CANNOT_TELL: Answer("无法判断", "cannot tell", What.UNDECIDED),
    }
)


def form() -> dict[str, Any]:
    """The form of a verdict, ready for JSON.

    ``verdicts``: code, labels, statuses after which the ledger takes it, codes of the reasons that go with it (none: no
    reason is asked); ``reasons``: labels by code; ``most_note``, ``most_name``: characters that are kept.
    """
    named = {Verdict.DISMISS: list(REASONS), Verdict.CANNOT_TELL: list(UNDECIDED)}
    verdicts = [
        [verdict.value, answer.zh, answer.en, sorted(map(str, ACT[answer.act].before)), named.get(verdict, [])]
        for verdict, answer in ANSWERS.items()
    ]
    reasons = {reason.code: [reason.zh, reason.en] for reason in REASONS.values()}
    return {"verdicts": verdicts, "reasons": reasons, "most_note": LONGEST_NOTE, "most_name": LONGEST_NAME}
