"""Commands of the pages that are not typed in here: by whom they are played, or why nothing can play them."""

from __future__ import annotations

import re

#: A pattern of the whole command to the test that plays it, or to the reason why none can.
ELSEWHERE: dict[str, str] = {
    r"make demo": "tests/first_hour/test_first_hour.py",
    r"make test": "the suite that this test is part of",
    r"make manual": "tests/manual/test_manual.py",
    r"luyu watch .*": "tests/run/test_incremental.py",
    r"luyu serve shared": "tests/share/test_share_service.py",
    r"conda .*|pip install .*|/shared/luyu/bin/pip install .*": (
        "needs a package index; the lock files are held by tests/test_environment.py"
    ),
    r"python3\.11 -m venv .*": "Python's own; every test runs in an environment made so",
    r"sbatch .*": "tests/execution/test_slurm.py",
    r"python3 configs/deploy/wheelhouse/wheelhouse\.py .*": "tests/install/test_wheelhouse.py",
    r"\./install\.sh .*|/opt/luyu/bin/luyu demo": "tests/install/test_wheelhouse.py",
    r"jupyter lab .*": "opens a browser and stays; the notebooks are run by tests/test_notebooks.py",
    r"export LUYU_LANG=\w+": "tests/words/test_command_line.py",
}


def elsewhere(command: str) -> str | None:
    """Who plays the command, or why nobody can; None for one that is to be played here."""
    return next((why for pattern, why in ELSEWHERE.items() if re.fullmatch(pattern, command)), None)
