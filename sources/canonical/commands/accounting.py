"""What an ERP can be told to do. Dates are days in the legal entity; a closed period is `Locked`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

import msgspec

from sources.canonical.account import BillingProfile
from sources.canonical.commands.command import Command, SoldLine
from sources.canonical.invoice import PostedInvoice
from sources.canonical.money import Money
from sources.canonical.order import SalesOrder
from sources.canonical.payment import CreditMemo, Payment, WriteOff
from sources.canonical.record import Record


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a payment or credit goes to which posted invoice."""

    invoice_key: str
    amount: Money


class PutDebtor(Command, frozen=True, kw_only=True):
    """The customer of an account in one legal entity, found by the account's key or made. `address` (country, line1,
    city, postal_code, state) is what tax is reckoned by."""

    target: ClassVar[type[Record]] = BillingProfile

    account_key: str
    legal_entity: str
    name: str
    currency: str
    email: str | None = None
    terms: str | None = None
    tax_number: str | None = None
    address: Mapping[str, str] = msgspec.field(default_factory=dict)


class PlaceSalesOrder(Command, frozen=True, kw_only=True):
    """A sales order pending approval: no ledger effect yet."""

    target: ClassVar[type[Record]] = SalesOrder

    party: str
    legal_entity: str
    currency: str
    ordered_on: date
    lines: tuple[SoldLine, ...]
    order_key: str | None = None
    subscription_key: str | None = None
    purchase_order: str | None = None


class ApproveSalesOrder(Command, frozen=True, kw_only=True):
    """Makes it financial: from here on it may be billed."""

    target: ClassVar[type[Record]] = SalesOrder

    sales_order_key: str


class CloseSalesOrder(Command, frozen=True, kw_only=True):
    """Closes or cancels a sales order that has not been billed."""

    target: ClassVar[type[Record]] = SalesOrder

    sales_order_key: str


class PostInvoice(Command, frozen=True, kw_only=True):
    """Posts an invoice, from a sales order where there is one: then `lines` are its lines by their keys, none of them
    all that is left to bill. `number` and `issued_key` are the issued invoice's own in billing. `amounts` of the result
    are read back: total, tax, and the difference from `expected_total` where there is one."""

    target: ClassVar[type[Record]] = PostedInvoice

    party: str
    legal_entity: str
    currency: str
    posted_on: date
    due_on: date | None = None
    number: str | None = None
    issued_key: str | None = None
    subscription_key: str | None = None
    sales_order_key: str | None = None
    lines: tuple[SoldLine, ...] = ()
    expected_total: Money | None = None


class CreditPosted(Command, frozen=True, kw_only=True):
    """A credit memo linked to a posted invoice, over `amount` with tax. `issued_key` is the credit note's own in
    billing."""

    target: ClassVar[type[Record]] = CreditMemo

    invoice_key: str
    amount: Money
    posted_on: date
    number: str | None = None
    issued_key: str | None = None
    reason: str | None = None


class ReceivePayment(Command, frozen=True, kw_only=True):
    """A receipt with what it settles; `reference` is the bank's and never used twice. `issued_key` is the payment's in
    billing, where it came that way."""

    target: ClassVar[type[Record]] = Payment

    party: str
    legal_entity: str
    amount: Money
    received_on: date
    reference: str
    issued_key: str | None = None
    applications: tuple[Application, ...] = ()


class SetCredit(Command, frozen=True, kw_only=True):
    """Credit limit and hold; what is None stays. Taking a hold off leaves the ERP's own rules in force."""

    target: ClassVar[type[Record]] = BillingProfile

    party: str
    limit: Money | None = None
    hold: bool | None = None


class WriteOffBalance(Command, frozen=True, kw_only=True):
    """Writes off what is left of a posted invoice, or part of it."""

    target: ClassVar[type[Record]] = WriteOff

    invoice_key: str
    amount: Money
    posted_on: date
    reason: str | None = None
