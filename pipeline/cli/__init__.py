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

OK, OWN_FAULT, REFUSED, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; the console script calls this."""
    confine()
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    args = [arg for arg in args if arg != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        # A console in GBK cannot show every sign; a question mark is better than a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    import typer

    try:
        result = _run(args)
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]
        return REFUSED
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted; the same command goes on where it stopped", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except (LuyuError, MemoryError) as error:
        print(_trace() if debug else scrubbed(f"luyu: {_words(error)}"), file=sys.stderr)  # noqa: T201
        return REFUSED
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except Exception as error:  # noqa: BLE001  the last seam; a fault of our own is said without the secrets it may hold
        if debug:
            print(_trace(), file=sys.stderr)  # noqa: T201
            return OWN_FAULT
        said = scrubbed(f"luyu: a fault of the program's own: {type(error).__name__}: {error}")
        print(said, file=sys.stderr)  # noqa: T201
        print("(--debug shows where; please report it)", file=sys.stderr)  # noqa: T201
        return OWN_FAULT
    return result if isinstance(result, int) else OK


def _run(args: list[str]) -> object:
    from .app import app

    with _terminated_as_interrupted():
        result = app(args, standalone_mode=False, prog_name="luyu")
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
