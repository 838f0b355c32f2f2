"""The options that a ledger was last used with by a run, for those who open it without any."""

from __future__ import annotations

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from ..errors import LedgerError
from .options import LedgerOptions
from .schema import meta

_KEY = "options"


def options_text(connection: Connection) -> str | None:
    """The options as they are written, None where they are the program's own."""
    return connection.scalar(sa.select(meta.c.value).where(meta.c.key == _KEY))


def options_of(text: str | None, place: object) -> LedgerOptions:
    """The options in a text; LedgerError where another program wrote what this one does not know."""
    try:
        return LedgerOptions.model_validate_json(text) if text else LedgerOptions()
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise LedgerError(
            f"ledger {place} remembers options of another luyu ({key}); use that one, or run a configuration whose "
            "'cases' say what holds here"
        ) from error


def remember(connection: Connection, options: LedgerOptions) -> None:
    """Write the options over those that were remembered."""
    connection.execute(sa.delete(meta).where(meta.c.key == _KEY))
    connection.execute(sa.insert(meta).values(key=_KEY, value=options.model_dump_json()))
