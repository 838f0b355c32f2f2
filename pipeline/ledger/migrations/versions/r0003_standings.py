"""Where each case stands, footprints of later images, pictures and photos.

On PostgreSQL with PostGIS a view ``luyu_cases`` shows the cases to QGIS.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TRIGGER = {
    "sqlite": "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'a ledger is append-only'); END",
    "postgresql": "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} EXECUTE FUNCTION luyu_refuse()",
}
# What two rows have in common of which the second would take the place of the first.
_SAME = {
    "cases": "case_no = NEW.case_no OR (series = NEW.series AND seq = NEW.seq)",
    "events": "id = NEW.id OR (case_no = NEW.case_no AND what = NEW.what AND key = NEW.key)",
    "looks": "id = NEW.id",
    "pictures": "id = NEW.id OR (case_no = NEW.case_no AND scene_id = NEW.scene_id AND role = NEW.role)",
    "photos": "id = NEW.id OR (case_no = NEW.case_no AND sha256 = NEW.sha256)",
}
_OVERWRITING = {
    "sqlite": "CREATE TRIGGER {table}_no_REPLACE BEFORE INSERT ON {table} "
    "WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN SELECT RAISE(ABORT, 'a ledger is append-only'); END",
    "postgresql": "CREATE TRIGGER {table}_no_TRUNCATE BEFORE TRUNCATE ON {table} EXECUTE FUNCTION luyu_refuse()",
}
_VIEW = """CREATE VIEW luyu_cases AS
SELECT case_no, county_code, kind, status, is_open, lon, lat, state,
       ST_Transform(ST_SetSRID(ST_GeomFromWKB(geometry), epsg), 4490) AS geom
FROM standings"""


def upgrade() -> None:
    """New tables, and two columns of events that stay null in what was written before."""
    op.add_column("events", sa.Column("epsg", sa.Integer))
    op.add_column("events", sa.Column("geometry", sa.LargeBinary))
    op.create_index("ix_events_at", "events", ["at"])
    op.create_table(
        "standings",
        sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), primary_key=True),
        sa.Column("county_code", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("lon", sa.Float, nullable=False),
        sa.Column("lat", sa.Float, nullable=False),
        sa.Column("west", sa.Float, nullable=False),
        sa.Column("south", sa.Float, nullable=False),
        sa.Column("east", sa.Float, nullable=False),
        sa.Column("north", sa.Float, nullable=False),
        sa.Column("epsg", sa.Integer, nullable=False),
        sa.Column("geometry", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.JSON, nullable=False),
    )
    op.create_index("ix_standings_county", "standings", ["county_code", "is_open"])
    op.create_index("ix_standings_place", "standings", ["kind", "west"])
    _kept()
    _refuse_more(op.get_bind().dialect.name)
    bind = op.get_bind()
    if bind.dialect.name == "postgresql" and bind.scalar(
        sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'")
    ):
        op.execute(_VIEW)
    # An older program reads its version here and says what is wrong, instead of failing somewhere else.
    op.execute("DELETE FROM luyu_ledger WHERE key = 'schema_version'")
    op.execute("INSERT INTO luyu_ledger (key, value) VALUES ('schema_version', '3')")


def _kept() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("scene_id", sa.Text, nullable=False),
        sa.Column("day", sa.Text),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("grid", sa.JSON, nullable=False),
        sa.UniqueConstraint("case_no", "scene_id", "role"),
    )
    op.create_table(
        "photos",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("taken_at", sa.Text),
        sa.Column("lon", sa.Float),
        sa.Column("lat", sa.Float),
        sa.Column("azimuth_deg", sa.Float),
        sa.UniqueConstraint("case_no", "sha256"),
    )


def _refuse_more(dialect: str) -> None:
    """Pictures and photos are not changed either; and no table is emptied, or overwritten by an insertion."""
    for table in ("pictures", "photos"):
        for verb in ("UPDATE", "DELETE"):
            op.execute(_TRIGGER[dialect].format(table=table, verb=verb))
    for table, same in _SAME.items():
        op.execute(_OVERWRITING[dialect].format(table=table, same=same))
