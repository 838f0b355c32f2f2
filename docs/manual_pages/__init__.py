"""Pages of the manual that are made from the program itself, in both languages, so that they cannot drift from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import cases, columns, commands, configuration, finders, law, outcomes, scores
from .words import Lang

#: Page, as it lies under the folder of a language, to what writes it.
PAGES: Mapping[str, Callable[[Lang], str]] = {
    "reference/configuration.md": configuration.page,
    "reference/columns.md": columns.page,
    "reference/commands.md": commands.page,
    "reference/law.md": law.page,
    "reference/detectors.md": finders.detectors,
    "reference/sensors.md": finders.sensors,
    "reference/cases.md": cases.page,
    "reference/outcomes.md": outcomes.page,
    "reference/scores.md": scores.overview,
    **{f"reference/scores-{name}.md": scores.writer(name) for name in scores.PAGES},
}


def pages(lang: Lang) -> dict[str, str]:
    """Markdown of every generated page of a language, by its path under ``docs``."""
    return {f"{lang}/{name}": write(lang) for name, write in PAGES.items()}
