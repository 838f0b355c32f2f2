"""The tables of a ledger. Nothing in them is ever changed or deleted but ``standings``, which is made from the rest."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

meta = sa.Table(
    "luyu_ledger",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("case_no", sa.Text, primary_key=True),
    sa.Column("series", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, index=True),
    sa.Column("county_code", sa.Text, index=True),
    sa.Column("opened_on", sa.Text, nullable=False),  # ISO day of the first image that shows it
    sa.Column("route_code", sa.Text),
    sa.Column("stake", sa.Text),
    sa.Column("side", sa.Text),
    sa.Column("zone", sa.Text),
    sa.Column("area_m2", sa.Float),
    sa.Column("epsg", sa.Integer, nullable=False),
    sa.Column("geometry", sa.LargeBinary, nullable=False),  # WKB of the footprint that opened the case
    sa.UniqueConstraint("series", "seq"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), nullable=False),
    sa.Column("at", sa.Text, nullable=False, index=True),  # UTC, ISO 8601
    sa.Column("actor", sa.Text, nullable=False),  # 'machine' or a name
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # makes saying the same thing twice impossible
    sa.Column("on_date", sa.Text),  # ISO day of the image, for sightings
    sa.Column("finding_id", sa.Text, index=True),
    sa.Column("run_id", sa.Text),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("epsg", sa.Integer),
    sa.Column("geometry", sa.LargeBinary),  # WKB of the footprint as that image shows it, for what a detector saw
    sa.UniqueConstraint("case_no", "what", "key"),
)

looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),  # route code, or key of a known site
    sa.Column("side", sa.Text, nullable=False),  # facing increasing stakes; '' of a site
    sa.Column("first_cell", sa.Integer, nullable=False),
    sa.Column("last_cell", sa.Integer, nullable=False),
    sa.Column("day", sa.Text, nullable=False),  # ISO day of the image
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("detector_version", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.UniqueConstraint("place", "day", "kind", "side", "first_cell", "last_cell", "state", "detector_version"),
)

#: What the events of each case add up to: written with them in one transaction, and made anew from them at any time.
standings = sa.Table(
    "standings",
    metadata,
    sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), primary_key=True),
    sa.Column("county_code", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("lon", sa.Float, nullable=False),
    sa.Column("lat", sa.Float, nullable=False),
    sa.Column("west", sa.Float, nullable=False),  # bounds of the footprint, degrees
    sa.Column("south", sa.Float, nullable=False),
    sa.Column("east", sa.Float, nullable=False),
    sa.Column("north", sa.Float, nullable=False),
    sa.Column("epsg", sa.Integer, nullable=False),
    sa.Column("geometry", sa.LargeBinary, nullable=False),  # WKB of the newest whole footprint
    sa.Column("state", sa.JSON, nullable=False),  # the rest; see standing.State
    sa.Index("ix_standings_county", "county_code", "is_open"),
    sa.Index("ix_standings_place", "kind", "west"),
)

pictures = sa.Table(
    "pictures",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), nullable=False),
    sa.Column("role", sa.Text, nullable=False),  # before | after
    sa.Column("scene_id", sa.Text, nullable=False),
    sa.Column("day", sa.Text),  # ISO day of the image
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("grid", sa.JSON, nullable=False),
    sa.UniqueConstraint("case_no", "scene_id", "role"),
)

photos = sa.Table(
    "photos",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("case_no", sa.Text, sa.ForeignKey("cases.case_no"), nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),  # of the original bytes
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("taken_at", sa.Text),
    sa.Column("lon", sa.Float),
    sa.Column("lat", sa.Float),
    sa.Column("azimuth_deg", sa.Float),  # 0 north, clockwise
    sa.UniqueConstraint("case_no", "sha256"),
)
