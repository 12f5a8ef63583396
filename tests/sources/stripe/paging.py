"""What tests of lists share: every page of a list, invoices made by the dozen."""

from datetime import UTC, datetime
from typing import Any

from sources.canonical import Invoice
from sources.ports import Ask, Filter, Order, Page
from sources.vendors.stripe.connector import StripeConnector
from tests.sources.stripe import objects as o
from tests.sources.stripe.objects import Object

NEWEST = Order("created_at", descending=True)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def pages(
    source: StripeConnector, ask: Ask, size: int, order: Order | None = None, filters: tuple[Filter, ...] = ()
) -> list[list[str]]:
    """Every page of one key, following `next`."""
    found, after = [], None
    while True:
        page = Page(size, after, order, filters)
        reading = await source.read(Ask(ask.record, ask.by, ask.keys, page))
        assert reading.errors == {}
        rows = reading.rows[ask.keys[0]]
        found.append([record.key for record in rows.records])
        if not rows.more:
            assert rows.next is None
            return found
        assert rows.next is not None
        assert len(rows.records) <= size
        after = rows.next


def invoices(*created: int, **fields: Any) -> list[Object]:
    return [o.invoice(f"in_{n:05}", created=at, **fields) for n, at in enumerate(created)]


BILLED = Ask(Invoice, "account", ("cus_1",))
