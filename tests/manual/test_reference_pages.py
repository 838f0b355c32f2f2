"""The pages that are made from the program hold all that it has, in both languages, and hold nothing against it."""

from __future__ import annotations

import re
import sys
import typing
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from collecting import ROOT
from pydantic import BaseModel
from typer.main import get_command

from pipeline import cli
from pipeline.catalog import sensors
from pipeline.cli.app import app
from pipeline.config import RunConfig
from pipeline.detectors import registry
from pipeline.ledger.lifecycle import ACTS
from pipeline.ledger.reasons import REASONS
from pipeline.legal.rules import LegalRules
from pipeline.model.cause import Cause
from pipeline.model.shipped import shipped
from pipeline.model.tables import FINDINGS

sys.path.insert(0, str(ROOT / "docs"))
from manual_pages import configuration, finders, outcomes, pages
from manual_pages.words import LANGUAGES, Lang, of_options


@pytest.fixture(scope="module", params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> Lang:
    return request.param


@pytest.fixture(scope="module")
def made(lang: Lang) -> dict[str, str]:
    return {name.removeprefix(f"{lang}/reference/"): text for name, text in pages(lang).items()}


def keys_of(model: type[BaseModel]) -> Iterator[str]:
    """Every key of a model and of the models in it, by their annotations and not by the schema that the page reads."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in models_in(field.annotation):
            yield from keys_of(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from models_in(inner)


def test_every_key_of_the_configuration_is_there(made: dict[str, str]) -> None:
    page = made["configuration.md"]
    ids = re.findall(r'id="([^"]+)"', page)
    told = {key.rsplit(".", 1)[-1] for key in ids} | set(re.findall(r"\{#([\w-]+)\}", page))
    written = set(keys_of(RunConfig))
    assert len(written) > 150
    assert written <= told
    for name, cls in registry.known().items():
        assert {f"{name}.{key}" for key in cls.Options.model_fields} <= set(ids)
    assert len(set(ids)) == len(ids), "no key stands twice"
    assert set(configuration.keys()) <= set(ids) | {
        "area",
        "imagery",
        "decisions",
        "alarms",
        "maps",
        "cases",
        "dask",
        "detectors",
    }


def test_every_key_says_its_meaning_in_chinese_and_no_translation_is_left_over() -> None:
    """A new key needs an entry in docs/manual_pages/configuration_zh.po."""
    detectors = {finders.first_line(cls) for cls in registry.known().values()}
    said = configuration.descriptions() | detectors
    translated = of_options()
    assert set(translated) == said, (
        f"lacking: {sorted(said - set(translated))}; left over: {sorted(set(translated) - said)}"
    )
    assert all(re.search(r"[\u4e00-\u9fff]", text) for text in translated.values())
    for english, chinese in translated.items():
        assert set(re.findall(r"\{[^}]+\}", english)) == set(re.findall(r"\{[^}]+\}", chinese)), english


def test_a_key_says_type_default_unit_and_meaning(made: dict[str, str], lang: Lang) -> None:
    (row,) = re.findall(r'<tr><td><code id="area.corridor_m">.*', made["configuration.md"])
    cells = [unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", row)]
    assert cells[0] == "area.corridor_m"
    assert cells[1]
    assert "> 0" in cells[2]
    assert "≤ 2000" in cells[2]
    assert cells[3:] == ["null", "m"]


def test_every_command_with_every_option_is_there(made: dict[str, str]) -> None:
    def below(command, path=()):
        for name, one in getattr(command, "commands", {}).items():
            yield from below(one, (*path, name))
        if not getattr(command, "commands", None):
            yield path, command

    parts = dict(
        re.findall(r"^## luyu ([\w -]+) \{#[^}]+\}\n(.*?)(?=^## |\Z)", made["commands.md"], re.MULTILINE | re.DOTALL)
    )
    commands = list(below(get_command(app)))
    assert len(commands) > 25
    for path, command in commands:
        for one in command.params:
            for name in one.opts if one.param_type_name == "option" else ():
                assert f"<code>{name}" in parts[" ".join(path)], (path, name)


def test_articles_widths_and_penalties_stand_on_the_page_of_law(made: dict[str, str]) -> None:
    text = unescape(made["law.md"])
    for name in ("control_zone", "henan", "jiangsu"):
        rules = LegalRules.load(shipped("legal") / f"{name}.yaml")
        assert {width.law for width in rules.control_zone.values()} <= set(re.findall(r"<td>([^<]*)</td>", text))
        for zones in rules.offences.values():
            for offence in zones.values():
                assert offence.prohibition in text
                assert offence.penalty in text


def test_detectors_sensors_reasons_acts_causes_and_exit_codes_are_there(made: dict[str, str]) -> None:
    assert all(f"<code>{name}</code>" in made["detectors.md"] for name in registry.known())
    assert all(f'id="{name}"' in made["sensors.md"] for name in sensors.known())
    assert all(f'id="{code}"' in made["cases.md"] for code in REASONS)
    assert all(act.zh in made["cases.md"] for act in ACTS)
    assert all(f"<code>{cause.value}</code>" in made["outcomes.md"] for cause in Cause)
    codes = {name for name, value in vars(cli).items() if name.isupper() and isinstance(value, int)}
    assert codes == set(outcomes.EXITS)
    assert all(f'id="findings.{column}"' in made["columns.md"] for column in FINDINGS.columns)


def test_every_alarm_is_read_off_its_code_with_a_remedy() -> None:
    told = list(outcomes.alarms_of())
    source = (ROOT / "pipeline" / "run" / "alarm.py").read_text(encoding="utf-8")
    assert {"nothing_observed", "little_observed", "no_candidates", "out_of_season"} <= {code for code, *_ in told}
    assert len(told) == source.count(" Alarm(\n") + 1, "one call has two codes"
    assert all(said.zh and said.en and remedy.zh and remedy.en for _, said, remedy in told)


def test_a_chinese_page_has_chinese_heads_and_an_english_one_none(made: dict[str, str], lang: Lang) -> None:
    heads = "".join(re.findall(r"<th>(.*?)</th>", "".join(made.values())))
    assert bool(re.search(r"[\u4e00-\u9fff]", heads)) is (lang == "zh")
