"""What an asker demands of a fact's age, and what is said of a fact that is too old."""

from __future__ import annotations

from math import inf

import msgspec

from sources.cache.flights import Flight
from sources.cache.memory import Entry
from sources.canonical import Served
from sources.errand import Errand
from sources.errors import Ambiguous, BadAsk, Missing, SourceError, StaleLimit, TimedOut
from sources.ports import Rows

RESERVE = 0.05
"""Seconds of an asker's time that are left for making an answer of what has come."""


class Demand(msgspec.Struct):
    """`floor`: unix seconds before which facts do not do. `until`: when to stop waiting, on the loop's clock."""

    floor: float
    until: float
    errand: Errand


def demand(errand: Errand, source: str, wall: float) -> Demand:
    """What an errand demands of a source's facts now."""
    floor = errand.not_before.get(source, -inf) if errand.not_before else -inf
    if errand.max_age is not None:
        floor = max(floor, wall - errand.max_age)
    return Demand(floor, errand.until - RESERVE, errand)


def is_of_the_question(error: SourceError) -> bool:
    """Whether it is the answer to this question rather than a failure of the source: an older fact is no better."""
    return isinstance(error, (BadAsk, Missing, Ambiguous))


def stands_in(entry: Entry, floor: float, now: float) -> bool:
    """Whether a fact past its time may still be used."""
    return entry.as_of >= floor and now < entry.limit


def is_new(flight: Flight, floor: float) -> bool:
    """Whether all that a flight brought just now is as new as is demanded. What a search index says may not be."""
    return flight.begun - flight.shelf.lag >= floor or flight.shelf.lag == 0


def is_as_new(rows: Rows, flight: Flight, floor: float) -> bool:
    """Whether rows that a flight brought are as new as is demanded: if it is not said of all, these may be from the
    source itself, or the records say so of themselves."""
    if is_new(flight, floor) or (rows.first_hand and flight.begun >= floor):
        return True
    return bool(rows.records) and all(record.as_of.timestamp() >= floor for record in rows.records)


def as_old(rows: Rows) -> Rows:
    """The same, marked stale."""
    return Rows(rows.records, rows.more, rows.next, rows.total, rows.positions, Served.STALE)


def too_old(entry: Entry, floor: float, wall: float, failure: SourceError) -> StaleLimit:
    """What is said where the source fails and what is remembered is too old; its cause is the failure."""
    shelf = entry.shelf
    allowed = "than this question allows"
    if entry.as_of >= floor:
        allowed = f"than the {_span(shelf.freshness.life)} for which {shelf.record.__name__} may be"
    said = StaleLimit(
        f"what is remembered of `{shelf.source}` is {_span(wall - entry.as_of)} old, older {allowed}, and "
        f"`{shelf.source}` cannot say anything newer ({failure.code}): ask again when it answers",
        source=shelf.source,
        retry_after=failure.retry_after,
    )
    said.__cause__ = failure
    return said


def late(source: str) -> TimedOut:
    """What is said where an asker's own time is up."""
    message = f"`{source}` did not answer in the time that this question has: ask again with a longer one"
    return TimedOut(message, source=source)


def _span(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"
