"""How a ledger is opened: made when new, brought up to date when old, refused when it is something else."""

from __future__ import annotations

import json
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
from . import standing
from .migrate import REVISIONS, revision, upgrade

_MAGIC = b"SQLite format 3\x00"
_LOCK = 0x6C757975  # key of the advisory lock on PostgreSQL: "luyu"
NETWORK_DRIVES = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs", "ncpfs"})
_WRITES = "luyu_writes"
_PASSWORDS = ("password", "sslpassword")  # parameters of an address of PostgreSQL


def open_engine(place: str | Path, *, create: bool, wait_s: float) -> Engine:
    """Engine of the ledger at a path or URL, its schema made or checked.

    ``create=False`` refuses a place where there is none yet. ``wait_s`` is how long a writer waits for another one.
    LedgerError when the place holds something else, another version, or cannot be used.
    """
    url = url_of(place)
    if url.get_backend_name() == "sqlite":
        path = _usable_file(url, create=create)
        engine = sa.create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool, json_serializer=_json)
        _prepare_sqlite(engine, wait_s)
    else:
        engine = _server(url)
    with reading(engine) as connection:
        found = revision(connection, _shown(engine))
        current = found == REVISIONS[-1] and standing.is_current(connection)
    if found is None and not create:
        raise LedgerError(f"{_shown(engine)} is empty; give the path that the run configuration names as 'ledger'")
    if found is None and engine.dialect.name == "sqlite":
        _write_ahead(engine, wait_s)
    if not current:
        with writing(engine) as connection:
            upgrade(connection, revision(connection, _shown(engine)))  # another process may have been quicker
            standing.make_current(connection)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Connection in one transaction that sees one state."""
    server = engine.dialect.name == "postgresql"
    seen = engine.execution_options(isolation_level="REPEATABLE READ") if server else engine
    with mended(engine), seen.connect() as connection, connection.begin():
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
    return str(url.database) if url.get_backend_name() == "sqlite" else shown_url(url)


def shown_url(url: URL) -> str:
    """The address of a database for messages, without a password, be it of the user or among the parameters."""
    return url.difference_update_query(_PASSWORDS).render_as_string(hide_password=True)


def url_of(place: str | Path) -> URL:
    """The URL of a ledger by its path or address. LedgerError where it is neither; what is said holds no password."""
    if isinstance(place, str) and "://" in place:
        try:
            return make_url(place)
        except (exc.ArgumentError, ValueError):  # ValueError: its port is no number
            place = f"{place.partition('://')[0]}://…"
            raise LedgerError(f"ledger {place} is neither a path nor a database URL") from None
    return URL.create("sqlite", database=str(place))


def _server(url: URL) -> Engine:
    shown = shown_url(url)
    if url.get_backend_name() != "postgresql":
        raise LedgerError(f"ledger {shown}: only SQLite files and postgresql:// are known")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(url, poolclass=NullPool, json_serializer=_json)
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"ledger {shown}: the PostgreSQL driver is not installed; pip install 'psycopg[binary]'"
        ) from error


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


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
    if (system := file_system(path)) in NETWORK_DRIVES:
        raise LedgerError(
            f"ledger {path} lies on a network share ({system}), where SQLite's locks do not hold; "
            "use a local disk, or a postgresql:// URL to share it"
        )
    return path


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
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
