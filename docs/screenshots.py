"""Pictures of a finished run's pages for the manual, taken anew whenever it is built, so that they cannot go stale.

``python docs/screenshots.py RUN OUT --config CONFIG``: RUN is the output folder of a run, OUT gets the pictures, CONFIG is the
run's configuration, of which ``check.html`` is made. Playwright drives the system's Chromium; nothing is asked of any host.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--proxy-server=127.0.0.1:9"]
_BAR_PX = 680  # what stands in the bar; the rest of it is empty
_BUILDINGS = "[data-filter=kind][data-name=building]"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(argv: list[str] | None = None) -> int:
    """Take every picture; exit code 2 where run or browser are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--config", type=Path, required=True)
    given = parser.parse_args(argv)
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    lacking = [name for name in ("index.html", "report.html") if not (given.run / name).is_file()]
    if browser is None or lacking:
        remedy = (
            f"{given.run}: no {' or '.join(lacking)}; finish a run there first, or make its pages anew: luyu report"
        )
        print("no Chromium; apt-get install chromium" if browser is None else remedy, file=sys.stderr)  # noqa: T201  a script
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    take(given.run.resolve(), given.out, browser, given.config)
    return 0


def take(run: Path, out: Path, browser: str, config: Path) -> None:
    """Write a picture of each page and state that the manual shows, by name."""
    from playwright.sync_api import sync_playwright

    county = county_page(run)
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        opened = driver.chromium.launch(executable_path=browser, args=_FLAGS)

        def shoot(page_file: Path, name: str, size: Any, act: Callable[[Any], Any] | None = None) -> None:
            # Each picture has a browser of its own, which has kept no verdict of another.
            phone = size is PHONE
            tab: Any = opened.new_context(
                viewport=size, device_scale_factor=2 if phone else 1, has_touch=phone
            ).new_page()
            tab.goto(page_file.as_uri())
            target = (act(tab) if act else None) or tab
            tab.wait_for_timeout(400)  # what slides into its place
            place = out / f"{name}.png"
            tab.screenshot(path=place, clip=target) if isinstance(target, dict) else target.screenshot(path=place)
            tab.context.close()

        shoot(run / "index.html", "index", DESK)
        shoot(county, "county", DESK)
        shoot(county, "card", DESK, _open_card)
        shoot(county, "verdict", DESK, _verdict)
        shoot(county, "hand-in", DESK, _hand_in)
        shoot(county, "phone", PHONE)
        shoot(county, "phone-card", PHONE, _open_card)
        shoot(run / "report.html", "report", DESK)
        shoot(checked(config, Path(folder)), "check", DESK, lambda tab: tab.locator("svg").first)
        opened.close()


def county_page(run: Path) -> Path:
    """The map of the county with most findings."""
    counties = json.loads((run / "run.json").read_text(encoding="utf-8"))["totals"]["counties"]
    most = max(counties, key=lambda county: sum(county["kinds"].values()))
    return run / "counties" / f"{most['code']}.html"


def checked(config: Path, folder: Path) -> Path:
    """``check.html`` of a configuration, written to a folder."""
    from pipeline.config import RunConfig
    from pipeline.run import check

    return check.write_page(check.check(check.checked_plan(RunConfig.load(config, [f"output={folder.resolve()}"]))))


def _open_card(tab: Any) -> None:
    if tab.locator(_BUILDINGS).count():  # what most readers look for first
        tab.locator(_BUILDINGS).click()
    tab.locator(".rows .row").first.click()
    for picture in tab.locator("#card img").all():
        picture.evaluate("image => image.decode()")


def _verdict(tab: Any) -> Any:
    _open_card(tab)
    form = tab.locator("fieldset.verdict")
    form.locator("input[value=dismiss]").check()
    form.locator("select").select_option("greenhouse")
    form.locator("textarea").fill("蔬菜大棚，非建筑")
    form.locator("input[name=by]").fill("核查一组")
    return form


def _hand_in(tab: Any) -> Any:
    _verdict(tab)
    box = tab.locator("#unsent").bounding_box()
    return {**box, "width": _BAR_PX}


if __name__ == "__main__":
    sys.exit(main())
