"""What mkdocs calls while it builds the manual: made pages are put among the others, each language gets its own search."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import CombinedEvent, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the program, wherever mkdocs was started

from manual_pages import pages
from manual_pages.words import LANGUAGES

#: Pictures of a run (``docs/screenshots.py``), which lie outside the manual's sources and are never committed.
SHOTS = Path(os.environ.get("LUYU_SHOTS") or Path(__file__).resolve().parents[1] / "outputs" / "shots")
_MADE: dict[str, str | bytes] = {path: text for lang in LANGUAGES for path, text in pages(lang).items()}
_MADE |= {f"assets/shots/{picture.name}": picture.read_bytes() for picture in sorted(SHOTS.glob("*.png"))}
_BASE = re.compile(r'("base":\s*")([./]+)(")')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Refuses to build a manual without its pictures, and says how they are made."""
    if not any(SHOTS.glob("*.png")):
        raise PluginError(
            f"no pictures in {SHOTS}; `make manual` takes them, or python docs/screenshots.py RUN {SHOTS}"
        )
    return config


@event_priority(100)
def _with_pages(files: Files, config: MkDocsConfig) -> Files:
    """The files that lie in docs, and those that are made."""
    for path in _MADE:
        files.append(File(path, config.docs_dir, config.site_dir, config.use_directory_urls))
    return files


@event_priority(-200)
def _with_text(files: Files, config: MkDocsConfig) -> Files:  # noqa: ARG001  called by name
    """Every made page with its text: the plugin of languages makes each file anew, as one that lies on disk."""
    for file in files:
        if file.src_uri in _MADE:
            made = _MADE[file.src_uri]
            if isinstance(made, str):
                file.content_string = made
            else:
                file.content_bytes = made
    return files


on_files = CombinedEvent(_with_pages, _with_text)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001  called by name
    """An English page searches from its own folder, where the index of the English pages lies."""
    if not page.file.src_uri.startswith("en/"):
        return output
    return _BASE.sub(lambda found: f"{found[1]}{_nearer(found[2])}{found[3]}", output, count=1)


def _nearer(base: str) -> str:
    """The way to a folder one level nearer: from ``../..`` to ``..``, from ``..`` to ``.``."""
    return base.removesuffix("..").rstrip("/") or "."


@event_priority(-200)
def on_post_build(config: MkDocsConfig) -> None:
    """One index for each language, as JSON and as the script that a page can load from a folder."""
    whole = Path(config.site_dir) / "search" / "search_index.json"
    index = json.loads(whole.read_text(encoding="utf-8"))
    english = [doc for doc in index["docs"] if doc["location"].startswith("en/")]
    chinese = [doc for doc in index["docs"] if not doc["location"].startswith("en/")]
    _write_index(whole.parent, index | {"docs": chinese})
    own = [doc | {"location": doc["location"].removeprefix("en/")} for doc in english]
    _write_index(Path(config.site_dir) / "en" / "search", index | {"docs": own})


def _write_index(folder: Path, index: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    (folder / "search_index.json").write_text(text, encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {text}", encoding="utf-8")
