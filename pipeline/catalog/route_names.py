"""Names of other routes in a delivered column: signs, database keys, and codes of sections."""

from __future__ import annotations

import re

import pandas as pd

from ..errors import LuyuError
from ..model.route import RouteCode
from .columns import Findings, examples, text

_SEVERAL = re.compile(r"[;,；，、/]")
# 路段代码 LDBM is a route's key and the number of the section; numbers of three digits are by far the commonest.
_SECTIONS = tuple(re.compile(rf"([GSXYCZQ][0-9A-Z]{{{size}}}\d{{6}})\d{{1,4}}") for size in (3, 4, 2, 1))


def route_signs(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """All routes that each text names, as they stand on signs (``G205;S202`` gives both); what is no route is noted.

    Routes come as signs, keys (``G205320000``) or codes of sections (``G2053200000010``).
    """
    plain = text(values)
    found = plain.map(
        lambda names: [sign for name in _SEVERAL.split(names) if (sign := _sign(name))], na_action="ignore"
    )
    lists = found.map(lambda signs: signs if isinstance(signs, list) else [])
    wrong = values[plain.notna() & ~lists.astype(bool)]
    if len(wrong):
        findings.note(f"column {column!r}: no route in {examples(wrong)}; taken as none")
    return lists


def _sign(name: str) -> str | None:
    try:
        return RouteCode.parse(name).sign
    except LuyuError:
        pass
    key = next((match[1] for form in _SECTIONS if (match := form.fullmatch(name.strip().upper()))), None)
    return None if key is None else RouteCode.parse(key).sign
