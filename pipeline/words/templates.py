"""Expressions of the program's source as templates of messages: what is literal stays, what is filled in becomes a name.

``f"{path}: no column {name!r}"`` is the template ``{path}: no column {name}``. A choice between two texts gives both.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .catalogue import WORDS
from .house import House, Module, branches, literal, name_of, readable, returned, tops

_MOST_CHOICES = 6


@dataclass(frozen=True)
class Slot:
    """What is filled in: its name, and whether it may be a message of its own."""

    name: str
    words: bool = False


Part = str | Slot


class Reader:
    """Reads the texts of expressions; those that it comes upon inside others are kept in ``found`` on their own."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.found: dict[str, str] = {}
        self._seen: dict[ast.expr, bool] = {}

    def keep(self, expr: ast.expr, module: Module, scope: ast.AST | None, *, short: bool = False) -> bool:
        """Keep all templates of an expression; whether there were any. ``short``: a single word is a text too."""
        kept = False
        for node in self._texts(expr, module, scope):
            for parts in self._parts(node, module, scope):
                for line in _lines(parts):
                    template = written(line)
                    if _is_text(template, short=short):
                        kept = True
                        self.found.setdefault(template, f"{module.name}:{node.lineno}")
        return kept | self._behind(expr, module, scope, short=short)

    def _texts(self, expr: ast.expr, module: Module, scope: ast.AST | None) -> Iterator[ast.expr]:
        """Literal texts that an expression may be: the branches of a choice, the elements of a list."""
        if literal(expr):
            yield expr
        elif isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add):
            whole = next(self._parts(expr, module, scope), ())
            if any(isinstance(part, str) for part in whole):
                yield expr
            for side in (expr.left, expr.right):
                yield from self._texts(side, module, scope) if isinstance(side, ast.List) else ()
        else:
            for one in branches(expr):
                yield from self._texts(one, module, scope)

    def _behind(self, expr: ast.expr, module: Module, scope: ast.AST | None, *, short: bool = False) -> bool:
        """Keep what stands behind an expression's names and calls: variables, constants, functions that return texts."""
        kept = False
        for node in tops(expr):
            targets: list[tuple[Module, ast.expr, ast.AST | None]] = []
            if isinstance(node, ast.Name):
                targets += [(module, value, scope) for value in self.house.variables(node.id, scope)] if scope else []
                targets += [(where, value, None) for where, value in self.house.constants(node.id, module)]
            elif isinstance(node, ast.Call):
                for where, function in self.house.functions(name_of(node.func), module):
                    targets += [(where, value, function) for value in returned(function)]
            for where, value, inside in targets:
                if value not in self._seen:
                    self._seen[value] = False  # it may lead back to itself
                    self._seen[value] = self.keep(value, where, inside, short=short)
                kept |= self._seen[value]
        return kept

    def _parts(self, expr: ast.expr, module: Module, scope: ast.AST | None) -> Iterator[tuple[Part, ...]]:
        """The parts of one text, once for each choice inside it."""
        if isinstance(expr, ast.Constant):
            yield (str(expr.value),)
        elif isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add):
            sides = [list(self._parts(side, module, scope)) for side in (expr.left, expr.right)]
            yield from (left + right for left, right in itertools.product(*sides))
        elif isinstance(expr, ast.IfExp):
            yield from self._parts(expr.body, module, scope)
            yield from self._parts(expr.orelse, module, scope)
        elif isinstance(expr, ast.JoinedStr):
            choices = [self._choices(value, module, scope) for value in expr.values]
            while sum(len(one) > 1 for one in choices) and math.prod(map(len, choices)) > _MOST_CHOICES:
                index = max((i for i, one in enumerate(choices) if len(one) > 1), key=lambda i: len(choices[i]))
                self.keep(expr.values[index].value, module, scope)  # type: ignore[attr-defined]
                choices[index] = [(Slot("words", words=True),)]
            yield from (tuple(itertools.chain(*chosen)) for chosen in itertools.product(*choices))
        else:
            yield (self._slot(expr, module, scope, shown=False),)

    def _choices(self, value: ast.expr, module: Module, scope: ast.AST | None) -> list[tuple[Part, ...]]:
        """What one piece of an f-string may be."""
        if isinstance(value, ast.Constant):
            return [(str(value.value),)]
        assert isinstance(value, ast.FormattedValue)  # noqa: S101
        inner = value.value
        if value.conversion == -1 and value.format_spec is None:
            if isinstance(inner, ast.IfExp) and (literal(inner.body) or literal(inner.orelse)):
                return list(self._parts(inner, module, scope))
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult) and literal(inner.left):
                return [("",), (str(inner.left.value),)]  # type: ignore[attr-defined]
        shown = value.conversion != -1 or value.format_spec is not None
        return [(self._slot(inner, module, scope, shown=shown),)]

    def _slot(self, expr: ast.expr, module: Module, scope: ast.AST | None, *, shown: bool) -> Slot:
        """The name of what is filled in; ``shown``: as a value (!r or with a format), never as words."""
        name = readable(expr)
        if shown:
            return Slot("value" if name in WORDS else name)
        words = self._behind(expr, module, scope) or any(self.keep(one, module, scope) for one in _inner_texts(expr))
        if words or name in WORDS:
            return Slot(name if name in WORDS else "words", words=True)
        return Slot(name)


def written(parts: Sequence[Part]) -> str:
    """Parts as a template: each placeholder once, neighbours with nothing between them as one."""
    joined: list[Part] = []
    for part in (one for one in parts if one != ""):
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        elif isinstance(part, Slot) and isinstance(last, Slot):
            joined[-1] = last if last.words else (part if part.words else last)
        else:
            joined.append(part)
    if joined and isinstance(joined[0], str):
        joined[0] = joined[0].lstrip()
    if joined and isinstance(joined[-1], str):
        joined[-1] = joined[-1].rstrip()
    used: dict[str, int] = {}
    text = ""
    for part in joined:
        if isinstance(part, str):
            text += part.replace("{", "{{").replace("}", "}}")
        else:
            used[part.name] = used.get(part.name, 0) + 1
            text += f"{{{part.name}{f'_{used[part.name]}' if used[part.name] > 1 else ''}}}"
    return text


def _lines(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """A text of several lines, line by line: each is looked up on its own."""
    line: list[Part] = []
    for part in parts:
        if isinstance(part, str):
            first, *others = part.split("\n")
            line.append(first)
            for other in others:
                yield line
                line = [other]
        else:
            line.append(part)
    yield line


def _is_text(template: str, *, short: bool) -> bool:
    literal = re.sub(r"\{[a-z0-9_]+\}", " ", template)
    letters = len(re.findall(r"[A-Za-z]", literal))
    english = letters >= 3 and letters > len(re.findall(r"[\u4e00-\u9fff]", literal))
    words = english and re.search(r"[a-z]{2}", literal)
    return bool(words) and (short or " " in template.strip() or "{" in template)


def _inner_texts(expr: ast.expr) -> list[ast.expr]:
    """Texts inside what is filled in: a join of texts, a choice of texts."""
    if isinstance(expr, ast.Call) and name_of(expr.func) == "join":
        return list(expr.args)
    return [expr] if isinstance(expr, ast.IfExp | ast.BoolOp) else []
