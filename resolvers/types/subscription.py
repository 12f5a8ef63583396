"""AccountSubscription with its items, contract, amendments, renewals and usage."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import strawberry

from resolvers.batch import batched, connection, link, links
from resolvers.facts import subscriptions as facts
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.connection import Connection
from resolvers.types.filters import DocumentOrder, InvoiceFilter, SubscriptionStatus
from resolvers.types.node import Node
from resolvers.types.scalars import Evidence, Evidenced, Money
from sources import canonical as c

SubscriptionOverlay = strawberry.enum(c.SubscriptionOverlay, description="What goes on besides the base status.")
SuspensionReason = strawberry.enum(c.SuspensionReason, description="Why a subscription is suspended.")
RenewalMode = strawberry.enum(c.RenewalMode, description="What happens at the end of the term.")
AmendmentKind = strawberry.enum(c.AmendmentKind, description="What an amendment does.")


@value
class Suspension:
    """Why and since when a subscription is suspended; recorded where `operation` is set."""

    reason: SuspensionReason | None  # type: ignore[valid-type]
    since: datetime | None
    notice_sent_at: datetime | None
    operation: str | None


@value
class SubscriptionItem:
    """One line of a subscription."""

    key: str
    price: ref.PriceRef | None
    product: ref.ProductRef | None = link(c.Product, key="product_key")
    quantity: int | None
    period_start: datetime | None
    period_end: datetime | None


@value
class Phase:
    """A future phase of a scheduled subscription."""

    start: datetime | None
    end: datetime | None


@entity(c.AccountSubscription)
class AccountSubscription(Node):
    """What an account has subscribed to; owned by billing."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    status: Evidenced[SubscriptionStatus] | None = batched(  # type: ignore[valid-type]
        facts.status,
        needs=facts.STATUS_NEEDS,
        derives=["Invoice.overlays", "PostedInvoice.disputed"],
        description="The base status; what is only disputed is not PAST_DUE.",
    )
    overlays: list[SubscriptionOverlay | None] | None = batched(  # type: ignore[valid-type]
        facts.overlays,
        needs=facts.OVERLAY_NEEDS,
        derives=["Renewal.open"],
        description="What goes on besides the base status.",
    )
    suspension: Suspension | None
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    currency: str | None
    items: list[SubscriptionItem | None] | None
    start_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    trial_end: datetime | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    cancel_reason: str | None
    collection_method: str | None
    days_until_due: int | None
    mrr: Money | None = strawberry.field(description="Net of recurring discounts; no tax, usage or one-off lines.")
    renewal_mode: RenewalMode | None  # type: ignore[valid-type]
    next_phase: Phase | None
    pending_change: bool | None
    created_at: datetime | None
    end_customer: ref.AccountRef | None = link(c.Account, key="end_customer_key")
    reseller: ref.AccountRef | None = link(c.Account, key="reseller_key")
    order: ref.OrderRef | None = link(c.Order, key="order_key")
    replaces: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="replaces_key")
    contracts: list[ref.SubscriptionContractRef | None] | None = batched(facts.contracts, needs=facts.CONTRACT_NEEDS)
    renewals: list[ref.RenewalRef | None] | None = batched(facts.renewals, needs=facts.OVERLAY_NEEDS)
    amendments: list[ref.AmendmentRef | None] | None = links(c.Amendment, by="subscription")
    sales_orders: list[ref.SalesOrderRef | None] | None = batched(facts.sales_orders, needs=facts.SALES_NEEDS)
    invoices: Connection[ref.InvoiceRef] | None = connection(
        c.Invoice, by="subscription", filters=InvoiceFilter, orders=DocumentOrder
    )
    latest_invoice: ref.InvoiceRef | None = link(c.Invoice, key="latest_invoice_key")
    revenue_schedules: list[ref.RevenueScheduleRef | None] | None = links(c.RevenueSchedule, by="subscription")
    usage: list[ref.UsageSummaryRef | None] | None = batched(
        facts.usage, needs=facts.USAGE_NEEDS, description="What its metered items used this calendar month (UTC)."
    )


@value
class AmendmentLine:
    """One line before or after an amendment."""

    price: ref.PriceRef | None = link(c.Price, key="price_key")
    product: ref.ProductRef | None = link(c.Product, key="product_key")
    quantity: int | None


@entity(c.Amendment)
class Amendment(Node):
    """A change of a subscription that is pending or scheduled."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")
    kind: AmendmentKind | None  # type: ignore[valid-type]
    pending: bool | None
    effective_at: datetime | None
    proration_date: datetime | None
    co_term_to: datetime | None
    before: list[AmendmentLine | None] | None
    after: list[AmendmentLine | None] | None
    mrr_delta: Money | None
    credit: Money | None
    charge: Money | None
    documents: list[str | None] | None


@entity(c.SubscriptionContract)
class SubscriptionContract(Node):
    """The CRM's contract for a subscription."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")
    number: str | None
    status: str | None
    status_evidence: list[Evidence | None] | None
    start_on: date | None
    end_on: date | None
    term_months: int | None


@entity(c.Renewal)
class Renewal(Node):
    """An opportunity to renew."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")
    contract: ref.SubscriptionContractRef | None = link(c.SubscriptionContract, key="contract_key")
    name: str | None
    stage: str | None
    open: bool | None
    won: bool | None
    amount: Money | None
    close_on: date | None
    probability: Decimal | None


@entity(c.UsageSummary)
class UsageSummary(Node):
    """How much of a meter an account used in a window."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    meter: ref.MeterRef | None = link(c.Meter, key="meter_key")
    window_start: datetime | None
    window_end: datetime | None
    quantity: Decimal | None
    included: Decimal | None
    billed: Decimal | None
    overage: Decimal | None
    rated_amount: Money | None
    late: Decimal | None
