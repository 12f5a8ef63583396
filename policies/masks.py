"""Masks: what a value looks like to a role that may not see it whole. A mask never raises."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

Mask: TypeAlias = Callable[[Any], Any]

_HIDDEN = "•••"


def last4(value: Any) -> str:
    """The last four characters of a text that has at least eight; less is hidden whole."""
    text = _text(value)
    return f"{_HIDDEN}{text[-4:]}" if len(text) >= 8 else _HIDDEN


def redact(_value: Any) -> str:
    """Nothing but that there is something."""
    return _HIDDEN


def year(value: Any) -> date:
    """The first day of a date's year; of an instant, its first moment in UTC."""
    if isinstance(value, datetime):
        return datetime((value.astimezone(UTC) if value.tzinfo else value).year, 1, 1, tzinfo=UTC)
    if isinstance(value, date):
        return date(value.year, 1, 1)
    raise TypeError("no date")


def bucket(value: Any) -> int | float | Decimal:
    """A number's order of magnitude, as the power of ten below it, in the number's own type."""
    if value.__class__ is int:
        power = 10 ** (len(str(abs(value))) - 1) if value else 0
        return power if value >= 0 else -power
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise TypeError("no number")
    exact = Decimal(str(value))
    if exact == 0:
        return type(value)(0)
    return type(value)((Decimal(10) ** exact.adjusted()).copy_sign(exact))


def email_domain(value: Any) -> str:
    """The domain of an e-mail address."""
    _, at, domain = _text(value).rpartition("@")
    return f"{_HIDDEN}@{domain}" if at and domain else _HIDDEN


def keyed_hash(key: bytes) -> Mask:
    """The same token for the same value, as long as the key is the same."""

    def hashed(value: Any) -> str:
        return "h:" + hmac.new(key, _text(value).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]

    return hashed


def _text(value: Any) -> str:
    if value.__class__ is str:
        text: str = value
        return text
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError("no text")


_TEXTS = frozenset({"String", "ID"})
# name -> (strength: the weaker one wins where several roles show a value, scalars it fits)
MASKS: dict[str, tuple[int, frozenset[str]]] = {
    "email_domain": (1, _TEXTS),
    "last4": (2, _TEXTS),
    "year": (3, frozenset({"Date", "DateTime"})),
    "bucket": (4, frozenset({"Int", "Long", "Float", "Decimal"})),
    "hash": (5, _TEXTS),
    "redact": (6, _TEXTS),
}
NEVER_NULL = frozenset({"email_domain", "last4", "hash", "redact"})  # of a value that the mask fits


def mask(name: str, key: bytes) -> Mask:
    """A mask by name; a value that it cannot be applied to becomes null."""
    found: dict[str, Mask] = {
        "last4": last4,
        "redact": redact,
        "year": year,
        "bucket": bucket,
        "email_domain": email_domain,
        "hash": keyed_hash(key),
    }
    apply = found[name]

    def safely(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, (list, tuple)):
            return [safely(each) for each in value]
        try:
            return apply(value)
        except Exception:
            return None

    return safely
