"""Ways in: secrets from the environment or a keyring, tokens renewed in time, and none of it where people read."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from servers.faulty import Asked, Faulty, faulty

from pipeline.errors import NetError
from pipeline.net import access, http
from pipeline.net.http import fetch, fetch_range
from pipeline.net.options import NetOptions

SOON = NetOptions(tries=4, backoff_s=0, silence_s=2)
HOST = "127_0_0_1"


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False
        self.asked: list[str] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        if self.locked:
            raise KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before = keyring.get_keyring()
    one = Ring()
    keyring.set_keyring(one)
    access._from_keyring.cache_clear()
    yield one
    keyring.set_keyring(before)
    access._from_keyring.cache_clear()


@pytest.fixture
def server(tmp_path, monkeypatch: pytest.MonkeyPatch, ring: Ring) -> Iterator[Faulty]:
    monkeypatch.setattr(http, "_pauses", {})
    monkeypatch.setattr(access, "_tokens", {})
    for name in (f"LUYU_TOKEN_{HOST}", f"LUYU_USER_{HOST}", f"LUYU_PASSWORD_{HOST}", "PC_SDK_SUBSCRIPTION_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "a.tif").write_bytes(b"0123456789" * 100)
    with faulty(tmp_path) as running:
        yield running


def authorization(server: Faulty) -> str | None:
    return server.hits[-1].headers.get("authorization")


def test_without_secrets_nothing_is_sent(server: Faulty):
    fetch(f"{server.url}/a.tif")
    assert authorization(server) is None


def test_a_token_of_the_host(server: Faulty, monkeypatch):
    monkeypatch.setenv(f"LUYU_TOKEN_{HOST}", "abc")
    fetch_range(f"{server.url}/a.tif", 0, 5)
    assert authorization(server) == "Bearer abc"
    monkeypatch.setenv("LUYU_TOKEN_LOCALHOST", "of another")
    fetch(f"http://localhost:{urlsplit(server.url).port}/a.tif")
    assert authorization(server) == "Bearer of another"


def test_user_and_password(server: Faulty, monkeypatch):
    monkeypatch.setenv(f"LUYU_USER_{HOST}", "李")
    fetch(f"{server.url}/a.tif")
    assert authorization(server) is None  # half of it is nothing
    monkeypatch.setenv(f"LUYU_PASSWORD_{HOST}", "p:w")
    fetch(f"{server.url}/a.tif")
    assert authorization(server) == "Basic " + base64.b64encode("李:p:w".encode()).decode()


def test_the_keyring_is_asked_where_the_environment_says_nothing(server: Faulty, ring: Ring, monkeypatch):
    ring.set_password("luyu", f"LUYU_TOKEN_{HOST}", "from the ring")
    fetch(f"{server.url}/a.tif")
    assert authorization(server) == "Bearer from the ring"
    for _ in range(5):
        fetch(f"{server.url}/a.tif")
    assert ring.asked.count(f"LUYU_TOKEN_{HOST}") == 1  # it may be slow, or ask its owner
    monkeypatch.setenv(f"LUYU_TOKEN_{HOST}", "from the environment")
    fetch(f"{server.url}/a.tif")
    assert authorization(server) == "Bearer from the environment"


def test_a_locked_keyring_is_as_none(server: Faulty, ring: Ring):
    ring.locked = True
    assert fetch(f"{server.url}/a.tif").status == 200
    assert authorization(server) is None


def test_a_machine_without_a_keyring(server: Faulty):
    from keyring.backends import fail

    keyring.set_keyring(fail.Keyring())
    assert fetch(f"{server.url}/a.tif").status == 200


def test_a_key_in_the_address(server: Faulty, monkeypatch):
    server.page("/tiles", lambda asked: (200, {}, parse_qs(urlsplit(asked.uri).query)["tk"][0].encode()))
    monkeypatch.setenv("TIANDITU_KEY", "k&y=1")
    assert fetch(f"{server.url}/tiles?tk={{key}}", access="key:TIANDITU_KEY").body == b"k&y=1"
    with pytest.raises(NetError, match="environment variable OTHER_KEY or the keyring"):
        fetch(f"{server.url}/tiles?tk={{key}}", access="key:OTHER_KEY")


def test_an_unknown_way_in_is_told(server: Faulty):
    with pytest.raises(NetError, match="unknown way in 'gcs'"):
        fetch(f"{server.url}/a.tif", access="gcs")
    assert server.hits == []


@pytest.mark.parametrize("fault", ["403", "401", "500", "reset", "to other port", "circle", "bomb", "429 9999"])
def test_no_secret_in_any_message(server: Faulty, monkeypatch, caplog, fault: str):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(f"LUYU_TOKEN_{HOST}", "SECRET-TOKEN")
    monkeypatch.setenv("SOME_KEY", "SECRET-KEY")
    server.always(fault)
    port = urlsplit(server.url).port
    said = []
    for href, way in (
        (f"{server.url}/a.tif?sig=SECRET-QUERY", ""),
        (f"{server.url}/a.tif?tk={{key}}", "key:SOME_KEY"),
        (f"http://me:SECRET-PASSWORD@127.0.0.1:{port}/a.tif", ""),
    ):
        with pytest.raises(NetError) as caught:
            fetch(href, access=way, options=SOON, max_bytes=2000)
        said += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("pipeline")]
    assert not [text for text in said + ours if "SECRET" in text]


def test_requests_show_no_secret():
    request = access.Request("https://host/a.tif?sig=SECRET", {"Authorization": "Bearer SECRET"})
    assert "SECRET" not in repr(request)
    assert "SECRET" not in repr(access._Token("sig=SECRET", dt.datetime.now(dt.UTC)))


class Planet:
    """A token service and a store that wants its latest token, both on one server."""

    def __init__(self, server: Faulty, minutes: float = 45) -> None:
        self.server, self.minutes = server, minutes
        self.given: list[str] = []
        self.keys: list[str | None] = []
        server.page("/token/account/container", self.token)
        server.page("/container/a.tif", self.file)

    def token(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        self.given.append(f"sig=SECRET{len(self.given)}")
        self.keys.append(asked.headers.get("ocp-apim-subscription-key"))
        until = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=self.minutes)
        body = {"token": self.given[-1], "msft:expiry": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return 200, {}, json.dumps(body).encode()

    def file(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        lets_in = bool(self.given) and urlsplit(asked.uri).query == self.given[-1]
        return (200, {}, b"pixels") if lets_in else (403, {}, b"no")


BLOB = "https://account.blob.core.windows.net/container/a.tif"


@pytest.fixture
def planet(server: Faulty, monkeypatch) -> Planet:
    """Links to Azure's blob store lead to the server here; nothing else of a way in is changed."""
    monkeypatch.setenv("LUYU_PC_SAS_URL", f"{server.url}/token")
    real = access.opened

    def here(href: str, way: str = "", **more) -> access.Request:
        request = real(href, way, **more)
        moved = request.url.replace("https://account.blob.core.windows.net", server.url)
        return access.Request(moved, request.headers)

    monkeypatch.setattr(access, "opened", here)
    return Planet(server)


def test_a_token_serves_all_files_of_a_container(planet: Planet):
    for _ in range(4):
        assert fetch(BLOB, access="planetary_computer", options=SOON).body == b"pixels"
    assert len(planet.given) == 1
    assert planet.keys == [None]


def test_a_token_that_runs_out_soon_is_renewed_before(planet: Planet):
    planet.minutes = 1
    for _ in range(3):
        assert fetch(BLOB, access="planetary_computer", options=SOON).body == b"pixels"
    assert len(planet.given) == 3


def test_a_refused_token_is_renewed_once(planet: Planet):
    fetch(BLOB, access="planetary_computer", options=SOON)
    planet.given.append("sig=another")  # the store changed its keys
    assert fetch(BLOB, access="planetary_computer", options=SOON).body == b"pixels"
    assert len(planet.given) == 3
    planet.server.page("/container/a.tif", lambda _: (403, {}, b"no"))
    with pytest.raises(NetError, match="not allowed") as caught:
        fetch(BLOB, access="planetary_computer", options=SOON)
    assert "SECRET" not in str(caught.value)
    assert len(planet.given) == 4


def test_a_subscription_key_goes_to_the_token_service_alone(planet: Planet, monkeypatch):
    monkeypatch.setenv("PC_SDK_SUBSCRIPTION_KEY", "SECRET-SUBSCRIPTION")
    fetch(BLOB, access="planetary_computer", options=SOON)
    assert planet.keys == ["SECRET-SUBSCRIPTION"]
    assert "ocp-apim-subscription-key" not in planet.server.hits[-1].headers


def test_a_token_service_that_says_something_else(planet: Planet, server: Faulty):
    server.page("/token/account/container", lambda _: (200, {}, b"<html>log in</html>"))
    with pytest.raises(NetError, match="gives no token"):
        fetch(BLOB, access="planetary_computer", options=SOON)


def test_links_that_are_signed_already_and_other_hosts_stay(planet: Planet, server: Faulty):
    assert fetch(f"{server.url}/a.tif", access="planetary_computer", options=SOON).status == 200
    with pytest.raises(NetError, match="not allowed"):
        fetch(f"{BLOB}?sig=mine", access="planetary_computer", options=SOON)
    assert planet.given == []
    assert urlsplit(server.hits[-1].uri).query == "sig=mine"
