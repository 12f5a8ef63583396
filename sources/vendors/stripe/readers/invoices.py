"""Reading invoices and their lines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from sources.canonical import Invoice, InvoiceStatus, Record
from sources.errors import BadAsk, Missing
from sources.ports import Page, Position, Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire_documents as d
from sources.vendors.stripe.client import Parameters, at, expand, identifiable, quoted
from sources.vendors.stripe.mapping.invoices import invoice, invoice_line, overlaid, pending_payments, wire_statuses
from sources.vendors.stripe.mapping.origin import Origin, id_of
from sources.vendors.stripe.readers.evidence import disputed, disputed_of, underway
from sources.vendors.stripe.readers.filters import between, chosen, ordered
from sources.vendors.stripe.readers.grouped import Search, many
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import Listing, following, listed, page_of
from sources.vendors.stripe.readers.orders import NEWEST
from sources.vendors.stripe.wire import Many

_PATH = "/v1/invoices"
_SEARCH = f"{_PATH}/search"
_EACH = expand(facts.INVOICE_EXPAND, each=True)
_FRESH = 3  # customers up to which a list each, never behind, is preferred to a search


class _Reader:
    """Maps invoices and remembers what came over the wire, for the overlays."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._inquiry = inquiry
        self._wires: dict[str, d.Invoice] = {}

    def tell(self, wire: d.Invoice, origin: Origin) -> Invoice:
        self._wires[wire.id] = wire
        return invoice(wire, origin)

    async def told(self, read: Awaitable[None], customer: str | None = None) -> None:
        """Runs `read`, and adds the overlays that need evidence, which is read meanwhile. Where the evidence fails the
        invoices stand, and every key they were for says so."""
        inquiry = self._inquiry
        if not inquiry.settings.evidence:
            await read
            return
        seeking = disputed(inquiry) if customer is None else disputed_of(inquiry, customer)
        contested = asyncio.create_task(seeking)
        contested.add_done_callback(lambda task: None if task.cancelled() else task.exception())
        try:
            await read
            kept = {record.key for rows in inquiry.rows.values() for record in rows.records}
            intents = frozenset[str]().union(*(pending_payments(self._wires[key]) for key in kept))
            known, trouble = await underway(inquiry, contested, frozenset(each for each in intents if _intent(each)))
        finally:
            contested.cancel()
        for key, rows in inquiry.rows.items():
            rows.records = tuple(
                overlaid(record, self._wires[record.key], known)
                for record in rows.records
                if isinstance(record, Invoice)
            )
            if trouble is not None and rows.records:
                inquiry.failed(key, trouble)


def _intent(reference: str) -> bool:
    return reference.startswith("pi_") and identifiable(reference)


async def by_key(inquiry: Inquiry) -> None:
    """One retrieve per invoice."""
    reader = _Reader(inquiry)

    async def one(key: str) -> Rows | None:
        answer = await inquiry.get(d.Invoice, at(_PATH, key), expand(facts.INVOICE_EXPAND), "invoices.get")
        record = inquiry.mapped(key, partial(reader.tell, answer.value, inquiry.origin(answer.at)))
        return Rows((record,)) if record is not None else None

    await reader.told(inquiry.each(inquiry.keys, one))


async def by_account(inquiry: Inquiry) -> None:
    """Customer ids: a list each for up to three, or to go on; more are searched in tens."""
    page, reader = inquiry.ask.page, _Reader(inquiry)
    one = _listed(inquiry, reader, "customer")
    if len(inquiry.keys) <= _FRESH or page.after is not None:
        await reader.told(inquiry.each(inquiry.keys, one), inquiry.keys[0] if len(inquiry.keys) == 1 else None)
        return

    def told(key: str, rows: list[tuple[d.Invoice, Origin]]) -> Rows:
        records = (inquiry.mapped(key, partial(reader.tell, row, origin)) for row, origin in rows)
        return ordered([record for record in records if record is not None], page, NEWEST)

    search: Search[d.Invoice] = Search(
        shape=Many[d.Invoice],
        path=_SEARCH,
        operation="invoices.search",
        clause=lambda key: f"customer:{quoted(key)}",
        owner=lambda row: id_of(row.customer) or "",
        parameters=_EACH,
    )
    possible = [key for key in inquiry.keys if identifiable(key)]
    inquiry.rows |= {key: Rows() for key in inquiry.keys if key not in possible}
    await reader.told(many(inquiry, possible, search, told, one))


async def by_subscription(inquiry: Inquiry) -> None:
    """One list per subscription."""
    reader = _Reader(inquiry)
    await reader.told(inquiry.each(inquiry.keys, _listed(inquiry, reader, "subscription")))


def _listed(inquiry: Inquiry, reader: _Reader, parameter: str) -> Callable[[str], Awaitable[Rows]]:
    async def one(key: str) -> Rows:
        return await listed(inquiry, key, _listings(inquiry.ask.page, (parameter, key)), reader.tell)

    return one


def _listings(page: Page, *parameters: tuple[str, str]) -> list[Listing[d.Invoice]]:
    """One list for each of Stripe's statuses among which the wanted ones are, or one of everything."""
    due = between(page.filters, "due_at", "due_date")
    since = tuple(each for each in between(page.filters, "created_at", "created") if "gte" in each[0])
    before = _upto(page)

    def listing(*status: tuple[str, str]) -> Listing[d.Invoice]:
        given: Parameters = (*status, *parameters, *due, *since, *_EACH)
        return Listing(shape=Many[d.Invoice], path=_PATH, operation="invoices.list", parameters=given, upto=before)

    wanted = chosen(page.filters, "status", InvoiceStatus)
    return [listing()] if wanted is None else [listing(("status", each)) for each in sorted(wire_statuses(wanted))]


def _upto(page: Page) -> int | None:
    """What was issued before some instant was created before it, too."""
    bounds = [*between(page.filters, "created_at", "created"), *between(page.filters, "issued_at", "created")]
    return min((int(seconds) for name, seconds in bounds if "lte" in name), default=None)


async def every(inquiry: Inquiry) -> None:
    """All invoices, newest first. Which legal entity one is of is judged here: Stripe can search an invoice's own
    metadata, and an invoice that a subscription made has the entity in a copy of the subscription's."""
    page, reader = inquiry.ask.page, _Reader(inquiry)
    listings = _listings(page)
    await reader.told(inquiry.whole_list(lambda: page_of(inquiry, "", listings, reader.tell, page)))


async def lines(inquiry: Inquiry) -> None:
    """The lines of each invoice, in the invoice's own order; they go on after the last line's id."""
    page = inquiry.ask.page
    bound = inquiry.settings.max_rows if page.first is None else min(page.first, inquiry.settings.max_rows)

    async def one(key: str) -> Rows:
        path = f"{at(_PATH, key)}/lines"
        first: Parameters = (("limit", str(min(bound, facts.PAGE))),)
        parameters: Parameters | None = first
        if page.after is not None:
            parameters = (*first, ("starting_after", page.after.key))
        records: list[Record] = []
        seen = 0
        while parameters is not None:
            try:
                answer = await inquiry.get(Many[d.Line], path, parameters, "invoices.lines")
            except Missing as error:
                if page.after is None:
                    raise
                raise BadAsk("`after` names a line that is gone: begin the list again") from error
            found = answer.value.data[: bound - seen]
            seen += len(found)
            told = (inquiry.mapped(key, partial(invoice_line, row, key, inquiry.origin(answer.at))) for row in found)
            records += [record for record in told if record is not None]
            parameters = following(inquiry.client.name, parameters, answer.value, first)
            if seen == bound and (parameters is not None or len(found) < len(answer.value.data)):
                return paged(records, Position(None, found[-1].id))
        return paged(records)

    def paged(records: list[Record], after: Position | None = None) -> Rows:
        places = tuple(Position(None, record.source_id) for record in records) if page.first is not None else ()
        return Rows(tuple(records), after is not None, after, positions=places)

    await inquiry.each(inquiry.keys, one)
