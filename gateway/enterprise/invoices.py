"""Invoices as billing issued them, with everything that became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from gateway.enterprise.agreements import METERS, Agreement, Item, Period
from gateway.enterprise.amounts import ZERO, line_amount, part, rounded, tax_rate, unrounded
from gateway.enterprise.catalogue import STORAGE_DOLLARS
from gateway.enterprise.outcomes import OUTCOMES, Outcome
from gateway.enterprise.payments import take_payments, write_credit_notes
from gateway.enterprise.posting import post
from gateway.enterprise.world import World
from sources.simulation.enterprise import BillInvoice, BillLine, BillPayment

_HOUR = timedelta(hours=1)
_LAST_ATTEMPT = 4


class Sums(msgspec.Struct, frozen=True):
    """What an invoice amounts to and how much of it is settled, in its currency."""

    subtotal: Decimal
    tax: Decimal
    paid: Decimal
    credited: Decimal  # before payment
    returned: Decimal  # after payment

    @property
    def total(self) -> Decimal:
        """With tax."""
        return self.subtotal + self.tax


class Draft(msgspec.Struct, frozen=True):
    """Everything an invoice is written from."""

    invoice_id: str
    span: Period
    outcome: Outcome
    lines: tuple[BillLine, ...]
    sums: Sums
    payments: Sequence[BillPayment]


def issue(world: World, agreement: Agreement, span: Period, name: str, posting: str = "posted") -> str:
    """Writes the invoice of one period and what follows from it in billing and the ERP; returns its id."""
    outcome, invoice_id = OUTCOMES[name], world.mint.billing("in")
    lines = _lines(world, agreement, span)
    sums = _sums(lines, outcome, agreement.buyer.currency)
    asked_at = world.past(span.start + _HOUR)
    payments = take_payments(world, agreement, invoice_id, sums.total, outcome, asked_at) if sums.total else []
    paid_at = _paid_at(world, outcome, payments, asked_at)
    notes = write_credit_notes(world, agreement, invoice_id, sums.total, outcome, paid_at or asked_at)
    invoice = _invoice(world, agreement, Draft(invoice_id, span, outcome, lines, sums, payments))
    world.books.invoices.append(invoice)
    world.books.payments += payments
    world.books.credit_notes += notes
    _tell(world, agreement, invoice, outcome)
    post(world, agreement, invoice, outcome, posting, payments, notes)
    return invoice_id


def _sums(lines: Sequence[BillLine], outcome: Outcome, currency: str) -> Sums:
    subtotal, tax = sum((line.amount for line in lines), ZERO), sum((line.tax for line in lines), ZERO)
    total = subtotal + tax
    return Sums(
        subtotal,
        tax,
        part(total, outcome.paid, currency) if outcome.reported else ZERO,
        total - part(total, 100 - outcome.credited, currency) if outcome.credited else ZERO,
        part(total, outcome.returned, currency),
    )


def _paid_at(world: World, outcome: Outcome, payments: Sequence[BillPayment], asked_at: datetime) -> datetime | None:
    if outcome.status != "paid":
        return None
    return payments[-1].created_at if payments else world.past(asked_at + timedelta(days=9))


def _invoice(world: World, agreement: Agreement, draft: Draft) -> BillInvoice:
    deal, buyer, outcome, sums, span = agreement.deal, agreement.buyer, draft.outcome, draft.sums, draft.span
    asked_at = world.past(span.start + _HOUR)
    finalized_at = None if outcome.status == "draft" else asked_at
    failed = sum(payment.failure_code is not None for payment in draft.payments)
    return BillInvoice(
        id=draft.invoice_id,
        number=_number(world, buyer.entity) if finalized_at else None,
        customer_id=buyer.billing_id or "",
        account_id=agreement.linked_id,
        entity=None if agreement.dossier.sketch.bare else buyer.entity,
        subscription_id=agreement.subscription_id,
        status=outcome.status,
        currency=buyer.currency,
        lines=draft.lines,
        subtotal=sums.subtotal,
        tax=sums.tax,
        total=sums.total,
        paid=sums.paid,
        remaining=sums.total - sums.paid - sums.credited,
        credited_before=sums.credited,
        credited_after=sums.returned,
        collection=deal.collection,
        reason=_reason(agreement, span, draft.lines),
        due_at=asked_at + timedelta(days=deal.terms) if finalized_at and deal.collection == "invoice" else None,
        attempts=sum(payment.charge_id is not None for payment in draft.payments),
        next_attempt_at=world.ago(-2) if outcome.status == "open" and 0 < failed < _LAST_ATTEMPT else None,
        finalized_at=finalized_at,
        paid_at=_paid_at(world, outcome, draft.payments, asked_at),
        voided_at=world.past(span.start + timedelta(days=1)) if outcome.status == "void" else None,
        uncollectible_at=world.past(span.start + timedelta(days=45)) if outcome.status == "uncollectible" else None,
        period_start=span.start,
        period_end=span.end,
        payment_ids=tuple(payment.id for payment in draft.payments),
        created_at=span.start,
    )


def _number(world: World, entity: str) -> str:
    """Each entity counts its own invoices."""
    return f"NWC-{entity}-{world.mint.number('invoice ' + entity):06d}"


def _reason(agreement: Agreement, span: Period, lines: tuple[BillLine, ...]) -> str:
    if agreement.subscription_id is None:
        return "manual"
    if any(line.proration for line in lines):
        return "subscription_update"
    return "subscription_create" if span.number == agreement.deal.periods - 1 else "subscription_cycle"


def _tell(world: World, agreement: Agreement, invoice: BillInvoice, outcome: Outcome) -> None:
    """Adds the invoice to what is said of the customer as a whole."""
    tally = agreement.tally
    if not outcome.refunded:
        tally.credit += invoice.credited_after
    better_at = invoice.paid_at or invoice.uncollectible_at
    if better_at:
        tally.change(better_at, worse=False)
    if invoice.status == "open" and "requires_method" in outcome.tries:
        tally.change(invoice.created_at, worse=True)
    if invoice.status == "open" and invoice.due_at and invoice.due_at < world.now:
        tally.change(invoice.due_at, worse=True)


def _lines(world: World, agreement: Agreement, span: Period) -> tuple[BillLine, ...]:
    deal = agreement.deal
    lines = [_line(world, agreement, item, span) for item in agreement.items]
    if deal.add_ons and span.number == 1 and deal.interval == "month":
        lines.append(_proration(world, agreement, span))
    return tuple(lines)


def _line(world: World, agreement: Agreement, item: Item, span: Period) -> BillLine:
    currency, price = agreement.buyer.currency, item.price
    trial = agreement.deal.trial is not None and span.number == 0
    quantity, amount = _priced(world, agreement, item, span)
    amount = ZERO if trial else amount
    return BillLine(
        id=world.mint.billing("il"),
        description=f"{quantity} x {price.lookup_key}",
        amount=amount,
        tax=rounded(amount * _tax(agreement), currency),
        quantity=quantity,
        price_id=price.id,
        subscription_id=agreement.subscription_id,
        subscription_item_id=item.id if agreement.subscription_id else None,
        proration=False,
        period_start=span.start,
        period_end=span.end,
    )


def _priced(world: World, agreement: Agreement, item: Item, span: Period) -> tuple[int, Decimal]:
    """Quantity and amount; what was metered is billed with the next period."""
    currency, price = agreement.buyer.currency, item.price
    if item.quantity is not None and price.unit_amount is not None:
        return item.quantity, line_amount(price.unit_amount, item.quantity, currency)
    meter = METERS[price.unit_amount is None]
    quantity = agreement.used.get((span.number + 1, meter))
    if quantity is None:
        quantity = world.streams("usage").randrange(1, 200) * (1000 if meter == "api_calls" else 1)
    return quantity, rounded((price.unit_amount or unrounded(STORAGE_DOLLARS, currency)) * quantity, currency)


def _proration(world: World, agreement: Agreement, span: Period) -> BillLine:
    """The add-on came in the middle of the period before."""
    item, currency = agreement.items[1], agreement.buyer.currency
    amount = part(line_amount(item.price.unit_amount or ZERO, item.quantity or 0, currency), 50, currency)
    return BillLine(
        id=world.mint.billing("il"),
        description=f"Remaining time on {item.price.lookup_key}",
        amount=amount,
        tax=rounded(amount * _tax(agreement), currency),
        quantity=item.quantity,
        price_id=item.price.id,
        subscription_id=agreement.subscription_id,
        subscription_item_id=item.id,
        proration=True,
        period_start=span.start - timedelta(days=15),
        period_end=span.start,
    )


def _tax(agreement: Agreement) -> Decimal:
    if agreement.buyer.tax_exempt != "none":
        return ZERO
    return tax_rate(agreement.buyer.entity, agreement.dossier.sketch.country)
