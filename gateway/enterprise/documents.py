"""ERP documents with balanced postings, whatever their kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from gateway.enterprise.amounts import ZERO, exchange_rate
from gateway.enterprise.sketch import Buyer
from gateway.enterprise.world import World
from sources.simulation.enterprise import ErpDocument, ErpDocumentLine, ErpPosting

RECEIVABLE = "Accounts Receivable"
DEFERRED = "Deferred Revenue"
TAX_PAYABLE = "Sales Tax Payable"
BANK = "Undeposited Funds"
REFUNDS = "Refunds Clearing"
BAD_DEBT = "Bad Debt Expense"
_INITIALS = {"invoice": "INV", "sales_order": "SO", "credit_memo": "CM", "payment": "PYMT", "write_off": "WO"}
# These have no effect in the ledger: approval is missing, or they were undone.
_IDLE = frozenset({"voided", "pending_approval", "rejected", "unapproved"})


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is particular to one document."""

    kind: str
    status: str
    at: datetime
    total: Decimal
    tax: Decimal = ZERO
    paid: Decimal = ZERO
    remaining: Decimal = ZERO
    external_id: str | None = None
    due_on: date | None = None
    disputed: bool = False
    lines: tuple[ErpDocumentLine, ...] = ()
    applied_to: tuple[tuple[str, Decimal], ...] = ()
    subscription_id: str | None = None
    memo: str | None = None
    reference: str | None = None


def write_document(
    world: World, buyer: Buyer, terms: Terms, movements: Sequence[tuple[str, Decimal]] = ()
) -> ErpDocument:
    """Writes one document; `movements` are (ledger account, amount in the document's currency): debits are positive,
    credits negative, and they add up to nothing."""
    entity, number = world.company.entity(buyer.entity), world.mint.number("document")
    on = world.company.local_day(buyer.entity, terms.at)
    written_at = world.past(terms.at + timedelta(minutes=40))
    document = ErpDocument(
        id=str(number),
        kind=terms.kind,
        external_id=terms.external_id,
        number=f"{_INITIALS[terms.kind]}{number}",
        customer_id=buyer.erp_id or "",
        entity_id=entity.id,
        currency=buyer.currency,
        exchange_rate=exchange_rate(buyer.currency, entity.currency),
        status=terms.status,
        on=on,
        due_on=terms.due_on,
        period_id=None if terms.kind == "sales_order" else world.company.period_ids[on.year, on.month],
        total=terms.total,
        tax=terms.tax,
        paid=terms.paid,
        remaining=terms.remaining,
        disputed=terms.disputed,
        lines=terms.lines,
        applied_to=terms.applied_to,
        postings=() if terms.status in _IDLE else _postings(movements),
        subscription_id=terms.subscription_id,
        memo=terms.memo,
        reference=terms.reference,
        created_at=written_at,
        updated_at=written_at,
    )
    world.books.documents.append(document)
    return document


def _postings(movements: Sequence[tuple[str, Decimal]]) -> tuple[ErpPosting, ...]:
    moved = [(account, amount) for account, amount in movements if amount]
    return tuple(
        ErpPosting(line=line, account=account, debit=max(amount, ZERO), credit=max(-amount, ZERO))
        for line, (account, amount) in enumerate(moved)
    )
