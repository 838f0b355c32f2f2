"""What makes two finished runs the same: every byte but for times, and the same history of cases."""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.ledger.state import CHINA

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
# What a run says of itself: how it was told to go, how long it took, what it reused and found in its cache.
_OWN = re.compile(r"^configuration$|^spent|^reads$|seconds|reused")
_FOLDERS = ("counties", "notices", "chips")


def difference(one: Path, other: Path, *, ledger: Path | None = None) -> str | None:
    """The first thing in which two run folders differ, in words; None where they are the same.

    Their ledgers lie in them, but for the other's where it is given as ``ledger``.
    """
    told = _names(one), _names(other)
    if told[0] != told[1]:
        return f"files: {sorted(told[0] ^ told[1])}"
    ledgers = one / "ledger.sqlite", ledger or other / "ledger.sqlite"
    # report.html is made of nothing but run.json, findings.gpkg and coverage.csv, and tells times.
    for name in sorted(told[0] - {"run.json", "findings.gpkg", "report.html"}):
        contents = [(folder / name).read_bytes() for folder in (one, other)]
        if name == "index.html":  # it tells when cases were opened
            contents = [_undated(content, *ledgers) for content in contents]
        if contents[0] != contents[1]:
            return f"bytes of {name}"
    records = [_record(json.loads((folder / "run.json").read_text(encoding="utf-8"))) for folder in (one, other)]
    return (
        _first("run.json", *records)
        or _first("findings.gpkg", *(list(_rows(folder / "findings.gpkg")) for folder in (one, other)))
        or _first("ledger", *map(history, ledgers))
    )


def history(ledger: Path) -> list[tuple[Any, ...]]:
    """All rows of a ledger but for moments; AssertionError where SQLite finds fault with it."""
    with closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), ledger
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == [], ledger
    return list(_rows(ledger))


def half_files(folder: Path) -> list[str]:
    """Files under their final names that are not whole."""
    places = [(path, whole) for name, whole in _WHOLE.items() for path in folder.rglob(name)]
    return [_name(path, folder) for path, whole in places if not _is_scratch(path) and not _holds(whole, path)]


def scratch_files(folder: Path) -> list[str]:
    """Files that were being written when their run died."""
    return [_name(path, folder) for path in folder.rglob("*") if _is_scratch(path)]


def _is_scratch(path: Path) -> bool:
    return path.name.startswith(".part-")


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _holds(whole: Callable[[Path], bool], path: Path) -> bool:
    try:
        return whole(path)
    except (ValueError, sqlite3.Error):
        return False


def _geopackage(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


_WHOLE: dict[str, Callable[[Path], bool]] = {
    "*.json": lambda path: bool(json.loads(path.read_bytes())),
    "*.geojson": lambda path: bool(json.loads(path.read_bytes())),
    "*.html": lambda path: path.read_bytes().rstrip().endswith(b"</html>"),
    "*.gpkg": _geopackage,
    "*.xlsx": lambda path: b"PK\x05\x06" in path.read_bytes()[-64:],
    "*.docx": lambda path: b"PK\x05\x06" in path.read_bytes()[-64:],
    "*.parquet": lambda path: path.read_bytes()[-4:] == b"PAR1",
    "coverage.csv": lambda path: path.read_bytes().endswith(b"\n"),
}


def _names(folder: Path) -> set[str]:
    """Files for people; what the run keeps for itself (``work``, lock, ledger) is compared in other ways or not at all."""
    top = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".lock", "ledger.sqlite"))]
    below = [path for name in _FOLDERS for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix() for path in (*top, *below)}


def _undated(page: bytes, *ledgers: Path) -> bytes:
    """A page without the days, months and years in which events of the ledgers were written."""
    days = set()
    for ledger in ledgers:
        with closing(sqlite3.connect(ledger)) as connection:
            moments = [dt.datetime.fromisoformat(at) for (at,) in connection.execute("SELECT DISTINCT at FROM events")]
        days |= {moment.astimezone(CHINA).date().isoformat() for moment in moments}
    for text in sorted({day[:length] for day in days for length in (4, 7, 10)}, key=len, reverse=True):
        page = page.replace(text.encode(), b"(a time)")
    return page


def _record(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _record(inner) for key, inner in value.items() if not _OWN.search(key)}
    if isinstance(value, list):
        return [_record(inner) for inner in value]
    return _MOMENT.sub("(a moment)", value) if isinstance(value, str) else value


def _rows(database: Path) -> Iterator[tuple[Any, ...]]:
    """Every row of every table, with its table's name; order of rows is part of it."""
    with closing(sqlite3.connect(database)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        for name in names:
            if name.startswith(("rtree_", "sqlite_")):
                continue
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
            order = "1"
            if name == "pictures":  # cut side by side: which came first says nothing
                columns.remove("id")
                order = "case_no, scene_id, role"
            if name == "looks":  # a run that went on after its images came back has said them in two parts
                columns.remove("id")
                order = ", ".join(f'"{column}"' for column in columns)
            kept = ", ".join(f'"{column}"' for column in columns if not _OWN.search(column))
            for row in connection.execute(f'SELECT {kept} FROM "{name}" ORDER BY {order}'):  # noqa: S608  of the file itself
                yield (name, *map(_cell, row))


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(_record(json.loads(value)), ensure_ascii=False)
    return _record(value)


def _first(what: str, one: Any, other: Any) -> str | None:
    """Where two nested values differ first."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next((said for key in one if (said := _first(f"{what}: {key}", one[key], other[key]))), None)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((said for place, pair in pairs if (said := _first(f"{what} [{place}]", *pair))), None)
    return None if one == other else f"{what}: {str(one)[:200]} is not {str(other)[:200]}"
