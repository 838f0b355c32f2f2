"""How soon a county's map stands and how it moves, with thousands of clues, beside a plain Folium page of the same.

    python benchmarks/bench_maps.py [--findings 1000 5000] [--slow 4 1] [--repeats 3] [--keep FOLDER] [--quick]

Needs Chromium and Playwright. Both pages are opened from a file with the network cut, in a fresh profile each time. ``--slow``:
how many times slower the browser's processor is made (CDP ``Emulation.setCPUThrottlingRate``). Pictures are noise of
all scales, as real ground is, so that they are as heavy as real ones. The peer is what Folium draws of the same table:
``GeoJson`` with a tooltip and a popup that holds all columns and both pictures, with Leaflet put into the page.

- ``paint``: first contentful paint; ``ready``: the page's scripts are done; ``card``: since the page was asked for until the
  worst finding, which is clicked as soon as the page is ready, is shown with both pictures decoded;
- ``drag``: frames while the mouse drags the map for two seconds, over the whole county and at zoom 15; a screen that
  keeps up shows one in 16.7 ms;
- ``filter``, ``search``: from the click or the stroke until the next frame is drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from map_pages import county, pictures, plain_folium
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.maps import county_map
from pipeline.maps.options import MapsOptions
from pipeline.reports.pages import by_priority

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_NETWORK = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND",
]  # fmt: skip
VIEW = {"width": 1280, "height": 800}
DISTINCT = 200

# Asked of each page: whether it is ready, how its worst finding is opened, and which map it has.
WAYS = {
    "luyu": {
        "ready": "document.documentElement.hasAttribute('data-ready')",
        "open": "document.querySelector('.rows .row').click()",
        "images": "#card .swipe img",
        "map": "luyu.chart.map",
    },
    "folium": {
        "ready": "document.readyState !== 'loading' && Object.keys(window).some(k => /^geo_json_[0-9a-f]+$/.test(k))",
        "open": "(l => l.fire('click', {latlng: l.getBounds().getCenter()}, true))("
        "window[Object.keys(window).find(k => /^geo_json_[0-9a-f]+$/.test(k))].getLayers()[0])",
        "images": ".leaflet-popup img",
        "map": "window[Object.keys(window).find(k => /^map_[0-9a-f]+$/.test(k))]",
    },
}
WATCH = """
window.bench = {};
(function look() {
  if (!document.documentElement || !(READY)) { setTimeout(look, 4); return; }
  window.bench.ready = performance.now();
  OPEN;
  (function wait() {
    var images = Array.prototype.slice.call(document.querySelectorAll(IMAGES));
    if (images.length < 2) { setTimeout(wait, 4); return; }
    Promise.all(images.map(function (image) { return image.decode(); })).then(function () {
      requestAnimationFrame(function () { window.bench.card = performance.now(); });
    });
  })();
})();
"""
FRAMES = """() => {
  window.frames_ms = [];
  var last = performance.now();
  window.recording = true;
  (function frame(now) {
    window.frames_ms.push(now - last);
    last = now;
    if (window.recording) requestAnimationFrame(frame);
  })(last);
}"""
DRAWN = """() => new Promise(done => requestAnimationFrame(() => {
  var began = performance.now();
  ACT;
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
}))"""
FILTER = "document.querySelector('[data-filter=kind]').click()"
SEARCH = """var field = document.getElementById('search');
field.value = field.value === 'G31' ? 'G311' : 'G31';
field.dispatchEvent(new Event('input', {bubbles: true}));"""


def opened(browser: Browser, path: Path, kind: str, slow: float) -> Page:
    """The page in a profile of its own, watched from its first moment, with its first finding open."""
    page = browser.new_context(viewport=VIEW).new_page()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slow})
    ways = WAYS[kind]
    script = (
        WATCH.replace("READY", ways["ready"])
        .replace("OPEN", ways["open"])
        .replace("IMAGES", json.dumps(ways["images"]))
    )
    page.add_init_script(script)
    page.goto(path.as_uri(), wait_until="commit")
    for _ in range(1200):  # waiting by Playwright's own means needs eval, which the page's policy forbids
        if page.evaluate("Boolean(window.bench && window.bench.card)"):
            return page
        page.wait_for_timeout(100)
    raise RuntimeError(f"{path} showed no finding with its pictures in two minutes; open it in a browser and look")


def stood(page: Page) -> dict[str, float]:
    """Moments since the page was asked for, s."""
    paint = page.evaluate(
        "performance.getEntriesByType('paint').filter(e => e.name === 'first-contentful-paint')[0].startTime"
    )
    told = page.evaluate("window.bench")
    return {"paint": paint / 1e3, "ready": told["ready"] / 1e3, "card": told["card"] / 1e3}


def dragged(page: Page, kind: str, view: str) -> tuple[float, float, float]:
    """Mean and worst frame while the map is dragged, ms, and the share of frames beyond 50 ms."""
    page.evaluate(f"(() => {{ const map = {WAYS[kind]['map']}; map.closePopup && map.closePopup(); {view}; }})()")
    page.keyboard.press("Escape")
    page.wait_for_timeout(600)
    box = page.locator(".leaflet-container").bounding_box()
    x, y = box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.4
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(FRAMES)
    began, step = time.perf_counter(), 0
    while time.perf_counter() - began < 2:
        step += 1
        swing = np.sin(step / 20)
        page.mouse.move(x - 250 * swing, y + 120 * swing)
    page.mouse.up()
    page.wait_for_timeout(250)
    frames = np.array(page.evaluate("(window.recording = false, window.frames_ms.slice(1))"))
    return float(frames.mean()), float(frames.max()), float((frames > 50).mean())


def drags(page: Page, kind: str) -> dict[str, tuple[float, float, float]]:
    """Frames over the whole county and near a road."""
    whole = (
        "luyu.chart.whole()"
        if kind == "luyu"
        else "map.fitWorld(); map.setView([34.66, 116.88], 10.5, {animate: false})"
    )
    near = "map.setView([34.62, 116.88], 15, {animate: false})"
    return {"whole county": dragged(page, kind, whole), "zoom 15": dragged(page, kind, near)}


def drawn_ms(page: Page, act: str) -> float:
    """Median time until an act is on the screen, ms."""
    return statistics.median(page.evaluate(DRAWN.replace("ACT", act)) for _ in range(6))


def measured(browser: Browser, path: Path, kind: str, slow: float, repeats: int) -> dict[str, Any]:
    """Medians of the moments, and of the last opening how the page moves."""
    runs = []
    for _ in range(repeats):
        page = opened(browser, path, kind, slow)
        runs.append(stood(page))
        if len(runs) < repeats:
            page.context.close()
    told: dict[str, Any] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    told["drag"] = drags(page, kind)
    if kind == "luyu":
        told |= {"filter": drawn_ms(page, FILTER), "search": drawn_ms(page, SEARCH)}
    page.context.close()
    return told


def shown(told: Mapping[str, Any]) -> str:
    """One page's figures in lines."""
    moments = ", ".join(f"{name} {told[name]:.2f} s" for name in ("paint", "ready", "card"))
    moved = [
        f"    drag, {where}: mean {mean:.1f} ms, worst {worst:.0f} ms, {100 * late:.0f}% beyond 50 ms"
        for where, (mean, worst, late) in told["drag"].items()
    ]
    acts = [f"    filter {told['filter']:.0f} ms, search {told['search']:.0f} ms"] if "filter" in told else []
    return "\n".join([f"    {moments}", *moved, *acts])


def compared(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """How many times longer the peer takes."""
    ratios = {name: theirs[name] / ours[name] for name in ("paint", "ready", "card")}
    ratios |= {f"drag {where}": theirs["drag"][where][0] / mean for where, (mean, _, _) in ours["drag"].items()}
    return ", ".join(f"{name} {ratio:.1f}x" for name, ratio in ratios.items())


def load() -> str:
    """How busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--slow", type=float, nargs="+", default=[4.0, 1.0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the pages; default: one that is removed")
    parser.add_argument("--quick", action="store_true", help="1,000 findings, once, four times slower")
    asked = parser.parse_args()
    if CHROMIUM is None:
        print("needs Chromium: install chromium, or google-chrome, so that it is on the PATH")
        return
    if asked.quick:
        asked.findings, asked.slow, asked.repeats = [1000], [4.0], 1
    pairs = pictures(DISTINCT)
    print(f"a pair of pictures weighs {sum(map(len, sum(pairs, ()))) / len(pairs) / 1e3:.1f} kB; {load()}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        place = asked.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=NO_NETWORK)
        for count in asked.findings:
            page = county(count, pairs)
            began = time.perf_counter()
            made = county_map.draw(page, MapsOptions())
            took, size = time.perf_counter() - began, made.size
            print(
                f"{count:,} findings: drawn in {took:.1f} s, {size['bytes'] / 1e6:.1f} MB, {size['pictures']:,} pairs of pictures"
                f" with sides of {size['side_px'] or 'their own'} px, {size['dropped_pictures']:,} left out; {load()}"
            )
            kept = dict(
                list({n: page.chips[n] for n in by_priority(page.findings)["finding_id"]}.items())[: size["pictures"]]
            )
            ours, theirs = place / f"luyu-{count}.html", place / f"folium-{count}.html"
            ours.write_text(made.html, encoding="utf-8")
            theirs.write_text(plain_folium(page, kept), encoding="utf-8")
            for slow in asked.slow:
                told = {}
                for kind, path in (("luyu", ours), ("folium", theirs)):
                    told[kind] = measured(browser, path, kind, slow, asked.repeats)
                    print(
                        f"  {kind}, {slow:g} times slower ({path.stat().st_size / 1e6:.1f} MB; {load()})\n{shown(told[kind])}"
                    )
                print(f"  folium takes: {compared(told['luyu'], told['folium'])}")
        browser.close()


if __name__ == "__main__":
    main()
