"""Stripe's lists as sorted feeds: newest first, the id breaking ties, merged, filtered, cut and continued by value.

Stripe continues after an id that must still exist, and says nothing about rows of the same second. So a list goes on at
(created, id): everything created up to that second is asked again, and what was already told is passed over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from sources.canonical import Record
from sources.errors import BadAsk, Garbled, Missing
from sources.ports import Page, Position, Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe.client import Parameters, at, identifiable
from sources.vendors.stripe.mapping.origin import Origin, instant
from sources.vendors.stripe.readers.filters import accepts, ordered
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.orders import NEWEST, native
from sources.vendors.stripe.wire import Many, Named

W = TypeVar("W", bound=Any)  # a wire record with `id` and `created`


class Listing(msgspec.Struct, Generic[W], frozen=True, kw_only=True):
    """One list of Stripe, or one search where there is a `query`; `upto` bounds creation from above, in seconds.

    A `shared` list is asked for by several readers: always in whole pages, so that they join in one request.
    """

    shape: type[Many[W]]
    path: str
    operation: str
    parameters: Parameters = ()
    query: str | None = None
    upto: int | None = None
    shared: bool = False

    def until(self, seconds: int) -> Listing[W]:
        """The same, of what was created at `seconds` or before."""
        bound = seconds if self.upto is None else min(seconds, self.upto)
        return msgspec.structs.replace(self, upto=bound)

    def request(self, size: int) -> Parameters:
        """The parameters of the first page."""
        limit = ("limit", str(size))
        if self.query is None:
            upto = () if self.upto is None else (("created[lte]", str(self.upto)),)
            return (limit, *upto, *self.parameters)
        query = self.query
        if self.upto is not None:
            query = f"{query} AND {facts.SEARCH_CREATED.format(seconds=self.upto)}"
        return (limit, ("query", query), *self.parameters)


class Feed(Generic[W]):
    """The rows of a listing one by one, (created, id) descending and ascending; a page is fetched when it is needed."""

    def __init__(self, inquiry: Inquiry, listing: Listing[W], size: int) -> None:
        self._inquiry, self._listing = inquiry, listing
        self._parameters: Parameters | None = listing.request(size)
        self._ready: deque[tuple[W, Origin]] = deque()
        self._second: list[tuple[W, Origin]] = []  # rows of the newest second that may not be complete yet

    async def next(self) -> tuple[W, Origin] | None:
        """The next row, None at the end."""
        while not self._ready and self._parameters is not None:
            await self._fetch(self._parameters)
        return self._ready.popleft() if self._ready else None

    async def _fetch(self, parameters: Parameters) -> None:
        listing = self._listing
        answer = await self._inquiry.get(listing.shape, listing.path, parameters, listing.operation)
        lag = 0.0 if listing.query is None else self._inquiry.settings.search_lag
        origin = self._inquiry.origin(answer.at, lag)
        for row in answer.value.data:
            if self._second and self._second[0][0].created != row.created:
                self._release()
            self._second.append((row, origin))
        self._parameters = following(self._inquiry.client.name, parameters, answer.value, listing.request(facts.PAGE))
        if self._parameters is None:
            self._release()

    def _release(self) -> None:
        self._ready.extend(sorted(self._second, key=_identity))
        self._second = []


def _identity(row: tuple[Any, Origin]) -> str:
    return str(row[0].id)


def following(source: str, asked: Parameters, page: Many[Any], first: Parameters) -> Parameters | None:
    """The parameters of the page after `page`, which was asked for with `asked`; None after the last one. `first` are
    those of a first page."""
    if not page.has_more:
        return None
    if page.next_page is None and not page.data:
        raise Garbled(f"`{source}` says that a list goes on, and gives nothing of it", source=source)
    cursor = ("page", page.next_page) if page.next_page is not None else ("starting_after", page.data[-1].id)
    if cursor in asked:
        raise Garbled(f"`{source}` says that a list goes on, and gives the same of it again", source=source)
    return (*first, cursor)


class Merged(Generic[W]):
    """Several feeds as one, in the same order."""

    def __init__(self, feeds: Sequence[Feed[W]]) -> None:
        self._feeds = feeds
        self._heads: list[tuple[W, Origin] | None] = [None] * len(feeds)
        self._used = list(range(len(feeds)))  # whose head is missing: fetched only when the next row is wanted

    async def next(self) -> tuple[W, Origin] | None:
        """The next row of all, None at the end."""
        heads = await asyncio.gather(*(self._feeds[index].next() for index in self._used))
        for index, head in zip(self._used, heads, strict=True):
            self._heads[index] = head
        self._used = []
        live = [(-head[0].created, head[0].id, index) for index, head in enumerate(self._heads) if head is not None]
        if not live:
            return None
        index = min(live)[2]
        self._used = [index]
        return self._heads[index]


Make = Callable[[W, Origin], Record]


async def page_of(inquiry: Inquiry, key: str, listings: Sequence[Listing[W]], make: Make[W], page: Page) -> Rows:
    """One page of the rows of `key`: mapped, filtered, at most `first` and never more than the source's `max_rows`.

    At most `max_rows` rows are looked at; where that ends the page early, `more` says so and `next` goes on there. A
    row that cannot be mapped is left out and is an error of `key`.
    """
    bound = inquiry.settings.max_rows if page.first is None else min(page.first, inquiry.settings.max_rows)
    cursor = await _cursor(inquiry, listings, page.after)
    if cursor is not None:
        listings = [listing.until(cursor[0]) for listing in listings]
    apart = page.first is not None and not page.filters and not any(listing.shared for listing in listings)
    size = min(facts.PAGE, bound + 3) if apart else facts.PAGE
    source = Merged([Feed(inquiry, listing, size) for listing in listings])
    kept: list[Record] = []
    places: list[Position] = []
    looked, last = 0, page.after
    while (found := await source.next()) is not None:
        row, origin = found
        if last is not None and row.id == last.key:
            continue  # two listings have it
        if cursor is not None and (-row.created, row.id) <= (-cursor[0], cursor[1]):
            continue
        if len(kept) == bound or looked == inquiry.settings.max_rows:
            if not kept and page.first is not None:  # a page without a row has no cursor to go on at
                raise BadAsk("too much would have to be looked at to find any: narrow the filter, by status or date")
            return Rows(tuple(kept), True, last, positions=tuple(places) if page.first is not None else ())
        looked += 1
        record = inquiry.mapped(key, lambda row=row, origin=origin: make(row, origin))  # type: ignore[misc]
        last = Position(instant(row.created, f"{listings[0].operation}.created").isoformat(), row.id)
        if record is not None and accepts(record, page.filters):
            kept.append(record)
            places.append(last)
    return Rows(tuple(kept), positions=tuple(places) if page.first is not None else ())


async def listed(inquiry: Inquiry, key: str, listings: Sequence[Listing[W]], make: Make[W]) -> Rows:
    """A page of what belongs to one parent, in any order: another than Stripe's own means reading all of it first."""
    page = inquiry.ask.page
    if native(page):
        return await page_of(inquiry, key, listings, make, page)
    everything = await page_of(inquiry, key, listings, make, Page(filters=page.filters))
    if everything.more:
        raise BadAsk("there are too many rows to sort them: filter, or leave the order to the source (newest first)")
    return ordered(everything.records, page, NEWEST)


async def _cursor(inquiry: Inquiry, listings: Sequence[Listing[W]], after: Position | None) -> tuple[int, str] | None:
    """Where to go on: (created, id). A position that only names a row costs a look at that row."""
    if after is None or not listings:
        return None
    if not identifiable(after.key):
        raise BadAsk("`after` is no cursor of this list: use an `endCursor` of it")
    if after.value is not None:
        return whole_seconds(after.value), after.key
    path = listings[0].path.removesuffix("/search")
    try:
        row = await inquiry.get(Named, at(path, after.key), (), f"{listings[0].operation}.cursor")
    except Missing:
        row = None
    if row is None or row.value.created is None:
        raise BadAsk("`after` names a row that is gone: begin the list again")
    return row.value.created, after.key


def whole_seconds(text: str) -> int:
    """The unix second of a position's value."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadAsk("`after` is no cursor of this list: use an `endCursor` of it") from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() // 1)


async def whole(inquiry: Inquiry, listing: Listing[W], bound: int | None = None) -> tuple[list[tuple[W, Origin]], bool]:
    """Up to `bound` rows (default: `max_rows`) as Stripe orders them, and whether there are more."""
    limit = inquiry.settings.max_rows if bound is None else bound
    rows: list[tuple[W, Origin]] = []
    parameters: Parameters | None = listing.request(facts.PAGE)
    while parameters is not None:
        answer = await inquiry.get(listing.shape, listing.path, parameters, listing.operation)
        origin = inquiry.origin(answer.at, 0.0 if listing.query is None else inquiry.settings.search_lag)
        rows += [(row, origin) for row in answer.value.data]
        parameters = following(inquiry.client.name, parameters, answer.value, listing.request(facts.PAGE))
        if len(rows) >= limit:
            return rows[:limit], parameters is not None or len(rows) > limit
    return rows, False
