"""The catalogue: messages of the program and their Chinese, and how a message that is filled in already is found in it.

Messages reach the reader as texts whose placeholders are filled in. A template such as ``{path}: no column {name}`` is
kept as the literal pieces between its placeholders; a text is one of its messages if it begins with the first piece, ends
with the last, and holds the others between them in this order. Each piece is taken where it occurs first, so looking costs
at most one pass over the text, whatever it holds. Of several templates that fit, the one by which most letters are known
counts; where they know as many, the one with most literal letters.

Placeholders named in ``WORDS`` stand for messages, which are looked up in turn; all others stand for data and are never
translated: a file that is named like a message keeps its name.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

PO_FILE = Path(__file__).with_name("zh_CN.po")
WORDS = frozenset(
    {
        "why",
        "strerror",
        "words",
        "error",
        "reason",
        "remedy",
        "note",
        "hint",
        "problem",
        "said",
        "fault",
        "line",
        "what",
    }
    | {"named", "examples", "where"}
)

# Rows of a table as several messages name them; what is said of them follows.
_ROWS = re.compile(r"rows? (?:\d+|…)(?:, \d+)*(?: and \d+ more)?")
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NUMBERED = re.compile(r"_\d+$")
_DEEPEST = 5  # messages within messages
_MOST_LETTERS = 20_000_000  # that one text may cost, all templates together
_MOST_PARTS = 12  # that one text is taken apart into
_KEYS = 3  # letters of a template's start or end by which it is found


def pieces(template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Literal pieces of a template, one more than placeholders, and the placeholders' names."""
    parts = _PLACEHOLDER.split(template.replace("{{", "\0").replace("}}", "\1"))
    literal = tuple(part.replace("\0", "{").replace("\1", "}") for part in parts[::2])
    return literal, tuple(parts[1::2])


def stands_for_words(name: str) -> bool:
    """Whether a placeholder stands for a message of its own."""
    return _NUMBERED.sub("", name) in WORDS


@dataclass(frozen=True)
class Entry:
    """One template and its Chinese."""

    english: str
    chinese: str

    @cached_property
    def literal(self) -> tuple[str, ...]:
        """The pieces between placeholders."""
        return pieces(self.english)[0]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The placeholders."""
        return pieces(self.english)[1]

    @cached_property
    def weight(self) -> tuple[int, int, str]:
        """Most literal letters first, then fewest placeholders; the text itself makes the order complete."""
        return -sum(map(len, self.literal)), len(self.names), self.english

    def taken_from(self, text: str) -> dict[str, str] | None:
        """What stands in ``text`` for each placeholder; None if the text is no message of this template."""
        first, *middle, last = self.literal
        start, end = len(first), len(text) - len(last)
        if start > end or not text.startswith(first) or not text.endswith(last):
            return None
        found = []
        for piece in middle:
            at = text.find(piece, start, end)
            if at < 0:
                return None
            found.append(text[start:at])
            start = at + len(piece)
        found.append(text[start:end])
        return dict(zip(self.names, found, strict=True))

    def filled(self, values: Mapping[str, str]) -> str:
        """The Chinese with these values."""
        literal, names = pieces(self.chinese)
        return literal[0] + "".join(values[name] + piece for name, piece in zip(names, literal[1:], strict=True))


class Catalogue:
    """Entries, found by how they begin or end."""

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        self.plain: dict[str, str] = {}
        filled = []
        for english, chinese in entries:
            literal, names = pieces(english)
            if names and sorted(names) == sorted(pieces(chinese)[1]):
                filled.append(Entry(english, chinese))
            elif not names:
                self.plain[literal[0]] = pieces(chinese)[0][0]
        self._starts: dict[str, list[Entry]] = {}
        self._ends: dict[str, list[Entry]] = {}
        self._others: list[Entry] = []
        for entry in sorted(filled, key=lambda one: one.weight):
            if len(entry.literal[0]) >= _KEYS:
                self._starts.setdefault(entry.literal[0][:_KEYS], []).append(entry)
            elif len(entry.literal[-1]) >= _KEYS:
                self._ends.setdefault(entry.literal[-1][-_KEYS:], []).append(entry)
            else:
                self._others.append(entry)

    @classmethod
    def load(cls, file: Path = PO_FILE) -> Catalogue:
        """The catalogue of a PO file; entries without Chinese are left out.

        So is one whose Chinese has other placeholders: a translator's slip leaves a message in English and breaks nothing.
        """
        import polib

        return cls([(entry.msgid, entry.msgstr) for entry in polib.pofile(str(file)) if entry.msgstr])

    def translated(self, text: str) -> str:
        """The text in Chinese, line by line; what is not known stays as it is."""
        work = _Work()
        return "\n".join(self._line(line, work, 0).text for line in text.split("\n"))

    def _line(self, line: str, work: _Work, depth: int) -> _Told:
        """A line with the blanks round it as they were."""
        core = line.strip()
        at = line.index(core)
        told = self._known(core, work, depth)
        return _Told(line[:at] + told.text + line[at + len(core) :], told.score) if told else _Told(line)

    def _known(self, text: str, work: _Work, depth: int) -> _Told | None:
        """The Chinese of a text that is a message, stands behind the place that it is about, or is several in a row."""
        if depth > _DEEPEST or work.spent or not text:
            return None
        if text not in work.known:
            told = (self._one(text, work, depth), *self._behind(text, work, depth))
            best = max((one for one in told if one), key=lambda one: one.score, default=None)
            work.known[text] = best or self._joined(text, work, depth) or self._ahead(text)
        return work.known[text]

    def _one(self, text: str, work: _Work, depth: int) -> _Told | None:
        """The text as one message, or as one about rows."""
        told = (self._message(text, work, depth), self._of_rows(text, work, depth))
        return max((one for one in told if one), key=lambda one: one.score, default=None)

    def _message(self, text: str, work: _Work, depth: int) -> _Told | None:
        """The text as one message: of the templates that fit, the one by which most of it is known."""
        best: _Told | None = None
        # Libraries' messages begin with a capital, which is taken off where they stand after a colon.
        for form in dict.fromkeys((text, text[:1].upper() + text[1:])):
            if form in self.plain:
                return _Told(self.plain[form], len(form))
            for entry in self._candidates(form):
                work.letters += len(form)
                if work.spent:
                    return best
                values = entry.taken_from(form)
                if values is not None:
                    told = self._filled(entry, values, work, depth)
                    best = told if best is None or told.score > best.score else best
            if best is not None:
                return best
        return None

    def _filled(self, entry: Entry, values: Mapping[str, str], work: _Work, depth: int) -> _Told:
        told = {
            name: self._line(value, work, depth + 1) if stands_for_words(name) else _Told(value)
            for name, value in values.items()
        }
        score = sum(map(len, entry.literal)) + sum(one.score for one in told.values())
        return _Told(entry.filled({name: one.text for name, one in told.items()}), score)

    def _behind(self, text: str, work: _Work, depth: int) -> Iterator[_Told | None]:
        """``place: message``; the place is a path, a key, an address or a message's head."""
        parts = text.split(": ", _MOST_PARTS)
        for count in range(1, len(parts)):
            told = self._one(": ".join(parts[count:]), work, depth + 1)
            yield _Told(f"{': '.join(parts[:count])}：{told.text}", told.score) if told else None

    def _ahead(self, text: str) -> _Told | None:
        """``message: data``, where the message needs no data itself."""
        head, colon, rest = text.partition(": ")
        return _Told(f"{self.plain[head]}：{rest}", len(head)) if colon and head in self.plain else None

    def _of_rows(self, text: str, work: _Work, depth: int) -> _Told | None:
        """``rows 4 and 9 more ('a') have no name``: which rows, their values if they are told, and a message of them."""
        rows = _ROWS.match(text)
        head = self._message(rows[0], work, depth + 1) if rows and rows.end() < len(text) else None
        if rows is None or head is None:
            return None
        values, rest = "", text[rows.end() :]
        if rest.startswith(" (") and (end := rest.find(")")) > 0:
            values, rest = f"（{rest[2:end]}）", rest[end + 1 :]
        told = self._line(rest.strip(), work, depth + 1)
        return _Told(f"{head.text}{values}{told.text}", head.score + told.score)

    def _joined(self, text: str, work: _Work, depth: int) -> _Told | None:
        """Messages joined by semicolons, some of which hold semicolons themselves: the longest that is known counts."""
        parts = text.split("; ")
        if not 1 < len(parts) <= _MOST_PARTS:
            return None
        found: list[_Told] = []
        start = 0
        while start < len(parts):
            for end in range(len(parts) if start else len(parts) - 1, start, -1):
                told = self._known("; ".join(parts[start:end]), work, depth + 1)
                if told is not None:
                    break
            found.append(told or _Told(parts[start]))
            start = end
        joined = found[0].text
        for before, one in pairwise(found):
            joined += ("；" if before.score and one.score else "; ") + one.text
        score = sum(one.score for one in found)
        return _Told(joined, score) if score else None

    def _candidates(self, text: str) -> Iterator[Entry]:
        """Templates that may fit, the weightiest first."""
        lists = (self._starts.get(text[:_KEYS], []), self._ends.get(text[-_KEYS:], []), self._others)
        return heapq.merge(*lists, key=lambda entry: entry.weight)


@dataclass(frozen=True)
class _Told:
    """A text as it is shown, and how many of its English letters were known."""

    text: str
    score: int = 0


@dataclass
class _Work:
    """What was found for one text, and the letters looked through for it."""

    known: dict[str, _Told | None] = field(default_factory=dict)
    letters: int = 0

    @property
    def spent(self) -> bool:
        """Whether enough was spent on it; what is left stays in English."""
        return self.letters > _MOST_LETTERS


@cache
def catalogue() -> Catalogue:
    """The catalogue that the program comes with, read when it is first needed."""
    return Catalogue.load()
