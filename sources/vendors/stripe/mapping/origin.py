"""Where a row came from, and the small translations every mapping needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, Overflow
from typing import Any, TypeVar

import msgspec

from sources.canonical import Evidence, Money, MoneyError, UnitPrice, exponent, sensible
from sources.errors import UnknownValue
from sources.vendors.stripe import facts
from sources.vendors.stripe.wire import Metadata, Wire

V = TypeVar("V")
VENDOR = "stripe"


class Origin(msgspec.Struct, frozen=True):
    """The source a row was read from, when it was true, and what is known about whose it is.

    `entity` is the source's only legal entity (None where it serves several), `accounts` maps customer ids to canonical
    account keys.
    """

    source: str
    as_of: datetime
    entity: str | None = None
    accounts: Mapping[str, str] = msgspec.field(default_factory=dict)

    def evidence(self, field: str, value: object) -> Evidence:
        """The source's own word."""
        return Evidence(self.source, field, "null" if value is None else str(value))

    def account(self, customer: str | None, *noted: Metadata | None) -> str:
        """The canonical account key: the link of the customer, else what our metadata say, else nothing."""
        return self.accounts.get(customer or "", "") or noted_as(facts.ACCOUNT, *noted) or ""

    def legal_entity(self, *noted: Metadata | None) -> str | None:
        """The entity of a document: from the first metadata that name it, else the source's only one."""
        return noted_as(facts.ENTITY, *noted) or self.entity


def noted_as(name: str, *noted: Metadata | None) -> str | None:
    """The first of our metadata that has `name` with a value."""
    for metadata in noted:
        if metadata and metadata.get(name):
            return metadata[name]
    return None


def known(vocabulary: Mapping[Any, V], field: str, value: object) -> V:
    """`value` in a vocabulary, or UnknownValue with the field's name."""
    try:
        return vocabulary[value]
    except KeyError:
        raise UnknownValue(VENDOR, field, value) from None


def moment(seconds: int | None, field: str) -> datetime | None:
    """Unix seconds as an instant, UTC, where there are any."""
    return None if seconds is None else instant(seconds, field)


def instant(seconds: int, field: str) -> datetime:
    """Unix seconds as an instant, UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise UnknownValue(VENDOR, field, seconds) from None


def text_moment(text: str | None, field: str) -> datetime | None:
    """An ISO 8601 instant of our own metadata; without an offset it is UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnknownValue(VENDOR, field, text) from None


def number(value: Decimal | int, field: str) -> Decimal:
    """A number that can be calculated with; raises UnknownValue for what is none (`nan` is text that counts as one)."""
    found = Decimal(value)
    if not sensible(found):
        raise UnknownValue(VENDOR, field, value)
    return found


def currency(code: str, field: str = "currency") -> str:
    """Stripe's lower-case currency as ISO 4217 writes it."""
    upper = code.upper()
    try:
        exponent(upper)
    except MoneyError:
        raise UnknownValue(VENDOR, field, code) from None
    return upper


def decimals(iso: str) -> int:
    """How many decimals Stripe's amounts in `iso` have."""
    return facts.EXPONENTS.get(iso, exponent(iso))


def money(amount: int, code: str, field: str) -> Money:
    """Stripe's smallest unit as money; raises UnknownValue where ISO 4217 has no such amount."""
    iso = currency(code)
    try:
        return Money.of(Decimal(amount).scaleb(-decimals(iso)), iso)
    except (MoneyError, Overflow):
        raise UnknownValue(VENDOR, field, amount) from None


def rounded(amount: Decimal, iso: str) -> Money:
    """Major units, rounded half up to what the currency can carry: for computed amounts only."""
    places = exponent(iso)
    return Money(int(amount.scaleb(places).to_integral_value(ROUND_HALF_UP)), iso)


def unit_price(amount: Decimal, iso: str) -> UnitPrice:
    """Stripe's smallest units, perhaps with decimals, as a price in major units."""
    return UnitPrice(amount.scaleb(-decimals(iso)), iso)


def id_of(reference: str | Wire | None) -> str | None:
    """The id of something that may have been expanded."""
    return reference if isinstance(reference, str) or reference is None else reference.id
