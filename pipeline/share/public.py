"""What the public may be told: how many cases there are in a township, and nothing of any one of them."""

from __future__ import annotations

import pandas as pd

from ..model.audience import SMALLEST_COUNT
from .tables import TOWNSHIP_COUNTS

_BY = ["county_code", "county_name", "township_name", "kind", "status"]


def township_counts(cases: pd.DataFrame) -> pd.DataFrame:
    """``TOWNSHIP_COUNTS``: cases by township, kind and status, without number, place, date or picture of any.

    A count below ``SMALLEST_COUNT`` is withheld (null, ``few``), and no sum is given that it could be found from. Cases whose
    township is not known come under empty text, never under the nearest one; what was merged into another case is not counted.
    """
    cases = cases[cases["merged_into"].isna()]
    known = pd.DataFrame({name: cases[name].astype(object).where(cases[name].notna(), "") for name in _BY})
    counts = known.groupby(_BY, sort=True).size().rename("cases").reset_index()
    few = counts["cases"] < SMALLEST_COUNT
    counts["cases"] = counts["cases"].astype("Int64").mask(few)
    counts["few"] = few
    return counts[list(TOWNSHIP_COUNTS.columns)].astype(dict.fromkeys(_BY, "str"))
