"""What people type: parse, call, print. Exit codes: 0 done, 2 input refused, 3 tiles failed or nothing seen, 1 a fault."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import LuyuError
from ..net.hrefs import scrubbed

OK, OWN_FAULT, REFUSED, INCOMPLETE = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; the console script calls this."""
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    args = [arg for arg in args if arg != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        # A console in GBK cannot show every sign; a question mark is better than a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    import typer

    from .app import app

    try:
        result = app(args, standalone_mode=False, prog_name="luyu")
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]
        return REFUSED
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted; the same command goes on where it stopped", file=sys.stderr)  # noqa: T201
        return 130
    except LuyuError as error:
        print(_trace() if debug else scrubbed(f"luyu: {error}"), file=sys.stderr)  # noqa: T201
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


def _trace() -> str:
    """The traceback of the error at hand; addresses in it lose their tokens, for it will be passed on."""
    import traceback

    return scrubbed(traceback.format_exc())
