"""How billing's invoices, payments and credits reached the ERP, and where they did not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from gateway.enterprise.agreements import Agreement
from gateway.enterprise.amounts import ZERO, part, rounded
from gateway.enterprise.documents import (
    BAD_DEBT,
    BANK,
    DEFERRED,
    RECEIVABLE,
    REFUNDS,
    TAX_PAYABLE,
    Terms,
    write_document,
)
from gateway.enterprise.outcomes import Outcome
from gateway.enterprise.revenue import schedule
from gateway.enterprise.world import World
from sources.simulation.enterprise import BillCreditNote, BillInvoice, BillPayment, ErpDocument, ErpDocumentLine

_CONTESTED = frozenset({"needs_response", "under_review", "lost"})
_UNAPPROVED = frozenset({"pending_approval", "rejected"})


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What settles a posted invoice, or settled it until it was voided."""

    kind: str
    status: str
    at: datetime
    amount: Decimal
    external_id: str | None = None
    memo: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the amount counts."""
        return self.status != "voided"


def post(
    world: World,
    agreement: Agreement,
    invoice: BillInvoice,
    outcome: Outcome,
    posting: str,
    payments: Sequence[BillPayment],
    notes: Sequence[BillCreditNote],
) -> None:
    """Writes the ERP's side of one invoice; `posting` is posted, late (not yet), amount (differs), pending_approval or
    rejected."""
    if not agreement.buyer.erp_id or invoice.finalized_at is None or not invoice.total:
        return
    _contradict(world, agreement, invoice, outcome, posting)
    if posting == "late":
        return
    settlements = _settlements(world, invoice, outcome, payments, notes)
    if posting in _UNAPPROVED or invoice.status == "void":
        settlements = []
    document = _post_invoice(world, agreement, invoice, outcome, posting, settlements)
    for settlement in settlements:
        _post_settlement(world, agreement, document, settlement)
    for note in notes:
        if note.kind == "post_payment":
            _post_return(world, agreement, invoice, outcome, note)
    if posting not in _UNAPPROVED and invoice.status != "void":
        schedule(world, agreement, invoice, document.id)


def _settlements(
    world: World,
    invoice: BillInvoice,
    outcome: Outcome,
    payments: Sequence[BillPayment],
    notes: Sequence[BillCreditNote],
) -> list[Settlement]:
    found = [_receipt(world, payment) for payment in payments if payment.status == "succeeded"]
    if outcome.bank:
        amount = part(invoice.total, outcome.paid, invoice.currency)
        at = invoice.paid_at or world.past(invoice.created_at + timedelta(days=9))
        found.append(Settlement(kind="payment", status="deposited", at=at, amount=amount, memo="Bank transfer"))
    for note in notes:
        if note.kind == "pre_payment":
            status = "voided" if note.status == "void" else "applied"
            found.append(_credit(note, status))
    if outcome.written_off and invoice.uncollectible_at:
        at, owed = invoice.uncollectible_at, invoice.remaining
        found.append(Settlement(kind="write_off", status="posted", at=at, amount=owed, memo="Given up by finance"))
    return found


def _receipt(world: World, payment: BillPayment) -> Settlement:
    status = "deposited" if payment.created_at < world.ago(2) else "not_deposited"
    return Settlement(
        kind="payment",
        status="voided" if payment.dispute_status == "lost" else status,
        at=payment.created_at,
        amount=payment.amount,
        external_id=f"stripe:{payment.id}",
    )


def _credit(note: BillCreditNote, status: str) -> Settlement:
    return Settlement(
        kind="credit_memo",
        status=status,
        at=note.created_at,
        amount=note.amount,
        external_id=f"stripe:{note.id}",
        memo=note.memo,
    )


def _post_invoice(
    world: World,
    agreement: Agreement,
    invoice: BillInvoice,
    outcome: Outcome,
    posting: str,
    settlements: Sequence[Settlement],
) -> ErpDocument:
    buyer, at = agreement.buyer, invoice.finalized_at or invoice.created_at
    more = rounded(invoice.subtotal / 10, buyer.currency) if posting == "amount" else ZERO
    total = invoice.total + more
    settled = sum((one.amount for one in settlements if one.holds), ZERO)
    remaining = ZERO if invoice.status == "void" else total - settled
    status = "voided" if invoice.status == "void" else posting
    if posting not in _UNAPPROVED and invoice.status != "void":
        status = "open" if remaining else "paid"
    due_on = world.company.local_day(buyer.entity, invoice.due_at or at)
    if status == "open":
        agreement.tally.open_posted.append((remaining, due_on))
    terms = Terms(
        kind="invoice",
        status=status,
        at=at,
        total=total,
        tax=invoice.tax,
        paid=settled,
        remaining=remaining,
        external_id=f"stripe:{invoice.id}",
        due_on=due_on,
        disputed=outcome.dispute in _CONTESTED,
        lines=_lines(world, invoice, more),
        subscription_id=invoice.subscription_id,
    )
    return write_document(
        world, buyer, terms, ((RECEIVABLE, total), (DEFERRED, -(total - invoice.tax)), (TAX_PAYABLE, -invoice.tax))
    )


def _lines(world: World, invoice: BillInvoice, more: Decimal) -> tuple[ErpDocumentLine, ...]:
    lines = [
        ErpDocumentLine(
            number=number,
            item_id=world.catalogue.item_of_price[line.price_id].id if line.price_id else None,
            quantity=None if line.quantity is None else Decimal(line.quantity),
            rate=None,
            amount=line.amount,
            tax=line.tax,
        )
        for number, line in enumerate(invoice.lines, 1)
    ]
    if more:
        lines.append(
            ErpDocumentLine(number=len(lines) + 1, item_id=None, quantity=None, rate=None, amount=more, tax=ZERO)
        )
    return tuple(lines)


def _post_settlement(world: World, agreement: Agreement, invoice: ErpDocument, settlement: Settlement) -> None:
    amount = settlement.amount
    tax = rounded(amount * invoice.tax / invoice.total, invoice.currency)
    against = {
        "payment": ((BANK, amount),),
        "credit_memo": ((DEFERRED, amount - tax), (TAX_PAYABLE, tax)),
        "write_off": ((BAD_DEBT, amount),),
    }[settlement.kind]
    terms = Terms(
        kind=settlement.kind,
        status=settlement.status,
        at=settlement.at,
        total=amount,
        tax=tax if settlement.kind == "credit_memo" else ZERO,
        paid=amount if settlement.holds else ZERO,
        external_id=settlement.external_id,
        applied_to=((invoice.id, amount),) if settlement.holds else (),
        subscription_id=invoice.subscription_id,
        memo=settlement.memo,
        reference=None if settlement.external_id else f"BANK-{invoice.id}",
    )
    write_document(world, agreement.buyer, terms, (*against, (RECEIVABLE, -amount)))


def _post_return(
    world: World, agreement: Agreement, invoice: BillInvoice, outcome: Outcome, note: BillCreditNote
) -> None:
    """A credit after payment: either the money went back, or the credit waits for the next invoice."""
    tax = rounded(note.amount * invoice.tax / invoice.total, note.currency)
    kept = ZERO if outcome.refunded else note.amount
    agreement.tally.unapplied += kept
    terms = Terms(
        kind="credit_memo",
        status="open" if kept else "applied",
        at=note.created_at,
        total=note.amount,
        tax=tax,
        paid=note.amount - kept,
        remaining=kept,
        external_id=f"stripe:{note.id}",
        subscription_id=invoice.subscription_id,
        memo=note.memo,
    )
    away = RECEIVABLE if kept else REFUNDS
    movements = ((DEFERRED, note.amount - tax), (TAX_PAYABLE, tax), (away, -note.amount))
    write_document(world, agreement.buyer, terms, movements)


def _contradict(world: World, agreement: Agreement, invoice: BillInvoice, outcome: Outcome, posting: str) -> None:
    """Notes what will be found different, unless it is only young."""
    said = f"billing: {invoice.id} {invoice.status} {invoice.total} {invoice.currency}"
    found = {
        "late": ("MISSING_RIGHT", "erp: nothing"),
        "amount": ("AMOUNT", "erp: 10 % more before tax"),
        "rejected": ("STATUS", "erp: rejected"),
    }.get(posting)
    if outcome.dispute == "lost":
        found = ("STATUS", "erp: open again, dispute lost")
    if not outcome.reported:
        found = ("STATUS", "erp: paid by bank transfer")
    if invoice.status == "uncollectible" and not outcome.written_off:
        found = ("WRITE_OFF_UNPOSTED", "erp: open, not written off")
    if found:
        world.books.contradict(agreement.account_id, found[0], said, found[1])
