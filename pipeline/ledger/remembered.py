"""The options that a ledger was last used with by a run, for those who open it without any."""

from __future__ import annotations

import json

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
    """The options in a text, without what another program knows and this one does not; LedgerError where they are wrong."""
    told = json.loads(text) if text else {}
    for _ in range(len(text or "")):
        try:
            return LedgerOptions.model_validate_json(json.dumps(told))
        except ValidationError as error:
            wrong = error.errors()[0]
            if wrong["type"] != "extra_forbidden":
                raise LedgerError(
                    f"ledger {place} remembers options that this luyu cannot read ({wrong['loc']}: {wrong['msg']}); run a "
                    "configuration whose 'cases' say what holds here"
                ) from error
            *parents, last = wrong["loc"]
            node = told
            for key in parents:
                node = node[key]
            del node[last]
    return LedgerOptions()


def remember(connection: Connection, options: LedgerOptions) -> None:
    """Write the options over those that were remembered."""
    connection.execute(sa.delete(meta).where(meta.c.key == _KEY))
    connection.execute(sa.insert(meta).values(key=_KEY, value=options.model_dump_json()))
