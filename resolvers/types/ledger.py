"""Legal entities, periods, tax, revenue and postings: what only the ERP knows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import strawberry

from resolvers.batch import link
from resolvers.registry import entity
from resolvers.types import references as ref
from resolvers.types.node import Node
from resolvers.types.scalars import Money
from sources import canonical as c

RevenueState = strawberry.enum(c.RevenueState, description="How far a revenue schedule is.")


@entity(c.LegalEntity)
class LegalEntity(Node):
    """A company of ours."""

    name: str | None
    country: str | None
    currency: str | None
    time_zone: str | None
    parent: ref.LegalEntityRef | None = link(c.LegalEntity, key="parent_key")
    inactive: bool | None
    tax_number: str | None


@entity(c.AccountingPeriod)
class AccountingPeriod(Node):
    """A posting period."""

    name: str | None
    start_on: date | None
    end_on: date | None
    closed: bool | None
    receivables_locked: bool | None
    all_locked: bool | None


@entity(c.TaxProfile)
class TaxProfile(Node):
    """How an account is taxed by one legal entity."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    tax_number: str | None
    nexus: str | None
    country: str | None
    exempt: bool | None
    exemption_reason: str | None
    reverse_charge: bool | None


@entity(c.RevenueSchedule)
class RevenueSchedule(Node):
    """How one obligation's revenue is recognised."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    obligation: str | None
    method: str | None
    state: RevenueState | None  # type: ignore[valid-type]
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    start_on: date | None
    end_on: date | None
    allocated: Money | None
    recognised: Money | None
    deferred: Money | None
    block_reason: str | None
    invoice: ref.InvoiceRef | None = link(c.Invoice, key="invoice_key")
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")


@entity(c.LedgerPosting)
class LedgerPosting(Node):
    """One general-ledger line of a posted document."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    invoice: ref.InvoiceRef | None = link(c.Invoice, key="invoice_key")
    document_id: str | None
    ledger_account: str | None
    debit: Money | None
    credit: Money | None
    period: str | None
    posted_on: date | None
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    exchange_rate: Decimal | None
