"""All checks, one after the other; what goes wrong within one is a finding of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module

from ..net.hrefs import scrubbed
from .finding import Asked, Check, Finding, Level, warning

CHECKS: Sequence[str] = (
    "libraries.python",
    "libraries.packages",
    "libraries.loads",
    "libraries.native",
    "console.encoding",
    "console.language",
    "console.clock",
    "documents.fonts",
    "documents.writer",
    "documents.browser",
    "power.power",
    "disk.folders",
    "services.ledger",
    "services.scheduler",
    "network.proxies",
    "network.sources",
)
"""File and function of each check: they are imported as they are asked, as a library that is broken breaks those alone."""


def examine(asked: Asked, checks: Sequence[str | Check] = CHECKS) -> Iterator[Finding]:
    """What all checks say, in their order, as they say it."""
    for check in checks:
        yield from _guarded(check, asked)


def worst(findings: Iterable[Finding]) -> Level:
    """The gravest level of all.

    >>> worst([])
    <Level.OK: 'ok'>
    """
    order = list(Level)
    return max((one.level for one in findings), key=order.index, default=Level.OK)


def _guarded(check: str | Check, asked: Asked) -> Iterator[Finding]:
    name = check if isinstance(check, str) else check.__name__
    try:
        yield from _found(check)(asked)
    except Exception as fault:  # noqa: BLE001  whatever breaks a check breaks that check alone
        told = scrubbed(f"{type(fault).__name__}: {fault}")
        yield warning(
            name,
            (f"检查 {name} 没有做完：{told}", f"check {name} did not end: {told}"),
            ("其余检查不受影响；把这一行告诉维护者", "the others went on; tell the maintainers of this line"),
        )


def _found(check: str | Check) -> Check:
    if not isinstance(check, str):
        return check
    file, _, function = check.partition(".")
    found: Check = getattr(import_module(f".{file}", __package__), function)
    return found
