"""Invoice: as billing issued it, and as the ERP posted it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import strawberry

from resolvers.batch import batched, connection, derived, link, links
from resolvers.facts import invoices as facts
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.connection import Connection
from resolvers.types.filters import InvoiceStatus
from resolvers.types.node import Node
from resolvers.types.scalars import Evidenced, Money, status
from sources import canonical as c

InvoiceOverlay = strawberry.enum(c.InvoiceOverlay, description="What goes on besides the base status.")
PostingState = strawberry.enum(c.PostingState, description="How far an issued invoice is in the ERP.")
PostedStatus = strawberry.enum(c.PostedStatus, description="What the ERP says of a posted document.")


@value
class Settlement:
    """How what is no longer due was settled."""

    cash: Money | None
    credit: Money | None
    write_off: Money | None
    withheld_tax: Money | None


@value
class AmountDue:
    """What is due, and which source says so: the ERP once it is posted there, else billing."""

    amount: Money | None
    source: str | None
    as_of: datetime | None


@entity(c.Invoice)
class Invoice(Node):
    """An invoice as issued; owned by billing, with the ERP's posting as a facet."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    number: str | None
    status: Evidenced[InvoiceStatus] | None = batched(  # type: ignore[valid-type]
        facts.status,
        needs=facts.POSTING_NEEDS,
        derives=["PostedInvoice.writtenOff"],
        description="The base status; WRITTEN_OFF is the ERP's word.",
    )
    overlays: list[InvoiceOverlay | None] | None = batched(  # type: ignore[valid-type]
        facts.overlays,
        needs=facts.OVERLAY_NEEDS,
        derives=["Invoice.status", "Invoice.dueAt", "Invoice.remaining", "Invoice.attemptCount"],
        description="OVERDUE is judged in the legal entity's time zone.",
    )
    posting_state: PostingState | None = batched(  # type: ignore[valid-type]
        facts.posting_state,
        needs=facts.POSTING_NEEDS,
        derives=["Invoice.status", "Invoice.total", "PostedInvoice.status", "PostedInvoice.total"],
        description="How far it is in the ERP.",
    )
    amount_due: AmountDue | None = batched(
        facts.amount_due,
        needs=facts.POSTING_NEEDS,
        derives=["Invoice.remaining", "PostedInvoice.remaining", "Invoice.postingState"],
        description="What is due.",
    )
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    currency: str | None
    subtotal: Money | None
    tax: Money | None
    total: Money | None
    paid: Money | None
    remaining: Money | None = strawberry.field(description="What billing says is not paid yet.")
    settlement: Settlement | None
    collection_method: str | None
    due_at: datetime | None = strawberry.field(description="Null when the customer is charged automatically.")
    issued_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    attempt_count: int | None
    next_attempt_at: datetime | None
    billing_reason: str | None
    hosted_url: str | None
    created_at: datetime | None
    bill_to: ref.AccountRef | None = link(c.Account, key="bill_to_key")
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")
    lines: Connection[ref.InvoiceLineRef] | None = connection(c.InvoiceLine, by="invoice")
    posted: ref.PostedInvoiceRef | None = link(c.PostedInvoice, by="invoice", description="As the ERP posted it.")
    payments: list[ref.PaymentRef | None] | None = links(c.Payment, by="invoice")
    credit_memos: list[ref.CreditMemoRef | None] | None = links(c.CreditMemo, by="invoice")
    write_offs: list[ref.WriteOffRef | None] | None = links(c.WriteOff, by="invoice")
    revenue_schedules: list[ref.RevenueScheduleRef | None] | None = links(c.RevenueSchedule, by="invoice")
    ledger_postings: list[ref.LedgerPostingRef | None] | None = links(c.LedgerPosting, by="invoice")


@entity(c.InvoiceLine)
class InvoiceLine(Node):
    """A line of an issued invoice."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    invoice: ref.InvoiceRef | None = link(c.Invoice, key="invoice_key")
    description: str | None
    quantity: Decimal | None
    amount: Money | None
    tax: Money | None
    product: ref.ProductRef | None = link(c.Product, key="product_key")
    price: ref.PriceRef | None = link(c.Price, key="price_key")
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")
    proration: bool | None
    period_start: datetime | None
    period_end: datetime | None


@entity(c.PostedInvoice)
class PostedInvoice(Node):
    """An invoice in the ERP's receivables."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    invoice: ref.InvoiceRef | None = link(c.Invoice, key="invoice_key")
    number: str | None
    status: Evidenced[PostedStatus] | None = derived(status)  # type: ignore[valid-type]
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    currency: str | None
    exchange_rate: Decimal | None
    total: Money | None
    tax: Money | None
    paid: Money | None
    remaining: Money | None
    posted_on: date | None
    due_on: date | None
    period: str | None
    disputed: bool | None
    written_off: bool | None
    updated_at: datetime | None
