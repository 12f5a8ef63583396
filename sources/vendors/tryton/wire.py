"""Tryton's rows as they come: dates and decimals are objects, a field that is followed has a dot after its name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from sources.errors import UnknownValue

VENDOR = "tryton"


class Digits(msgspec.Struct, frozen=True):
    """`{"__class__": "Decimal", "decimal": "12.30"}`."""

    decimal: str

    @property
    def value(self) -> Decimal:
        """The number, digit for digit; raises UnknownValue."""
        try:
            return Decimal(self.decimal)
        except InvalidOperation:
            raise UnknownValue(VENDOR, "decimal", self.decimal) from None


class Day(msgspec.Struct, frozen=True):
    """`{"__class__": "date", "year": ..., "month": ..., "day": ...}`."""

    year: int
    month: int
    day: int

    @property
    def value(self) -> date:
        """The day; raises UnknownValue."""
        try:
            return date(self.year, self.month, self.day)
        except (ValueError, OverflowError):
            raise UnknownValue(VENDOR, "date", f"{self.year}-{self.month}-{self.day}") from None


class Moment(Day, frozen=True):
    """A datetime: the server keeps UTC and says no zone."""

    hour: int
    minute: int
    second: int
    microsecond: int = 0

    @property
    def instant(self) -> datetime:
        """The moment, UTC; raises UnknownValue."""
        try:
            day = (self.year, self.month, self.day)
            return datetime(*day, self.hour, self.minute, self.second, self.microsecond, tzinfo=UTC)
        except (ValueError, OverflowError):
            raise UnknownValue(VENDOR, "datetime", f"{self.year}-{self.month}-{self.day}T{self.hour}") from None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Any record."""

    id: int


class Named(Row, frozen=True, kw_only=True):
    """A record with a code and a name."""

    name: str | None = None
    code: str | None = None


class Change(Row, frozen=True, kw_only=True):
    """A record that says when it was written; one that was never changed has only its creation."""

    write_date: Moment | None = None
    create_date: Moment | None = None

    @property
    def changed(self) -> datetime | None:
        """When it was last written, UTC."""
        moment = self.write_date or self.create_date
        return moment.instant if moment is not None else None


class TaxNumber(Row, frozen=True, kw_only=True):
    """An identifier of a party."""

    code: str | None = None


class Billed(Row, frozen=True, kw_only=True):
    """An invoice of a sale."""

    state: str
    total_amount: Digits | None = None


class OpenSale(Row, frozen=True, kw_only=True):
    """A sale that is confirmed and not done, with what was made of it."""

    party: int
    currency: Named = msgspec.field(name="currency.")
    total_amount: Digits | None = None
    invoices: list[Billed] = msgspec.field(name="invoices.", default_factory=list)


class Party(Change, frozen=True, kw_only=True):
    """A party; amounts are the company's, in its currency. `open_sales` are searched for besides, None where they are
    not for us to see."""

    name: str | None = None
    code: str | None = None
    active: bool | int = True  # a number where the database is SQLite
    email: str | None = None
    tax_identifier: TaxNumber | None = msgspec.field(name="tax_identifier.", default=None)
    customer_payment_term: Named | None = msgspec.field(name="customer_payment_term.", default=None)
    receivable: Digits | None = None
    receivable_today: Digits | None = None
    credit_limit_amount: Digits | None = None
    open_sales: tuple[OpenSale, ...] | None = None


class Sale(Change, frozen=True, kw_only=True):
    """A sale."""

    number: str | None = None
    reference: str | None = None
    description: str | None = None
    state: str
    invoice_state: str
    party: Named = msgspec.field(name="party.")
    currency: Named = msgspec.field(name="currency.")
    total_amount: Digits | None = None
    sale_date: Day | None = None


class Dated(Row, frozen=True, kw_only=True):
    """A ledger line that has to be paid by a day."""

    maturity_date: Day | None = None


class Move(Row, frozen=True, kw_only=True):
    """A posting."""

    period: Named | None = msgspec.field(name="period.", default=None)


class Origin(Row, frozen=True, kw_only=True):
    """The invoice that a receipt or a credit note goes back to."""

    reference: str | None = None


class Bill(Change, frozen=True, kw_only=True):
    """A customer's invoice, or (where the total is negative) a credit note."""

    number: str | None = None
    reference: str | None = None
    description: str | None = None
    state: str
    party: Named = msgspec.field(name="party.")
    currency: Named = msgspec.field(name="currency.")
    untaxed_amount: Digits | None = None
    tax_amount: Digits | None = None
    total_amount: Digits | None = None
    amount_to_pay: Digits | None = None
    invoice_date: Day | None = None
    lines_to_pay: list[Dated] = msgspec.field(name="lines_to_pay.", default_factory=list)
    move: Move | None = msgspec.field(name="move.", default=None)
    origin_invoices: list[Origin] = msgspec.field(name="origin_invoices.", default_factory=list)


class MoveLine(Row, frozen=True, kw_only=True):
    """One line of a receipt. `amount_second_currency` is in the invoice's currency where that is not the company's."""

    debit: Digits
    credit: Digits
    party: Named | None = msgspec.field(name="party.", default=None)
    invoice_payment: Origin | None = msgspec.field(name="invoice_payment.", default=None)
    description: str | None = None
    amount_second_currency: Digits | None = None
    second_currency: Named | None = msgspec.field(name="second_currency.", default=None)


class Receipt(Change, frozen=True, kw_only=True):
    """A posting in a journal of receipts."""

    number: str | None = None
    description: str | None = None
    state: str
    date: Day
    lines: list[MoveLine] = msgspec.field(name="lines.", default_factory=list)


class Seat(Row, frozen=True, kw_only=True):
    """An address, as far as tax asks for it."""

    country: Named | None = msgspec.field(name="country.", default=None)


class Owner(Named, frozen=True, kw_only=True):
    """The party that a company is."""

    addresses: list[Seat] = msgspec.field(name="addresses.", default_factory=list)
    tax_identifier: TaxNumber | None = msgspec.field(name="tax_identifier.", default=None)


class Company(Row, frozen=True, kw_only=True):
    """A company; its code is its party's."""

    party: Owner = msgspec.field(name="party.")
    currency: Named = msgspec.field(name="currency.")
    timezone: str | None = None


class Period(Row, frozen=True, kw_only=True):
    """A period of a fiscal year."""

    name: str
    start_date: Day
    end_date: Day
    state: str


class Category(Row, frozen=True, kw_only=True):
    """An accounting category: where revenue goes, and by which taxes it is sold."""

    account_revenue: Named | None = msgspec.field(name="account_revenue.", default=None)
    customer_taxes: list[Named] = msgspec.field(name="customer_taxes.", default_factory=list)


class Template(Row, frozen=True, kw_only=True):
    """What the variants of a product share."""

    account_category: Category | None = msgspec.field(name="account_category.", default=None)


class Item(Row, frozen=True, kw_only=True):
    """A product."""

    code: str | None = None
    name: str | None = None
    type: str | None = None
    active: bool | int = True
    salable: bool | int = False
    template: Template = msgspec.field(name="template.")
