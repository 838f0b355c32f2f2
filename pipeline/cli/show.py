"""What the commands print: sentences in the reader's language, tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..words import chinese, shown
from .console import tame

if TYPE_CHECKING:  # showing a list of cases needs none of these
    from ..ranking.model import Ranking
    from ..run.runner import RunReport

_SHOWN = 12


def say(text: str) -> None:
    """One message on stdout, in the reader's language."""
    as_it_is(shown(text))


def as_it_is(text: str) -> None:
    """A text on stdout that is the same in every language: a row of a table, a path, a file's content."""
    sys.stdout.write(f"{tame(text)}\n")


def warn(text: str) -> None:
    """One message on stderr, so that it is seen whatever becomes of stdout."""
    sys.stderr.write(f"{tame(shown(f'note: {text}'))}\n")


def err(text: str) -> None:
    """What went wrong, on stderr."""
    print("luyu:", tame(shown(text)), file=sys.stderr)  # noqa: T201


def as_json(data: Any) -> None:
    """Data as JSON on stdout, in English whatever the reader's language."""
    sys.stdout.write(f"{json.dumps(data, ensure_ascii=False, indent=2, default=str)}\n")


def plan(summary: Mapping[str, Any]) -> None:
    """A plan in a few lines."""
    per_tile = summary["scenes_per_tile"]
    say(f"plan {summary['name']}: {summary['km_due']:.2f} km due, corridor {summary['corridor_km2']:.2f} km²")
    say(f"  EPSG:{summary['epsg']}, {summary['tiles']} tiles of {summary['tile_px']} px at {summary['resolution_m']} m")
    for row in summary["km_by_route_and_county"]:
        as_it_is(f"  {row['route_code']:<8} {row['county_code'] or shown('no county'):<10} {row['km_due']:8.3f} km")
    say(f"  before: {', '.join(summary['scenes_before'][:4])}{_more(summary['scenes_before'])}")
    say(f"  after:  {', '.join(summary['scenes_after'][:4])}{_more(summary['scenes_after'])}")
    say(f"  scenes per tile: {per_tile['min']} to {per_tile['max']}, mean {per_tile['mean']}")
    say(f"  bands: {', '.join(summary['bands'])}")
    _redo(summary)
    _reads(summary)
    say(f"  detectors: {', '.join(summary['detectors'])}")
    for skipped in summary["skipped"][:_SHOWN]:
        say(f"  skipped: {skipped['tile']}: {skipped['why']}")
    _and_more(summary["skipped"])
    for note in summary["notes"]:
        say(f"  note: {note}")


def _redo(summary: Mapping[str, Any]) -> None:
    """What a run would look at now, and why."""
    say(f"  to be looked at: {summary['tiles_to_do']} tiles; {summary['tiles_kept']} are kept from before")
    for row in summary["redo"]:
        changed = f": {', '.join(row['changed'])}" if row["changed"] else ""
        say(f"    {row['tiles']} because {row['words']}{changed}")


def _reads(summary: Mapping[str, Any]) -> None:
    """What would be read, at most and at least."""
    mb = {name: value / 1e6 for name, value in summary.items() if name.startswith("bytes_")}
    say(
        f"  to be read: at most {mb['bytes_to_read']:.1f} MB ({summary['reads']} reads), if every image of a tile must be"
        f" opened; at least {mb['bytes_to_read_at_least']:.1f} MB, if the first of each date leaves no hole"
    )
    if summary["headers"]:
        say(
            f"  over the network: at most {mb['bytes_to_fetch']:.1f} MB in about {summary['requests']} requests, at"
            f" least {mb['bytes_to_fetch_at_least']:.1f} MB in about {summary['requests_at_least']};"
            f" {mb['bytes_cached']:.1f} MB lie in the local cache"
        )
    if summary["archives"]:
        size = sum(row["bytes_unpacked"] for row in summary["archives"])
        say(f"  to be unpacked first: {len(summary['archives'])} archives, {size / 1e6:.1f} MB on disk")
    if costs := summary["costs"]:
        say(f"  costs: {costs['at_least']:.2f} to {costs['at_most']:.2f} {costs['currency']}")
    if summary["bytes_reckoned"]:
        say(f"  of that {mb['bytes_reckoned']:.1f} MB are reckoned, not read off headers")
    for line in without_header({row["file"]: row["why"] for row in summary["without_header"]})[:_SHOWN]:
        say(f"  cannot be looked into: {line}")
    for row in summary["by_scene"][:_SHOWN]:
        factors = ", ".join(f"1:{factor}" for factor in row["overviews"])
        say(f"  {row['when']:<6} {row['scene']}: {row['bytes'] / 1e6:.1f} MB for {row['tiles']} tiles ({factors})")
    _and_more(summary["by_scene"])
    if len(summary["by_stretch"]) > 1:
        for row in summary["by_stretch"][:_SHOWN]:
            say(f"  tiles {row['first']} to {row['last']}: {row['bytes'] / 1e6:.1f} MB")
        _and_more(summary["by_stretch"])


def without_header(unknown: Mapping[str, str]) -> list[str]:
    """Files that cannot be looked into, those with one cause together: a server that is away has many files."""
    files: dict[str, list[str]] = {}
    for file, why in sorted(unknown.items()):
        files.setdefault(why, []).append(file)
    return [f"{mine[0]}{f' and {len(mine) - 1} more' if len(mine) > 1 else ''}: {why}" for why, mine in files.items()]


def _and_more(rows: Sequence[Any]) -> None:
    if len(rows) > _SHOWN:
        say(f"  and {len(rows) - _SHOWN} more; --json tells all")


def run_report(report: RunReport) -> None:
    """A finished run in a few lines."""
    summary = report.summary()
    if report.untouched:
        say("\nnothing has changed since this run ended; nothing was done (--fresh does it all again)")
    say(
        f"\n{summary['name']}: {summary['km_observed']:.2f} of {summary['km_due']:.2f} km observed, "
        f"{summary['tiles']} tiles ({summary['tiles_reused']} from before), {summary['seconds']:.1f} s"
    )
    for row in summary["unobserved"]:
        say(f"  not observed: {row['route_code']} {row['county_code']}: {row['km_unobserved']:.3f} km ({row['why']})")
    say(
        f"findings: {summary['findings']}, {summary['permitted']} of them under permit "
        f"(from {summary['candidates']} candidates)"
    )
    if summary["too_uncertain"]:
        say(f"  too uncertain, kept as candidates: {summary['too_uncertain']}")
    for county in summary["counties"]:
        kinds = ", ".join(f"{_named('kind', kind)} {count}" for kind, count in county["kinds"].items()) or "0"
        as_it_is(f"  {county['code']} {county['name']}: {kinds}")
    _maps(summary["maps"])
    _failures(summary["failures"])
    say(f"index.html: {report.folder.index}")
    say("a finding is a clue, never a verdict")


def _maps(sizes: Mapping[str, Mapping[str, Any]]) -> None:
    """What the counties' maps weigh, and what had no room on them."""
    for code, size in sizes.items():
        smaller = f", made smaller to {size['side_px']} px" if size["side_px"] else ""
        dropped = f", {size['dropped_pictures']} pairs LEFT OUT (maps.budget_mb)" if size["dropped_pictures"] else ""
        say(f"  map {code}: {size['bytes'] / 1e6:.1f} MB, pictures of {size['pictures']} findings{smaller}{dropped}")
        for note in size["notes"]:
            say(f"    {note}")


def _failures(failures: Sequence[Mapping[str, str]]) -> None:
    """Failed tiles by cause, the commonest first: one missing file may fail hundreds."""
    tiles: dict[str, list[str]] = {}
    for failure in failures:
        tiles.setdefault(f"{failure['error']}: {failure['why']}", []).append(failure["tile"])
    for why, mine in sorted(tiles.items(), key=lambda item: (-len(item[1]), item[0]))[:_SHOWN]:
        say(f"  FAILED {len(mine)} tile{'s' * (len(mine) > 1)} ({', '.join(mine[:3])}{', …' * (len(mine) > 3)}): {why}")
    if len(tiles) > _SHOWN:
        say(f"  and {len(tiles) - _SHOWN} more causes; run.json lists all")
    if failures:
        say("  run the same command again: only the failed tiles are tried")


def alarms(report: RunReport) -> None:
    """What makes the result doubtful, on stderr, so that it is seen whatever becomes of stdout."""
    for alarm in report.alarms:
        words = f"{alarm['zh']}{alarm['remedy_zh']}" if chinese() else f"{alarm['en']} {alarm['remedy_en']}"
        sys.stderr.write(f"{'警示' if chinese() else 'ALARM'} {alarm['code']}: {words}\n")


def capped(report: RunReport) -> None:
    """What the cap kept back, on stderr as alarms are."""
    for county in report.summary()["counties"]:
        if county["capped"]:
            words = (
                f"CAPPED {county['code']} {county['name']}: {county['capped']} more would be cases; they are kept as"
                " candidates with why_not 'capped', decisions.cap_per_county sets the cap"
            )
            sys.stderr.write(f"{shown(words)}\n")


def scorecard(
    findings: Path, truth: Path, *, by: Sequence[str] = (), km: float | None = None, machine: bool = False
) -> None:
    """Scores against truth, as a table or as JSON; kinds that the findings' run did not look for are left out."""
    from ..evaluate import evaluate, read_findings

    card = evaluate(
        read_findings(findings), read_findings(truth), by=tuple(by), km=km, kinds=_kinds_looked_for(findings)
    )
    as_it_is(card.to_json()) if machine else say(f"\nagainst truth {truth}:\n{card.text()}")


def ranking(learnt: Ranking, out: Path, kept: Path | None) -> None:
    """What was learnt, how good it is, and what it looks at, the weightiest first."""
    on = learnt.trained_on
    say(f"{learnt.kind}: version {learnt.version} from {on.right} right and {on.wrong} wrong verdicts, detector")
    say(f"  {learnt.detector} {learnt.detector_version}; left out by {on.left_out_by}, {on.places} in all")
    for why, count in on.left_out.items():
        say(f"  taught nothing: {count} ({why})")
    say(f"against {on.held_against}, on places left out:\n{learnt.scores.text()}")
    for name, term in sorted(learnt.terms.items(), key=lambda item: -abs(item[1].weight))[:_SHOWN]:
        as_it_is(f"  {name:<24} {term.weight:+.2f} / {term.scale:.3g}")
    say(f"installed: {out}{f' (the one before: {kept})' if kept else ''}; name it in decisions.rankings")


def cases(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a case."""
    for row in rows:
        place = f"{row['route_code'] or '':<8} {row['stake'] or '':<12}"
        due = shown(f"due {row['due_on']}{' OVERDUE' if row['overdue'] else ''}") if row["due_on"] else ""
        conflict = shown("in CONFLICT") if row["conflict"] else ""
        marks = " ".join(filter(None, (_named("sight", row["sight"] or ""), conflict, due)))
        status, kind = _padded(_named("status", row["status"]), 10), _padded(_named("kind", row["kind"]), 14)
        as_it_is(f"{row['case_no']:<36} {status} {kind} {place} {marks}".rstrip())
    say(f"{len(rows)} cases")


def _named(column: str, code: str) -> str:
    """A code of a case as maps and papers name it where the reader's language is Chinese, the code itself elsewhere."""
    if not chinese():
        return code
    from ..ledger.lifecycle import LABELS
    from ..reports import style, terms

    words: Mapping[str, Mapping[str, Any]] = {
        "kind": style.KINDS, "zone": style.ZONES, "status": style.STATUS, "side": style.SIDES, "sight": terms.SIGHTS,
    }  # fmt: skip
    if column == "what":
        return {what.value: zh for what, zh in LABELS.items()}.get(code, code)
    word = words.get(column, {}).get(code)
    return code if word is None else str(word.zh)


def _headed(column: str) -> str:
    """What a column of cases is called in the reader's language; one that no share holds keeps its name."""
    from ..share import tables

    return tables.label("cases", column).zh if chinese() and column in tables.CASES.columns else column


def _padded(text: str, cells: int) -> str:
    """The text filled up to so many cells of a terminal, of which a Chinese character takes two."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return text + " " * max(cells - len(text) - wide, 0)


def case(data: Mapping[str, Any]) -> None:
    """One case and its history."""
    for key, value in data.items():
        if key not in ("history", "finding") and value is not None:
            as_it_is(f"{_padded(_headed(key), 16 if chinese() else 14)} {_named(key, str(value))}")
    for event in data.get("history", ()):
        kept = (
            "reason",
            "note",
            "to",
            "due_on",
            "outcome",
            "ref",
            "why",
            "into",
            "from",
            "from_m2",
            "to_m2",
            "score",
            "scene_after",
        )
        told = {name: event["detail"][name] for name in kept if name in event["detail"]}
        detail = f"  {told}" if told else ""
        as_it_is(f"  {event['at']}  {_padded(event['actor'], 12)} {_named('what', event['what'])}{detail}")


def reasons(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a coded reason."""
    for row in rows:
        as_it_is(f"{row['code']:<16} {row['zh']} ({row['en']})")


def _kinds_looked_for(findings: Path) -> tuple[str, ...] | None:
    """Kinds of the detectors in the run.json beside the findings; None where there is none."""
    from ..detectors.registry import known

    record = findings.parent / "run.json"
    if not record.is_file():
        return None
    rows = json.loads(record.read_text(encoding="utf-8"))["detectors"]
    # Records of earlier versions do not say; the detector of that name does.
    return tuple(kind for row in rows for kind in row.get("kinds") or known()[row["name"]].kinds)


def _more(names: Sequence[str]) -> str:
    return f" … ({len(names)} in all)" if len(names) > 4 else ""
