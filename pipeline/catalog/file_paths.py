"""What an entry of a delivery names: one file, a folder, an archive, or all that a glob matches; here or in a store."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ConfigError, NetError
from ..net import s3


def expanded(path: str, as_written: str) -> list[str]:
    """The files, folders and archives that a path or glob names, sorted; ConfigError when it names none."""
    wild, what = any(char in path for char in "*?["), f"imagery.source.scenes: {as_written!r}"
    if path.startswith("s3://") and (wild or path.endswith("/")):
        return _in_store(path, what)
    if "://" in path:
        if wild:
            raise ConfigError(f"{what}: a web server lists no folder; list the files")
        if not path.startswith(("s3://", "https://")):
            raise ConfigError(f"{what}: is neither a path nor an s3:// or https:// address")
        return [path]
    try:
        there = Path(path).exists()
    except OSError as error:  # a name too long
        raise ConfigError(f"{what}: {error.strerror}") from error
    if there or not wild:
        if not there:
            raise ConfigError(f"{what}: no such file ({path})")
        return [path]
    anchor = Path(Path(path).anchor)
    matches = sorted(str(found) for found in anchor.glob(str(Path(path).relative_to(anchor))))
    usable = [found for found in matches if Path(found).is_file() or Path(found).is_dir()]
    if not usable:
        raise ConfigError(f"imagery.source.scenes: glob {as_written!r} matches no file ({path})")
    return usable


def _in_store(path: str, what: str) -> list[str]:
    """The TIFFs under an s3:// folder, or those that a glob over keys matches (``*`` reaches over no ``/``)."""
    before = path[: min(path.find(char) for char in "*?[" if char in path)] if any(c in path for c in "*?[") else path
    folder = before[: before.rfind("/") + 1]
    pattern = re.compile(glob_regex(path)) if folder != path else None
    try:
        found = [href for href in s3.listed(folder) if href.lower().endswith((".tif", ".tiff"))]
    except NetError as error:
        raise ConfigError(f"{what}: {error}") from error
    matches = [href for href in found if pattern is None or pattern.match(href)]
    if not matches:
        raise ConfigError(f"{what}: no TIFF lies there ({len(found)} under {folder})")
    return sorted(matches)


def glob_regex(pattern: str) -> str:
    """The regular expression of a glob in which ``*`` and ``?`` stay within a folder and ``**`` reaches into all.

    >>> bool(re.match(glob_regex("s3://b/*/x_*.tif"), "s3://b/2024/x_1.tif"))
    True
    >>> bool(re.match(glob_regex("s3://b/*.tif"), "s3://b/2024/x_1.tif"))
    False
    """
    parts = re.split(r"(\*\*/?|\*|\?|\[[^\]]+\])", pattern)
    said = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return "".join(said.get(part, part if part.startswith("[") else re.escape(part)) for part in parts) + r"\Z"
