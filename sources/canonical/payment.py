"""Payment, CreditMemo, Refund, Dispute, WriteOff."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from sources.canonical.money import Money
from sources.canonical.record import Evidence, Owned


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    DISPUTE_LOST = "DISPUTE_LOST"
    REVERSED = "REVERSED"


class Application(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How much of a payment or credit went to which invoice."""

    invoice_key: str | None  # billing invoice key; None where only the ERP has the invoice
    source_document_id: str
    amount: Money
    discount_taken: Money | None = None


class Payment(Owned, frozen=True, gc=False, kw_only=True):
    """Money received; owner: the ERP once posted, else billing.

    key = the billing payment id where there is one (the ERP carries it as external id), else the ERP transaction id, so
    that the same payment read from both systems has one key.
    """

    status: PaymentStatus
    status_evidence: tuple[Evidence, ...] = ()
    legal_entity: str | None = None
    amount: Money
    applied: Money | None = None
    unapplied: Money | None = None
    applications: tuple[Application, ...] = ()
    on_account: bool = False
    received_at: datetime | None = None
    received_on: date | None = None
    method: str | None = None
    reference: str | None = None
    posted: bool = False


class GatewayPayment(Owned, frozen=True, gc=False, kw_only=True):
    """What the payment gateway says of a payment; key = billing payment id. Facet of Payment, owner: billing."""

    status: PaymentStatus
    status_evidence: tuple[Evidence, ...] = ()
    failure_code: str | None = None
    method: str | None = None
    captured: Money | None = None
    refunded: Money | None = None
    created_at: datetime | None = None


class CreditReason(StrEnum):
    """Why a credit was given."""

    BILLING_ERROR = "BILLING_ERROR"
    SERVICE_LEVEL = "SERVICE_LEVEL"
    GOODWILL = "GOODWILL"
    PRORATION = "PRORATION"
    RETURN = "RETURN"
    TAX = "TAX"


class CreditMemoStatus(StrEnum):
    """Where a credit stands."""

    OPEN = "OPEN"
    APPLIED = "APPLIED"
    VOID = "VOID"


class CreditMemo(Owned, frozen=True, gc=False, kw_only=True):
    """A credit given; owner and key as for Payment (billing credit note id where there is one)."""

    number: str | None = None
    status: CreditMemoStatus
    status_evidence: tuple[Evidence, ...] = ()
    reason: CreditReason | None = None
    legal_entity: str | None = None
    total: Money
    unapplied: Money | None = None
    applications: tuple[Application, ...] = ()
    invoice_key: str | None = None
    case_key: str | None = None
    issued_at: datetime | None = None
    issued_on: date | None = None
    memo: str | None = None
    posted: bool = False


class Refund(Owned, frozen=True, gc=False, kw_only=True):
    """Money given back; key = billing refund id. Owner: billing."""

    payment_key: str | None = None
    amount: Money
    status: str  # PENDING, SUCCEEDED, FAILED, CANCELED
    status_evidence: tuple[Evidence, ...] = ()
    reason: str | None = None
    created_at: datetime | None = None


class DisputeStatus(StrEnum):
    """Where a dispute stands."""

    WARNING = "WARNING"
    NEEDS_RESPONSE = "NEEDS_RESPONSE"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"
    PREVENTED = "PREVENTED"


class Dispute(Owned, frozen=True, gc=False, kw_only=True):
    """A payment the customer contests; key = billing dispute id. Owner: billing."""

    payment_key: str | None = None
    amount: Money
    status: DisputeStatus
    status_evidence: tuple[Evidence, ...] = ()
    reason: str | None = None
    respond_by: datetime | None = None
    created_at: datetime | None = None


class WriteOff(Owned, frozen=True, gc=False, kw_only=True):
    """A receivable given up; key = ERP transaction id. Owner: ERP."""

    invoice_key: str | None = None
    amount: Money
    legal_entity: str | None = None
    written_off_on: date | None = None
    memo: str | None = None
