"""``luyu share`` and ``luyu serve``: results for other systems, as files and as a service on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..model.audience import Audience
from . import OK


def share(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Output folder of a run.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to write; an earlier share there is replaced.", show_default=False)],
    ledger: Annotated[
        str | None, typer.Option(metavar="PATH", help="Ledger of the cases; default: the run's.", show_default=False)
    ] = None,
    audience: Annotated[Audience, typer.Option(help="For whom; public: counts by township only.")] = Audience.INTERNAL,
    map_approval: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Approval number of the map (审图号), for public.", show_default=False),
    ] = None,
) -> int:
    """Write findings, cases and coverage as GeoParquet and GeoPackage with a dictionary, pictures as STAC, a ready service."""
    from ..share.share import share as write_share
    from . import show

    done = write_share(run_folder, out, ledger=ledger, audience=audience, map_approval=map_approval)
    for name, count in done.rows.items():
        show.as_it_is(f"{name}: {count}")
    if done.pictures:
        show.say(f"pictures: {done.pictures}")
    for note in done.notes:
        show.say(f"  note: {note}")
    if done.audience is Audience.INTERNAL:
        show.say(f"shared, internal: {done.folder}\nnext:  luyu serve {done.folder}")
    else:
        show.say(f"shared, public: {done.folder}")
    return OK


def serve(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What 'luyu share' wrote.", show_default=False)],
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 5000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but the default opens it to others.")
    ] = "127.0.0.1",
) -> int:
    """Serve a shared folder over OGC API - Features on this machine, until Ctrl-C."""
    from ..share.serve import is_loopback
    from ..share.serve import serve as run_server
    from . import show

    if not is_loopback(host):
        show.warn(f"--host {host} lets every machine that reaches this one read internal data, without a password")

    def ready(address: str) -> None:
        show.say(f"serving {folder} at {address}\nCtrl-C ends it")
        sys.stdout.flush()

    run_server(folder, host=host, port=port, ready=ready)
    return OK
