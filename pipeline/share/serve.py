"""A shared folder over OGC API - Features, by pygeoapi, on this machine alone."""

from __future__ import annotations

import importlib.util
import io
import ipaddress
import json
import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from ..errors import LuyuError

MANIFEST = "share.json"
LOOPBACK = "127.0.0.1"
_PARENT_POLL_S = 1.0
_OFFERED = frozenset({"", "conformance", "openapi", "collections", "static"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("gis.local")
    (True, True, False, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(folder: Path, *, host: str = LOOPBACK, port: int = 5000, ready: Callable[[str], None]) -> None:
    """Serve ``folder`` until interrupted (Ctrl-C, SIGTERM) or until the process that started this one is gone.

    All happens in this process, so that nothing is left when it ends. ``port`` 0 takes a free one; ``ready`` is called with
    the address. LuyuError when the extra is not installed, the folder is no share, or the address is not to be had.
    """
    _check(folder)
    if host in ("0.0.0.0", "::"):  # noqa: S104  refused here
        raise LuyuError(
            f"--host {host} is no address that a link could name; give the one by which others reach this machine"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening, tempfile.TemporaryDirectory() as scratch:
        if os.name == "posix":  # elsewhere the option would let two servers share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except (OSError, OverflowError) as error:
            raise LuyuError(
                f"{host}:{port} cannot be listened on ({error}); is another service there? Choose with --port, 0 for a free one"
            ) from error
        listening.listen()
        port = listening.getsockname()[1]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        _run(folder, host, listening, address, Path(scratch), ready)


def _check(folder: Path) -> None:
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LuyuError(f"{folder}: no share ({MANIFEST}); make one with 'luyu share RUN --out {folder}'") from error
    if not (folder / "pygeoapi.yml").is_file():
        raise LuyuError(
            f"{folder}: a share for audience {told.get('audience')!r} holds a table to be read, nothing to serve"
        )
    if importlib.util.find_spec("pygeoapi") is None:
        raise LuyuError("serving needs pygeoapi, which is not installed: pip install 'luyu[serve]'")


def _run(
    folder: Path, host: str, listening: socket.socket, address: str, scratch: Path, ready: Callable[[str], None]
) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    config, document = folder.absolute() / "pygeoapi.yml", scratch / "openapi.json"
    os.environ |= {
        "LUYU_SHARE": str(folder.absolute()),
        "LUYU_SHARE_URL": address,
        "PYGEOAPI_CONFIG": str(config),
        "PYGEOAPI_OPENAPI": str(document),
    }
    from pygeoapi.openapi import generate_openapi_document

    text = generate_openapi_document(io.StringIO(config.read_text(encoding="utf-8")), "json")
    document.write_text(text, encoding="utf-8")
    from pygeoapi.flask_app import APP  # reads the environment as it is imported
    from werkzeug.serving import make_server

    if is_loopback(host):  # a page elsewhere whose name is made to point here must not read it through the browser
        APP.config["TRUSTED_HOSTS"] = [host, f"[{host}]", "localhost"]
    APP.before_request(_features_only)
    APP.after_request(_sealed)
    for name in ("werkzeug", "pygeoapi.api"):  # not every request, nor a stack for every bad one
        logging.getLogger(name).setLevel(logging.CRITICAL)
    server = make_server(host, listening.getsockname()[1], APP, threaded=True, fd=listening.fileno())
    with suppress(KeyboardInterrupt), closing(server.socket):
        ready(address)
        server.serve_forever()


def _features_only() -> None:
    """What pygeoapi offers besides features (processes, jobs, tiles, STAC, changes) is not there."""
    from flask import abort, request

    if request.method not in ("GET", "HEAD", "OPTIONS"):
        abort(405)
    if request.path.strip("/").split("/")[0] not in _OFFERED:
        abort(404)


def _sealed(response: Any) -> Any:
    """Nothing of a page runs, and nothing is fetched from elsewhere, whatever a template or a name says."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
