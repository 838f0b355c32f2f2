"""An S3-compatible store that checks signatures (nanio), in an environment of its own."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .loopback import free_port, missing, running

SERVER = "nanio==0.1.7"


@dataclass(frozen=True)
class Store:
    """A running store. ``folder`` holds the bucket's objects as files."""

    url: str
    bucket: str
    key: str
    secret: str = field(repr=False)
    region: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which clients find and enter it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": self.region,
        }

    def put(self, path: Path, name: str = "") -> str:
        """The s3:// address of a copy of the file ``path`` in the bucket, uploaded with a signed request."""
        import obstore
        from obstore.store import S3Store

        store = S3Store(
            self.bucket, endpoint=self.url, region=self.region, access_key_id=self.key,
            secret_access_key=self.secret, client_options={"allow_http": True},
        )  # fmt: skip
        obstore.put(store, name or path.name, path.read_bytes())
        return f"s3://{self.bucket}/{name or path.name}"


def uv() -> str | None:
    """The uv that came with this environment, or the one on the path."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


@contextmanager
def s3(bucket: str = "imagery") -> Iterator[Store]:
    """A store with one empty bucket while the block runs; the server is installed at the first use (about 10 s)."""
    runner = uv()
    if runner is None:
        missing("uv is not installed; the S3 server cannot be")
    with tempfile.TemporaryDirectory(prefix="s3-") as home:
        port, data = free_port(), Path(home, "data")
        (data / bucket).mkdir(parents=True)
        store = Store(
            f"http://127.0.0.1:{port}", bucket, "READER", "a-secret-of-the-tests", "cn-north-1", data / bucket
        )
        command = [str(runner), "run", "--quiet", "--isolated", "--no-project", "--python", sys.executable, "--with",
                   SERVER, "nanio", "serve", "--data-dir", str(data), "--host", "127.0.0.1", "--port", str(port),
                   "--region", store.region]  # fmt: skip
        env = {"NANIO_ACCESS_KEY": store.key, "NANIO_SECRET_KEY": store.secret}
        with running(command, port, Path(home, "output"), env=env, patience_s=180.0):
            yield store
