"""``luyu init``: from a person's own files to a configuration that runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from . import OK

_SEVERAL = ("--before", "--after")


Folder = Annotated[Path, typer.Argument(metavar="DIR", help="New folder of the run.", show_default=False)]
Roads = Annotated[Path, typer.Option(metavar="FILE", help="Centrelines of roads: .shp, .gpkg, .gdb, .geojson …")]
Before = Annotated[list[str], typer.Option(metavar="FILE…", help="Earlier images: GeoTIFFs, folders, archives.")]
After = Annotated[list[str], typer.Option(metavar="FILE…", help="Later images.")]
Counties = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Counties with six-digit codes; without: one area.")
]
Stakes = Annotated[Path | None, typer.Option(metavar="FILE", help="Calibration points with stakes.")]
County = Annotated[
    str | None, typer.Option(metavar="CODE=NAME", help="The only county, where no layer is given: 320322=沛县.")
]
Column = Annotated[
    list[str] | None,
    typer.Option(metavar="OURS=THEIRS", help="A column of the roads, e.g. route=LX_CODE; repeatable."),
]
Layer = Annotated[
    list[str] | None, typer.Option(metavar="ROLE=NAME", help="Layer of a file with several, e.g. roads=T_LD.")
]
Crs = Annotated[str | None, typer.Option(help="Coordinate system of the roads, e.g. EPSG:4548.")]
BeforeDate = Annotated[
    str | None, typer.Option(metavar="DAY", help="When the earlier images were taken; DAY or FIRST/LAST.")
]
AfterDate = Annotated[str | None, typer.Option(metavar="DAY", help="The same of the later ones.")]
SensorName = Annotated[str | None, typer.Option(help="Sensor profile, where the guess is wrong, e.g. gf2_pms_fused.")]
Resolution = Annotated[
    float | None, typer.Option(help="Pixel size of the run, m; default: the images'.", min=0.1, max=30)
]
Name = Annotated[str | None, typer.Option(help="Name of the run; default: the folder's.")]


class SeveralValues(TyperCommand):
    """``--before A B C``, as a shell makes of ``--before 2024*.tif``, means ``--before A --before B --before C``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments with the option repeated before each value that follows it."""
        return super().parse_args(ctx, _repeated(args))


def init(
    folder: Folder,
    roads: Roads,
    before: Before,
    after: After,
    counties: Counties = None,
    stakes: Stakes = None,
    county: County = None,
    column: Column = None,
    layer: Layer = None,
    crs: Crs = None,
    before_date: BeforeDate = None,
    after_date: AfterDate = None,
    sensor: SensorName = None,
    resolution: Resolution = None,
    name: Name = None,
) -> int:
    """From your own roads and images to a folder with run.yaml and layers.yaml, ready for luyu check and luyu run."""
    from ..draft import Given, draft
    from . import show

    made = draft(
        Given(
            folder=folder,
            roads=roads,
            before=tuple(before),
            after=tuple(after),
            counties=counties,
            stakes=stakes,
            columns=_pairs("--column", column),
            layers=_pairs("--layer", layer),
            crs=crs,
            county=_county(county),
            before_days=_days("--before-date", before_date),
            after_days=_days("--after-date", after_date),
            sensor=sensor,
            resolution_m=resolution,
            name=name,
        )
    )
    config = made.write()
    for line in made.guessed:
        show.say(f"guessed: {line}")
    for line in made.open:
        show.say(f"to look at: {line}")
    show.say(f"written: {', '.join(str(made.folder / file) for file in made.files)}")
    path = f'"{config}"' if " " in str(config) else str(config)
    show.say(f"next: luyu check {path}, then luyu run {path}")
    return OK


def _repeated(args: Sequence[str]) -> list[str]:
    """Each further word after an option of several values gets the option before it; other options end that.

    The folder may stand last: where no other word can be it, the last one that is no file and no glob is.

    >>> _repeated(["new", "--before", "a.tif", "b.tif", "--after", "c.tif", "--name", "x"])
    ['new', '--before', 'a.tif', '--before', 'b.tif', '--after', 'c.tif', '--name', 'x']
    """
    found: list[str] = []
    option, fresh, free = None, False, 0
    for word in args:
        if word.startswith("-"):
            option, fresh = word, "=" not in word
            found.append(word)
            continue
        if not fresh and option in _SEVERAL:
            found.append(str(option))
        elif not fresh:
            free += 1
        found.append(word)
        fresh = False
    last_is_folder = not free and found[-2:-1] in [[one] for one in _SEVERAL] and found.count(found[-2]) > 1
    if last_is_folder and not any(sign in found[-1] for sign in "*?[") and not Path(found[-1]).is_file():
        del found[-2]
    return found


def _pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    from ..errors import ConfigError

    pairs = {}
    for text in texts or ():
        ours, equals, theirs = text.partition("=")
        if not (ours and equals and theirs):
            raise ConfigError(
                f"{option} {text!r}: expected a pair, e.g. {option} {'route=LXBM' if 'col' in option else 'roads=T_LD'}"
            )
        pairs[ours] = theirs
    return pairs


def _county(text: str | None) -> tuple[str, str] | None:
    from ..errors import ConfigError

    if text is None:
        return None
    code, _, name = text.partition("=")
    if not (len(code) == 6 and code.isdigit() and code[0] != "0"):
        raise ConfigError(f"--county {text!r}: expected six digits of GB/T 2260 and a name, e.g. --county 320322=沛县")
    return code, name or code


def _days(option: str, text: str | None) -> Any:
    from ..errors import ConfigError
    from ..model.scene import Period

    if text is None:
        return None
    try:
        return Period.parse(text)
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from error
