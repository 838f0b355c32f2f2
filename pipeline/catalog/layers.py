"""The vector layers of one layers.yaml as checked tables in the run's metric CRS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import pandas as pd
import pyproj

from ..errors import ConfigError, GeometryError, LayerError, Problems
from ..geo.crs import metric_crs
from .columns import Findings
from .geometries import Frame, in_metric, usable
from .layer_doubts import far_notes, shift_notes
from .layer_entries import Entry, read_entries
from .layer_file import read_layer
from .layer_repeats import note_repeats
from .layer_report import LayerReport
from .layer_source import MEASURES
from .layer_tables import BUILDERS, CONTRACTS, settled
from .road_tables import stakes_of_measures
from .yaml_doc import did_you_mean


@dataclass(frozen=True, eq=False)
class Layers:
    """Roads, counties and whatever else is configured, each keeping its contract of ``model.tables``; None without one.

    All are in the metric CRS ``epsg``. ``announced`` is the entry ``zones``. ``problems`` are warnings for the user,
    in the order of the file; ``files`` what was read; ``reports`` what became of each entry. ``accuracy_m``: standard
    error of positions by role, metres, of those layers whose entries state it (of several entries of assets the largest).
    """

    roads: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame
    epsg: int
    stakes: gpd.GeoDataFrame | None = None
    breaks: gpd.GeoDataFrame | None = None
    permits: gpd.GeoDataFrame | None = None
    assets: gpd.GeoDataFrame | None = None
    announced: gpd.GeoDataFrame | None = None
    exempt: gpd.GeoDataFrame | None = None
    townships: gpd.GeoDataFrame | None = None
    registry: gpd.GeoDataFrame | None = None
    problems: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    reports: tuple[LayerReport, ...] = ()
    accuracy_m: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def load(cls, path: str | Path, *, epsg: int | None = None) -> Layers:
        """The layers named in ``path``; every fault of every layer at once as Problems.

        Parameters
        ----------
        path : the layers.yaml; the paths in it are relative to its folder.
        epsg : metric CRS to use; without it ``geo.crs.metric_crs`` chooses by the roads.
        """
        entries = read_entries(Path(path))
        frames, notes, faults = _read(entries)
        crs = _crs(frames, epsg, faults)
        if crs is None:
            raise Problems(dict.fromkeys(faults))
        by_role: dict[str, list[gpd.GeoDataFrame]] = {}
        reports = []
        for frame in frames:
            made = _made(frame, crs, faults)
            for role, table in made.tables.items() if made else ():
                by_role.setdefault(role, []).append(table)
            notes += frame.findings.notes
            if made:
                reports.append(made.report)
        if faults:
            raise Problems(dict.fromkeys(faults))
        ready = {role: _stacked(several) for role, several in by_role.items()}
        notes += far_notes(ready, entries) + shift_notes(ready, entries, crs)
        ready["announced"] = ready.pop("zones", None)
        return cls(
            **ready,
            epsg=_epsg(crs),
            problems=tuple(dict.fromkeys(notes)),
            files=tuple(dict.fromkeys(entry.path for entry in entries)),
            reports=tuple(reports),
            accuracy_m=_accuracy_m(entries),
        )


@dataclass(frozen=True)
class _Made:
    """The tables of one entry by role (roads with M give stakes too), and what became of it."""

    tables: Mapping[str, gpd.GeoDataFrame]
    report: LayerReport


def _crs(frames: Sequence[Frame], epsg: int | None, faults: list[str]) -> pyproj.CRS | None:
    """The CRS asked for, checked to be metric, else the one that fits the roads; None with its faults added.

    Without usable roads any other layer serves, so that the faults of all layers are found in one round.
    """
    if epsg is not None:
        crs = pyproj.CRS.from_epsg(epsg)
        if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
            raise ConfigError(f"EPSG:{epsg} ({crs.name}) is not in metres; use a CGCS2000 3-degree zone, e.g. 4548")
        return crs
    located = [frame for frame in frames if frame.rows.geometry.notna().any()]
    roads = [frame for frame in located if frame.entry.role == "roads"]
    if not roads and any(frame.entry.role == "roads" for frame in frames):
        faults.append("the roads layer holds no road with a geometry")
    for frame in (*roads, *located):
        try:
            return metric_crs(frame.rows)
        except GeometryError as error:
            faults.append(str(LayerError(frame.entry.label, str(error), path=frame.entry.path)))
    return None


def _read(entries: Sequence[Entry]) -> tuple[list[Frame], list[str], list[str]]:
    """Frames with clean geometries, notes and faults, in the order of the file."""
    frames: list[Frame] = []
    notes: list[str] = []
    faults: list[str] = []
    for entry in entries:
        try:
            read = read_layer(entry)
        except LayerError as error:
            faults.append(str(error))
            continue
        notes += read.notes
        findings = Findings(f"{entry.path}: layer {entry.label!r}")
        there = [str(name) for name in read.frame.columns if name not in ("geometry", MEASURES)]
        for theirs in entry.columns.values():
            if theirs not in there:
                findings.fault(f"no column {theirs!r}, which {entry.place} maps; {_there(theirs, there)}")
        faults += findings.faults
        if not findings.faults:
            frames.append(usable(Frame(entry, read.frame, findings, read.source, len(read.frame))))
    return frames, notes, faults


def _there(theirs: str, there: Sequence[str]) -> str:
    if not there:
        return "the file has no columns at all (is its .dbf missing?); ask for the whole of it"
    hint = did_you_mean(theirs, there)
    return hint if hint.startswith("known") else f"{hint} the file has: {', '.join(there)}"


def _made(frame: Frame, crs: pyproj.CRS, faults: list[str]) -> _Made | None:
    """The contracts' tables of one entry, or None with its faults added."""
    try:
        frame = in_metric(frame, crs)
    except LayerError as error:
        faults.append(str(error))
        return None
    role, findings = frame.entry.role, frame.findings
    data = BUILDERS[role](frame)
    posts = None
    if not findings.faults:
        data = gpd.GeoDataFrame(data, geometry=frame.rows.geometry.loc[data.index], crs=crs)
        note_repeats(frame, data)
        posts = stakes_of_measures(frame, data) if role == "roads" else None
    faults += findings.faults
    if findings.faults:
        return None
    table = CONTRACTS[role].check(settled(role, data.reset_index(drop=True)))
    tables = {role: table} if posts is None else {role: table, "stakes": CONTRACTS["stakes"].check(posts)}
    counts = {"read": frame.read, "kept": len(table), "without_place": int(table.geometry.isna().sum())}
    report = LayerReport.of(frame.entry, frame.source, findings, **counts, posts=0 if posts is None else len(posts))
    return _Made(tables, report)


def _accuracy_m(entries: Sequence[Entry]) -> Mapping[str, float]:
    """The largest error that the entries of a role state, of those that state one."""
    stated: dict[str, float] = {}
    for entry in entries:
        if entry.accuracy_m is not None:
            stated[entry.role] = max(entry.accuracy_m, stated.get(entry.role, 0.0))
    return MappingProxyType(stated)


def _stacked(several: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if len(several) == 1:
        return several[0]
    return gpd.GeoDataFrame(pd.concat(several, ignore_index=True), geometry="geometry", crs=several[0].crs)


def _epsg(crs: pyproj.CRS) -> int:
    code = crs.to_epsg()
    if code is None:
        raise LayerError("roads", f"the metric coordinate system {crs.name!r} has no EPSG code; give one by its code")
    return code
