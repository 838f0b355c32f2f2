"""What the run report is made of: sections of paragraphs, tables and strips, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..reports import values
from ..reports.labels import Word
from ..words.catalogue import catalogue

MOST = 100  # rows of a table; the rest is counted


@dataclass(frozen=True)
class Para:
    """A sentence."""

    word: Word
    sort: str = "para"


@dataclass(frozen=True)
class Table:
    """Rows of cells under heads; ``numeric``: positions of columns of numbers. ``more``: rows left out, which are ``where``.

    ``fold``: shown only when it is asked for, and on paper.
    """

    caption: Word
    heads: tuple[Word, ...]
    rows: Sequence[Sequence[Word]]
    numeric: frozenset[int] = frozenset()
    more: int = 0
    where: str = ""
    fold: bool = False
    sort: str = "table"


@dataclass(frozen=True)
class Strips:
    """A strip for each road: what was watched of it, and what was not seen. Lengths in per cent of the strip."""

    causes: Sequence[tuple[int, Any]]
    rows: Sequence[dict[str, Any]]
    more: int = 0
    sort: str = "strips"


@dataclass(frozen=True)
class Section:
    """A head with what stands under it."""

    name: str
    title: Word
    blocks: Sequence[Para | Table | Strips] = field(default_factory=tuple)


def cell(value: object, digits: int | None = None) -> Word:
    """A cell; what is no Word reads the same in both languages; nulls are empty."""
    if isinstance(value, Word):
        return plain(value)
    shown = values.text(value) if digits is None else values.number(value, digits)
    return Word(shown, shown)


def table(
    caption: Word, heads: Iterable[Word], rows: Iterable[Sequence[object]], *, numeric: Iterable[int] = (),
    where: str = "", fold: bool = False, most: int = MOST,
) -> Table:  # fmt: skip
    """The first ``most`` rows as a table, and how many more there are ``where``."""
    listed = [[cell(value) for value in row] for row in rows]
    more = max(len(listed) - most, 0)
    return Table(caption, tuple(heads), listed[:most], frozenset(numeric), more, where, fold)


def para(zh: str, en: str) -> Para:
    """A sentence in both languages."""
    return Para(plain(Word(zh, en)))


def plain(word: Word) -> Word:
    """A text without signs that no document can hold, or that turn the reading direction."""
    return Word(values.text(word.zh), values.text(word.en))


def message(text: object) -> Word:
    """What the program said of something, in both languages; its own words where no catalogue knows them."""
    said = values.text(text)
    return Word(catalogue().translated(said), said)


def megabytes(count: object) -> str:
    """Bytes in MB; empty where they are not known.

    >>> megabytes(1_500_000), megabytes(None)
    ('1.5', '')
    """
    return "" if values.is_null(count) else values.number(float(count) / 1e6, 1)  # type: ignore[arg-type]
