"""The members of a tar or zip archive, one after the other, each name and kind judged before anything is read."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from ..errors import CatalogError

# What a cut or damaged archive raises, here or while a member is read; none of them is an OSError.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, NotImplementedError)
_MAX_MEMBERS = 20_000

Member = tuple[str, int, Callable[[], Any]]


def members(path: Path) -> Iterator[Member]:
    """Name, declared size in bytes and opener of each file, in the archive's order, read once from front to back.

    An opener serves until the next member is asked for. CatalogError for a name that leads out of its folder, a link, a
    device; ``BROKEN``, OSError or RuntimeError (a password) for what cannot be read.
    """
    yield from _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)


def _zip_members(path: Path) -> Iterator[Member]:
    with _opened_zip(path) as archive:
        infos = archive.infolist()
        _count(path, len(infos))
        for info in infos:
            name = _safe(path, info.filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise CatalogError(f"{path}: member {name!r} is a link or a device; refused")
            if not info.is_dir():
                yield name, info.file_size, partial(archive.open, info)


def _opened_zip(path: Path) -> zipfile.ZipFile:
    """The archive, names without a stated encoding taken as the GBK of Chinese Windows."""
    try:
        return zipfile.ZipFile(path, metadata_encoding="gbk")
    except UnicodeDecodeError:
        return zipfile.ZipFile(path)


def _tar_members(path: Path) -> Iterator[Member]:
    with path.open("rb") as file, _decompressed(file) as stream:
        tape = _Tape(stream)
        with tarfile.open(fileobj=tape, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:  # type: ignore[call-overload]
            for number, member in enumerate(archive):
                _count(path, number)
                name = _safe(path, member.name)
                if not (member.isreg() or member.isdir()):
                    raise CatalogError(f"{path}: member {name!r} is a link or a device; refused")
                tarfile.data_filter(member, "/nowhere")
                if member.isreg():
                    yield name, member.size, partial(archive.extractfile, member)
                archive.members = []  # a list of all members is not needed
        if tape.last != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("no end mark")
        while stream.read(1 << 20):  # the check sum stands at the end
            pass


@contextmanager
def _decompressed(file: IO[bytes]) -> Iterator[Any]:
    """The stream under the compression that the first bytes tell."""
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        kind: Any = gzip.GzipFile(fileobj=file, mode="rb")
    elif start.startswith(b"\xfd7zXZ\x00"):
        kind = lzma.LZMAFile(file)  # noqa: SIM115  closed below
    elif start.startswith(b"BZh"):
        kind = bz2.BZ2File(file)
    else:
        kind = contextlib.nullcontext(file)
    with kind as stream:
        yield stream


class _Tape:
    """A stream that remembers what it read last: of a whole tar that is a block of zeros, of a cut one it is not."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.last = stream, b""

    def read(self, size: int = -1) -> bytes:
        self.last = self._stream.read(size)
        return self.last

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _count(path: Path, number: int) -> None:
    if number > _MAX_MEMBERS:
        raise CatalogError(f"{path}: holds more than {_MAX_MEMBERS} members; no delivery does")


def _safe(path: Path, name: str) -> str:
    """The member's name, with slashes and without a leading ``./``; CatalogError when it leads out of its folder."""
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    bad = plain.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", plain) or any(ord(c) < 32 for c in plain)
    if bad:
        raise CatalogError(f"{path}: member {name!r} would be written outside its folder; refused")
    return "/".join(parts)
