"""Masks: what a value looks like to a role that may not see it whole. A mask never raises."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

Mask: TypeAlias = Callable[[Any], Any]

_HIDDEN = "•••"


def last4(value: Any) -> str | None:
    """The last four characters of a text that has at least eight; less is hidden whole."""
    text = str(value)
    return f"{_HIDDEN}{text[-4:]}" if len(text) >= 8 else _HIDDEN


def redact(_value: Any) -> str:
    """Nothing but that there is something."""
    return _HIDDEN


def year(value: Any) -> str:
    """The year of a date, as its first day."""
    return f"{value.year:04d}-01-01" if isinstance(value, date) else _HIDDEN


def bucket(value: Any) -> str:
    """The order of magnitude of a number."""
    number = abs(Decimal(str(value)))
    return "0" if number == 0 else f"{'-' if Decimal(str(value)) < 0 else ''}10^{number.adjusted()}"


def email_domain(value: Any) -> str:
    """The domain of an e-mail address."""
    _, at, domain = str(value).rpartition("@")
    return f"{_HIDDEN}@{domain}" if at and domain else _HIDDEN


def keyed_hash(key: bytes) -> Mask:
    """The same token for the same value, as long as the key is the same."""

    def hashed(value: Any) -> str:
        return "h:" + hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()[:16]

    return hashed


_TEXTS = frozenset({"String", "ID"})
# name -> (strength: the weaker one wins where several roles show a value, scalars it fits; empty: any)
MASKS: dict[str, tuple[int, frozenset[str]]] = {
    "email_domain": (1, _TEXTS),
    "last4": (2, _TEXTS),
    "year": (3, frozenset({"Date", "DateTime"})),
    "bucket": (4, frozenset({"Int", "Float", "Decimal"})),
    "hash": (5, _TEXTS),
    "redact": (6, _TEXTS),
}


def mask(name: str, key: bytes) -> Mask:
    """A mask by name; where it cannot be applied the value is hidden."""
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
