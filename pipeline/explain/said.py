"""What an explanation is made of: sections of rows, every text in both languages, figures beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..reports.labels import Word
from ..reports.values import one_line


@dataclass(frozen=True)
class Row:
    """``label``: what is told of; ``said``: what is said; ``figures``: the numbers in it by name, for machines."""

    label: Word
    said: Word
    figures: dict[str, float | None] | None = None

    def told(self) -> dict[str, Any]:
        """As plain JSON."""
        plain: dict[str, Any] = {"label": self.label._asdict(), "said": self.said._asdict()}
        return plain if self.figures is None else plain | {"figures": self.figures}


@dataclass(frozen=True)
class Section:
    """Rows under one head, in the order in which they are read aloud."""

    name: str
    title: Word
    rows: tuple[Row, ...]

    def told(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"name": self.name, "title": self.title._asdict(), "rows": [row.told() for row in self.rows]}


def row(label: Word, zh: str, en: str | None = None, /, **figures: float | None) -> Row:
    """A row; ``en`` None: the text is the same in both languages, such as a number or the words of a law."""
    return Row(label, Word(one_line(zh), one_line(zh if en is None else en)), figures or None)
