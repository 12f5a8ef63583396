"""Invoices and their lines: Stripe's status as a base, overlays and a settlement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from sources.canonical import Evidence, Invoice, InvoiceLine, InvoiceOverlay, InvoiceStatus, Money, Settlement
from sources.vendors.stripe import wire_documents as d
from sources.vendors.stripe.mapping.origin import Origin, currency, id_of, known, moment, money, number

_STATUSES = {
    "draft": InvoiceStatus.DRAFT,
    "open": InvoiceStatus.OPEN,
    "paid": InvoiceStatus.PAID,
    "uncollectible": InvoiceStatus.OPEN,  # collection stopped, and it can still be paid
    "void": InvoiceStatus.VOID,
}


class Underway(msgspec.Struct, frozen=True):
    """What is known besides the invoices: payments (ids of intents or charges) in open dispute or being processed."""

    disputed: frozenset[str] = frozenset()
    processing: frozenset[str] = frozenset()


def invoice(wire: d.Invoice, origin: Origin) -> Invoice:
    """An invoice as issued. Only the ERP writes off; `overlaid` adds what the invoice does not say."""
    status = _status(wire)
    customer, details = id_of(wire.customer), wire.parent.subscription_details if wire.parent else None
    noted = (wire.metadata, details.metadata if details else None)
    amounts = _Amounts(wire)
    return Invoice(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        account_key=origin.account(customer, *noted),
        source_account_id=customer or "",
        number=wire.number,
        status=status,
        status_since=_since(wire, status),
        status_evidence=tuple(_evidence(wire, origin)),
        overlays=(InvoiceOverlay.COLLECTION_STOPPED,) if wire.status == "uncollectible" else (),
        legal_entity=origin.legal_entity(*noted),
        currency=currency(wire.currency, "invoice.currency"),
        subtotal=amounts.of(wire.subtotal, "subtotal"),
        tax=amounts.of(_tax(wire), "total_taxes"),
        total=amounts.of(wire.total, "total"),
        paid=amounts.of(wire.amount_paid, "amount_paid"),
        remaining=amounts.of(wire.amount_remaining, "amount_remaining"),
        settlement=Settlement(
            cash=amounts.of(wire.amount_paid, "amount_paid"),
            credit=amounts.of(_credited(wire), "pre_payment_credit_notes_amount"),
            write_off=amounts.of(0, "amount_paid"),
            withheld_tax=amounts.of(0, "amount_paid"),
        ),
        collection_method=wire.collection_method,
        due_at=moment(wire.due_date, "invoice.due_date"),
        issued_at=moment(wire.status_transitions.finalized_at, "invoice.status_transitions.finalized_at"),
        period_start=moment(wire.period_start, "invoice.period_start"),
        period_end=moment(wire.period_end, "invoice.period_end"),
        attempt_count=wire.attempt_count,
        next_attempt_at=moment(wire.next_payment_attempt, "invoice.next_payment_attempt"),
        billing_reason=wire.billing_reason,
        subscription_key=id_of(details.subscription) if details else None,
        hosted_url=wire.hosted_invoice_url,
        lines_complete=not wire.lines.has_more,
        created_at=moment(wire.created, "invoice.created"),
    )


class _Amounts:
    """Amounts of one invoice, in its currency."""

    def __init__(self, wire: d.Invoice) -> None:
        self._currency = wire.currency

    def of(self, amount: int, field: str) -> Money:
        return money(amount, self._currency, f"invoice.{field}")


def _status(wire: d.Invoice) -> InvoiceStatus:
    status = known(_STATUSES, "invoice.status", wire.status)
    if status is InvoiceStatus.OPEN and wire.amount_paid > 0 and wire.amount_remaining > 0:
        return InvoiceStatus.PARTIALLY_PAID
    if status is InvoiceStatus.PAID and wire.amount_paid == 0 and _credited(wire) > 0:
        return InvoiceStatus.CREDITED
    return status


def _credited(wire: d.Invoice) -> int:
    """What credit notes took off before payment, and what the customer's credit balance paid.

    A credit note after payment changes nothing about how the invoice was settled: it is a document of its own.
    """
    from_balance = 0 if wire.ending_balance is None else wire.ending_balance - wire.starting_balance
    return wire.pre_payment_credit_notes_amount + (max(0, from_balance) if wire.starting_balance < 0 else 0)


def _tax(wire: d.Invoice) -> int:
    if wire.total_taxes is not None:
        return sum(tax.amount for tax in wire.total_taxes)
    return 0 if wire.total_excluding_tax is None else wire.total - wire.total_excluding_tax


def _since(wire: d.Invoice, status: InvoiceStatus) -> datetime | None:
    """Since when, where Stripe says so; of a partial payment it does not."""
    if status is InvoiceStatus.PARTIALLY_PAID:
        return None
    turns = wire.status_transitions
    since = {
        "draft": wire.created,
        "open": turns.finalized_at,
        "paid": turns.paid_at,
        "uncollectible": turns.finalized_at,
        "void": turns.voided_at,
    }
    return moment(since[wire.status or ""], "invoice.status_transitions")


def _evidence(wire: d.Invoice, origin: Origin) -> Iterator[Evidence]:
    yield origin.evidence("invoice.status", wire.status)
    details = wire.status_details.uncollectible if wire.status_details else None
    if wire.status == "uncollectible" and details is not None:
        yield origin.evidence("invoice.status_details.uncollectible.reason", details.reason)


def overlaid(record: Invoice, wire: d.Invoice, underway: Underway) -> Invoice:
    """The invoice with what is known of its payments; a dispute never changes the base."""
    found = list(record.overlays)
    if pending_payments(wire) & underway.processing:
        found.append(InvoiceOverlay.PAYMENT_PENDING)
    if _paying(wire, "paid") & underway.disputed:
        found.append(InvoiceOverlay.DISPUTED)
    return record if len(found) == len(record.overlays) else msgspec.structs.replace(record, overlays=tuple(found))


def pending_payments(wire: d.Invoice) -> frozenset[str]:
    """The payments an invoice waits for."""
    if wire.status not in ("open", "uncollectible") or wire.amount_remaining <= 0:
        return frozenset()
    return _paying(wire, "open")


def _paying(wire: d.Invoice, status: str) -> frozenset[str]:
    payments = wire.payments.data if wire.payments else []
    return frozenset(
        reference
        for each in payments
        if each.status == status
        for reference in (id_of(each.payment.payment_intent), id_of(each.payment.charge))
        if reference
    )


def invoice_line(wire: d.Line, invoice_key: str, origin: Origin) -> InvoiceLine:
    """A line. Which customer it is for only the invoice says."""
    parent, pricing = wire.parent, wire.pricing.price_details if wire.pricing else None
    made = None
    if parent is not None:
        by_item = parent.type == "subscription_item_details"
        made = parent.subscription_item_details if by_item else parent.invoice_item_details
    quantity = wire.quantity if wire.quantity_decimal is None else wire.quantity_decimal
    tax = None if wire.taxes is None else sum(each.amount for each in wire.taxes)
    return InvoiceLine(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        invoice_key=invoice_key,
        description=wire.description,
        quantity=None if quantity is None else number(quantity, "line_item.quantity"),
        amount=money(wire.amount, wire.currency, "line_item.amount"),
        tax=None if tax is None else money(tax, wire.currency, "line_item.taxes"),
        product_key=pricing.product if pricing else None,
        price_key=id_of(pricing.price) if pricing else None,
        subscription_key=(made.subscription if made else None) or id_of(wire.subscription),
        proration=made.proration if made else False,
        period_start=moment(wire.period.start, "line_item.period.start") if wire.period else None,
        period_end=moment(wire.period.end, "line_item.period.end") if wire.period else None,
    )


def wire_statuses(wanted: frozenset[InvoiceStatus]) -> frozenset[str]:
    """Stripe's statuses among which the wanted ones are; of WRITTEN_OFF there is none: only the ERP writes off."""
    found: dict[InvoiceStatus, frozenset[str]] = {
        InvoiceStatus.DRAFT: frozenset({"draft"}),
        InvoiceStatus.OPEN: frozenset({"open", "uncollectible"}),
        InvoiceStatus.PARTIALLY_PAID: frozenset({"open", "uncollectible"}),
        InvoiceStatus.PAID: frozenset({"paid"}),
        InvoiceStatus.CREDITED: frozenset({"paid"}),
        InvoiceStatus.VOID: frozenset({"void"}),
        InvoiceStatus.WRITTEN_OFF: frozenset(),
    }
    return frozenset[str]().union(*(found[status] for status in wanted))
