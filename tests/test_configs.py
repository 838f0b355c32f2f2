"""Every configuration in the repository loads, and the reference is what the models say."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import RunConfig
from pipeline.config.reference import reference_yaml
from pipeline.legal.rules import LegalRules

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def test_the_reference_is_generated() -> None:
    """Remake it with ``luyu config > configs/reference.yaml``."""
    assert (CONFIGS / "reference.yaml").read_text(encoding="utf-8") == reference_yaml()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_run_configuration_loads(path: Path) -> None:
    assert RunConfig.load(path).detectors


@pytest.mark.parametrize("path", sorted((CONFIGS / "legal").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_rules_file_loads_and_cites(path: Path) -> None:
    cited = LegalRules.load(path).citation("building", "control_zone", "G")
    assert cited is not None
    assert "公路" in cited.prohibition
