"""The package's source as a house of files: what a name in one of them stands for, and how to call what it gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DATA_CALLS = {"redacted", "scrubbed", "str", "repr", "sorted", "list", "tuple", "Path", "int", "float", "abs", "round"}
_OF_TEXTS = {
    "replace",
    "removeprefix",
    "removesuffix",
    "strip",
    "lower",
    "keys",
    "values",
    "items",
    "resolve",
    "sum",
    "partition",
    "rpartition",
    "split",
    "splitlines",
}
_PLAIN_CALLS = {"join", "type", "format", "get", "getattr", "sum", "min", "max", "mean", "median", "map", "next", "set"}
_TEXT_CALLS = {"join", "Problems", "fromkeys", "extend", "sorted", "next"}
_MOST_OF_A_NAME = 3  # functions; a commoner name says nothing
# Attributes of an expression under which the expressions stand that it may be.
_BRANCHES: dict[type[ast.AST], tuple[str, ...]] = {
    ast.IfExp: ("body", "orelse"),
    ast.BoolOp: ("values",),
    ast.List: ("elts",),
    ast.Tuple: ("elts",),
    ast.Set: ("elts",),
    ast.Dict: ("values",),
    ast.ListComp: ("elt",),
    ast.GeneratorExp: ("elt",),
    ast.SetComp: ("elt",),
    ast.Starred: ("value",),
    ast.Yield: ("value",),
    ast.YieldFrom: ("value",),
}


@dataclass(frozen=True)
class Module:
    """One file: its name and its tree."""

    name: str
    tree: ast.Module


class House:
    """All files of the package, to look up what a name in one of them stands for."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self.modules = modules
        self._functions: dict[str, list[tuple[Module, ast.FunctionDef]]] = {}
        self._constants: dict[str, list[tuple[Module, ast.expr]]] = {}
        self._variables: dict[ast.AST, dict[str, list[ast.expr]]] = {}
        for module in modules:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.FunctionDef):
                    self._functions.setdefault(node.name, []).append((module, node))
            for statement in module.tree.body:
                for target, value in assigned(statement):
                    self._constants.setdefault(target, []).append((module, value))

    def functions(self, name: str, module: Module) -> list[tuple[Module, ast.FunctionDef]]:
        """Functions of that name: of this file, else of the few others that have one."""
        found = self._functions.get(name, [])
        return [one for one in found if one[0] is module] or (found if len(found) <= _MOST_OF_A_NAME else [])

    def constants(self, name: str, module: Module) -> list[tuple[Module, ast.expr]]:
        """Values of a constant: of this file, else of the one other file that has one."""
        found = self._constants.get(name, [])
        return [one for one in found if one[0] is module] or (found if len(found) == 1 and name.isupper() else [])

    def variables(self, name: str, scope: ast.AST) -> list[ast.expr]:
        """What a function gives to a name of its own."""
        if scope not in self._variables:
            known = self._variables.setdefault(scope, {})
            for node in ast.walk(scope):
                for target, value in (*assigned(node), *_added(node)):
                    known.setdefault(target, []).append(value)
        return self._variables[scope].get(name, [])


def _added(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names of lists and mappings that a node adds something to, and what it adds."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        if node.func.attr in ("append", "extend", "add"):
            yield from ((node.func.value.id, one) for one in node.args)
    elif isinstance(node, ast.Assign):
        kept = (one.value for one in node.targets if isinstance(one, ast.Subscript))
        yield from ((one.id, node.value) for one in kept if isinstance(one, ast.Name))


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names that a statement or walrus gives a value, and the value."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
                yield from ((one.id, value) for one, value in pairs if isinstance(one, ast.Name))
    elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Name | ast.Tuple):
        # Each name of a loop over a table may be any value of it.
        yield from ((one.id, node.iter) for one in ast.walk(node.target) if isinstance(one, ast.Name))
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and isinstance(node.target, ast.Name):
        yield from [(node.target.id, node.value)] if node.value is not None else []


def returned(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What a function returns or yields."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None:
            yield node.value


def branches(expr: ast.expr) -> list[ast.expr]:
    """What an expression may be: both sides of a choice, the elements of a list, what is joined."""
    if isinstance(expr, ast.Call) and name_of(expr.func) in (*_TEXT_CALLS, "get"):
        return expr.args[1:] if name_of(expr.func) == "get" else list(expr.args)
    found: list[ast.expr] = []
    for name in _BRANCHES.get(type(expr), ()):
        value = getattr(expr, name)
        found += value if isinstance(value, list) else [value] if value is not None else []
    return found


def tops(expr: ast.expr) -> Iterator[ast.expr]:
    """Names and calls that an expression as a whole may be, not those deep inside a text."""
    if isinstance(expr, ast.Name | ast.Call):
        yield expr
    inner = [] if isinstance(expr, ast.Dict | ast.Set | ast.Yield) else branches(expr)
    if isinstance(expr, ast.Call) and name_of(expr.func) in (*_DATA_CALLS, *_TEXT_CALLS, "get"):
        inner = [*expr.args, *([expr.func.value] if isinstance(expr.func, ast.Attribute) else [])]
    elif isinstance(expr, ast.Subscript):
        inner = [expr.value]
    elif isinstance(expr, ast.BinOp):
        inner = [expr.left, expr.right]
    for one in inner:
        yield from tops(one)


def name_of(expr: ast.expr) -> str:
    """The last name of what is called or read: ``f`` and ``x.f`` are f."""
    return expr.id if isinstance(expr, ast.Name) else expr.attr if isinstance(expr, ast.Attribute) else ""


def literal(expr: ast.expr) -> bool:
    """Whether an expression is a text that is written out."""
    return isinstance(expr, ast.JoinedStr) or (isinstance(expr, ast.Constant) and isinstance(expr.value, str))


def readable(expr: ast.expr) -> str:
    """A short name for what an expression gives: ``entry.path`` is path, ``len(rows)`` is rows_count."""
    if isinstance(expr, ast.Name):
        return expr.id.strip("_").lower() or "value"
    if isinstance(expr, ast.Attribute):
        return readable(expr.value) if expr.attr in ("__name__", "value") else expr.attr.strip("_").lower()
    if isinstance(expr, ast.Call):
        return _of_call(expr)
    if isinstance(expr, ast.Subscript):
        key = expr.slice.value if isinstance(expr.slice, ast.Constant) else None
        return key if isinstance(key, str) and key.isidentifier() else readable(expr.value)
    if isinstance(expr, ast.BinOp):
        return readable(expr.left)
    if isinstance(expr, ast.ListComp | ast.GeneratorExp):
        return readable(expr.generators[0].iter)
    first = branches(expr) if isinstance(expr, ast.IfExp | ast.BoolOp) else []
    return readable(first[0]) if first else "value"


def _of_call(expr: ast.Call) -> str:
    name = name_of(expr.func)
    if name == "len":
        return f"{readable(expr.args[0])}_count"
    if name in _OF_TEXTS and isinstance(expr.func, ast.Attribute):
        return readable(expr.func.value)
    if name in _DATA_CALLS | _PLAIN_CALLS and expr.args:
        return readable(expr.args[-1] if name in ("map", "filter") else expr.args[0])
    return name.strip("_").lower().removesuffix("_of") or "value"
