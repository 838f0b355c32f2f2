"""Help and refusals of the command line in the reader's language; typer writes them in English."""

from __future__ import annotations

import io
import re
import shutil
import sys
import unicodedata
from typing import Any

import typer

from ..words import chinese, shown

_WIDEST = 100  # columns of a page of help
_UNWRAPPED = (
    100_000  # a width at which typer breaks no line; lines are broken here, where signs of two columns are known
)
_HEADINGS = {"Usage: ": "用法：", "Arguments:": "参数：", "Options:": "选项：", "Commands:": "命令："}
_HELP = "Show this message and exit."
_MARKS = {"[default: ": "[默认：", "[required]": "[必填]", "; required]": "；必填]"}
_CLOSING = "，。；：、）”】》！？"


def command_of(app: typer.Typer) -> Any:
    """The commands of an app, whose help is Chinese where the reader is."""
    command = typer.main.get_command(app)
    if chinese():
        _translate(command)
    return command


def show_error(error: Any) -> None:
    """What typer has to say of a command line that it cannot take, on stderr."""
    if not chinese() or type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    said = io.StringIO()
    error.show(file=said)
    for line in said.getvalue().splitlines():
        sys.stderr.write(f"{shown(line)}\n")


def _translate(command: Any) -> None:
    """Let a command and those beneath it give their help in Chinese; it is put together only when it is asked for."""
    written = command.get_help

    def get_help(ctx: Any) -> str:
        _texts(command)
        for one in getattr(command, "commands", {}).values():
            _texts(one)
        ctx.terminal_width = _UNWRAPPED
        return _page(written(ctx))

    command.get_help = get_help
    for one in getattr(command, "commands", {}).values():
        _translate(one)


def _texts(command: Any) -> None:
    """The texts of one command."""
    if command.help:
        command.help = _paragraphs(command.help)
        command.short_help = command.help.split("\n\n")[0].split("。")[0]
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = _paragraphs(parameter.help)


def _paragraphs(text: str) -> str:
    return "\n\n".join(shown(" ".join(part.split())) for part in re.split(r"\n\s*\n", text))


def _page(text: str) -> str:
    """A page of help with its headings in Chinese, broken into lines that fit the terminal."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    headings = re.compile("|".join(map(re.escape, _HEADINGS)))
    marks = re.compile("|".join(map(re.escape, (*_MARKS, _HELP))))
    lines: list[str] = []
    for line in text.splitlines():
        told = headings.sub(lambda found: _HEADINGS[found[0]], line) if headings.match(line) else line
        told = marks.sub(lambda found: _MARKS.get(found[0]) or shown(found[0]), told)
        lines += _broken(told, width)
    return "\n".join(lines)


def _broken(line: str, width: int) -> list[str]:
    """One line as several, those after the first below the second column of the table that it stands in."""
    column = re.match(r"\s+\S.*?\s{2,}(?=\S)|\s*", line)
    indent = " " * (_columns(column[0]) if column else 0)
    done, now = [], ""
    for piece in re.findall(rf"\s+|[!-~]+|.[{_CLOSING}]*", line):
        if _columns(now + piece.rstrip()) > width and now.strip():
            done.append(now.rstrip())
            now = indent + piece.lstrip()
        else:
            now += piece
    return [*done, now.rstrip()]


def _columns(text: str) -> int:
    """How many columns a text takes; signs of Chinese take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
