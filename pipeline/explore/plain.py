"""Plain frames as the tables that rooms expect: what is missing is null, what cannot be used is refused with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import LuyuError
from ..geo.crs import metric_crs, to_crs_checked
from ..legal.rules import LegalRules
from ..linref.reference import LinearReference
from ..model.route import RouteCode
from ..model.stake import Stake
from ..model.tables import BREAKS, COUNTIES, ROADS, STAKES, Table

Rules = LegalRules | str | Path | None
"""Rules of the law: loaded ones, a YAML file of them, or None for the national ones."""

_OTHER_NAMES = ("LXBM", "路线编码", "路线编号", "route", "ref")  # of the route's code in delivered layers


@dataclass(frozen=True)
class Roads:
    """Roads as table ROADS in a metric CRS, numbered 0, 1, …; ``given``: the frame as it came."""

    table: gpd.GeoDataFrame
    given: gpd.GeoDataFrame

    @classmethod
    def of(cls, roads: gpd.GeoDataFrame, *, crs: object = None, classed: bool = True) -> Roads:
        """Lines with ``route_code`` (or ``road_class``) in any CRS; other columns of ROADS as far as they are there.

        ``crs``: the metric CRS to measure in; None: `geo.crs.metric_crs` chooses. ``classed``: whether the law's widths are
        asked for, which need a class.
        """
        there = _lines(located(roads, "roads"))
        moved = to_crs_checked(there, metric_crs(there) if crs is None else crs, layer="roads")
        table = _whole(ROADS, moved.reset_index(drop=True))
        known = _routes(table["route_code"], must=classed and table["road_class"].isna().any())
        for name, told in (("route_key", known["key"]), ("road_class", known["road_class"])):
            table[name] = table[name].mask(table[name].isna(), told)
        table["route_code"] = known["sign"]
        if classed and table["road_class"].isna().any():
            raise LuyuError(_classless(roads, int(table["road_class"].isna().sum())))
        return cls(table, there)

    @property
    def crs(self) -> object:
        """The metric CRS of ``table``."""
        return self.table.crs

    def labels(self, sections: pd.Series) -> pd.Series:
        """Row labels of the given frame for numbers of rows; -1 stays."""
        index, number = self.given.index, sections.to_numpy(dtype=np.int64)
        own = np.append(index.to_numpy(dtype=object), -1)[number]
        named = pd.Series(own, index=sections.index, dtype=object)
        return named.astype(np.int64) if pd.api.types.is_integer_dtype(index.dtype) else named

    def reference(
        self, stakes: gpd.GeoDataFrame | None = None, breaks: gpd.GeoDataFrame | None = None
    ) -> LinearReference:
        """Stakes along these roads; posts with ``route_code`` and ``stake_m`` (m) or ``stake`` (K12+300)."""
        posts = None if stakes is None else _posts(stakes, self.crs)
        cut = None if breaks is None else _keyed(_whole(BREAKS, in_crs(breaks, self.crs, "breaks")))
        return LinearReference(self.table, posts, cut)


def located(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """The frame itself, its geometry called so; LuyuError where it is no GeoDataFrame or has no CRS."""
    if isinstance(frame, gpd.GeoSeries):
        frame = frame.to_frame("geometry")
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LuyuError(f"{name}: a GeoDataFrame is needed, got {type(frame).__name__}; geopandas.read_file gives one")
    if frame.crs is None:
        raise LuyuError(f"{name} have no CRS; say which it is with set_crs, for example {name}.set_crs('EPSG:4490')")
    return frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry")


def in_crs(frame: gpd.GeoDataFrame, crs: object, name: str) -> gpd.GeoDataFrame:
    """The frame in another CRS, every coordinate finite; LuyuError as `located`."""
    return to_crs_checked(located(frame, name), crs, layer=name)


def counties_in(frame: gpd.GeoDataFrame | None, crs: object) -> gpd.GeoDataFrame | None:
    """Table COUNTIES out of areas with ``code`` and perhaps ``name``."""
    return None if frame is None else COUNTIES.check(_whole(COUNTIES, in_crs(frame, crs, "counties")))


def rules_of(rules: Rules) -> LegalRules:
    """The rules that are meant; ConfigError where a file of them cannot be used."""
    return rules if isinstance(rules, LegalRules) else LegalRules.load(rules)


def _whole(table: Table, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A copy with every column that the table must have: nulls of the right sort where the frame has none."""
    missing: Mapping[str, object] = {
        name: np.nan if kind == "float" else None
        for name, kind in table.columns.items()
        if name not in frame and name not in table.optional
    }
    whole = frame.assign(**missing)
    for name, kind in table.columns.items():
        if name in whole and kind == "float":
            whole[name] = pd.to_numeric(whole[name], errors="coerce").astype(float)
        elif name in whole and kind == "str":
            whole[name] = whole[name].astype(object).where(whole[name].notna(), None)
    return whole


def _lines(roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    there = roads[~(roads.geometry.isna() | roads.geometry.is_empty)]
    if there.empty:
        raise LuyuError("roads hold no line; check the file and the area that was read")
    if wrong := sorted(set(there.geom_type) - set(ROADS.geometry)):
        raise LuyuError(f"roads hold geometries of type {wrong}; centrelines (LineString) are needed")
    return there.set_geometry(shapely.force_2d(there.geometry.array), crs=there.crs)


def _routes(codes: pd.Series, *, must: bool) -> pd.DataFrame:
    """``sign, key, road_class`` of route codes, G311 or a database's G311320322; what is none stays as it is, without class.

    LuyuError where ``must`` and a code is none.
    """
    found: dict[object, tuple[object, object, object]] = {}
    for code in codes.dropna().unique():
        try:
            route = RouteCode.parse(code)
            found[code] = (route.sign, route.key, route.road_class.value)
        except LuyuError as error:
            if must:
                raise LuyuError(f"roads, column 'route_code': {error}; or give a column 'road_class'") from error
            found[code] = (code, code, None)
    rows = [found.get(code, (None, None, None)) for code in codes]
    return pd.DataFrame(rows, columns=["sign", "key", "road_class"], index=codes.index, dtype=object)


def _classless(roads: gpd.GeoDataFrame, count: int) -> str:
    other = next((name for name in _OTHER_NAMES if name in roads), None)
    remedy = (
        f"rename it: roads.rename(columns={{{other!r}: 'route_code'}})"
        if other is not None and "route_code" not in roads
        else "add a column 'route_code' (G311, S253, X201320322 …) or 'road_class'"
    )
    return (
        f"roads: the class of {count} of {len(roads)} rows is not known, and zones are as wide as the class says;"
        f" they have {list(roads.columns)}; {remedy}"
    )


def _keyed(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Signs as route codes, and keys where there are none; posts that bear a sign only count for all roads of that sign."""
    known = _routes(table["route_code"], must=False)
    whole = known["key"].where(known["key"] != known["sign"], None)
    return table.assign(route_code=known["sign"], route_key=table["route_key"].mask(table["route_key"].isna(), whole))


def _posts(stakes: gpd.GeoDataFrame, crs: object) -> gpd.GeoDataFrame:
    moved = in_crs(stakes, crs, "stakes")
    if "stake_m" not in moved:
        if "stake" not in moved:
            raise LuyuError(f"stakes lack 'stake_m' (metres) or 'stake' (K12+300); they have {list(stakes.columns)}")
        moved = moved.assign(stake_m=[Stake.parse(text).measure_m for text in moved["stake"]])
    if "route_code" not in moved:
        raise LuyuError(f"stakes lack the column 'route_code' of their road; they have {list(stakes.columns)}")
    return STAKES.check(_keyed(_whole(STAKES, moved)))
