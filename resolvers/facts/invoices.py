"""Invoice: overdue in its legal entity's time zone, posting state, amount due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.accounts import rows
from sources import canonical as c

OVERLAY_NEEDS: tuple[Need, ...] = ((c.LegalEntity, "key"),)
POSTING_NEEDS: tuple[Need, ...] = ((c.PostedInvoice, "invoice"),)
_OPEN = frozenset({c.InvoiceStatus.OPEN, c.InvoiceStatus.PARTIALLY_PAID})
_NOT_POSTED = frozenset({c.InvoiceStatus.DRAFT})
_AUTO_GRACE_DAYS = 5


class AmountDueValue(msgspec.Struct, frozen=True):
    """What is due, and whose word that is."""

    amount: c.Money
    source: str
    as_of: datetime


async def overlays(invoices: Sequence[c.Invoice], read: Read, context: Context) -> list[Any]:
    """Billing's overlays, and OVERDUE. An invoice whose entity's zone cannot be read has an error, not a guess."""
    entities = sorted({each.legal_entity for each in invoices if each.legal_entity and each.status in _OPEN})
    reading = await read(c.LegalEntity, "key", entities)
    answers: list[Any] = []
    for each in invoices:
        if each.status in _OPEN and each.legal_entity in reading.errors:
            answers.append(reading.errors[each.legal_entity or ""])
            continue
        found = rows(reading, each.legal_entity or "")
        zone = found[0].time_zone if found else "UTC"
        answers.append([*each.overlays, *((c.InvoiceOverlay.OVERDUE,) if overdue(each, zone, context.now) else ())])
    return answers


def overdue(invoice: c.Invoice, time_zone: str, now: datetime) -> bool:
    """Open, with something left, and its due day over where the entity is; one that is charged automatically: the first
    attempt failed and the grace since it was issued is over."""
    if invoice.status not in _OPEN or invoice.remaining.minor <= 0:
        return False
    if invoice.due_at is None:
        issued = invoice.issued_at
        return issued is not None and invoice.attempt_count > 0 and now - issued > timedelta(days=_AUTO_GRACE_DAYS)
    zone = _zone(time_zone)
    return invoice.due_at.astimezone(zone).date() < now.astimezone(zone).date()


def _zone(name: str) -> Any:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


async def posting_state(invoices: Sequence[c.Invoice], read: Read, _context: Context) -> list[Any]:
    """How far each is in the ERP; null with the ERP's error where it cannot be asked."""
    reading = await read(c.PostedInvoice, "invoice", [each.key for each in invoices])
    return [
        reading.errors[each.key] if each.key in reading.errors else judge_posting(each, rows(reading, each.key))
        for each in invoices
    ]


def judge_posting(invoice: c.Invoice, posted: Sequence[c.PostedInvoice]) -> c.PostingState:
    """Pure: the posting state that these facts give."""
    if invoice.status in _NOT_POSTED or (invoice.status is c.InvoiceStatus.VOID and not posted):
        return c.PostingState.NOT_REQUIRED
    if not posted:
        return c.PostingState.PENDING
    first = posted[0]
    if len(posted) > 1 or first.total != invoice.total:
        return c.PostingState.MISMATCH
    if first.status is c.PostedStatus.REJECTED:
        return c.PostingState.FAILED
    if first.status is c.PostedStatus.PENDING_APPROVAL:
        return c.PostingState.PENDING
    return c.PostingState.POSTED


async def amount_due(invoices: Sequence[c.Invoice], read: Read, _context: Context) -> list[Any]:
    """The ERP's remaining once posted there, else billing's; the ERP's error where it cannot be asked."""
    reading = await read(c.PostedInvoice, "invoice", [each.key for each in invoices])
    return [
        reading.errors[each.key] if each.key in reading.errors else _due(each, rows(reading, each.key))
        for each in invoices
    ]


def _due(invoice: c.Invoice, posted: Sequence[c.PostedInvoice]) -> AmountDueValue:
    if judge_posting(invoice, posted) is c.PostingState.POSTED:
        return AmountDueValue(posted[0].remaining, posted[0].source, posted[0].as_of)
    return AmountDueValue(invoice.remaining, invoice.source, invoice.as_of)
