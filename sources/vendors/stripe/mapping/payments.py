"""Payments: an intent and its latest charge as one status, and what came of it (refunds, disputes)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sources.canonical import (
    Application,
    Dispute,
    DisputeStatus,
    Evidence,
    GatewayPayment,
    Money,
    Payment,
    PaymentStatus,
    Refund,
)
from sources.errors import UnknownValue
from sources.vendors.stripe import wire_documents as d
from sources.vendors.stripe.mapping.origin import VENDOR, Origin, id_of, known, moment, money
from sources.vendors.stripe.wire import Metadata, Named

P = PaymentStatus
_STATUSES = {
    "requires_payment_method": P.PENDING,
    "requires_confirmation": P.PENDING,
    "requires_action": P.PENDING,
    "requires_capture": P.PENDING,
    "processing": P.PENDING,
    "succeeded": P.SUCCEEDED,
    "canceled": P.CANCELED,
}
_REFUNDS = {
    "pending": "PENDING",
    "requires_action": "PENDING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "canceled": "CANCELED",
}
DISPUTES = {
    "warning_needs_response": DisputeStatus.WARNING,
    "warning_under_review": DisputeStatus.WARNING,
    "warning_closed": DisputeStatus.PREVENTED,  # an inquiry that ended without money being taken back
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "appeal_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "appeal_under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "prevented": DisputeStatus.PREVENTED,
}
CONTESTED = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})  # money is at stake now


def charge_of(wire: d.PaymentIntent) -> d.Charge | None:
    """The latest charge, where it came along."""
    return wire.latest_charge if isinstance(wire.latest_charge, d.Charge) else None


def _status(wire: d.PaymentIntent, disputes: Sequence[d.Dispute] | None) -> PaymentStatus:
    """`disputes` of the charge; None = not read: then a disputed charge counts as in dispute."""
    status, charge = known(_STATUSES, "payment_intent.status", wire.status), charge_of(wire)
    if wire.status == "requires_payment_method" and (wire.last_payment_error or charge):
        # Money that had come and went back again, as a returned debit does, leaves its mark on the charge [K].
        return P.REVERSED if charge and charge.failure_balance_transaction else P.FAILED
    if status is not P.SUCCEEDED or charge is None:
        return status
    stands = {known(DISPUTES, "dispute.status", each.status) for each in disputes or ()}
    if stands & CONTESTED or (charge.disputed and disputes is None):
        return P.DISPUTED
    if DisputeStatus.LOST in stands:
        return P.DISPUTE_LOST
    if charge.refunded:
        return P.REFUNDED
    return P.PARTIALLY_REFUNDED if charge.amount_refunded > 0 else status


def _evidence(wire: d.PaymentIntent, disputes: Sequence[d.Dispute] | None, origin: Origin) -> tuple[Evidence, ...]:
    charge = charge_of(wire)
    found = [origin.evidence("payment_intent.status", wire.status)]
    if charge is not None:
        if charge.amount_refunded:
            found.append(origin.evidence("charge.amount_refunded", charge.amount_refunded))
        if charge.disputed:
            found.append(origin.evidence("charge.disputed", "true"))
    found += [origin.evidence("dispute.status", dispute.status) for dispute in disputes or ()]
    return tuple(found)


def payment(
    wire: d.PaymentIntent,
    origin: Origin,
    *,
    disputes: Sequence[d.Dispute] | None = None,
    paid: Iterable[d.InvoicePayment] = (),
    complete: bool = False,
    noted: Metadata | None = None,
) -> Payment:
    """A payment. `paid`: for which invoices it was; unless they are `complete`, or use the payment up, how much is
    applied stays unknown. `noted`: metadata of the invoice it was read for."""
    charge, customer = charge_of(wire), id_of(wire.customer)
    arrived = wire.status == "succeeded"
    amount = money(wire.amount_received if arrived else wire.amount, wire.currency, "payment_intent.amount")
    applications = tuple(_application(each) for each in paid if each.status == "paid")
    if strange := {each.amount.currency for each in applications} - {amount.currency}:
        raise UnknownValue(VENDOR, "invoice_payment.currency", strange.pop())
    spent = sum((each.amount for each in applications), Money.zero(amount.currency))
    applied = spent if complete or spent == amount else None
    return Payment(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        account_key=origin.account(customer, wire.metadata, noted, _metadata(wire.customer)),
        source_account_id=customer or "",
        status=_status(wire, disputes),
        status_evidence=_evidence(wire, disputes, origin),
        legal_entity=origin.legal_entity(wire.metadata, noted, _metadata(wire.customer)),
        amount=amount,
        applied=applied,
        unapplied=amount - applied if arrived and applied is not None else None,
        applications=applications,
        on_account=arrived and complete and not applications,
        received_at=moment(charge.created if charge else wire.created, "charge.created") if arrived else None,
        method=_method(wire),
        reference=charge.receipt_number if charge else None,
    )


def _application(wire: d.InvoicePayment) -> Application:
    invoice = id_of(wire.invoice) or ""
    amount = money(wire.amount_paid or 0, wire.currency, "invoice_payment.amount_paid")
    return Application(invoice_key=invoice, source_document_id=invoice, amount=amount)


def gateway_payment(
    wire: d.PaymentIntent, origin: Origin, *, disputes: Sequence[d.Dispute] | None = None
) -> GatewayPayment:
    """The gateway's side of a payment; without a charge nothing was captured."""
    charge, customer, error = charge_of(wire), id_of(wire.customer), wire.last_payment_error
    captured = refunded = None
    if charge is not None:
        captured = money(charge.amount_captured, charge.currency, "charge.amount_captured")
        refunded = money(charge.amount_refunded, charge.currency, "charge.amount_refunded")
    return GatewayPayment(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        account_key=origin.account(customer, wire.metadata, _metadata(wire.customer)),
        source_account_id=customer or "",
        status=_status(wire, disputes),
        status_evidence=_evidence(wire, disputes, origin),
        failure_code=(error.decline_code or error.code if error else None) or (charge.failure_code if charge else None),
        method=_method(wire),
        captured=captured,
        refunded=refunded,
        created_at=moment(wire.created, "payment_intent.created"),
    )


def _method(wire: d.PaymentIntent) -> str | None:
    charge = charge_of(wire)
    if charge is not None and charge.payment_method_details is not None:
        return charge.payment_method_details.type
    return wire.payment_method_types[0] if len(wire.payment_method_types) == 1 else None


def _metadata(customer: str | Named | None) -> Metadata | None:
    return None if customer is None or isinstance(customer, str) else customer.metadata


def refund(wire: d.Refund, customer: str | None, payment_key: str | None, origin: Origin) -> Refund:
    """Money given back; the customer is that of the charge."""
    return Refund(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        account_key=origin.account(customer),
        source_account_id=customer or "",
        payment_key=id_of(wire.payment_intent) or payment_key,
        amount=money(wire.amount, wire.currency, "refund.amount"),
        status=known(_REFUNDS, "refund.status", wire.status),
        status_evidence=(origin.evidence("refund.status", wire.status),),
        reason=wire.reason,
        created_at=moment(wire.created, "refund.created"),
    )


def dispute(wire: d.Dispute, customer: str | None, payment_key: str | None, origin: Origin) -> Dispute:
    """A contested payment; the customer is that of the charge."""
    due_by = wire.evidence_details.due_by if wire.evidence_details else None
    return Dispute(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        account_key=origin.account(customer),
        source_account_id=customer or "",
        payment_key=id_of(wire.payment_intent) or payment_key,
        amount=money(wire.amount, wire.currency, "dispute.amount"),
        status=known(DISPUTES, "dispute.status", wire.status),
        status_evidence=(origin.evidence("dispute.status", wire.status),),
        reason=wire.reason,
        respond_by=moment(due_by or None, "dispute.evidence_details.due_by"),
        created_at=moment(wire.created, "dispute.created"),
    )
