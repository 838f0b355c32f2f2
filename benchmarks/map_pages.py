"""Pages that the benchmarks of maps draw: a county of simulated findings, and the same as plain Folium draws them."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import folium
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fake_county import hot_spots_frame, make_county, make_findings, sites_frame

from pipeline.reports import offline
from pipeline.reports.chips import pair_chips
from pipeline.reports.pages import CountyPage, by_priority


def pictures(count: int) -> list[tuple[bytes, bytes]]:
    """Pairs that weigh what real ones do: noise of all scales, a road, and a shed on the later one."""
    pairs = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        ground = np.full((240, 320, 3), (104, 112, 88), np.float32)
        for cell in (2, 4, 8, 16, 32, 64):
            rough = rng.normal(0, 11, (240 // cell + 2, 320 // cell + 2)).astype(np.float32)
            ground += cv2.resize(rough, (320, 240), interpolation=cv2.INTER_CUBIC)[..., None]
        ground[:, 120:168] = 128 + rng.normal(0, 7, (240, 48, 1))
        both = [np.clip(ground + rng.normal(0, 5, ground.shape), 0, 255).astype(np.uint8) for _ in range(2)]
        both[1][88:148, 192:260] = np.clip(rng.normal((70, 110, 190), 8, (60, 68, 3)), 0, 255)
        pairs.append(pair_chips(both[0], both[1], np.array([[192, 88], [260, 88], [260, 148], [192, 148]])))
    return pairs


def county(count: int, pairs: list[tuple[bytes, bytes]]) -> CountyPage:
    """A county of so many findings, each with pictures if there are any, with hot spots, sites and a ledger's short history."""
    findings = make_findings(count)
    chips = {name: pairs[at % len(pairs)] for at, name in enumerate(findings["finding_id"])} if pairs else {}
    seen = {"at": "2024-11-05T03:00:00.000Z", "what": "observed", "actor": "machine", "on_date": "2024-10-21"}
    cases = {
        number: {"status": "suspected", "version": 0, "due_on": None, "history": [seen]}
        for number in findings["case_no"]
    }
    return make_county(findings=findings, chips=chips, cases=cases, hot_spots=hot_spots_frame(), sites=sites_frame())


def plain_folium(page: CountyPage, kept: Mapping[str, tuple[bytes, bytes]]) -> str:
    """The same findings as Folium draws them, Leaflet inlined; what needs jQuery or Bootstrap is not used."""
    table = by_priority(page.findings)[
        ["kind", "case_no", "stake", "side", "zone", "priority", "confidence", "law", "geometry"]
    ].copy()
    links = {name: [link(one) for one in pair] for name, pair in kept.items()}
    names = by_priority(page.findings)["finding_id"]
    for at, role in enumerate(("before", "after")):
        table[role] = [f'<img src="{links[name][at]}">' if name in links else "" for name in names]
    fields = [name for name in table.columns if name != "geometry"]
    whole = folium.Map(tiles=None, prefer_canvas=True)
    whole.default_js, whole.default_css = [], []
    drawn = folium.GeoJson(
        json.loads(table.to_json()),
        tooltip=folium.GeoJsonTooltip(["kind", "stake"]),
        popup=folium.GeoJsonPopup(fields, max_width=700),
    )
    drawn.add_to(whole)
    whole.fit_bounds([[table.total_bounds[1], table.total_bounds[0]], [table.total_bounds[3], table.total_bounds[2]]])
    head = f"<style>{offline.leaflet_css()}</style><script>{offline.leaflet_js()}</script>"
    return whole.get_root().render().replace("</head>", f"{head}</head>", 1)


def link(content: bytes) -> str:
    """A picture as a data address."""
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"
