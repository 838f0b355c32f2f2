"""From cells of a table to text that any document can hold."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..model.stake import Stake
from . import labels, style

# What XML 1.0 cannot hold, half surrogates, and the marks that turn the reading direction of what follows.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile("[\t\n\r\u2028\u2029]+")
_SCRIPT_ESCAPES = tuple((c, f"\\u{ord(c):04x}") for c in "<>&\u2028\u2029")


def is_null(value: object) -> bool:
    """Whether a cell is empty: None, NaN, NaT or NA."""
    return (
        value is None
        or value is pd.NaT
        or value is pd.NA
        or (isinstance(value, float | np.floating) and math.isnan(value))
    )


def text(value: object) -> str:
    r"""A cell as plain text: nulls empty, characters that no document can hold taken out.

    >>> text(float("nan")), text("沛县\x00"), text(3)
    ('', '沛县', '3')
    """
    if isinstance(value, str):
        return value if value.isprintable() else _UNFIT.sub("", value)
    return "" if is_null(value) else _UNFIT.sub("", str(value))


def one_line(value: object) -> str:
    r"""A cell as text of one line, for a terminal: what breaks a line is a space.

    >>> one_line("沛县\n\x1b[31m旧路\u2028")
    '沛县 [31m旧路'
    """
    return _BREAKS.sub(" ", text(value)).strip(" ")


def number(value: object, digits: int = 0) -> str:
    """A number with ``digits`` decimals; empty when null or not finite.

    >>> number(12.345, 1), number(None), number(-0.01)
    ('12.3', '', '0')
    """
    if is_null(value):
        return ""
    figure = float(value)  # type: ignore[arg-type]
    if not math.isfinite(figure):
        return ""
    return f"{round(figure, digits) + 0.0:.{digits}f}"


def day(value: object) -> str:
    """A date as ``2024-11-05``; empty when null.

    >>> day(pd.Timestamp("2024-11-05 03:00"))
    '2024-11-05'
    """
    if is_null(value):
        return ""
    known = value if isinstance(value, dt.date) else pd.Timestamp(value)  # type: ignore[arg-type]
    return known.isoformat()[:10]


def column(frame: pd.DataFrame, name: str) -> Sequence[object]:
    """The cells of a column as a list; nulls where the table has no such column."""
    return frame[name].tolist() if name in frame.columns else [None] * len(frame)


def stake_range(row: Mapping[str, Any]) -> str:
    """``K12+300～K12+360`` where the ends differ, the single stake otherwise."""
    start, end = text(row.get("stake_from")), text(row.get("stake_to"))
    return f"{start}～{end}" if start and end and start != end else text(row.get("stake")) or start or end


def stake_m(label: str) -> float:
    """Metres of a stake's text, to sort by and to tell whole kilometres."""
    return Stake.parse(label).measure_m


def evidence_terms(value: object) -> list[tuple[str, str]]:
    """The statistics behind a score as (name, figure) pairs, in the order given; nested names joined by a dot.

    Text that is no JSON comes back as it is, under an empty name.

    >>> evidence_terms('{"ndvi_drop": 0.41234, "rank": {"share": 0.5}}')
    [('ndvi_drop', '0.4123'), ('rank.share', '0.5')]
    """
    raw = text(value)
    if not raw:
        return []
    try:
        parsed = json.loads(raw)
    except ValueError:
        return [("", raw)]
    return list(_flat("", parsed))


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in _flat(f"{name}.{key}" if name else str(key), inner)]
    if isinstance(value, list):
        shown = "，".join(figure for inner in value for _, figure in _flat("", inner))
        return [(text(name), shown)]
    if isinstance(value, bool):
        return [(text(name), "是 yes" if value else "否 no")]
    if isinstance(value, float):
        return [(text(name), f"{value:.4g}")]
    return [(text(name), text(value))]


def why_member(row: Mapping[str, Any]) -> labels.Word:
    """Why a footprint counts as inside its zone or not: overlap, positional error and what the line rests on."""
    zh, en = list[str](), list[str]()
    overlap, area = row.get("zone_overlap_m2"), row.get("area_m2")
    if overlap is not None and area is not None and not is_null(area) and float(area) > 0 and not is_null(overlap):
        shown, share = number(overlap), number(100 * min(float(overlap) / float(area), 1.0))
        zh.append(f"区内 {shown} m²，占 {share}%")
        en.append(f"{shown} m² in the zone, {share}%")
    if distance := number(row.get("edge_distance_m"), 1):
        beyond = distance.startswith("-")
        zh.append(f"界线外 {distance[1:]} m" if beyond else f"伸入界线 {distance} m")
        en.append(f"{distance[1:]} m outside the line" if beyond else f"{distance} m past the line")
    probability = row.get("zone_probability")
    if probability is not None and not is_null(probability):
        zh.append(f"在区内的概率 {number(100 * float(probability))}%")
        en.append(f"chance of lying in it {number(100 * float(probability))}%")
    if error := number(row.get("geo_rmse_m"), 1):
        zh.append(f"定位误差 ±{error} m")
        en.append(f"positional error ±{error} m")
    if basis := text(row.get("zone_basis")):
        known = style.word(style.BASIS, basis)
        zh.append(f"界线依据：{known.zh}")
        en.append(f"line: {known.en}")
        if basis != "announced":
            zh.append("须以公告或实测界线为准")
            en.append("the announced or surveyed line decides")
    return labels.Word("；".join(zh), "; ".join(en))


def reasons(value: object) -> list[tuple[str, float]]:
    """Reasons for unobserved kilometres, from ``cloud 1.20; no_scene 0.30``.

    >>> reasons("cloud 1.20; no_scene 0.30"), reasons(None)
    ([('cloud', 1.2), ('no_scene', 0.3)], [])
    """
    found = []
    for part in text(value).split(";"):
        name, _, km = part.strip().rpartition(" ")
        if name and re.fullmatch(r"\d+(\.\d+)?", km):
            found.append((name, float(km)))
    return found


def facts(meta: Mapping[str, Any]) -> list[tuple[labels.Word, str]]:
    """Run facts as label and value in the order given; empty ones and the credit, which stands apart, left out."""
    told = ((style.word(labels.META, text(name)), text(value)) for name, value in meta.items() if name != "credit")
    return [(label, value) for label, value in told if value]


def facts_line(meta: Mapping[str, Any]) -> str:
    """The facts as one line in Chinese.

    >>> facts_line({"scenes": 6, "sensor": None})
    '影像（景） 6'
    """
    return " · ".join(f"{label.zh} {value}" for label, value in facts(meta))


def json_block(value: object) -> str:
    r"""JSON that can stand inside a ``<script type="application/json">`` and never ends it.

    Raises ``ValueError`` on NaN: browsers refuse it.

    >>> json_block(["</script>&"])
    '["\\u003c/script\\u003e\\u0026"]'
    """
    plain = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in _SCRIPT_ESCAPES:  # far faster than str.translate on megabytes
        plain = plain.replace(character, escape)
    return plain


def file_stem(code: object) -> str:
    """A county code (or case number) as the stem of a file name that no file system or address can misread.

    Anything but ASCII letters, digits, ``_`` and ``-`` is replaced, and a short digest keeps two such names apart.

    >>> file_stem("320322"), file_stem("../etc")
    ('320322', '_etc-f7f9121f')
    """
    raw = text(code)
    safe = re.sub(r"[^0-9A-Za-z_-]+", "_", raw)[:60]
    if safe == raw and safe:
        return safe
    return f"{safe.strip('-') or '_'}-{hashlib.sha256(str(code).encode('utf-8', 'replace')).hexdigest()[:8]}"
