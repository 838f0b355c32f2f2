"""The walk of an officer who never saw the page: find, look, dismiss, hand in; and what may go wrong on the way.

Things are found by the words on them, as a reader finds them, and not by what only the page's author knows.
"""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from browsing import Hand, Office, pictures_stand
from chrome import DESK, MARKS, PHONE, foreign, watched

from pipeline.field import take_back

pytestmark = MARKS
MOST_S = 60.0
HOSTILE = "</script><img src=x onerror=window.pwned=1>{{7*7}} '\"><svg onload=window.pwned=1>"
NAME_KEYS = 8  # of an input method for a name of two characters: letters of both, and the choice
NO_STORAGE = """Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('denied', 'SecurityError'); }
});"""


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


@pytest.fixture
def reader(browser, office, tmp_path):
    """Opens the office's map in a browser profile of its own; the second page of one profile is its second tab."""
    contexts, path = [], tmp_path / "320322.html"
    path.write_text(office.map(), encoding="utf-8")

    def open_(viewport=DESK, *, script=None, beside=None, **options):
        if beside is None:
            contexts.append(browser.new_context(viewport=viewport, accept_downloads=True, **options))
            if script:
                contexts[-1].add_init_script(script)
        page = watched((beside.context if beside else contexts[-1]).new_page())
        page.goto(path.as_uri())
        return page

    open_.path = path
    yield open_
    for context in contexts:
        context.close()


def button(page, words):
    return page.get_by_role("button", name=re.compile(words)).first


def row(page, rank):
    return page.get_by_role("main").get_by_role("listitem").nth(rank - 1).get_by_role("button")


def answer(page, words):
    return page.get_by_role("radio", name=re.compile(f"^{words}"))


def reason(page):
    return page.get_by_role("combobox", name=re.compile("^原因"))


def name(page):
    return page.get_by_role("textbox", name=re.compile("^核查人"))


def note(page):
    return page.get_by_role("textbox", name=re.compile("^备注"))


def share_shown(page):
    """How much of the picture from before is seen, per cent."""
    cut = page.evaluate("getComputedStyle(document.querySelector('.swipe .upper')).clipPath")
    return 100 - float(re.search(r"inset\(0(?:px)? ([\d.]+)%", cut)[1])


def handed_in(page, press, folder):
    """The file that the page exports when its button is pressed."""
    with page.expect_download() as waiting:
        press(button(page, "导出核查文件"))
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def dismissed(page, *, why="大棚 greenhouse", by="王某", remark=""):
    """A dismissal on the open card, without counting."""
    answer(page, "不属实").check()
    if why:
        reason(page).select_option(label=why)
    if by:
        name(page).fill(by)
    if remark:
        note(page).fill(remark)


def taken(office, path, case_no):
    """The exported file lies in the ledger, and lies there once."""
    now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    report = take_back(path, office.ledger, now=now)
    assert (report.exit_code, [line.case_no for line in report.accepted]) == (0, [case_no]), report.text()
    case = office.ledger.case(case_no)
    assert (case["status"], case["reason"], case["history"][-1]["actor"]) == ("dismissed", "greenhouse", "王某")
    again = take_back(path, office.ledger, now=now)
    assert (again.exit_code, again.accepted, len(again.unchanged)) == (0, [], 1)
    assert office.ledger.case(case_no)["history"] == case["history"]


def arrived(page, office, reader):
    """The map made anew says that the verdict has arrived, and keeps it no longer."""
    reader.path.write_text(office.map(), encoding="utf-8")
    page.reload()
    said = page.get_by_role("status").filter(has_text="条核查结论已入库").inner_text()
    assert re.match(r"1 条核查结论已入库", said)
    assert "尚未提交" not in said
    assert page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('luyu-verdict:')).length") == 0
    page.reload()
    assert page.get_by_text("条核查结论已入库").count() == 0  # told once
    assert page.complaints == []
    assert foreign(page) == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_newcomer_dismisses_the_third_worst_of_a_road_in_under_a_minute(reader, office, viewport, tmp_path):
    touch = viewport is PHONE
    page = reader(viewport, has_touch=touch, is_mobile=touch)
    hand, wanted = Hand(page, touch=touch), office.worst("G311", 3)
    hand.press(page.get_by_role("searchbox"))
    hand.write("G311")
    hand.press(row(page, 3))
    card = page.get_by_role("region", name=re.compile("线索卡片"))
    assert f"G311 {wanted['stake_from']}～{wanted['stake_to']}" in hand.read(card.locator(".stakeline"))
    pictures_stand(page)
    assert hand.read(page.get_by_text(re.compile(r"^前\s*before 2024-05-12$"))).endswith("2024-05-12")
    assert hand.read(page.get_by_text(re.compile(r"^后\s*after 2024-10-21$"))).endswith("2024-10-21")
    for start, end in ((0.5, 0.9), (0.9, 0.1)):
        hand.drag(page.get_by_role("slider", name=re.compile("拖动对比")), start, end)
        assert share_shown(page) == pytest.approx(100 * end, abs=6)
    hand.press(answer(page, "不属实"))
    hand.choose(reason(page), "大棚 greenhouse")
    hand.press(name(page))
    hand.write("王某", NAME_KEYS)
    assert "已保存在本机" in hand.read(page.get_by_role("group", name=re.compile("核查结论")).get_by_role("status"))
    path = handed_in(page, hand.press, tmp_path)
    print(f"{'phone' if touch else 'desk'}: {dict(hand.acts)} {hand.seconds:.1f} s")
    assert hand.seconds < MOST_S, f"{dict(hand.acts)} take {hand.seconds:.0f} s"
    taken(office, path, wanted["case_no"])
    arrived(page, office, reader)


def focused(page):
    return page.evaluate(
        "(document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || '') + '|' + "
        "document.activeElement.tagName + '|' + (document.activeElement.name || '') + '|' + (document.activeElement.value || '')"
    )


def tab_to(hand, words, key="Tab", most=70):
    """Tab on until what has the focus bears these words."""
    hand.find()
    for _ in range(most):
        hand.key(key)
        if re.search(words, focused(hand.page)):
            return
    raise AssertionError(f"{most} times {key} never come to {words}; the focus is on {focused(hand.page)!r}")


def test_the_same_by_keyboard_alone(reader, office, tmp_path):
    page = reader()
    hand, wanted = Hand(page), office.worst("G311", 3)
    hand.key("Tab")
    assert "跳到清单" in focused(page)
    hand.key("Enter")
    tab_to(hand, "搜索")
    hand.write("G311")
    tab_to(hand, f"G311 {re.escape(wanted['stake_from'])}")
    hand.key("Enter")
    pictures_stand(page)
    tab_to(hand, "拖动对比")
    hand.key("ArrowRight", 10)
    assert share_shown(page) == pytest.approx(60, abs=1)
    tab_to(hand, r"\|verdict\|")
    hand.key("ArrowRight")
    assert answer(page, "不属实").is_checked()
    tab_to(hand, r"\|reason\|")
    hand.key("ArrowDown", 4)
    assert reason(page).input_value() == "greenhouse"
    tab_to(hand, r"\|by\|")
    hand.write("王某", NAME_KEYS)
    tab_to(hand, "导出核查文件", "Shift+Tab")
    path = handed_in(page, lambda _: hand.key("Enter"), tmp_path)
    print(f"keyboard: {dict(hand.acts)} {hand.seconds:.1f} s")
    assert hand.seconds < MOST_S, f"{dict(hand.acts)} take {hand.seconds:.0f} s"
    taken(office, path, wanted["case_no"])
    arrived(page, office, reader)


def test_the_clock_of_the_walk_can_run_over(reader):
    """A page on which each step had to be looked for among ten things would not pass."""
    hand = Hand(reader())
    for _ in range(20):
        hand.press(button(hand.page, "更多|打印地图"))
    assert hand.seconds > MOST_S


def test_verdicts_outlive_a_reload_and_are_seen_in_the_other_tab(reader, office):
    first = reader()
    second = reader(beside=first)
    row(first, 1).click()
    dismissed(first, remark="已看")
    second.get_by_text("条核查结论尚未提交").wait_for()
    assert "不属实" in row(second, 1).inner_text()
    row(second, 2).click()
    answer(second, "属实").check()
    first.get_by_text(re.compile(r"^2\s*条核查结论尚未提交")).wait_for()
    for page in (first, second):
        page.reload()
        assert page.get_by_text(re.compile(r"^2\s*条核查结论尚未提交")).count() == 1
    row(first, 1).click()
    assert answer(first, "不属实").is_checked()
    assert (note(first).input_value(), name(first).input_value()) == ("已看", "王某")
    assert first.complaints == second.complaints == []


def test_a_card_that_is_open_in_two_tabs_shows_the_newer_verdict(reader):
    first = reader()
    second = reader(beside=first)
    for page in (first, second):
        row(page, 1).click()
    dismissed(first)
    second.get_by_text("条核查结论尚未提交").wait_for()
    assert answer(second, "不属实").is_checked()  # else the next stroke there would undo it unseen
    note(second).fill("补充")
    assert reason(second).input_value() == "greenhouse"


def test_a_hostile_note_and_name_are_text_everywhere(reader, office, tmp_path):
    page = reader()
    case_no = page.evaluate("luyu.list.shown()[0].case")
    row(page, 1).click()
    dismissed(page, by=HOSTILE, remark=HOSTILE)
    page.reload()
    row(page, 1).click()
    assert note(page).input_value() == HOSTILE
    path = handed_in(page, lambda one: one.click(), tmp_path)
    entry = json.loads(path.read_text(encoding="utf-8"))["verdicts"][0]
    assert (entry["note"], entry["by"]) == (HOSTILE, HOSTILE[:60])
    take_back(path, office.ledger, now=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1))
    assert office.ledger.case(case_no)["status"] == "dismissed"
    reader.path.write_text(office.map(), encoding="utf-8")
    page.reload()
    row(page, 1).click()
    for summary in page.locator("#card details:not([open]) > summary").all():
        summary.click()
    assert HOSTILE in page.get_by_role("region", name=re.compile("线索卡片")).inner_text()
    assert page.evaluate("window.pwned") is None
    assert page.locator("#card svg[onload], #unsent img").count() == 0
    assert page.complaints == []


def test_where_the_browser_keeps_nothing_the_page_works_and_warns(reader, office, tmp_path):
    page = reader(script=NO_STORAGE)
    row(page, 1).click()
    dismissed(page)
    assert page.get_by_text("本浏览器不能保存：关闭前请导出").count() == 2  # on the card and at the page's head
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.close(run_before_unload=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    path = handed_in(page, lambda one: one.click(), tmp_path)
    assert len(json.loads(path.read_text(encoding="utf-8"))["verdicts"]) == 1
    assert page.complaints == []
    with page.expect_event("close"):
        page.close(run_before_unload=True)  # all is handed in: nothing is asked
    assert asked == ["beforeunload"]


def test_where_the_browser_keeps_verdicts_leaving_asks_nothing(reader):
    page = reader()
    row(page, 1).click()
    dismissed(page)
    with page.expect_event("close"):
        page.close(run_before_unload=True)


def test_a_note_beyond_the_limit_is_cut(reader, tmp_path):
    page = reader()
    row(page, 1).click()
    dismissed(page)
    note(page).click()
    page.keyboard.insert_text("记" * 2500)
    path = handed_in(page, lambda one: one.click(), tmp_path)
    assert json.loads(path.read_text(encoding="utf-8"))["verdicts"][0]["note"] == "记" * 2000


@pytest.mark.parametrize(
    ("lacking", "told"), [({"why": ""}, "请选择不属实的原因"), ({"by": ""}, "请填写核查人")], ids=["reason", "name"]
)
def test_a_dismissal_that_lacks_something_is_not_exported_and_that_is_said(reader, lacking, told, tmp_path):
    page = reader()
    row(page, 1).click()
    dismissed(page, **lacking)
    assert page.get_by_text(told).count() == 1
    assert button(page, "导出核查文件").is_disabled()
    row(page, 2).click()
    answer(page, "属实").check()
    name(page).fill("李某")
    row(page, 3).click()
    if lacking == {"by": ""}:
        return  # the name that was written later signs what had none
    button(page, r"1\s*条未填完").click()
    assert page.get_by_text(told).count() == 1
    entries = json.loads(handed_in(page, lambda one: one.click(), tmp_path).read_text(encoding="utf-8"))["verdicts"]
    assert [entry["verdict"] for entry in entries] == ["confirm"]


def test_a_name_that_is_typed_later_signs_the_earlier_verdicts_in_full(reader, tmp_path):
    page = reader()
    for rank in (1, 2):
        row(page, rank).click()
        answer(page, "属实").check()
    name(page).press_sequentially("Wang Mou")
    entries = json.loads(handed_in(page, lambda one: one.click(), tmp_path).read_text(encoding="utf-8"))["verdicts"]
    assert [entry["by"] for entry in entries] == ["Wang Mou"] * 2


def test_typing_an_answer_does_not_lose_the_place_in_the_list(reader):
    page = reader()
    row(page, 4).click()
    dismissed(page)
    page.keyboard.press("Escape")
    assert page.get_by_role("region", name=re.compile("线索卡片")).count() == 0
    assert page.evaluate("document.activeElement === document.querySelectorAll('#list ol button')[3]")
