"""Account, and what billing, ERP and support add to it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from resolvers.batch import batched, connection, link, links
from resolvers.facts import accounts as facts
from resolvers.facts import standing as money
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.connection import Connection
from resolvers.types.filters import (
    CaseFilter,
    CaseOrder,
    ContactOrder,
    CreditMemoOrder,
    DocumentOrder,
    InvoiceFilter,
    Lifecycle,
    OrderFilter,
    OrderOrder,
    PaymentOrder,
    SubscriptionFilter,
    SubscriptionOrder,
)
from resolvers.types.node import Node
from resolvers.types.scalars import Evidence, Evidenced, ExternalId, Money
from sources import canonical as c
from sources import ports

Restriction = strawberry.enum(c.Restriction, description="Why an account may not be served or sold to.")
Standing = strawberry.enum(money.Standing, description="How an account stands with us about money.")
CreditHoldOverride = strawberry.enum(c.CreditHoldOverride, description="What the ERP was told about the hold.")
HoldPreference = strawberry.enum(c.HoldPreference, description="What the ERP does with a hold.")

_STANDING = (
    "BillingProfile.creditHoldOverride",
    "BillingProfile.holdPreference",
    "BillingProfile.holdOverdueDays",
    "BillingProfile.creditLimit",
    "BillingProfile.balance",
    "BillingProfile.unbilledOrders",
    "BillingProfile.overdueBalance",
    "BillingProfile.daysOverdue",
    "BillingCustomer.delinquent",
    "PostedInvoice.disputed",
)


@value
class Owner:
    """The person of ours who looks after an account."""

    key: str | None
    name: str | None
    email: str | None


@value
class AccountStanding:
    """Good, delinquent or on credit hold, with what that is derived from; null where a source could not be asked."""

    value: Standing | None  # type: ignore[valid-type]
    as_of: datetime | None
    derived_from: list[Evidence | None] | None


@entity(c.Account)
class Account(Node):
    """A customer or prospect; owned by the CRM, with facets from billing, ERP and support."""

    external_ids: list[ExternalId | None] | None = batched(
        facts.external_ids,
        needs=facts.IDENTITY_NEEDS,
        derives=["Provenance.sourceId"],
        description="What every system calls this account.",
    )
    name: str | None
    lifecycle: Evidenced[Lifecycle] | None = batched(  # type: ignore[valid-type]
        facts.lifecycle,
        needs=facts.LIFECYCLE_NEEDS,
        derives=["AccountSubscription.status", "AccountSubscription.trialEnd", "AccountSubscription.endedAt"],
        description="What the account is to us, money apart.",
    )
    standing: AccountStanding | None = batched(
        money.standing, needs=money.NEEDS, derives=_STANDING, description="How it stands with us about money."
    )
    restrictions: list[Restriction | None] | None  # type: ignore[valid-type]
    parent: ref.AccountRef | None = link(c.Account, key="parent_key", description="The parent in the CRM.")
    children: list[ref.AccountRef | None] | None = links(c.Account, by="parent", first=100)
    merged_into: ref.AccountRef | None = link(c.Account, key="merged_into_key", description="The winner of a merge.")
    deleted: bool | None
    owner: Owner | None
    owner_notes: str | None
    industry: str | None
    region: str | None
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2.")
    domain: str | None
    residency_zone: str | None
    created_at: datetime | None
    updated_at: datetime | None
    legal_entities: list[str | None] | None = batched(
        facts.legal_entities,
        needs=facts.ENTITY_NEEDS,
        derives=["BillingProfile.legalEntity", "BillingCustomer.legalEntity"],
        description="The legal entities it buys from, by code.",
    )
    identities: list[Identity | None] | None = batched(
        facts.identities,
        needs=facts.IDENTITY_NEEDS,
        derives=["Provenance.sourceId"],
        description="What each source calls this account, and how we know.",
    )

    contacts: Connection[ref.ContactRef] | None = connection(c.Contact, by="account", orders=ContactOrder)
    subscriptions: Connection[ref.AccountSubscriptionRef] | None = connection(
        c.AccountSubscription, by="account", filters=SubscriptionFilter, orders=SubscriptionOrder
    )
    invoices: Connection[ref.InvoiceRef] | None = connection(
        c.Invoice, by="account", filters=InvoiceFilter, orders=DocumentOrder, order=ports.Order("created_at", True)
    )
    payments: Connection[ref.PaymentRef] | None = connection(c.Payment, by="account", orders=PaymentOrder)
    credit_memos: Connection[ref.CreditMemoRef] | None = connection(c.CreditMemo, by="account", orders=CreditMemoOrder)
    refunds: list[ref.RefundRef | None] | None = links(c.Refund, by="account")
    disputes: list[ref.DisputeRef | None] | None = links(c.Dispute, by="account")
    write_offs: list[ref.WriteOffRef | None] | None = links(c.WriteOff, by="account")
    entitlements: list[ref.EntitlementRef | None] | None = links(c.Entitlement, by="account")
    cases: Connection[ref.CaseRef] | None = connection(
        c.Case, by="account", filters=CaseFilter, orders=CaseOrder, order=ports.Order("created_at", True)
    )
    orders: Connection[ref.OrderRef] | None = connection(c.Order, by="account", filters=OrderFilter, orders=OrderOrder)
    contracts: list[ref.SubscriptionContractRef | None] | None = links(c.SubscriptionContract, by="account")
    renewals: list[ref.RenewalRef | None] | None = links(c.Renewal, by="account")
    revenue_schedules: list[ref.RevenueScheduleRef | None] | None = links(c.RevenueSchedule, by="account")
    billing_profiles: list[ref.BillingProfileRef | None] | None = links(
        c.BillingProfile, by="account", description="Its customer records in the ERP."
    )
    billing_customers: list[ref.BillingCustomerRef | None] | None = links(
        c.BillingCustomer, by="account", description="Its customer records in billing."
    )
    support_organizations: list[ref.SupportOrganizationRef | None] | None = links(c.SupportOrganization, by="account")
    tax_profiles: list[ref.TaxProfileRef | None] | None = links(c.TaxProfile, by="account")


@value
class Identity:
    """What one source calls an account, and how we know."""

    system: str | None
    source: str | None
    id: str | None
    via: str | None


@entity(c.BillingProfile)
class BillingProfile(Node):
    """One customer record of the ERP: terms, credit and holds. An account may have several."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    name: str | None
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    billing_parent: ref.BillingProfileRef | None = link(c.BillingProfile, key="billing_parent_id")
    payer: ref.BillingProfileRef | None = link(c.BillingProfile, key="payer_id")
    currency: str | None
    inactive: bool | None
    terms: str | None
    credit_limit: Money | None
    credit_hold_override: CreditHoldOverride | None  # type: ignore[valid-type]
    hold_preference: HoldPreference | None  # type: ignore[valid-type]
    hold_overdue_days: int | None
    balance: Money | None
    overdue_balance: Money | None
    unbilled_orders: Money | None
    days_overdue: int | None
    tax_number: str | None
    email: str | None
    updated_at: datetime | None


@entity(c.BillingCustomer)
class BillingCustomer(Node):
    """One customer record of the billing system."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    name: str | None
    email: str | None
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    currency: str | None
    delinquent: bool | None
    balance: Money | None
    tax_exempt: str | None
    deleted: bool | None
    created_at: datetime | None
    subscriptions: list[ref.AccountSubscriptionRef | None] | None = links(c.AccountSubscription, by="customer")


@entity(c.SupportOrganization)
class SupportOrganization(Node):
    """One organization of the support desk."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    name: str | None
    domains: list[str | None] | None
    support_plan: ref.SupportPlanRef | None = link(c.SupportPlan, key="support_plan")
    billing_status: str | None
    region: str | None
    arr: Decimal | None
    updated_at: datetime | None
