"""What the writers read of Stripe's objects: what decides whether a change was done, and what it came to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sources.vendors.stripe.wire import Many, Metadata, Named, Pause, Recurring, Wire
from sources.vendors.stripe.wire_documents import LineParent, Period, Tax


class Payer(Wire, frozen=True, gc=False, kw_only=True):
    """A customer."""

    name: str | None = None
    email: str | None = None
    currency: str | None = None
    deleted: bool = False
    metadata: Metadata | None = None


class Feature(Wire, frozen=True, gc=False, kw_only=True):
    """A feature; also any other object of which only the name and the metadata matter."""

    name: str | None = None
    lookup_key: str | None = None
    active: bool = True
    metadata: Metadata | None = None


class Offered(Wire, frozen=True, gc=False, kw_only=True):
    """A feature that comes with a product."""

    entitlement_feature: Feature


class Listed(Wire, frozen=True, gc=False, kw_only=True):
    """A price of the catalogue; `unit_amount_decimal` in Stripe's smallest units, None where it is tiered."""

    currency: str
    product: str | Named
    unit_amount_decimal: Decimal | None = None
    recurring: Recurring | None = None
    tax_behavior: str | None = None


class BillLine(Wire, frozen=True, gc=False, kw_only=True):
    """A line of an invoice or of a preview."""

    amount: int
    period: Period | None = None
    parent: LineParent | None = None


class Bill(Wire, frozen=True, gc=False, kw_only=True):
    """An invoice, or the preview of one."""

    status: str | None
    currency: str
    total: int
    amount_remaining: int = 0
    number: str | None = None
    customer: str | Named | None = None
    billing_reason: str | None = None
    auto_advance: bool | None = None
    attempt_count: int = 0
    pre_payment_credit_notes_amount: int = 0
    post_payment_credit_notes_amount: int = 0
    total_taxes: list[Tax] | None = None
    lines: Many[BillLine] | None = None
    metadata: Metadata | None = None


class HeldItem(Wire, frozen=True, gc=False, kw_only=True):
    """A line of a subscription."""

    price: Named
    quantity: int | None = None


class Held(Wire, frozen=True, gc=False, kw_only=True):
    """A subscription; its invoice where that was expanded."""

    status: str
    customer: str | Named
    currency: str
    items: Many[HeldItem]
    collection_method: str | None = None
    latest_invoice: str | Bill | None = None
    cancel_at: int | None = None
    cancel_at_period_end: bool = False
    ended_at: int | None = None
    pause_collection: Pause | None = None
    pending_update: dict[str, Any] | None = None
    schedule: str | Named | None = None
    metadata: Metadata | None = None

    @property
    def bill(self) -> Bill | None:
        """The latest invoice, where it was expanded."""
        return self.latest_invoice if isinstance(self.latest_invoice, Bill) else None


class Planned(Wire, frozen=True, gc=False, kw_only=True):
    """A schedule of a subscription that may not exist yet."""

    status: str
    customer: str | Named
    subscription: str | Named | None = None
    released_subscription: str | None = None
    metadata: Metadata | None = None

    @property
    def begun(self) -> str | None:
        """The subscription that it has begun."""
        return (
            self.subscription.id
            if isinstance(self.subscription, Named)
            else (self.subscription or self.released_subscription)
        )


class Note(Wire, frozen=True, gc=False, kw_only=True):
    """A credit note."""

    status: str
    type: str
    currency: str
    total: int
    number: str | None = None
    invoice: str | Bill | None = None
    pre_payment_amount: int | None = None
    post_payment_amount: int | None = None
    metadata: Metadata | None = None


class Returned(Wire, frozen=True, gc=False, kw_only=True):
    """A refund."""

    amount: int
    currency: str
    status: str | None = None
    metadata: Metadata | None = None


class Tariff(Wire, frozen=True, gc=False, kw_only=True):
    """A price: only how it is used."""

    recurring: Recurring | None = None


class Paid(Wire, frozen=True, gc=False, kw_only=True):
    """A payment, as an intent or as a charge: only what its currency is."""

    currency: str
