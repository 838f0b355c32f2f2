"""Which of a layer's columns is which of ours: by name, tried on the values, the route also by the values alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..catalog import columns as read
from ..catalog import road_tables
from ..catalog.yaml_doc import did_you_mean
from ..errors import LayerError, LuyuError
from ..model.route import RouteCode
from .column_names import COUNTIES, ROADS, STAKES, theirs_of
from .given import Said
from .reading import Opened

_MOST = 0.8  # of the values that are there
_TRIED = 2000  # rows
_TOO_LONG = (20.0, 100_000.0)  # stakes span so many times the line's length: metres where kilometres are meant


def road_columns(layer: Opened, stated: Mapping[str, str], said: Said) -> dict[str, str]:
    """Ours to theirs. LayerError, with the columns that the file has, where no column holds routes."""
    _check_stated(layer, stated, tuple(ROADS))
    columns = {"route": stated.get("route") or _route(layer, said)}
    for ours, known in ROADS.items():
        if ours in stated:
            columns[ours] = stated[ours]
        elif ours != "route" and (theirs := _by_name(layer, ours, known, set(columns.values()), said)):
            columns[ours] = theirs
    _drop_metres(layer, columns, said)
    missing = [ours for ours in ("pavement_width_m", "stake_from_km", "stake_to_km") if ours not in columns]
    if "pavement_width_m" in missing:
        said.open.append(f"{layer.path.name}: no column of pavement widths; widths are taken from the rules by class")
    if {"stake_from_km", "stake_to_km"} & set(missing):
        said.open.append(
            f"{layer.path.name}: no stakes at both ends of its sections; without a layer of stakes (--stakes) they are"
            " counted in metres from where each line starts"
        )
    return columns


def county_columns(layer: Opened, said: Said) -> dict[str, str]:
    """``code`` and, where there is one, ``name``; LayerError without six-digit codes."""
    codes = [*theirs_of(COUNTIES["code"], layer.columns), *layer.columns]
    code = next((name for name in codes if _share_of(layer.frame[name], _is_county) >= _MOST), None)
    if code is None:
        why = (
            "no column holds six-digit county codes of GB/T 2260 (320322) in its rows; add one, or leave --counties out and"
            f" say --county 320322=NAME. It has: {', '.join(layer.columns) or 'no columns'}"
        )
        raise LayerError("counties", why, path=layer.path)
    said.guessed.append(f"counties: code is column {code}")
    name = next((one for one in theirs_of(COUNTIES["name"], layer.columns) if one != code), None)
    return {"code": code} | ({"name": name} if name else {})


def stake_columns(layer: Opened, said: Said) -> dict[str, str]:
    """``route`` and ``stake``; LayerError where one of them is not found."""
    route = next((one for one in theirs_of(STAKES["route"], layer.columns) if _routes_in(layer.frame[one])), None)
    named = theirs_of(STAKES["stake"], layer.columns)
    stake = next((one for one in named if not _faults(read.stake_ranges, layer.frame[one], one)), None)
    lacking = [what for what, found in (("routes", route), ("stakes (K12+345)", stake)) if found is None]
    if lacking or route is None or stake is None:
        why = f"no column of {' and none of '.join(lacking)}; it has: {', '.join(layer.columns) or 'no columns'}"
        raise LayerError("stakes", f"{why}; leave --stakes out, or rename the column to LXBM or ZH", path=layer.path)
    said.guessed.append(f"stakes: route is column {route}, stake column {stake}")
    return {"route": route, "stake": stake}


def _check_stated(layer: Opened, stated: Mapping[str, str], known: tuple[str, ...]) -> None:
    for ours, theirs in stated.items():
        if ours not in known:
            raise LuyuError(f"--column {ours}={theirs}: no column {ours!r} of ours; {did_you_mean(ours, known)}")
        if theirs not in layer.columns:
            why = f"--column {ours}={theirs}: it has no such column; {did_you_mean(theirs, layer.columns)}"
            raise LayerError(layer.role, why, path=layer.path)


def _route(layer: Opened, said: Said) -> str:
    by_name = [one for one in theirs_of(ROADS["route"], layer.columns) if _routes_in(layer.frame[one])]
    by_value = [one for one in layer.columns if one not in by_name and _routes_in(layer.frame[one])]
    if not by_name and not by_value:
        there = ", ".join(layer.columns) or "no columns (is its .dbf missing?)"
        why = (
            "no column holds route codes (G311, X201320322 …) in its rows; say --column route=NAME, or fill in a"
            f" column LXBM in QGIS first. It has: {there}"
        )
        raise LayerError("roads", why, path=layer.path)
    found = (by_name or by_value)[0]
    why = "by its name" if by_name else "by its values"
    said.guessed.append(f"roads: route is column {found}, {why} (e.g. {_first(layer.frame[found])})")
    if len(by_name or by_value) > 1:
        said.open.append(
            f"{layer.path.name}: {', '.join((by_name or by_value)[1:])} hold route codes too; {found} is taken"
        )
    return found


def _by_name(layer: Opened, ours: str, known: tuple[str, ...], taken: set[str], said: Said) -> str | None:
    """The column that is called so and whose values are of that kind; what is wrong with others is said."""
    for theirs in theirs_of(known, layer.columns):
        if theirs in taken:
            continue
        values = layer.frame[theirs]
        if read.blank(values).all():
            said.open.append(f"{layer.path.name}: column {theirs} ({ours}) is empty")
            continue
        if why := _unfit(ours, values, theirs):
            said.open.append(
                f"{layer.path.name}: column {theirs} looks like {ours} by its name, but {why}; it is left out"
            )
            continue
        said.guessed.append(f"roads: {ours} is column {theirs} (e.g. {_first(values)})")
        return theirs
    return None


def _unfit(ours: str, values: pd.Series, theirs: str) -> str | None:
    """Why the values cannot be what the name says."""
    there = values[~read.blank(values)]
    findings = read.Findings("")
    if ours == "tech_class":
        good = read.tech_classes(there, theirs, findings).notna()
        return None if good.mean() >= _MOST else f"{_first(there[~good])} is no technical class (1 to 6, 一级 …)"
    if ours in ("pavement_width_m", "roadbed_width_m"):
        most = road_tables.WIDEST_PAVEMENT_M if ours == "pavement_width_m" else road_tables.WIDEST_ROADBED_M
        good = read.number(there, theirs, findings).between(0, most)
        return None if good.mean() >= _MOST else f"{_first(there[~good])} is no width in metres"
    if ours in ("stake_from_km", "stake_to_km"):
        read.stakes(there, theirs, findings)
        return findings.faults[0].removeprefix(": ") if findings.faults else None
    if ours == "design_speed_kmh":
        good = read.number(there, theirs, findings).between(0, road_tables.FASTEST_KMH)
        return None if good.mean() >= _MOST else f"{_first(there[~good])} is no speed in km/h"
    return None


def _drop_metres(layer: Opened, columns: dict[str, str], said: Said) -> None:
    """Stakes that span hundreds of times their lines were written in metres; the layers refuse them."""
    ends = [columns.get(ours) for ours in ("stake_from_km", "stake_to_km")]
    if None in ends:
        for ours in ("stake_from_km", "stake_to_km"):
            columns.pop(ours, None)
        return
    first, last = (read.stakes(layer.frame[one], str(one), read.Findings("")) for one in ends)
    metres = layer.frame.geometry.to_crs(layer.frame.geometry.estimate_utm_crs()).length
    ratio = ((last - first).abs() / metres.where(metres > 0)).replace(np.inf, np.nan).dropna()
    if len(ratio) and ratio.between(*_TOO_LONG).mean() > 0.5:
        for ours in ("stake_from_km", "stake_to_km"):
            del columns[ours]
        said.open.append(
            f"{layer.path.name}: {ends[0]} and {ends[1]} look like metres, kilometres or K12+345 are expected; they are left"
            " out. Divide them by 1000 to have stakes"
        )


def _routes_in(values: pd.Series) -> bool:
    return _share_of(values, _is_route) >= _MOST


def _share_of(values: pd.Series, fits: object) -> float:
    if not (pd.api.types.is_object_dtype(values) or pd.api.types.is_string_dtype(values) or values.dtype.kind in "if"):
        return 0.0
    there = [value for value in read.text(values.head(_TRIED)) if value is not None]
    return float(np.mean([fits(value) for value in there])) if there else 0.0  # type: ignore[operator]


def _is_route(value: str) -> bool:
    first = value.replace("；", ";").replace("、", ";").replace(",", ";").replace("/", ";").split(";")[0].strip()
    try:
        RouteCode.parse(first)
    except LuyuError:
        return False
    return True


def _is_county(value: str) -> bool:
    return value.isdigit() and (len(value) == 6 or (len(value) == 12 and value.endswith("000000"))) and value[0] != "0"


def _faults(parse: object, values: pd.Series, name: str) -> bool:
    findings = read.Findings("")
    parse(values, name, findings)  # type: ignore[operator]
    return bool(findings.faults)


def _first(values: pd.Series) -> str:
    return next((str(value) for value in read.text(values) if value is not None), "nothing")
