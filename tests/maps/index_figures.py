"""Figures of a ledger as the overview gets them, made up and the same every time."""

import datetime as dt
from dataclasses import replace

import pandas as pd

from pipeline.ledger.definitions import RATES
from pipeline.ledger.figures import with_rates
from pipeline.ledger.trend import COUNTS, of_area
from pipeline.reports.pages import IndexPage

NAMES = {"320321": "丰县", "320322": "沛县", "320324": "睢宁县"}
MONTHS = ("2024-09", "2024-10", "2024-11")
KM = {"320321": 22.0, "320322": 61.4}


def runs() -> pd.DataFrame:
    """Two runs in two counties."""
    rows = [
        ("9f8e7d6c5b4a3210", "2024-09-02", "320322", (6, 6, 0, 0, 0, 0, 0)),
        ("0123456789abcdef", "2024-11-05", "320321", (5, 1, 3, 0, 1, 0, 1)),
        ("0123456789abcdef", "2024-11-05", "320322", (15, 3, 8, 2, 2, 2, 0)),
    ]
    return pd.DataFrame(
        [
            {"run_id": run, "on_date": day, "at": f"{day}T03:00:00.000Z", "county_code": code}
            | dict(zip(COUNTS, counts, strict=True))
            for run, day, code, counts in rows
        ]
    )


def months_by_county() -> pd.DataFrame:
    """Three months, the middle one without anything; the third county without a case."""
    rows = []
    for month, busy in zip(MONTHS, (1, 0, 1), strict=True):
        for code, name in NAMES.items():
            here = busy * (2 if code == "320322" else 1 if code == "320321" else 0)
            row = {"month": month, "county_code": code, "county_name": name}
            row |= {"opened": 2 * here, "finished": here, "open": 2 * here + (code != "320324")}
            for rate in RATES:
                row |= {
                    f"{rate}_n": here if month == MONTHS[0] else here // 2,
                    f"{rate}_of": here + (here > 0) * (here // 2),
                }
            rows.append(row | {"per_100_km_n": 2 * here, "per_100_km_of": KM.get(code)})
    table = pd.DataFrame(rows)
    parts = [f"{rate}_{end}" for rate in RATES for end in ("n", "of")]
    table = table.drop(columns=parts).join(with_rates(table[parts]))
    return table.assign(per_100_km=100 * table["per_100_km_n"] / table["per_100_km_of"])


def months() -> pd.DataFrame:
    """The same of all counties."""
    table = months_by_county()
    parts = [f"{rate}_{end}" for rate in RATES for end in ("n", "of")]
    sums = table.groupby("month")[["opened", "finished", "open", "per_100_km_n", "per_100_km_of", *parts]].sum()
    made = sums.drop(columns=parts).join(with_rates(sums[parts])).reset_index()
    return made.assign(per_100_km=100 * made["per_100_km_n"] / made["per_100_km_of"])


def standing() -> pd.DataFrame:
    """Open cases, and overdue ones of those under a deadline."""
    rows = [("320321", "丰县", 2, 0, 1), ("320322", "沛县", 5, 2, 4), ("320324", "睢宁县", 0, 0, 0)]
    table = pd.DataFrame(rows, columns=["county_code", "county_name", "open", "overdue_n", "overdue_of"])
    return table.assign(overdue=table["overdue_n"] / table["overdue_of"].where(table["overdue_of"] > 0))


def with_ledger(summary: IndexPage) -> IndexPage:
    """The overview's input with all that a ledger tells."""
    return replace(
        summary, trend=of_area(runs()), trend_by_county=runs(), months=months(), months_by_county=months_by_county(),
        standing=standing(), as_of=dt.date(2024, 11, 20),
    )  # fmt: skip
