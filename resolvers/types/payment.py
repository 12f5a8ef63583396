"""Payment, credit memo, refund, dispute, write-off."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from resolvers.batch import derived, link, links
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.node import Node
from resolvers.types.scalars import Evidence, Evidenced, Money, status
from sources import canonical as c

PaymentStatus = strawberry.enum(c.PaymentStatus, description="Where a payment stands.")
CreditMemoStatus = strawberry.enum(c.CreditMemoStatus, description="Where a credit stands.")
CreditReason = strawberry.enum(c.CreditReason, description="Why a credit was given.")
DisputeStatus = strawberry.enum(c.DisputeStatus, description="Where a dispute stands.")


@value
class Application:
    """How much of a payment or credit went to which invoice."""

    invoice: ref.InvoiceRef | None = link(c.Invoice, key="invoice_key")
    source_document_id: str | None
    amount: Money | None
    discount_taken: Money | None


@entity(c.Payment)
class Payment(Node):
    """Money received; owned by the ERP once posted, else by billing."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    status: Evidenced[PaymentStatus] | None = derived(status)  # type: ignore[valid-type]
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    amount: Money | None
    applied: Money | None
    unapplied: Money | None
    applications: list[Application | None] | None
    on_account: bool | None
    received_at: datetime | None
    received_on: date | None
    method: str | None
    reference: str | None
    posted: bool | None
    gateway: ref.GatewayPaymentRef | None = link(c.GatewayPayment, description="What the payment gateway says.")
    refunds: list[ref.RefundRef | None] | None = links(c.Refund, by="payment")
    disputes: list[ref.DisputeRef | None] | None = links(c.Dispute, by="payment")


@entity(c.GatewayPayment)
class GatewayPayment(Node):
    """A payment as the payment gateway sees it."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    status: Evidenced[PaymentStatus] | None = derived(status)  # type: ignore[valid-type]
    failure_code: str | None
    method: str | None
    captured: Money | None
    refunded: Money | None
    created_at: datetime | None


@entity(c.CreditMemo)
class CreditMemo(Node):
    """A credit given."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    number: str | None
    status: Evidenced[CreditMemoStatus] | None = derived(status)  # type: ignore[valid-type]
    reason: CreditReason | None  # type: ignore[valid-type]
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    total: Money | None
    unapplied: Money | None
    applications: list[Application | None] | None
    invoice: ref.InvoiceRef | None = link(c.Invoice, key="invoice_key")
    case: ref.CaseRef | None = link(c.Case, key="case_key")
    issued_at: datetime | None
    issued_on: date | None
    memo: str | None
    posted: bool | None


@entity(c.Refund)
class Refund(Node):
    """Money given back."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    payment: ref.PaymentRef | None = link(c.Payment, key="payment_key")
    amount: Money | None
    status: str | None
    status_evidence: list[Evidence | None] | None
    reason: str | None
    created_at: datetime | None


@entity(c.Dispute)
class Dispute(Node):
    """A payment the customer contests."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    payment: ref.PaymentRef | None = link(c.Payment, key="payment_key")
    amount: Money | None
    status: Evidenced[DisputeStatus] | None = derived(status)  # type: ignore[valid-type]
    reason: str | None
    respond_by: datetime | None
    created_at: datetime | None


@entity(c.WriteOff)
class WriteOff(Node):
    """A receivable given up; owned by the ERP."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    invoice: ref.InvoiceRef | None = link(c.Invoice, key="invoice_key")
    amount: Money | None
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    written_off_on: date | None
    memo: str | None
