"""SOQL's dates: instants with an offset, days, and ranges that have names (`LAST_N_DAYS:7`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

Range = tuple[date, date]
"""From the first day to the day after the last."""

_ONE = timedelta(days=1)
_OFFSET = re.compile(r"([+-]\d\d):?(\d\d)$")


def instant(at: datetime) -> str:
    """An instant as it is stored and sent."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}+0000"


def read_instant(text: str) -> str:
    """An instant literal, or one of a request's body, as it is stored. Raises ValueError."""
    return instant(moment(text))


def moment(text: str) -> datetime:
    """An instant of an ISO 8601 text; UTC where it names no offset. Raises ValueError."""
    found = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", text.replace("Z", "+00:00")))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def midnight(on: date) -> str:
    """The first instant of a day; the simulated user lives in UTC."""
    return instant(datetime.combine(on, time(), UTC))


def _week(today: date, weeks: int) -> Range:
    start = today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=weeks)  # weeks begin on Sunday
    return start, start + timedelta(weeks=1)


def _months(today: date, first: int, count: int) -> Range:
    """`count` months from the `first`th after this one."""

    def start(months: int) -> date:
        year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
        return date(year, month + 1, 1)

    return start(first), start(first + count)


def _quarters(today: date, first: int, count: int) -> Range:
    return _months(today, -((today.month - 1) % 3) + 3 * first, 3 * count)


def _years(today: date, first: int, count: int) -> Range:
    return _months(today, 1 - today.month + 12 * first, 12 * count)


def _days(today: date, first: int, count: int) -> Range:
    return today + first * _ONE, today + (first + count) * _ONE


_FIXED: dict[str, Callable[[date], Range]] = {
    "YESTERDAY": lambda today: _days(today, -1, 1),
    "TODAY": lambda today: _days(today, 0, 1),
    "TOMORROW": lambda today: _days(today, 1, 1),
    "LAST_WEEK": lambda today: _week(today, -1),
    "THIS_WEEK": lambda today: _week(today, 0),
    "NEXT_WEEK": lambda today: _week(today, 1),
    "LAST_MONTH": lambda today: _months(today, -1, 1),
    "THIS_MONTH": lambda today: _months(today, 0, 1),
    "NEXT_MONTH": lambda today: _months(today, 1, 1),
    "LAST_90_DAYS": lambda today: _days(today, -90, 91),
    "NEXT_90_DAYS": lambda today: _days(today, 1, 90),
    "LAST_QUARTER": lambda today: _quarters(today, -1, 1),
    "THIS_QUARTER": lambda today: _quarters(today, 0, 1),
    "NEXT_QUARTER": lambda today: _quarters(today, 1, 1),
    "LAST_YEAR": lambda today: _years(today, -1, 1),
    "THIS_YEAR": lambda today: _years(today, 0, 1),
    "NEXT_YEAR": lambda today: _years(today, 1, 1),
}
_COUNTED: dict[str, Callable[[date, int], Range]] = {
    "LAST_N_DAYS": lambda today, n: _days(today, -n, n + 1),  # today is part of it
    "NEXT_N_DAYS": lambda today, n: _days(today, 1, n),
    "N_DAYS_AGO": lambda today, n: _days(today, -n, 1),
    "LAST_N_WEEKS": lambda today, n: (_week(today, -n)[0], _week(today, 0)[0]),
    "NEXT_N_WEEKS": lambda today, n: (_week(today, 1)[0], _week(today, n)[1]),
    "LAST_N_MONTHS": lambda today, n: _months(today, -n, n),
    "NEXT_N_MONTHS": lambda today, n: _months(today, 1, n),
    "LAST_N_QUARTERS": lambda today, n: _quarters(today, -n, n),
    "NEXT_N_QUARTERS": lambda today, n: _quarters(today, 1, n),
    "LAST_N_YEARS": lambda today, n: _years(today, -n, n),
    "NEXT_N_YEARS": lambda today, n: _years(today, 1, n),
}


def named(text: str, today: date) -> Range | None:
    """The days a name stands for, or None when it is no such name. Raises OverflowError or ValueError out of range."""
    name, _, count = text.partition(":")
    if count:
        return _COUNTED[name](today, int(count)) if name in _COUNTED else None
    return _FIXED[name](today) if name in _FIXED else None
