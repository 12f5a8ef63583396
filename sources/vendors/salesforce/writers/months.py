"""Terms in whole months, as a contract has them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def last_day(start: date, months: int) -> date:
    """The last day of a term of so many months from `start` on; a month that is too short ends it earlier."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])) - timedelta(days=1)


def whole_months(start: date, end: date) -> int | None:
    """How many months lead from the first day to the last; None where no number does."""
    about = (end.year - start.year) * 12 + end.month - start.month
    return next((months for months in (about, about + 1) if months > 0 and last_day(start, months) == end), None)
