"""Reading payments, and what came of them: refunds, disputes, credit notes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from sources.canonical import Payment, Record
from sources.errors import Missing, SourceError
from sources.ports import Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire_documents as d
from sources.vendors.stripe.client import at, expand
from sources.vendors.stripe.mapping.credit_notes import credit_memo
from sources.vendors.stripe.mapping.origin import Origin
from sources.vendors.stripe.mapping.payments import charge_of, gateway_payment, payment
from sources.vendors.stripe.readers.filters import ordered
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import Listing, listed, whole
from sources.vendors.stripe.readers.orders import RECEIVED
from sources.vendors.stripe.wire import Many

_INTENTS = "/v1/payment_intents"
_CREDITS = "/v1/credit_notes"
DISPUTE_EXPAND = ("charge",)


def payments_of(customer: str) -> Listing[d.PaymentIntent]:
    """A customer's payments with their charges and refunds: what payments, refunds and disputes are all told from."""
    return Listing(
        shape=Many[d.PaymentIntent],
        path=_INTENTS,
        operation="payment_intents.list",
        parameters=(("customer", customer), *expand(facts.PAYMENT_EXPAND, each=True)),
        shared=True,
    )


def disputes_of_charge(charge: str) -> Listing[d.Dispute]:
    """The disputes of one charge."""
    return Listing(
        shape=Many[d.Dispute],
        path="/v1/disputes",
        operation="disputes.list",
        parameters=(("charge", charge), *expand(DISPUTE_EXPAND, each=True)),
    )


async def disputes_of(inquiry: Inquiry, key: str, wire: d.PaymentIntent) -> Sequence[d.Dispute] | None:
    """The disputes of a payment's charge, asked for only where the charge is marked; None where they cannot be read."""
    charge = charge_of(wire)
    if charge is None or not charge.disputed:
        return ()
    try:
        rows, _ = await whole(inquiry, disputes_of_charge(charge.id))
    except SourceError as error:
        inquiry.failed(key, error)
        return None
    return [row for row, _ in rows]


async def by_key(inquiry: Inquiry) -> None:
    """Per payment: a retrieve, and beside it the invoices it was for."""

    async def one(key: str) -> Rows | None:
        (wire, origin), paid = await asyncio.gather(_retrieved(inquiry, key), _paid_with(inquiry, key))
        told = partial(
            payment,
            wire,
            origin,
            disputes=await disputes_of(inquiry, key, wire),
            paid=paid or (),
            complete=paid is not None,
        )
        record = inquiry.mapped(key, told)
        return Rows((record,)) if record is not None else None

    await inquiry.each(inquiry.keys, one)


async def gateway_by_key(inquiry: Inquiry) -> None:
    """One retrieve per payment."""

    async def one(key: str) -> Rows | None:
        wire, origin = await _retrieved(inquiry, key)
        disputes = await disputes_of(inquiry, key, wire)
        record = inquiry.mapped(key, partial(gateway_payment, wire, origin, disputes=disputes))
        return Rows((record,)) if record is not None else None

    await inquiry.each(inquiry.keys, one)


async def _retrieved(inquiry: Inquiry, key: str) -> tuple[d.PaymentIntent, Origin]:
    answer = await inquiry.get(d.PaymentIntent, at(_INTENTS, key), expand(facts.PAYMENT_EXPAND), "payment_intents.get")
    return answer.value, inquiry.origin(answer.at)


async def _paid_with(inquiry: Inquiry, key: str) -> list[d.InvoicePayment] | None:
    """What a payment was for; None, and an error of its key, where that cannot be read."""
    listing = Listing(
        shape=Many[d.InvoicePayment],
        path="/v1/invoice_payments",
        operation="invoice_payments.list",
        parameters=(("payment[type]", "payment_intent"), ("payment[payment_intent]", key)),
    )
    try:
        rows, more = await whole(inquiry, listing)
    except Missing:
        return []
    except SourceError as error:
        inquiry.failed(key, error)
        return None
    return None if more else [row for row, _ in rows]


async def by_account(inquiry: Inquiry) -> None:
    """Customer ids: one list each, the latest charge with every payment; which invoices they paid is not in it."""
    wires: dict[str, tuple[d.PaymentIntent, Origin]] = {}

    def tell(wire: d.PaymentIntent, origin: Origin) -> Payment:
        wires[wire.id] = (wire, origin)
        return payment(wire, origin)

    async def one(customer: str) -> Rows:
        rows = await listed(inquiry, customer, [payments_of(customer)], tell)
        rows.records = await asyncio.gather(*(judged(customer, record) for record in rows.records))
        return rows

    async def judged(customer: str, record: Record) -> Record:
        wire, origin = wires[record.key]
        disputes = await disputes_of(inquiry, customer, wire)
        if not disputes:
            return record
        return inquiry.mapped(customer, partial(payment, wire, origin, disputes=disputes)) or record

    await inquiry.each(inquiry.keys, one)


async def by_invoice(inquiry: Inquiry) -> None:
    """One list per invoice: how much of which payment was for it."""

    async def one(key: str) -> Rows:
        listing = Listing(
            shape=Many[d.InvoicePayment],
            path="/v1/invoice_payments",
            operation="invoice_payments.list",
            parameters=(("invoice", key), *expand(facts.INVOICE_PAYMENT_EXPAND, each=True)),
        )
        rows, more = await whole(inquiry, listing)
        told = await asyncio.gather(*(judged(key, row, origin) for row, origin in rows))
        rows_told = ordered([record for record in told if record is not None], inquiry.ask.page, RECEIVED)
        rows_told.more = rows_told.more or more
        return rows_told

    async def judged(key: str, row: d.InvoicePayment, origin: Origin) -> Payment | None:
        wire = row.payment.payment_intent
        if not isinstance(wire, d.PaymentIntent):
            return None
        disputes = await disputes_of(inquiry, key, wire)
        noted = row.invoice.metadata if isinstance(row.invoice, d.Invoice) else None
        return inquiry.mapped(key, partial(payment, wire, origin, disputes=disputes, paid=(row,), noted=noted))

    await inquiry.each(inquiry.keys, one)


async def credits_by_key(inquiry: Inquiry) -> None:
    """One retrieve per credit note."""

    async def one(key: str) -> Rows | None:
        answer = await inquiry.get(d.CreditNote, at(_CREDITS, key), expand(facts.CREDIT_EXPAND), "credit_notes.get")
        record = inquiry.mapped(key, partial(credit_memo, answer.value, inquiry.origin(answer.at)))
        return Rows((record,)) if record is not None else None

    await inquiry.each(inquiry.keys, one)


async def credits_by_account(inquiry: Inquiry) -> None:
    """Customer ids: one list each."""
    await _credits(inquiry, "customer")


async def credits_by_invoice(inquiry: Inquiry) -> None:
    """One list per invoice."""
    await _credits(inquiry, "invoice")


async def _credits(inquiry: Inquiry, parameter: str) -> None:
    async def one(key: str) -> Rows:
        listing = Listing(
            shape=Many[d.CreditNote],
            path=_CREDITS,
            operation="credit_notes.list",
            parameters=((parameter, key), *expand(facts.CREDIT_EXPAND, each=True)),
        )
        return await listed(inquiry, key, [listing], credit_memo)

    await inquiry.each(inquiry.keys, one)
