"""One county's map: a Folium page in one file that opens from a folder, a stick or a phone with no network."""

from __future__ import annotations

import html
import re
from typing import Any

import folium
from branca.element import Figure, MacroElement
from folium.map import CustomPane
from jinja2 import Template

from ..reports import labels, offline, style, values
from ..reports.pages import CountyPage
from .county_data import MapOptions, page_data

_PANES = (("zones", 410, False), ("roads", 420, False), ("findings", 450, True), ("labels", 460, False))
_NO_CONTROLS: dict[str, Any] = {
    "zoom_control": False,
    "attribution_control": False,
}  # the foot of the page names Leaflet


class _Page(Figure):
    """Branca's page in Chinese, with room for the policy and a title."""

    _template = Template(
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n'
        + offline.CSP_MARK
        + "\n<title>@@title@@</title>\n{{ this.header.render(**kwargs) }}\n</head>\n<body>\n"
        "{{ this.html.render(**kwargs) }}\n<script>{{ this.script.render(**kwargs) }}</script>\n</body>\n</html>\n"
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
        "{% macro html(this, kwargs) %}"
        '<header id="top"><h1>@@name@@ <small>@@code@@</small></h1><p class="facts">@@facts@@</p>'
        '<p class="gap">@@gap@@</p>'
        '<p class="stamp">@@internal@@</p><p class="tools" id="tools"></p></header>'
        "{% endmacro %}"
    )


class _Below(MacroElement):
    """What stands after the map, also on paper: list, card, foot and the data."""

    _template = Template(
        "{% macro html(this, kwargs) %}"
        '<aside id="list"></aside><section id="card" hidden></section><footer id="foot">@@foot@@</footer>'
        '<noscript><p class="stamp">本页需要启用 JavaScript / this page needs JavaScript</p></noscript>'
        '<script type="application/json" id="luyu-data">@@data@@</script>'
        "{% endmacro %}"
    )


class _Behaviour(MacroElement):
    """Our scripts, after the map exists."""

    _template = Template(
        "{% macro script(this, kwargs) %}@@js@@\nluyu.start({{ this._parent.get_name() }});\n{% endmacro %}"
    )


def render(county: CountyPage, options: MapOptions | None = None) -> str:
    """The county's page as HTML text; the same input gives the same text.

    Raises LuyuError when a table has no CRS, a picture is none, or the page would need anything but itself.
    """
    options = options or MapOptions()
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
    return offline.seal(_filled(page.render(), county, options))


def _filled(page: str, county: CountyPage, options: MapOptions) -> str:
    """The rendered page with every mark replaced, in one pass, so that no value is read as a mark."""
    words = {
        "title": f"{values.text(county.name)} {labels.PAGE['title'].zh}",
        "name": values.text(county.name),
        "code": values.text(county.code),
        "facts": values.facts_line(county.meta),
        "gap": _gap(county),
        "internal": f"{style.INTERNAL.zh} {style.INTERNAL.en}",
        "foot": f"{style.foot_line(county.meta.get('credit'))}. Leaflet 1.9.4 (BSD-2-Clause)",
    }
    parts = {mark: html.escape(shown) for mark, shown in words.items()} | {
        "licence": offline.leaflet_licence(),
        "leaflet_css": offline.leaflet_css(),
        "leaflet_js": offline.leaflet_js(),
        "css": offline.asset("page.css") + offline.asset("county.css", __package__),
        "js": "\n".join(offline.asset(name, __package__) for name in ("dom.js", "map.js", "list.js", "card.js")),
        "data": values.json_block(page_data(county, options)),
    }
    return re.sub("@@([a-z_]+)@@", lambda match: parts[match[1]], page)


def _gap(county: CountyPage) -> str:
    """What of the county's roads was not observed, in a line; empty where all was."""
    table = county.coverage
    if table is None or not float(table["km_unobserved"].sum()) > 0:
        return ""
    lost, due = (values.number(float(table[name].sum()), 2) for name in ("km_unobserved", "km_due"))
    return f"未观测 {lost}/{due} km not observed"


def _named(element: Any, name: str) -> Any:
    """The element under a fixed id instead of a random one, so that pages of one input are one text."""
    element._id = name  # noqa: SLF001  branca has no public way to choose it
    return element
