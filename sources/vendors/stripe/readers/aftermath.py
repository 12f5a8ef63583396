"""Reading refunds and disputes: Stripe lists them by charge or payment, never by customer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from sources.canonical import Record
from sources.errors import BadAsk
from sources.ports import Position, Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire_documents as d
from sources.vendors.stripe.client import expand
from sources.vendors.stripe.mapping.origin import Origin, id_of
from sources.vendors.stripe.mapping.payments import charge_of, dispute, refund
from sources.vendors.stripe.readers.filters import ordered
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import Feed, Listing, whole
from sources.vendors.stripe.readers.orders import NEWEST
from sources.vendors.stripe.readers.payments import DISPUTE_EXPAND, payments_of
from sources.vendors.stripe.wire import Many

W = TypeVar("W", bound=Any)
_GONE_ON = ":"  # between second and id in the token of a scan of charges


async def refunds_by_payment(inquiry: Inquiry) -> None:
    """One list per payment."""

    async def one(key: str) -> Rows:
        rows = await _of(inquiry, Many[d.Refund], "refunds", ("payment_intent", key))
        return _told(inquiry, key, [partial(refund, row, *_payer(row), origin) for row, origin in rows])

    await inquiry.each(inquiry.keys, one)


async def disputes_by_payment(inquiry: Inquiry) -> None:
    """One list per payment."""

    async def one(key: str) -> Rows:
        rows = await _of(inquiry, Many[d.Dispute], "disputes", ("payment_intent", key))
        return _told(inquiry, key, [partial(dispute, row, *_payer(row), origin) for row, origin in rows])

    await inquiry.each(inquiry.keys, one)


async def refunds_by_account(inquiry: Inquiry) -> None:
    """Customer ids: the customer's payments with the first ten refunds, and a list for a charge that has more."""

    async def of(charge: d.Charge, origin: Origin) -> list[Callable[[], Record]]:
        if charge.amount_refunded == 0 and not (charge.refunds and charge.refunds.data):
            return []
        rows = [(row, origin) for row in charge.refunds.data] if charge.refunds else []
        if charge.refunds is None or charge.refunds.has_more:
            rows = await _of(inquiry, Many[d.Refund], "refunds", ("charge", charge.id))
        payer = (id_of(charge.customer), id_of(charge.payment_intent))
        return [partial(refund, row, *payer, each) for row, each in rows]

    await inquiry.each(inquiry.keys, partial(_by_account, inquiry, of))


async def disputes_by_account(inquiry: Inquiry) -> None:
    """Customer ids: the customer's payments, and a list for each whose charge is marked as disputed."""

    async def of(charge: d.Charge, origin: Origin) -> list[Callable[[], Record]]:
        if not charge.disputed:
            return []
        rows = await _of(inquiry, Many[d.Dispute], "disputes", ("charge", charge.id))
        payer = (id_of(charge.customer), id_of(charge.payment_intent))
        return [partial(dispute, row, *payer, each) for row, each in rows]

    await inquiry.each(inquiry.keys, partial(_by_account, inquiry, of))


Of = Callable[[d.Charge, Origin], Awaitable[list[Callable[[], Record]]]]


async def _by_account(inquiry: Inquiry, of: Of, customer: str) -> Rows:
    page = inquiry.ask.page
    token = page.after.token if page.after is not None else None
    charges, onward = await _charges(inquiry, customer, token)
    found = await asyncio.gather(*(of(charge, origin) for charge, origin in charges))
    rows = _told(inquiry, customer, [make for each in found for make in each])
    rows.positions = [msgspec.structs.replace(each, token=token) for each in rows.positions]
    if rows.more and rows.next is not None:
        rows.next = msgspec.structs.replace(rows.next, token=token)
    elif onward is not None:
        rows.more, rows.next = True, Position(None, "", onward)
    return rows


async def _charges(
    inquiry: Inquiry, customer: str, token: str | None
) -> tuple[list[tuple[d.Charge, Origin]], str | None]:
    """The charges of up to `max_rows` payments, newest first, and where to go on if there are more."""
    listing = payments_of(customer)
    cursor = _parsed(token) if token is not None else None
    feed = Feed(inquiry, listing.until(cursor[0]) if cursor else listing, facts.PAGE)
    rows: list[tuple[d.Charge, Origin]] = []
    last: d.PaymentIntent | None = None
    seen = 0
    while (found := await feed.next()) is not None:
        if cursor is not None and (-found[0].created, found[0].id) <= (-cursor[0], cursor[1]):
            continue
        if seen == inquiry.settings.max_rows and last is not None:
            return rows, f"{last.created}{_GONE_ON}{last.id}"
        last, seen = found[0], seen + 1
        charge = charge_of(last)
        if charge is not None:
            rows.append((charge, found[1]))
    return rows, None


def _parsed(token: str) -> tuple[int, str]:
    created, _, key = token.partition(_GONE_ON)
    if not created.isdigit() or not key:
        raise BadAsk("`after` is no cursor of this list: use an `endCursor` of it")
    return int(created), key


async def _of(inquiry: Inquiry, shape: type[Many[W]], what: str, parameter: tuple[str, str]) -> list[tuple[W, Origin]]:
    listing = Listing(
        shape=shape,
        path=f"/v1/{what}",
        operation=f"{what}.list",
        parameters=(parameter, *expand(DISPUTE_EXPAND, each=True)),
    )
    return (await whole(inquiry, listing))[0]


def _payer(row: d.Refund | d.Dispute) -> tuple[str | None, str | None]:
    """Customer and payment of the charge that came along."""
    if not isinstance(row.charge, d.Charge):
        return None, None
    return id_of(row.charge.customer), id_of(row.charge.payment_intent)


def _told(inquiry: Inquiry, key: str, makes: Sequence[Callable[[], Record]]) -> Rows:
    """What was made, sorted, behind the row that a position names; one of a scan may name none."""
    records = [record for make in makes if (record := inquiry.mapped(key, make)) is not None]
    page = inquiry.ask.page
    if page.after is not None and page.after.token is not None and not page.after.key:
        page = msgspec.structs.replace(page, after=None)
    return ordered(records, page, NEWEST)
