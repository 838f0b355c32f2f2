"""One county's map: a Folium page that opens from a folder, a stick or a phone with no network."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import folium
from branca.element import Figure, MacroElement
from folium.map import CustomPane
from jinja2 import Template
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from ..reports import labels, offline, style, values
from ..reports.labels import Word
from ..reports.pages import CountyPage
from .basemaps import BESIDE, PreparedBasemaps, prepared
from .county_data import page_data
from .options import MapsOptions
from .pictures import Pictures, fitted, media_type

_PANES = (("zones", 410, False), ("roads", 420, False), ("findings", 450, True), ("labels", 460, False))
_NO_CONTROLS: dict[str, Any] = {
    "zoom_control": False,
    "attribution_control": False,
}  # the foot of the page names Leaflet
_SCRIPTS = (
    "dom.js", "ground.js", "basemap_layers.js", "basemap.js", "marks.js", "legend.js", "chart.js", "filters.js", "list.js",
    "verdicts.js", "swipe.js", "card.js", "measure.js", "sheets.js", "lang.js", "start.js",
)  # fmt: skip
_STYLES = ("county.css", "card.css", "sheets.css", "basemap.css")
_BASE64 = 4 / 3
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
_PER_PAIR = 160  # bytes about a pair of pictures: its block, or its paths


@dataclass(frozen=True)
class CountyMap:
    """A page and what lies beside it by path relative to the page; ``size``: what run.json tells of it."""

    html: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    size: Mapping[str, Any] = field(default_factory=dict)


class _Page(Figure):
    """Branca's page in Chinese, with room for the policy and a title; pictures come last, when the map stands already."""

    _template = Template(
        '<!DOCTYPE html>\n<html lang="zh-CN" data-language="both">\n<head>\n'
        + offline.CSP_MARK
        + "\n<title>@@title@@</title>\n{{ this.header.render(**kwargs) }}\n</head>\n<body>\n"
        "{{ this.html.render(**kwargs) }}\n<script>{{ this.script.render(**kwargs) }}</script>\n@@pictures@@</body>\n</html>\n"
    )


class _LocalMap(folium.Map):
    """A folium map that asks for nothing: neither Leaflet from afar nor Bootstrap, jQuery and icon fonts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.default_js, self.default_css = [], []


class _Top(MacroElement):
    """What stands before the map: Leaflet in the head, and the heading.

    Branca takes what a macro gives for a template once more, so a name such as ``{{ x }}`` would be evaluated here.
    Hence nothing but marks stands in the macros; :func:`_filled` puts scripts and data in their place at the very end.
    """

    _template = Template(
        "{% macro header(this, kwargs) %}"
        "<!-- @@licence@@ -->\n<style>@@leaflet_css@@</style>\n<style>@@css@@</style>\n<script>@@leaflet_js@@</script>"
        "{% endmacro %}"
        "{% macro html(this, kwargs) %}@@top@@{% endmacro %}"
    )


class _Below(MacroElement):
    """What stands after the map, also on paper: list, card, foot and the data."""

    _template = Template("{% macro html(this, kwargs) %}@@below@@{% endmacro %}")


class _Behaviour(MacroElement):
    """Our scripts, after the map exists."""

    _template = Template(
        "{% macro script(this, kwargs) %}@@js@@\nluyu.start({{ this._parent.get_name() }});\n{% endmacro %}"
    )


def render(county: CountyPage, options: MapsOptions | None = None) -> str:
    """The county's page as HTML text, all in one; the same input gives the same text.

    Raises LuyuError when a table has no CRS, a picture is none, or the page would need anything but itself.
    """
    return draw(county, (options or MapsOptions()).model_copy(update={"single_file": True})).html


def draw(county: CountyPage, options: MapsOptions | None = None, *, beside: str = "files") -> CountyMap:
    """The county's page with what lies beside it in the folder ``beside``; errors as of ``render``.

    Pictures share what the rest of the page leaves of the budget: they are made smaller first, then the least urgent are
    left out, and both is told.
    """
    options = options or MapsOptions()
    basemaps = prepared(
        options.basemaps,
        _searched(county),
        single_file=options.single_file,
        budget_bytes=int(min(options.basemap_budget_mb, options.budget_mb) * 1e6),
        folder=f"{beside}/tiles",
    )
    data = page_data(county, options.simplify_m) | {"basemaps": basemaps.data}
    bare = _skeleton()
    spent = len(_filled(bare, county, data, "").encode()) + sum(map(len, basemaps.files.values()))
    room = options.budget_mb * 1e6 - spent - _PER_PAIR * len(county.chips)
    pairs = {f["id"]: county.chips[f["id"]] for f in data["findings"] if f["id"] in county.chips}
    weight = _BASE64 if options.single_file else 1.0
    pictures = fitted(pairs, max(room, 0.0) / weight, smallest_px=options.smallest_picture_px)
    data["picturesLeftOut"] = pictures.left_out
    files, blocks = dict(basemaps.files), ""
    beside_it: tuple[str, ...] = ()
    if options.single_file:
        blocks = _inline(pictures, data)
    else:
        files |= _beside(pictures, data, beside)
        beside_it = BESIDE
    page = offline.seal(
        _filled(bare, county, data, blocks),
        images=tuple(dict.fromkeys(("data:", *beside_it, *basemaps.image_sources))),
    )
    return CountyMap(page, files, _size(page, files, data, pictures, basemaps))


def _searched(county: CountyPage) -> BaseGeometry:
    """What a local basemap is cut to, in degrees: what was read of the county, else its outline."""
    if county.corridor is not None and len(county.corridor):
        return county.corridor.to_crs(4490).geometry.union_all()
    return county.outline_lonlat if county.outline_lonlat is not None else Polygon()


def _skeleton() -> str:
    """The page with a mark wherever something is to be put."""
    page = _Page()
    page.add_child(_named(_Top(), "top"))
    chart = _named(
        _LocalMap(location=None, tiles=None, prefer_canvas=True, max_zoom=21, zoom_snap=0.5, **_NO_CONTROLS),
        "county",
    )
    page.add_child(chart)
    page.add_child(_named(_Below(), "below"))
    for pane, z_index, pointer_events in _PANES:
        chart.add_child(_named(CustomPane(pane, z_index=z_index, pointer_events=pointer_events), f"pane_{pane}"))
    chart.add_child(_named(_Behaviour(), "behaviour"))
    # Folium's own forbids to enlarge the page, which readers with weak eyes need (WCAG 1.4.4).
    return re.sub(r'<meta name="viewport"[^>]*>', _VIEWPORT, str(page.render()))


def _filled(page: str, county: CountyPage, data: Mapping[str, Any], pictures: str) -> str:
    """The rendered page with every mark replaced, in one pass, so that no value is read as a mark."""
    words = {
        "title": f"{values.text(county.name)} {labels.PAGE['title'].zh}",
        "name": values.text(county.name),
        "code": values.text(county.code),
    }
    shown = {mark: html.escape(word) for mark, word in words.items()} | {
        "gap": _gap(county),
        "facts": _facts(county),
        "internal": _label(*style.INTERNAL),
        "foot": _foot(county),
    }
    frame = {part: offline.asset(f"{part}.html", __package__) for part in ("top", "below")}
    parts = shown | {
        "licence": offline.leaflet_licence(),
        "leaflet_css": offline.leaflet_css(),
        "leaflet_js": offline.leaflet_js(),
        "css": offline.asset("page.css") + "".join(offline.asset(name, __package__) for name in _STYLES),
        "js": "\n".join(offline.asset(name, __package__) for name in _SCRIPTS),
        "data": values.json_block(data),
        "pictures": pictures,
    }
    whole = re.sub("@@(top|below)@@", lambda match: frame[match[1]], page)
    return re.sub("@@([a-z_]+)@@", lambda match: parts[match[1]], whole)


def _gap(county: CountyPage) -> str:
    """What of the county's roads was not observed, in a line; empty where all was."""
    table = county.coverage
    if table is None or not float(table["km_unobserved"].sum()) > 0:
        return ""
    lost, due = (values.number(float(table[name].sum()), 2) for name in ("km_unobserved", "km_due"))
    return _label(f"应观测 {due} km，未观测 {lost} km", f"{lost} of {due} km not observed")


def _foot(county: CountyPage) -> str:
    """What every page says of itself, the images' owners, and Leaflet."""
    told = (style.DISCLAIMER, style.INTERNAL, style.BOUNDARY_NOTE)
    parts = [_label(" · ".join(word.zh for word in told), "; ".join(word.en for word in told))]
    if credit := values.text(county.meta.get("credit")):
        parts.append(f"{_label(*labels.META['credit'])} {html.escape(credit)}")
    return " · ".join([*parts, "Leaflet 1.9.4 (BSD-2-Clause)"])


def _facts(county: CountyPage) -> str:
    facts = values.facts(county.meta)
    return " · ".join(f"{_label(label.zh, label.en)} {html.escape(value)}" for label, value in facts)


def _label(zh: str, en: str) -> str:
    """A label in both languages, as the page's scripts make them."""
    zh, en = html.escape(zh), html.escape(en)
    if zh == en:
        return f'<span class="label">{zh}</span>'
    return f'<span class="label"><span class="zh">{zh}</span><span class="en" lang="en">{en}</span></span>'


def _inline(pictures: Pictures, data: dict[str, Any]) -> str:
    """Blocks that no browser runs or decodes until a card asks for one; each finding is told its block."""
    blocks = []
    for place, finding in enumerate(data["findings"]):
        if (pair := pictures.pairs.get(finding["id"])) is None:
            continue
        finding["pictures"] = place
        links = [f"data:{media_type(one, finding['id'])};base64,{base64.b64encode(one).decode()}" for one in pair]
        blocks.append(f'<script type="application/json" id="pictures-{place}">{json.dumps(links)}</script>\n')
    return "".join(blocks)


def _beside(pictures: Pictures, data: dict[str, Any], beside: str) -> dict[str, bytes]:
    """Files of the pictures; each finding is told their paths."""
    files: dict[str, bytes] = {}
    for finding in data["findings"]:
        if (pair := pictures.pairs.get(finding["id"])) is None:
            continue
        stem = values.file_stem(finding["id"])
        suffixes = [media_type(one, finding["id"]).removeprefix("image/") for one in pair]
        paths = [f"{beside}/{stem}.{role}.{suffix}" for role, suffix in zip(("before", "after"), suffixes, strict=True)]
        finding["pictures"] = paths
        files |= dict(zip(paths, pair, strict=True))
    return files


def _size(
    page: str, files: Mapping[str, bytes], data: Mapping[str, Any], pictures: Pictures, basemaps: PreparedBasemaps
) -> dict[str, Any]:
    return {
        "bytes": len(page.encode()) + sum(map(len, files.values())),
        "findings": sum(not finding["earlier"] for finding in data["findings"]),
        "earlier": sum(finding["earlier"] for finding in data["findings"]),
        "pictures": len(pictures.pairs),
        "side_px": pictures.side_px,
        "dropped_pictures": pictures.left_out,
        "notes": _sentences(basemaps.left_out),
    }


def _sentences(words: Sequence[Word]) -> list[str]:
    return [f"{word.zh} {word.en}" for word in words]


def _named(element: Any, name: str) -> Any:
    """The element under a fixed id instead of a random one, so that pages of one input are one text."""
    element._id = name  # noqa: SLF001  branca has no public way to choose it
    return element
