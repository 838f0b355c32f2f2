"""A file to be read from, near or far, behind one door: its facts, the bytes of its blocks, and an open dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..model.scene import BandFile
from ..net.options import NetOptions
from .facts import Facts, facts_of
from .gdal_env import is_remote
from .layout import Layout, layout_of
from .local_tiff import opened_tiff
from .remote import RemoteFile, remote_file
from .spans import Span

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


class Origin(Protocol):
    """Where a file's pixels come from. ``version`` names its content: another one when the file has changed."""

    @property
    def version(self) -> str:
        """See above."""
        ...

    def facts(self, level: int | None) -> Facts:
        """What the file says of itself at an overview level (None: full resolution)."""
        ...

    def opened(
        self, level: int | None, wanted: Sequence[Span], ahead: Sequence[Span] = ()
    ) -> contextmanager[DatasetReader]:  # type: ignore[valid-type]
        """The dataset, in which the wanted blocks can be read; blocks ``ahead`` may be fetched along with them."""
        ...

    def layout(self) -> Layout:
        """How its bytes lie."""
        ...


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine; GDAL reads it as it is."""

    href: str

    @property
    def version(self) -> str:
        """See :class:`Origin`."""
        stat = Path(self.href).stat()
        return f"{self.href} {stat.st_size} {stat.st_mtime_ns}"

    def facts(self, level: int | None) -> Facts:
        """See :class:`Origin`."""
        try:
            stat = Path(self.href).stat()
        except OSError:  # GDAL says it in its own words
            return _facts_of_local(self, level)
        return _local_facts(self, level, stat.st_size, stat.st_mtime_ns)

    @contextmanager
    def opened(self, level: int | None, wanted: Sequence[Span], ahead: Sequence[Span] = ()) -> Iterator[DatasetReader]:  # noqa: ARG002
        """See :class:`Origin`."""
        with opened_tiff(self.href, level) as source:
            yield source

    def layout(self) -> Layout:
        """See :class:`Origin`."""
        stat = Path(self.href).stat()
        return _local_layout(self.href, stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True)
class FarFile:
    """A file behind a network."""

    file: RemoteFile
    _facts: dict[int | None, Facts] = field(default_factory=dict, compare=False)

    @property
    def version(self) -> str:
        """See :class:`Origin`."""
        return f"{self.file.href} {self.file.version}"

    def facts(self, level: int | None) -> Facts:
        """See :class:`Origin`."""
        if level not in self._facts:
            with self.file.opened({}, level) as source:
                self._facts[level] = facts_of(source)
        return self._facts[level]

    @contextmanager
    def opened(self, level: int | None, wanted: Sequence[Span], ahead: Sequence[Span] = ()) -> Iterator[DatasetReader]:
        """See :class:`Origin`."""
        with self.file.opened(self.file.blocks(wanted, ahead), level) as source:
            yield source

    def layout(self) -> Layout:
        """See :class:`Origin`."""
        return self.file.layout


def origin_of(file: BandFile, network: NetOptions) -> LocalFile | FarFile:
    """The origin of a band's file. NetError when it cannot be had, ValueError when it is no TIFF."""
    if not is_remote(file.href):
        return LocalFile(file.href)
    return _far(remote_file(file.href, file.access, network))


_far_files: dict[int, FarFile] = {}


def _far(file: RemoteFile) -> FarFile:
    """One FarFile for each RemoteFile, so that its facts are read once."""
    known = _far_files.get(id(file))
    if known is None or known.file is not file:
        if len(_far_files) > 4096:
            _far_files.clear()
        known = _far_files[id(file)] = FarFile(file)
    return known


def _facts_of_local(file: LocalFile, level: int | None) -> Facts:
    with file.opened(level, ()) as source:
        return facts_of(source)


@lru_cache(maxsize=4096)
def _local_facts(file: LocalFile, level: int | None, size: int, changed_ns: int) -> Facts:  # noqa: ARG001  as below
    return _facts_of_local(file, level)


@lru_cache(maxsize=256)
def _local_layout(href: str, size: int, changed_ns: int) -> Layout:  # noqa: ARG001  a file that changed is another key
    with Path(href).open("rb") as file:

        def read(start: int, stop: int) -> bytes:
            file.seek(start)
            return file.read(stop - start)

        return layout_of(read, size)
