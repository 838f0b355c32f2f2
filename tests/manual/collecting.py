"""What the README and the manual tell people to type: blocks of shell and of Python, page by page."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md", "CONTRIBUTING.md", "SECURITY.md", "data_catalog/README.md", "outputs/README.md",
    "configs/deploy/**/README.md", "docs/**/*.md",
)  # fmt: skip
_BLOCK = re.compile(r"^(?P<pad>[ ]*)```(?P<language>sh|python)\n(?P<text>.*?)^(?P=pad)```", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s{2,})#\s.*$")
_CODE = re.compile(r"exit(?: code)? (\d+)")


@dataclass(frozen=True)
class Line:
    """A command as it stands on a page, and the exit code that its comment states, 0 where it states none."""

    text: str
    code: int = 0


@dataclass(frozen=True)
class Block:
    """A fenced block; ``lines`` are the commands of a shell block."""

    page: str
    number: int
    language: str
    text: str

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for raw in self.text.replace("\\\n", " ").splitlines() for line in _commands(raw))


def blocks() -> list[Block]:
    """Every block of every page, in order."""
    return [block for pattern in PAGES for path in sorted(ROOT.glob(pattern)) for block in of_page(path)]


def of_page(path: Path) -> Iterator[Block]:
    """The blocks of one page."""
    page = path.relative_to(ROOT).as_posix()
    for number, found in enumerate(_BLOCK.finditer(path.read_text(encoding="utf-8")), 1):
        yield Block(page, number, found["language"], textwrap.dedent(found["text"]))


def blocks_of(path: Path, language: str) -> list[str]:
    """The texts of a page's blocks in another language than those that are typed in."""
    fence = re.compile(rf"^([ ]*)```{language}\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in fence.findall(path.read_text(encoding="utf-8"))]


def _commands(raw: str) -> Iterator[Line]:
    """The commands of one line, without its comment and the folder of the environment."""
    comment = _COMMENT.search(raw)
    code = _CODE.search(comment[0]) if comment else None
    for part in re.split(r"\s+&&\s+|\s+;\s+|;\s{2,}", _COMMENT.sub("", raw).strip()):
        if part:
            yield Line(part.removeprefix(".venv/bin/"), int(code[1]) if code else 0)
