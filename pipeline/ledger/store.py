"""The ledger: findings settled into cases, people's acts on them, and what has become of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import geopandas as gpd
import pandas as pd
from sqlalchemy.engine import Connection, Engine

from ..errors import LedgerError
from ..model.kinds import Status
from . import kept, looks, rounds, views
from .answers import ANSWERS
from .appending import append, event
from .claims import claims, finite, plain, scene_pair
from .database import open_engine, reading, writing
from .kept import CasePicture, Photo
from .lifecycle import ACT, MACHINE, SIGHTINGS, What
from .options import LedgerOptions
from .remembered import options_of, options_text, remember
from .rounds import Facts
from .saying import act_key, checked
from .settle import recognised, settle
from .standing import fetch
from .state import CHINA
from .trend import Trend
from .trend import read as read_trend
from .verdicts import verdicts


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

        ``options`` are remembered for whoever opens it without any. LedgerError when the place holds something else,
        was written by a newer version, or cannot be used.
        """
        wait_s = (options or LedgerOptions()).wait_s
        engine = open_engine(place, create=create, wait_s=wait_s)
        with reading(engine) as connection:
            text = options_text(connection)
        if options is None:
            return cls(engine, options_of(text, place))
        if text != options.model_dump_json() and (text is not None or options != LedgerOptions()):
            with writing(engine) as connection:
                remember(connection, options)
        return cls(engine, options)

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

        Settling the same images again writes nothing, also in another order or from another process: a case is
        observed once per pair of scenes; another version of a detector adds its reading of the pair, and decides
        nothing. A dismissed place stays dismissed until something new happens there; a case that was rectified, closed or
        revisited reopens when an image of a later day shows the thing again (``renewal``). Growth, and cases that run
        together or apart, are told. Findings with a ``permit_no`` become no case: null number, status ``permitted``.
        New ones beyond the cap become no case either: null number, null status.

        Parameters
        ----------
        findings
            Table FINDINGS as far as placed and judged, in any metric CRS with an EPSG code; ``seen_on``: day of the
            image where it is not ``first_seen``.
        run_id
            What the events are signed with.
        cap_per_county
            Most cases that may be opened in a county in a week (Monday to Sunday, China's time), the highest
            ``priority``, then ``confidence``, first. Those that the same images opened before count too, so that
            settling again opens no more. Known cases always stay.
        now
            Time that new events bear, and the week that the cap counts. Default: the clock.
        """
        wanted = claims(findings)
        numbers = pd.Series(pd.array([None] * len(findings), dtype=object), index=findings.index)
        status = pd.Series(Status.PERMITTED.value, index=findings.index, dtype=object)
        if len(wanted):
            with writing(self._engine) as connection:
                cases = settle(
                    connection, wanted, self.options, run_id=run_id, cap=cap_per_county, now=_moment(now)
                ).dropna()
                after = views.statuses(connection, sorted(set(cases)))
            numbers.loc[cases.index] = cases
            status.loc[wanted.index] = None
            status.loc[cases.index] = cases.map(after)
        return pd.DataFrame({"case_no": numbers, "status": status})

    def recognise(self, findings: gpd.GeoDataFrame) -> pd.DataFrame:
        """``case_no, status, repeats, opened_on`` of the case that each finding is, null where it is new; same index.

        Nothing is written. ``repeats`` counts this time too, where the finding comes back at a place that was put right.
        """
        wanted = claims(findings)
        names = ["case_no", "status", "repeats", "opened_on"]
        told: dict[Any, tuple[object, ...]] = {}
        if len(wanted):
            with reading(self._engine) as connection:
                cases = recognised(connection, wanted, self.options, shared=True).case_no.dropna()
                states = {number: one.state for number, one in fetch(connection, sorted(set(cases))).items()}
            for label, number, day in zip(cases.index, cases, wanted.loc[cases.index, "day"], strict=True):
                state = states[number]
                told[label] = (number, state.status, state.repeats + state.comes_back(day), state.opened_on)
        table = pd.DataFrame.from_dict(told, orient="index", columns=names).reindex(findings.index)
        return table.astype({"repeats": float})

    def witness(self, sightings: pd.DataFrame, *, run_id: str, now: dt.datetime | None = None) -> int:
        """Number of sightings written: what later images say of known cases, each said once per pair of scenes.

        ``sightings`` has columns ``case_no``, ``what`` (``observed``, ``grown``, ``not_seen`` or ``unobservable``),
        ``scene_before``, ``scene_after`` and ``day``, and may have ``detail`` (dict, ready for JSON). They change no status.
        """
        rows = []
        for row in sightings.to_dict("records"):
            if row["what"] not in SIGHTINGS - {What.REREAD}:
                raise LedgerError(
                    f"not a sighting: {row['what']!r}; expected one of {sorted(SIGHTINGS - {What.REREAD})}"
                )
            cell = {name: plain(row[name]) for name in ("case_no", "what", "scene_before", "scene_after", "day")}
            detail = {"scene_before": cell["scene_before"], "scene_after": cell["scene_after"]}
            more = row.get("detail")
            rows.append(
                event(
                    str(cell["case_no"]), str(cell["what"]), scene_pair(cell), detail=finite(detail | dict(more or {}))
                )
                | {"on_date": None if cell["day"] is None else str(cell["day"])[:10]}
            )
        with writing(self._engine) as connection:
            self._all_known(connection, {row["case_no"] for row in rows})
            return append(connection, rows, at=_moment(now), run_id=run_id)

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

        LedgerError naming what is allowed when the act may not follow the case's status, what it lacks, or personal
        data in it. The same act by the same person at the same time (a field package that is imported twice) is
        written once.

        Parameters
        ----------
        by
            Who says so, a name or office of ours; never an owner's.
        at
            When it was said. Default: the clock.
        details
            ``reason`` (code; a dismissal needs it, or a note), ``to`` (whom it is assigned to), ``due_on`` (ISO day;
            default by the deadlines in the options), ``outcome`` (of an audit or an answer), ``ref`` (number of a paper),
            ``verdict``, ``verdict_by``, ``verdict_at`` (of a contradicted verdict).
        """
        moment = _moment(at)
        with writing(self._engine) as connection:
            state = views.one(connection, case_no, self._place).state
            key = act_key(by, moment, note, details or {})
            if (case_no, str(what), key) in views.keys(connection, [case_no]):
                return Status(state.status)
            after, said = checked(state, what, by, note, details or {}, moment, self.options)
            append(connection, [event(case_no, what, key, actor=by, detail=said)], at=moment)
        return after

    def escalate_overdue(self, *, county: str | None = None, now: dt.datetime | None = None) -> list[str]:
        """Numbers of the overdue cases that are now escalated (督办), each once for every deadline that has passed."""
        moment = _moment(now)
        with writing(self._engine) as connection:
            late = [row for row in views.listing(connection, county, None, open_only=True) if row["due_on"]]
            today = moment.astimezone(CHINA).date().isoformat()
            rows = [
                event(row["case_no"], What.ESCALATED, f"{MACHINE}@{row['due_on']}", detail={"why": "overdue"})
                for row in late
                if row["due_on"] < today and Status(row["status"]) in ACT[What.ESCALATED].before
            ]
            known = views.keys(connection, [row["case_no"] for row in rows])
            rows = [row for row in rows if (row["case_no"], row["what"], row["key"]) not in known]
            append(connection, rows, at=moment)
        return [row["case_no"] for row in rows]

    def cases(
        self, county: str | None = None, *, as_of: dt.datetime | None = None, open_only: bool = False
    ) -> list[dict[str, Any]]:
        """Every case (of one county, or open) as a dict ready for JSON, by number; as they stood at ``as_of`` when given."""
        with reading(self._engine) as connection:
            return views.listing(connection, county, _moment(as_of) if as_of else None, open_only=open_only)

    def case(self, case_no: str) -> dict[str, Any]:
        """One case with ``finding`` (columns of FINDINGS as last detected) and ``history``, its events in their order.

        LedgerError when there is none of that number.
        """
        with reading(self._engine) as connection:
            standing = views.one(connection, case_no, self._place)
            lon, lat = views.position(connection, case_no)
            return views.shown(standing, lon, lat, dt.datetime.now(CHINA).date()) | {
                "finding": views.findings(connection, [case_no]).get(case_no, {}),
                "history": views.history(connection, case_no),
            }

    def events(
        self, county: str | None = None, *, since: dt.datetime | None = None, until: dt.datetime | None = None
    ) -> list[dict[str, Any]]:
        """Events from ``since`` to before ``until`` in their order, each with its case's kind, county and route."""
        with reading(self._engine) as connection:
            return views.told(connection, county, since, until)

    def findings(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Columns of FINDINGS of each of these cases, as a detector saw it last."""
        with reading(self._engine) as connection:
            return views.findings(connection, numbers)

    def facts(self, until: dt.datetime) -> Facts:
        """What figures of a period are made from, as it stood at ``until``."""
        with reading(self._engine) as connection:
            return rounds.read(connection, until)

    def trend(self, counties: Collection[str] | None = None) -> Trend:
        """What each run said of the cases (of some counties), and the facts of any moment from the same reading."""
        with reading(self._engine) as connection:
            return read_trend(connection, counties)

    def verdicts(self, kind: str) -> gpd.GeoDataFrame:
        """The cases of a kind on which a person's verdict stands, with what was seen; see ``verdicts.verdicts``."""
        with reading(self._engine) as connection:
            return verdicts(connection, kind)

    def footprints(self, *, epsg: int, county: str | None = None, open_only: bool = False) -> gpd.GeoDataFrame:
        """`cases` as a GeoDataFrame in ``epsg``: the newest whole footprint of each case."""
        with reading(self._engine) as connection:
            listed = views.listing(connection, county, None, open_only=open_only)
            return views.footprints(connection, listed, epsg)

    def opened_with(self, numbers: Sequence[str]) -> dict[str, str]:
        """Evidence (JSON text) of the finding that opened each of these cases."""
        with reading(self._engine) as connection:
            return views.opened_with(connection, numbers)

    def keep_pictures(self, some: Iterable[CasePicture]) -> int:
        """Number of cuttings of images that were new, now kept."""
        some = list(some)
        with writing(self._engine) as connection:
            self._all_known(connection, {one.case_no for one in some})
            return kept.keep_pictures(connection, some)

    def pictures(self, case_no: str) -> list[CasePicture]:
        """Cuttings of images of a case, by day."""
        with reading(self._engine) as connection:
            return kept.read_pictures(connection, case_no)

    def many(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Those of these cases that there are, by number, as ``cases`` lists them, with ``history``."""
        with reading(self._engine) as connection:
            told = views.histories(connection, numbers)
            listed = views.listed(connection, numbers)
        return {number: case | {"history": told.get(number, [])} for number, case in listed.items()}

    def statuses(self, numbers: Sequence[str]) -> dict[str, str]:
        """Status of each of these cases that there are."""
        with reading(self._engine) as connection:
            return views.statuses(connection, numbers)

    def answered(self, county: str, most: int = 2000) -> list[tuple[str, str, str]]:
        """``(case_no, at, by)`` of the newest verdicts of people in a county, by number."""
        acts = [*(answer.act.value for answer in ANSWERS.values()), What.CONTRADICTED.value]
        with reading(self._engine) as connection:
            return views.newest_acts(connection, county, acts, most)

    def picture_ends(self, numbers: Sequence[str]) -> dict[str, tuple[bytes, bytes]]:
        """Contents of the oldest picture from before and the newest from after of each case that has both."""
        with reading(self._engine) as connection:
            return kept.ends_of(connection, numbers)

    def keep_photo(self, photo: Photo) -> bool:
        """Whether a photo from the field was new to its case; LedgerError where it is not what its hash says."""
        with writing(self._engine) as connection:
            self._all_known(connection, {photo.case_no})
            return kept.keep_photo(connection, photo)

    def photos(self, case_no: str) -> list[Photo]:
        """Photos of a case in the order in which they came."""
        with reading(self._engine) as connection:
            return kept.read_photos(connection, case_no)

    def marks(self) -> list[int]:
        """How far it has been written: what is told of its cases is the same while these are."""
        with reading(self._engine) as connection:
            return views.marks(connection)

    def remember(self, seen: pd.DataFrame, *, run_id: str) -> int:
        """Number of looks written, each once; see ``looks.COLUMNS``. They are a memory of places, and touch no case."""
        with writing(self._engine) as connection:
            return looks.write(connection, seen, run_id)

    def looks(self, kind: str, places: Collection[str] | None = None) -> pd.DataFrame:
        """All looks of a kind (at some places): what images have said of stretches of road or known sites."""
        with reading(self._engine) as connection:
            return looks.read(connection, kind, places)

    @property
    def _place(self) -> str:
        return str(self._engine.url.database)

    def _all_known(self, connection: Connection, numbers: set[str]) -> None:
        known = views.statuses(connection, sorted(numbers))
        for number in sorted(numbers - set(known)):
            views.one(connection, number, self._place)


def _moment(moment: dt.datetime | None) -> dt.datetime:
    """A moment in UTC, the clock's when None; a time without zone is taken as UTC."""
    moment = moment or dt.datetime.now(dt.UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
