"""What all tiles say besides their tables, held as they were written: a province's tiles would fill the memory as objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from .job import TileFacts

_Written = tuple[str, bytes, Mapping[str, Any] | None]  # tile id, facts as JSON, failure


def kept_facts(tile_id: str, facts: bytes, failure: Mapping[str, Any] | None) -> TileFacts:
    """A tile's facts read."""
    return TileFacts(tile_id, json.loads(facts), failure)


class Told(Sequence[TileFacts]):
    """Facts of tiles, read one at a time, each time they are asked for."""

    def __init__(self, kept: Sequence[_Written]) -> None:
        self.kept = kept

    def __len__(self) -> int:
        return len(self.kept)

    @overload
    def __getitem__(self, at: int) -> TileFacts: ...
    @overload
    def __getitem__(self, at: slice) -> Told: ...
    def __getitem__(self, at: int | slice) -> TileFacts | Told:
        return Told(self.kept[at]) if isinstance(at, slice) else kept_facts(*self.kept[at])

    def __iter__(self) -> Iterator[TileFacts]:
        return (kept_facts(*one) for one in self.kept)

    @property
    def failures(self) -> list[Mapping[str, Any]]:
        """What became of the tiles that failed."""
        return [failure for _, _, failure in self.kept if failure is not None]


class Facts(Sequence[Mapping[str, Any]]):
    """The facts alone."""

    def __init__(self, told: Sequence[TileFacts]) -> None:
        self._told = told

    def __len__(self) -> int:
        return len(self._told)

    @overload
    def __getitem__(self, at: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Facts: ...
    def __getitem__(self, at: int | slice) -> Mapping[str, Any] | Facts:
        return Facts(self._told[at]) if isinstance(at, slice) else self._told[at].facts

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return (one.facts for one in self._told)
