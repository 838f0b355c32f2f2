"""The commands. Heavy rooms are imported inside, so that ``luyu --help`` answers at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from . import INCOMPLETE, OK
from .cases import cases_app
from .check import check
from .doctor import doctor
from .explain import explain
from .init import SeveralValues, init
from .papers import papers_app
from .progress import progress
from .share import serve, share
from .train import train
from .watch import watch

app = typer.Typer(
    name="luyu",
    help="路域: watch the land along highways from satellites. A finding is a clue (疑似), never a verdict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cases_app, name="cases")
app.add_typer(papers_app, name="papers")
app.command(cls=SeveralValues)(init)
app.command()(check)
app.command()(doctor)
app.command()(explain)
app.command()(train)
app.command()(share)
app.command()(serve)
app.command()(watch)

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="Run configuration, YAML.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="A machine-readable summary on stdout.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, e.g. --set imagery.resolution_m=0.8; repeatable."),
]
MaxGb = Annotated[
    float | None,
    typer.Option("--max-gb", metavar="F", help="Refuse if more GB might be fetched over the network.", min=0),
]


@app.callback()
def _root(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works after any command.")
    ] = False,
) -> None:
    """Options for all commands; ``--debug`` itself is taken off the line before it is parsed."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("outputs/demo"),
    km: Annotated[float, typer.Option(help="Kilometres of road.", min=0.8, max=200)] = 12.0,
    seed: Annotated[int, typer.Option(help="Which world.", min=0)] = 7,
) -> int:
    """Simulate a small county pair, run the whole pipeline on it, and say where the maps are."""
    from ..config import RunConfig
    from ..run.runner import run as run_pipeline
    from ..simulate import WorldOptions
    from ..simulate import simulate as make_world
    from . import show

    world = out / "world"
    if not (world / "run.yaml").is_file():
        with progress() as step:
            make_world(world, WorldOptions(seed=seed, km=km), lambda done, total: step("simulate", done, total))
    config = RunConfig.load(world / "run.yaml", [f"output={out.resolve() / 'run'}"])
    with progress() as step:
        report = run_pipeline(config, on_step=step)
    show.run_report(report)
    show.alarms(report)
    show.capped(report)
    show.scorecard(report.folder.findings_gpkg, world / "truth.gpkg", by=("kind", "county"), km=report.km_observed)
    show.say(f"\nopen: {report.folder.index.resolve()}")
    return OK if report.complete else INCOMPLETE


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write the world to.")],
    seed: Annotated[int, typer.Option(help="Which world; the same seed gives the same bytes.", min=0)] = 7,
    km: Annotated[float, typer.Option(help="Kilometres of road.", min=0.8, max=500)] = 12.0,
    resolution: Annotated[float, typer.Option(help="Pixel size, m.", min=0.2, max=4)] = 0.5,
    dates: Annotated[int, typer.Option(help="Sharp acquisitions; the first two make a pair.", min=2, max=6)] = 2,
    harvest_days: Annotated[
        int, typer.Option(help="Further acquisitions, few days apart, within a harvest.", min=0, max=12)
    ] = 0,
    harvest_years: Annotated[int, typer.Option(help="Harvests with such acquisitions.", min=1, max=4)] = 1,
) -> int:
    """Write a world with known truth: STAC catalogue of COGs, layers, truth.gpkg, a ready run.yaml."""
    from ..simulate import WorldOptions
    from ..simulate import simulate as make_world
    from . import show

    options = WorldOptions(
        seed=seed, km=km, resolution_m=resolution, dates=dates, harvest_days=harvest_days, harvest_years=harvest_years
    )
    with progress() as step:
        config = make_world(out, options, lambda done, total: step("simulate", done, total))
    show.say(f"world: {out}\nnext:  luyu run {config}")
    return OK


@app.command()
def plan(
    config: Config,
    set_: Set = None,
    as_json: Json = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no image server; what its headers would tell is reckoned.")
    ] = False,
    reads: Annotated[
        Path | None, typer.Option("--reads", metavar="FILE", help="Write every read to a .csv or .json file.")
    ] = None,
    max_gb: MaxGb = None,
) -> int:
    """What a run would do: tiles, km due, scenes, bytes, what is done again and why, what is skipped. Reads no pixel."""
    from ..config import RunConfig
    from ..run.plan import make_plan
    from ..run.read_list import reads_summary, write_reads
    from ..run.reads import planned_reads, refuse_beyond
    from ..run.redo import redo
    from . import show

    made = make_plan(RunConfig.load(config, set_ or ()))
    listed = planned_reads(made, offline=offline)
    if reads is not None:
        write_reads(reads, listed)
    summary = {**made.summary(), **redo(made), **reads_summary(listed, made.config.imagery.costs)}
    show.as_json(summary) if as_json else show.plan(summary)
    if max_gb is not None:
        refuse_beyond(listed, max_gb)
    return OK


@app.command()
def run(
    config: Config,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of going on.")] = False,
    set_: Set = None,
    workers: Annotated[int | None, typer.Option(help="Threads, processes or pods.", min=1)] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="threads, processes, local, slurm, kubernetes, or tls://host:port.")
    ] = None,
    as_json: Json = False,
    max_gb: MaxGb = None,
) -> int:
    """Run the main job; it resumes by itself."""
    from ..config import RunConfig
    from ..run.runner import run as run_pipeline
    from . import show

    overrides = list(set_ or ())
    overrides += [f"dask.workers={workers}"] if workers is not None else []
    overrides += [f"dask.scheduler={scheduler}"] if scheduler is not None else []
    loaded = RunConfig.load(config, overrides)
    with progress() as step:
        report = run_pipeline(loaded, fresh=fresh, on_step=step, max_gb=max_gb)
    show.as_json(report.summary()) if as_json else show.run_report(report)
    show.alarms(report)
    show.capped(report)
    return OK if report.complete else INCOMPLETE


@app.command()
def report(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Output folder of a run.")],
    ledger: Annotated[
        str | None, typer.Option(metavar="PATH", help="Ledger file or URL, where it is not that of the run.")
    ] = None,
) -> int:
    """Rebuild maps, registers and notices from the stored findings and the ledger."""
    from ..run.runner import rebuild
    from . import show

    folder, missing = rebuild(run_folder, ledger)
    for what in missing:
        show.warn(what)
    show.say(f"rebuilt: {folder.index}")
    return OK


@app.command()
def evaluate(
    findings: Annotated[Path, typer.Argument(help="findings.gpkg or findings.geojson.")],
    truth: Annotated[Path, typer.Argument(help="truth.gpkg with the same columns, as far as they apply.")],
    by: Annotated[str, typer.Option(help="Columns to split by: kind, county, route, zone.")] = "",
    km: Annotated[float | None, typer.Option(help="Kilometres observed, for false findings per km.", min=0)] = None,
    as_json: Json = False,
) -> int:
    """Object and area scores against truth, with counts and confidence intervals."""
    from . import show

    columns = tuple(part.strip() for part in by.split(",") if part.strip())
    show.scorecard(findings, truth, by=columns, km=km, machine=as_json)
    return OK


@app.command()
def detectors(as_json: Json = False) -> int:
    """What detectors there are."""
    from ..detectors.registry import known
    from . import show

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "version": cls.version,
            "kinds": list(cls.kinds),
            "what": (cls.__doc__ or "").strip().splitlines()[0],
        }
        for name, cls in known().items()
    ]
    if as_json:
        show.as_json(rows)
    else:
        for row in rows:
            show.as_it_is(
                f"{row['name']:<14} {row['version']:<8} {', '.join(row['kinds']):<24} {show.shown(row['what'])}"
            )
    return OK


@app.command()
def config(
    schema: Annotated[bool, typer.Option("--schema", help="JSON schema instead, for an editor's completion.")] = False,
) -> int:
    """The commented reference configuration."""
    from . import show

    if schema:
        from ..config import RunConfig

        show.as_it_is(json.dumps(RunConfig.model_json_schema(), ensure_ascii=False, indent=2))
    else:
        from ..config.reference import reference_yaml

        show.as_it_is(reference_yaml().rstrip("\n"))
    return OK
