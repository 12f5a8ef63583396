"""The SQL functions SuiteQL has and SQLite lacks, dates included."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.dates import is_marked, mark, parse, shift, spell, unmark

# Functions a query may call by name, besides those the parser itself knows; SQLite gets them under the same name.
CALLABLE = frozenset({"TO_CHAR", "TO_DATE", "TO_TIMESTAMP", "TO_NUMBER", "TRUNC", "ADD_MONTHS", "LAST_DAY", "INSTR"})


def number_text(value: float) -> str:
    """A number as SuiteQL writes it: no exponent, no trailing zeros, 15 significant digits."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.15g}"
    if "e" in text:
        text = f"{value:f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def render(value: object) -> str | None:
    """A value of a result row: text, or None for null."""
    if value is None or isinstance(value, str):
        return spell(value, facts.DATE_FORMAT) if is_marked(value) else value  # type: ignore[arg-type]
    return number_text(value) if isinstance(value, int | float) else str(value)


def to_char(value: Any, pattern: str | None = None) -> str | None:
    """TO_CHAR of a date or number; a number's pattern only counts its decimals."""
    if value is None:
        return None
    if is_marked(value):
        return spell(value, pattern or facts.DATE_FORMAT)
    if isinstance(value, str) or pattern is None:
        return render(value)
    decimals = len(pattern.partition(".")[2])
    return f"{value:.{decimals}f}"


def to_date(value: Any, pattern: str | None = None) -> str | None:
    """TO_DATE and TO_TIMESTAMP; raises ValueError."""
    if value is None or is_marked(value):
        return value  # type: ignore[no-any-return]
    return parse(str(value), pattern or facts.DATE_FORMAT)


def _truncate(value: Any, part: Any = None) -> Any:
    if is_marked(value):
        keep = {"YYYY": 5, "YEAR": 5, "MM": 8, "MONTH": 8}.get(str(part).upper(), 11)
        return value[:keep] + "0000-01-01 00:00:00"[keep - 1 :] if keep == 11 else _first_of(value, keep)
    if value is None:
        return None
    scale = 10 ** int(part or 0)
    return math.trunc(float(value) * scale) / scale


def _first_of(value: str, keep: int) -> str:
    return value[:keep] + "-01-01 00:00:00"[keep - 5 :]


def _add_months(value: str | None, months: float) -> str | None:
    if value is None:
        return None
    when = unmark(to_date(value) or "")
    ordinal = when.year * 12 + when.month - 1 + int(months)
    first = when.replace(year=ordinal // 12, month=ordinal % 12 + 1, day=1)
    last = _month_end(first).day
    whole = when.day == _month_end(when.replace(day=1)).day  # the end of a month stays one, as in Oracle
    return mark(first.replace(day=last if whole else min(when.day, last), tzinfo=UTC))


def _month_end(first: datetime) -> datetime:
    return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _last_day(value: str | None) -> str | None:
    return None if value is None else mark(_month_end(unmark(value).replace(day=1)).replace(tzinfo=UTC))


def _plus(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if is_marked(left):
        return shift(left, right)
    return shift(right, left) if is_marked(right) else left + right


def _minus(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if is_marked(left) and is_marked(right):
        return (unmark(left) - unmark(right)) / timedelta(days=1)
    return shift(left, -right) if is_marked(left) else left - right


def _status(kind: str | None, status: str | None) -> str | None:
    label = facts.STATUS_LABELS.get(kind or "", {}).get(status or "", status)
    return label and facts.STATUS_LABEL.format(status=label, type=facts.TYPE_LABELS.get(kind or "", kind))


class _Sum:
    """SUM without the drift of adding floats one by one."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self._values.append(float(value))

    def finalize(self) -> float | None:
        return math.fsum(self._values) if self._values else None


def install(book: sqlite3.Connection, now: Callable[[], datetime]) -> None:
    """Gives the connection every function a translated query may call; `now` is UTC."""
    pure: dict[str, tuple[int, Callable[..., Any]]] = {
        "to_char": (-1, to_char),
        "to_date": (-1, to_date),
        "to_timestamp": (-1, to_date),
        "to_number": (-1, lambda value, _pattern=None: None if value is None else float(value)),
        "trunc": (-1, _truncate),
        "add_months": (2, _add_months),
        "last_day": (1, _last_day),
        "upper": (1, lambda text: None if text is None else str(render(text)).upper()),
        "lower": (1, lambda text: None if text is None else str(render(text)).lower()),
        "ns_plus": (2, _plus),
        "ns_minus": (2, _minus),
        "ns_status": (2, _status),
        "ns_type": (1, lambda kind: facts.TYPE_LABELS.get(kind, kind)),
        "ns_approval": (1, lambda key: facts.APPROVALS.get(str(key), key)),
        "ns_hold": (1, lambda key: facts.HOLDS.get(key, key)),
    }
    for name, (arguments, function) in pure.items():
        book.create_function(name, arguments, function, deterministic=True)
    book.create_function("ns_now", 0, lambda: mark(now()))
    book.create_function("ns_today", 0, lambda: mark(now().date()))
    book.create_aggregate("sum", 1, _Sum)  # type: ignore[arg-type]
