"""``luyu train``: what officers found, as the confidence of the next run's candidates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import OK


def train(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The ranking, JSON.", show_default=False)],
    kind: Annotated[str, typer.Option(help="Kind of the cases.")] = "building",
    ledger: Annotated[str | None, typer.Option(metavar="PATH", help="Ledger with the verdicts.")] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option("--run", metavar="FOLDER", help="Run with evidence that an older ledger lacks; repeatable."),
    ] = None,
    labelled: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead of a ledger: candidates with a column 'right'.")
    ] = None,
    cap: Annotated[int, typer.Option(help="Findings that a county visits, for precision at the cap.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Which places are left out together.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")] = False,
) -> int:
    """Learn the confidence of candidates from verdicts; a ranking that is no better on places left out is refused."""
    from ..errors import TrainingError
    from ..ranking.examples import from_file, from_ledger
    from ..ranking.train import in_use, install, judge
    from ..ranking.train import train as learn
    from . import show

    if (ledger is None) == (labelled is None):
        raise TrainingError("train: give exactly one of --ledger PATH and --labelled FILE")
    examples = from_file(labelled, kind) if labelled else from_ledger(str(ledger), kind, runs or ())
    ranking = learn(examples, cap=cap, seed=seed, in_use=in_use(out, examples))
    judge(ranking)
    kept = install(ranking, out)
    if as_json:
        summary = ranking.model_dump(mode="json", exclude={"terms", "left_out_confidence"})
        show.as_json(summary | {"out": str(out), "replaced": str(kept) if kept else None})
    else:
        show.ranking(ranking, out, kept)
    return OK
