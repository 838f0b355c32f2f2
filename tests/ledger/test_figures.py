from __future__ import annotations

import numpy as np
import pytest

from pipeline.ledger.period import Period

from .book import Book, rate, rectified, row


@pytest.fixture
def book():
    return Book()


def test_days_are_chinas(book):
    book.open("320322-1", "2024-10-31").open("320322-2", "2024-11-30")
    for event, hour in zip(book.told, (16, 15), strict=True):  # midnight of the 1st; 23:00 of the 30th
        event["at"] = event["at"].replace("T04", f"T{hour}")
    book.open("320322-3", "2024-11-30").told[-1]["at"] = "2024-11-30T16:00:00.000Z"  # December
    assert row(book)["opened"] == 2


def test_what_is_said_after_the_period_does_not_count(book):
    book.open("320322-1", "2024-11-01").say("320322-1", "2024-11-04", "assigned", due_on="2024-11-18")
    book.say("320322-1", "2024-12-02", "confirmed")
    november = row(book)
    assert rate(november, "check") == (0, 1)
    assert rate(november, "overdue") == (1, 1)
    assert rate(row(book, Period.parse("2024Q4")), "check") == (1, 1)


def test_closure_counts_by_the_last_deadline_and_late_ones_apart(book):
    on_time, late, never, moved, early = (f"320322-{number}" for number in range(5))
    rectified(book, on_time).say(on_time, "2024-11-18", "closed", due_on="2025-02-10")  # due 18 November
    rectified(book, late).say(late, "2024-11-19", "closed")
    rectified(book, never)
    book.open(moved, "2024-11-01").say(moved, "2024-11-04", "assigned", due_on="2024-11-18")
    book.say(moved, "2024-11-12", "confirmed").say(moved, "2024-11-12", "notified", due_on="2024-12-03")  # next month
    book.open(early, "2024-11-01").say(early, "2024-11-04", "assigned", due_on="2024-11-18")
    book.say(early, "2024-11-05", "dismissed", reason="greenhouse")
    figures = row(book)
    assert rate(figures, "closure") == (2, 4)
    assert figures["closure"] == 0.5
    assert figures["closed_late"] == 1
    assert figures["finished"] == 3
    assert rate(figures, "overdue") == (1, 2)  # `never`; `moved` has a deadline that is not over
    assert figures["open"] == 2
    assert rate(row(book, Period.parse("2024-12")), "closure") == (0, 1)


def test_a_deadline_that_a_move_lifted_is_none_and_supervision_may_set_another(book):
    case = "320322-1"
    book.open(case, "2024-11-01").say(case, "2024-11-04", "assigned", due_on="2024-11-18")
    book.say(case, "2024-11-11", "escalated", due_on="2024-11-13")
    assert rate(row(book, Period.parse("2024-11-01/2024-11-12")), "overdue") == (0, 1)
    assert rate(row(book, Period.parse("2024-11-01/2024-11-13")), "overdue") == (1, 1)
    book.say(case, "2024-11-14", "objected", due_on="2024-12-05")  # the deadline of the answer, not of the case
    assert rate(row(book), "closure") == (0, 1)
    book.say(case, "2024-11-15", "confirmed")
    assert rate(row(book), "closure") == (0, 0)
    assert np.isnan(row(book)["closure"])


def test_checked_is_of_what_was_pushed_and_true_of_what_was_checked(book):
    pushed, waiting, straight, older, undecided, unseen = (f"320322-{number}" for number in range(6))
    for case in (pushed, waiting, undecided):
        book.open(case, "2024-11-01").say(case, "2024-11-04", "assigned")
    book.say(pushed, "2024-11-06", "assigned")  # to somebody else: pushed once all the same
    book.say(pushed, "2024-11-08", "confirmed")
    book.say(undecided, "2024-11-08", "undecided", reason="no_access")
    book.open(straight, "2024-11-01").say(straight, "2024-11-05", "dismissed", reason="permitted")
    book.open(older, "2024-10-08").say(older, "2024-10-09", "assigned").say(older, "2024-11-01", "confirmed")
    book.open(unseen, "2024-11-20")
    figures = row(book)
    assert rate(figures, "check") == (2, 4)  # pushed, straight of pushed, waiting, undecided, straight
    assert rate(figures, "true") == (2, 3)  # pushed, older of these and straight
    assert figures["opened"] == 5


def test_rectified_needs_an_image_and_a_word_alone_is_told_apart(book):
    gone, word, rebuilt, before, clouded = (f"320322-{number}" for number in range(5))
    for case in (gone, word, rebuilt, clouded):
        rectified(book, case)
    book.say(gone, "2024-11-20", "not_seen").say(gone, "2024-11-25", "unobservable")
    book.say(rebuilt, "2024-11-14", "not_seen").say(rebuilt, "2024-11-20", "observed")
    book.say(clouded, "2024-11-20", "unobservable")
    book.open(before, "2024-09-02").say(before, "2024-09-03", "confirmed").say(before, "2024-09-04", "rectified")
    book.say(before, "2024-09-05", "not_seen").say(before, "2024-10-10", "closed")  # settled before the period
    figures = row(book)
    assert rate(figures, "rectified") == (1, 4)
    assert figures["rectified_by_word"] == 3
    assert rate(row(book, Period.parse("2024Q4")), "rectified") == (2, 5)


def test_images_count_by_their_day_and_not_by_their_arrival(book):
    rectified(book, "320322-1").say("320322-1", "2024-11-20", "not_seen")
    book.say("320322-1", "2024-11-25", "observed", on_date="2024-11-05")  # an older image that came late
    assert rate(row(book), "rectified") == (1, 1)


def test_what_comes_back_is_a_new_round_and_its_image_says_nothing_of_the_old_one(book):
    back, stays = "320322-1", "320322-2"
    for case in (back, stays):
        rectified(book, case).say(case, "2024-11-12", "not_seen").say(case, "2024-11-13", "closed")
    book.say(back, "2024-11-28", "observed", on_date="2024-11-27").say(
        back, "2024-11-28", "grown", on_date="2024-11-27"
    )
    book.say(back, "2024-11-28", "reopened", by="machine", on_date="2024-11-27", why="rebuilt")
    figures = row(book)
    assert rate(figures, "repeat") == (1, 2)
    assert rate(figures, "rectified") == (2, 2)
    assert rate(figures, "closure") == (2, 2)
    assert (figures["opened"], figures["open"], figures["finished"]) == (2, 1, 2)
    book.say(back, "2024-12-02", "assigned", due_on="2024-12-16")
    december = row(book, Period.parse("2024-12"))
    assert rate(december, "repeat") == (0, 1)  # `back` had come back before the period
    assert rate(december, "check") == (0, 1)
    assert rate(december, "overdue") == (1, 1)


def test_a_deadline_ends_with_the_return(book):
    rectified(book, "320322-1").say("320322-1", "2024-11-15", "reopened")  # due 18 November
    assert rate(row(book), "closure") == (0, 0)


def test_recurrence_by_stretch_is_of_the_same_kind_later_and_within_500_m(book):
    rectified(book, "320322-0", stake="K512+100")
    book.open("320322-1", "2024-11-20", stake="K512+499")  # same stretch
    rectified(book, "320322-2", stake="K513+000")
    book.open("320322-3", "2024-11-20", stake="K513+500")  # the next stretch
    rectified(book, "320322-4", stake="K520+000")
    book.open("320322-5", "2024-11-20", stake="K520+001", on_date="2024-11-02")  # stood there before
    rectified(book, "320322-6", stake="K530+000")
    book.open("320322-7", "2024-11-20", stake="K530+001", kind="grain_drying")
    book.open("320322-8", "2024-11-20", stake=None)
    assert rate(row(book), "repeat_stretch") == (1, 4)


def test_a_dismissal_that_a_person_undid_does_not_count(book):
    undone, audited, renewed = (f"320322-{number}" for number in range(3))
    for case in (undone, audited, renewed):
        book.open(case, "2024-11-01").say(case, "2024-11-04", "assigned", due_on="2024-11-18")
        book.say(case, "2024-11-05", "dismissed", reason="shadow")
    book.say(undone, "2024-11-06", "reopened").say(undone, "2024-11-07", "confirmed")
    book.say(audited, "2024-11-06", "audited", by="王", outcome="disagreed")
    book.say(renewed, "2024-11-20", "observed").say(
        renewed, "2024-11-20", "reopened", by="machine", on_date="2024-11-20"
    )
    figures = row(book)
    assert rate(figures, "true") == (1, 2)  # `undone` is true, the first round of `renewed` is not
    assert rate(figures, "precision") == (1, 2)
    assert rate(figures, "check") == (2, 2)  # `undone` by its verdict, `renewed`; `audited` waits to be assigned again
    assert rate(figures, "audit") == (0, 1)
    assert (figures["opened"], figures["open"], figures["finished"]) == (3, 3, 1)


def test_audits_and_upheld_corrections(book):
    fine, wrong = "320322-1", "320322-2"
    book.open(fine, "2024-11-01").say(fine, "2024-11-04", "dismissed", reason="lawful")
    book.say(fine, "2024-11-05", "audited", by="王", outcome="agreed")
    rectified(book, wrong).say(wrong, "2024-11-20", "objected", note="有许可")
    book.say(wrong, "2024-11-21", "answered", by="王", outcome="upheld")
    figures = row(book)
    assert rate(figures, "audit") == (1, 1)
    assert rate(figures, "true") == (0, 2)
    assert rate(figures, "precision") == (0, 0), "neither says that the detection was wrong"
    assert figures["open"] == 0


def test_days_taken_are_working_days(book):
    for number, checked_on in enumerate(["2024-11-04", "2024-11-06", "2024-11-18"]):  # 0, 2 and 10 after Monday the 4th
        book.open(f"320322-{number}", "2024-11-01").say(f"320322-{number}", "2024-11-04", "assigned")
        book.say(f"320322-{number}", checked_on, "dismissed", reason="lawful")
    book.open("320322-9", "2024-11-01").say("320322-9", "2024-11-04", "confirmed")  # never assigned
    figures = row(book)
    assert (figures["days_to_check_of"], figures["days_to_check_mean"], figures["days_to_check_median"]) == (
        3,
        4.0,
        2.0,
    )
    assert (figures["days_to_close_of"], figures["days_to_close_mean"]) == (3, 4.0)


def test_parts_of_another_case_count_only_where_somebody_acted(book):
    for case in ("320322-1", "320322-2", "320322-3"):
        book.open(case, "2024-11-01")
    book.say("320322-3", "2024-11-04", "assigned")
    for case in ("320322-2", "320322-3"):
        book.say(case, "2024-11-10", "merged", into="320322-1")
    assert row(book)["open"] == 2
