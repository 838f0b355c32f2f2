"""Findings of which some are assigned, their cases as a ledger lists them, and the page of both."""

from fake_county import make_county, make_findings

from pipeline.maps import county_map


def event(at="2024-11-02T03:00:00.000Z", actor="machine", what="observed", on_date="2024-10-21", **detail):
    return {"at": at, "actor": actor, "what": what, "on_date": on_date, "detail": detail}


def with_cases(findings, **changes):
    """Cases of the findings as the ledger would list them."""
    cases = {}
    for number in findings["case_no"]:
        cases[number] = {
            "case_no": number,
            "status": "suspected",
            "version": 7,
            "due_on": None,
            "history": [event()],
        } | changes
    return cases


def some_findings():
    """Sixty, every third assigned."""
    table = make_findings(60)
    table["status"] = ["assigned" if i % 3 == 0 else state for i, state in enumerate(table["status"])]
    return table


def page_of(findings):
    """Their page; of those that are assigned every second is overdue."""
    cases = with_cases(findings)
    for i, (number, status) in enumerate(zip(findings["case_no"], findings["status"], strict=True)):
        cases[number]["status"] = status
        if status == "assigned":
            cases[number] |= {"due_on": "2024-11-12" if i % 2 else "2999-01-01", "assigned_to": "路政一中队"}
    return county_map.render(make_county(findings=findings, cases=cases))
