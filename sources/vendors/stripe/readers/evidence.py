"""What an invoice does not say of its payments: whether one is contested, whether one is being processed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from sources.errors import SourceError, TooLarge
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire_documents as d
from sources.vendors.stripe.client import at
from sources.vendors.stripe.mapping.invoices import Underway
from sources.vendors.stripe.mapping.origin import id_of, known
from sources.vendors.stripe.mapping.payments import CONTESTED, DISPUTES, charge_of
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import Listing, whole
from sources.vendors.stripe.readers.payments import disputes_of_charge, payments_of
from sources.vendors.stripe.wire import Many

_INTENTS = "/v1/payment_intents"
_DAY = 86_400


async def disputed(inquiry: Inquiry) -> frozenset[str]:
    """Intents and charges in open dispute. One list of the account's recent disputes serves every invoice there is:
    neither an invoice nor its payments say that they are contested."""
    since = int((inquiry.now() - facts.DISPUTE_AGE).timestamp()) // _DAY * _DAY
    listing = Listing(
        shape=Many[d.Dispute],
        path="/v1/disputes",
        operation="disputes.list",
        parameters=(("created[gte]", str(since)),),
    )
    rows, more = await whole(inquiry, listing, facts.EVIDENCE_PAGES * facts.PAGE)
    if more:
        raise _too_many("disputes", inquiry)
    return frozenset(
        reference
        for row, _ in rows
        if known(DISPUTES, "dispute.status", row.status) in CONTESTED
        for reference in (id_of(row.payment_intent), id_of(row.charge))
        if reference
    )


async def disputed_of(inquiry: Inquiry, customer: str) -> frozenset[str]:
    """The same for one customer: its payments say which charge is contested, and only that one's disputes are read. A
    customer with more payments than fit into one answer is treated like many customers."""
    payments, more = await whole(inquiry, payments_of(customer), facts.PAGE)
    if more:
        return await disputed(inquiry)
    charges = [charge for row, _ in payments if (charge := charge_of(row)) is not None and charge.disputed]
    found = await asyncio.gather(*(whole(inquiry, disputes_of_charge(charge.id)) for charge in charges))
    return frozenset(
        reference
        for rows, _ in found
        for row, _ in rows
        if known(DISPUTES, "dispute.status", row.status) in CONTESTED
        for reference in (id_of(row.payment_intent), id_of(row.charge))
        if reference
    )


async def processing(inquiry: Inquiry, intents: Iterable[str]) -> frozenset[str]:
    """Which of the intents are being processed: a few are looked at one by one, else a search tells which."""
    wanted = sorted(intents)
    if len(wanted) > facts.LOOKUPS:
        listing = Listing(
            shape=Many[d.PaymentIntent],
            path=f"{_INTENTS}/search",
            operation="payment_intents.search",
            query=facts.PROCESSING,
        )
        rows, more = await whole(inquiry, listing, facts.EVIDENCE_PAGES * facts.PAGE)
        if more:
            raise _too_many("payments being processed", inquiry)
        return frozenset(row.id for row, _ in rows if row.status == "processing")
    answers = await asyncio.gather(
        *(inquiry.get(d.PaymentIntent, at(_INTENTS, intent), (), "payment_intents.get") for intent in wanted)
    )
    return frozenset(answer.value.id for answer in answers if answer.value.status == "processing")


def _too_many(what: str, inquiry: Inquiry) -> SourceError:
    bound = facts.EVIDENCE_PAGES * facts.PAGE
    return TooLarge(
        f"`{inquiry.client.name}` has more than {bound} {what}: overlays of invoices may be missing; "
        f"set `evidence = false` to do without",
        source=inquiry.client.name,
    )


async def underway(
    inquiry: Inquiry, contested: asyncio.Task[frozenset[str]], intents: frozenset[str]
) -> tuple[Underway, SourceError | None]:
    """Both, and what went wrong with either: what could be read counts all the same."""
    pending = asyncio.create_task(processing(inquiry, intents)) if intents else None
    found, trouble = [], None
    for task in (contested, pending):
        try:
            found.append(await task if task is not None else frozenset())
        except SourceError as error:
            found.append(frozenset())
            trouble = trouble or error
    return Underway(*found), trouble
