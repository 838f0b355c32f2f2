"""Ways in: what turns the address of a file into the request that a server lets through.

Secrets come from the environment, else from the system's keyring (service ``luyu``), at the moment of the request.
They are in no configuration, scene, log, message or result: what travels through the program is the plain address and
the name of a way in.

===================== ==============================================================================================
way in                 what is done
===================== ==============================================================================================
``""``                 ``LUYU_TOKEN_<HOST>`` goes as a bearer token, ``LUYU_USER_<HOST>`` with ``LUYU_PASSWORD_<HOST>``
                       as basic authentication; without them the address is public. HOST in capitals, other signs
                       as ``_``: ``LUYU_TOKEN_DATA_EXAMPLE_ORG``
``planetary_computer`` links to Azure storage get a short-lived token of the Planetary Computer, renewed in time
                       (``PC_SDK_SUBSCRIPTION_KEY`` raises its limits)
``key:NAME``           ``{key}`` in the address is replaced by the secret NAME
===================== ==============================================================================================

``s3://`` addresses become presigned links, by what the environment says (see :mod:`.s3`).
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, urlsplit

from ..errors import NetError
from . import s3
from .hrefs import redacted

PLANETARY_COMPUTER = "planetary_computer"
_RENEW_BEFORE = dt.timedelta(minutes=2)
_REMEMBERED_S = 600.0


@dataclass(frozen=True)
class Request:
    """What is really sent. ``repr`` shows no secret."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def secret(name: str) -> str | None:
    """The secret of that name: from the environment, else from the system's keyring where there is one."""
    if value := os.environ.get(name):
        return value
    return _from_keyring(name, int(time.monotonic() // _REMEMBERED_S))


@lru_cache(maxsize=256)
def _from_keyring(name: str, window: int) -> str | None:  # noqa: ARG001  asked anew in the next window of time
    """What the keyring holds; it may be asked over a bus, so not at each request."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password("luyu", name)
    except KeyringError:
        return None


Ask = Callable[[str, Mapping[str, str]], bytes]


def opened(href: str, access: str = "", *, renew: bool = False, ask: Ask) -> Request:
    """The request for ``href`` by the way in ``access``; NetError when a secret that it takes is not there.

    ``renew``: the server refused the last one; tokens that are kept are fetched anew. ``ask``: the body of an address,
    given headers, for services that hand out tokens.
    """
    if href.startswith("s3://"):
        return Request(s3.link(href))
    if access.startswith("key:"):
        return Request(_keyed(href, access.removeprefix("key:")))
    if access == PLANETARY_COMPUTER:
        return Request(_azure_link(href, renew, ask))
    if access:
        raise NetError(redacted(href), f"unknown way in {access!r}; known: '', {PLANETARY_COMPUTER!r}, 'key:NAME'")
    return Request(href, _own_headers(urlsplit(href).hostname or ""))


def host_name(host: str) -> str:
    """How a host is written in the names of its secrets.

    >>> host_name("data.example.org")
    'DATA_EXAMPLE_ORG'
    """
    return re.sub(r"[^A-Z0-9]", "_", host.upper())


def _own_headers(host: str) -> dict[str, str]:
    name = host_name(host)
    if token := secret(f"LUYU_TOKEN_{name}"):
        return {"Authorization": f"Bearer {token}"}
    user, password = secret(f"LUYU_USER_{name}"), secret(f"LUYU_PASSWORD_{name}")
    if user and password:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    return {}


def _keyed(href: str, name: str) -> str:
    value = secret(name)
    if not value:
        raise NetError(redacted(href), f"takes a key; put it into the environment variable {name} or the keyring")
    return href.replace("{key}", quote(value, safe=""))


@dataclass(frozen=True)
class _Token:
    query: str = field(repr=False)
    until: dt.datetime


_tokens: dict[str, _Token] = {}
_tokens_lock = threading.Lock()


def _azure_link(href: str, renew: bool, ask: Ask) -> str:
    """``href`` with a shared-access token of its container; addresses elsewhere stay as they are."""
    parts = urlsplit(href)
    host = parts.hostname or ""
    container = parts.path.lstrip("/").partition("/")[0]
    if not host.endswith(".blob.core.windows.net") or parts.query:
        return href
    with _tokens_lock:
        token = _tokens.get(f"{host}/{container}")
        if token is None or renew or token.until - _RENEW_BEFORE <= dt.datetime.now(dt.UTC):
            token = _tokens[f"{host}/{container}"] = _asked(host.partition(".")[0], container, ask)
    return f"{href}?{token.query}"


def _asked(account: str, container: str, ask: Ask) -> _Token:
    """A token from the Planetary Computer, good for about 45 minutes."""
    base = os.environ.get("LUYU_PC_SAS_URL", "https://planetarycomputer.microsoft.com/api/sas/v1/token")
    key = secret("PC_SDK_SUBSCRIPTION_KEY")
    headers = {"Ocp-Apim-Subscription-Key": key} if key else {}
    try:
        said = json.loads(ask(f"{base}/{quote(account)}/{quote(container)}", headers))
        return _Token(str(said["token"]), dt.datetime.fromisoformat(str(said["msft:expiry"]).replace("Z", "+00:00")))
    except (ValueError, KeyError, TypeError):
        raise NetError(base, "gives no token; the service has changed or a proxy answers in its place") from None
