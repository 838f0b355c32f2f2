"""What was decided meanwhile stands; what the field says against it is kept. What was cut off goes on."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger, Photo

from .conftest import BACK, CONFIRMED, DISMISSED, findings, photo

MEANWHILE = dt.datetime(2024, 12, 3, 8, 0, tzinfo=dt.UTC)


def decide(office, number, *acts):
    for minute, (what, details) in enumerate(acts):
        at = MEANWHILE + dt.timedelta(minutes=minute)
        office.ledger.advance(office.numbers[number], what, "李四", at=at, details=details)


CONFIRM, NOTIFY, RECTIFY, CLOSE = ("confirmed", None), ("notified", None), ("rectified", None), ("closed", None)
DISMISS, ASSIGN, REOPEN = ("dismissed", {"reason": "shadow"}), ("assigned", {"to": "王某"}), ("reopened", None)
UNDECIDED = ("undecided", {"reason": "no_access"})
RECTIFIED = {**CONFIRMED, "verdict": "已整改"}
CANNOT_TELL = {**CONFIRMED, "verdict": "无法判断"}


@pytest.mark.parametrize(
    ("acts", "said"),
    [
        ([DISMISS], CONFIRMED),
        ([DISMISS], RECTIFIED),
        ([CONFIRM], DISMISSED),
        ([CONFIRM, NOTIFY], DISMISSED),
        ([CONFIRM, RECTIFY], DISMISSED),
        ([DISMISS, REOPEN, CONFIRM], DISMISSED),
    ],
)
def test_a_verdict_against_what_was_decided_meanwhile_is_shown_and_kept(office, acts, said):
    office.fill(0, **said)
    decide(office, 0, *acts)
    before = office.statuses()
    report = office.back()
    (line,) = report.conflicts
    assert f"{acts[-1][0]}" in line.why
    assert "李四 for 2024-12-03 after the export; kept as a contradiction" in line.why
    assert (report.exit_code, report.accepted, office.statuses()) == (3, [], before)
    case = office.ledger.case(office.numbers[0])
    assert case["conflict"]
    kept = case["history"][-1]
    assert (kept["what"], kept["actor"]) == ("contradicted", "王某、李某")
    assert kept["detail"]["verdict"] in ("confirm", "dismiss", "rectified")
    assert kept["detail"]["verdict_by"] == "王某、李某"
    again = office.back()
    assert (len(again.conflicts), again.accepted) == (1, [])
    assert office.ledger.case(office.numbers[0]) == case


@pytest.mark.parametrize(
    ("acts", "said"),
    [
        ([DISMISS], DISMISSED),
        ([CONFIRM], CONFIRMED),
        ([CONFIRM, NOTIFY], CONFIRMED),
        ([CONFIRM, RECTIFY], CONFIRMED),
        ([CONFIRM, RECTIFY, CLOSE], RECTIFIED),
        ([CONFIRM], CANNOT_TELL),
        ([DISMISS], CANNOT_TELL),
    ],
)
def test_a_verdict_that_agrees_adds_nothing(office, acts, said):
    office.fill(0, **said)
    decide(office, 0, *acts)
    before = office.ledger.case(office.numbers[0])
    report = office.back()
    assert "the verdict adds nothing" in report.unchanged[0].why
    assert (report.exit_code, office.ledger.case(office.numbers[0])) == (0, before)


@pytest.mark.parametrize(
    ("acts", "said", "status"),
    [
        ([ASSIGN], CONFIRMED, "confirmed"),
        ([ASSIGN], DISMISSED, "dismissed"),
        ([UNDECIDED], DISMISSED, "dismissed"),
        ([CONFIRM], RECTIFIED, "rectified"),
        ([CONFIRM, NOTIFY], RECTIFIED, "rectified"),
        ([DISMISS, REOPEN], CONFIRMED, "confirmed"),
        ([ASSIGN], CANNOT_TELL, "assigned"),
    ],
)
def test_a_verdict_that_goes_on_from_there_goes_in(office, acts, said, status):
    office.fill(0, **said)
    decide(office, 0, *acts)
    report = office.back()
    assert (len(report.accepted), report.exit_code, office.statuses()[0]) == (1, 0, status), report.text()
    assert not office.ledger.case(office.numbers[0])["conflict"]


def test_what_was_known_at_the_export_may_be_changed_as_far_as_the_ledger_allows(tmp_path):
    from .conftest import Office

    office = Office(tmp_path)
    decide(office, 0, CONFIRM)
    decide(office, 1, DISMISS)
    office.export(open_only=False)
    office.fill(0, **DISMISSED)
    office.fill(1, **CONFIRMED)
    report = office.back()
    assert [line.case_no for line in report.accepted] == office.numbers[:1]
    assert "'confirmed' may not follow; allowed" in report.refused[0].why
    assert report.conflicts == []


def test_a_case_that_an_image_reopened_is_open_for_a_verdict(office):
    decide(office, 0, CONFIRM, RECTIFY)
    seen = findings(1, route_code=["G311"], first_seen=[dt.date(2024, 12, 20)], scene_before=["b"], scene_after=["c"])
    office.ledger.settle(seen, run_id="next", now=dt.datetime(2024, 12, 21, tzinfo=dt.UTC))
    assert office.statuses()[0] == "suspected"
    office.fill(0, **CONFIRMED | {"checked_on": "2024-12-22"})
    assert len(office.back(now=dt.datetime(2024, 12, 23, tzinfo=dt.UTC)).accepted) == 1


def test_own_verdict_is_not_said_anew_when_another_followed(office):
    office.fill(0, **CONFIRMED)
    office.back()
    office.ledger.advance(office.numbers[0], "dismissed", "李四", details={"reason": "shadow"}, at=BACK)
    again = office.back()
    assert [line.why for line in again.unchanged] == ["imported before"]
    assert again.conflicts == []


class _Killed(BaseException):
    """The power goes."""


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("door", ["advance", "keep_photo"])
def test_an_import_that_was_cut_off_is_begun_again_and_nothing_is_lost_or_doubled(office, monkeypatch, after, door):
    for number in range(4):
        office.take_photo(f"{number}.jpg", photo(azimuth=number))
        said = CONFIRMED if number % 2 else DISMISSED
        office.fill(number, **said, photo=f"{number}.jpg")
    calls = 0
    through = getattr(Ledger, door)

    def until_it_goes(self, *args, **kwargs):
        nonlocal calls
        calls += 1
        if calls > after:
            raise _Killed
        return through(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, door, until_it_goes)
        if after < 4:
            with pytest.raises(_Killed):
                office.back()
        else:
            office.back()
    report = office.back()
    assert report.exit_code == 0
    assert len(report.accepted) + len(report.unchanged) == 4
    assert office.statuses() == ["dismissed", "confirmed", "dismissed", "confirmed", "suspected"]
    assert [len(office.acts(number)) for number in range(5)] == [1, 1, 1, 1, 0]
    assert [len(office.ledger.photos(number)) for number in office.numbers] == [1, 1, 1, 1, 0]


def test_a_photo_that_the_ledger_refuses_is_told_and_stops_nothing(office, monkeypatch):
    def refuse(self, photo: Photo) -> bool:
        raise LedgerError(f"photo {photo.name!r} is not what its hash says")

    monkeypatch.setattr(Ledger, "keep_photo", refuse)
    office.take_photo("a.jpg", photo())
    office.fill(0, **CONFIRMED, photo="a.jpg")
    office.fill(1, **CONFIRMED)
    report = office.back()
    assert (len(report.accepted), len(report.refused)) == (2, 1)
