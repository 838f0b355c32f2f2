"""The ledger: findings settled into cases, people's acts on them, and what has become of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.engine import Connection, Engine

from ..errors import LedgerError
from ..model.kinds import Status
from ..model.options import Options
from . import looks, views
from .claims import claims, evidence, plain, scene_pair, within_cap
from .lifecycle import MACHINE, REBUILT_FROM, SIGHTINGS, What, move
from .matching import MatchOptions, match
from .numbering import NumberOptions, number, series
from .schema import cases as cases_table
from .schema import events as events_table
from .schema import open_engine, reading, writing
from .verdicts import verdicts

_COPIED = ("kind", "county_code", "route_code", "stake", "side", "zone")
_DETAILS = frozenset({"reason", "to", "due_on"})
_CHINA = dt.timezone(dt.timedelta(hours=8))  # image days are local days, event times are UTC


class LedgerOptions(Options):
    """How a ledger matches, numbers and waits."""

    match: MatchOptions = Field(default=MatchOptions(), description="When a finding is a case already known.")
    number: NumberOptions = Field(default=NumberOptions(), description="How cases are numbered.")
    wait_s: float = Field(default=60.0, gt=0, description="How long a writer waits for another one, s.")


class Ledger:
    """A memory of cases that is only ever added to; open it with `Ledger.open`, use it in a ``with`` block.

    Every call is one transaction: whole or absent after a crash, and alone among writers.
    """

    def __init__(self, engine: Engine, options: LedgerOptions) -> None:
        self._engine = engine
        self.options = options

    @classmethod
    def open(cls, place: str | Path, options: LedgerOptions | None = None, *, create: bool = True) -> Ledger:
        """The ledger at a path (SQLite) or ``postgresql://`` URL, made when there is none and ``create`` is true.

        LedgerError when the place holds something else, was written by another version, or cannot be used.
        """
        options = options or LedgerOptions()
        return cls(open_engine(place, create=create, wait_s=options.wait_s), options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def settle(
        self,
        findings: gpd.GeoDataFrame,
        *,
        run_id: str,
        cap_per_county: int | None = None,
        now: dt.datetime | None = None,
    ) -> pd.DataFrame:
        """``case_no, status`` of each finding on the same index; new ones are numbered, known ones seen again.

        Settling the same images again writes nothing, also in another order, from another process, or with
        another version of a detector: a case is observed once per pair of scenes. A dismissed place stays dismissed.
        A case that was rectified, closed or revisited reopens when an image of a later day shows the thing again.
        Findings with a ``permit_no`` become no case: null number, status ``permitted``. New ones beyond the cap become
        no case either: null number, null status.

        Parameters
        ----------
        findings
            Table FINDINGS as far as placed and judged, in any metric CRS with an EPSG code.
        run_id
            What the events are signed with.
        cap_per_county
            Most cases that these images may open in a county, the highest ``priority``, then ``confidence``, first.
            Those that the same images opened before count, so that settling again opens no more. Known cases always stay.
        now
            Time that new events bear; it decides nothing. Default: the clock.
        """
        wanted = claims(findings)
        numbers = pd.Series(pd.array([None] * len(findings), dtype=object), index=findings.index)
        status = pd.Series(Status.PERMITTED.value, index=findings.index, dtype=object)
        claimed = wanted.index
        if len(wanted):
            with writing(self._engine) as connection:
                cases = self._numbered(connection, wanted, cap_per_county)
                wanted, cases = wanted[cases.notna()], cases.dropna()
                self._observe(connection, wanted.assign(case_no=cases), run_id, _utc(now))
                after = views.statuses(connection, sorted(set(cases)))
            numbers.loc[cases.index] = cases
            status.loc[claimed] = None
            status.loc[cases.index] = cases.map(after)
        return pd.DataFrame({"case_no": numbers, "status": status})

    def witness(self, sightings: pd.DataFrame, *, run_id: str, now: dt.datetime | None = None) -> int:
        """Number of sightings written: what later images say of known cases, each said once per pair of scenes.

        ``sightings`` has columns ``case_no``, ``what`` (``observed``, ``not_seen`` or ``unobservable``),
        ``scene_before``, ``scene_after`` and ``day``. They change no status.
        """
        with writing(self._engine) as connection:
            rows = []
            for row in sightings.to_dict("records"):
                if row["what"] not in SIGHTINGS:
                    raise LedgerError(f"not a sighting: {row['what']!r}; expected one of {sorted(SIGHTINGS)}")
                views.one(connection, str(row["case_no"]), str(self._engine.url.database))
                cell = {str(name): plain(value) for name, value in row.items()}
                detail: dict[str, object] = {"scene_before": cell["scene_before"], "scene_after": cell["scene_after"]}
                rows.append(
                    _event(str(cell["case_no"]), str(cell["what"]), _utc(now), scene_pair(cell), detail=detail)
                    | {"on_date": None if cell["day"] is None else str(cell["day"])[:10], "run_id": run_id}
                )
            return _append(connection, rows)

    def advance(
        self,
        case_no: str,
        what: str,
        by: str,
        note: str = "",
        at: dt.datetime | None = None,
        *,
        details: Mapping[str, str] | None = None,
    ) -> Status:
        """Status of the case after a person's act: ``assigned``, ``confirmed``, ``dismissed``, ``notified``, ...

        LedgerError naming what is allowed when the act may not follow the case's status. The same act by the same
        person at the same time (a field package that is imported twice) is written once.

        Parameters
        ----------
        by
            Who says so, a name or office of ours; never an owner's.
        at
            When it was said. Default: the clock.
        details
            ``reason`` (code; a dismissal needs it, or a note), ``to`` (whom it is assigned to), ``due_on`` (ISO day).
        """
        said = _said(case_no, what, by, note, details or {})
        moment = _utc(at)
        with writing(self._engine) as connection:
            views.one(connection, case_no, str(self._engine.url.database))
            status, _ = views.standing(connection, [case_no])[case_no]
            event = _event(case_no, what, moment, f"{by}@{moment}", actor=by, detail=said)
            if views.written(connection, event):
                return status
            after = move(case_no, status, what)
            _append(connection, [event])
        return after

    def cases(self, county: str | None = None, *, as_of: dt.datetime | None = None) -> list[dict[str, object]]:
        """Every case (of one county) as a dict ready for JSON, by number; as they stood at ``as_of`` when given."""
        with reading(self._engine) as connection:
            return views.listing(connection, county, _utc(as_of) if as_of else None)

    def case(self, case_no: str) -> dict[str, object]:
        """One case with its ``history``, the events in their order; LedgerError when there is none of that number."""
        with reading(self._engine) as connection:
            views.one(connection, case_no, str(self._engine.url.database))
            found = views.listing(connection, None, None, case_no)[0]
            return found | {"history": views.history(connection, case_no)}

    def verdicts(self, kind: str) -> gpd.GeoDataFrame:
        """The cases of a kind on which a person's verdict stands, with what was seen; see ``verdicts.verdicts``."""
        with reading(self._engine) as connection:
            return verdicts(connection, kind)

    def footprints(self, *, epsg: int, county: str | None = None) -> gpd.GeoDataFrame:
        """`cases` as a GeoDataFrame in ``epsg``: the footprint that opened each case."""
        with reading(self._engine) as connection:
            return views.footprints(connection, views.listing(connection, county, None), epsg)

    def opened_with(self, numbers: Sequence[str]) -> dict[str, str]:
        """Evidence (JSON text) of the finding that opened each of these cases."""
        with reading(self._engine) as connection:
            return views.opened_with(connection, numbers)

    def remember(self, seen: pd.DataFrame, *, run_id: str) -> int:
        """Number of looks written, each once; see ``looks.COLUMNS``. They are a memory of places, and touch no case."""
        with writing(self._engine) as connection:
            return looks.write(connection, seen, run_id)

    def looks(self, kind: str, places: Collection[str] | None = None) -> pd.DataFrame:
        """All looks of a kind (at some places): what images have said of stretches of road or known sites."""
        with reading(self._engine) as connection:
            return looks.read(connection, kind, places)

    def _numbered(self, connection: Connection, wanted: gpd.GeoDataFrame, cap: int | None) -> pd.Series:
        """Case number of every claim, null beyond the cap; new cases written."""
        kinds = sorted(set(wanted["kind"]))
        known = views.known_ids(connection, list(wanted["finding_id"]))
        numbers = match(wanted, views.places(connection, kinds), self.options.match, known=known)
        new = wanted[numbers.isna()]
        if cap is not None:
            pairs = {scene_pair(row) for row in wanted.to_dict("records")}
            new = within_cap(new, cap, views.opened_by(connection, sorted(set(numbers.dropna())), pairs))
        if new.empty:
            return numbers
        county = new["county_code"].map(lambda code: code or self.options.number.no_county)
        group = pd.Series([series(c, d, k) for c, d, k in zip(county, new["day"], new["kind"], strict=True)], new.index)
        seq = views.last_seq(connection, sorted(set(group)))
        epsg, area = int(wanted.crs.to_epsg()), new.geometry.area
        rows = []
        for label, row in zip(new.index, new.to_dict("records"), strict=True):
            seq[group[label]] = seq.get(group[label], 0) + 1
            numbers[label] = number(self.options.number, county[label], row["day"], row["kind"], seq[group[label]])
            rows.append(
                {"case_no": numbers[label], "series": group[label], "seq": seq[group[label]], "epsg": epsg}
                | {name: plain(row.get(name)) for name in _COPIED}
                | {"opened_on": row["day"].isoformat(), "area_m2": float(area[label])}
                | {"geometry": shapely.to_wkb(row[new.geometry.name])}
            )
        connection.execute(sa.insert(cases_table), rows)
        return numbers

    def _observe(self, connection: Connection, wanted: pd.DataFrame, run_id: str, now: str) -> None:
        """Write what these scenes show for the first time, and reopen what has come back."""
        numbers = sorted(set(wanted["case_no"]))
        before, known = views.standing(connection, numbers), views.keys(connection, numbers)
        rows = []
        for row in wanted.to_dict("records"):
            key, detail = scene_pair(row), evidence(row)
            if (row["case_no"], What.OBSERVED, key) in known:
                continue
            common = {"on_date": row["day"].isoformat(), "finding_id": row["finding_id"], "run_id": run_id}
            rows.append(_event(row["case_no"], What.OBSERVED, now, key, detail=detail) | common)
            status, since = before[row["case_no"]]
            if status in REBUILT_FROM and row["day"] > _local_day(since):
                rows.append(_event(row["case_no"], What.REOPENED, now, key, detail={"why": "seen again"}) | common)
        _append(connection, rows)


def _append(connection: Connection, rows: list[dict[str, object]]) -> int:
    """Number of events written: those that were not said before, once each."""
    known = views.keys(connection, sorted({str(row["case_no"]) for row in rows}))
    fresh = {(row["case_no"], row["what"], row["key"]): row for row in reversed(rows)}
    new = [row for name, row in reversed(fresh.items()) if name not in known]
    if new:
        connection.execute(sa.insert(events_table), new)
    return len(new)


def _said(case_no: str, what: str, by: str, note: str, details: Mapping[str, str]) -> dict[str, object]:
    """What a person's act remembers, checked; LedgerError for an act without a name or a dismissal without reason."""
    if not by.strip() or by.strip() == MACHINE:
        raise LedgerError(f"case {case_no}: {what!r} needs the name of the person who says so, not {by!r}")
    if unknown := sorted(set(details) - _DETAILS):
        raise LedgerError(f"case {case_no}: unknown details {unknown}; known: {sorted(_DETAILS)}")
    said: dict[str, object] = {name: text for name, text in {"note": note, **details}.items() if text}
    if what == What.DISMISSED and not said.setdefault("reason", note):
        raise LedgerError(f"case {case_no}: a dismissal needs a reason, e.g. 'not_a_building' or 'lawful_before'")
    if "due_on" in said:
        try:
            dt.date.fromisoformat(str(said["due_on"]))
        except ValueError as error:
            raise LedgerError(f"case {case_no}: due_on {said['due_on']!r} is not a day such as 2024-11-30") from error
    return said


def _event(
    case_no: str, what: str, at: str, key: str, *, actor: str = MACHINE, detail: dict[str, object] | None = None
) -> dict[str, object]:
    event: dict[str, object] = {"case_no": case_no, "at": at, "actor": actor, "what": str(what), "key": key}
    return event | {"detail": detail or {}, "on_date": None, "finding_id": None, "run_id": None}


def _utc(moment: dt.datetime | None) -> str:
    """UTC text of a moment, the clock's when None; a time without zone is taken as UTC."""
    moment = moment or dt.datetime.now(dt.UTC)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local_day(utc: str) -> dt.date:
    return dt.datetime.fromisoformat(utc).astimezone(_CHINA).date()
