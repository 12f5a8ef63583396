"""What a billing system can be told to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import msgspec

from sources.canonical.account import BillingCustomer
from sources.canonical.commands.command import Command
from sources.canonical.invoice import Invoice
from sources.canonical.money import Money, UnitPrice
from sources.canonical.payment import CreditMemo, Refund
from sources.canonical.product import Product
from sources.canonical.record import Record
from sources.canonical.subscription import AccountSubscription, SuspensionReason


class Collection(StrEnum):
    """How money is asked for."""

    CHARGE = "CHARGE"
    INVOICE = "INVOICE"


class Proration(StrEnum):
    """What a change within a period costs."""

    NEXT_INVOICE = "NEXT_INVOICE"
    INVOICE_NOW = "INVOICE_NOW"
    NONE = "NONE"


class Ending(StrEnum):
    """When a subscription ends."""

    PERIOD_END = "PERIOD_END"
    NOW = "NOW"
    ON_DATE = "ON_DATE"


class Return(StrEnum):
    """Where credited money goes."""

    BALANCE = "BALANCE"
    REFUND = "REFUND"
    OUTSIDE = "OUTSIDE"


class OfferFeature(Command, frozen=True, kw_only=True):
    """Makes a feature part of what a product comes with: who subscribes to the product has the right to it, now if he
    does so from now on, else from his next period. `feature` is its lookup key, `name` what we call it."""

    target: ClassVar[type[Record]] = Product

    product_key: str
    feature: str
    name: str


class SubscriptionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One item: `item_key` names an existing one (None: a new one); quantity 0 takes it away. `unit_price`, of a new
    subscription's, is what was agreed for one unit and one of the price's intervals; None: what the price says."""

    price_key: str
    quantity: Decimal
    item_key: str | None = None
    unit_price: UnitPrice | None = None


class PutCustomer(Command, frozen=True, kw_only=True):
    """The customer of an account in one entity and currency, found by the account's key or made."""

    target: ClassVar[type[Record]] = BillingCustomer

    account_key: str
    party: str | None = None
    name: str
    email: str | None = None
    currency: str | None = None
    legal_entity: str | None = None
    address: Mapping[str, str] = msgspec.field(default_factory=dict)


class PrepareSubscription(Command, frozen=True, kw_only=True):
    """A subscription that moves no money yet: nothing is finalised, charged or mailed before it is released.

    `replaces` is one that has ended, and that it goes on for. `co_term` is one whose periods it shares: its first one
    ends at `cycle_at`, when that one's does, and costs its share.
    """

    target: ClassVar[type[Record]] = AccountSubscription

    party: str
    lines: tuple[SubscriptionLine, ...]
    start_at: datetime
    collection: Collection = Collection.INVOICE
    due_days: int | None = 30
    trial_end: datetime | None = None
    order_key: str | None = None
    replaces: str | None = None
    co_term: str | None = None
    cycle_at: datetime | None = None


class ReleaseSubscription(Command, frozen=True, kw_only=True):
    """The point of no return: the first invoice is finalised, or charged."""

    target: ClassVar[type[Record]] = AccountSubscription

    subscription_key: str


class DropSubscription(Command, frozen=True, kw_only=True):
    """Takes back a prepared subscription without an invoice or proration."""

    target: ClassVar[type[Record]] = AccountSubscription

    subscription_key: str


class PreviewChange(Command, frozen=True, kw_only=True):
    """What a change would cost at `prorate_at`; it changes nothing. `amounts`: total, tax, proration."""

    target: ClassVar[type[Record]] = AccountSubscription

    party: str
    subscription_key: str | None = None  # None: a subscription that does not exist yet
    lines: tuple[SubscriptionLine, ...]
    prorate_at: datetime | None = None
    proration: Proration = Proration.NEXT_INVOICE


class ChangeSubscription(Command, frozen=True, kw_only=True):
    """Changes items; `prorate_at` is the preview's, so that it costs what was shown."""

    target: ClassVar[type[Record]] = AccountSubscription

    subscription_key: str
    lines: tuple[SubscriptionLine, ...]
    prorate_at: datetime
    proration: Proration = Proration.NEXT_INVOICE


class CancelSubscription(Command, frozen=True, kw_only=True):
    """Ends a subscription; `credit` gives back what was paid for the rest of the period."""

    target: ClassVar[type[Record]] = AccountSubscription

    subscription_key: str
    ending: Ending = Ending.PERIOD_END
    on: date | None = None
    credit: bool = False


class PauseSubscription(Command, frozen=True, kw_only=True):
    """Stops collecting; `until` None: until it is resumed. With a `reason` it is a suspension of the service that the
    operation has decided, and `notice_sent_at` is when the customer was told."""

    target: ClassVar[type[Record]] = AccountSubscription

    subscription_key: str
    until: date | None = None
    reason: SuspensionReason | None = None
    notice_sent_at: datetime | None = None


class ResumeSubscription(Command, frozen=True, kw_only=True):
    """Collects again; also takes back a cancellation that has not come yet."""

    target: ClassVar[type[Record]] = AccountSubscription

    subscription_key: str


class CreditInvoice(Command, frozen=True, kw_only=True):
    """A credit note on a finalised invoice, never over what is left of it."""

    target: ClassVar[type[Record]] = CreditMemo

    invoice_key: str
    amount: Money
    to: Return = Return.BALANCE
    reason: str | None = None


class VoidCredit(Command, frozen=True, kw_only=True):
    """Takes back a credit note while its invoice is open."""

    target: ClassVar[type[Record]] = CreditMemo

    credit_key: str


class VoidInvoice(Command, frozen=True, kw_only=True):
    """Voids an open invoice."""

    target: ClassVar[type[Record]] = Invoice

    invoice_key: str


class SettleInvoice(Command, frozen=True, kw_only=True):
    """Says that an invoice was paid outside of billing: nothing more is asked for it."""

    target: ClassVar[type[Record]] = Invoice

    invoice_key: str


class GiveUpInvoice(Command, frozen=True, kw_only=True):
    """Stops asking for an open invoice; it can still be paid."""

    target: ClassVar[type[Record]] = Invoice

    invoice_key: str


class ReturnPayment(Command, frozen=True, kw_only=True):
    """Refunds by the original method only."""

    target: ClassVar[type[Record]] = Refund

    payment_key: str
    amount: Money
    reason: str | None = None
