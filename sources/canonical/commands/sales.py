"""What a CRM can be told to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar

import msgspec

from sources.canonical.account import Account
from sources.canonical.commands.command import Command, SoldLine
from sources.canonical.entitlement import Entitlement
from sources.canonical.money import Money
from sources.canonical.order import Order, Parties
from sources.canonical.record import Record
from sources.canonical.subscription import Renewal, SubscriptionContract


class PutAccount(Command, frozen=True, kw_only=True):
    """Creates an account, or changes one (`account_key`); `fields` by the canonical attribute's name, None empties.
    `external_ids.BILLING` and `external_ids.ERP` are what those systems call it."""

    target: ClassVar[type[Record]] = Account

    account_key: str | None = None
    fields: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    expected_updated_at: str | None = None


class PutOrder(Command, frozen=True, kw_only=True):
    """A draft order with its lines, under the operation's id: the same operation never makes a second one."""

    target: ClassVar[type[Record]] = Order

    account_key: str
    currency: str
    effective_on: date
    end_on: date | None = None
    lines: tuple[SoldLine, ...]
    contract_key: str | None = None
    purchase_order: str | None = None
    legal_entity: str | None = None
    parties: Parties = Parties()
    opportunity_key: str | None = None


class ActivateOrder(Command, frozen=True, kw_only=True):
    """Makes a draft binding; its lines are frozen from then on."""

    target: ClassVar[type[Record]] = Order

    order_key: str


class CancelOrder(Command, frozen=True, kw_only=True):
    """Takes back a draft. An activated order is refused (Locked): reduce it."""

    target: ClassVar[type[Record]] = Order

    order_key: str


class ReduceOrder(Command, frozen=True, kw_only=True):
    """A reduction order against an activated one, binding at once: `lines` says by the original's line keys how much
    goes."""

    target: ClassVar[type[Record]] = Order

    order_key: str
    effective_on: date
    lines: Mapping[str, Decimal]


class ChangeOpportunity(Command, frozen=True, kw_only=True):
    """Where a deal stands; what is None stays. `stage` is the CRM's own word; without it `won` says how it ended."""

    target: ClassVar[type[Record]] = Renewal

    opportunity_key: str
    stage: str | None = None
    won: bool | None = None
    amount: Money | None = None
    close_on: date | None = None


class SetContract(Command, frozen=True, kw_only=True):
    """A contract's term and status (`Activated`, `Terminated` in the vendor's words are its own business). A CRM may
    know terms of whole months only: another last day is refused (BadAsk)."""

    target: ClassVar[type[Record]] = SubscriptionContract

    contract_key: str | None = None  # None: a new one for the account
    account_key: str
    subscription_key: str | None = None  # of the billing system
    start_on: date | None = None
    end_on: date | None = None
    active: bool | None = None


class GrantRight(Command, frozen=True, kw_only=True):
    """A right to support or a feature for a time; `incidents`: how many, None for no count."""

    target: ClassVar[type[Record]] = Entitlement

    account_key: str
    name: str
    tier: str | None = None
    start_on: date
    end_on: date | None = None
    incidents: int | None = None
    subscription_key: str | None = None  # of the billing system


class LinkRight(Command, frozen=True, kw_only=True):
    """Says which subscription a right comes with, that had none when it was granted."""

    target: ClassVar[type[Record]] = Entitlement

    entitlement_key: str
    subscription_key: str  # of the billing system


class DropRight(Command, frozen=True, kw_only=True):
    """Takes back a right: one that has not begun is gone, one that has ends today."""

    target: ClassVar[type[Record]] = Entitlement

    entitlement_key: str


class EndRight(Command, frozen=True, kw_only=True):
    """Ends a right on a day."""

    target: ClassVar[type[Record]] = Entitlement

    entitlement_key: str
    end_on: date
