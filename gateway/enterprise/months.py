"""Months and years of the calendar, for periods that end where the next begins."""

from __future__ import annotations

import calendar
from datetime import date, datetime
from typing import TypeVar

Day = TypeVar("Day", date, datetime)


def add_months(day: Day, months: int) -> Day:
    """The same day so many months later, or the month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def step(day: Day, interval: str, count: int = 1) -> Day:
    """`day` moved by `count` months or years."""
    return add_months(day, count * (12 if interval == "year" else 1))
