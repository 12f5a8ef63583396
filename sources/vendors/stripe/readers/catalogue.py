"""Reading products, prices, meters, and what was metered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial

from sources.canonical import Record
from sources.errors import BadAsk, Missing, SourceError
from sources.ports import Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire as w
from sources.vendors.stripe.client import at, identifiable
from sources.vendors.stripe.mapping import catalogue
from sources.vendors.stripe.readers.filters import comparable
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import Listing, listed, page_of, whole

_PRODUCTS = "/v1/products"
_PRICES = "/v1/prices"
_METERS = "/v1/billing/meters"
BETWEEN = "|"  # customer and meter in the key of a usage summary


async def products_by_key(inquiry: Inquiry) -> None:
    """Up to a hundred products to a list."""
    keys = [key for key in inquiry.keys if identifiable(key)]
    parts = [keys[start : start + facts.IDS] for start in range(0, len(keys), facts.IDS)]

    async def chunk(part: list[str]) -> None:
        parameters = (("limit", str(facts.PAGE)), *(("ids[]", key) for key in part))
        try:
            answer = await inquiry.get(w.Many[w.Product], _PRODUCTS, parameters, "products.list")
        except SourceError as error:
            for key in part:
                inquiry.failed(key, error)
            return
        for row in answer.value.data:
            record = inquiry.mapped(row.id, partial(catalogue.product, row, inquiry.origin(answer.at)))
            if record is not None:
                inquiry.rows[row.id] = Rows((record,))

    await asyncio.gather(*(chunk(part) for part in parts))


async def products(inquiry: Inquiry) -> None:
    """All products, newest first."""
    listing = Listing(shape=w.Many[w.Product], path=_PRODUCTS, operation="products.list")
    await inquiry.whole_list(lambda: page_of(inquiry, "", [listing], catalogue.product, inquiry.ask.page))


async def prices_by_key(inquiry: Inquiry) -> None:
    """One retrieve per price."""

    async def one(key: str) -> Rows | None:
        answer = await inquiry.get(w.Price, at(_PRICES, key), (), "prices.get")
        record = inquiry.mapped(key, partial(catalogue.price, answer.value, inquiry.origin(answer.at)))
        return Rows((record,)) if record is not None else None

    await inquiry.each(inquiry.keys, one)


async def prices_by_product(inquiry: Inquiry) -> None:
    """One list per product."""

    async def one(product: str) -> Rows:
        return await listed(inquiry, product, [_prices(("product", product))], catalogue.price)

    await inquiry.each(inquiry.keys, one)


async def prices(inquiry: Inquiry) -> None:
    """All prices, newest first."""
    await inquiry.whole_list(lambda: page_of(inquiry, "", [_prices()], catalogue.price, inquiry.ask.page))


def _prices(*parameters: tuple[str, str]) -> Listing[w.Price]:
    return Listing(shape=w.Many[w.Price], path=_PRICES, operation="prices.list", parameters=parameters)


async def meters_by_key(inquiry: Inquiry) -> None:
    """One retrieve per meter."""

    async def one(key: str) -> Rows | None:
        answer = await inquiry.get(w.Meter, at(_METERS, key), (), "meters.get")
        record = inquiry.mapped(key, partial(catalogue.meter, answer.value, inquiry.origin(answer.at)))
        return Rows((record,)) if record is not None else None

    await inquiry.each(inquiry.keys, one)


async def meters(inquiry: Inquiry) -> None:
    """All meters: there are few."""

    async def read() -> Rows:
        rows, more = await whole(inquiry, Listing(shape=w.Many[w.Meter], path=_METERS, operation="meters.list"))
        told = (inquiry.mapped("", partial(catalogue.meter, row, origin)) for row, origin in rows)
        records: list[Record] = [record for record in told if record is not None]
        return Rows(tuple(records), more)

    await inquiry.whole_list(read)


async def usage(inquiry: Inquiry) -> None:
    """Keys `customer|meter`: one call each, for the window of the filters, else the present month (UTC)."""
    start, end = _window(inquiry)

    async def one(key: str) -> None:
        customer, _, meter = key.partition(BETWEEN)
        if not (identifiable(customer) and identifiable(meter)):
            raise BadAsk("usage is read by `customer|meter`: ask with both ids")
        listing = Listing(
            shape=w.Many[w.MeterSummary],
            path=f"{at(_METERS, meter)}/event_summaries",
            operation="meters.summaries",
            parameters=(
                ("customer", customer),
                ("start_time", str(int(start.timestamp()))),
                ("end_time", str(int(end.timestamp()))),
            ),
        )
        try:
            rows, _ = await whole(inquiry, listing)
        except Missing:
            inquiry.rows[key] = Rows()
            return
        origin = rows[0][1] if rows else inquiry.origin(inquiry.now())
        wires = [row for row, _ in rows]
        record = inquiry.mapped(key, partial(catalogue.usage, wires, customer, meter, (start, end), origin))
        if record is not None:
            inquiry.rows[key] = Rows((record,))

    await inquiry.every(inquiry.keys, one)


def _window(inquiry: Inquiry) -> tuple[datetime, datetime]:
    """Whole minutes, as Stripe demands; the end is exclusive."""
    now = inquiry.now()
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    for each in inquiry.ask.page.filters:
        wanted = comparable(each.value, datetime.min.replace(tzinfo=UTC)).astimezone(UTC)
        start, end = (wanted, end) if each.field == "window_start" else (start, wanted)
    if start >= end or start.second or end.second or start.microsecond or end.microsecond:
        raise BadAsk("`window_start` must be before `window_end`, both at a whole minute")
    return start, end
