"""What was fetched, kept on this machine: so that a second run, or the next tile, asks for nothing twice.

One file an entry, named by the digest of its key and written under another name first, so that processes may share the
folder and a crash leaves no half entry. Each carries a digest of its content; one that does not fit is thrown away and
fetched again. Beyond its size limit the folder loses what was not used for longest.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from . import tally
from .options import NetOptions

_MAGIC = b"LUYU\x01"
_DIGEST = 16
_TRIM_TO = 0.9
_TOUCH_S = 3600.0  # how stale the mark of last use may be; marking each use would write at each read
_LONGEST_WAIT_S = 600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cache:
    """Entries of bytes by text keys in a folder of at most ``limit_bytes``; nothing is kept at 0.

    An entry that cannot be written (full disk, no rights) is not kept; reading never fails for that.
    """

    folder: Path
    limit_bytes: int

    def get(self, key: str) -> bytes | None:
        """The entry, or None when it is not there or damaged."""
        path = self._path(key)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        head = len(_MAGIC) + _DIGEST
        data = raw[head:]
        if raw[:head] != _MAGIC + _digest(key, data):
            self.drop(key)
            return None
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _TOUCH_S:
                os.utime(path)
        tally.add(bytes_cached=len(data))
        return data

    def has(self, key: str) -> bool:
        """Whether there is an entry, sound or not."""
        return self._path(key).is_file()

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``, whole or not at all."""
        if not self.limit_bytes:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_MAGIC + _digest(key, data) + data)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            _once_said(f"{self.folder}: cannot be written ({error.strerror}); what is fetched is not kept")
            return
        _count(self, len(data))

    def drop(self, key: str) -> None:
        """Forget an entry."""
        with contextlib.suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Hold a key among threads and processes, so that two do not fetch the same; freed when the holder dies."""
        if not self.limit_bytes:
            yield
            return
        from filelock import FileLock, Timeout

        path = self.folder / "locks" / hashlib.sha256(key.encode()).hexdigest()[:2]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path, is_singleton=False, thread_local=False)
            lock.acquire(timeout=_LONGEST_WAIT_S)
        except (OSError, Timeout):  # fetched twice at worst
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def trim(self) -> None:
        """Delete what was not used for longest until the folder is below its limit again, and parts left by a crash."""
        entries, total, now = [], 0, time.time()
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                if path.name.startswith(".part-"):
                    if now - stat.st_mtime > _LONGEST_WAIT_S:
                        path.unlink()
                    continue
                entries.append((stat.st_mtime, stat.st_size, path))
                total += stat.st_size
        if total <= self.limit_bytes:
            return
        for _, size, path in sorted(entries, key=lambda entry: entry[0]):
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size
            if total <= self.limit_bytes * _TRIM_TO:
                break

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / name[2:]


def default(options: NetOptions | None = None) -> Cache:
    """The cache that the options name, else ``LUYU_CACHE``, else the user's cache folder."""
    chosen = options or NetOptions()
    folder = chosen.cache or Path(os.environ.get("LUYU_CACHE") or _user_folder())
    return Cache(folder, int(chosen.cache_gb * 1e9))


def _user_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("luyu", appauthor=False)


def _digest(key: str, data: bytes) -> bytes:
    digest = hashlib.blake2b(data, digest_size=_DIGEST, key=hashlib.sha256(key.encode()).digest())
    return digest.digest()


_written: dict[Path, int] = {}


def _count(cache: Cache, size: int) -> None:
    """Trim now and then: at the first entry of a process, and when a hundredth of the limit has been written since."""
    before = _written.get(cache.folder)
    _written[cache.folder] = (before or 0) + size
    if before is None or _written[cache.folder] > cache.limit_bytes / 100:
        _written[cache.folder] = 0
        cache.trim()


@lru_cache(maxsize=64)
def _once_said(text: str) -> None:
    _log.warning(text)
