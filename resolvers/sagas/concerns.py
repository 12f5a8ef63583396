"""Concerns: whose it is when a step needs a person, and by when they answer and clear it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_OPENS, _CLOSES, _SATURDAY = 9, 17, 5  # office hours, in UTC, until owners have calendars of their own


@dataclass(frozen=True, slots=True)
class Concern:
    """A row of the table of exceptions. `always`: its times count around the clock, else in office hours."""

    owner: str
    answer: timedelta
    clear: timedelta
    escalates_to: str
    always: bool = False

    def due(self, now: datetime) -> tuple[datetime, datetime]:
        """By when the owner has to answer, and to clear it."""
        if self.always:
            return now + self.answer, now + self.clear
        return _in_office(now, self.answer), _in_office(now, self.clear)

    def written(self) -> dict[str, Any]:
        """What an exception keeps of it, so that its times can be counted anew; times in seconds."""
        return {
            "escalatesTo": self.escalates_to,
            "answer": self.answer.total_seconds(),
            "clear": self.clear.total_seconds(),
            "always": self.always,
        }

    @classmethod
    def read(cls, owner: str, written: Mapping[str, Any]) -> Concern | None:
        """What `written` made; None of an exception that keeps no such thing."""
        try:
            answer, clear = timedelta(seconds=written["answer"]), timedelta(seconds=written["clear"])
            return cls(owner, answer, clear, written["escalatesTo"], written["always"])
        except KeyError:
            return None


def _in_office(start: datetime, work: timedelta) -> datetime:
    """The instant at which so much office time has passed; a day of work is eight hours."""
    at, left = start.astimezone(UTC), work if work < timedelta(days=1) else work / 3
    while True:
        opens, closes = (
            at.replace(hour=_OPENS, minute=0, second=0, microsecond=0),
            at.replace(hour=_CLOSES, minute=0, second=0, microsecond=0),
        )
        at = max(at, opens)
        if at.weekday() < _SATURDAY and at + left <= closes:
            return at + left
        if at.weekday() < _SATURDAY and at < closes:
            left -= closes - at
        at = opens + timedelta(days=1)


UNPROVISIONED = Concern("revops", timedelta(minutes=15), timedelta(hours=4), "platform", always=True)
"""Charged or invoiced, and what was bought is not there."""
UNKNOWN_MONEY = Concern("platform", timedelta(minutes=15), timedelta(hours=2), "finance_controller", always=True)
TECHNICAL = Concern("platform", timedelta(minutes=30), timedelta(hours=2), "platform", always=True)
UNDO_FAILED = Concern("finance", timedelta(hours=1), timedelta(days=1), "finance_controller")
LEDGER = Concern("finance", timedelta(hours=4), timedelta(days=1), "finance_controller")
"""A locked period, a posting refused, a tax mismatch."""
CREDIT = Concern("credit_manager", timedelta(hours=4), timedelta(days=2), "finance_controller")
RECORDS = Concern("revops", timedelta(hours=4), timedelta(days=2), "finance_controller")
"""Unmapped items, ambiguous customers."""
SERVICE = Concern("support_lead", timedelta(minutes=30), timedelta(hours=4), "revops")
"""An entitlement or service level that did not take effect."""
