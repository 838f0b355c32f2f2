"""Pages that need nothing but themselves: Leaflet from a locked package, a policy of hashes, and a check.

Leaflet 1.9.4 (BSD-2-Clause) is read from the installed package ``django-js-lib-leaflet``, compared with the digests
that the Leaflet project publishes, and written into the page. Nothing of it is kept here.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser
from importlib import metadata, resources
from pathlib import Path

from ..errors import LuyuError

_PACKAGE = "django-js-lib-leaflet"
_FOLDER = "js_lib_leaflet/static/js_lib_leaflet"
_PUBLISHED = {  # subresource digests from leafletjs.com/download for 1.9.4
    "leaflet.js": "20nQCchB9co0qIjJZRGuk2/Z9VM+kNiyxNV1lvTlZBo=",
    "leaflet.css": "p4NxAoJBhIIN+hmNHrzRCf9tD/miZyoHS5obTRR9BMY=",
}
_LEAFLET = "Leaflet 1.9.4, (c) 2010-2023 Vladimir Agafonkin, (c) 2010-2011 CloudMade, BSD-2-Clause; full text: "
CSP_MARK = "<!--content-security-policy-->"

_CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)['\"]?\s*\)")
_IMAGE_SOURCE = re.compile(r"data:|blob:|file:|'self'|https?://[A-Za-z0-9.*-]+(:\d+)?")
_SOURCE_MAP = re.compile(r"\n?//[#@] sourceMappingURL=\S*\s*$")
_LINKS = frozenset({"src", "href", "srcset", "action", "formaction", "poster", "data", "background", "xlink:href"})
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def _shelf() -> metadata.Distribution:
    try:
        return metadata.distribution(_PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise LuyuError(f"maps need the package {_PACKAGE!r}, which holds Leaflet: pip install {_PACKAGE}") from error


def _leaflet(name: str) -> str:
    path = Path(str(_shelf().locate_file(f"{_FOLDER}/{name}")))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LuyuError(f"cannot read {path} of package {_PACKAGE!r}: {error}; install it anew") from error
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != _PUBLISHED[name]:
        raise LuyuError(f"{path} is not the {name} that Leaflet 1.9.4 published; install {_PACKAGE} 1.9.4.1")
    return content.decode("utf-8")


@cache
def leaflet_js() -> str:
    """Leaflet's script, fit to stand inside a ``<script>``."""
    return _SOURCE_MAP.sub("", _leaflet("leaflet.js")).replace("</script", "<\\/script")


@cache
def leaflet_css() -> str:
    """Leaflet's style sheet with its pictures written into it."""

    def inlined(match: re.Match[str]) -> str:
        target = match[1]
        if target.startswith(("#", "data:")):
            return match[0]
        picture = Path(str(_shelf().locate_file(f"{_FOLDER}/{target}"))).read_bytes()
        kind = mimetypes.guess_type(target)[0] or "application/octet-stream"
        return f"url(data:{kind};base64,{base64.b64encode(picture).decode()})"

    return _CSS_URL.sub(inlined, _leaflet("leaflet.css"))


@cache
def leaflet_licence() -> str:
    """The licence that must travel with Leaflet, fit to stand inside an HTML comment."""
    for file in _shelf().files or ():
        if file.name.upper().startswith("LICEN"):
            return (_LEAFLET + file.read_text(encoding="utf-8")).replace("--", "- -")
    raise LuyuError(f"package {_PACKAGE!r} lacks its licence file; install it anew")


@cache
def asset(name: str, room: str = __package__ or "") -> str:
    """A script, style sheet or template of ours by file name; ``room``: the package that holds it in ``assets``."""
    return resources.files(room).joinpath("assets", name).read_text(encoding="utf-8")


class _Inspector(HTMLParser):
    """Collects what runs and what a browser would fetch."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            if name.startswith("on"):
                self.faults.append(f"<{tag} {name}> holds a handler")
            elif name in _LINKS and not value.startswith("data:image/") and (tag != "a" or _SCHEME.match(value)):
                if not value.startswith("#"):
                    self.faults.append(f"<{tag} {name}={value[:80]!r}> is fetched from elsewhere")
            elif name == "style":
                self.faults.append(f"<{tag} style> is blocked by the policy")
        if tag in ("iframe", "object", "embed", "base", "link", "form"):
            self.faults.append(f"<{tag}> has no place in a sealed page")
        if tag == "script" and given.get("type", "text/javascript") == "text/javascript":
            self._open = self.scripts
            self.scripts.append("")
        elif tag == "style":
            self._open = self.styles
            self.styles.append("")

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open = None


def seal(page: str, images: Sequence[str] = ("data:",)) -> str:
    """The page with a Content-Security-Policy that lets exactly its own scripts and styles run and fetches nothing.

    ``images``: where pictures may come from when a script asks for them: sources of the policy such as ``https://HOST``.

    ``page`` must hold :data:`CSP_MARK` in its head. Raises LuyuError when anything would be fetched from elsewhere,
    or when a handler or style attribute is left: a page that would break in front of an officer is not delivered.
    """
    page = page.replace("\r\n", "\n").replace("\r", "\n")  # as browsers read it before they take the digest
    inspector = _Inspector()
    inspector.feed(page)
    inspector.close()
    faults = list(inspector.faults)
    for sheet in inspector.styles:
        faults += [f"style sheet: {m[0][:80]}" for m in _CSS_URL.finditer(sheet) if not m[1].startswith(("#", "data:"))]
        if "@import" in sheet:
            faults.append("style sheet: @import")
    if page.count(CSP_MARK) != 1:
        faults.append(f"the head must hold {CSP_MARK} once")
    faults += [f"picture source {source!r}" for source in images if not _IMAGE_SOURCE.fullmatch(source)]
    if faults:
        raise LuyuError("page is not self-contained: " + "; ".join(faults[:8]))
    policy = (
        f"default-src 'none'; img-src {' '.join(images)}; base-uri 'none'; form-action 'none'; "
        f"script-src {_hashes(inspector.scripts)}; style-src {_hashes(inspector.styles)}"
    )
    return page.replace(CSP_MARK, f'<meta http-equiv="Content-Security-Policy" content="{policy}">')


def _hashes(blocks: list[str]) -> str:
    digests = [base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() for block in blocks]
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
