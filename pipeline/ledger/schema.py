"""The tables of a ledger and how one is opened: made when new, refused when it is something else."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.pool import NullPool

from ..errors import LedgerError

SCHEMA_VERSION = 2
_MAGIC = b"SQLite format 3\x00"
_LOCK = 0x6C757975  # key of the advisory lock on PostgreSQL: "luyu"
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs", "ncpfs"})
_WRITES = "luyu_writes"

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
    sa.Column("at", sa.Text, nullable=False),  # UTC, ISO 8601
    sa.Column("actor", sa.Text, nullable=False),  # 'machine' or a name
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # makes saying the same thing twice impossible
    sa.Column("on_date", sa.Text),  # ISO day of the image, for sightings
    sa.Column("finding_id", sa.Text, index=True),
    sa.Column("run_id", sa.Text),
    sa.Column("detail", sa.JSON, nullable=False),
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

# Nothing that was written is ever changed: the database itself refuses.
_REFUSE = """CREATE OR REPLACE FUNCTION luyu_refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'a ledger is append-only'; END $$"""
_REFUSALS = {
    "sqlite": "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'a ledger is append-only'); END",
    "postgresql": "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} EXECUTE FUNCTION luyu_refuse()",
}
sa.event.listen(cases, "after_create", sa.DDL(_REFUSE).execute_if(dialect="postgresql"))
for _table in (cases, events, looks):
    for _verb in ("UPDATE", "DELETE"):
        for _dialect, _text in _REFUSALS.items():
            _ddl = sa.DDL(_text.format(table=_table.name, verb=_verb))
            sa.event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))


def open_engine(place: str | Path, *, create: bool, wait_s: float) -> Engine:
    """Engine of the ledger at a path or URL, its schema made or checked.

    ``create=False`` refuses a place where there is none yet. ``wait_s`` is how long a writer waits for another one.
    LedgerError when the place holds something else, another version, or cannot be used.
    """
    url = _url(place)
    if url.get_backend_name() == "sqlite":
        path = _usable_file(url, create=create)
        engine = sa.create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
        _prepare_sqlite(engine, wait_s)
    else:
        engine = _server(url)
    with reading(engine) as connection:
        made, old = _is_ledger(connection), _is_old(connection)
    if old:
        with writing(engine) as connection:
            _upgrade(connection)
    if not made and not create:
        raise LedgerError(f"{_shown(engine)} is empty; give the path that the run configuration names as 'ledger'")
    if not made:
        if engine.dialect.name == "sqlite":
            _write_ahead(engine, wait_s)
        with writing(engine) as connection:
            if not _is_ledger(connection):  # another process may have been quicker
                metadata.create_all(connection)
                connection.execute(sa.insert(meta).values(key="schema_version", value=str(SCHEMA_VERSION)))
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Connection in one transaction that sees one state."""
    with mended(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Connection in one transaction that no other writer shares; all of it is kept, or nothing."""
    with mended(engine), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


@contextmanager
def mended(engine: Engine) -> Iterator[None]:
    """The database's own errors as LedgerError with the place and a remedy."""
    try:
        yield
    except exc.DBAPIError as error:
        why = str(error.orig)
        remedy = next((text for sign, text in _REMEDIES if sign in why), "check the file or restore a copy of it")
        raise LedgerError(f"ledger {_shown(engine)}: {why}; {remedy}") from error


_REMEDIES = (
    ("locked", "another process is writing to it; wait for it or raise the ledger's wait_s"),
    ("readonly", "make the file and its folder writable"),
    ("unable to open", "make the folder writable, or name another place"),
    ("disk is full", "free space and run again; nothing of this change was kept"),
    ("not a database", "name another file: this one is no ledger"),
    ("malformed", "restore a copy of the file"),
    ("could not connect", "check host, port, user and password of the URL"),
    ("connection failed", "check host, port, user and password of the URL"),
)


def _shown(engine: Engine) -> str:
    url = engine.url
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _url(place: str | Path) -> URL:
    if isinstance(place, str) and "://" in place:
        try:
            return make_url(place)
        except exc.ArgumentError as error:
            raise LedgerError(f"ledger {place!r} is neither a path nor a database URL") from error
    return URL.create("sqlite", database=str(place))


def _server(url: URL) -> Engine:
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() != "postgresql":
        raise LedgerError(f"ledger {shown}: only SQLite files and postgresql:// are known")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(url, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"ledger {shown}: the PostgreSQL driver is not installed; pip install 'psycopg[binary]'"
        ) from error


def _usable_file(url: URL, *, create: bool) -> Path:
    if url.database in (None, "", ":memory:"):
        raise LedgerError("a ledger needs a file to live in; name one, e.g. outputs/ledger.sqlite")
    path = Path(str(url.database)).expanduser().absolute()
    if path.is_dir():
        raise LedgerError(f"ledger {path} is a folder; name a file in it, e.g. {path / 'ledger.sqlite'}")
    if not path.exists() and not create:
        raise LedgerError(f"there is no ledger at {path}; give the path that the run configuration names as 'ledger'")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise LedgerError(f"{path} is no ledger (not a SQLite file); name another file")
    except OSError as error:
        raise LedgerError(f"ledger {path} cannot be used: {error.strerror}; name a writable place") from error
    if (system := _file_system(path)) in _NETWORK:
        raise LedgerError(
            f"ledger {path} lies on a network share ({system}), where SQLite's locks do not hold; "
            "use a local disk, or a postgresql:// URL to share it"
        )
    return path


def _file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Type of the file system that holds ``path``, None where the system does not say (not Linux)."""
    if not mounts.is_file():
        return None
    entries = [line.split() for line in mounts.read_text(errors="replace").splitlines()]
    points = [(entry[1].replace("\\040", " "), entry[2]) for entry in entries if len(entry) > 2]
    real = path.resolve()
    holding = [(len(point), kind) for point, kind in points if real.is_relative_to(point)]
    return max(holding, default=(0, None), key=lambda pair: pair[0])[1]


def _prepare_sqlite(engine: Engine, wait_s: float) -> None:
    @sa.event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are ours, below; the driver would begin them too late
        connection.execute(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _write_ahead(engine: Engine, wait_s: float) -> None:
    """Turn on the write-ahead log; SQLite's own waiting does not cover this step, so ours does."""
    deadline = time.monotonic() + wait_s
    raw = engine.raw_connection()
    try:
        while True:
            try:
                if raw.cursor().execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                    raw.cursor().execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise LedgerError(f"ledger {_shown(engine)}: {error}; wait for the other process") from error
                time.sleep(0.02)
            except sqlite3.DatabaseError as error:
                raise LedgerError(f"ledger {_shown(engine)}: {error}; name another file or restore a copy") from error
    finally:
        raw.close()


def _is_old(connection: Connection) -> bool:
    """Whether the database is a ledger of a version that this program can bring up to its own."""
    return sa.inspect(connection).has_table(meta.name) and _version(connection) in _UPGRADES


def _version(connection: Connection) -> str | None:
    return connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema_version"))


def _upgrade(connection: Connection) -> None:
    """Add what newer versions have; nothing that was written is touched. Another process may have been quicker."""
    while tables := _UPGRADES.get(_version(connection) or ""):
        metadata.create_all(connection, tables=tables)
        newer = str(int(_version(connection) or 0) + 1)
        connection.execute(sa.update(meta).where(meta.c.key == "schema_version").values(value=newer))


_UPGRADES = {"1": [looks]}  # tables that the version after it added


def _is_ledger(connection: Connection) -> bool:
    """True for a ledger of this version or one to bring up to it, False where nothing is; LedgerError for the rest."""
    present = set(sa.inspect(connection).get_table_names())
    shown = _shown(connection.engine)
    if meta.name not in present:
        if present:
            raise LedgerError(
                f"{shown} is a database but no ledger: it holds {sorted(present)[:5]}; name another place"
            )
        return False
    version = _version(connection)
    if version != str(SCHEMA_VERSION) and version not in _UPGRADES:
        raise LedgerError(
            f"ledger {shown} was written with schema version {version}, this program knows {SCHEMA_VERSION}; "
            "use the luyu that wrote it, or name another ledger"
        )
    return True
