"""Invoice as billing issued it, its lines, and as the ERP posted it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from sources.canonical.money import Money
from sources.canonical.record import Evidence, Owned


class InvoiceStatus(StrEnum):
    """The base status."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    CREDITED = "CREDITED"
    WRITTEN_OFF = "WRITTEN_OFF"
    VOID = "VOID"


class InvoiceOverlay(StrEnum):
    """What is going on besides. OVERDUE needs a clock and a time zone and is added above the sources."""

    OVERDUE = "OVERDUE"
    DISPUTED = "DISPUTED"
    PAYMENT_PENDING = "PAYMENT_PENDING"
    COLLECTION_STOPPED = "COLLECTION_STOPPED"


class PostingState(StrEnum):
    """How far an issued invoice is in the ERP; derived from both."""

    NOT_REQUIRED = "NOT_REQUIRED"
    PENDING = "PENDING"
    POSTED = "POSTED"
    FAILED = "FAILED"
    MISMATCH = "MISMATCH"


class Settlement(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How what is no longer due was settled."""

    cash: Money
    credit: Money
    write_off: Money
    withheld_tax: Money


class Invoice(Owned, frozen=True, gc=False, kw_only=True):
    """An invoice as issued; key = billing invoice id. Owner: billing."""

    number: str | None = None  # None while DRAFT
    status: InvoiceStatus
    status_since: datetime | None = None
    status_evidence: tuple[Evidence, ...] = ()
    overlays: tuple[InvoiceOverlay, ...] = ()
    legal_entity: str | None = None
    currency: str
    subtotal: Money
    tax: Money
    total: Money
    paid: Money
    remaining: Money
    settlement: Settlement
    collection_method: str | None = None
    due_at: datetime | None = None  # None when charged automatically
    issued_at: datetime | None = None  # finalised
    period_start: datetime | None = None
    period_end: datetime | None = None
    attempt_count: int = 0
    next_attempt_at: datetime | None = None
    billing_reason: str | None = None
    subscription_key: str | None = None
    hosted_url: str | None = None
    bill_to_key: str | None = None  # account key where another account is billed
    lines_complete: bool = True
    created_at: datetime | None = None


class InvoiceLine(Owned, frozen=True, gc=False, kw_only=True):
    """A line of an issued invoice; key = billing line id. Part of Invoice, owner: billing."""

    invoice_key: str
    description: str | None = None
    quantity: Decimal | None = None
    amount: Money
    tax: Money | None = None
    product_key: str | None = None
    price_key: str | None = None
    subscription_key: str | None = None
    proration: bool = False
    period_start: datetime | None = None
    period_end: datetime | None = None


class PostedStatus(StrEnum):
    """What the ERP says of a posted document."""

    PENDING_APPROVAL = "PENDING_APPROVAL"
    REJECTED = "REJECTED"
    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"


class PostedInvoice(Owned, frozen=True, gc=False, kw_only=True):
    """The same invoice as the ERP posted it; key = ERP transaction id. Facet of Invoice, owner: ERP.

    `invoice_key` is the billing invoice's key, read from the ERP's external id; None for an invoice that only the ERP
    has.
    """

    invoice_key: str | None = None
    number: str | None = None
    status: PostedStatus
    status_evidence: tuple[Evidence, ...] = ()
    legal_entity: str | None = None
    currency: str
    exchange_rate: Decimal | None = None
    total: Money
    tax: Money | None = None
    paid: Money
    remaining: Money
    posted_on: date | None = None
    due_on: date | None = None
    period: str | None = None
    disputed: bool = False
    written_off: bool = False
    updated_at: datetime | None = None
