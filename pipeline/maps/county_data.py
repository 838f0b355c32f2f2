"""What a county's page knows: its tables as plain lists and texts, small and ready to be drawn."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field

from ..errors import LuyuError
from ..model.kinds import Zone
from ..model.options import Options
from ..reports import coverage as causes_of
from ..reports import encode, labels, style, values
from ..reports.pages import CountyPage, by_priority, lonlat, records
from ..reports.watched import map_layers

CARD = (
    "zone", "membership", "why", "size", "offset_m", "concurrent", "county_name", "township_name", "asset", "impact",
    "sight", "permit_no", "permit_state", "law", "addressee", "next_step", "last_absent", "first_seen", "confirmed_on",
    "gone_on", "transience", "stage", "case_no", "finding_id", "scene_before", "scene_after", "shift_px", "detector",
)  # fmt: skip
"""Lines of a finding's card, by name in ``labels.COLUMNS`` or ``labels.PAGE``."""
_OWN = frozenset({"last_absent", "first_seen", "case_no", "finding_id"})
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class MapOptions(Options):
    """How much a page may weigh."""

    chip_budget_bytes: int = Field(
        default=12_000_000,
        ge=0,
        description="Pictures on one page, bytes before base64; the most urgent findings come first.",
    )
    simplify_m: float = Field(
        default=0.3,
        ge=0,
        le=20,
        description="Zones, roads and outline may lose vertices closer than this to their line, m.",
    )


def page_data(county: CountyPage, options: MapOptions) -> dict[str, Any]:
    """All that the page's scripts read, as plain lists and dicts."""
    findings = by_priority(lonlat(county.findings, "findings"))
    kinds = sorted({values.text(kind) for kind in findings["kind"]} | set(style.KINDS), key=_kind_order)
    chips, left_out = _chips(county, findings, options.chip_budget_bytes)
    outline = county.outline_lonlat
    return {
        "county": {"code": values.text(county.code), "name": values.text(county.name)},
        "disclaimer": style.DISCLAIMER,
        "words": dict(labels.PAGE),
        "columns": dict(labels.COLUMNS),
        "shapes": dict(style.SHAPES),
        "grey": style.GREY,
        "kinds": [[kind, *style.kind_style(kind)] for kind in kinds],
        "caveats": {kind: word for kind, word in style.CAVEATS.items() if kind in set(findings["kind"])},
        "zoneStyles": [[zone, *styled] for zone, styled in style.ZONES.items()],
        "status": dict(style.STATUS),
        "settled": sorted(style.SETTLED),
        **_coverage(county),
        "roadClasses": dict(style.ROAD_CLASS),
        "outline": encode.polygons(encode.simplified(outline, options.simplify_m)) if outline is not None else [],
        "roads": list(_roads(lonlat(county.roads, "roads"), options.simplify_m)),
        "zones": list(_zones(lonlat(county.zones, "zones"), options.simplify_m)),
        "sight": [] if county.sight is None else _together(lonlat(county.sight, "sight"), options.simplify_m),
        "stakes": list(_stakes(lonlat(county.stakes, "stakes"))),
        "unobserved": list(_unobserved(county, options.simplify_m)),
        **map_layers(county.hot_spots, county.sites, options.simplify_m),
        "card": CARD,
        "findings": [_finding(row) for row in records(findings)],
        "chips": chips,
        "chipsLeftOut": left_out,
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
    labels, routes = values.column(stakes, "stake"), values.column(stakes, "route_code")
    points = np.round(shapely.get_coordinates(stakes.geometry.to_numpy()), 6).tolist()
    for (lon, lat), label, route in zip(points, labels, routes, strict=True):
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


def _finding(row: dict[str, Any]) -> dict[str, Any]:
    """One finding: what is drawn and filtered by name, what the card only shows as ready texts."""
    zone, membership, side = (values.text(row.get(name)) for name in ("zone", "membership", "side"))
    lon, lat = float(row["lon"]), float(row["lat"])
    return {
        "id": values.text(row["finding_id"]),
        "case": values.text(row.get("case_no")),
        "kind": values.text(row["kind"]),
        "zone": zone,
        "membership": membership,
        "status": values.text(row.get("status")),
        "priority": values.number(row.get("priority")),
        "confidence": values.number(row.get("confidence"), 2),
        "route": values.text(row.get("route_code")),
        "stake": values.stake_range(row),
        "side": style.word(style.SIDES, side).zh if side else "",
        "at": [round(lon, 6), round(lat, 6)],
        "before": values.day(row.get("last_absent")),
        "after": values.day(row.get("first_seen")),
        "card": _card(row),
        "evidence": values.evidence_terms(row.get("evidence")),
        "shape": encode.polygons(row["geometry"]),
    }


def _card(row: dict[str, Any]) -> list[str]:
    """The card's lines in the order of ``CARD``; empty text where there is nothing to say.

    What stands in the finding itself (its ids and days) is left empty here and filled in by the page.
    """
    size = (("", values.number(row.get("area_m2")), " m²"), ("长 ", values.number(row.get("length_m"), 1), " m"),
            ("宽 ", values.number(row.get("width_m"), 1), " m"))  # fmt: skip
    asset = [_said(style.ASSET_KINDS, row.get("asset_kind")), values.text(row.get("asset_name"))]
    if distance := values.number(row.get("asset_distance_m")):
        asset.append(f"{distance} m")
    county = values.text(row.get("counties")) or values.text(row.get("county_name"))
    near = row.get("near_border")
    shown = {
        "zone": style.zone_style(values.text(row.get("zone"))).zh,
        "membership": style.word(style.MEMBERSHIP, values.text(row.get("membership"))).zh,
        "why": values.why_member(row),
        "size": "，".join(f"{head}{figure}{unit}" for head, figure, unit in size if figure),
        "offset_m": values.number(row.get("offset_m"), 1),
        "county_name": f"{county}（邻近县界）" if not values.is_null(near) and near else county,
        "asset": " ".join(part for part in asset if part),
        "impact": "；".join(_said(style.IMPACTS, code) for code in values.text(row.get("impact")).split(";") if code),
        "sight": _said(style.SIGHT, row.get("sight")),
        "permit_state": _said(style.PERMIT_STATES, row.get("permit_state")),
        "confirmed_on": values.day(row.get("confirmed_on")),
        "gone_on": values.day(row.get("gone_on")),
        "transience": _said(style.COURSE, row.get("transience")),
        "stage": _said(style.STAGES, row.get("stage")),
        "shift_px": values.number(row.get("shift_px"), 2),
        "detector": " ".join(values.text(row.get(name)) for name in ("detector", "detector_version")).strip(),
    }
    return [shown[name] if name in shown else "" if name in _OWN else values.text(row.get(name)) for name in CARD]


def _said(words: Mapping[str, style.Word], value: object) -> str:
    name = values.text(value)
    return style.word(words, name).zh if name else ""


def _chips(county: CountyPage, findings: gpd.GeoDataFrame, budget: int) -> tuple[dict[str, list[str]], int]:
    """Pictures as data URIs, most urgent findings first, until the budget is spent; and how many pairs had no room."""
    kept: dict[str, list[str]] = {}
    left_out, spent = 0, 0
    for finding_id in findings["finding_id"]:
        pair = county.chips.get(finding_id)
        if pair is None:
            continue
        spent += sum(map(len, pair))
        if spent > budget:
            left_out += 1
            continue
        kept[values.text(finding_id)] = [_data_uri(picture, finding_id) for picture in pair]
    return kept, left_out


def _data_uri(picture: bytes, finding_id: str) -> str:
    kind = "image/webp" if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP" else None
    kind = kind or next((mime for head, mime in _SIGNATURES.items() if picture.startswith(head)), None)
    if kind is None:
        raise LuyuError(
            f"picture of finding {finding_id!r} is neither WebP, JPEG nor PNG; give the bytes of such a file"
        )
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}"
