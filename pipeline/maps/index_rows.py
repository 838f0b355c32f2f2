"""The overview's tables as rows of texts: ranking, standing of cases, coverage, hot spots, pages and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd

from ..reports import coverage as causes_of
from ..reports import labels, style, values, watched
from ..reports.labels import Word
from ..reports.pages import records
from .index_words import FILES, WORDS, said, spots_note

_MOST_SPOTS = 20
_ENOUGH = 0.95  # of the kilometres due; less is marked
_COUNTS = ("findings", "inside", "checked", "confirmed", "rectified", "permitted")
_KM = ("km_due", "km_observed", "km_unobserved")
_NOTICE = "notice:"


def county_link(code: object) -> str:
    """Where the map of a county lies, seen from the overview: ``counties/320322.html``."""
    return f"counties/{quote(values.file_stem(code))}.html"


def ranking_rows(table: pd.DataFrame, kinds: Sequence[str], files: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of ``ranking.rank`` with links to each county's map and notice."""
    return [_row(row, kinds) | {"notice": files.get(_NOTICE + str(row["county_code"]))} for row in records(table)]


def ranking_total(table: pd.DataFrame, kinds: Sequence[str]) -> dict[str, Any]:
    """The sums of the ranking, and the rates of the sums."""
    sums: dict[str, Any] = {name: table[name].sum() for name in (*_COUNTS, *(f"kind:{k}" for k in kinds), *_KM)}
    due, observed = sums["km_due"], sums["km_observed"]
    sums |= {"rank": "", "county_code": "", "county_name": ""}
    sums["observed_share"] = observed / due if due > 0 else None
    sums["per_100_km"] = 100 * sums["findings"] / observed if observed > 0 else None
    return _row(sums, kinds)


def _row(row: Mapping[str, Any], kinds: Iterable[str]) -> dict[str, Any]:
    share = row["observed_share"]
    return {
        **{name: row[name] for name in ("rank", "county_code")},
        **{name: int(row[name]) for name in _COUNTS},
        **{name: values.number(row[name], 1) for name in _KM},
        "county": _name(row["county_name"]),
        "link": county_link(row["county_code"]) if row["county_code"] else "",
        "kinds": [int(row[f"kind:{kind}"]) for kind in kinds],
        "observed_share": "" if values.is_null(share) else percent(share),
        "gap": not values.is_null(share) and share < _ENOUGH,
        "per_100_km": values.number(row["per_100_km"], 1) or "—",
    }


def _name(name: object) -> Word:
    """A county's name, which is the same in both languages, or that there is none."""
    text = values.text(name)
    return Word(text, text) if text and text != WORDS["no_county"].zh else WORDS["no_county"]


def percent(share: object, digits: int = 1) -> str:
    """A share 0..1 as per cent; a dash where there is none.

    >>> percent(0.5), percent(float("nan"))
    ('50.0%', '—')
    """
    return "—" if values.is_null(share) else f"{values.number(100 * float(share), digits)}%"  # type: ignore[arg-type]


def standing_rows(standing: pd.DataFrame | None) -> dict[str, Any]:
    """Open cases and overdue rounds by county, most overdue first, and their sums; no rows without a ledger."""
    if standing is None or standing.empty:
        return {"rows": [], "total": None}
    rows = [_standing_row(row) for row in records(standing)]
    parts = {name: int(standing[name].sum()) for name in ("open", "overdue_n", "overdue_of")}
    rows.sort(key=lambda row: (-row["overdue_n"], -row["open"], row["code"]))
    return {"rows": rows, "total": _standing_row(parts)}


def _standing_row(row: Mapping[str, Any]) -> dict[str, Any]:
    late, of = int(row["overdue_n"]), int(row["overdue_of"])
    code = values.text(row.get("county_code"))
    return {
        "code": code,
        "county": _name(row.get("county_name")),
        "link": county_link(code) if code else "",
        "open": int(row["open"]),
        "overdue_n": late,
        "overdue_of": of,
        "share": percent(late / of if of else None),
    }


def coverage_rows(coverage: pd.DataFrame) -> dict[str, Any]:
    """Coverage by county and by route, with a column per cause that occurs anywhere."""
    causes = list(causes_of.km_by_cause(coverage))
    plain = coverage.assign(county_code=[values.text(code) for code in values.column(coverage, "county_code")])
    counties = [_coverage_row(part, causes) for _, part in plain.groupby("county_code", sort=True)]
    return {
        "causes": [(place, causes_of.look(name)) for place, name in enumerate(causes)],
        "counties": sorted(counties, key=lambda row: (-row["lost"], row["code"])),
        "rows": [_coverage_row(plain.iloc[[at]], causes) for at in range(len(plain))],
        "total": _coverage_row(plain, causes) if len(plain) else None,
    }


def _coverage_row(part: pd.DataFrame, causes: list[str]) -> dict[str, Any]:
    """One or more rows of the coverage table as one: kilometres, and their shares for the bar."""
    first, by_cause = part.iloc[0], causes_of.km_by_cause(part)
    km = {name: float(pd.to_numeric(part[name]).sum()) for name in _KM}
    due = max(km["km_due"], 1e-9)
    widths = {place: round(100 * by_cause[name] / due, 2) for place, name in enumerate(causes) if name in by_cause}
    return {
        "code": values.text(first.get("county_code")),
        "route": values.text(first.get("route_code")),
        "county": _name(values.text(first.get("county_name")) or values.text(first.get("county_code"))),
        **{name: values.number(value, 2) for name, value in km.items()},
        "lost": km["km_unobserved"],
        "share": percent(km["km_observed"] / due) if km["km_due"] > 0 else "—",
        "gap": km["km_observed"] < _ENOUGH * km["km_due"],
        "causes": [values.number(by_cause[name], 2) if name in by_cause else "" for name in causes],
        "bar": [
            (place, round(100 - sum(other for at, other in widths.items() if at >= place), 2), width)
            for place, width in widths.items()
        ],
    }


def hot_spots(table: pd.DataFrame | None) -> dict[str, Any]:
    """The worst stretches and how many there are in all."""
    if table is None or not len(table):
        return {"total": 0, "heads": [], "rows": []}
    heads = [labels.COLUMNS[name] for name in watched.HOT_SPOTS]
    rows = [[_spot_cell(name, row.get(name)) for name in watched.HOT_SPOTS] for row in records(table.head(_MOST_SPOTS))]
    return {"total": len(table), "heads": heads, "rows": rows, "note": spots_note(len(table))}


def _spot_cell(name: str, value: object) -> Word:
    text = values.text(value)
    if name == "kind":
        look = style.kind_style(text)
        return Word(look.zh, look.en)
    if name == "side" and text:
        return style.word(style.SIDES, text)
    shown = watched.cell(name, value)
    return Word(shown, shown)


def size_rows(sizes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What became of each county's page."""
    return [
        {
            "county": _name(row.get("name")),
            "code": values.text(row.get("code")),
            "link": county_link(row.get("code")),
            "megabytes": values.number(float(row.get("bytes") or 0) / 1e6, 1),
            **{name: values.number(row.get(name)) for name in ("findings", "pictures", "side_px")},
            "dropped": values.number(row.get("dropped_pictures")) or "0",
            "notes": said(row.get("notes")),
        }
        for row in sizes
    ]


def file_links(files: Mapping[str, str]) -> list[tuple[Word, str]]:
    """What lies beside the overview; notices of counties stand in the ranking."""
    return [
        (style.word(FILES, values.text(name)), values.text(link))
        for name, link in files.items()
        if not name.startswith(_NOTICE)
    ]


def facts(meta: Mapping[str, Any]) -> list[tuple[Word, str]]:
    """Run facts in the order given; empty ones and the credit, which stands apart, left out."""
    shown = (
        (style.word(labels.META, values.text(name)), values.text(value))
        for name, value in meta.items()
        if name != "credit"
    )
    return [(word, value) for word, value in shown if value]
