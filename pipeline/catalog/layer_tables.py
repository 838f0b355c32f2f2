"""From a layer's rows to the table that its contract promises: one function per layer, all pure.

Each takes a ``Frame`` (rows in the metric CRS) and returns the contract's columns on the rows that are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd

from ..model import tables as contracts
from ..model.kinds import BILLBOARD, AssetKind, Side, Structure, Zone, ZoneBasis
from ..model.tables import Table
from . import columns as read
from .columns import examples
from .geometries import Frame

# A column's values, its name and where to say what is wrong with them.
Parse = Callable[[pd.Series, str, read.Findings], pd.Series]

CONTRACTS: Mapping[str, Table] = MappingProxyType(
    {
        "roads": contracts.ROADS,
        "stakes": contracts.STAKES,
        "breaks": contracts.BREAKS,
        "counties": contracts.COUNTIES,
        "permits": contracts.PERMITS,
        "assets": contracts.ASSETS,
        "zones": contracts.ANNOUNCED,
        "exempt": contracts.EXEMPT,
        "townships": contracts.TOWNSHIPS,
        "registry": contracts.REGISTRY,
    }
)
# No highway has a wider pavement or roadbed: ten lanes with shoulders and median are some 60 m.
WIDEST_PAVEMENT_M, WIDEST_ROADBED_M = 120.0, 200.0
# A section whose stakes span this many times its length was written in metres.
_METRES_NOT_KM = (300.0, 3000.0)
_SIGN_WORDS = (
    "广告|高炮|标牌|招牌|标志|立柱|billboard|sign"  # a register of signs without a column of kinds is one of them too
)
_ZONE_WORDS = MappingProxyType(
    {
        **{zone.value: zone.value for zone in (Zone.CONTROL_ZONE, Zone.HIGHWAY_LAND)},
        **dict.fromkeys(("公路建筑控制区", "建筑控制区", "控制区"), Zone.CONTROL_ZONE.value),
        **dict.fromkeys(("公路用地", "用地"), Zone.HIGHWAY_LAND.value),
    }
)
_BASIS_WORDS = MappingProxyType(
    {
        **{basis.value: basis.value for basis in (ZoneBasis.ANNOUNCED, ZoneBasis.SURVEYED)},
        **dict.fromkeys(("公告", "已公告", "划定公告"), ZoneBasis.ANNOUNCED.value),
        **dict.fromkeys(("实测", "测量", "征收"), ZoneBasis.SURVEYED.value),
    }
)
_STRUCTURE_WORDS = MappingProxyType(
    {
        **{item.value: item.value for item in Structure},
        **dict.fromkeys(("隧道",), Structure.TUNNEL.value),
        **dict.fromkeys(("桥", "桥梁", "高架", "高架桥"), Structure.BRIDGE.value),
        **dict.fromkeys(("匝道",), Structure.RAMP.value),
        **dict.fromkeys(("路基", "一般路段", "roadbed"), None),
    }
)
_SIDE_WORDS = MappingProxyType(
    {
        **{side.value: side.value for side in Side},
        **dict.fromkeys(("左", "左侧", "l"), Side.LEFT.value),
        **dict.fromkeys(("右", "右侧", "r"), Side.RIGHT.value),
        **dict.fromkeys(("两侧", "双侧", "左右", "both"), None),
    }
)
# Words of registers by the kind of asset that they mean; the first that occurs in a text decides.
_ASSET_WORDS: tuple[tuple[str, AssetKind], ...] = (
    ("收费站", AssetKind.TOLL_STATION),
    ("服务区", AssetKind.SERVICE_AREA),
    ("停车区", AssetKind.SERVICE_AREA),
    ("治超", AssetKind.CHECKPOINT),
    ("养护", AssetKind.DEPOT),
    ("道班", AssetKind.DEPOT),
    ("互通", AssetKind.INTERCHANGE),
    ("立交", AssetKind.INTERCHANGE),
    ("门架", AssetKind.GANTRY),
    ("隧道", AssetKind.TUNNEL),
    ("涵", AssetKind.CULVERT),
    ("桥", AssetKind.BRIDGE),
    ("护栏", AssetKind.BARRIER),
    ("界桩", AssetKind.MARKER),
    ("标桩", AssetKind.MARKER),
    ("标志", AssetKind.SIGN),
    ("渡口", AssetKind.FERRY),
)


def roads(frame: Frame) -> pd.DataFrame:
    """Columns of ROADS; rows without a route are left out and noted, implausible widths become NaN and are noted."""
    tech = _optional(frame, "tech_class", read.tech_classes, "float64")
    data = _routes(frame, tech)
    data["name"] = _text(frame, "name")
    data["tech_class"] = tech
    pavement = _width(frame, "pavement_width_m", WIDEST_PAVEMENT_M)
    roadbed = _width(frame, "roadbed_width_m", WIDEST_ROADBED_M)
    narrow = roadbed < pavement
    if narrow.any():
        frame.findings.note(
            f"roadbed narrower than pavement in {examples(roadbed[narrow])}; the roadbed width is ignored"
        )
    data["pavement_width_m"], data["roadbed_width_m"] = pavement, roadbed.where(~narrow)
    for ours, theirs in (("stake_from_m", "stake_from_km"), ("stake_to_m", "stake_to_km")):
        data[ours] = _optional(frame, theirs, read.stakes, "float64")
    _check_span(frame, data)
    data["concurrent_with"] = _concurrent(frame)
    data["structure"] = _word(frame, "structure", _STRUCTURE_WORDS)
    for ours in ("managed_by_city", "unbuilt"):
        data[ours] = _optional(frame, ours, read.flags, "object").fillna(value=False).astype(bool)
    data["ditch_m"] = _optional(frame, "ditch_m", read.number, "float64")
    data["design_speed_kmh"] = _optional(frame, "design_speed_kmh", read.number, "float64")
    return _with_route(frame, data)


def _concurrent(frame: Frame) -> pd.Series:
    """Signs of the other routes of each row, ``G311;S253``: of the mapped column, and those that stand beside the first."""
    listed = []
    theirs = [frame.entry.columns[ours] for ours in ("route", "concurrent_with") if ours in frame.entry.columns]
    for column, own in zip(theirs, (True, False), strict=False):
        signs = read.route_signs(frame.rows[column])
        listed.append(signs.str[1:] if own else signs)
    every = [dict.fromkeys(sign for part in row for sign in part) for row in zip(*listed, strict=True)]
    return pd.Series([";".join(signs) or None for signs in every], index=frame.rows.index, dtype=object)


def breaks(frame: Frame) -> pd.DataFrame:
    """Columns of BREAKS; a row whose two stakes are equal is no break and is left out."""
    data = _routes(frame, None)[["route_code", "route_key"]]
    for ours, theirs in (("back_m", "back"), ("ahead_m", "ahead")):
        data[ours] = _optional(frame, theirs, read.stakes, "float64")
    data = _with_route(frame, data)
    idle = data["back_m"].isna() | data["ahead_m"].isna() | (data["back_m"] == data["ahead_m"])
    if idle.any():
        frame.findings.note(f"{int(idle.sum())} of {len(data)} rows have no two different stakes and are left out")
    return data[~idle]


def stakes(frame: Frame) -> pd.DataFrame:
    """Columns of STAKES, one row per route and stake; a repeated one keeps its first place and is noted."""
    data = _routes(frame, None)[["route_code", "route_key"]]
    data["stake_m"] = _stake(frame)
    data = _with_route(frame, data)
    empty = data["stake_m"].isna()
    if empty.any():
        frame.findings.note(f"{int(empty.sum())} of {len(data)} rows have no stake and are left out")
        data = data[~empty]
    twice = data.duplicated(["route_key", "stake_m"])
    if twice.any():
        frame.findings.note(_repeated(frame, data, twice))
    return data[~twice]


def _repeated(frame: Frame, data: pd.DataFrame, twice: pd.Series) -> str:
    """How many stakes stand more than once, and how far apart the two of the worst pair lie."""
    places = frame.rows.geometry.loc[data.index]
    first = data[~twice].reset_index().set_index(["route_key", "stake_m"])["index"]
    kept = first.loc[list(data[twice][["route_key", "stake_m"]].itertuples(index=False, name=None))].to_numpy()
    apart_m = places.loc[data.index[twice]].distance(
        gpd.GeoSeries(places.loc[kept].to_numpy(), index=data.index[twice], crs=places.crs)
    )
    worst = apart_m.idxmax()
    row = data.loc[worst]
    return (
        f"stakes that stand more than once: {int(twice.sum())}; the first of each is used"
        f" (farthest apart: {row['route_code']} at {row['stake_m'] / 1000:.3f} km, {apart_m.loc[worst]:.0f} m)"
    )


def counties(frame: Frame) -> pd.DataFrame:
    """Columns of COUNTIES; without a name column the code is the name."""
    code = read.county_codes(frame.rows[frame.entry.columns["code"]], frame.entry.columns["code"], frame.findings)
    name = _text(frame, "name")
    return pd.DataFrame({"code": code, "name": name.where(name.notna(), code)})


def permits(frame: Frame) -> pd.DataFrame:
    """Columns of PERMITS; an open end stays None."""
    data = pd.DataFrame({"number": _text(frame, "number"), "kind": _text(frame, "kind")})
    data["valid_from"], data["valid_to"] = _date(frame, "valid_from"), _date(frame, "valid_to")
    both = data.dropna(subset=["valid_from", "valid_to"])
    wrong = both[both["valid_to"] < both["valid_from"]]
    if len(wrong):
        frame.findings.fault(f"valid to a day before it is valid from: {examples(wrong['number'])}; correct the dates")
    return data.join(_along(frame))


def _along(frame: Frame) -> pd.DataFrame:
    """``route_code, stake_from_m, stake_to_m, side`` of rows that are known by their stretch of road."""
    data = _routes(frame, None)[["route_code"]]
    ranges = {name: _optional(frame, name, read.stake_ranges, "object") for name in ("stake", "stake_from", "stake_to")}
    low, high = (pd.Series(np.nan, index=frame.rows.index) for _ in range(2))
    for name, found in ranges.items():
        given = found.dropna()
        first, last = (given.map(lambda pair, end=end: pair[end]).astype("float64") for end in (0, 1))
        low = low.fillna(first) if name != "stake_to" else low
        high = high.fillna(last) if name != "stake_from" else high
    data["stake_from_m"], data["stake_to_m"] = low, high.fillna(low)
    data["side"] = _word(frame, "side", _SIDE_WORDS)
    return data


def assets(frame: Frame) -> pd.DataFrame:
    """Columns of ASSETS; the kind is the mapped column's, else the entry's; a row may have a stake and no geometry."""
    data = _placed(frame)
    kind = _text(frame, "kind")
    kind = kind.where(kind.notna(), frame.entry.kind) if frame.entry.kind else kind
    data["kind"] = kind.map(_asset_kind, na_action="ignore")
    data["number"] = _text(frame, "number")
    data["stake_to_m"] = _optional(frame, "stake_to", read.stakes, "float64")
    for ours in ("length_m", "width_m"):
        data[ours] = _optional(frame, ours, read.number, "float64")
    data["side"] = _word(frame, "side", _SIDE_WORDS)
    return data


def _asset_kind(said: str) -> str:
    """AssetKind value that a register's word means; a word that is not known stays."""
    return next((kind.value for word, kind in _ASSET_WORDS if word in said), said)


def registry(frame: Frame) -> pd.DataFrame:
    """Columns of REGISTRY: known things to look at again; what registers call signs of any form are billboards."""
    data = _placed(frame)
    said = _text(frame, "kind")
    is_sign = said.isna() | said.str.contains(_SIGN_WORDS, case=False, regex=True, na=False)
    return data.assign(
        kind=said.mask(is_sign, BILLBOARD), number=_text(frame, "number"), valid_to=_date(frame, "valid_to")
    )


def _placed(frame: Frame) -> pd.DataFrame:
    """``name, route_code, stake_m`` of things that stand at a stake."""
    data = _routes(frame, None)[["route_code"]]
    data["name"] = _text(frame, "name")
    data["stake_m"] = _stake(frame)
    adrift = frame.rows.geometry.isna() & (data["stake_m"].isna() | data["route_code"].isna())
    if adrift.any():
        frame.findings.note(f"{int(adrift.sum())} rows have neither a geometry nor a route with a stake; left out")
    return data[~adrift]


def announced(frame: Frame) -> pd.DataFrame:
    """Columns of ANNOUNCED; where no basis is said, a control zone is announced and highway land surveyed."""
    zone = _word(frame, "zone", _ZONE_WORDS).fillna(Zone.CONTROL_ZONE.value)
    by_zone = zone.map(
        {Zone.CONTROL_ZONE.value: ZoneBasis.ANNOUNCED.value, Zone.HIGHWAY_LAND.value: ZoneBasis.SURVEYED.value}
    )
    basis = _word(frame, "basis", _BASIS_WORDS)
    data = pd.DataFrame({"zone": zone, "basis": basis.where(basis.notna(), by_zone)})
    data["route_code"] = _routes(frame, None)["route_code"]
    return data.assign(number=_text(frame, "number"), announced_on=_date(frame, "announced_on"))


def exempt(frame: Frame) -> pd.DataFrame:
    """Columns of EXEMPT."""
    texts = {ours: _text(frame, ours) for ours in ("name", "reason", "number")}
    dates = {ours: _date(frame, ours) for ours in ("built_on", "designated_on")}
    return pd.DataFrame(texts | dates).join(_along(frame))


def townships(frame: Frame) -> pd.DataFrame:
    """Columns of TOWNSHIPS; a missing name or code is filled by the other."""
    code, name = _text(frame, "code"), _text(frame, "name")
    return pd.DataFrame({"code": code.where(code.notna(), name), "name": name.where(name.notna(), code)})


def settled(role: str, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The table with the contract's columns in its order, and parts of one county or township joined into one row."""
    table = table[[*CONTRACTS[role].columns, "geometry"]]
    plain = [name for name, kind in CONTRACTS[role].columns.items() if kind in ("str", "date")]
    table = table.assign(**{name: table[name].astype(object).where(table[name].notna(), None) for name in plain})
    if role in ("counties", "townships") and table["code"].duplicated().any():
        table = table.dissolve(by="code", sort=False, as_index=False)[[*CONTRACTS[role].columns, "geometry"]]
    return table


def _optional(frame: Frame, ours: str, parse: Parse, dtype: str) -> pd.Series:
    theirs = frame.entry.columns.get(ours)
    if theirs is None:
        return pd.Series(np.nan if dtype == "float64" else None, index=frame.rows.index, dtype=dtype)
    return parse(frame.rows[theirs], theirs, frame.findings)


def _text(frame: Frame, ours: str) -> pd.Series:
    return _optional(frame, ours, lambda values, _theirs, _findings: read.text(values), "object")


def _date(frame: Frame, ours: str) -> pd.Series:
    return _optional(frame, ours, read.date, "object")


def _word(frame: Frame, ours: str, words: Mapping[str, str | None]) -> pd.Series:
    """The mapped column in our vocabulary; a word that is not in it is a fault."""
    said = _text(frame, ours)
    found = said.map(words).astype(object)
    found = found.where(found.notna(), None)
    wrong = said[~said.isin(words) & said.notna()]
    if len(wrong):
        frame.findings.fault(f"column {frame.entry.columns[ours]!r}: {examples(wrong)}; known: {', '.join(words)}")
    return found


def _routes(frame: Frame, tech: pd.Series | None) -> pd.DataFrame:
    theirs = frame.entry.columns.get("route")
    if theirs is None:
        return pd.DataFrame(
            None, columns=["route_code", "route_key", "road_class"], index=frame.rows.index, dtype=object
        )
    return read.routes(frame.rows[theirs], theirs, tech, frame.findings)


def _with_route(frame: Frame, data: pd.DataFrame) -> pd.DataFrame:
    """Rows that name a route; the rest noted, and a fault when none does."""
    without = data["route_code"].isna()
    if without.any() and not frame.findings.faults:
        say = frame.findings.fault if without.all() else frame.findings.note
        say(f"{int(without.sum())} of {len(data)} rows name no route in {frame.entry.columns['route']!r}; left out")
    return data[~without]


def _stake(frame: Frame) -> pd.Series:
    """Metres from whichever of ``stake``, ``stake_km``, ``stake_m`` is mapped, the first that says something."""
    found = pd.Series(np.nan, index=frame.rows.index, dtype="float64")
    for ours in ("stake", "stake_km", "stake_m"):
        parse = read.number if ours == "stake_m" else read.stakes
        found = found.fillna(_optional(frame, ours, parse, "float64"))
    return found


def _width(frame: Frame, ours: str, widest_m: float) -> pd.Series:
    """Metres; zero, which databases write for unknown, and values that no road has become NaN, the latter noted."""
    width_m = _optional(frame, ours, read.number, "float64")
    wrong = width_m[(width_m < 0) | (width_m > widest_m)]
    if len(wrong):
        theirs = frame.entry.columns[ours]
        frame.findings.note(
            f"column {theirs!r}: no width between 0 and {widest_m:g} m in {examples(wrong)}; taken as unknown"
        )
    return width_m.where((width_m > 0) & (width_m <= widest_m))


def _check_span(frame: Frame, data: pd.DataFrame) -> None:
    """A fault when the stakes of most sections were written in metres, seen from the sections' lengths."""
    length_m = frame.rows.length
    ratio = ((data["stake_to_m"] - data["stake_from_m"]).abs() / length_m.where(length_m > 0)).dropna()
    metres = ratio.between(*_METRES_NOT_KM)
    if len(ratio) and metres.mean() > 0.5:
        theirs = frame.entry.columns.get("stake_to_km", "stake_to_km")
        frame.findings.fault(
            f"column {theirs!r}: stakes span {ratio.median():.0f} times the length of the sections;"
            " kilometres are expected, these look like metres"
        )
