"""Word templates filled with fields: a template is data that people edit in Word, never code.

It may hold fields, loops, conditions and comparisons in jinja's notation as docxtpl reads it, and nothing that calls,
computes or reaches into an object. Names that no paper gives are refused, so that a slip of the pen is no empty line.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docx.shared import Cm
from docxtpl import DocxTemplate, InlineImage
from jinja2 import Template, meta, nodes
from jinja2.exceptions import SecurityError, TemplateError, UndefinedError
from jinja2.runtime import LoopContext, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import LuyuError
from ..model.shipped import shipped
from ..reports import values

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.For,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat,
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A picture as a field: JPEG or PNG bytes, and how wide it stands in the paper."""

    content: bytes
    width_cm: float


class _Field(StrictUndefined):
    """A field that no paper gives."""

    @property
    def _undefined_message(self) -> str:
        return f"unknown field {self._undefined_name!r}"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja with fields, loops and conditions only."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(autoescape=True, undefined=_Field)
        self.globals.clear()
        self.filters.clear()
        self._known = set(fields)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only a loop has attributes of its own; all else is looked up by key."""
        return isinstance(obj, LoopContext) and not attr.startswith("_") and not callable(value)

    def from_string(self, source: Any, *args: Any, **kwargs: Any) -> Template:
        """The compiled template, once it is seen to hold nothing but what is allowed, and known fields only."""
        tree = self.parse(source)
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _ALLOWED):
                what = f"{type(node).__name__.lower()} in line {node.lineno}"
                raise SecurityError(
                    f"{what}: a template holds fields, loops (for) and conditions (if) and nothing else"
                )
        unknown = sorted(meta.find_undeclared_variables(tree) - self._known)
        if unknown:
            raise UndefinedError(f"unknown field {', '.join(map(repr, unknown))}")
        return super().from_string(source, *args, **kwargs)


def render(name: str, fields: Mapping[str, Any], *, created: dt.date, folder: Path | None = None) -> bytes:
    """The paper ``name`` (``notice``, ``sheet``, ...) as the bytes of a .docx; the same input gives the same bytes.

    ``fields``: texts, lists and dicts of texts, and :class:`Picture`; what XML cannot hold is taken out of every text.
    ``created``: the day for the file's properties (no clock is read). ``folder``: the client's templates; what it lacks
    comes from those shipped. Raises LuyuError that names the template and the field or sign that cannot be.
    """
    path = template_path(name, folder)
    template = DocxTemplate(path)
    try:
        template.init_docx()
        given = _given(fields, template)
        template.render(given, _Sandbox(given))
        out = io.BytesIO()
        stamp = dt.datetime.combine(created, dt.time())  # a file property, which has no time zone
        properties = template.docx.core_properties
        properties.created = properties.modified = stamp
        properties.last_modified_by, properties.revision = "", 1
        template.save(out)
    except TemplateError as error:
        known = ", ".join(sorted(fields))
        said = str(error).strip()
        hint = f"; this paper gives: {known}" if isinstance(error, UndefinedError) else ""
        raise LuyuError(f"template {path}: {said}{hint}") from error
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile, SyntaxError) as error:
        raise LuyuError(
            f"template {path} cannot be used as a Word document (.docx): {error}; start again from the shipped one, "
            f"{shipped('papers') / path.name}"
        ) from error
    return timeless(out.getvalue())


def template_path(name: str, folder: Path | None) -> Path:
    """The client's template of that name where there is one, the shipped one otherwise."""
    if folder is not None and not folder.is_dir():
        raise LuyuError(f"templates {folder}: no such folder; give the folder that holds your .docx templates")
    own = None if folder is None else folder / f"{name}.docx"
    return own if own is not None and own.is_file() else shipped("papers") / f"{name}.docx"


def timeless(archive: bytes) -> bytes:
    """The same archive without the time of writing, which would make every copy differ."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, _EPOCH), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _given(value: Any, template: DocxTemplate) -> Any:
    """Fields as the template may see them: plain texts that XML can hold, and pictures."""
    if isinstance(value, Mapping):
        return {str(key): _given(inner, template) for key, inner in value.items()}
    if isinstance(value, Picture):
        return InlineImage(template, io.BytesIO(value.content), width=Cm(value.width_cm))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_given(inner, template) for inner in value]
    if isinstance(value, bool):
        return value
    return values.text(value)
