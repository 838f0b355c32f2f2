"""Cases and their events, append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_FUNCTION = """CREATE OR REPLACE FUNCTION luyu_refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'a ledger is append-only'; END $$"""
_TRIGGER = {
    "sqlite": "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'a ledger is append-only'); END",
    "postgresql": "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} EXECUTE FUNCTION luyu_refuse()",
}


def upgrade() -> None:
    """The first tables."""
    op.create_table(
        "luyu_ledger",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "cases",
        sa.Column("case_no", sa.Text, primary_key=True),
        sa.Column("series", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, index=True),
        sa.Column("county_code", sa.Text, index=True),
        sa.Column("opened_on", sa.Text, nullable=False),
        sa.Column("route_code", sa.Text),
        sa.Column("stake", sa.Text),
        sa.Column("side", sa.Text),
        sa.Column("zone", sa.Text),
        sa.Column("area_m2", sa.Float),
        sa.Column("epsg", sa.Integer, nullable=False),
        sa.Column("geometry", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("series", "seq"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("on_date", sa.Text),
        sa.Column("finding_id", sa.Text, index=True),
        sa.Column("run_id", sa.Text),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.UniqueConstraint("case_no", "what", "key"),
    )
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(_FUNCTION)
    for table in ("cases", "events"):
        for verb in ("UPDATE", "DELETE"):
            op.execute(_TRIGGER[dialect].format(table=table, verb=verb))
