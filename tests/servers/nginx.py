"""nginx, as offices and mirrors run it: files with byte ranges, and an access log that tests can read."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from .loopback import Hit, free_port, missing, running

_LOG = r"$request_method\t$request_uri\t$status\t$bytes_sent\t$body_bytes_sent\t$http_range\t$request_time"
_CONF = """
{user}
worker_processes 1;
daemon off;
pid {home}/pid;
error_log {home}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  log_format plain escape=none "{log}";
  access_log {home}/access.log plain;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  default_type application/octet-stream;
  types {{ image/tiff tif; application/json json; }}
  sendfile on; tcp_nodelay on; keepalive_requests 100000;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    root {root};
    {extra}
  }}
}}
"""


@dataclass
class Nginx:
    """A running server: ``url`` of its root (no slash at the end), ``root`` the folder that it serves."""

    url: str
    root: Path
    log: Path
    _from: int = 0
    _marks: Iterator[int] = field(default_factory=count)

    def requests(self) -> list[Hit]:
        """Requests since the start or the last :meth:`forget`, in the order in which they were done."""
        mark = f"/--mark-{next(self._marks)}"  # what is in the log before this request is complete
        try:
            urllib.request.urlopen(self.url + mark, timeout=10).close()  # noqa: S310
        except urllib.error.HTTPError as answer:
            answer.close()
        lines, until = [], time.monotonic() + 10
        while not any(mark in line for line in lines):
            assert time.monotonic() < until, f"nginx writes no log to {self.log}"
            lines = self.log.read_text().splitlines()
        hits = [_hit(line) for line in lines if "/--mark-" not in line]
        return hits[self._from :]

    def forget(self) -> None:
        """Leave out what was asked so far."""
        self._from += len(self.requests())


def _hit(line: str) -> Hit:
    method, uri, status, sent, body, asked, seconds = line.split("\t")
    return Hit(method, uri, int(status), int(sent), int(body), asked, float(seconds))


def program() -> str | None:
    """Path of nginx, or None."""
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


@contextmanager
def nginx(root: Path, *, extra: str = "") -> Iterator[Nginx]:
    """nginx serving ``root`` while the block runs; ``extra`` goes into its server block. Skips where it is missing."""
    binary = program()
    if binary is None:
        missing("nginx is not installed (Debian: nginx-light)")
    with tempfile.TemporaryDirectory(prefix="nginx-") as home:
        port = free_port()
        conf = Path(home, "nginx.conf")
        user = "user root;" if os.geteuid() == 0 else ""  # else its workers may not enter the tests' folders
        conf.write_text(_CONF.format(home=home, port=port, root=root, extra=extra, user=user, log=_LOG))
        command = [str(binary), "-p", home, "-c", str(conf), "-e", f"{home}/error.log"]
        with running(command, port, Path(home, "output")):
            yield Nginx(f"http://127.0.0.1:{port}", Path(root), Path(home, "access.log"))
