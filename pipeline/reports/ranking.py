"""Counties side by side: counts with their denominators, so that no share stands alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import style, values

_CHECKED = frozenset({"confirmed", "dismissed", "notified", "rectified", "closed", "revisited"})
_RECTIFIED = frozenset({"rectified", "closed", "revisited"})
_KM = ("km_due", "km_observed", "km_unobserved")

COLUMNS = {
    "rank": style.Word("名次", "rank"),
    "county_code": style.Word("县区代码", "code"),
    "county_name": style.Word("县区", "county"),
    "findings": style.Word("疑似线索", "clues"),
    "inside": style.Word("其中区内", "inside the zone"),
    "checked": style.Word("已核查", "checked"),
    "confirmed": style.Word("核查属实", "confirmed"),
    "rectified": style.Word("已整改", "rectified"),
    "permitted": style.Word("有许可", "permitted"),
    "km_due": style.Word("应观测（km）", "km due"),
    "km_observed": style.Word("已观测（km）", "km observed"),
    "km_unobserved": style.Word("未观测（km）", "km not observed"),
    "observed_share": style.Word("观测率", "observed share"),
    "per_100_km": style.Word("每百公里线索", "clues per 100 km observed"),
}


def kinds_of(findings: pd.DataFrame) -> list[str]:
    """Kinds that the table holds, those of the house first, in a fixed order."""
    held = {values.text(kind) for kind in values.column(findings, "kind")}
    return [kind for kind in style.KINDS if kind in held] + sorted(held - set(style.KINDS))


def rank(counties: pd.DataFrame, findings: pd.DataFrame, coverage: pd.DataFrame) -> pd.DataFrame:
    """One row per county, most clues per observed kilometre first; columns ``COLUMNS`` and one ``kind:NAME`` per kind.

    ``findings`` counts all that have no permit; ``inside``, ``checked``, ``confirmed`` and ``rectified`` are parts of
    them. ``per_100_km`` divides by kilometres observed, not due: cloud must not make a county look tidy. Counties
    without observation come last with an empty rate. Findings of a county that is not listed get a row of their own,
    so that rows add up to the total.
    """
    code = pd.Series([values.text(c) for c in values.column(findings, "county_code")], dtype=object)
    status = pd.Series([values.text(s) for s in values.column(findings, "status")], dtype=object)
    member = pd.Series([values.text(m) for m in values.column(findings, "membership")], dtype=object)
    kind = pd.Series([values.text(k) for k in values.column(findings, "kind")], dtype=object)
    open_ = status != "permitted"
    checked = open_ & status.isin(_CHECKED)
    marks = {
        "findings": open_,
        "inside": open_ & (member == "inside"),
        "checked": checked,
        "confirmed": checked & (status != "dismissed"),
        "rectified": open_ & status.isin(_RECTIFIED),
        "permitted": ~open_,
    } | {f"kind:{name}": open_ & (kind == name) for name in kinds_of(findings)}
    names = _names(counties, findings, coverage)
    table = pd.DataFrame({"county_code": list(names), "county_name": list(names.values())})
    for column, mark in marks.items():
        counted = code[mark].value_counts()
        table[column] = [int(counted.get(c, 0)) for c in table["county_code"]]
    km = pd.DataFrame({name: pd.to_numeric(np.array(values.column(coverage, name), dtype=float)) for name in _KM})
    km = km.groupby(np.array([values.text(c) for c in values.column(coverage, "county_code")], dtype=object)).sum()
    for name in _KM:
        table[name] = [float(km[name].get(c, 0.0)) for c in table["county_code"]]
    due, observed = (table[name].where(table[name] > 0) for name in ("km_due", "km_observed"))
    table["observed_share"] = table["km_observed"] / due
    table["per_100_km"] = 100 * table["findings"] / observed
    table = table.sort_values(
        ["per_100_km", "findings", "county_code"], ascending=[False, False, True], na_position="last", ignore_index=True
    )
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def _names(counties: pd.DataFrame, findings: pd.DataFrame, coverage: pd.DataFrame) -> dict[str, str]:
    names = dict(zip(map(values.text, counties["code"]), map(values.text, counties["name"]), strict=True))
    for frame in (coverage, findings):
        pairs = zip(values.column(frame, "county_code"), values.column(frame, "county_name"), strict=True)
        for code, name in pairs:
            names.setdefault(values.text(code), values.text(name) or "未定县区")
    return names
