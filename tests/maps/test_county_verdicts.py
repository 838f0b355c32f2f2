"""Verdicts and histories on a county's map: kept at once, exported whole, gone once they have arrived."""

import json
import re

import pytest
from answering import event, page_of, some_findings, with_cases
from chrome import MARKS
from fake_county import make_county
from test_county_browser import PAYLOADS

from pipeline.maps import county_map

pytestmark = MARKS


@pytest.fixture(scope="module")
def findings():
    return some_findings()


@pytest.fixture(scope="module")
def page_html(findings):
    return page_of(findings)


def answer(page, verdict, reason=None, name="王某", note=""):
    page.locator(f".verdict input[value={verdict}]").check()
    if reason:
        page.locator(".verdict select").select_option(reason)
    if note:
        page.locator(".verdict textarea").fill(note)
    page.locator(".verdict input[name=by]").fill(name)


def open_case(page, findings, status="suspected"):
    wanted = findings[(findings["status"] == status)].iloc[0]
    page.locator("#search").fill(wanted.case_no)
    page.locator(".row").first.click()
    return wanted


def test_a_verdict_is_kept_at_once_and_exported_in_the_form_of_the_import(visit, page_html, findings):
    page = visit(page_html)
    wanted = open_case(page, findings)
    assert page.locator("#unsent").is_hidden()
    page.locator(".verdict input[value=dismiss]").check()
    assert "请选择不属实的原因" in page.locator(".verdict .state").inner_text()
    assert page.locator("[data-action=export]").is_disabled()
    answer(page, "dismiss", "greenhouse", note="大棚 </script><img src=x onerror=window.pwned=1>")
    assert "尚未提交" in page.locator(".verdict .state").inner_text()
    page.reload()
    assert "1 条核查结论尚未提交" in page.locator("#unsent").inner_text()
    assert "不属实" in page.locator(".row .said").first.inner_text()
    with page.expect_download() as waited:
        page.locator("[data-action=export]").click()
    assert re.fullmatch(r"luyu-verdicts-320322-\d{12}\.json", waited.value.suggested_filename)
    told = json.loads(waited.value.path().read_text(encoding="utf-8"))
    (entry,) = told["verdicts"]
    assert entry | {"at": None} == {
        "case_no": wanted.case_no, "verdict": "dismiss", "reason": "greenhouse", "by": "王某", "at": None, "version": 7,
        "note": "大棚 </script><img src=x onerror=window.pwned=1>",
    }  # fmt: skip
    assert entry["at"].endswith("+08:00")
    assert "已导出，待入库" in page.locator("#unsent").inner_text()
    assert page.evaluate("window.pwned") is None
    assert page.complaints == []


def test_only_what_the_status_allows_is_asked(visit, page_html, findings):
    page = visit(page_html)
    open_case(page, findings, "permitted")
    assert page.locator(".verdict").count() == 0
    assert "不需要核查结论" in page.locator("#card").inner_text()
    open_case(page, findings, "assigned")
    assert page.locator(".verdict input[type=radio]").evaluate_all("all => all.map(one => one.value)") == [
        "confirm",
        "dismiss",
        "cannot_tell",
    ]


def test_a_verdict_that_has_arrived_is_no_longer_kept(visit, page_html, findings):
    page = visit(page_html)
    wanted = open_case(page, findings)
    answer(page, "confirm")
    at = page.evaluate("luyu.verdicts.entries()[0].at")
    others = findings[findings["case_no"] != wanted.case_no]  # a case that was dismissed is on no later map
    told = [(wanted.case_no, at, "王某")]
    again = county_map.render(make_county(findings=others, cases=with_cases(others), answered=told))
    page.evaluate("text => { document.open(); document.write(text); document.close(); }", again)
    page.locator("#unsent", has_text="条核查结论已入库").wait_for()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('luyu-verdict:'))") == []


def test_history_is_told_in_order(visit, findings):
    cases = with_cases(findings)
    first = findings.sort_values(["priority", "finding_id"], ascending=[False, True]).iloc[0]
    cases[first.case_no]["history"] += [
        event("2024-11-05T01:00:00.000Z", PAYLOADS[0], "assigned", None, to="路政一中队", due_on="2024-11-19"),
        event("2024-11-08T01:00:00.000Z", "李某", "dismissed", None, reason="greenhouse", note=PAYLOADS[1]),
    ]
    page = visit(county_map.render(make_county(findings=findings, cases=cases)))
    page.locator(".row").first.click()
    page.locator(".history summary").click()
    told = page.locator(".history li").all_inner_texts()
    assert len(told) == 3
    assert "核查不属实" in told[0]
    assert "大棚" in told[0]
    assert "交办" in told[1]
    assert "路政一中队" in told[1]
    assert page.evaluate("window.pwned") is None
    assert page.complaints == []


def test_a_name_is_signed_once_it_is_whole(visit, page_html, findings):
    """Verdicts given before without a name take the whole name, not its first letter."""
    page = visit(page_html)
    open_case(page, findings)
    page.locator(".verdict input[value=confirm]").check()
    page.keyboard.press("Escape")
    wanted = findings[findings["status"] == "assigned"].iloc[1]
    page.locator("#search").fill(wanted.case_no)
    page.locator(".row").first.click()
    page.locator(".verdict input[value=confirm]").check()
    page.locator(".verdict input[name=by]").press_sequentially("Wang Mou")
    page.locator(".verdict textarea").focus()
    assert page.evaluate("luyu.verdicts.entries().map(entry => entry.by)") == ["Wang Mou", "Wang Mou"]


def test_what_looks_like_personal_data_is_told_before_the_import_refuses_it(visit, page_html, findings):
    page = visit(page_html)
    open_case(page, findings)
    answer(page, "confirm", note="联系人 138 0013 8000".replace(" 0", "0", 1))
    assert "手机号或身份证号" in page.locator(".verdict .state").inner_text()
    page.locator(".verdict textarea").fill("G311K512+600 处")
    assert "尚未提交" in page.locator(".verdict .state").inner_text()


def test_the_reason_other_needs_a_note_and_what_is_gone_can_be_cleared(visit, page_html, findings):
    page = visit(page_html)
    wanted = open_case(page, findings)
    answer(page, "dismiss", "other")
    assert "请写备注" in page.locator(".verdict .state").inner_text()
    assert page.locator("[data-action=export]").is_disabled()
    others = findings[findings["case_no"] != wanted.case_no]
    again = county_map.render(make_county(findings=others, cases=with_cases(others)))
    page.evaluate("text => { document.open(); document.write(text); document.close(); }", again)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("[data-action=forget]").click()
    assert page.locator("#unsent").is_hidden()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('luyu-verdict:'))") == []


def test_without_a_ledger_no_verdict_is_taken(visit, findings):
    page = visit(county_map.render(make_county(findings=findings, cases=None)))
    page.locator(".row").first.click()
    assert "案件库未随附" in page.locator("#card").inner_text()
    assert page.locator(".verdict").count() == 0
    assert page.complaints == []
