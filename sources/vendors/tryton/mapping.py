"""Tryton's rows into canonical records: pure and total; an unknown word is an error with its field and value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from sources import canonical as c
from sources.canonical import CreditMemoStatus as Credit
from sources.canonical import Evidence, Money, OrderStatus, PostedStatus
from sources.canonical import PaymentStatus as Paid
from sources.errors import UnknownValue
from sources.vendors.tryton import facts
from sources.vendors.tryton.wire import (
    VENDOR,
    Bill,
    Day,
    Digits,
    MoveLine,
    Named,
    OpenSale,
    Party,
    Receipt,
    Sale,
)

T = TypeVar("T")

INVOICE_STATUS = {
    "draft": PostedStatus.PENDING_APPROVAL,
    "validated": PostedStatus.PENDING_APPROVAL,
    "posted": PostedStatus.OPEN,
    "paid": PostedStatus.PAID,
    "cancelled": PostedStatus.VOID,
}
CREDIT_STATUS = {"draft": Credit.OPEN, "validated": Credit.OPEN, "posted": Credit.OPEN}
CREDIT_STATUS |= {"paid": Credit.APPLIED, "cancelled": Credit.VOID}
ORDER_STATUS = {
    "draft": OrderStatus.DRAFT,
    "quotation": OrderStatus.SUBMITTED,
    "confirmed": OrderStatus.APPROVED,
    "done": OrderStatus.BILLED,
    "cancelled": OrderStatus.CANCELED,
}
PROCESSING_STATUS = {  # of a sale in `processing`, by its `invoice_state`
    "none": OrderStatus.PENDING_BILLING,
    "pending": OrderStatus.PENDING_BILLING,
    "exception": OrderStatus.PENDING_BILLING,
    "awaiting payment": OrderStatus.BILLED,
    "partially paid": OrderStatus.BILLED,
    "paid": OrderStatus.BILLED,
}
POSTED = ("posted", "paid")
PAYMENT_STATUS = {"draft": Paid.PENDING, "posted": Paid.SUCCEEDED}


class Origin(msgspec.Struct, frozen=True):
    """Where and when rows were read, and the company that they are of: its code, currency and country."""

    source: str
    as_of: datetime
    entity: str
    currency: str
    country: str | None = None


# ---------------------------------------------------------------- values


def word(table: Mapping[str, T], field: str, raw: str) -> T:
    """A vocabulary's entry; raises UnknownValue."""
    try:
        return table[raw]
    except KeyError:
        raise UnknownValue(VENDOR, field, raw) from None


def money(digits: Digits | None, field: str, currency: str) -> Money:
    """An amount; none is nothing. Raises UnknownValue for one with more digits than the currency has."""
    if digits is None:
        return Money.zero(currency)
    try:
        return Money.of(digits.value, currency)
    except ValueError:
        raise UnknownValue(VENDOR, field, digits.decimal) from None


def day(found: Day | None) -> date | None:
    """A day, where there is one."""
    return None if found is None else found.value


def code_of(named: Named, field: str) -> str:
    """The code of a reference that has to have one, such as a currency."""
    if not named.code:
        raise UnknownValue(VENDOR, field, named.code)
    return named.code


def external(raw: str | None, prefix: str) -> str | None:
    """What stands behind a prefix of ours."""
    return raw.removeprefix(prefix) if raw is not None and raw.startswith(prefix) else None


def account_key(code: str | None) -> str:
    """The account a party stands for, by its code; empty where the code is no account's key."""
    found = (code or "").partition(":")[0]
    return found if len(found) == facts.ACCOUNT_KEY and found.isascii() and found.isalnum() else ""


def _evidence(origin: Origin, field: str, raw: str) -> tuple[Evidence, ...]:
    return (Evidence(origin.source, field, raw),)


def owned(key: str, number: int, party: Named | Party | None, origin: Origin) -> dict[str, Any]:
    """What every record of a party begins with."""
    return {
        **plain(key, number, origin),
        "account_key": account_key(party.code) if party is not None else "",
        "source_account_id": str(party.id) if party is not None else "",
    }


def plain(key: str, number: int, origin: Origin) -> dict[str, Any]:
    """What every record begins with."""
    return {"key": key, "source": origin.source, "source_id": str(number), "as_of": origin.as_of}


# ---------------------------------------------------------------- parties


def billing_profile(row: Party, origin: Origin) -> c.BillingProfile:
    """A party as this company sees it. Tryton holds nobody by a switch: what it refuses, it refuses by the limit."""
    limit = row.credit_limit_amount
    return c.BillingProfile(
        **owned(str(row.id), row.id, row, origin),
        name=row.name or "",
        legal_entity=origin.entity,
        currency=origin.currency,
        inactive=not row.active,
        terms=row.customer_payment_term.name if row.customer_payment_term else None,
        credit_limit=None if limit is None else money(limit, "party.credit_limit_amount", origin.currency),
        balance=None if row.receivable is None else money(row.receivable, "party.receivable", origin.currency),
        overdue_balance=None
        if row.receivable_today is None
        else money(row.receivable_today, "party.receivable_today", origin.currency),
        unbilled_orders=_unbilled(row.open_sales, origin.currency),
        tax_number=row.tax_identifier.code if row.tax_identifier else None,
        email=row.email or None,
        updated_at=row.changed,
    )


def _unbilled(sales: tuple[OpenSale, ...] | None, currency: str) -> Money | None:
    """What is left to post of confirmed sales. None where they are not for us to see, and where one of them is in
    another currency than the company's: what that comes to depends on the day."""
    if sales is None or any(code_of(each.currency, "sale.currency") != currency for each in sales):
        return None
    return Money(sum(max(_left(each, currency).minor, 0) for each in sales), currency)


def _left(sale: OpenSale, currency: str) -> Money:
    posted = [each for each in sale.invoices if each.state in POSTED]
    billed = (money(each.total_amount, "invoice.total_amount", currency) for each in posted)
    return money(sale.total_amount, "sale.total_amount", currency) - sum(billed, Money.zero(currency))


# ---------------------------------------------------------------- documents


def posted_invoice(row: Bill, origin: Origin) -> c.PostedInvoice:
    """A customer's invoice. One that receipts have been put to in full is paid, whether or not Tryton has closed it."""
    currency = code_of(row.currency, "invoice.currency")
    total = money(row.total_amount, "invoice.total_amount", currency)
    remaining = money(row.amount_to_pay, "invoice.amount_to_pay", currency)
    status = word(INVOICE_STATUS, "invoice.state", row.state)
    if status not in (PostedStatus.OPEN, PostedStatus.PAID):
        remaining = total if status is PostedStatus.PENDING_APPROVAL else Money.zero(currency)
    if status is PostedStatus.OPEN and total and not remaining:
        status = PostedStatus.PAID
    paid = total - remaining if status is not PostedStatus.VOID else Money.zero(currency)
    due = [each.maturity_date.value for each in row.lines_to_pay if each.maturity_date is not None]
    return c.PostedInvoice(
        **owned(str(row.id), row.id, row.party, origin),
        invoice_key=external(row.reference, facts.INVOICE),
        number=row.number,
        status=status,
        status_evidence=_evidence(origin, "invoice.state", row.state),
        legal_entity=origin.entity,
        currency=currency,
        total=total,
        tax=money(row.tax_amount, "invoice.tax_amount", currency),
        paid=paid,
        remaining=remaining,
        posted_on=day(row.invoice_date),
        due_on=max(due, default=None),
        period=row.move.period.name if row.move and row.move.period else None,
        updated_at=row.changed,
    )


def credit_memo(row: Bill, origin: Origin) -> c.CreditMemo:
    """A credit note: an invoice below nothing."""
    currency = code_of(row.currency, "invoice.currency")
    first = row.origin_invoices[0] if row.origin_invoices else None
    unapplied = -money(row.amount_to_pay, "invoice.amount_to_pay", currency)
    note = external(row.reference, facts.CREDIT)
    return c.CreditMemo(
        **owned(note or str(row.id), row.id, row.party, origin),
        number=row.number,
        status=word(CREDIT_STATUS, "invoice.state of a credit note", row.state),
        status_evidence=_evidence(origin, "invoice.state", row.state),
        legal_entity=origin.entity,
        total=-money(row.total_amount, "invoice.total_amount", currency),
        unapplied=unapplied,
        invoice_key=external(first.reference, facts.INVOICE) if first else None,
        issued_on=day(row.invoice_date),
        memo=row.description,
        posted=True,
    )


def sales_order(row: Sale, origin: Origin) -> c.SalesOrder:
    """A sale."""
    currency = code_of(row.currency, "sale.currency")
    if row.state == "processing":
        status = word(PROCESSING_STATUS, "sale.invoice_state", row.invoice_state)
    else:
        status = word(ORDER_STATUS, "sale.state", row.state)
    raw = f"{row.state}, {row.invoice_state}"
    return c.SalesOrder(
        **owned(str(row.id), row.id, row.party, origin),
        order_key=external(row.reference, facts.ORDER),
        subscription_key=external(row.description, facts.SUBSCRIPTION),
        number=row.number,
        status=status,
        status_evidence=_evidence(origin, "sale.state, sale.invoice_state", raw),
        currency=currency,
        total=money(row.total_amount, "sale.total_amount", currency),
        ordered_on=day(row.sale_date),
        legal_entity=origin.entity,
        updated_at=row.changed,
    )


def payment(row: Receipt, origin: Origin) -> c.Payment:
    """A posting in a journal of receipts: what it takes off customers, and for which invoices."""
    lines = [line for line in row.lines if line.party is not None]
    currencies = {_size(line, origin).currency for line in lines}
    if len(currencies) != 1:
        raise UnknownValue(VENDOR, "move.line.currency", sorted(currencies))
    zero = Money.zero(currencies.pop())
    amount = sum((_size(line, origin) for line in lines), zero)
    applications = tuple(
        c.Application(
            invoice_key=external(line.invoice_payment.reference, facts.INVOICE),
            source_document_id=str(line.invoice_payment.id),
            amount=_size(line, origin),
        )
        for line in lines
        if line.invoice_payment is not None
    )
    applied = sum((each.amount for each in applications), zero)
    gateway = external(row.description, facts.PAYMENT)
    return c.Payment(
        **owned(gateway or str(row.id), row.id, lines[0].party, origin),
        status=word(PAYMENT_STATUS, "move.state", row.state),
        status_evidence=_evidence(origin, "move.state", row.state),
        legal_entity=origin.entity,
        amount=amount,
        applied=applied,
        unapplied=amount - applied,
        applications=applications,
        on_account=not applications,
        received_on=row.date.value,
        reference=lines[0].description,
        posted=row.state == "posted",
    )


def _size(line: MoveLine, origin: Origin) -> Money:
    """What a line takes off the customer, in the currency it was received in."""
    if line.second_currency is not None and line.amount_second_currency is not None:
        currency = code_of(line.second_currency, "move.line.second_currency")
        return -money(line.amount_second_currency, "move.line.amount_second_currency", currency)
    credit = money(line.credit, "move.line.credit", origin.currency)
    return credit - money(line.debit, "move.line.debit", origin.currency)
