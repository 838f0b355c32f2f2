import os
import shutil

import pytest
from fake_office import make_cases, make_run, settled

from pipeline.ledger import Ledger


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def numbers(ledger):
    """Five suspected cases, from west to east."""
    return settled(ledger, make_cases())


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


@pytest.fixture
def soffice():
    found = shutil.which("soffice")
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("LibreOffice (soffice) is not installed; CI has it")
    assert found is not None, "CI must have LibreOffice (soffice)"
    return found
