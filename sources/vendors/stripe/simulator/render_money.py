"""The book's entries as the vendor's objects: invoices, payments, credit notes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sources.simulation.enterprise import BillCreditNote, BillInvoice, BillLine, BillPayment, BillPrice
from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.render import embedded, metadata, minor, seconds
from sources.vendors.stripe.simulator.shapes import Object, shape


def _taxes(amount: Decimal, base: Decimal, currency: str) -> list[Object]:
    if amount == 0:
        return []
    return [
        {
            "amount": minor(amount, currency),
            "tax_behavior": "exclusive",
            "tax_rate_details": {"tax_rate": "txr_standard"},
            "taxability_reason": "standard_rated",
            "taxable_amount": minor(base, currency),
            "type": "tax_rate_details",
        }
    ]


def line(entry: BillLine, invoice: BillInvoice, prices: Mapping[str, BillPrice]) -> Object:
    """A line; what it is for stands under `parent` and `pricing`."""
    currency = invoice.currency
    details = {"proration": entry.proration, "proration_details": None}
    if entry.subscription_item_id is not None:
        parent = {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": {
                **details,
                "invoice_item": None,
                "subscription": entry.subscription_id,
                "subscription_item": entry.subscription_item_id,
            },
        }
    else:
        parent = {
            "type": "invoice_item_details",
            "invoice_item_details": {
                **details,
                "invoice_item": entry.id.replace("il_", "ii_", 1),
                "subscription": entry.subscription_id,
            },
            "subscription_item_details": None,
        }
    pricing = None
    if entry.price_id is not None:
        pricing = {
            "type": "price_details",
            "price_details": {"price": entry.price_id, "product": prices[entry.price_id].product_id},
            "unit_amount_decimal": None,
        }
    return shape(
        "line_item",
        id=entry.id,
        amount=minor(entry.amount, currency),
        currency=currency.lower(),
        description=entry.description,
        invoice=invoice.id,
        parent=parent,
        period={"start": seconds(entry.period_start), "end": seconds(entry.period_end)},
        pricing=pricing,
        quantity=entry.quantity,
        subtotal=minor(entry.amount, currency),
        taxes=_taxes(entry.tax, entry.amount, currency),
    )


def lines(entry: BillInvoice, prices: Mapping[str, BillPrice]) -> list[Object]:
    """All lines of an invoice."""
    return [line(each, entry, prices) for each in entry.lines]


def invoice(entry: BillInvoice, prices: Mapping[str, BillPrice]) -> Object:
    """An invoice; the subscription stands under `parent`, payments only where they are expanded."""
    currency = entry.currency

    def cents(amount: Decimal) -> int:
        return minor(amount, currency)

    parent = None
    if entry.subscription_id is not None:
        parent = {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": entry.subscription_id},
        }
    return shape(
        "invoice",
        id=entry.id,
        amount_due=cents(entry.total - entry.credited_before),
        amount_paid=cents(entry.paid),
        amount_remaining=cents(entry.remaining),
        attempt_count=entry.attempts,
        attempted=entry.attempts > 0,
        auto_advance=entry.status in ("draft", "open"),
        billing_reason=facts.BILLING_REASONS[entry.reason],
        collection_method="charge_automatically" if entry.collection == "automatic" else "send_invoice",
        created=seconds(entry.created_at),
        currency=currency.lower(),
        customer=entry.customer_id,
        due_date=seconds(entry.due_at),
        effective_at=seconds(entry.finalized_at),
        ending_balance=0,
        hosted_invoice_url=f"https://invoice.example/i/{entry.id}" if entry.finalized_at is not None else None,
        lines=embedded(lines(entry, prices), f"/v1/invoices/{entry.id}/lines"),
        metadata=metadata(crm_account_id=entry.account_id, legal_entity=entry.entity),
        next_payment_attempt=seconds(entry.next_attempt_at),
        number=entry.number,
        parent=parent,
        period_end=seconds(entry.period_end),
        period_start=seconds(entry.period_start),
        post_payment_credit_notes_amount=cents(entry.credited_after),
        pre_payment_credit_notes_amount=cents(entry.credited_before),
        status=entry.status,
        status_transitions={
            "finalized_at": seconds(entry.finalized_at),
            "marked_uncollectible_at": seconds(entry.uncollectible_at),
            "paid_at": seconds(entry.paid_at),
            "voided_at": seconds(entry.voided_at),
        },
        subtotal=cents(entry.subtotal),
        subtotal_excluding_tax=cents(entry.subtotal),
        total=cents(entry.total),
        total_excluding_tax=cents(entry.subtotal),
        total_taxes=_taxes(entry.tax, entry.subtotal, currency),
    )


def invoice_payment(entry: BillPayment) -> Object:
    """How a payment belongs to an invoice."""
    paid = entry.status == "succeeded"
    return shape(
        "invoice_payment",
        id=entry.id.replace("pi_", "inpay_", 1),
        amount_paid=minor(entry.amount, entry.currency) if paid else None,
        amount_requested=minor(entry.amount, entry.currency),
        created=seconds(entry.created_at),
        currency=entry.currency.lower(),
        invoice=entry.invoice_id,
        payment={"type": "payment_intent", "payment_intent": entry.id},
        status="paid" if paid else ("canceled" if entry.status == "canceled" else "open"),
        status_transitions={"canceled_at": None, "paid_at": seconds(entry.created_at) if paid else None},
    )


def payment_intent(entry: BillPayment) -> Object:
    """A payment."""
    succeeded = entry.status == "succeeded"
    failed = entry.failure_code is not None and not succeeded
    error = {"code": entry.failure_code, "message": "declined", "type": "card_error"} if failed else None
    return shape(
        "payment_intent",
        id=entry.id,
        amount=minor(entry.amount, entry.currency),
        amount_received=minor(entry.amount, entry.currency) if succeeded else 0,
        canceled_at=seconds(entry.created_at) if entry.status == "canceled" else None,
        created=seconds(entry.created_at),
        currency=entry.currency.lower(),
        customer=entry.customer_id,
        last_payment_error=error,
        latest_charge=entry.charge_id,
        payment_method_types=[entry.method],
        status=facts.INTENTS[entry.status],
    )


def charge(entry: BillPayment) -> Object:
    """What was charged, or tried."""
    amount, refunded = minor(entry.amount, entry.currency), minor(entry.refunded, entry.currency)
    succeeded = entry.status == "succeeded"
    return shape(
        "charge",
        id=entry.charge_id,
        amount=amount,
        amount_captured=amount if succeeded else 0,
        amount_refunded=refunded,
        captured=succeeded,
        created=seconds(entry.created_at),
        currency=entry.currency.lower(),
        customer=entry.customer_id,
        disputed=entry.dispute_id is not None,
        failure_code=entry.failure_code,
        paid=succeeded,
        payment_intent=entry.id,
        payment_method_details={"type": entry.method},
        refunded=succeeded and refunded == amount and refunded > 0,
        status="succeeded" if succeeded else ("pending" if entry.status == "processing" else "failed"),
    )


def refund(entry: BillPayment, key: str) -> Object:
    """Money given back: all of a payment's refund in one."""
    return shape(
        "refund",
        id=key,
        amount=minor(entry.refunded, entry.currency),
        charge=entry.charge_id,
        created=seconds(entry.created_at),
        currency=entry.currency.lower(),
        payment_intent=entry.id,
    )


def dispute(entry: BillPayment) -> Object:
    """A contested payment."""
    return {
        "id": entry.dispute_id,
        "object": "dispute",
        "amount": minor(entry.amount, entry.currency),
        "charge": entry.charge_id,
        "created": seconds(entry.created_at),
        "currency": entry.currency.lower(),
        "evidence_details": {
            "due_by": seconds(entry.dispute_respond_by),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": entry.id,
        "reason": entry.dispute_reason or "general",
        "status": entry.dispute_status,
    }


def credit_note(entry: BillCreditNote) -> Object:
    """A credit note."""
    amount = minor(entry.amount, entry.currency)
    return shape(
        "credit_note",
        id=entry.id,
        amount=amount,
        created=seconds(entry.created_at),
        currency=entry.currency.lower(),
        customer=entry.customer_id,
        effective_at=seconds(entry.created_at),
        invoice=entry.invoice_id,
        lines=embedded([], f"/v1/credit_notes/{entry.id}/lines"),
        memo=entry.memo,
        metadata=metadata(support_ticket_id=entry.case_id),
        number=entry.number,
        post_payment_amount=amount if entry.kind == "post_payment" else 0,
        pre_payment_amount=amount if entry.kind == "pre_payment" else 0,
        reason=entry.reason,
        status=entry.status,
        subtotal=amount,
        total=amount,
        total_taxes=[],
        type=entry.kind,
        voided_at=seconds(entry.created_at) if entry.status == "void" else None,
    )
