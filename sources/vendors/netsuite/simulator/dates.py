"""Dates inside the simulator's tables: a marked, sortable text that no other text can be mistaken for."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

MARK = "\x01"  # then YYYY-MM-DD HH:MM:SS; so MIN, CASE, UNION and ORDER BY keep a date a date
_TOKENS = re.compile(
    r'"([^"]*)"|(YYYY|YY|MONTH|MON|MM|DD|D|HH24|HH12|HH|MI|SS|FF3|AM|PM|Q|M)|(.)', re.IGNORECASE | re.DOTALL
)
_WIDTHS = {"YYYY": 4, "YY": 2, "FF3": 3}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def mark(value: date | None) -> str | None:
    """A date or UTC datetime as the tables hold it."""
    if value is None:
        return None
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return f"{MARK}{moment:%Y-%m-%d %H:%M:%S}"
    return _marked_day(value)


@lru_cache(maxsize=20_000)
def _marked_day(value: date) -> str:
    return f"{MARK}{value.isoformat()} 00:00:00"


def is_marked(value: object) -> bool:
    """Is this one of our dates?"""
    return isinstance(value, str) and value.startswith(MARK)


def unmark(value: str) -> datetime:
    """The UTC datetime, without a zone, of a marked text."""
    return datetime.fromisoformat(value[1:])


def spell(value: str, pattern: str) -> str:
    """A marked text in an Oracle date pattern (`YYYY-MM-DD HH24:MI:SS`, `MON`, `"T"`); M and D are without zeros."""
    when = unmark(value)
    words = {
        "YYYY": f"{when:%Y}",
        "YY": f"{when:%y}",
        "MM": f"{when:%m}",
        "M": str(when.month),
        "MON": _MONTHS[when.month - 1],
        "MONTH": f"{when:%B}".upper(),
        "DD": f"{when:%d}",
        "D": str(when.day),
        "HH24": f"{when:%H}",
        "HH12": f"{when:%I}",
        "HH": f"{when:%I}",
        "MI": f"{when:%M}",
        "SS": f"{when:%S}",
        "FF3": "000",
        "AM": f"{when:%p}",
        "PM": f"{when:%p}",
        "Q": str((when.month + 2) // 3),
    }
    return "".join(
        words[token.upper()] if token else quoted or other for quoted, token, other in _TOKENS.findall(pattern)
    )


def parse(text: str, pattern: str) -> str:
    """The marked text of `text` read by an Oracle date pattern; raises ValueError."""
    found = _reader(pattern).fullmatch(text.strip())
    if not found:
        raise ValueError(f"`{text}` is no date in the form `{pattern}`")
    part = {name: value for name, value in found.groupdict().items() if value}
    month = _MONTHS.index(part["MON"].upper()) + 1 if "MON" in part else int(part.get("MM") or part.get("M") or 1)
    year = int(part["YYYY"]) if "YYYY" in part else 2000 + int(part["YY"])
    hour = int(part.get("HH24") or part.get("HH12") or part.get("HH") or 0)
    if "AM" in part:
        hour = hour % 12 + (12 if part["AM"].upper() == "PM" else 0)
    day = int(part.get("DD") or part.get("D") or 1)
    moment = datetime(year, month, day, hour, int(part.get("MI", 0)), int(part.get("SS", 0)))  # noqa: DTZ001
    return f"{MARK}{moment:%Y-%m-%d %H:%M:%S}"


@lru_cache(maxsize=200)
def _reader(pattern: str) -> re.Pattern[str]:
    def piece(match: re.Match[str]) -> str:
        quoted, token, other = match.groups()
        if not token:
            return re.escape(quoted or other)
        name = "AM" if token.upper() == "PM" else token.upper()
        if name in ("MON", "AM"):
            return f"(?P<{name}>{'|'.join(_MONTHS) if name == 'MON' else 'AM|PM'})"
        width = _WIDTHS.get(name)
        return f"(?P<{name}>\\d{{{width}}})" if width else f"(?P<{name}>\\d{{1,2}})"

    return re.compile(_TOKENS.sub(piece, pattern), re.IGNORECASE)


def shift(value: str, days: float) -> str:
    """A marked text some days later."""
    return f"{MARK}{unmark(value) + timedelta(days=days):%Y-%m-%d %H:%M:%S}"
