"""Payments, disputes, refunds and credit notes around one invoice in billing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from gateway.enterprise.agreements import Agreement, settled_within
from gateway.enterprise.amounts import ZERO, part
from gateway.enterprise.outcomes import Outcome
from gateway.enterprise.world import World
from sources.simulation.enterprise import BillCreditNote, BillPayment

_FAILURES = ("card_declined", "insufficient_funds", "expired_card", "authentication_required")
_REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory", None)
_OPEN_DISPUTES = ("needs_response", "warning_needs_response")


def take_payments(
    world: World, agreement: Agreement, invoice_id: str, total: Decimal, outcome: Outcome, asked_at: datetime
) -> list[BillPayment]:
    """The attempts in their order; the last succeeded if the outcome says that billing was paid."""
    attempts = [
        _attempt(world, agreement, invoice_id, total, status, asked_at + timedelta(days=3 * place, hours=1))
        for place, status in enumerate(outcome.tries)
    ]
    if not outcome.paid or outcome.bank:
        return attempts
    chance = world.streams("payments")
    paid_at = asked_at + timedelta(days=3 * len(attempts)) + settled_within(chance, agreement.deal)
    return [*attempts, _success(world, agreement, invoice_id, total, outcome, paid_at)]


def _attempt(
    world: World, agreement: Agreement, invoice_id: str, amount: Decimal, status: str, at: datetime
) -> BillPayment:
    failed = status == "requires_method"
    return BillPayment(
        id=world.mint.billing("pi"),
        charge_id=world.mint.billing("ch") if failed else None,
        customer_id=agreement.buyer.billing_id or "",
        invoice_id=invoice_id,
        amount=amount,
        currency=agreement.buyer.currency,
        status=status,
        failure_code=world.streams("payments").choice(_FAILURES) if failed else None,
        refunded=ZERO,
        refund_ids=(),
        dispute_id=None,
        dispute_status=None,
        dispute_reason=None,
        dispute_respond_by=None,
        method="sepa_debit" if status == "processing" else "card",
        created_at=world.past(at),
    )


def _success(
    world: World, agreement: Agreement, invoice_id: str, total: Decimal, outcome: Outcome, at: datetime
) -> BillPayment:
    buyer, dispute = agreement.buyer, outcome.dispute
    refunded = part(total, outcome.returned, buyer.currency) if outcome.refunded else ZERO
    transfer = "sepa_debit" if buyer.currency == "EUR" else "customer_balance"
    return BillPayment(
        id=world.mint.billing("pi"),
        charge_id=world.mint.billing("ch"),
        customer_id=buyer.billing_id or "",
        invoice_id=invoice_id,
        amount=part(total, outcome.paid, buyer.currency),
        currency=buyer.currency,
        status="succeeded",
        failure_code=None,
        refunded=refunded,
        refund_ids=(world.mint.billing("re"),) if refunded else (),
        dispute_id=world.mint.billing("du") if dispute else None,
        dispute_status=dispute,
        dispute_reason="fraudulent" if dispute else None,
        dispute_respond_by=world.ago(-7) if dispute in _OPEN_DISPUTES else None,
        method="card" if dispute or agreement.deal.collection == "automatic" else transfer,
        created_at=world.past(at),
    )


def write_credit_notes(
    world: World, agreement: Agreement, invoice_id: str, total: Decimal, outcome: Outcome, at: datetime
) -> list[BillCreditNote]:
    """What was credited before and after payment, and what was credited by mistake."""
    currency = agreement.buyer.currency
    wanted = [
        ("pre_payment", "issued", total - part(total, 100 - outcome.credited, currency) if outcome.credited else ZERO),
        ("post_payment", "issued", part(total, outcome.returned, currency)),
        ("pre_payment", "void", part(total, 10 if outcome.void_credit else 0, currency)),
    ]
    chance, tickets = world.streams("credits"), agreement.dossier.tickets
    rows = [(*row, world.mint.number("credit_note")) for row in wanted if row[2]]
    return [
        BillCreditNote(
            id=world.mint.billing("cn"),
            number=f"CN-{place:06d}",
            invoice_id=invoice_id,
            customer_id=agreement.buyer.billing_id or "",
            status=status,
            kind=kind,
            amount=amount,
            currency=currency,
            reason=_REASONS[place % len(_REASONS)],
            case_id=str(tickets[0].id) if tickets else None,
            memo=chance.choice(("Service credit", "Billed twice", None)),
            created_at=world.past(at + timedelta(days=5)),
        )
        for kind, status, amount, place in rows
    ]
