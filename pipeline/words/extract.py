"""All templates of messages that the program's source holds; ``python -m pipeline.words.extract`` updates the catalogue.

New messages come in without Chinese, for a person to write; what the source no longer says goes out.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import polib

from . import others
from .catalogue import PO_FILE, pieces, stands_for_words
from .house import House, Module, assigned, name_of
from .templates import Reader

# Texts of these go into files, or are written in both languages; they say little else.
_IN_BOTH = ("pipeline/draft/texts.py", "pipeline/doctor/", "pipeline/explain/")
_PACKAGE = Path(__file__).resolve().parents[1]
_SAYING = {"say", "warn", "err", "note", "fault", "leave_out", "Problems", "BadParameter"}
_SHORT = {"shown", "step"}
_LISTS = ("notes", "faults", "problems", "doubts", "lines", "guessed", "open", "said", "why", "reasons")
_KEYS = {"why", "words", "note"}
_NAMES = {"_WORDS", "why", "remedy", "note", "reason", "problem", "hint"}
_WHERE = {"LayerError": 1, "NetError": 1, "ImageryError": 2, "Chosen": 1}


def modules(package: Path = _PACKAGE) -> list[Module]:
    """The package's files, this room's apart."""
    return [
        Module(str(path.relative_to(package.parent)), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(package.rglob("*.py"))
        if path.parent.name != "words" or path.parent.parent != package
    ]


def messages(package: Path = _PACKAGE) -> dict[str, str]:
    """Every template, and the file that it stands in.

    Of templates that differ in the names of their placeholders alone, one stands for all, as a text that is filled in does
    not tell them apart: the one that takes most of them for words.
    """
    house = House(modules(package))
    reader = Reader(house)
    for module in house.modules:
        for expr, scope in _said(module, house):
            reader.keep(expr, module, scope)
        for expr, scope in _short(module):
            reader.keep(expr, module, scope, short=True)
    found = {template: place.rsplit(":", 1)[0] for template, place in reader.found.items()}
    for template in others.messages():
        found.setdefault(template, "pipeline/words/others.py")
    first: dict[tuple[str, ...], str] = {}
    for template in sorted(found, key=lambda one: (-_words(one), found[one], one)):
        first.setdefault(pieces(template)[0], template)
    return {template: found[template] for template in first.values()}


def _words(template: str) -> int:
    return sum(map(stands_for_words, pieces(template)[1]))


def updated(file: polib.POFile, found: Mapping[str, str]) -> polib.POFile:
    """The catalogue with an entry for every message and for nothing else; Chinese that is there is kept."""
    known = {entry.msgid: entry.msgstr for entry in file}
    by_pieces = {pieces(english)[0]: (english, chinese) for english, chinese in known.items()}
    fresh = polib.POFile(wrapwidth=0)
    fresh.metadata = {
        "Language": "zh_CN",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }
    for template, place in sorted(found.items(), key=lambda item: (item[1], item[0])):
        chinese = known.get(template) or _renamed(template, by_pieces.get(pieces(template)[0]))
        flags = ["python-brace-format"] if pieces(template)[1] else []
        fresh.append(polib.POEntry(msgid=template, msgstr=chinese, occurrences=[(place, "")], flags=flags))
    return fresh


def _renamed(template: str, before: tuple[str, str] | None) -> str:
    """The Chinese of a message whose placeholders alone were renamed."""
    if before is None:
        return ""
    new = dict(zip(pieces(before[0])[1], pieces(template)[1], strict=True))
    return re.sub(r"\{([a-z][a-z0-9_]*)\}", lambda name: f"{{{new.get(name[1], name[1])}}}", before[1])


def main() -> int:
    """Update the catalogue and say what has no Chinese yet."""
    file = polib.pofile(str(PO_FILE)) if PO_FILE.exists() else polib.POFile()
    fresh = updated(file, messages())
    fresh.save(str(PO_FILE))
    lacking = [entry.msgid for entry in fresh if not entry.msgstr]
    for template in lacking:
        sys.stdout.write(f"no Chinese: {template}\n")
    sys.stdout.write(f"{PO_FILE.name}: {len(fresh)} messages, {len(lacking)} without Chinese\n")
    return 1 if lacking else 0


def _said(module: Module, house: House) -> Iterator[tuple[ast.expr, ast.AST | None]]:
    """Expressions of a file that end up before a person's eyes, each with the function that it stands in."""
    in_both = module.name.startswith(_IN_BOTH)
    for node, scope in _nodes(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not in_both:
            yield from ((value, scope) for value in _handed(node, house, module))
        if not in_both or (isinstance(node, ast.Call) and _tells(node)):
            yield from ((expr, scope) for expr in _of(node, module))


def _handed(node: ast.Call, house: House, module: Module) -> Iterator[ast.expr]:
    """What is handed to a function of ours as the words of a message."""
    for _, function in house.functions(name_of(node.func), module)[:1]:
        names = [one.arg for one in function.args.args]
        yield from (value for name, value in zip(names, node.args, strict=False) if name in (*_NAMES, "where"))


def _tells(node: ast.Call) -> bool:
    """Whether a call makes an error, or keeps what is said by ``luyu init``."""
    return name_of(node.func).endswith("Error") or _list_name(node.func) in ("guessed", "open")


def _short(module: Module) -> Iterator[tuple[ast.expr, ast.AST | None]]:
    """Single words that are shown, such as the steps of a run."""
    for node, scope in _nodes(module):
        if isinstance(node, ast.Call) and name_of(node.func) in _SHORT and node.args:
            yield node.args[0], scope


def _nodes(module: Module) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    todo: list[tuple[ast.AST, ast.AST | None]] = [(module.tree, None)]
    while todo:
        node, scope = todo.pop()
        inner = node if isinstance(node, ast.FunctionDef) else scope
        todo += [(child, inner) for child in ast.iter_child_nodes(node)]
        yield node, scope


def _of(node: ast.AST, module: Module) -> Iterator[ast.expr]:
    """What one node of the source says: an error's or a note's text, the help of a command."""
    command = module.name.startswith("pipeline/cli/")
    if isinstance(node, ast.Call):
        yield from _of_call(node, command=command)
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value in _KEYS)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id in _LISTS:
        yield node.value
    elif isinstance(node, ast.FunctionDef) and command and _is_command(node):
        for paragraph in re.split(r"\n\s*\n", ast.get_docstring(node) or ""):
            yield ast.copy_location(ast.Constant(" ".join(paragraph.split())), node)
    elif isinstance(node, ast.ClassDef) and any(_starts(one, "detector") for one in node.decorator_list):
        yield ast.copy_location(ast.Constant((ast.get_docstring(node) or "").partition("\n")[0]), node)
    yield from (value for name, value in assigned(node) if name in (*_NAMES, *_LISTS))


def _of_call(node: ast.Call, *, command: bool) -> Iterator[ast.expr]:
    name = name_of(node.func)
    into_list = name in ("append", "extend", "add") and _list_name(node.func) in _LISTS
    if name in _WHERE:
        yield from node.args[_WHERE[name] : _WHERE[name] + 1]
    elif name.endswith(("Error", "_error")) or name in _SAYING or into_list or (command and name in ("print", "write")):
        yield from node.args
    named = ("why", "note", "what", "help") if command else ("why", "note", "what")
    yield from (one.value for one in node.keywords if one.arg in named)


def _starts(decorator: ast.expr, name: str) -> bool:
    return name_of(decorator.func if isinstance(decorator, ast.Call) else decorator) == name


def _is_command(node: ast.FunctionDef) -> bool:
    """Commands are what is not private and gives an exit code; their docstring is their help."""
    return node.returns is not None and ast.unparse(node.returns) == "int" and not node.name.startswith(("_", "main"))


def _list_name(func: ast.expr) -> str:
    value = func.value if isinstance(func, ast.Attribute) else None
    return getattr(value, "id", getattr(value, "attr", "")).strip("_")


if __name__ == "__main__":
    sys.exit(main())
