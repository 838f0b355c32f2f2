"""The door: a run and its cases as a folder for other systems, whole or not there at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd

from .. import __version__
from ..errors import LuyuError, WorkspaceError
from ..files import atomic_folder
from ..ledger import Ledger
from ..model.audience import Audience, admitted
from ..model.tables import Table
from ..reports import style
from . import source, tables
from .evidence import write_catalogue
from .fields import Dictionary, fields_csv, fields_json, fields_of, fields_xlsx
from .files import AXES, write_gpkg, write_parquet
from .public import township_counts
from .serve import MANIFEST
from .service import write_service


@dataclass(frozen=True)
class Shared:
    """What was written: rows by table, pictures, and what had to be left out."""

    folder: Path
    audience: Audience
    rows: Mapping[str, int]
    pictures: int
    notes: tuple[str, ...]


def share(
    run_folder: Path,
    out: Path,
    *,
    ledger: str | None = None,
    audience: Audience = Audience.INTERNAL,
    map_approval: str | None = None,
) -> Shared:
    """Write what a run found, and what became of it, to ``out``; what an earlier share left there is replaced as a whole.

    Parameters
    ----------
    run_folder : output folder of ``luyu run``.
    ledger : path or URL; default: the one that the run was configured with.
    audience : ``PUBLIC`` needs ``map_approval`` and gets counts by township only (``public.township_counts``).

    Raises
    ------
    LuyuError : a folder that is no run, a ledger that cannot be opened, an audience that may not be served.
    WorkspaceError : ``out`` holds something else than an earlier share, or cannot be written.
    """
    admitted(audience, map_approval)
    run = source.Run.open(run_folder)
    place = run.ledger_place(ledger)
    with _replacing(out, run_folder) as scratch:
        if place is None:
            if audience is Audience.PUBLIC:
                raise LuyuError(
                    f"{run_folder}: no ledger; what the public is told is counted from cases: give --ledger PATH"
                )
            note = "no ledger: cases and pictures are left out; give --ledger PATH"
            done = _internal(scratch, run, None, (note,))
        else:
            with Ledger.open(place, create=False) as opened:
                done = _public(scratch, run, opened) if audience is Audience.PUBLIC else _internal(scratch, run, opened)
        _manifest(scratch, run, audience, map_approval, done)
    return Shared(out, audience, done["rows"], done["pictures"], tuple(done["notes"]))


def _internal(folder: Path, run: source.Run, ledger: Ledger | None, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    cases = None if ledger is None else source.cases(ledger, run.county_codes)
    status = {} if cases is None else dict(zip(cases["case_no"], cases["status"], strict=True))
    frames: dict[str, gpd.GeoDataFrame] = {"findings": source.findings(run, status)}
    if cases is not None:
        frames["cases"] = cases
    frames |= {"coverage": source.coverage(run), "unobserved": source.unobserved(run)}
    dictionary = {name: fields_of(tables.TABLES[name], frame) for name, frame in frames.items()}
    for name, frame in frames.items():
        write_parquet(folder / f"{name}.parquet", name, frame, dictionary[name])
    write_gpkg(folder / "luyu.gpkg", frames, dictionary, run.day)
    _write_dictionary(folder, dictionary, run)
    pictures = 0
    if ledger is not None and cases is not None:
        held = (picture for case_no in sorted(cases["case_no"]) for picture in ledger.pictures(case_no))
        pictures = write_catalogue(folder / "stac", held, run.name)
        if not pictures:
            notes = (*notes, "the ledger keeps no pictures with a known place: no STAC catalogue was written")
    write_service(folder, frames)
    return {"rows": {name: len(frame) for name, frame in frames.items()}, "pictures": pictures, "notes": list(notes)}


def _public(folder: Path, run: source.Run, ledger: Ledger) -> dict[str, Any]:
    table: Table = tables.TOWNSHIP_COUNTS
    counts = township_counts(source.cases(ledger, run.county_codes))
    dictionary = {table.name: fields_of(table, counts)}
    write_parquet(folder / f"{table.name}.parquet", table.name, counts, dictionary[table.name])
    write_gpkg(folder / "luyu.gpkg", {table.name: counts}, dictionary, run.day)
    _write_dictionary(folder, dictionary, run)
    return {"rows": {table.name: len(counts)}, "pictures": 0, "notes": []}


def _write_dictionary(folder: Path, dictionary: Dictionary, run: source.Run) -> None:
    (folder / "fields.json").write_text(fields_json(dictionary), encoding="utf-8")
    (folder / "fields.csv").write_text(fields_csv(dictionary), encoding="utf-8-sig", newline="")
    (folder / "fields.xlsx").write_bytes(fields_xlsx(dictionary, run.day))


def _manifest(
    folder: Path, run: source.Run, audience: Audience, map_approval: str | None, done: Mapping[str, Any]
) -> None:
    """``share.json``: of which run, for whom, and each file with its size and SHA-256."""
    internal = audience is Audience.INTERNAL
    told = {
        "luyu": __version__,
        "audience": audience.value,
        "map_approval": None if internal else (map_approval or "").strip(),
        "notice": f"{style.DISCLAIMER.zh}。{style.DISCLAIMER.en}.",
        "marking": f"{style.INTERNAL.zh} {style.INTERNAL.en}" if internal else None,
        "run": run.name if internal else None,
        "fingerprint": run.record.get("fingerprint") if internal else None,
        "newest_image": run.day.isoformat(),
        "axes": AXES if internal else None,
        **done,
        "files": {
            path.relative_to(folder).as_posix(): {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path in sorted(folder.rglob("*"))
            if path.is_file() and (content := path.read_bytes()) is not None
        },
    }
    (folder / MANIFEST).write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _replacing(out: Path, run_folder: Path) -> Iterator[Path]:
    """A scratch folder beside ``out`` that takes its name when the block succeeds."""
    out = out.absolute()
    if out.exists() and not (out / MANIFEST).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise WorkspaceError(
            f"{out}: holds something else than an earlier share; choose an empty or a new folder with --out"
        )
    if run_folder.absolute().is_relative_to(out):
        raise WorkspaceError(f"{out}: the run itself lies there; choose another folder with --out")
    with atomic_folder(out) as scratch:
        yield scratch
