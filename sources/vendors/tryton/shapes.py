"""The kinds of things Tryton holds: what is searched for, what a row becomes, and how keys find it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from sources import canonical as c
from sources.canonical import Record
from sources.ports import Capability, Report
from sources.vendors.tryton import facts, mapping, masters
from sources.vendors.tryton.client import Client
from sources.vendors.tryton.unbilled import with_open_sales
from sources.vendors.tryton.wire import Bill, Company, Item, Party, Period, Receipt, Row, Sale

_CHANGED = ("write_date", "create_date")
_COMPARISONS = ("eq", "in", "lt", "lte", "gt", "gte")
_LARGEST = 2**31 - 1


class Shape(msgspec.Struct, frozen=True):
    """One kind of thing. `domain`: what holds of each, given the company; `orders`: canonical attribute -> field;
    `filtered`: canonical attribute -> field and, for a status, the words that stand for it; `beside`: what is searched
    for besides, for the rows that were found."""

    model: str
    row: type[Row]
    fields: tuple[str, ...]
    build: Callable[..., Record]
    domain: Callable[[int], Sequence[Any]] = lambda _company: ()
    orders: Mapping[str, str] = msgspec.field(default_factory=dict)
    filtered: Mapping[str, tuple[str, Mapping[str, Any] | None]] = msgspec.field(default_factory=dict)
    context: Mapping[str, Any] = msgspec.field(default_factory=dict)
    beside: Callable[[Client, Sequence[Any], Report], Awaitable[list[Any]]] | None = None

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """Which filters can be asked for, by operator."""
        return {name: _COMPARISONS if words is None else ("eq", "in") for name, (_, words) in self.filtered.items()}


class Index(msgspec.Struct, frozen=True):
    """How a key finds rows: `field in` its value (`value` is None for what can be nobody's key), and the keys a row
    belongs to. `ids`: besides, a key that is a number is the record's own id."""

    field: str
    value: Callable[[str], Any]
    of: Callable[[Any], Iterable[str]]
    own_accounts: bool = False
    ids: bool = False

    def condition(self, values: Sequence[Any]) -> list[Any]:
        """The domain that finds the rows of some keys."""
        found: list[Any] = [self.field, "in", list(values)]
        numbers = [own_id(str(value).rpartition(":")[2]) for value in values] if self.ids else []
        known = [number for number in numbers if number is not None]
        return ["OR", found, ["id", "in", known]] if known else found


def own_id(key: str) -> int | None:
    """A record's id; None for what is none."""
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 11 else 0
    return number if 0 < number <= _LARGEST else None


def _prefixed(field: str, prefix: str, of: Callable[[Any], str | None], *, ids: bool = False) -> Index:
    def keys(row: Any) -> list[str]:
        found = mapping.external(of(row), prefix)
        return [key for key in (found, str(row.id) if ids else None) if key is not None]

    return Index(field, lambda key: f"{prefix}{key}", keys, ids=ids)


def _text(key: str) -> str | None:
    return key or None


def _reference(row: Any) -> str | None:
    reference: str | None = row.reference
    return reference


def _customers(row: Receipt) -> list[str]:
    return [str(line.party.id) for line in row.lines if line.party is not None]


def _settled(row: Receipt) -> list[str]:
    found = [line.invoice_payment.reference for line in row.lines if line.invoice_payment is not None]
    return [key for each in found if (key := mapping.external(each, facts.INVOICE)) is not None]


def _credited(row: Bill) -> list[str]:
    return [key for each in row.origin_invoices if (key := mapping.external(each.reference, facts.INVOICE)) is not None]


_BILL_FIELDS = (
    *("number", "reference", "description", "state", "party.code", "currency.code", "untaxed_amount", "tax_amount"),
    *("total_amount", "amount_to_pay", "invoice_date", "lines_to_pay.maturity_date", "move.period.name", *_CHANGED),
    "origin_invoices.reference",
)
_PARTY_FIELDS = (
    *("name", "code", "active", "email", "tax_identifier.code", "customer_payment_term.name", "receivable"),
    *("receivable_today", "credit_limit_amount", *_CHANGED),
)
_SALE_FIELDS = (
    *("number", "reference", "description", "state", "invoice_state", "party.code", "currency.code", "total_amount"),
    *("sale_date", *_CHANGED),
)
_RECEIPT_FIELDS = (
    *("number", "description", "state", "date", "lines.debit", "lines.credit", "lines.party.code"),
    *("lines.invoice_payment.reference", "lines.amount_second_currency", "lines.second_currency.code"),
    *("lines.description", *_CHANGED),
)
_CATEGORY = ("account_revenue.name", "customer_taxes.name")


def _bills(sign: str) -> Callable[[int], Sequence[Any]]:
    return lambda company: (["company", "=", company], ["type", "=", "out"], ["total_amount", sign, 0])


_DATED = {"posted_on": "invoice_date"}
_ISSUED = {"issued_on": "invoice_date", "issued_at": "invoice_date"}

_EVEN_INACTIVE = {"active_test": False}
PARTY = Shape(
    facts.PARTY, Party, _PARTY_FIELDS, mapping.billing_profile, context=_EVEN_INACTIVE, beside=with_open_sales
)
TAXED = Shape(facts.PARTY, Party, ("code", "tax_identifier.code"), masters.tax_profile, context=_EVEN_INACTIVE)
ITEM = Shape(
    facts.PRODUCT,
    Item,
    ("code", "name", "type", "active", "salable", *(f"template.account_category.{name}" for name in _CATEGORY)),
    masters.item,
    lambda _company: (["code", "!=", None],),
    context=_EVEN_INACTIVE,
)
INVOICE = Shape(
    facts.BILL,
    Bill,
    _BILL_FIELDS,
    mapping.posted_invoice,
    _bills(">="),
    _DATED,
    {"posted_on": ("invoice_date", None), "number": ("number", None), "status": ("state", mapping.INVOICE_STATUS)},
)
CREDIT = Shape(facts.BILL, Bill, _BILL_FIELDS, mapping.credit_memo, _bills("<"), _ISSUED)
ORDER = Shape(
    facts.SALE,
    Sale,
    _SALE_FIELDS,
    mapping.sales_order,
    lambda company: (["company", "=", company],),
    {"ordered_on": "sale_date"},
    {"ordered_on": ("sale_date", None), "number": ("number", None)},
)
RECEIPT = Shape(
    facts.MOVE,
    Receipt,
    _RECEIPT_FIELDS,
    mapping.payment,
    lambda company: (
        *(["company", "=", company], ["journal.type", "=", "cash"]),
        ["lines", "where", [["party", "!=", None], ["credit", ">", 0], ["account.type.receivable", "=", True]]],
    ),
    {"received_on": "date", "received_at": "date"},
)
ENTITY = Shape(
    facts.COMPANY,
    Company,
    (
        *("party.code", "party.name", "party.addresses.country.code", "party.tax_identifier.code"),
        *("currency.code", "timezone"),
    ),
    masters.legal_entity,
    lambda company: (["id", "=", company],),
)
PERIOD = Shape(
    facts.PERIOD,
    Period,
    ("name", "start_date", "end_date", "state"),
    masters.period,
    lambda company: (["company", "=", company], ["type", "=", "standard"]),
    {"start_on": "start_date"},
)

_ID = Index("id", own_id, lambda row: [str(row.id)])
_OWN = Index("party", own_id, lambda row: [str(row.party.id)], own_accounts=True)
_BY_CODE = Index("code", _text, lambda row: [mapping.account_key(row.code)])
_NOTHING = Index("", lambda _key: None, lambda _row: [])
_EVERYTHING = Index("", lambda _key: "", lambda _row: [""])

READERS: dict[tuple[type[Record], str], tuple[Shape, Index]] = {
    (c.BillingProfile, "key"): (PARTY, _ID),
    (c.BillingProfile, "account"): (PARTY, _BY_CODE),
    (c.BillingProfile, "payer"): (PARTY, _NOTHING),  # in Tryton each party pays for itself
    (c.TaxProfile, "account"): (TAXED, _BY_CODE),
    (c.ErpItem, "product"): (ITEM, Index("code", _text, lambda row: [row.code or ""])),
    (c.ErpItem, "list"): (ITEM, _EVERYTHING),
    (c.PostedInvoice, "key"): (INVOICE, _ID),
    (c.PostedInvoice, "invoice"): (INVOICE, _prefixed("reference", facts.INVOICE, _reference)),
    (c.PostedInvoice, "account"): (INVOICE, _OWN),
    (c.PostedInvoice, "list"): (INVOICE, _EVERYTHING),
    (c.SalesOrder, "key"): (ORDER, _ID),
    (c.SalesOrder, "order"): (ORDER, _prefixed("reference", facts.ORDER, _reference)),
    (c.SalesOrder, "subscription"): (
        ORDER,
        _prefixed("description", facts.SUBSCRIPTION, lambda row: row.description),
    ),
    (c.SalesOrder, "account"): (ORDER, _OWN),
    (c.Payment, "key"): (RECEIPT, _prefixed("description", facts.PAYMENT, lambda row: row.description, ids=True)),
    (c.Payment, "account"): (RECEIPT, Index("lines.party", own_id, _customers, own_accounts=True)),
    (c.Payment, "invoice"): (
        RECEIPT,
        Index("lines.invoice_payments.reference", lambda key: f"{facts.INVOICE}{key}", _settled),
    ),
    (c.CreditMemo, "key"): (CREDIT, _prefixed("reference", facts.CREDIT, _reference, ids=True)),
    (c.CreditMemo, "account"): (CREDIT, _OWN),
    (c.CreditMemo, "invoice"): (
        CREDIT,
        Index("origin_invoices.reference", lambda key: f"{facts.INVOICE}{key}", _credited),
    ),
    (c.LegalEntity, "key"): (ENTITY, Index("party.code", _text, lambda row: [masters.entity_code(row)])),
    (c.LegalEntity, "list"): (ENTITY, _EVERYTHING),
    (c.AccountingPeriod, "list"): (PERIOD, _EVERYTHING),
}

CAPABILITIES: dict[tuple[type[Record], str], Capability] = {
    pair: Capability(filters=shape.filters, orders=tuple(shape.orders), own_account_ids=index.own_accounts)
    for pair, (shape, index) in READERS.items()
}
