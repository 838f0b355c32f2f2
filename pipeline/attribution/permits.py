"""Which permit covers a footprint, in place, date and kind; and if none does, why the nearest to it does not.

=================== ========================== ======================================================
``permit_state``    ``permit_note``
=================== ========================== ======================================================
``covered``         ``covered``                place, date and kind are right
``not_as_approved`` ``beyond 35 %``            批建不符: the date is right, 35 % of it lies outside
``expired``         ``expired 2018-03-01``     first seen after the last day of the permit
``not_yet_valid``   ``not_yet_valid 2019-01-01``  first seen before the first day of the permit
``undated``         ``undated``                the footprint has no date to judge by
``other_kind``      ``other_kind 管线``        the permit is for something else, or nobody can permit what is there
null                null                       no permit touches the footprint
=================== ========================== ======================================================
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.kinds import PermitState
from .overlap import column, days, outlines, shares, table, texts

NUMBERLESS = "无编号"  # what a permit is called whose number nobody wrote down
# From best to worst: what is said of a footprint is the best that one of its permits allows.
_STATES = tuple(
    state.value
    for state in (
        PermitState.COVERED,
        PermitState.NOT_AS_APPROVED,
        PermitState.EXPIRED,
        PermitState.NOT_YET_VALID,
        PermitState.UNDATED,
        PermitState.OTHER_KIND,
    )
)


def permits(
    footprints: gpd.GeoDataFrame,
    permits: gpd.GeoDataFrame,
    *,
    on: pd.Series,
    min_cover: float = 0.8,
    kinds: Mapping[str, Collection[str]] | None = None,
    finding_kinds: pd.Series | None = None,
    never: Collection[str] = (),
) -> pd.DataFrame:
    """``permit_no, permit_state, permit_ref, permit_share, permit_note`` of each footprint, on its index.

    A permit covers a footprint when it is for its kind, at least ``min_cover`` of it lies inside (批建相符) and the day
    it was first seen lies in the permit's validity, both ends included; an open end holds for ever. Only then is
    ``permit_no`` set; 公路安全保护条例 27. ``permit_ref`` is the number of the permit that the state speaks of, and
    ``permit_share`` the part of the footprint inside it, 0 where no permit touches it. A permit without a number is called
    ``无编号`` in both. States and notes stand above.

    Parameters
    ----------
    permits
        Table PERMITS in the footprints' CRS. Rows of one number, kind and validity are one permit of several parcels;
        each row without a number is a permit of its own. Those without geometry touch nothing; ``alongside`` gives them one.
    on
        Day of each footprint's first image, on the footprints' index; nulls allowed.
    min_cover
        Part of the footprint that must lie inside, 0..1; the rest is left to the outlines' own error.
    kinds
        Kinds of findings that a permit covers whose ``kind`` contains the word, by word; of several words that it
        contains the first of the mapping decides. A permit with none of the words covers every kind.
    finding_kinds
        Kind of each footprint, on the footprints' index; without it, or where null, every permit is of the right kind.
    never
        Kinds of findings that nobody can permit, whatever is written in a permit.
    """
    pairs = _parcels_joined(footprints, permits)
    left = pairs["left"].to_numpy()
    seen = days(on.reindex(footprints.index), "findings", "first_seen").to_numpy()[left]
    wanted = texts(len(left)) if finding_kinds is None else finding_kinds.reindex(footprints.index).to_numpy()[left]
    pairs["state"] = _states(pairs, seen, min_cover, _fits(pairs["kind"], wanted, kinds or {}, never))
    best = (
        pairs.assign(rank=pairs["state"].map(_STATES.index), short=-pairs["share"])
        .sort_values(["left", "rank", "short", "number"], kind="stable")
        .drop_duplicates("left")
    )
    at = best["left"].to_numpy()
    number, ref, state, note = (texts(len(footprints)) for _ in range(4))
    share = np.zeros(len(footprints))
    share[at], ref[at], state[at] = best["share"], column(best, "number"), best["state"]
    covered = state == PermitState.COVERED
    number[covered] = ref[covered]
    note[at] = [_note(row) for row in best.itertuples()]
    return table(
        footprints.index, permit_no=number, permit_state=state, permit_ref=ref, permit_share=share, permit_note=note
    )


def _parcels_joined(footprints: gpd.GeoDataFrame, permits: gpd.GeoDataFrame) -> pd.DataFrame:
    """``left, number, kind, start, end, share`` (0..1) of each footprint and permit that meet, parcels taken together."""
    pairs = shares(footprints, permits, "permits")
    number = column(permits, "number")
    nameless = pd.isna(number)
    known = pd.DataFrame(
        {
            "number": np.where(nameless, NUMBERLESS, number),
            "alone": np.where(nameless, np.arange(len(permits)), -1),
            "kind": column(permits, "kind"),
            "start": days(permits["valid_from"], "permits", "valid_from").to_numpy(),
            "end": days(permits["valid_to"], "permits", "valid_to").to_numpy(),
        }
    )
    joined = pairs.join(known, on="right")
    one_permit = ["left", "number", "alone", "kind", "start", "end"]
    permit = joined.groupby(one_permit, dropna=False, sort=True).ngroup().to_numpy()
    several = joined.duplicated(one_permit, keep=False).to_numpy()
    joined.loc[several, "share"] = _together(footprints, permits, pairs[several], permit[several])
    return joined.iloc[np.unique(permit, return_index=True)[1]].reset_index(drop=True)


def _together(
    footprints: gpd.GeoDataFrame, permits: gpd.GeoDataFrame, pairs: pd.DataFrame, permit: np.ndarray
) -> np.ndarray:
    """Share of each pair's footprint in all parcels of the pair's permit; what lies in two of them counts once."""
    left = pairs["left"].to_numpy()
    ours, theirs = outlines(footprints.iloc[left]), outlines(permits.iloc[pairs["right"]])
    parts = pd.Series(shapely.intersection(ours, theirs), dtype=object).groupby(permit)
    common_m2 = shapely.area(parts.agg(lambda some: shapely.union_all(some.to_numpy())).loc[permit].to_numpy())
    whole_m2 = shapely.area(ours)
    share = np.divide(common_m2, whole_m2, out=np.zeros(len(ours)), where=whole_m2 > 0)
    # A parcel that is a point covers what it touches, though they have no area in common.
    return np.clip(np.fmax(share, pairs["share"].groupby(permit).transform("max").to_numpy()), 0.0, 1.0)


def _fits(
    permitted: pd.Series, wanted: np.ndarray, kinds: Mapping[str, Collection[str]], never: Collection[str]
) -> np.ndarray:
    """Whether a permit of each kind is one for the kind of finding beside it."""
    first = {said: next((word for word in kinds if word in str(said)), None) for said in permitted.dropna().unique()}
    covers = {said: kinds[word] for said, word in first.items() if word is not None}
    return np.array(
        [
            pd.isna(kind) or (kind not in never and (said not in covers or kind in covers[said]))
            for said, kind in zip(permitted, wanted, strict=True)
        ],
        dtype=bool,
    )


def _states(pairs: pd.DataFrame, seen: np.ndarray, min_cover: float, fits: np.ndarray) -> np.ndarray:
    start, end = pairs["start"].to_numpy(), pairs["end"].to_numpy()
    dated = ~pd.isna(seen) | (pd.isna(start) & pd.isna(end))
    early, late = ~pd.isna(start) & (seen < start), ~pd.isna(end) & (seen > end)
    return np.select(
        [~fits, ~dated, early, late, pairs["share"] < min_cover],
        [
            PermitState.OTHER_KIND.value,
            PermitState.UNDATED.value,
            PermitState.NOT_YET_VALID.value,
            PermitState.EXPIRED.value,
            PermitState.NOT_AS_APPROVED.value,
        ],
        default=PermitState.COVERED.value,
    )


def _note(row: object) -> str:
    state = row.state  # type: ignore[attr-defined]
    if state == PermitState.NOT_AS_APPROVED:
        return f"beyond {100 * (1 - row.share):.0f} %"  # type: ignore[attr-defined]
    if state == PermitState.OTHER_KIND:
        return str(state) if pd.isna(row.kind) else f"{state} {row.kind}"  # type: ignore[attr-defined]
    day = {PermitState.EXPIRED.value: "end", PermitState.NOT_YET_VALID.value: "start"}.get(state)
    return f"{state} {getattr(row, day):%Y-%m-%d}" if day else str(state)
