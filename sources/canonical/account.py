"""Account and the facets other systems add to it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from sources.canonical.money import Money
from sources.canonical.record import Evidence, Owned, Record


class Lifecycle(StrEnum):
    """What an account is to us, money apart. CHURNED needs the subscriptions and is derived above the sources."""

    PROSPECT = "PROSPECT"
    ACTIVE = "ACTIVE"
    CHURNED = "CHURNED"
    INACTIVE = "INACTIVE"
    MERGED = "MERGED"


class Restriction(StrEnum):
    """Why an account may not be served or sold to, whatever it has paid."""

    LEGAL_HOLD = "LEGAL_HOLD"
    SANCTIONS = "SANCTIONS"
    FRAUD = "FRAUD"


class Owner(msgspec.Struct, frozen=True, gc=False):
    """The person of ours who looks after the account."""

    key: str
    name: str | None
    email: str | None


class Account(Record, frozen=True, gc=False, kw_only=True):
    """A customer or prospect; key = the CRM's account id. Owner: CRM."""

    name: str
    lifecycle: Lifecycle
    lifecycle_evidence: tuple[Evidence, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    parent_key: str | None = None
    merged_into_key: str | None = None  # set on the loser of a merge
    deleted: bool = False
    owner: Owner | None = None
    owner_notes: str | None = None
    industry: str | None = None
    region: str | None = None  # one vocabulary, by a configured map; None = unknown, and a region rule then denies
    country: str | None = None  # ISO 3166-1 alpha-2
    domain: str | None = None  # lower case, no `www.`
    residency_zone: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class CreditHoldOverride(StrEnum):
    """What the ERP was told about the credit hold."""

    AUTO = "AUTO"
    ON = "ON"
    OFF = "OFF"


class HoldPreference(StrEnum):
    """What the ERP does with a hold."""

    ENFORCE = "ENFORCE"
    WARN_ONLY = "WARN_ONLY"
    IGNORE = "IGNORE"


class BillingProfile(Owned, frozen=True, gc=False, kw_only=True):
    """One customer record of the ERP; an account may have several (per entity or currency). key = ERP customer id.

    Facet of Account, owner: ERP. `credit_limit` excludes sub-customers and is one total in `currency`.
    """

    name: str
    legal_entity: str | None = None  # LegalEntity.key
    currency: str
    billing_parent_id: str | None = None  # ERP customer id of the consolidation parent
    payer_id: str | None = None  # ERP customer id of who pays
    inactive: bool = False
    terms: str | None = None
    credit_limit: Money | None = None
    credit_hold_override: CreditHoldOverride = CreditHoldOverride.AUTO
    hold_preference: HoldPreference = HoldPreference.ENFORCE
    hold_overdue_days: int | None = None  # the preference's days; None = not judged by days
    balance: Money | None = None
    overdue_balance: Money | None = None
    unbilled_orders: Money | None = None
    days_overdue: int = 0
    tax_number: str | None = None
    email: str | None = None
    updated_at: datetime | None = None


class BillingCustomer(Owned, frozen=True, gc=False, kw_only=True):
    """One customer record of the billing system. key = its customer id. Facet of Account, owner: billing."""

    name: str | None = None
    email: str | None = None
    legal_entity: str | None = None
    currency: str | None = None
    delinquent: bool = False
    balance: Money | None = None  # negative = credit in the customer's favour
    tax_exempt: str | None = None  # none, exempt, reverse
    deleted: bool = False
    created_at: datetime | None = None


class SupportOrganization(Owned, frozen=True, gc=False, kw_only=True):
    """One organization of the support desk. key = its organization id. Facet of Account, owner: support."""

    name: str
    domains: tuple[str, ...] = ()
    support_plan: str | None = None
    billing_status: str | None = None
    region: str | None = None
    arr: Decimal | None = None
    updated_at: datetime | None = None
