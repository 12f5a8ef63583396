"""AccountSubscription with its items, amendments, contract facet and usage."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from sources.canonical.money import Money
from sources.canonical.product import Price
from sources.canonical.record import Evidence, Owned


class SubscriptionStatus(StrEnum):
    """The base status; overlays keep what happens besides."""

    DRAFT = "DRAFT"
    PENDING_ACTIVATION = "PENDING_ACTIVATION"
    NEVER_ACTIVATED = "NEVER_ACTIVATED"
    TRIALING = "TRIALING"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    SUSPENDED = "SUSPENDED"
    CANCELED = "CANCELED"
    TERMINATED = "TERMINATED"
    EXPIRED = "EXPIRED"


class SubscriptionOverlay(StrEnum):
    """What is going on besides the base status."""

    RENEWAL_IN_PROGRESS = "RENEWAL_IN_PROGRESS"  # needs the CRM's renewal: added above the sources
    DISPUTED = "DISPUTED"
    CANCEL_SCHEDULED = "CANCEL_SCHEDULED"
    AMENDMENT_PENDING = "AMENDMENT_PENDING"
    COLLECTION_PAUSED = "COLLECTION_PAUSED"
    CO_TERMED = "CO_TERMED"


class SuspensionReason(StrEnum):
    """Why a subscription is SUSPENDED."""

    DUNNING_EXHAUSTED = "DUNNING_EXHAUSTED"
    TRIAL_NO_PAYMENT = "TRIAL_NO_PAYMENT"
    CUSTOMER_REQUEST = "CUSTOMER_REQUEST"
    HOLD = "HOLD"


class Suspension(msgspec.Struct, frozen=True, gc=False):
    """Recorded only when `operation` is set: then a person decided, notice went out and the effective date is known."""

    reason: SuspensionReason
    since: datetime | None = None
    notice_sent_at: datetime | None = None
    operation: str | None = None


class RenewalMode(StrEnum):
    """What happens at the end of the term."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"
    NONE = "NONE"


class SubscriptionItem(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One line of a subscription."""

    key: str
    price: Price
    product_key: str
    quantity: int | None = None  # None = metered
    period_start: datetime | None = None
    period_end: datetime | None = None


class Phase(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A future phase of a scheduled subscription."""

    start: datetime
    end: datetime | None = None


class AccountSubscription(Owned, frozen=True, gc=False, kw_only=True):
    """What an account has subscribed to; key = billing subscription id. Owner: billing.

    `mrr` is net of recurring discounts, without tax, usage and one-off lines; None where a line has no fixed price.
    """

    status: SubscriptionStatus
    status_since: datetime | None = None
    status_evidence: tuple[Evidence, ...] = ()
    overlays: tuple[SubscriptionOverlay, ...] = ()
    suspension: Suspension | None = None
    legal_entity: str | None = None
    currency: str
    items: tuple[SubscriptionItem, ...] = ()
    start_at: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_end: datetime | None = None
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_reason: str | None = None
    collection_method: str | None = None  # charge_automatically, send_invoice
    days_until_due: int | None = None
    mrr: Money | None = None
    renewal_mode: RenewalMode = RenewalMode.AUTO
    next_phase: Phase | None = None
    pending_change: bool = False
    latest_invoice_key: str | None = None
    end_customer_key: str | None = None  # account key, where a reseller buys
    reseller_key: str | None = None
    order_key: str | None = None  # CRM order key, where it was ordered through us
    replaces_key: str | None = None  # the subscription that it goes on for
    created_at: datetime | None = None


class AmendmentKind(StrEnum):
    """What an amendment does."""

    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    ADD = "ADD"
    REMOVE = "REMOVE"
    RENEW = "RENEW"
    TERMINATE = "TERMINATE"
    PRICE_CHANGE = "PRICE_CHANGE"
    TRANSFER = "TRANSFER"


class AmendmentLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One line before or after."""

    price_key: str | None
    product_key: str | None
    quantity: int | None


class Amendment(Owned, frozen=True, gc=False, kw_only=True):
    """A change of a subscription that is pending or scheduled. Owner: billing (pending update, schedule phase)."""

    subscription_key: str
    kind: AmendmentKind
    pending: bool = True
    effective_at: datetime | None = None
    proration_date: datetime | None = None
    co_term_to: datetime | None = None
    before: tuple[AmendmentLine, ...] = ()
    after: tuple[AmendmentLine, ...] = ()
    mrr_delta: Money | None = None
    credit: Money | None = None
    charge: Money | None = None
    documents: tuple[str, ...] = ()


class SubscriptionContract(Owned, frozen=True, gc=False, kw_only=True):
    """The CRM's contract for a subscription; key = CRM contract id. Facet of AccountSubscription, owner: CRM."""

    subscription_key: str | None = None
    number: str | None = None
    status: str  # canonical: DRAFT, PENDING_ACTIVATION, ACTIVE, TERMINATED, EXPIRED
    status_evidence: tuple[Evidence, ...] = ()
    start_on: date | None = None
    end_on: date | None = None
    term_months: int | None = None


class Renewal(Owned, frozen=True, gc=False, kw_only=True):
    """An opportunity to renew; key = CRM opportunity id. Owner: CRM."""

    name: str
    subscription_key: str | None = None
    contract_key: str | None = None
    stage: str
    open: bool
    won: bool
    amount: Money | None = None
    close_on: date | None = None
    probability: Decimal | None = None


class UsageSummary(Owned, frozen=True, gc=False, kw_only=True):
    """How much of a meter an account used in a window; key = `{customer}:{meter}:{start}`. Owner: billing meters."""

    meter_key: str
    window_start: datetime
    window_end: datetime
    quantity: Decimal
    included: Decimal | None = None
    billed: Decimal | None = None
    overage: Decimal | None = None
    rated_amount: Money | None = None
    late: Decimal | None = None
