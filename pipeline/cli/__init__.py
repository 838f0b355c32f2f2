"""What people type: parse, call, print.

Exit codes: 0 done, 2 input refused, 3 tiles failed or nothing seen, 130 interrupted, 1 a fault.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import LuyuError
from ..net.hrefs import scrubbed
from ..tiff.gdal_env import confine
from ..words import shown
from .console import near_signs, tame

OK, OWN_FAULT, REFUSED, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; the console script calls this."""
    confine()
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    args = [arg for arg in args if arg != "--debug"]
    near_signs(sys.stdout, sys.stderr)
    import typer

    try:
        result = _run(args)
    except typer.TyperException as error:
        from .helping import show_error

        show_error(error)
        return REFUSED
    except (typer.Abort, KeyboardInterrupt):
        _say(shown("interrupted; the same command goes on where it stopped"))
        return INTERRUPTED
    except (LuyuError, MemoryError) as error:
        _say(_trace()) if debug else _say("luyu:", shown(scrubbed(_words(error))))
        return REFUSED
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except Exception as error:  # noqa: BLE001  the last seam; a fault of our own is said without the secrets it may hold
        if debug:
            _say(_trace())
            return OWN_FAULT
        said = scrubbed(f"a fault of the program's own: {type(error).__name__}: {error}")
        _say("luyu:", shown(said))
        _say(shown("(--debug shows where; please report it)"))
        return OWN_FAULT
    return result if isinstance(result, int) else OK


def _say(*words: str) -> None:
    print(*map(tame, words), file=sys.stderr)  # noqa: T201


def _run(args: list[str]) -> object:
    from .app import app
    from .helping import command_of

    with _terminated_as_interrupted():
        result = command_of(app).main(args, standalone_mode=False, prog_name="luyu")
    if result == INTERRUPTED:  # typer's own answer to Ctrl-C, which says nothing
        raise KeyboardInterrupt
    return result


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM, by which batch systems and shutdowns stop a process, does what Ctrl-C does: nothing half is left."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # only a process' main thread takes signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _words(error: BaseException) -> str:
    if not isinstance(error, MemoryError):
        return str(error)
    less = "fewer dask.workers or a smaller imagery.tile_px take less"
    return f"not enough memory ({error}); {less}; the same command goes on where it stopped"


def _trace() -> str:
    """The traceback of the error at hand; addresses in it lose their tokens, for it will be passed on."""
    import traceback

    return scrubbed(traceback.format_exc())
