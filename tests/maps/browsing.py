"""A browser with the network cut, a county with a ledger behind it, and a hand that counts what it does."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import geopandas as gpd
from fake_county import make_chips, make_county, make_findings

from pipeline.ledger import Ledger
from pipeline.maps import county_map
from pipeline.reports.pages import CountyPage
from pipeline.run.known_cases import at_county

SETTLED = dt.datetime(2024, 12, 1, 3, 0, tzinfo=dt.UTC)


def until(page, expression: str) -> None:
    """Wait until something is true on the page; Playwright's own way needs eval, which the page's policy forbids."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true within 10 s: {expression}")


def pictures_stand(page) -> None:
    """Wait until both pictures of the open card are decoded."""
    until(
        page,
        "[...document.querySelectorAll('.swipe img')].filter((one) => one.complete && one.naturalWidth).length === 2",
    )


class Office:
    """A ledger that knows a county's findings, and the maps made from both."""

    def __init__(self, folder: Path, count: int = 45) -> None:
        self.ledger = Ledger.open(folder / "ledger.sqlite")
        found = make_findings(count).drop(columns=["case_no", "status"]).to_crs(4548)
        settled = self.ledger.settle(found, run_id="run", now=SETTLED)
        self.found = gpd.GeoDataFrame(found.join(settled), crs=found.crs)
        self.found["status"] = self.found["status"].fillna("suspected")
        self.chips = make_chips(self.found)

    def page(self) -> CountyPage:
        """What the county's map shows as the ledger stands now."""
        known = at_county(self.found, "320322", self.ledger)
        now = known.findings["case_no"].map({number: case["status"] for number, case in known.cases.items()})
        findings = known.findings.assign(status=now.fillna(known.findings["status"]))
        return make_county(findings=findings, chips=self.chips, cases=known.cases, answered=known.answered)

    def map(self) -> str:
        """The county's map as HTML."""
        return county_map.render(self.page())

    def worst(self, route: str, rank: int) -> object:
        """The finding of a road that stands at this rank, 1 the most urgent."""
        order = self.found.sort_values(["priority", "finding_id"], ascending=[False, True])
        return order[order["route_code"] == route].iloc[rank - 1]


class Hand:
    """A reader's eyes and fingers: it touches only what it sees, brings into view what it does not, and counts both.

    Times are those of the keystroke-level model (Card, Moran and Newell 1980, table 1): a key of an average
    non-secretary typist, pointing, pressing a button, and a mental act. Their M is one act of a person who knows the
    way; one who sees the page for the first time is given two for each thing that has to be found.
    """

    KEY_S, POINT_S, BUTTON_S, MENTAL_S = 0.28, 1.10, 0.10, 1.35
    _NEWCOMER = 2
    _MOST_WIPES = 15
    _HIT = """(node) => {
        const box = node.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
        const hit = document.elementFromPoint(x, y);
        const label = node.closest('label');
        return [x, y, Boolean(hit) && (node.contains(hit) || (label !== null && label.contains(hit)))];
    }"""
    _SEEN = """(node) => {
        const box = node.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
        return [x, y, document.elementsFromPoint(x, y).some((hit) => node.contains(hit))];
    }"""
    _FRAME = """(node) => {
        const scrolls = (one) => /auto|scroll/.test(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight + 1;
        let at = node.parentElement;
        while (at && !scrolls(at)) at = at.parentElement;
        if (!at || at === document.body) return [innerWidth / 2, innerHeight * 0.8, 0, innerHeight];
        const box = at.getBoundingClientRect();
        return [box.left + box.width / 2, box.top + box.height * 0.8, box.top, box.top + box.height];
    }"""

    def __init__(self, page, *, touch: bool = False) -> None:
        self.page, self.touch = page, touch
        self.acts: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        """What the acts so far take by the model."""
        cost = {"key": self.KEY_S, "press": self.POINT_S + self.BUTTON_S, "wipe": self.POINT_S, "mental": self.MENTAL_S}
        return sum(cost[act] * count for act, count in self.acts.items())

    def find(self) -> None:
        """The eyes look for something that they have not seen before."""
        self.acts["mental"] += self._NEWCOMER

    def read(self, target) -> str:
        """The text of something that is in view, perhaps under a slider that can be seen through."""
        self._reach(target, self._SEEN)
        self.acts["mental"] += 1
        return target.inner_text()

    def press(self, target) -> None:
        """Find a thing and press it, with the mouse or a finger."""
        self.find()
        x, y = self._reach(target)
        self.acts["press"] += 1
        (self.page.touchscreen.tap if self.touch else self.page.mouse.click)(x, y)

    def write(self, words: str, keys: int | None = None) -> None:
        """Type into what has the focus; ``keys``: how many an input method needs for it."""
        self.acts["key"] += len(words) if keys is None else keys
        self.page.keyboard.type(words)

    def key(self, name: str, times: int = 1) -> None:
        """Press a key some times."""
        self.acts["key"] += times
        for _ in range(times):
            self.page.keyboard.press(name)

    def choose(self, select, label: str) -> None:
        """Open a list of choices and take one: two presses with the mouse; what the system draws is not looked at."""
        self.find()
        self._reach(select)
        self.acts["press"] += 2
        self.find()
        select.select_option(label=label)

    def drag(self, target, start: float, end: float) -> None:
        """Move a slider by hand from one share of its width to another."""
        self.find()
        self._reach(target)
        box = target.bounding_box()
        y = box["y"] + box["height"] / 2
        xs = [box["x"] + box["width"] * (start + (end - start) * step / 8) for step in range(9)]
        self.acts["press"] += 2
        if self.touch:
            self._wipe_along(xs, y)
            return
        self.page.mouse.move(xs[0], y)
        self.page.mouse.down()
        for x in xs[1:]:
            self.page.mouse.move(x, y)
        self.page.mouse.up()

    def _wipe_along(self, xs: list[float], y: float) -> None:
        session = self.page.context.new_cdp_session(self.page)
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": xs[0], "y": y}]})
        for x in xs[1:]:
            session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _reach(self, target, seen: str = _HIT) -> tuple[float, float]:
        """The middle of a thing, scrolled to where nothing lies over it, as far as a person can scroll it there."""
        target.wait_for(state="visible")
        for _ in range(self._MOST_WIPES):
            x, y, free = target.evaluate(seen)
            if free:
                return x, y
            over_x, over_y, top, bottom = target.evaluate(self._FRAME)
            self.page.mouse.move(over_x, over_y)
            self.page.mouse.wheel(0, (y - (top + bottom) / 2) or 100)
            self.acts["wipe"] += 1
            self.page.wait_for_timeout(60)
        raise AssertionError(f"{target} cannot be brought where nothing covers it")
