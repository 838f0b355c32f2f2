"""Figures of a period, county by county: how much was found, how it was handled, how good the findings were.

Everything is as it stood at the period's end: what was said later changes nothing. What is counted are rounds of handling
(see ``rounds``); what each figure means is printed from ``DEFINITIONS``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from ..errors import LedgerError, StakeError
from ..model.stake import Stake
from .definitions import RATES
from .lifecycle import OPEN, TIMED, What
from .period import Period
from .rounds import Facts
from .workdays import Calendar

if TYPE_CHECKING:
    from .store import Ledger

STRETCH_M = 500.0
_Z = 1.959964  # 95 %, two-sided
_OPEN = [status.value for status in OPEN]
_TIMED = [status.value for status in TIMED]


class _Share(NamedTuple):
    """Rows of a table (with ``county_code``), which of them count, and which of these are meant."""

    rows: pd.DataFrame
    of: pd.Series
    hit: pd.Series


@dataclass(frozen=True)
class Figures:
    """The figures of a period; ``of`` reads a ledger once for all of them.

    Of a period that still runs take ``period.until(today)``: what falls due later is not due yet.
    """

    period: Period
    facts: Facts
    calendar: Calendar

    @classmethod
    def of(cls, ledger: Ledger, period: Period) -> Figures:
        """Figures of a ledger as it stood when the period ended."""
        return cls(period, ledger.facts(period.end), ledger.options.deadlines.calendar)

    def by_county(
        self, counties: Collection[str] | None = None, km_due: Mapping[str, float] | None = None
    ) -> pd.DataFrame:
        """One row a county, by code: ``county_code, county_name`` and the figures of ``DEFINITIONS``.

        Of each rate ``<rate>_n``, ``<rate>_of``, ``<rate>`` (0..1) and ``<rate>_low``, ``<rate>_high``, see `with_rates`.
        ``opened``, ``finished``, ``open``, ``closed_late``, ``rectified_by_word``: counts. ``per_100_km`` with ``_n``
        (cases) and ``_of`` (km, NaN where not given). ``days_to_check``, ``days_to_close``: working days, ``_of``
        (rounds), ``_mean`` and ``_median``. Cases in no county have the code ``""``.

        Parameters
        ----------
        counties
            Codes of the counties to show, also of those without a case. Default: those with cases.
        km_due
            Kilometres of road that were to be watched, by county code.
        """
        rounds, period = self.facts.rounds, self.period
        codes = pd.Index(sorted(set(rounds["county_code"]) if counties is None else set(counties)), name="county_code")
        names = rounds.groupby("county_code")["county_name"].last().reindex(codes).astype(object)
        shares = _shares(self.facts, period) | {"repeat_stretch": _stretches(rounds, period)}
        counts = {name: _sizes(rows, ["county_code"], codes) for name, rows in _counted(rounds, shares, period).items()}
        table = pd.DataFrame({"county_name": names.where(names.notna(), None)} | counts, index=codes)
        table = table.join(with_rates(_parts({name: shares[name] for name in RATES}, ["county_code"], codes)))
        km = pd.Series(dict(km_due or {}), dtype="float64").reindex(codes)
        per_100_km = 100.0 * table["opened"] / km.where(km > 0)
        table = table.assign(per_100_km_n=table["opened"], per_100_km_of=km, per_100_km=per_100_km)
        for name, end in (("days_to_check", "checked_on"), ("days_to_close", "finished_on")):
            table = table.join(_days(rounds[_within(rounds[end], period)], end, self.calendar).add_prefix(f"{name}_"))
            table[f"{name}_of"] = table[f"{name}_of"].fillna(0).astype("int64")
        return table.reset_index()

    def by_kind(self, counties: Collection[str] | None = None) -> pd.DataFrame:
        """How good the findings were: ``county_code, kind, opened`` and the rates ``true`` and ``precision`` of each pair.

        Pairs of which something was opened or checked in the period, by code and kind. For a kind as a whole sum the
        ``_n`` and ``_of`` columns and call `with_rates`.
        """
        rounds, period, keys = self.facts.rounds, self.period, ["county_code", "kind"]
        opened = rounds[rounds["first"] & _within(rounds["started_on"], period)]
        shown = pd.concat([opened[keys], rounds.loc[_within(rounds["checked_on"], period), keys]])
        shown = shown if counties is None else shown[shown["county_code"].isin(list(counties))]
        pairs = pd.MultiIndex.from_frame(shown.drop_duplicates().sort_values(keys))
        shares = _shares(self.facts, period)
        rates = with_rates(_parts({name: shares[name] for name in ("true", "precision")}, keys, pairs))
        return pd.DataFrame({"opened": _sizes(opened, keys, pairs)}, index=pairs).join(rates).reset_index()


def county_figures(
    ledger: Ledger,
    period: Period,
    *,
    counties: Collection[str] | None = None,
    km_due: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """`Figures.by_county` of a ledger."""
    return Figures.of(ledger, period).by_county(counties, km_due)


def with_rates(parts: pd.DataFrame) -> pd.DataFrame:
    """``parts`` with ``<rate>``, ``<rate>_low``, ``<rate>_high`` after each pair of ``<rate>_n`` and ``<rate>_of``.

    The bounds are those of Wilson's score interval (1927) at 95 %, so that 1 of 1 is no certainty; NaN where of is 0.

    >>> with_rates(pd.DataFrame({"audit_n": [1, 10, 0], "audit_of": [1, 10, 0]})).round(2)["audit_low"].tolist()
    [0.21, 0.72, nan]
    """
    columns: dict[str, pd.Series] = {}
    for rate in [name.removesuffix("_of") for name in parts.columns if name.endswith("_of")]:
        hit, of = parts[f"{rate}_n"], parts[f"{rate}_of"]
        n = of.astype("float64").where(of > 0)
        share, spread = hit / n, _Z**2 / n
        middle = (share + spread / 2) / (1 + spread)
        half = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
        columns |= {f"{rate}_n": hit, f"{rate}_of": of, rate: share}
        columns |= {f"{rate}_low": (middle - half).clip(lower=0.0), f"{rate}_high": (middle + half).clip(upper=1.0)}
    return pd.DataFrame(columns, index=parts.index)


def ranked(figures: pd.DataFrame, rate: str) -> pd.DataFrame:
    """The figures in the order of a rate, the best first, with ``rank`` and whether it is ``tied``.

    Compared is the bound that is sure at 95 %: the lower one where high is good, else the upper one, so that one of one
    does not come before ninety of ninety. Equal ones share a rank and the next are left out (1, 2, 2, 4); what has no
    rate has no rank and comes last. LedgerError for a rate with no good end.
    """
    if rate not in RATES or RATES[rate].better is None:
        known = sorted(name for name, definition in RATES.items() if definition.better)
        raise LedgerError(f"counties cannot be ranked by {rate!r}; rank them by one of {', '.join(known)}")
    high = RATES[rate].better == "high"
    bound = figures[f"{rate}_low" if high else f"{rate}_high"].round(9)  # equal counts are equal whatever the last bit
    rank = bound.rank(method="min", ascending=not high).astype("Int64")
    tied = rank.duplicated(keep=False) & rank.notna()
    return figures.assign(rank=rank, tied=tied).sort_values(
        ["rank", "county_code"], na_position="last", ignore_index=True
    )


def _shares(said: Facts, period: Period) -> dict[str, _Share]:
    """Every rate but that of stretches; the sentences that it follows are in ``definitions``."""
    rounds, audits = said.rounds, said.audits
    first, last = pd.Timestamp(period.first), pd.Timestamp(period.last)
    came_first = rounds["finished_on"].isna() & (rounds["next_on"] <= rounds["due_on"])
    due = _within(rounds["due_on"], period) & ~came_first
    pushed = _within(rounds["assigned_on"].fillna(rounds["checked_on"]), period)
    checked = _within(rounds["checked_on"], period)
    confirmed = rounds["verdict"] == What.CONFIRMED.value
    over_before = (rounds["finished_on"] < first) | (rounds["next_on"] < first)
    rectified = rounds["rectified_on"].notna()
    timed = rounds["status"].isin(_TIMED) & rounds["next_on"].isna() & rounds["due_on"].notna()
    return {
        "closure": _Share(rounds, due, rounds["finished_on"] <= rounds["due_on"]),
        "check": _Share(rounds, pushed, rounds["checked_on"].notna()),
        "true": _Share(rounds, checked, confirmed),
        "rectified": _Share(rounds, confirmed & ~over_before, rectified & rounds["gone"]),
        "repeat": _Share(rounds, rectified & ~(rounds["next_on"] < first), rounds["returned_on"].notna()),
        "overdue": _Share(rounds, timed, rounds["due_on"] <= last),
        "audit": _Share(audits, _within(audits["on"], period), audits["agreed"]),
        "precision": _Share(rounds, checked & (confirmed | rounds["wrong"]), confirmed),
    }


def _stretches(rounds: pd.DataFrame, period: Period) -> _Share:
    """Stretches of ``STRETCH_M`` by county, kind and route where something was rectified, and whether it came again."""
    numbers = {stake: _stretch(stake) for stake in rounds["stake"].unique()}
    rounds = rounds.assign(stretch=rounds["stake"].map(numbers)).dropna(subset=["stretch", "route_code"])
    keys = ["county_code", "kind", "route_code", "stretch"]
    rectified = rounds.groupby(keys)["rectified_on"].transform("min")
    came = _within(rounds["started_on"], period) & (rounds["seen_on"] > rectified)
    rows = came[rectified.notna()].groupby([rounds[key] for key in keys]).any().rename("came").reset_index()
    return _Share(rows, pd.Series(True, index=rows.index), rows["came"].astype(bool))


def _stretch(stake: str | None) -> float:
    try:
        return Stake.parse(stake).measure_m // STRETCH_M
    except StakeError:
        return np.nan


def _counted(rounds: pd.DataFrame, shares: Mapping[str, _Share], period: Period) -> dict[str, pd.DataFrame]:
    """The rounds that each plain count is of."""
    due, confirmed = shares["closure"], shares["rectified"]
    return {
        "opened": rounds[rounds["first"] & _within(rounds["started_on"], period)],
        "finished": rounds[_within(rounds["finished_on"], period)],
        "open": rounds[rounds["status"].isin(_OPEN) & rounds["next_on"].isna()],
        "closed_late": rounds[due.of & (rounds["finished_on"] > rounds["due_on"])],
        "rectified_by_word": rounds[confirmed.of & rounds["rectified_on"].notna() & ~rounds["gone"]],
    }


def _days(rounds: pd.DataFrame, end: str, calendar: Calendar) -> pd.DataFrame:
    """``of, mean, median`` of the working days from first assignment to ``end``, by county."""
    taken = calendar.between_many(rounds["assigned_on"].to_numpy(), rounds[end].to_numpy())
    groups = pd.Series(taken, index=rounds.index).groupby(rounds["county_code"])
    return pd.DataFrame({"of": groups.count(), "mean": groups.mean(), "median": groups.median()})


def _parts(shares: Mapping[str, _Share], keys: list[str], index: pd.Index) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name, (rows, of, hit) in shares.items():
        columns[f"{name}_n"] = _sizes(rows[of & hit], keys, index)
        columns[f"{name}_of"] = _sizes(rows[of], keys, index)
    return pd.DataFrame(columns, index=index)


def _sizes(rows: pd.DataFrame, keys: Iterable[str], index: pd.Index) -> pd.Series:
    return rows.groupby(list(keys)).size().reindex(index, fill_value=0).astype("int64")


def _within(days: pd.Series, period: Period) -> pd.Series:
    return (days >= pd.Timestamp(period.first)) & (days <= pd.Timestamp(period.last))
