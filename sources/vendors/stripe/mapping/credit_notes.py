"""Credit notes."""

from __future__ import annotations

from sources.canonical import Application, CreditMemo, CreditMemoStatus, CreditReason
from sources.vendors.stripe import facts
from sources.vendors.stripe.mapping.origin import Origin, id_of, known, moment, money, noted_as
from sources.vendors.stripe.wire import Named
from sources.vendors.stripe.wire_documents import CreditNote

_STATUSES = {"issued": CreditMemoStatus.OPEN, "void": CreditMemoStatus.VOID}
_KINDS = frozenset({"pre_payment", "post_payment", "mixed"})
# Fraud is no reason of ours: such a credit has a cause in the evidence only.
_REASONS = {
    None: None,
    "duplicate": CreditReason.BILLING_ERROR,
    "fraudulent": None,
    "order_change": CreditReason.RETURN,
    "product_unsatisfactory": CreditReason.SERVICE_LEVEL,
}


def credit_memo(wire: CreditNote, origin: Origin) -> CreditMemo:
    """A credit note. Before payment it takes from its invoice at once; after payment it is given back, or stays on the
    customer's balance: only what stays there is open. What the balance paid later, the note does not say."""
    status = known(_STATUSES, "credit_note.status", wire.status)
    if wire.type not in _KINDS:
        known({}, "credit_note.type", wire.type)
    customer, invoice_key = id_of(wire.customer), id_of(wire.invoice) or ""
    before, kept = _before_payment(wire), _kept(wire)
    if status is CreditMemoStatus.OPEN and kept == 0:
        status = CreditMemoStatus.APPLIED
    application = Application(
        invoice_key=invoice_key,
        source_document_id=invoice_key,
        amount=money(before, wire.currency, "credit_note.pre_payment_amount"),
    )
    metadata = wire.customer.metadata if isinstance(wire.customer, Named) else None
    void = status is CreditMemoStatus.VOID
    return CreditMemo(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        account_key=origin.account(customer, wire.metadata, metadata),
        source_account_id=customer or "",
        number=wire.number,
        status=status,
        status_evidence=(
            origin.evidence("credit_note.status", wire.status),
            origin.evidence("credit_note.type", wire.type),
            origin.evidence("credit_note.reason", wire.reason),
        ),
        reason=known(_REASONS, "credit_note.reason", wire.reason),
        legal_entity=origin.legal_entity(wire.metadata, metadata),
        total=money(wire.total, wire.currency, "credit_note.total"),
        unapplied=money(0 if void else kept, wire.currency, "credit_note.post_payment_amount"),
        applications=(application,) if before and not void else (),
        invoice_key=invoice_key or None,
        case_key=noted_as(facts.TICKET, wire.metadata),
        issued_at=moment(wire.effective_at or wire.created, "credit_note.effective_at"),
        memo=wire.memo,
    )


def _before_payment(wire: CreditNote) -> int:
    if wire.pre_payment_amount is not None:
        return wire.pre_payment_amount
    return wire.total if wire.type == "pre_payment" else 0


def _kept(wire: CreditNote) -> int:
    """What went to the customer's balance: neither taken from the invoice, nor refunded, nor settled elsewhere."""
    refunded = sum(refund.amount_refunded for refund in wire.refunds)
    return max(0, wire.total - _before_payment(wire) - refunded - (wire.out_of_band_amount or 0))
