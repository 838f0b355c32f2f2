"""Texts of a page, each kept once: cards of thousands of findings say much the same."""

from __future__ import annotations

from collections.abc import Sequence

Text = str | Sequence[str]
"""A text from data, or a label in both languages (Chinese, English)."""


class Texts:
    """A list of texts that the page's findings name by their place in it; the empty text comes first.

    >>> texts = Texts()
    >>> [texts.place(text) for text in ("", "沛县", ("左侧", "left"), "沛县")], texts.all
    ([0, 1, 2, 1], ['', '沛县', ['左侧', 'left']])
    """

    def __init__(self) -> None:
        self.all: list[str | list[str]] = [""]
        self._places: dict[str | tuple[str, ...], int] = {"": 0}

    def place(self, text: Text) -> int:
        """Where the text stands in ``all``; a label without words is the empty text."""
        key = text if isinstance(text, str) else tuple(text) if any(text) else ""
        if key not in self._places:
            self._places[key] = len(self.all)
            self.all.append(key if isinstance(key, str) else list(key))
        return self._places[key]
