"""The pages for people who read them by ear, by keyboard, enlarged or without colours: axe-core finds nothing serious."""

from __future__ import annotations

import importlib.resources
import os

import pytest
from browsing import Office, pictures_stand
from chrome import DESK, MARKS, PHONE, watched
from fake_county import make_index

from pipeline.maps import index_page

pytestmark = MARKS
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = {"serious", "critical"}
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which the package brings along."""
    if os.environ.get("CI") != "true":
        pytest.importorskip("axe_playwright_python", reason="no axe-core; uv sync --group dev")
    return importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def county_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    path = folder / "320322.html"
    path.write_text(Office(folder).map(), encoding="utf-8")
    return path


@pytest.fixture
def visit(browser, county_file):
    """A page in a profile of its own, so that no verdict and no language stays from another test."""
    contexts = []

    def open_(path=county_file, viewport=DESK, **options):
        contexts.append(browser.new_context(viewport=viewport, reduced_motion="reduce", **options))
        page = watched(contexts[-1].new_page())
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()


def violations(page, axe):
    """What axe-core objects to, one line for each rule and place, with its impact first; ``*``: WCAG says so, too."""
    page.evaluate(axe)
    told = page.evaluate(
        "tags => window.axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", TAGS
    )
    lines = []
    for rule in told["violations"]:
        mark = "" if "best-practice" in rule["tags"] else "*"
        for node in rule["nodes"]:
            why = node["failureSummary"].splitlines()[-1].strip()
            lines.append(f"{rule['impact']}{mark} {rule['id']}: {node['target']} {why}")
    return lines


def grave(lines):
    """Those of serious or critical impact, and all that WCAG asks for."""
    return [line for line in lines if (impact := line.split(" ", 1)[0]).endswith("*") or impact in GRAVE]


def fresh(page):
    page.locator(".row").first.wait_for()


def card(page):
    page.locator(".row").first.click()
    pictures_stand(page)


def all_open(page):
    card(page)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def answered(page):
    card(page)
    page.get_by_role("radio", name="不属实").check()
    page.get_by_role("textbox", name="核查人").fill("王某")


def filled(page):
    answered(page)
    page.get_by_role("combobox", name="原因").select_option(index=1)
    page.locator("[data-action=export]").wait_for()


def searched_in_vain(page):
    page.get_by_role("searchbox").fill("Y999 K1+000")


def sheets(page):
    page.locator("[data-action=sheets]").click()


STATES = [fresh, card, all_open, answered, filled, searched_in_vain, sheets]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_serious_in_any_state(visit, axe, state, viewport):
    if state is sheets and viewport is PHONE:
        pytest.skip("a phone has no printer: the button is not shown")
    page = visit(viewport=viewport, has_touch=viewport is PHONE)
    state(page)
    assert grave(violations(page, axe)) == []


@pytest.mark.parametrize("language", ["both", "zh", "en"])
def test_nothing_serious_in_any_language(visit, axe, language):
    page = visit()
    page.locator(f"#languages [data-language={language}]").click()
    all_open(page)
    assert grave(violations(page, axe)) == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_serious_in_the_overview(visit, axe, viewport, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(index_page.render(make_index()), encoding="utf-8")
    assert grave(violations(visit(path, viewport), axe)) == []


def test_axe_finds_what_is_wrong(visit, axe):
    page = visit()
    page.evaluate("document.getElementById('search').removeAttribute('aria-label')")
    page.evaluate("document.getElementById('search').removeAttribute('placeholder')")
    assert any(" label: " in line for line in grave(violations(page, axe)))


# Where the focus is: what it is called, whether a person sees it and where it is, and a number for each control.
FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const controls = window.controls = window.controls || [];
  if (controls.indexOf(at) < 0) controls.push(at);
  const look = getComputedStyle(at), box = at.getBoundingClientRect();
  const within = (value, most) => Math.min(Math.max(value, 0), most - 1);
  const hits = document.elementsFromPoint(
    within(box.left + box.width / 2, innerWidth), within(box.top + box.height / 2, innerHeight));
  const ring = (node) => {
    const drawn = getComputedStyle(node);
    return drawn.outlineStyle !== 'none' && parseFloat(drawn.outlineWidth) >= 1;
  };
  return {
    number: controls.indexOf(at), name: at.getAttribute('aria-label') || at.innerText || at.name || at.tagName,
    ring: (ring(at) && look.opacity !== '0') || ring(at.parentElement) || look.boxShadow !== 'none',
    seen: box.width > 0 && hits.some((hit) => at.contains(hit) || hit === at)
  };
}"""
CONTROLS = """() => [...document.querySelectorAll(
  'a[href], button, input, select, textarea, summary, [tabindex="0"]'
)].filter((node) => {
  const box = node.getBoundingClientRect();
  return !node.disabled && box.width && box.height && node.checkVisibility();
}).map((node) => (window.controls || []).indexOf(node) >= 0 ? null : node.outerHTML.slice(0, 120)).filter(Boolean)"""


def walked(page, most=400):
    """Every stop of the Tab key from the page's beginning until it leaves the page."""
    page.evaluate("(document.querySelector('#sheets button') || document.querySelector('.skip')).focus()")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")  # only a focus that a key moved is drawn
    stops = []
    for _ in range(most):
        stop = page.evaluate(FOCUS)
        if stop is None or (stops and stop["number"] == 0):
            return stops
        stops.append(stop)
        page.keyboard.press("Tab")
    raise AssertionError(f"the focus never leaves the page; the last stops are {[s['name'] for s in stops[-5:]]}")


@pytest.mark.parametrize("state", [fresh, filled, sheets])
def test_every_control_is_reached_by_tab_and_the_focus_is_seen(visit, state):
    page = visit()
    state(page)
    stops = walked(page)
    assert len({stop["number"] for stop in stops}) == len(stops)  # no trap, nothing twice
    missed = page.evaluate(CONTROLS)
    assert [html for html in missed if 'type="radio"' not in html] == []  # of a group of radios one is a stop
    assert [stop["name"] for stop in stops if not stop["ring"]] == []
    assert [stop["name"] for stop in stops if not stop["seen"]] == []


def test_escape_closes_one_thing_after_another_and_the_focus_returns(visit):
    page = visit()
    page.locator(".row").nth(2).focus()
    page.keyboard.press("Enter")
    assert page.locator("#card").is_visible()
    assert page.evaluate("document.getElementById('card').contains(document.activeElement)")
    page.locator("[data-action=enlarge]").focus()
    page.keyboard.press("Enter")
    assert page.locator("#card .large").count() == 1
    page.keyboard.press("Escape")
    assert (page.locator("#card .large").count(), page.locator("#card").is_visible()) == (0, True)
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()
    assert page.evaluate("document.activeElement === document.querySelectorAll('.row')[2]")


def test_the_enlarged_pictures_keep_the_focus_and_say_that_they_are_open(visit):
    page = visit()
    card(page)
    page.locator("[data-action=enlarge]").focus()
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('.large').contains(document.activeElement)")  # the rest is covered


def test_the_focus_comes_back_from_the_print_sheets(visit):
    page = visit()
    page.locator("[data-action=sheets]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('sheets').contains(document.activeElement)")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('data-action')") == "sheets"


def test_escape_leaves_the_print_sheets_and_not_the_card_beneath(visit):
    page = visit()
    card(page)
    sheets(page)
    page.keyboard.press("Escape")
    assert page.locator("#sheets").is_hidden()
    assert page.locator("#card").is_visible()


def test_targets_are_24_px_wide_and_high(visit):
    """But links within a line of text, and those that the browser draws itself."""
    page = visit()
    all_open(page)
    small = page.evaluate("""() => [...document.querySelectorAll(
      'a[href], button, summary, select, label, input[type=search], textarea'
    )].filter((node) => {
      const box = node.getBoundingClientRect();
      return node.offsetParent && box.left > -1000 && (box.width < 23.5 || box.height < 23.5);
    }).map((node) => node.outerHTML.slice(0, 90))""")
    assert small == []


@pytest.mark.parametrize("language", ["both", "zh", "en"])
def test_at_four_times_the_size_nothing_is_cut_or_needs_two_ways_of_scrolling(visit, language):
    """1280 px enlarged fourfold are 320 px (WCAG 1.4.10)."""
    page = visit(viewport=NARROW)
    page.locator(f"#languages [data-language={language}]").click()
    card(page)
    page.locator("[data-filter]").first.evaluate(
        "() => document.querySelectorAll('details').forEach(d => { d.open = true; })"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    wide = page.evaluate("""() => [...document.querySelectorAll('#card *, #list *')].filter((node) =>
      node.offsetParent && node.getBoundingClientRect().right > 321 && !node.closest('.chips')
    ).map((node) => node.outerHTML.slice(0, 90))""")
    assert wide == []


def test_a_screen_reader_hears_how_many_are_left_and_what_is_chosen(visit):
    page = visit()
    page.get_by_role("searchbox").fill("G311")
    assert "/45" in page.get_by_role("status").filter(has_text="显示").inner_text()
    card(page)
    assert page.locator(".row[aria-current=true]").count() == 1
    slider = page.get_by_role("slider", name="拖动对比")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext").startswith("51%")
    for image in page.locator("#card img").all():
        assert "20" in image.get_attribute("alt")
