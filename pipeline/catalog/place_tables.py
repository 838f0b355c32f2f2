"""Areas, permits and things along the road: their contracts' columns out of the rows of an entry. All pure."""

from __future__ import annotations

import pandas as pd

from ..model.kinds import BILLBOARD, Zone, ZoneBasis
from . import columns as read
from . import frame_columns as get
from . import words
from .columns import examples
from .geometries import Frame

LONGEST_ASSET_M = 60_000.0  # the longest bridge has 55 km
WIDEST_ASSET_M = 1_000.0


def counties(frame: Frame) -> pd.DataFrame:
    """Columns of COUNTIES; without a name column the code is the name."""
    code = read.county_codes(frame.rows[frame.entry.columns["code"]], frame.entry.columns["code"], frame.findings)
    name = get.text(frame, "name")
    return pd.DataFrame({"code": code, "name": name.where(name.notna(), code)})


def townships(frame: Frame) -> pd.DataFrame:
    """Columns of TOWNSHIPS; a missing name or code is filled by the other."""
    code, name = get.text(frame, "code"), get.text(frame, "name")
    return pd.DataFrame({"code": code.where(code.notna(), name), "name": name.where(name.notna(), code)})


def permits(frame: Frame) -> pd.DataFrame:
    """Columns of PERMITS; an open end stays None."""
    data = pd.DataFrame({"number": get.text(frame, "number"), "kind": get.text(frame, "kind")})
    data["valid_from"], data["valid_to"] = get.date(frame, "valid_from"), get.date(frame, "valid_to")
    both = data.dropna(subset=["valid_from", "valid_to"])
    wrong = both[both["valid_to"] < both["valid_from"]]
    if len(wrong):
        frame.findings.fault(f"valid to a day before it is valid from: {examples(wrong['number'])}; correct the dates")
    return _along(frame, data)


def exempt(frame: Frame) -> pd.DataFrame:
    """Columns of EXEMPT."""
    texts = {ours: get.text(frame, ours) for ours in ("name", "reason", "number")}
    dates = {ours: get.date(frame, ours) for ours in ("built_on", "designated_on")}
    return _along(frame, pd.DataFrame(texts | dates))


def _along(frame: Frame, data: pd.DataFrame) -> pd.DataFrame:
    """With the stretch of road that each row holds for, where it has one."""
    data = data.join(get.along(frame)).assign(side=get.word(frame, "side", words.SIDES))
    return get.without_adrift(frame, data, data["stake_from_m"])


def announced(frame: Frame) -> pd.DataFrame:
    """Columns of ANNOUNCED; where no basis is said, a control zone is announced and highway land surveyed."""
    zone = get.word(frame, "zone", words.ZONES).fillna(Zone.CONTROL_ZONE.value)
    by_zone = zone.map(
        {Zone.CONTROL_ZONE.value: ZoneBasis.ANNOUNCED.value, Zone.HIGHWAY_LAND.value: ZoneBasis.SURVEYED.value}
    )
    basis = get.word(frame, "basis", words.BASES)
    data = pd.DataFrame({"zone": zone, "basis": basis.where(basis.notna(), by_zone)})
    data["route_code"] = get.routes(frame)["route_code"]
    return data.assign(number=get.text(frame, "number"), announced_on=get.date(frame, "announced_on"))


def assets(frame: Frame) -> pd.DataFrame:
    """Columns of ASSETS; the kind is the mapped column's, else the entry's; a row may have a stake and no geometry."""
    data = _placed(frame)
    kind = get.text(frame, "kind")
    kind = kind.where(kind.notna(), frame.entry.kind) if frame.entry.kind else kind
    data["kind"] = kind.map(words.asset_kind, na_action="ignore")
    data["number"] = get.text(frame, "number")
    last_m = get.optional(frame, "stake_to", read.stakes, "float64").reindex(data.index)
    last_m = last_m.fillna(data["last_m"])
    data["stake_to_m"] = last_m.where(last_m != data["stake_m"])
    data["length_m"] = get.quantity(frame, "length_m", "m", LONGEST_ASSET_M)
    data["width_m"] = get.quantity(frame, "width_m", "m", WIDEST_ASSET_M)
    data["side"] = get.word(frame, "side", words.SIDES)
    return data


def registry(frame: Frame) -> pd.DataFrame:
    """Columns of REGISTRY: known things to look at again; what registers call signs of any form are billboards."""
    data = _placed(frame)
    said = get.text(frame, "kind")
    is_sign = said.isna() | said.str.contains(words.SIGNS, case=False, regex=True, na=False)
    return data.assign(
        kind=said.mask(is_sign, BILLBOARD), number=get.text(frame, "number"), valid_to=get.date(frame, "valid_to")
    )


def _placed(frame: Frame) -> pd.DataFrame:
    """``name, route_code, route_key, stake_m, last_m`` of things that stand at a stake, or along a range of them."""
    data = get.routes(frame)[["route_code", "route_key"]]
    data["name"] = get.text(frame, "name")
    data["stake_m"], data["last_m"] = get.stake_range(frame)
    return get.without_adrift(frame, data, data["stake_m"])
