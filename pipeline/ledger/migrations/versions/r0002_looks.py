"""What images said of stretches of road and known sites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TRIGGER = {
    "sqlite": "CREATE TRIGGER looks_no_{verb} BEFORE {verb} ON looks "
    "BEGIN SELECT RAISE(ABORT, 'a ledger is append-only'); END",
    "postgresql": "CREATE TRIGGER looks_no_{verb} BEFORE {verb} ON looks EXECUTE FUNCTION luyu_refuse()",
}


def upgrade() -> None:
    """The table of looks."""
    op.create_table(
        "looks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("first_cell", sa.Integer, nullable=False),
        sa.Column("last_cell", sa.Integer, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float),
        sa.Column("detector_version", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.UniqueConstraint("place", "day", "kind", "side", "first_cell", "last_cell", "state", "detector_version"),
    )
    dialect = op.get_bind().dialect.name
    for verb in ("UPDATE", "DELETE"):
        op.execute(_TRIGGER[dialect].format(verb=verb))
