"""Every command with its arguments and options, from the command line that parses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from pipeline.cli.app import app

from .words import Lang, Pair, code, plain, table, told, whole_page

HEADS = (
    Pair("参数或选项", "argument or option"),
    Pair("说明", "meaning"),
    Pair("必填", "required"),
    Pair("默认值", "default"),
)
_YES = Pair("是", "yes")


def commands() -> Iterator[tuple[str, Any]]:
    """Each command that does something, by its words after ``luyu``, in the order of the help page."""
    yield from _below(get_command(app), ())


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if not inner:
        yield " ".join(path), command
        return
    for name, one in inner.items():
        yield from _below(one, (*path, name))


def page(lang: Lang) -> str:
    """The whole page."""
    parts = []
    for name, command in sorted(commands(), key=lambda item: item[0]):
        parts.append(f"## luyu {name} {{#{name.replace(' ', '-')}}}")
        parts.append(plain(told(command.help or "", lang)))
        parts.append(table(HEADS, [_row(one, lang) for one in command.params], lang))
    return whole_page(
        lang,
        Pair("命令", "Commands"),
        Pair(
            "各命令的参数与选项；`--help` 给出同样的内容，`--debug` 可加在任何命令之后。退出码见[结果、"
            "警示与退出码](outcomes.md)。",
            "Arguments and options of each command; `--help` says the same, `--debug` may follow any command. Exit"
            " codes: [results, alarms and exit codes](outcomes.md).",
        ),
        *parts,
    )


def _row(one: Any, lang: Lang) -> tuple[object, ...]:
    options = one.param_type_name == "option"
    names = [*one.opts, *one.secondary_opts] if options else [str(one.metavar or one.name.upper())]
    if options and one.metavar:
        names = [f"{name} {one.metavar}" for name in names]
    default = None if one.default in (None, False, True, "") or callable(one.default) else code(one.default)
    return code(*names), told(one.help or "", lang), _YES.of(lang) if one.required else "", default
