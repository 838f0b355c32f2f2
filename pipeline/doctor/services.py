"""The ledger and the scheduler that a configuration names. Neither is written to, and no ledger is brought up to date."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from ..errors import LedgerError
from ..ledger.database import shown_url, url_of
from ..ledger.migrate import REVISIONS, revision
from ..net.hrefs import scrubbed
from ..words.catalogue import catalogue
from . import patience
from .disk import network_drive
from .finding import Asked, Finding, error, note, ok

_MAGIC = b"SQLite format 3\x00"
_CLUSTERS = {"slurm": ("dask_jobqueue", "sbatch"), "kubernetes": ("dask_kubernetes", None)}
_EXTRA = ("pip install 'luyu[cluster]'", "pip install 'luyu[cluster]'")


def ledger(asked: Asked) -> Iterator[Finding]:
    """Whether the ledger opens, and of which version it is."""
    if asked.config is None:
        return
    place = str(asked.config.ledger)
    yield from (_server(place, asked) if "://" in place else _file(Path(place)))


def _file(path: Path) -> Iterator[Finding]:
    if kind := network_drive(path.parent):
        yield error(
            "ledger",
            (
                f"案件库 {path} 在网络盘上（{kind}），SQLite 的锁不可靠",
                f"ledger {path} lies on a network drive ({kind}), where SQLite's locks do not hold",
            ),
            ("放到本机磁盘，或用 postgresql://", "use a local disk, or a postgresql:// URL"),
        )
        return
    other = ("换一个文件名，或恢复备份", "name another file, or restore a copy")
    try:
        with path.open("rb") as opened:
            head = opened.read(len(_MAGIC))
    except FileNotFoundError:
        yield ok(
            "ledger", f"案件库 {path} 还没有，首次运行时建立", f"ledger {path} is not there yet: the first run makes it"
        )
        return
    except OSError as trouble:
        why = trouble.strerror or str(trouble)
        yield error("ledger", (f"案件库 {path} 不能读：{why}", f"ledger {path} cannot be read: {why}"), other)
        return
    if head and head != _MAGIC:
        yield error(
            "ledger", (f"{path} 不是案件库（不是 SQLite 文件）", f"{path} is no ledger (not a SQLite file)"), other
        )
        return
    # immutable: neither a lock nor a -shm file is made; what another process is writing just now is not seen.
    engine = sa.create_engine(
        "sqlite://",
        poolclass=NullPool,
        creator=lambda: sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True),
    )
    yield _version(engine, str(path))


def _server(place: str, asked: Asked) -> Iterator[Finding]:
    try:
        url = url_of(place)
    except LedgerError as trouble:
        yield error(
            "ledger",
            (catalogue().translated(str(trouble)), str(trouble)),
            ("写成 postgresql://主机:端口/数据库", "write postgresql://HOST:PORT/DATABASE"),
        )
        return
    shown = shown_url(url)
    if url.get_backend_name() != "postgresql":
        yield error(
            "ledger",
            (
                f"案件库 {shown}：只支持 SQLite 文件与 postgresql://",
                f"ledger {shown}: only SQLite files and postgresql:// are known",
            ),
            ("改正配置的 ledger", "mend 'ledger' in the configuration"),
        )
        return
    if asked.offline:
        yield note("ledger", (f"--offline：没有去试 {shown}", f"--offline: not tried: {shown}"))
        return
    if find_spec("psycopg") is None:
        yield error(
            "ledger",
            (f"{shown}：没有 PostgreSQL 驱动", f"{shown}: the PostgreSQL driver is not installed"),
            ("pip install 'luyu[postgres]'", "pip install 'luyu[postgres]'"),
        )
        return
    url = url.set(drivername="postgresql+psycopg")
    wait_s = max(2, round(asked.patience_s))  # what psycopg takes for a timeout at the least
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": wait_s})
    yield _in_time(partial(_version, engine, shown), wait_s, "ledger", ("案件库", "ledger"), shown)


def _version(engine: sa.Engine, shown: str) -> Finding:
    """Of which version the ledger behind an engine is."""
    try:
        with engine.connect() as connection:
            found = revision(connection, shown)
    except LedgerError as trouble:
        return error(
            "ledger",
            (catalogue().translated(str(trouble)), str(trouble)),
            ("换一个案件库，或用写它的版本", "name another ledger, or use the version that wrote it"),
        )
    except SQLAlchemyError as trouble:
        why = scrubbed(str(getattr(trouble, "orig", None) or trouble)).splitlines()[0]
        return error(
            "ledger",
            (f"案件库 {shown} 打不开：{why}", f"ledger {shown} does not open: {why}"),
            (
                "核对主机、端口、用户与 ~/.pgpass；文件则恢复备份",
                "check host, port, user and ~/.pgpass; of a file restore a copy",
            ),
        )
    if found is None:
        return ok("ledger", f"案件库 {shown} 是空的", f"ledger {shown} is empty")
    if found != REVISIONS[-1]:
        return note(
            "ledger",
            (
                f"案件库 {shown} 为第 {found} 版，下次打开时升级到 {REVISIONS[-1]}",
                f"ledger {shown} is of version {found}; opening it brings it to {REVISIONS[-1]}",
            ),
            ("升级前先备份", "keep a copy before"),
        )
    return ok("ledger", f"案件库 {shown} 可以打开，第 {found} 版", f"ledger {shown} opens, version {found}")


def scheduler(asked: Asked) -> Iterator[Finding]:
    """Whether the scheduler can be reached, or what starts workers is there."""
    if asked.config is None:
        return
    dask = asked.config.dask
    if dask.scheduler in _CLUSTERS:
        module, program = _CLUSTERS[dask.scheduler]
        if find_spec(module) is None:
            yield error(
                "dask",
                (
                    f"dask.scheduler 为 {dask.scheduler}，但没有 {module}",
                    f"dask.scheduler is {dask.scheduler}, and {module} is not installed",
                ),
                _EXTRA,
            )
        elif program is not None and shutil.which(program) is None:
            yield error(
                "dask",
                (f"找不到 {program}", f"{program} is not on the PATH"),
                ("在登录节点上运行，或加载调度器模块", "run on a login node, or load the module of the batch system"),
            )
        else:
            yield ok(
                "dask",
                f"dask.scheduler 为 {dask.scheduler}，组件齐全",
                f"dask.scheduler is {dask.scheduler}, and what it takes is there",
            )
        return
    if dask.host is None:
        return
    if dask.tls is not None:
        for name in ("ca", "cert", "key"):
            if not (path := getattr(dask.tls, name)).is_file():
                yield error(
                    "dask",
                    (f"dask.tls.{name}：{path} 不在", f"dask.tls.{name}: {path} is not there"),
                    ("核对证书路径", "check the path"),
                )
    if asked.offline:
        yield note("dask", (f"--offline：没有去试 {dask.scheduler}", f"--offline: not tried: {dask.scheduler}"))
        return
    ask = partial(_answers, dask.scheduler, dask.host.strip("[]"), asked.patience_s)
    yield _in_time(ask, asked.patience_s, "dask", ("调度器", "scheduler"), dask.scheduler)


def _answers(address: str, host: str, patience_s: float) -> Finding:
    """Whether something listens at a scheduler's address."""
    started = time.perf_counter()
    try:
        with closing(socket.create_connection((host, int(address.rpartition(":")[2])), timeout=patience_s)):
            seconds = time.perf_counter() - started
    except OSError as trouble:
        why = trouble.strerror or str(trouble)
        return error(
            "dask",
            (f"调度器 {address} 连不上：{why}", f"scheduler {address} is not reached: {why}"),
            (
                "核对地址与防火墙，确认 dask scheduler 已启动",
                "check the address and the firewall, and that the scheduler is up",
            ),
        )
    return ok("dask", f"调度器 {address} 应答，{seconds:.1f} 秒", f"scheduler {address} answers in {seconds:.1f} s")


def _in_time(ask: Callable[[], Finding], patience_s: float, about: str, word: tuple[str, str], place: str) -> Finding:
    """What is found, or that there was no answer in time."""
    wait_s = patience_s + patience.SLACK_S
    told = next(patience.answers([ask], wait_s))
    if isinstance(told, TimeoutError):
        return error(
            about,
            (f"{word[0]} {place} 在 {wait_s:g} 秒内没有应答", f"{word[1]} {place} gives {told}"),
            ("核对地址、DNS 与防火墙", "check the address, DNS and the firewall"),
        )
    if isinstance(told, Exception):
        raise told
    return told
