"""Invoice: status, overdue in its legal entity's time zone, posting state, amount due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.reading import rows
from resolvers.facts.standing import tolerance_of
from resolvers.facts.status import StatusValue, status_of
from sources import canonical as c
from sources.errors import Garbled, Missing, SourceError
from sources.ports import Reading

OVERLAY_NEEDS: tuple[Need, ...] = ((c.LegalEntity, "key"),)
POSTING_NEEDS: tuple[Need, ...] = ((c.PostedInvoice, "invoice"),)
_OPEN = frozenset({c.InvoiceStatus.OPEN, c.InvoiceStatus.PARTIALLY_PAID})
_LONGEST_DAY = timedelta(hours=25)  # where summer time ends


class AmountDueValue(msgspec.Struct, frozen=True):
    """What is due, and whose word that is."""

    amount: c.Money
    source: str
    as_of: datetime


# ---------------------------------------------------------------- status


async def status(invoices: Sequence[c.Invoice], read: Read, _context: Context) -> list[StatusValue | SourceError]:
    """Billing's word; WRITTEN_OFF only where the ERP wrote it off: billing giving up collecting is none."""
    asked = [each.key for each in invoices if c.InvoiceOverlay.COLLECTION_STOPPED in each.overlays]
    reading = await read(c.PostedInvoice, "invoice", asked)
    return [reading.errors.get(each.key) or judge_status(each, rows(reading, each.key)) for each in invoices]


def judge_status(invoice: c.Invoice, posted: Sequence[c.PostedInvoice]) -> StatusValue:
    """Pure: the status that these facts give."""
    plain = status_of(invoice)
    written_off = [each for each in posted if each.written_off]
    if c.InvoiceOverlay.COLLECTION_STOPPED not in invoice.overlays or not written_off:
        return plain
    evidence = c.Evidence(written_off[0].source, "writtenOff", "true")
    return StatusValue(c.InvoiceStatus.WRITTEN_OFF, None, (*plain.derived_from, evidence))


# ---------------------------------------------------------------- overlays


async def overlays(invoices: Sequence[c.Invoice], read: Read, context: Context) -> list[Any]:
    """Billing's overlays, and OVERDUE. The legal entity's zone is asked for only where the due day depends on it; where
    it cannot be read the invoice has an error, not a guess."""
    grace = tolerance_of(context).grace_days
    unsure = {each.legal_entity for each in invoices if each.legal_entity and depends_on_zone(each, context.now)}
    reading = await read(c.LegalEntity, "key", sorted(unsure))
    return [_overlaid(each, reading, context.now, grace) for each in invoices]


def _overlaid(invoice: c.Invoice, reading: Reading, now: datetime, grace: int) -> list[c.InvoiceOverlay] | SourceError:
    zone = "UTC"
    if invoice.legal_entity and depends_on_zone(invoice, now):
        if invoice.legal_entity in reading.errors:
            return reading.errors[invoice.legal_entity]
        found = rows(reading, invoice.legal_entity)
        if not found:
            return Missing(f"invoice `{invoice.key}` is of legal entity `{invoice.legal_entity}`, which the ERP lacks")
        zone = found[0].time_zone
    try:
        late = overdue(invoice, ZoneInfo(zone), now, grace)
    except (ZoneInfoNotFoundError, ValueError):
        return Garbled(f"legal entity `{invoice.legal_entity}` has the unknown time zone `{zone}`: mend it in the ERP")
    return [*invoice.overlays, *((c.InvoiceOverlay.OVERDUE,) if late else ())]


def depends_on_zone(invoice: c.Invoice, now: datetime) -> bool:
    """Whether a midnight has passed since it was due in some places of the earth and not in others."""
    if invoice.due_at is None or invoice.status not in _OPEN or invoice.remaining.minor <= 0:
        return False
    return timedelta(0) < now - invoice.due_at < _LONGEST_DAY


def overdue(invoice: c.Invoice, zone: ZoneInfo | timezone, now: datetime, grace_days: int = 0) -> bool:
    """Open, with something left, and its due day over where the entity is; one that is charged automatically: the first
    attempt failed and the grace since it was issued is over."""
    if invoice.status not in _OPEN or invoice.remaining.minor <= 0:
        return False
    if invoice.due_at is None:
        issued = invoice.issued_at
        return issued is not None and invoice.attempt_count > 0 and now - issued > timedelta(days=grace_days)
    return invoice.due_at.astimezone(zone).date() < now.astimezone(zone).date()


# ---------------------------------------------------------------- what the ERP has of it


async def posting_state(invoices: Sequence[c.Invoice], read: Read, _context: Context) -> list[Any]:
    """How far each is in the ERP; null with the ERP's error where it cannot be asked."""
    reading = await read(c.PostedInvoice, "invoice", [each.key for each in invoices])
    return [reading.errors.get(each.key) or judge_posting(each, rows(reading, each.key)) for each in invoices]


def judge_posting(invoice: c.Invoice, posted: Sequence[c.PostedInvoice]) -> c.PostingState:
    """Pure: the posting state that these facts give. Posted twice, for another total, or void on one side only is a
    mismatch."""
    void = invoice.status is c.InvoiceStatus.VOID
    if invoice.status is c.InvoiceStatus.DRAFT or (void and not posted):
        return c.PostingState.NOT_REQUIRED
    if not posted:
        return c.PostingState.PENDING
    first = posted[0]
    if len(posted) > 1 or first.total != invoice.total or void != (first.status is c.PostedStatus.VOID):
        return c.PostingState.MISMATCH
    if first.status is c.PostedStatus.REJECTED:
        return c.PostingState.FAILED
    if first.status is c.PostedStatus.PENDING_APPROVAL:
        return c.PostingState.PENDING
    return c.PostingState.POSTED


async def amount_due(invoices: Sequence[c.Invoice], read: Read, _context: Context) -> list[Any]:
    """The ERP's remaining once posted there, else billing's; the ERP's error where it cannot be asked."""
    reading = await read(c.PostedInvoice, "invoice", [each.key for each in invoices])
    return [reading.errors.get(each.key) or judge_due(each, rows(reading, each.key)) for each in invoices]


def judge_due(invoice: c.Invoice, posted: Sequence[c.PostedInvoice]) -> AmountDueValue:
    """Pure: what is due by these facts."""
    if judge_posting(invoice, posted) is c.PostingState.POSTED:
        return AmountDueValue(posted[0].remaining, posted[0].source, posted[0].as_of)
    return AmountDueValue(invoice.remaining, invoice.source, invoice.as_of)
