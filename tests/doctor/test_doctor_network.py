"""Proxies, hosts, scheduler and ledger: reached or not, let in or not, and no secret in what is said."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.config import RunConfig
from pipeline.doctor import network, patience, services
from pipeline.doctor.finding import Asked, Finding, Level, ok
from pipeline.doctor.network import Target
from pipeline.ledger import Ledger

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch) -> None:
    for name in (*_PROXIES, *map(str.upper, _PROXIES)):
        monkeypatch.delenv(name, raising=False)


class _Answers(BaseHTTPRequestHandler):
    """Answers with the status that its path names."""

    def do_GET(self) -> None:
        status = int(self.path.strip("/").partition("?")[0] or 200)
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("status", "level"),
    [(200, Level.OK), (401, Level.ERROR), (403, Level.ERROR), (404, Level.ERROR), (503, Level.WARNING)],
)
def test_a_catalogue_answers_or_says_why_not(host: str, status: int, level: Level) -> None:
    found = network.reached(Target("stac", f"{host}/{status}?sig=s3cret"), 3.0)
    assert found.level is level
    assert str(status) in found.what.en
    assert "s3cret" not in f"{found.what} {found.remedy}"
    if status == 401:
        assert found.remedy is not None
        assert "LUYU_TOKEN_127_0_0_1" in found.remedy.en


def test_of_a_tile_service_its_host_is_enough(host: str) -> None:
    assert network.reached(Target("tiles", f"{host}/404", whole=False), 3.0).level is Level.OK


def test_nobody_there_is_an_error_with_a_remedy() -> None:
    found = network.reached(Target("stac", f"http://127.0.0.1:{free_port()}/"), 1.0)
    assert found.level is Level.ERROR
    assert found.remedy is not None
    basemap = network.reached(Target("basemap", f"http://127.0.0.1:{free_port()}/", whole=False), 1.0)
    assert basemap.level is Level.WARNING


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("no whole answer (SSL)", "SSL_CERT_FILE"),
        ("no whole answer (NameResolution)", "DNS"),
        ("no whole answer (Proxy)", "HTTPS_PROXY"),
    ],
)
def test_each_kind_of_silence_has_its_remedy(monkeypatch, why: str, words: str) -> None:
    from pipeline.errors import NetError

    def refused(href: str, **_more: object) -> None:
        raise NetError(href, why)

    monkeypatch.setattr(network, "fetch", refused)
    found = network.reached(Target("stac", "https://example.org/"), 1.0)
    assert found.remedy is not None
    assert words in found.remedy.en


def test_a_host_that_never_ends_is_given_up_and_the_others_are_told(monkeypatch) -> None:
    monkeypatch.setattr(patience, "SLACK_S", 0.1)

    def tried(target: Target, patience_s: float) -> Finding:
        if target.about == "slow":
            time.sleep(5)
        if target.about == "broken":
            raise RuntimeError("at https://me:pw@example.org/x")
        return ok(target.about, "好", "good")

    wanted = [Target(name, f"https://{name}.example/") for name in ("slow", "broken", "good")]
    started = time.monotonic()
    told = list(network.side_by_side(wanted, tried, 0.3))
    assert time.monotonic() - started < 3
    assert [one.level for one in told] == [Level.ERROR, Level.ERROR, Level.OK]
    assert "me:pw" not in told[1].what.en


def config(world: Path, tmp_path: Path, *more: str) -> RunConfig:
    return RunConfig.load(world / "run.yaml", [f"output={tmp_path / 'out'}", *more])


def test_targets_are_those_of_the_source_and_the_basemaps(world: Path, tmp_path: Path) -> None:
    assert network.targets(Asked(config(world, tmp_path))) == []
    assert [one.level for one in network.sources(Asked(config(world, tmp_path)))] == [Level.OK]
    assert network.targets(Asked(config(world, tmp_path, "imagery.source.url=file:///data/catalog.json"))) == []
    far = config(world, tmp_path, "imagery.source.url=https://stac.example.org/v1")
    told = list(network.sources(Asked(far, offline=True)))
    assert [one.level for one in told] == [Level.NOTE]
    assert "stac.example.org" in told[0].what.en
    files = "imagery.source={kind: files, sensor: rgb_vhr, scenes: ['s3://bucket/a/*.tif', '/data/*.tif']}"
    (one,) = network.targets(Asked(config(world, tmp_path, files)))
    assert (one.about, one.whole) == ("s3", False)
    assert "bucket" in one.href
    assert list(network.sources(Asked(None))) == []


def test_proxies_are_shown_without_user_and_password(monkeypatch) -> None:
    assert [one.level for one in network.proxies(Asked())] == [Level.OK]
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3cret@proxy.example:3128")
    told = list(network.proxies(Asked()))
    assert [one.level for one in told] == [Level.NOTE, Level.WARNING]
    assert "proxy.example:3128" in told[0].what.en
    assert "s3cret" not in "".join(f"{one.what}{one.remedy}" for one in told)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example:1080")
    assert "no http(s)" in list(network.proxies(Asked()))[-1].what.en


@pytest.mark.parametrize(
    "place",
    ["http://me:s3/cret@proxy.example:3128/", "me:s3#cret@proxy.example:3128", "http://me:s3@cret@proxy.example:3128"],
)
def test_no_sign_in_a_password_lets_a_proxy_show_it(monkeypatch, place: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", place)
    told = list(network.proxies(Asked()))
    assert "https: http://proxy.example:3128；" in told[0].what.zh
    assert len(told) == 1


def test_hosts_beyond_those_that_are_tried_are_named(world: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        network, "targets", lambda _: [Target("files", f"https://h{at}.example/", whole=False) for at in range(14)]
    )
    monkeypatch.setattr(network, "reached", lambda target, _: ok(target.about, "好", "good"))
    told = list(network.sources(Asked(config(world, tmp_path))))
    assert len(told) == 13
    assert told[-1].what.en.endswith("h12.example, h13.example")


def test_a_host_whose_name_is_searched_for_without_end_is_given_up(world: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(patience, "SLACK_S", 0.1)
    monkeypatch.setattr(services.socket, "create_connection", lambda *_, **__: time.sleep(20))
    asked = Asked(config(world, tmp_path, "dask.scheduler=tcp://scheduler.example:8786"), patience_s=0.2)
    started = time.monotonic()
    (found,) = services.scheduler(asked)
    assert time.monotonic() - started < 5
    assert (found.level, found.about) == (Level.ERROR, "dask")
    assert "no answer within" in found.what.en


def test_a_ledger_is_looked_at_and_left_as_it_is(world: Path, tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    asked = Asked(config(world, tmp_path, f"ledger={place}"))
    (absent,) = services.ledger(asked)
    assert absent.level is Level.OK
    assert not place.exists()
    Ledger.open(place).close()
    before = {path.name: path.read_bytes() for path in tmp_path.glob("ledger*")}
    (found,) = services.ledger(asked)
    assert found.level is Level.OK
    assert {path.name: path.read_bytes() for path in tmp_path.glob("ledger*")} == before
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    assert [one.level for one in services.ledger(asked)] == [Level.NOTE]
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    assert [one.level for one in services.ledger(asked)] == [Level.ERROR]


def test_what_is_no_ledger_is_an_error(world: Path, tmp_path: Path, monkeypatch) -> None:
    place = tmp_path / "ledger.sqlite"
    asked = Asked(config(world, tmp_path, f"ledger={place}"))
    place.mkdir()
    (closed,) = services.ledger(asked)
    assert closed.level is Level.ERROR
    assert "cannot be read" in closed.what.en
    place.rmdir()
    place.write_text("a text", encoding="utf-8")
    assert [one.level for one in services.ledger(asked)] == [Level.ERROR]
    place.unlink()
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert [one.level for one in services.ledger(asked)] == [Level.ERROR]
    monkeypatch.setattr(services, "network_drive", lambda _: "cifs")
    assert "cifs" in next(services.ledger(asked)).what.en


def test_a_ledger_on_a_server_is_not_asked_offline_and_shows_no_password(
    world: Path, tmp_path: Path, monkeypatch
) -> None:
    asked = Asked(config(world, tmp_path, f"ledger=postgresql://me:s3cret@127.0.0.1:{free_port()}/db"), patience_s=1.0)
    (told,) = services.ledger(Asked(asked.config, offline=True))
    assert told.level is Level.NOTE
    (away,) = services.ledger(asked)
    assert away.level is Level.ERROR
    (strange,) = services.ledger(Asked(config(world, tmp_path, "ledger=mysql://me:s3cret@127.0.0.1/db")))
    assert strange.level is Level.ERROR
    for place in (
        f"postgresql://127.0.0.1:{free_port()}/db?user=me&password=s3cret",
        "postgresql://me:s3cret@host:port/db",
    ):
        (odd,) = services.ledger(Asked(config(world, tmp_path, f"ledger={place}"), patience_s=1.0))
        assert odd.level is Level.ERROR
        assert "s3cret" not in f"{odd}"
    monkeypatch.setattr(services, "find_spec", lambda _: None)
    (lacking,) = services.ledger(asked)
    assert "luyu[postgres]" in str(lacking.remedy)
    assert "s3cret" not in f"{told}{away}{strange}{lacking}"


def test_a_scheduler_is_reached_or_not(world: Path, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        here = f"dask.scheduler=tcp://127.0.0.1:{listening.getsockname()[1]}"
        assert [one.level for one in services.scheduler(Asked(config(world, tmp_path, here)))] == [Level.OK]
    gone = config(world, tmp_path, f"dask.scheduler=tcp://127.0.0.1:{free_port()}")
    assert [one.level for one in services.scheduler(Asked(gone, patience_s=1.0))] == [Level.ERROR]
    assert [one.level for one in services.scheduler(Asked(gone, offline=True))] == [Level.NOTE]
    keys = "dask.tls={ca: gone.pem, cert: gone.pem, key: gone.pem}"
    tls = config(world, tmp_path, "dask.scheduler=tls://127.0.0.1:8786", keys)
    assert [one.level for one in services.scheduler(Asked(tls, offline=True))] == [Level.ERROR] * 3 + [Level.NOTE]
    assert list(services.scheduler(Asked(config(world, tmp_path)))) == []


def test_a_cluster_needs_its_extra_and_its_program(world: Path, tmp_path: Path, monkeypatch) -> None:
    asked = Asked(config(world, tmp_path, "dask.scheduler=slurm", "dask.slurm={interface: ib0}"))
    monkeypatch.setattr(services, "find_spec", lambda _: None)
    assert [one.level for one in services.scheduler(asked)] == [Level.ERROR]
    monkeypatch.setattr(services, "find_spec", lambda _: object())
    monkeypatch.setattr(services.shutil, "which", lambda _: None)
    assert "sbatch" in next(services.scheduler(asked)).what.en
    monkeypatch.setattr(services.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert [one.level for one in services.scheduler(asked)] == [Level.OK]


def test_the_interpreter_does_not_wait_for_a_host_that_hangs() -> None:
    """The threads that try hosts hold no process back."""
    code = (
        "import time\n"
        "from pipeline.doctor import patience\n"
        "(late,) = patience.answers([lambda: time.sleep(60)], 0.1)\n"
        "assert isinstance(late, TimeoutError)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=40)
