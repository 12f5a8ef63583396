"""An order as it is asked about: what the input says, made exact, before anything is known about it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from sources.canonical import Parties


class Kind(StrEnum):
    """What an order does."""

    NEW = "NEW"
    AMEND = "AMEND"
    RENEW = "RENEW"


class Usage(msgspec.Struct, frozen=True):
    """What was agreed about something metered, for each period; `overage_price` in major units for one unit."""

    included: Decimal | None = None
    committed: Decimal | None = None
    overage_price: Decimal | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `place` is its number in the input, from 0; `quantity` is more than nothing.

    At most one of `unit_price` (major units) and `discount` (per cent off the list) is given. `end_on` is the last day.
    """

    place: int
    product_key: str | None = None
    price_key: str | None = None
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = None
    discount: Decimal | None = None
    free_months: int = 0
    start_on: date | None = None
    end_on: date | None = None
    usage: Usage | None = None


class QuoteApproval(msgspec.Struct, frozen=True):
    """Who approved a discount in CPQ, and up to how many per cent."""

    approver: str
    discount_limit: Decimal


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What CPQ says of its quote; `total` is what it comes to over the whole term, in major units, before tax."""

    key: str
    valid_until: date | None = None
    total: Decimal | None = None
    approval: QuoteApproval | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order. In an amendment and in a renewal `lines` is all that the subscription is to have from then on: what is
    left out goes. `parties` names the account itself where the input names nobody. `start_on` None: today, where the
    entity is. `end_on` is the last day."""

    kind: Kind = Kind.NEW
    account_key: str
    parties: Parties
    entity_key: str | None = None
    currency: str
    lines: tuple[Line, ...] = ()
    purchase_order: str | None = None
    terms: str | None = None
    quote: Quote | None = None
    subscription_key: str | None = None
    start_on: date | None = None
    end_on: date | None = None
    term_months: int | None = None

    @property
    def account_keys(self) -> tuple[str, ...]:
        """Every account that takes part, each once, the asked one first."""
        found = [self.account_key, *(getattr(self.parties, name) for name in PARTIES)]
        return tuple(dict.fromkeys(key for key in found if key))

    @property
    def bill_to_key(self) -> str:
        """Whom the invoice is for."""
        return self.parties.bill_to_key or self.account_key

    @property
    def ship_to_key(self) -> str:
        """Where it goes, which tax follows."""
        return self.parties.ship_to_key or self.account_key

    @property
    def end_customer_key(self) -> str:
        """Who uses it, whom entitlement follows."""
        return self.parties.end_customer_key or self.account_key

    @property
    def sold_to_key(self) -> str:
        """Who orders."""
        return self.parties.sold_to_key or self.account_key


PARTIES = ("sold_to_key", "bill_to_key", "ship_to_key", "payer_key", "end_customer_key", "reseller_key")
