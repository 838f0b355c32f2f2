"""Geometries of delivered layers made usable: nulls out, one kind per layer, polygons valid, metric and finite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from ..errors import GeometryError, LayerError
from ..geo.crs import to_crs_checked
from .columns import Findings, named, numbers
from .layer_entries import Entry
from .layer_source import Source

_LINES, _AREAS, _POINTS = ("LineString", "MultiLineString"), ("Polygon", "MultiPolygon"), ("Point",)
# Allowed geometry types by layer; layers not named here take any.
ALLOWED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "roads": _LINES,
        "stakes": _POINTS,
        "breaks": _POINTS,
        "counties": _AREAS,
        "permits": _AREAS,
        "zones": _AREAS,
        "townships": _AREAS,
        "exempt": (*_AREAS, *_POINTS),
    }
)
# Layers whose rows may be placed by their stake when they have no geometry.
BY_STAKE = ("assets", "registry", "permits", "exempt", "breaks")
_STAKE_COLUMNS = ("stake", "stake_km", "stake_m", "stake_from", "back")


@dataclass(frozen=True)
class Frame:
    """One entry's rows as they lie in its file, with what was noticed about them; ``read``: how many the file has."""

    entry: Entry
    rows: gpd.GeoDataFrame
    findings: Findings
    source: Source = field(default_factory=Source)
    read: int = 0

    def with_rows(self, rows: gpd.GeoDataFrame) -> Frame:
        """The same entry with other rows."""
        return replace(self, rows=rows)


def usable(frame: Frame) -> Frame:
    """Rows with a geometry of the layer's kind (or a stake instead); the rest noted, wrong kinds a fault."""
    rows, findings, role = frame.rows, frame.findings, frame.entry.role
    shapes = np.array([_simplest(shape, ALLOWED.get(role)) for shape in rows.geometry.values], dtype=object)
    located = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    shapes[~located] = None
    rows = rows.set_geometry(gpd.GeoSeries(shapes, index=rows.index, crs=rows.crs))
    keep = located.copy()
    if role in BY_STAKE:
        columns = [frame.entry.columns[ours] for ours in _STAKE_COLUMNS if ours in frame.entry.columns]
        if columns:
            keep |= rows[columns].notna().any(axis=1).to_numpy()
    if not keep.all():
        findings.leave_out(rows.index[~keep], "without a geometry left out")
    _refuse_wrong_kinds(frame, rows[located])
    return frame.with_rows(rows[keep])


def _simplest(shape: shapely.Geometry | None, allowed: tuple[str, ...] | None) -> shapely.Geometry | None:
    """A collection's parts of an allowed kind, a single point out of a multi-point; anything else as it is."""
    if shape is None or allowed is None or shape.geom_type in allowed:
        return shape
    if shape.geom_type == "MultiPoint" and "Point" in allowed and len(shape.geoms) == 1:
        return shape.geoms[0]
    if shape.geom_type == "GeometryCollection":
        return _parts(shape, allowed)
    return shape


def _parts(shape: shapely.Geometry, allowed: tuple[str, ...]) -> shapely.Geometry | None:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in allowed]
    parts = [single for part in parts for single in shapely.get_parts(part)]
    if not parts:
        return None
    whole = {"Polygon": shapely.MultiPolygon, "LineString": shapely.MultiLineString}.get(parts[0].geom_type)
    return parts[0] if len(parts) == 1 or whole is None else whole(parts)


def _refuse_wrong_kinds(frame: Frame, located: gpd.GeoDataFrame) -> None:
    allowed = ALLOWED.get(frame.entry.role)
    if allowed is None or located.empty:
        return
    wrong = located[~located.geom_type.isin(allowed)]
    if len(wrong):
        kinds = ", ".join(sorted(set(wrong.geom_type)))
        frame.findings.fault(
            f"{len(wrong)} of {len(located)} rows hold {kinds} ({named(wrong.index)});"
            f" this layer takes {', '.join(allowed)}; name another file or layer, or take these rows out"
        )


def in_metric(frame: Frame, crs: pyproj.CRS) -> Frame:
    """The rows in ``crs`` with valid polygons; LayerError when a place has no finite coordinates there."""
    rows = frame.rows
    if rows.geometry.isna().all():  # a table of stakes: nothing to transform, and often no CRS to do it from
        return frame.with_rows(rows.set_crs(crs, allow_override=True))
    try:
        moved = to_crs_checked(rows.set_axis(rows.index + 1), crs, layer=frame.entry.label)
    except GeometryError as error:
        raise LayerError(frame.entry.label, str(error), path=frame.entry.path) from error
    return frame.with_rows(_valid(moved.set_axis(rows.index), frame.findings))


def _valid(rows: gpd.GeoDataFrame, findings: Findings) -> gpd.GeoDataFrame:
    """Polygons that cross themselves repaired by make_valid, which keeps both halves of a bow tie."""
    shapes = np.asarray(rows.geometry.values)
    broken = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_valid(shapes)
    if not broken.any():
        return rows
    places = np.flatnonzero(broken)
    shapes = shapes.copy()
    for place in places:
        whole = shapely.make_valid(shapes[place])
        shapes[place] = whole if whole.geom_type in _AREAS else _parts(whole, _AREAS)
    broken_rows = rows.index[places]
    findings.note(f"{len(places)} of {len(rows)} polygons cross themselves and were repaired ({named(broken_rows)})")
    findings.repaired += numbers(broken_rows)
    fixed = rows.set_geometry(gpd.GeoSeries(shapes, index=rows.index, crs=rows.crs))
    gone = fixed.geometry.isna() & rows.geometry.notna()
    if gone.any():
        findings.leave_out(rows.index[gone], "enclose no area and are left out")
    return fixed[~gone]
