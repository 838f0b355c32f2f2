"""Archives as they are delivered (.tar.gz, .tar.xz, .tar, .zip): looked into for a plan, unpacked for a run.

An archive is input from outside. Links, devices, absolute names and names that climb out refuse the whole archive;
declared sizes are held against a limit and the free disk before a byte is written; only images and what describes them
are unpacked. A first look keeps texts whole and of each image its header, so that a plan needs no gigabytes; both the
look and the unpacked files lie in the cache under a name made of the archive's path, size and time of change, whole or
not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import CatalogError
from ..net.cache import default
from .archive_members import BROKEN, members

SUFFIXES = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tar", ".zip")
_KEPT = re.compile(r"\.(tiff?|xml|rpb|rpc|tfw)$|_rpc\.txt$", re.IGNORECASE)
_TIFF = re.compile(r"\.tiff?$", re.IGNORECASE)
_MAX_TEXT = 16 << 20
_HEAD = 1 << 20  # bytes of an image's beginning, and of what follows its directory, that a first look keeps
_MARGIN = 1 << 16  # and before the directory: libtiff writes long tags there
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Archive:
    """An archive that was looked into. ``members``: names and sizes in bytes of what would be unpacked."""

    path: Path
    place: Path
    members: tuple[tuple[str, int], ...]

    @property
    def heads(self) -> Path:
        """Folder of the texts and of the images' headers, under the names of the archive."""
        return _looked(self.place) / "files"

    @property
    def bytes_unpacked(self) -> int:
        """Size of all that would be unpacked."""
        return sum(size for _, size in self.members)


def is_archive(path: str | Path) -> bool:
    """Whether the name is that of an archive."""
    return str(path).lower().endswith(SUFFIXES)


def cache_folder() -> Path:
    """Where deliveries are unpacked if nobody says: beside what was fetched from the network."""
    return default().folder / "deliveries"


def look(path: Path, cache: Path | None = None, *, max_gb: float = 100.0) -> Archive:
    """The archive's members, with its texts and the headers of its images in the cache; read once, then remembered.

    CatalogError, naming archive and member, for one that is cut off, hostile, or larger than ``max_gb`` unpacked.
    """
    place = (cache or cache_folder()) / _key(path)
    index = _looked(place) / "index.json"
    if not index.is_file():
        with _alone(_looked(place)):
            if not index.is_file():
                with _made(_looked(place), path) as scratch:
                    _write_look(path, scratch, max_gb)
    found = _remembered(path, place)
    if found.bytes_unpacked > max_gb * 1e9:
        raise CatalogError(f"{path}: {_too_large(found.bytes_unpacked, max_gb)}")
    return found


def unpack(archive: Archive) -> Path:
    """Folder of the unpacked files: as they lie there if all are there, else unpacked now, all or none.

    CatalogError when the archive changed since it was looked into, is cut off, or the disk has no room.
    """
    if _key(archive.path) != archive.place.name:
        raise CatalogError(f"{archive.path}: changed since the plan was made; plan again")
    if _complete(archive):
        return archive.place
    with _alone(archive.place):
        if not _complete(archive):  # another process may have done it meanwhile
            with _made(archive.place, archive.path, archive.bytes_unpacked) as scratch:
                _write_files(archive, scratch)
    return archive.place


def to_unpack(hrefs: Iterable[str]) -> tuple[Archive, ...]:
    """The archives that have to be unpacked before these addresses, which :func:`look` foresaw, can be read.

    Addresses of other files are none of its business. CatalogError when an archive is gone.
    """
    found: dict[Path, Archive] = {}
    for href in hrefs:
        path = Path(href)
        if "://" in href or path.is_file():
            continue
        place = next((one for one in path.parents if one.name and (_looked(one) / "index.json").is_file()), None)
        if place is None or place in found:
            continue
        source = Path(json.loads((_looked(place) / "index.json").read_text(encoding="utf-8"))["archive"])
        if not source.is_file():
            raise CatalogError(f"{source}: is gone, and it is not unpacked yet; put it back or plan without it")
        found[place] = _remembered(source, place)
    return tuple(found.values())


def unpack_needed(hrefs: Iterable[str]) -> tuple[Path, ...]:
    """Unpacks what :func:`to_unpack` tells; gives the archives unpacked now. CatalogError as :func:`unpack`."""
    archives = to_unpack(hrefs)
    for archive in archives:
        unpack(archive)
    return tuple(archive.path for archive in archives)


def _remembered(path: Path, place: Path) -> Archive:
    said = json.loads((_looked(place) / "index.json").read_text(encoding="utf-8"))
    return Archive(path, place, tuple((str(name), int(size)) for name, size in said["members"]))


def _looked(place: Path) -> Path:
    return place.with_name(place.name + ".look")


def _key(path: Path) -> str:
    """Name in the cache; another one as soon as the archive changes."""
    status = path.stat()
    digest = hashlib.sha256(f"{path.resolve()}\n{status.st_size}\n{status.st_mtime_ns}".encode()).hexdigest()[:16]
    stem = next((path.name[: -len(end)] for end in SUFFIXES if path.name.lower().endswith(end)), path.stem)
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', stem)[:80]}-{digest}"


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process at a time makes a target; the others wait and find it made."""
    from filelock import FileLock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(f"{target.parent}: cannot be used for unpacking: {error.strerror}") from error
    with FileLock(str(target) + ".lock"):
        yield


@contextmanager
def _made(target: Path, source: Path, need: int = 0) -> Iterator[Path]:
    """A scratch folder that takes the name ``target`` when the block succeeds and is removed when it fails."""
    free = shutil.disk_usage(target.parent).free
    if need > free:
        raise CatalogError(
            f"{source}: needs {need / 1e9:.1f} GB unpacked, but {target.parent} has {free / 1e9:.1f} GB free;"
            " make room, or name another folder (LUYU_CACHE)"
        )
    scratch = None
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
        yield scratch
        if target.exists():  # what is left of it is not whole
            shutil.rmtree(target)
        scratch.rename(target)
    except BROKEN as error:
        why = str(error) or type(error).__name__
        raise CatalogError(f"{source}: cut off or damaged ({why}); fetch the archive again") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise CatalogError(f"{source}: {error}; unpack it yourself and name the folder") from error
    except OSError as error:
        raise CatalogError(f"{source}: cannot be unpacked: {error.strerror or error}") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _write_files(archive: Archive, scratch: Path) -> None:
    sizes = dict(archive.members)
    changed = archive.path.stat().st_mtime_ns
    for name, _, opened in members(archive.path):
        if name not in sizes:
            continue
        target = scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened() as source, target.open("wb") as out:
            _copy(source, out, sizes[name])
        if target.stat().st_size != sizes[name]:
            raise CatalogError(f"{archive.path}: member {name!r} is cut off; fetch the archive again")
        # The archive's time, so that whatever looks at times sees the same file after it was unpacked a second time.
        os.utime(target, ns=(changed, changed))


def _complete(archive: Archive) -> bool:
    """Whether all members lie unpacked, each in its size."""
    for name, size in archive.members:
        path = archive.place / name
        if not path.is_file() or path.stat().st_size != size:
            return False
    return bool(archive.members)


def _write_look(path: Path, scratch: Path, max_gb: float) -> None:
    kept: dict[str, int] = {}
    total = 0
    for name, size, opened in members(path):
        total += size
        if total > max_gb * 1e9:
            raise CatalogError(f"{path}: {_too_large(total, max_gb)}")
        base = PurePosixPath(name).name
        if not _KEPT.search(base) or base.startswith("."):
            continue
        if name in kept:
            raise CatalogError(f"{path}: holds {name!r} twice; pack it anew")
        kept[name] = size
        target = scratch / "files" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened() as source, target.open("wb") as out:
            if _TIFF.search(base):
                _copy_header(source, out, size)
            elif size <= _MAX_TEXT:
                _copy(source, out, size)
    if not any(_TIFF.search(name) for name in kept):
        raise CatalogError(f"{path}: holds no TIFF image")
    status = path.stat()
    said = {"archive": str(path.resolve()), "size": status.st_size, "members": list(kept.items())}
    (scratch / "index.json").write_text(json.dumps(said), encoding="utf-8")


def _too_large(total: float, max_gb: float) -> str:
    return f"holds more than {max_gb:g} GB ({total / 1e9:.1f} GB at least); if that is right, raise max_unpacked_gb"


def _copy(source: IO[bytes], out: IO[bytes], limit: int) -> None:
    left = limit
    while left > 0 and (chunk := source.read(min(_CHUNK, left))):
        out.write(chunk)
        left -= len(chunk)


def _copy_header(source: IO[bytes], out: IO[bytes], size: int) -> None:
    """The parts of a TIFF that hold its directory, at their places; the pixels between stay a hole in the file."""
    head = source.read(min(_HEAD, size))
    out.write(head)
    at = _directory_at(head)
    start = max(at - _MARGIN, len(head))
    if at + _MARGIN <= len(head) or start >= size:
        return
    skip = start - len(head)
    while skip > 0 and (chunk := source.read(min(_CHUNK, skip))):
        skip -= len(chunk)
    out.seek(start)
    _copy(source, out, min(_HEAD + _MARGIN, size - start))


def _directory_at(head: bytes) -> int:
    """Offset of the first directory of a classic or big TIFF; 0 for what is none."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 16:
        return 0
    version = struct.unpack(order + "H", head[2:4])[0]
    if version == 42:
        return int(struct.unpack(order + "I", head[4:8])[0])
    return int(struct.unpack(order + "Q", head[8:16])[0]) if version == 43 else 0
