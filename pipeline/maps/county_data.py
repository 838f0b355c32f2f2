"""What a county's page knows: its tables as plain lists and texts, small and ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from ..errors import StakeError
from ..geo.gcj02 import to_bd09, to_gcj02
from ..ledger.answers import form
from ..ledger.lifecycle import TIMED
from ..model.kinds import Zone
from ..reports import coverage as causes_of
from ..reports import encode, labels, style, values
from ..reports.pages import CountyPage, by_priority, lonlat, records
from ..reports.watched import map_layers
from .card import CARD, acts, card, history, reading
from .texts import Texts


def page_data(county: CountyPage, simplify_m: float) -> dict[str, Any]:
    """All that the page's scripts read but pictures and basemaps, as plain lists and dicts."""
    findings = by_priority(lonlat(county.findings, "findings"))
    kinds = sorted({values.text(kind) for kind in findings["kind"]} | set(style.KINDS), key=_kind_order)
    texts = Texts()
    return {
        "county": {"code": values.text(county.code), "name": values.text(county.name)},
        "run": values.text(county.meta.get("run")),
        **_words(),
        "kinds": [[kind, *style.kind_style(kind)] for kind in kinds],
        "caveats": {kind: word for kind, word in style.CAVEATS.items() if kind in set(findings["kind"])},
        **_coverage(county),
        **_ground(county, simplify_m),
        **map_layers(county.hot_spots, county.sites, simplify_m),
        "findings": list(_findings(findings, county.cases or {}, texts)),
        "answered": [[case_no, at, texts.place(values.text(by))] for case_no, at, by in county.answered],
        "ledger": county.cases is not None,
        "texts": texts.all,
    }


def _words() -> dict[str, Any]:
    """What things are called and how they are drawn, whatever the county."""
    return {
        "disclaimer": style.DISCLAIMER,
        "words": dict(labels.PAGE),
        "columns": dict(labels.COLUMNS),
        "shapes": dict(style.SHAPES),
        "grey": style.GREY,
        "zoneStyles": [[zone, *styled] for zone, styled in style.ZONES.items()],
        "memberships": dict(style.MEMBERSHIP),
        "sides": dict(style.SIDES),
        "status": dict(style.STATUS),
        "settled": sorted(style.SETTLED),
        "roadClasses": dict(style.ROAD_CLASS),
        "acts": acts(),
        "form": form(),
        "card": CARD,
    }


def _ground(county: CountyPage, simplify_m: float) -> dict[str, Any]:
    """What lies under the findings."""
    outline, corridor = county.outline_lonlat, county.corridor
    return {
        "outline": encode.polygons(encode.simplified(outline, simplify_m)) if outline is not None else [],
        "corridor": [] if corridor is None else _together(lonlat(corridor, "corridor"), max(simplify_m, 1.0)),
        "roads": list(_roads(lonlat(county.roads, "roads"), simplify_m)),
        "zones": list(_zones(lonlat(county.zones, "zones"), simplify_m)),
        "sight": [] if county.sight is None else _together(lonlat(county.sight, "sight"), simplify_m),
        "stakes": list(_stakes(lonlat(county.stakes, "stakes"))),
        "unobserved": list(_unobserved(county, simplify_m)),
    }


def _kind_order(kind: str) -> tuple[int, str]:
    known = list(style.KINDS)
    return (known.index(kind) if kind in known else len(known), kind)


def _roads(roads: gpd.GeoDataFrame, simplify_m: float) -> Iterator[list[Any]]:
    shapes = encode.simplified(roads.geometry.to_numpy(), simplify_m)
    names = (values.column(roads, column) for column in ("route_code", "name", "road_class"))
    for shape, code, name, road_class in zip(shapes, *names, strict=True):
        yield [values.text(code), values.text(name), values.text(road_class), encode.lines(shape)]


def _zones(zones: gpd.GeoDataFrame, simplify_m: float) -> Iterator[list[Any]]:
    """Zones of one sort melted into one shape: overlapping sections would be drawn darker, and weigh more."""
    drawn = (Zone.CONTROL_ZONE.value, Zone.HIGHWAY_LAND.value, Zone.PAVEMENT.value)
    order = [zone for zone in drawn if zone in set(values.column(zones, "zone"))]
    for zone in order:
        of_zone = zones[zones["zone"] == zone]
        for basis in sorted(set(of_zone["basis"])):
            yield [zone, values.text(basis), _together(of_zone[of_zone["basis"] == basis], simplify_m)]


def _together(areas: gpd.GeoDataFrame, simplify_m: float) -> list[Any]:
    """All areas melted into one shape, as the page draws it."""
    merged = shapely.union_all(shapely.make_valid(areas.geometry.to_numpy()))
    return encode.polygons(encode.simplified(merged, simplify_m))


def _stakes(stakes: gpd.GeoDataFrame) -> Iterator[list[Any]]:
    names, routes = values.column(stakes, "stake"), values.column(stakes, "route_code")
    points = np.round(shapely.get_coordinates(stakes.geometry.to_numpy()), 6).tolist()
    for (lon, lat), label, route in zip(points, names, routes, strict=True):
        yield [lon, lat, values.text(label), round(values.stake_m(values.text(label))), values.text(route)]


def _coverage(county: CountyPage) -> dict[str, Any]:
    """``causes``: what occurs here, with label, colour, pattern and kilometres; ``km``: not observed, and due."""
    table = county.coverage
    km = {} if table is None else causes_of.km_by_cause(table)
    drawn = () if county.unobserved is None else map(values.text, values.column(county.unobserved, "reason"))
    present = causes_of.ordered({name or "unknown" for name in drawn} | set(km))
    causes = [[name, *causes_of.look(name), values.number(km.get(name), 2)] for name in present]
    names = ("km_unobserved", "km_due")
    sums = [] if table is None else [values.number(float(table[name].sum()), 2) for name in names]
    return {"causes": causes, "km": sums}


def _unobserved(county: CountyPage, simplify_m: float) -> Iterator[list[Any]]:
    if county.unobserved is None:
        return
    frame = lonlat(county.unobserved, "unobserved")
    shapes = encode.simplified(frame.geometry.to_numpy(), simplify_m)
    names = (values.column(frame, column) for column in ("reason", "route_code"))
    for shape, reason, route in zip(shapes, *names, strict=True):
        yield [values.text(reason) or "unknown", values.text(route), encode.lines(shape)]


def _findings(findings: gpd.GeoDataFrame, cases: Mapping[str, Mapping[str, Any]], texts: Texts) -> Iterator[dict]:
    lon, lat = (findings[name].to_numpy(float) for name in ("lon", "lat"))
    shifted = np.round(np.column_stack([*to_gcj02(lon, lat), *to_bd09(lon, lat)]), 6).tolist()
    earlier = values.column(findings, "earlier")
    for row, at_shifted, old in zip(records(findings), shifted, earlier, strict=True):
        case = cases.get(values.text(row.get("case_no")), {})
        yield _finding(row, case, texts) | {"shifted": at_shifted, "earlier": bool(old) and not values.is_null(old)}


def _finding(row: dict[str, Any], case: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """One finding: what is drawn and filtered by name, what the card only shows as places in ``texts``.

    ``from_m``, ``to_m``: its stakes in metres; ``shifted``: longitude and latitude in GCJ-02 and in BD-09.
    """
    return {
        "id": values.text(row["finding_id"]),
        "case": values.text(row.get("case_no")),
        "kind": values.text(row["kind"]),
        "zone": values.text(row.get("zone")),
        "membership": values.text(row.get("membership")),
        "status": values.text(row.get("status")),
        "priority": values.number(row.get("priority")),
        "confidence": values.number(row.get("confidence"), 2),
        "route": values.text(row.get("route_code")),
        "stake": values.stake_range(row),
        "from_m": _metres(row, "stake_from"),
        "to_m": _metres(row, "stake_to"),
        "side": values.text(row.get("side")),
        "at": [round(float(row["lon"]), 6), round(float(row["lat"]), 6)],
        "before": values.day(row.get("last_absent")),
        "after": values.day(row.get("first_seen")),
        "due": values.day(case.get("due_on")) if case.get("status") in TIMED else "",
        "version": int(case.get("version") or 0),
        "card": [texts.place(line) for line in card(row, case)],
        **reading(row, texts),
        "history": history(case, texts),
        "shape": encode.polygons(row["geometry"]),
    }


def _metres(row: Mapping[str, Any], name: str) -> int | None:
    """Metres of a stake; None where there is none that can be read."""
    try:
        return round(values.stake_m(values.text(row.get(name)) or values.text(row.get("stake"))))
    except StakeError:
        return None
