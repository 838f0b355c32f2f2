"""Arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

LedgerPath = Annotated[
    str, typer.Option("--ledger", metavar="PATH", help="Ledger file, or postgresql:// URL.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")]


def known_reason(dismiss: str | None, cannot_tell: str | None) -> None:
    """Refuse a code that no list has: mistyped, it would count as any other word and teach nothing."""
    from ..catalog.yaml_doc import did_you_mean
    from ..errors import LedgerError
    from ..ledger.reasons import REASONS, UNDECIDED

    code, codes = (dismiss, REASONS) if dismiss is not None else (cannot_tell, UNDECIDED)
    if code is not None and code not in codes:
        raise LedgerError(
            f"reason {code!r} is no coded one: {did_you_mean(code, codes)} ('luyu cases reasons' tells what each means)"
        )
