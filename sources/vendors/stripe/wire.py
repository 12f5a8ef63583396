"""What we read of Stripe's objects, under Stripe's names. Amounts are minor units, instants unix seconds.

Fields that older versions leave out, or that a version may drop, have a default; everything else must be there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
Metadata = dict[str, str]


class Wire(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Anything with an id; unknown fields are ignored."""

    id: str


class Named(Wire, frozen=True, gc=False, kw_only=True):
    """An expanded object of which only id, metadata and creation matter."""

    metadata: Metadata | None = None
    created: int | None = None


class Many(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A page of a list or of a search, and the lists inside objects."""

    data: list[T]
    has_more: bool = False
    next_page: str | None = None  # of a search


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a refusal that we go by; its words stay where they are."""

    type: str | None = None
    code: str | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is an error."""

    error: Trouble = Trouble()


# ---------------------------------------------------------------- customers


class Customer(Wire, frozen=True, gc=False, kw_only=True):
    """A customer, or what is left of a deleted one: id and `deleted`."""

    name: str | None = None
    email: str | None = None
    currency: str | None = None
    balance: int | None = None
    delinquent: bool | None = None
    tax_exempt: str | None = None
    metadata: Metadata | None = None
    created: int | None = None
    deleted: bool = False


# ---------------------------------------------------------------- catalogue


class Product(Wire, frozen=True, gc=False, kw_only=True):
    """A product."""

    name: str
    active: bool
    created: int
    description: str | None = None
    unit_label: str | None = None
    tax_code: str | Named | None = None
    default_price: str | Named | None = None
    metadata: Metadata | None = None


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """How often a price is charged."""

    interval: str
    interval_count: int = 1
    usage_type: str = "licensed"
    meter: str | None = None


class Transform(msgspec.Struct, frozen=True, kw_only=True):
    """The quantity is divided before it is priced."""

    divide_by: int
    round: str


class SoldProduct(Wire, frozen=True, gc=False, kw_only=True):
    """A product that came along with its price; of a deleted one nothing but the id is left."""

    name: str | None = None
    active: bool = False
    created: int = 0
    description: str | None = None
    unit_label: str | None = None
    tax_code: str | Named | None = None
    default_price: str | Named | None = None
    metadata: Metadata | None = None


class Price(Wire, frozen=True, gc=False, kw_only=True):
    """A price; `unit_amount_decimal` is in minor units with up to twelve decimals, null where tiered."""

    currency: str
    product: str | SoldProduct
    billing_scheme: str
    type: str
    active: bool = True
    created: int
    unit_amount: int | None = None
    unit_amount_decimal: Decimal | None = None
    recurring: Recurring | None = None
    transform_quantity: Transform | None = None
    lookup_key: str | None = None
    nickname: str | None = None


class Aggregation(msgspec.Struct, frozen=True, kw_only=True):
    """How a meter's events become one figure."""

    formula: str


class Meter(Wire, frozen=True, gc=False, kw_only=True):
    """A meter."""

    display_name: str
    event_name: str
    status: str
    default_aggregation: Aggregation


class MeterSummary(Wire, frozen=True, gc=False, kw_only=True):
    """A meter's figure for one customer and one window."""

    aggregated_value: Decimal
    start_time: int
    end_time: int


class ActiveEntitlement(Wire, frozen=True, gc=False, kw_only=True):
    """A feature that a customer may use now."""

    lookup_key: str
    feature: str | Named


# ---------------------------------------------------------------- subscriptions


class Coupon(Wire, frozen=True, gc=False, kw_only=True):
    """What a discount takes off: `percent_off` per cent or `amount_off` of each invoice."""

    duration: str
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str | None = None


class DiscountSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a discount comes from."""

    coupon: str | Coupon | None = None


class Discount(Wire, frozen=True, gc=False, kw_only=True):
    """A discount in force until `end`."""

    source: DiscountSource = DiscountSource()
    end: int | None = None


class Item(Wire, frozen=True, gc=False, kw_only=True):
    """A line of a subscription: the period lives here, not on the subscription. `quantity` is absent when metered."""

    price: Price
    quantity: int | None = None
    current_period_start: int | None = None
    current_period_end: int | None = None
    discounts: tuple[str | Discount, ...] = ()


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a subscription ended."""

    reason: str | None = None


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Invoices are made and not collected; the status stays `active`."""

    behavior: str
    resumes_at: int | None = None


class PauseCause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a subscription was paused."""

    type: str


class PausedSince(msgspec.Struct, frozen=True, kw_only=True):
    """Since when and why the status is `paused`."""

    transitioned_at: int | None = None
    subscription: PauseCause | None = None


class SubscriptionDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a status."""

    paused: PausedSince | None = None


class PendingUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """A change that waits for its payment."""

    expires_at: int
    subscription_items: list[Item] | None = None


class PhaseItem(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a phase."""

    price: str | Price
    quantity: int | None = None


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a schedule."""

    start_date: int
    end_date: int | None = None
    items: tuple[PhaseItem, ...] = ()


class Schedule(Wire, frozen=True, gc=False, kw_only=True):
    """What is planned for a subscription."""

    status: str
    phases: tuple[Phase, ...] = ()
    end_behavior: str = "release"


class Subscription(Wire, frozen=True, gc=False, kw_only=True):
    """A subscription with its first ten items."""

    status: str
    customer: str | Named
    currency: str
    created: int
    items: Many[Item]
    start_date: int | None = None
    trial_start: int | None = None
    trial_end: int | None = None
    cancel_at: int | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    cancellation_details: Cancellation | None = None
    collection_method: str | None = None
    days_until_due: int | None = None
    latest_invoice: str | Named | None = None
    pause_collection: Pause | None = None
    pending_update: PendingUpdate | None = None
    schedule: str | Schedule | None = None
    status_details: SubscriptionDetails | None = None
    discounts: tuple[str | Discount, ...] = ()
    metadata: Metadata | None = None
