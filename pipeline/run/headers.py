"""Headers of the files that a plan looks at: fetched side by side, a server that is away asked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from ..catalog.archive import Archive, to_unpack
from ..config.imagery_options import ImageryOptions
from ..errors import NetError
from ..model.scene import BandFile
from ..net.hrefs import redacted
from ..tiff.gdal_env import is_remote
from ..tiff.origin import origin_of
from ..tiff.remote import known_file


class Headers:
    """What is known of files: ``unknown`` names those without header and why, ``far`` counts files behind a network."""

    def __init__(self, imagery: ImageryOptions, offline: bool) -> None:
        self.network, self.offline = imagery.network, offline
        self.reader = imagery.reader()
        self.unknown: dict[str, str] = {}
        self.far = 0
        self.archives: tuple[Archive, ...] = ()

    def fetch(self, files: Sequence[BandFile]) -> None:
        """Get all headers that are not known yet. CatalogError when an archive that was looked into is gone."""
        self.archives = to_unpack({file.href for file in files if not is_remote(file.href)})
        mine = {(f.href, f.access): f for f in files if f.service is None and f.ortho is None and is_remote(f.href)}
        self.far = len(mine)
        wanted = [file for file in mine.values() if known_file(file.href, file.access, self.network) is None]
        if self.offline:
            self.unknown |= {redacted(file.href): "not asked (--offline)" for file in wanted}
            return
        away: dict[str, str] = {}
        first = {urlsplit(file.href).netloc: file for file in reversed(wanted)}
        for host, file in first.items():
            if why := self._one(file, away):
                away[host] = why
        rest = [file for file in wanted if first[urlsplit(file.href).netloc] is not file]
        with ThreadPoolExecutor(self.network.at_once) as pool:
            list(pool.map(lambda file: self._one(file, away), rest))

    def whole(self, file: BandFile) -> int | None:
        """Size of a file that is read as a whole: a raw image, or one that is still in an archive; else None."""
        for archive in self.archives:
            if Path(file.href).is_relative_to(archive.place):
                return dict(archive.members).get(Path(file.href).relative_to(archive.place).as_posix(), 0)
        if file.ortho is None:
            return None
        try:
            return Path(file.href).stat().st_size
        except OSError as error:
            self.unknown[redacted(file.href)] = str(error.strerror)
            return 0

    def _one(self, file: BandFile, away: Mapping[str, str]) -> str:
        """Get one header; why its whole server is taken for away, empty if it is not."""
        if why := away.get(urlsplit(file.href).netloc):
            self.unknown[redacted(file.href)] = why
            return ""
        try:
            origin_of(file, self.network)
        except NetError as error:
            self.unknown[redacted(file.href)] = error.why
            return error.why if error.status is None else ""
        except ValueError as error:
            self.unknown[redacted(file.href)] = str(error)
        return ""
