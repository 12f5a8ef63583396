"""Reading lists as the engine does: page by page, from the place of any row."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from sources.canonical import Record
from sources.catalog import Catalog
from sources.ports import Ask, Capability, Order, Page, Position, Rows

Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[Catalog]]
_PAGES = 80


def orders_of(capability: Capability) -> list[Order | None]:
    """Every order that a list can be asked for in, none among them."""
    ascending = [Order(each) for each in capability.orders if each not in capability.descending_only]
    return [None, *ascending, *(Order(each, descending=True) for each in capability.orders)]


async def part(catalog: Catalog, ask: Ask, first: int, after: Position | None = None) -> Rows:
    """One page."""
    page = Page(first, after, ask.page.order, ask.page.filters)
    reading = await catalog.read(Ask(ask.record, ask.by, ask.keys, page))
    assert not reading.errors, reading.errors
    return reading.rows.get(ask.keys[0], Rows())


async def rest(catalog: Catalog, ask: Ask, first: int, after: Position | None = None) -> list[str]:
    """The keys of all pages from a place on."""
    found: list[Record] = []
    for _ in range(_PAGES):
        rows = await part(catalog, ask, first, after)
        assert len(rows.records) <= first
        found += rows.records
        after = rows.next
        if not rows.more:
            return [record.key for record in found]
        assert after is not None
    raise AssertionError(f"the list does not end: {[record.key for record in found][:20]}")
