"""Arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

LedgerPath = Annotated[
    str, typer.Option("--ledger", metavar="PATH", help="Ledger file, or postgresql:// URL.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")]
