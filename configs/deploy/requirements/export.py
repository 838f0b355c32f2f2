"""The hashed lists for pip, out of uv.lock: requirements.lock for all, and here one per extra of what it adds.

    .venv/bin/python configs/deploy/requirements/export.py          # `make lock` does it

``pip install --require-hashes -r requirements.lock -r configs/deploy/requirements/postgres.lock`` then installs both.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_EXPORT = (
    "export",
    "--quiet",
    "--locked",
    "--no-dev",
    "--no-emit-project",
    "--no-header",
    "--format",
    "requirements-txt",
)
_HEAD = "# Written by configs/deploy/requirements/export.py out of uv.lock{what}; not by hand.\n"


def main() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    lean = _exported()
    _write(ROOT / "requirements.lock", "", lean.values())
    for extra in extras:
        added = [text for name, text in _exported("--extra", extra).items() if lean.get(name) is None]
        what = f": what extra {extra!r} adds to requirements.lock"
        _write(ROOT / "configs" / "deploy" / "requirements" / f"{extra}.lock", what, added)


def _exported(*options: str) -> dict[str, str]:
    """Requirement with its version and marker, to its lines; comments of who needs it left out."""
    uv = Path(sys.executable).with_name("uv")
    run = subprocess.run([uv, *_EXPORT, *options], cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
    lines = "\n".join(line for line in run.stdout.splitlines() if not line.lstrip().startswith("#"))
    parts = re.split(r"\n(?=\S)", lines.strip())
    return {part.partition("\\")[0].strip(): part for part in parts}


def _write(path: Path, what: str, parts: object) -> None:
    path.write_text(_HEAD.format(what=what) + "\n".join(parts) + "\n", encoding="utf-8", newline="\n")  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
