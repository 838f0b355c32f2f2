"""The vector layers of one layers.yaml as checked tables in the run's metric CRS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import pandas as pd
import pyproj

from ..errors import ConfigError, GeometryError, LayerError, Problems
from ..geo.crs import metric_crs
from . import layer_tables as tables
from .columns import Findings
from .geometries import Frame, in_metric, usable
from .layer_entries import Entry, read_entries
from .layer_file import read_layer
from .yaml_doc import did_you_mean

_TABLES: Mapping[str, Callable[[Frame], pd.DataFrame]] = MappingProxyType(
    {
        "roads": tables.roads,
        "stakes": tables.stakes,
        "breaks": tables.breaks,
        "counties": tables.counties,
        "permits": tables.permits,
        "assets": tables.assets,
        "zones": tables.announced,
        "exempt": tables.exempt,
        "townships": tables.townships,
        "registry": tables.registry,
    }
)
# A layer that lies farther than this from every road is most likely in a wrong coordinate system.
_FAR_M = 50_000.0


@dataclass(frozen=True, eq=False)
class Layers:
    """Roads, counties and whatever else is configured, each keeping its contract of ``model.tables``; None without one.

    All are in the metric CRS ``epsg``. ``announced`` is the entry ``zones``. ``problems`` are warnings for the user,
    in the order of the file; ``files`` what was read.
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
        for frame in frames:
            table = _table(frame, crs, faults)
            if table is not None:
                by_role.setdefault(frame.entry.role, []).append(table)
            notes += frame.findings.notes
        if faults:
            raise Problems(dict.fromkeys(faults))
        ready = {role: _stacked(several) for role, several in by_role.items()}
        notes += _far(ready, entries)
        ready["announced"] = ready.pop("zones", None)
        files = tuple(dict.fromkeys(entry.path for entry in entries))
        return cls(**ready, epsg=_epsg(crs), problems=tuple(dict.fromkeys(notes)), files=files)


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
    """Frames with our column names and clean geometries, notes and faults, in the order of the file."""
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
        missing = [theirs for theirs in entry.columns.values() if theirs not in read.frame.columns]
        if missing:
            there = [str(name) for name in read.frame.columns if name != "geometry"]
            for theirs in missing:
                findings.fault(f"no column {theirs!r}, which {entry.place} maps; {_there(theirs, there)}")
            faults += findings.faults
            continue
        frames.append(usable(Frame(entry, read.frame, findings)))
    return frames, notes, faults


def _there(theirs: str, there: Sequence[str]) -> str:
    hint = did_you_mean(theirs, there)
    return hint if hint.startswith("known") else f"{hint} the file has: {', '.join(there)}"


def _table(frame: Frame, crs: pyproj.CRS, faults: list[str]) -> gpd.GeoDataFrame | None:
    """The contract's table of one entry, or None with its faults added."""
    try:
        frame = in_metric(frame, crs)
    except LayerError as error:
        faults.append(str(error))
        return None
    data = _TABLES[frame.entry.role](frame)
    faults += frame.findings.faults
    if frame.findings.faults:
        return None
    rows = frame.rows.loc[data.index]
    table = gpd.GeoDataFrame(data, geometry=rows.geometry, crs=crs).reset_index(drop=True)
    return tables.CONTRACTS[frame.entry.role].check(tables.settled(frame.entry.role, table))


def _stacked(several: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if len(several) == 1:
        return several[0]
    return gpd.GeoDataFrame(pd.concat(several, ignore_index=True), geometry="geometry", crs=several[0].crs)


def _far(ready: Mapping[str, gpd.GeoDataFrame], entries: Sequence[Entry]) -> list[str]:
    """A note for each layer that lies nowhere near the roads."""
    west, south, east, north = ready["roads"].total_bounds
    notes = []
    for role, table in ready.items():
        located = table.geometry.dropna()
        if located.empty:
            continue
        left, low, right, top = located.total_bounds
        gap_m = max(left - east, west - right, low - north, south - top)
        if gap_m > _FAR_M:
            place = next(entry.place for entry in entries if entry.role == role)
            notes.append(f"{place}: layer {role!r} lies {gap_m / 1000:.0f} km from the roads; check crs: of both")
    return notes


def _epsg(crs: pyproj.CRS) -> int:
    code = crs.to_epsg()
    if code is None:
        raise LayerError("roads", f"the metric coordinate system {crs.name!r} has no EPSG code; give one by its code")
    return code
