"""Both languages side by side, and tables of HTML: what the generated pages are written with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal, NamedTuple

import polib

from pipeline.words.catalogue import catalogue

Lang = Literal["zh", "en"]
_OPTIONS = Path(__file__).with_name("configuration_zh.po")
LANGUAGES: tuple[Lang, Lang] = ("zh", "en")


class Pair(NamedTuple):
    """The same said in Chinese and in English."""

    zh: str
    en: str

    def of(self, lang: Lang) -> str:
        """The words of one language."""
        return self.zh if lang == "zh" else self.en


class Cell(str):
    """HTML that is a cell as it stands; every other text is escaped."""

    __slots__ = ()


def code(*texts: object) -> Cell:
    """Words of the program in type of fixed width, one below the other where there are several."""
    return Cell("<br>".join(f"<code>{escape(str(text))}</code>" for text in texts))


def anchored(name: str, anchor: str = "") -> Cell:
    """A word of the program that other pages can point at, by itself or by a longer name."""
    return Cell(f'<code id="{escape(anchor or name)}">{escape(name)}</code>')


def table(heads: Sequence[Pair], rows: Iterable[Sequence[object]], lang: Lang) -> str:
    """A table as HTML, which Markdown leaves alone; None is an empty cell."""
    head = "".join(f"<th>{escape(one.of(lang))}</th>" for one in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"


def plain(text: str) -> str:
    """Text in which Markdown sees no signs of its own."""
    return "".join(f"&#{ord(sign)};" if sign in "\\`*_{}[]<>#|&!" else sign for sign in text)


def whole_page(lang: Lang, title: Pair, lead: Pair, *parts: str) -> str:
    """A whole page: title, a sentence on where it comes from, and its parts."""
    note = GENERATED.of(lang)
    return "\n\n".join([f"# {title.of(lang)}", lead.of(lang), f'!!! note ""\n    {note}', *parts]) + "\n"


def told(text: str, lang: Lang) -> str:
    """A text of the program in a language: Chinese where the catalogue of messages has it, or the one of the manual."""
    joined = " ".join(text.split())
    if lang == "en":
        return joined
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    return of_options().get(joined) or " ".join(catalogue().translated(part) for part in parts)


@cache
def of_options() -> Mapping[str, str]:
    """Chinese of what options say of themselves, by the English; ``configuration_zh.po`` is for translators."""
    return {entry.msgid: entry.msgstr for entry in polib.pofile(str(_OPTIONS)) if entry.msgstr}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if isinstance(value, Cell) else escape(str(value)).replace("\n", "<br>")


GENERATED = Pair(
    "本页在生成手册时由程序代码直接写出，与所装版本一致；程序中尚无中文的说明保留英文。",
    "This page is written from the program's code when the manual is built, so it agrees with the version that it came with.",
)
