"""What a case is, and the list that each file of cases adds to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .ground import Ground

Make = Callable[[Ground], list[str]]
REFUSED, HANDLED = "refused", "handled"
CODES = {REFUSED: (2,), HANDLED: (0, 3)}


@dataclass(frozen=True)
class Case:
    """One input. ``make`` writes it and gives the command line; ``says`` must stand in what the program says of it.

    ``cpu_s`` and ``memory_mb`` bound what it may cost, the program itself included.
    """

    kind: str
    name: str
    make: Make
    ends: str
    says: tuple[str, ...]
    cpu_s: float = 25.0
    memory_mb: int = 1000

    def __str__(self) -> str:
        return self.name


CASES: list[Case] = []


def add(kind: str, name: str, make: Make, ends: str, *says: str, **bounds: float) -> None:
    """One more case."""
    CASES.append(Case(kind, name, make, ends, says, **bounds))  # type: ignore[arg-type]


def refused(kind: str, *says: str, **bounds: float) -> Callable[[Make], Make]:
    """Decorate a function that writes an input that must be refused."""
    return _filed(kind, REFUSED, says, bounds)


def handled(kind: str, *says: str, **bounds: float) -> Callable[[Make], Make]:
    """Decorate a function that writes an input that the program goes on with, saying what it did."""
    return _filed(kind, HANDLED, says, bounds)


def _filed(kind: str, ends: str, says: tuple[str, ...], bounds: dict[str, float]) -> Callable[[Make], Make]:
    def file(make: Make) -> Make:
        add(kind, make.__name__.strip("_").replace("_", " "), make, ends, *says, **bounds)
        return make

    return file
