"""What may come from outside, and how much of it: opening a file is already processing."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from ..catalog.layer_entries import Entry
from ..catalog.layer_guard import confine
from ..errors import LuyuError

MOST_ROWS = 20_000
MOST_PHOTO_BYTES = 30_000_000
MOST_BYTES = {".gpkg": 1 << 30, ".xlsx": 64 << 20, ".json": 16 << 20}


def sound(path: Path) -> None:
    """LuyuError for what is no plain file, too large, not what its name says, or would fill the memory of its reader."""
    if path.suffix.lower() not in MOST_BYTES:
        raise LuyuError(f"{path}: {path.suffix or 'no suffix'} is not read; name {', '.join(MOST_BYTES)} or a folder")
    confine(Entry("cases", path, "the command line"))
    if (size := path.stat().st_size) > (most := MOST_BYTES[path.suffix.lower()]):
        raise LuyuError(f"{path}: {size >> 20} MB, more than the {most >> 20} MB that are read; import it in parts")


def within(root: Path, named: str) -> Path:
    r"""The file that a row names, inside ``root``; ValueError for any other place, whatever leads there.

    A bare name is looked for in ``photos`` too. Backslashes are taken as Windows writes them.
    """
    parts = named.replace("\\", "/")
    if "\x00" in named or parts.startswith("/") or PureWindowsPath(named).drive or ".." in parts.split("/"):
        raise ValueError("leads out of the package's folder; write the path below that folder, such as photos/1.jpg")
    inside = root.resolve()
    for candidate in (root / parts, root / "photos" / parts):
        try:
            real = candidate.resolve()
            found = real.is_file()
        except OSError as error:
            raise ValueError(f"cannot be looked at ({error.strerror})") from error
        if found and not real.is_relative_to(inside):
            raise ValueError("is a link that leads out of the package's folder; put the photo itself there")
        if found:
            return real
    raise ValueError("is not in the package's folder; put the photo into its folder photos")
