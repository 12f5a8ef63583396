"""What vendors say beside their answers, of when to come back and of what is left: pure, and never raising."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds after which `Retry-After` wants the call again; None where nothing (or nothing sensible) is said.

    A date counts from the answer's own `Date`, so that nobody's clock has to be right. Header names in lower case.
    """
    told = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(told):
        return float(told)
    then, now = _moment(told), _moment(headers.get("date", ""))
    return max(0.0, (then - now).total_seconds()) if then is not None and now is not None else None


def whole(text: str | None) -> int | None:
    """A count of something as text; None where it is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def account(url: str) -> str:
    """What tells the accounts of a vendor apart: the place they are called at."""
    return url.partition("://")[2].rstrip("/").lower() or url


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else None
