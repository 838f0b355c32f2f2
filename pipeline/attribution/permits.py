"""Which permit covers a footprint, in place and date; and if none does, why the nearest to it does not."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from .overlap import days, shares, table, texts

# From best to worst: what is said of a footprint is the best that one of its permits allows.
_NOTES = ("covered", "beyond", "expired", "not_yet_valid", "undated")


def permits(
    footprints: gpd.GeoDataFrame, permits: gpd.GeoDataFrame, *, on: pd.Series, min_cover: float = 0.8
) -> pd.DataFrame:
    """``permit_no, permit_share, permit_note`` of each footprint, on its index.

    A permit covers a footprint when at least ``min_cover`` of it lies inside (批建相符) and the day it was first seen
    lies in the permit's validity, both ends included; an open end holds for ever. Only then is ``permit_no`` set;
    公路安全保护条例 27. ``permit_share`` is the part of the footprint inside the permit that the note speaks of, 0
    where no permit touches it. ``permit_note`` is a code, with a number or day where there is one:

    ====================== ==============================================================
    ``covered``            place and date are right
    ``beyond 35 %``        the date is right, but 35 % of the footprint lies outside
    ``expired 2018-03-01``  first seen after the last day of the permit
    ``not_yet_valid 2019-01-01``  first seen before the first day of the permit
    ``undated``            the footprint has no date to judge by
    null                   no permit touches the footprint
    ====================== ==============================================================

    Parameters
    ----------
    permits
        Table PERMITS in the footprints' CRS. Rows of one number and validity are one permit of several parcels.
    on
        Day of each footprint's first image, on the footprints' index; nulls allowed.
    min_cover
        Part of the footprint that must lie inside, 0..1; the rest is left to the outlines' own error.
    """
    number, share, note = texts(len(footprints)), np.zeros(len(footprints)), texts(len(footprints))
    pairs = _parcels_joined(shares(footprints, permits, "permits"), permits)
    seen = days(on.reindex(footprints.index), "findings", "first_seen").to_numpy()[pairs["left"]]
    pairs["note"] = _notes(pairs, seen, min_cover)
    rank = pairs["note"].map(_NOTES.index)
    best = (
        pairs.assign(rank=rank, short=-pairs["share"])
        .sort_values(["left", "rank", "short", "number"], kind="stable")
        .drop_duplicates("left")
    )
    at, covered = best["left"].to_numpy(), (best["note"] == "covered").to_numpy()
    share[at] = best["share"]
    number[at[covered]] = best["number"].to_numpy(dtype=object)[covered]
    note[at] = [_text(row) for row in best.itertuples()]
    return table(footprints.index, permit_no=number, permit_share=share, permit_note=note)


def _parcels_joined(pairs: pd.DataFrame, permits: gpd.GeoDataFrame) -> pd.DataFrame:
    """The pairs with ``number, start, end``, parcels of one permit added up."""
    known = pd.DataFrame(
        {
            "number": permits["number"].to_numpy(dtype=object),
            "start": days(permits["valid_from"], "permits", "valid_from").to_numpy(),
            "end": days(permits["valid_to"], "permits", "valid_to").to_numpy(),
        }
    )
    joined = pairs.join(known, on="right")
    whole = joined.groupby(["left", "number", "start", "end"], dropna=False, sort=True, as_index=False)["share"].sum()
    return whole.assign(share=whole["share"].clip(upper=1.0))


def _notes(pairs: pd.DataFrame, seen: np.ndarray, min_cover: float) -> np.ndarray:
    start, end = pairs["start"].to_numpy(), pairs["end"].to_numpy()
    dated = ~pd.isna(seen) | (pd.isna(start) & pd.isna(end))
    return np.select(
        [~dated, ~pd.isna(start) & (seen < start), ~pd.isna(end) & (seen > end), pairs["share"] < min_cover],
        ["undated", "not_yet_valid", "expired", "beyond"],
        default="covered",
    )


def _text(row: object) -> str:
    note = row.note  # type: ignore[attr-defined]
    if note == "beyond":
        return f"beyond {100 * (1 - row.share):.0f} %"  # type: ignore[attr-defined]
    day = {"expired": "end", "not_yet_valid": "start"}.get(note)
    return f"{note} {getattr(row, day):%Y-%m-%d}" if day else note
