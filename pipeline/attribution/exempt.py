"""Which footprints the law leaves alone: facilities of the road itself, and what stood before the zone was drawn."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from .overlap import column, days, shares, table, texts

_CODES = ("lawful", "before", "extended", "built_after", "not_here")  # from best to worst


def exempt(
    footprints: gpd.GeoDataFrame,
    exempt: gpd.GeoDataFrame,
    *,
    on: pd.Series | None = None,
    min_cover: float = 0.8,
    elsewhere: tuple[str, ...] = (),
) -> pd.DataFrame:
    """``exempt, exempt_note`` of each footprint, on its index.

    A row of the layer is a lawful structure (toll station, depot, a house from before the designation; 公路法 56,
    公路安全保护条例 13) when it has no dates or ``built_on`` is not after ``designated_on``. A row with
    ``designated_on`` alone is a stretch whose zone was designated that day: what was seen there on or before it is
    exempt. At least ``min_cover`` of the footprint must lie in it, since what was lawful may not be extended.

    ``exempt_note`` is a code and the row's reason, number or name: ``lawful 收费站``, ``before 2011-07-01``,
    ``extended 35 %`` (not exempt: so much of it lies outside the lawful structure), ``built_after 2011-07-01`` (not
    exempt: the row's own dates say so), ``not_here 农田水利设施`` (not exempt: another province's reason); null where
    no row speaks of the footprint.

    Parameters
    ----------
    exempt
        Table EXEMPT in the footprints' CRS; points and lines count where they touch a footprint. Rows without geometry
        touch nothing; ``alongside`` gives them one.
    on
        Day of each footprint's first image, on the footprints' index; without it designation stretches say nothing.
    elsewhere
        Words of reasons that hold in other jurisdictions only (江苏省公路条例 34: 必要的农田水利设施). A row with such a word in
        its reason exempts nothing here, unless its dates show that it is older than the designation.
    """
    flag, note = np.zeros(len(footprints), dtype=bool), texts(len(footprints))
    pairs = shares(footprints, exempt, "exempt")
    if len(pairs):
        seen = pd.Series(pd.NaT, index=footprints.index) if on is None else on.reindex(footprints.index)
        pairs["seen"] = days(seen, "findings", "first_seen").to_numpy()[pairs["left"]]
        judged = _judged(pairs.join(_rows(exempt, elsewhere), on="right"), min_cover)
        judged["rank"] = judged["code"].map(_CODES.index)
        judged["short"] = -judged["share"]
        best = judged.sort_values(["left", "rank", "short", "what", "right"], kind="stable").drop_duplicates("left")
        at = best["left"].to_numpy()
        flag[at] = best["code"].isin(["lawful", "before"])
        note[at] = [_text(row) for row in best.itertuples()]
    return table(footprints.index, exempt=flag, exempt_note=note)


def _rows(exempt: gpd.GeoDataFrame, elsewhere: tuple[str, ...]) -> pd.DataFrame:
    """``built, designated, what, not_here`` of each row, by position; columns that the layer lacks are null."""
    built, designated = (
        days(pd.Series(column(exempt, name), index=exempt.index), "exempt", name).to_numpy()
        for name in ("built_on", "designated_on")
    )
    what = texts(len(exempt))
    for name in ("name", "number", "reason"):  # the last that is known has the word
        said = column(exempt, name)
        what = np.where(pd.isna(said), what, said)
    not_here = [any(word in str(said) for word in elsewhere) for said in column(exempt, "reason")]
    return pd.DataFrame(
        {
            "built": built,
            "designated": designated,
            "what": np.where(pd.isna(what), "", what),
            "not_here": np.array(not_here, dtype=bool) & pd.isna(built) & pd.isna(designated),
        }
    )


def _judged(pairs: pd.DataFrame, min_cover: float) -> pd.DataFrame:
    """The pairs that say something, with their ``code``."""
    structure = pairs["built"].notna() | pairs["designated"].isna()
    late = pairs["built"].notna() & (pairs["built"] > pairs["designated"])
    inside = pairs["share"] >= min_cover
    before = ~structure & inside & (pairs["seen"] <= pairs["designated"])
    code = np.select(
        [pairs["not_here"], structure & late, structure & inside, structure, before],
        ["not_here", "built_after", "lawful", "extended", "before"],
        "",
    )
    return pairs.assign(code=code)[code != ""]


def _text(row: object) -> str:
    code = row.code  # type: ignore[attr-defined]
    if code == "extended":
        return f"extended {100 * (1 - row.share):.0f} %"  # type: ignore[attr-defined]
    if code in ("lawful", "not_here"):
        return f"{code} {row.what}".rstrip()  # type: ignore[attr-defined]
    return f"{code} {row.designated:%Y-%m-%d}"  # type: ignore[attr-defined]
