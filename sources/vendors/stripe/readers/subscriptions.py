"""Reading subscriptions and what is going to happen to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from sources.canonical import AccountSubscription, SubscriptionStatus
from sources.errors import SourceError
from sources.ports import Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire as w
from sources.vendors.stripe.client import Parameters, at, expand, quoted
from sources.vendors.stripe.mapping.amendments import amendments
from sources.vendors.stripe.mapping.catalogue import product
from sources.vendors.stripe.mapping.origin import Origin, noted_as
from sources.vendors.stripe.mapping.subscriptions import SUSPENSIONS, account_subscription, wire_statuses
from sources.vendors.stripe.readers.customers import account_clause
from sources.vendors.stripe.readers.filters import chosen, ordered
from sources.vendors.stripe.readers.grouped import Search, many
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import Listing, listed, page_of, whole
from sources.vendors.stripe.readers.orders import NEWEST

_PATH = "/v1/subscriptions"
_SEARCH = f"{_PATH}/search"
_EACH = expand(facts.SUBSCRIPTION_EXPAND, each=True)
_ALONE = expand(facts.SUBSCRIPTION_ALONE_EXPAND)


class _Reader:
    """Maps subscriptions and remembers those whose items did not all come along."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._inquiry = inquiry
        self._short: dict[str, tuple[w.Subscription, Origin]] = {}

    def tell(self, wire: w.Subscription, origin: Origin) -> AccountSubscription:
        if wire.items.has_more:
            self._short[wire.id] = (wire, origin)
        return account_subscription(wire, origin)

    async def completed(self, key: str, rows: Rows) -> Rows:
        """The same rows, each with all its items; the rest of them is fetched where it is missing."""
        if not any(record.key in self._short for record in rows.records):
            return rows
        records = []
        for record in rows.records:
            if record.key in self._short:
                wire, origin = self._short[record.key]
                full = await _full(self._inquiry, wire)
                mapped = self._inquiry.mapped(key, partial(account_subscription, full, origin))
                records.append(mapped if mapped is not None else record)
            else:
                records.append(record)
        return msgspec.structs.replace(rows, records=tuple(records))


async def _full(inquiry: Inquiry, wire: w.Subscription) -> w.Subscription:
    """A subscription with all its items: ten come along, the others have a list of their own."""
    if not wire.items.has_more:
        return wire
    listing = Listing(
        shape=w.Many[w.Item],
        path="/v1/subscription_items",
        operation="subscription_items.list",
        parameters=(("subscription", wire.id),),
    )
    rows, _ = await whole(inquiry, listing)
    return msgspec.structs.replace(wire, items=w.Many(data=[item for item, _ in rows]))


async def by_key(inquiry: Inquiry) -> None:
    """One retrieve per subscription."""

    async def one(key: str) -> Rows | None:
        wire, origin = await _retrieved(inquiry, key)
        record = inquiry.mapped(key, partial(account_subscription, wire, origin))
        return Rows((record,)) if record is not None else None

    await inquiry.each(inquiry.keys, one)


async def _retrieved(inquiry: Inquiry, key: str) -> tuple[w.Subscription, Origin]:
    """One subscription with all its items; the products of the first ten of them are told along with it."""
    answer = await inquiry.get(w.Subscription, at(_PATH, key), _ALONE, "subscriptions.get")
    origin = inquiry.origin(answer.at)
    for item in answer.value.items.data:
        sold = item.price.product
        if isinstance(sold, w.SoldProduct) and sold.name is not None:
            inquiry.along[sold.id] = product(sold, origin)
    return await _full(inquiry, answer.value), origin


async def by_account(inquiry: Inquiry) -> None:
    """Canonical account keys, ten to a search; a key with more rows than the search may page through goes on alone."""
    reader = _Reader(inquiry)

    def told(key: str, rows: list[tuple[w.Subscription, Origin]]) -> Rows:
        records = (inquiry.mapped(key, partial(reader.tell, row, origin)) for row, origin in rows)
        return ordered([record for record in records if record is not None], inquiry.ask.page, NEWEST)

    async def alone(key: str) -> Rows:
        listing = Listing(
            shape=w.Many[w.Subscription],
            path=_SEARCH,
            operation="subscriptions.search",
            parameters=_EACH,
            query=account_clause(key),
        )
        return await listed(inquiry, key, [listing], reader.tell)

    if inquiry.ask.page.after is not None:
        await inquiry.each(inquiry.keys, alone)
    else:
        await many(inquiry, inquiry.keys, _search(), told, alone)
    await _complete(inquiry, reader)


async def _complete(inquiry: Inquiry, reader: _Reader) -> None:
    async def one(key: str) -> None:
        inquiry.rows[key] = await reader.completed(key, inquiry.rows[key])

    await inquiry.every(tuple(inquiry.rows), one)


def _search() -> Search[w.Subscription]:
    return Search(
        shape=w.Many[w.Subscription],
        path=_SEARCH,
        operation="subscriptions.search",
        clause=account_clause,
        owner=lambda row: noted_as(facts.ACCOUNT, row.metadata) or "",
        parameters=_EACH,
    )


async def by_customer(inquiry: Inquiry) -> None:
    """Customer ids: one list each, also of what has ended, never behind."""
    reader, wanted = _Reader(inquiry), _wanted(inquiry)
    ours = wanted is None or SubscriptionStatus.SUSPENDED in wanted  # a subscription we suspended has any status
    statuses = None if wanted is None or ours else wire_statuses(wanted)

    async def one(customer: str) -> Rows:
        listings = _listings(statuses, ("customer", customer))
        return await listed(inquiry, customer, listings, reader.tell)

    await inquiry.each(inquiry.keys, one)
    await _complete(inquiry, reader)


async def every(inquiry: Inquiry) -> None:
    """All subscriptions, newest first; which of them we suspended only a search tells."""
    reader, wanted = _Reader(inquiry), _wanted(inquiry)
    listings = _listings(None if wanted is None else wire_statuses(wanted))
    if wanted is not None and SubscriptionStatus.SUSPENDED in wanted:
        listings = [*listings, *(_suspended(reason) for reason in SUSPENSIONS)]
    await inquiry.whole_list(lambda: page_of(inquiry, "", listings, reader.tell, inquiry.ask.page))
    await _complete(inquiry, reader)


def _wanted(inquiry: Inquiry) -> frozenset[SubscriptionStatus] | None:
    return chosen(inquiry.ask.page.filters, "status", SubscriptionStatus)


def _listings(statuses: frozenset[str] | None, *parameters: tuple[str, str]) -> Sequence[Listing[w.Subscription]]:
    """One list for each of Stripe's statuses, or one of everything."""

    def listing(status: str) -> Listing[w.Subscription]:
        given: Parameters = (("status", status), *parameters, *_EACH)
        return Listing(
            shape=w.Many[w.Subscription],
            path=_PATH,
            operation="subscriptions.list",
            parameters=given,
            shared=bool(parameters),
        )

    return [listing("all")] if statuses is None else [listing(status) for status in sorted(statuses)]


def _suspended(reason: str) -> Listing[w.Subscription]:
    return Listing(
        shape=w.Many[w.Subscription],
        path=_SEARCH,
        operation="subscriptions.search",
        parameters=_EACH,
        query=f"metadata['{facts.SUSPENSION}']:{quoted(reason)}",
    )


async def amendments_by_subscription(inquiry: Inquiry) -> None:
    """One retrieve per subscription, its schedule with it."""

    async def one(key: str) -> Rows:
        wire, origin = await _retrieved(inquiry, key)
        try:
            return Rows(tuple(amendments(wire, origin)))
        except SourceError as error:
            inquiry.failed(key, error)
            return Rows()

    await inquiry.each(inquiry.keys, one)
