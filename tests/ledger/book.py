"""What a ledger is told, event by event, and the figures of it."""

from __future__ import annotations

import pandas as pd

from pipeline.ledger.figures import Figures
from pipeline.ledger.period import Period
from pipeline.ledger.rounds import CASES, EVENTS, facts
from pipeline.ledger.workdays import Calendar

NOVEMBER = Period.parse("2024-11")


class Book:
    """Events as a ledger tells them, without one; ``say("A", "2024-11-04", "assigned", due_on=...)`` at noon in China."""

    def __init__(self):
        self.told, self.places = [], []

    def say(self, case, day, what, *, by="李", on_date=None, **details):
        machine = what in ("observed", "grown", "not_seen", "unobservable", "reread", "merged", "split")
        said = {"id": len(self.told) + 1, "case_no": case, "at": f"{day}T04:00:00.000Z", "what": what}
        said |= {"actor": "machine" if machine else by, "on_date": on_date or (day if machine else None)}
        self.told.append(said | {name: details.get(name) for name in ("due_on", "reason", "outcome")})
        return self

    def open(self, case, day, *, kind="building", stake="K512+100", on_date=None):
        name = {"320322": "沛县"}.get(case[:6])
        self.places.append((case, case[:6], name, kind, "G311", stake))
        return self.say(case, day, "observed", on_date=on_date)

    def figures(self, period=NOVEMBER):
        told = pd.DataFrame(self.told, columns=list(EVENTS), dtype=object)  # later ones too, which must not count
        said = facts(told, pd.DataFrame(self.places, columns=list(CASES), dtype=object), period.end)
        return Figures(period, said, Calendar())


def row(book, period=NOVEMBER, county="320322", **more):
    return book.figures(period).by_county(**more).set_index("county_code").loc[county]


def rate(figures, name):
    return int(figures[f"{name}_n"]), int(figures[f"{name}_of"])


def rectified(book, case, *, rectified_on="2024-11-11", **more):
    """A case opened on 1 November, confirmed on the 7th, and reported as put right."""
    book.open(case, "2024-11-01", **more).say(case, "2024-11-04", "assigned", due_on="2024-11-18")
    book.say(case, "2024-11-07", "confirmed").say(case, "2024-11-08", "notified", due_on="2024-11-29")
    return book.say(case, rectified_on, "rectified", due_on="2024-11-18")
