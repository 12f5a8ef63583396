"""The rows that changes are made from and read back as."""

from __future__ import annotations

from typing import Any

import msgspec

from sources.vendors.tryton import facts
from sources.vendors.tryton.values import added
from sources.vendors.tryton.wire import Day, Digits, Named, Row


class Address(Row, frozen=True, kw_only=True):
    """An address; `invoice`: bills go there."""

    invoice: bool | int = False


class Debtor(Row, frozen=True, kw_only=True):
    """A party as a document needs it; references that are not followed come as ids."""

    code: str | None = None
    active: bool | int = True
    addresses: list[Address] = msgspec.field(name="addresses.", default_factory=list)
    account_receivable: int | None = None
    customer_tax_rule: int | None = None
    credit_limit_amount: Digits | None = None


class Category(Row, frozen=True, kw_only=True):
    """An accounting category. One that leaves account or taxes to its parent shows none of its own."""

    account_revenue: int | None = None
    customer_taxes: list[int] = msgspec.field(default_factory=list)
    account_parent: bool | int | None = None
    taxes_parent: bool | int | None = None


class Template(Row, frozen=True, kw_only=True):
    """What the variants of a product share."""

    account_category: Category | None = msgspec.field(name="account_category.", default=None)


class Product(Row, frozen=True, kw_only=True):
    """A product, with the account and the taxes that its category gives it."""

    code: str | None = None
    name: str | None = None
    default_uom: Named = msgspec.field(name="default_uom.")
    template: Template = msgspec.field(name="template.")

    @property
    def taxes(self) -> list[int]:
        """The taxes that it is sold with."""
        category = self.template.account_category
        return category.customer_taxes if category is not None else []


class Sold(Row, frozen=True, kw_only=True):
    """A record with a state."""

    state: str


class Line(Row, frozen=True, kw_only=True):
    """A line of a sale or an invoice; the key of ours stands in its note."""

    type: str = "line"
    note: str | None = None
    amount: Digits | None = None
    account: int | None = None
    taxes: list[int] = msgspec.field(default_factory=list)


class Posting(Row, frozen=True, kw_only=True):
    """A ledger line of an invoice that is still to be paid."""

    account: int | None = None


class Document(Sold, frozen=True, kw_only=True):
    """A sale or an invoice."""

    number: str | None = None
    reference: str | None = None
    party: int
    currency: Named = msgspec.field(name="currency.")
    total_amount: Digits | None = None
    untaxed_amount: Digits | None = None
    tax_amount: Digits | None = None
    amount_to_pay: Digits | None = None
    invoice_date: Day | None = None
    invoices: list[Sold] = msgspec.field(name="invoices.", default_factory=list)
    lines: list[Line] = msgspec.field(name="lines.", default_factory=list)
    lines_to_pay: list[Posting] = msgspec.field(name="lines_to_pay.", default_factory=list)

    @staticmethod
    def fields(model: str) -> tuple[str, ...]:
        """What is read of one."""
        shared = (
            "number",
            "reference",
            "state",
            "party",
            "currency.code",
            "total_amount",
            "untaxed_amount",
            "tax_amount",
        )
        if model == facts.SALE:
            return (*shared, "invoices.state")
        return (*shared, "amount_to_pay", "invoice_date", "lines_to_pay.account")


class Settings(Row, frozen=True, kw_only=True):
    """The accounting configuration of a company."""

    default_account_receivable: int | None = None


class Copied(Row, frozen=True, kw_only=True):
    """A line of an invoice as a credit note takes it back."""

    product: int | None = None
    quantity: float | None = None
    unit: int | None = None
    unit_price: Digits | None = None
    account: int | None = None
    taxes: list[int] = msgspec.field(default_factory=list)
    description: str | None = None
    note: str | None = None

    def turned(self) -> dict[str, Any]:
        """The values of the line that takes it back."""
        return {
            "type": "line",
            "product": self.product,
            "quantity": -(self.quantity or 0),
            "unit": self.unit,
            "unit_price": self.unit_price.value if self.unit_price else None,
            "account": self.account,
            "taxes": added(*self.taxes),
            "description": self.description,
            "note": self.note,
            "origin": f"account.invoice.line,{self.id}",
        }


class Copy(Row, frozen=True, kw_only=True):
    """An invoice as a credit note takes it back."""

    company: int
    party: int
    invoice_address: int
    currency: int
    account: int
    journal: int | None = None
    lines: list[Copied] = msgspec.field(name="lines.", default_factory=list)

    def header(self) -> dict[str, Any]:
        """What the credit note shares with it."""
        return {
            "type": "out",
            "company": self.company,
            "party": self.party,
            "invoice_address": self.invoice_address,
            "currency": self.currency,
            "account": self.account,
            "journal": self.journal,
        }


class PaidLine(Row, frozen=True, kw_only=True):
    """A line of a receipt."""

    party: int | None = None
    description: str | None = None
    account: int | None = None
    invoice_payment: int | None = None


class Paid(Row, frozen=True, kw_only=True):
    """A receipt."""

    journal: int
    number: str | None = None
    description: str | None = None
    state: str
    lines: list[PaidLine] = msgspec.field(name="lines.", default_factory=list)


class Method(Row, frozen=True, kw_only=True):
    """A payment method: the journal and the account that money comes to."""

    journal: int
    debit_account: int
