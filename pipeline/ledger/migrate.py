"""Which version a ledger has, and how an older one is brought up to date: Alembic, inside the caller's transaction."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..errors import LedgerError
from .schema import meta

REVISIONS = ("0001", "0002", "0003")  # the last is what this program writes
_OF_POSTGIS = {"spatial_ref_sys"}
_VERSIONS = sa.table("alembic_version", sa.column("version_num", sa.Text))
_BEFORE_ALEMBIC = {"1": "0001", "2": "0002"}  # how the first two versions named themselves


def revision(connection: Connection, shown: str) -> str | None:
    """Revision of the ledger behind the connection, None where the database is empty; LedgerError for all else."""
    present = set(sa.inspect(connection).get_table_names()) - _OF_POSTGIS
    if meta.name not in present:
        if present:
            raise LedgerError(
                f"{shown} is a database but no ledger: it holds {sorted(present)[:5]}; name another place"
            )
        return None
    if _VERSIONS.name in present:
        found = connection.scalar(sa.select(_VERSIONS.c.version_num))
    else:
        said = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema_version"))
        found = _BEFORE_ALEMBIC.get(str(said), said)
    if found not in REVISIONS:
        raise LedgerError(
            f"ledger {shown} was written with schema version {found}, this program knows {REVISIONS[-1]} and older; "
            "use the luyu that wrote it, or name another ledger"
        )
    return str(found)


def upgrade(connection: Connection, found: str | None) -> None:
    """Bring an empty database, or a ledger of revision ``found``, up to the newest; all of it, or nothing."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    if found is not None and not sa.inspect(connection).has_table(_VERSIONS.name):
        command.stamp(config, found)
    command.upgrade(config, REVISIONS[-1])
