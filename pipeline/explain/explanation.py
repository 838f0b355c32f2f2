"""The whole explanation, as data and as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..reports import style
from ..reports.labels import Word
from .case import case
from .confidence import confidence
from .law import law, priority
from .otherwise import otherwise
from .said import Section
from .subject import Subject
from .where import images, where
from .zone import zone

_ORDER = (where, images, confidence, zone, law, priority, case, otherwise)


@dataclass(frozen=True)
class Explanation:
    """What was decided of one candidate, section by section in the order in which it is read."""

    head: Word
    finding_id: str
    case_no: str
    why_not: str
    sections: tuple[Section, ...]

    def told(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "finding_id": self.finding_id or None,
            "case_no": self.case_no or None,
            "finding": not self.why_not,
            "why_not": self.why_not or None,
            "head": self.head._asdict(),
            "notice": style.DISCLAIMER._asdict(),
            "sections": [section.told() for section in self.sections],
        }

    def lines(self, language: str = "both") -> Iterator[str]:
        """As lines of text; ``language``: zh, en, or both (Chinese first, English beside)."""
        yield said(self.head, language)
        yield said(style.DISCLAIMER, language)
        for number, section in enumerate(self.sections, start=1):
            yield ""
            yield f"{number}. {said(section.title, language)}"
            for row in section.rows:
                yield f"   {said(row.label, language)}: {said(row.said, language)}"


def explained(subject: Subject) -> Explanation:
    """The explanation of a finding or candidate; sections with nothing to tell are left out."""
    kind = style.kind_style(subject.text("kind"))
    verdict = Word("为什么列为线索", "why this is a clue") if not subject.why_not else Word(
        "为什么没有列为线索", "why this is no clue")  # fmt: skip
    sections = tuple(section for make in _ORDER if (section := make(subject)).rows)
    return Explanation(
        Word(f"{kind.zh}：{verdict.zh}", f"{kind.en}: {verdict.en}"),
        subject.text("finding_id"), subject.text("case_no"), subject.why_not, sections,
    )  # fmt: skip


def said(word: Word, language: str) -> str:
    """A text in one language, or in both.

    >>> said(Word("桩号", "stake"), "both"), said(Word("K1+000", "K1+000"), "both")
    ('桩号 / stake', 'K1+000')
    """
    if language == "both":
        return word.zh if word.zh == word.en else f"{word.zh} / {word.en}"
    return word.en if language == "en" else word.zh
