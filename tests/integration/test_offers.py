"""Whatever can be combined in a question is answered: every pair of filters, all of them, and every order by itself and with all."""

from collections.abc import AsyncIterator, Sequence
from itertools import combinations
from typing import Any

import pytest
from graphql import GraphQLField

from gateway.settings import parse
from resolvers.batch import Link
from sources import canonical as c
from sources.canonical import Record
from sources.catalog import Catalog, open_catalog
from sources.errors import BadAsk
from sources.ports import Ask, Filter, Order, Page
from tests.integration.conftest import Demo
from tests.resolvers.offers import CONNECTIONS, filters_of, orders_of

JUDGES: dict[str, Any] = {
    "eq": lambda value, wanted: value == wanted,
    "in": lambda value, wanted: value in wanted,
    "lt": lambda value, wanted: value < wanted,
    "gte": lambda value, wanted: value >= wanted,
    "contains": lambda value, wanted: wanted.casefold() in value.casefold(),
}


@pytest.fixture
async def catalog(demo: Demo) -> AsyncIterator[Catalog]:
    tables, secrets = demo.sources()
    opened = open_catalog(parse({"sources": tables}, secrets).sources)
    yield opened
    await opened.close()


def together(filters: Sequence[Filter]) -> list[tuple[Filter, ...]]:
    """No filter, each, each pair, and all."""
    return [(), *combinations(filters, 1), *combinations(filters, 2), tuple(filters)]


async def keys_of(catalog: Catalog, demo: Demo, link: Link) -> tuple[str, ...]:
    """A parent to ask about, by what the link's index wants."""
    hero = demo.landmarks["hero"]
    if link.by in ("list", "search"):
        return ("",) if link.by == "list" else ("a",)
    if link.by == "subscription":
        found = await catalog.read(Ask(c.AccountSubscription, "account", (hero,)))
        return (found.rows[hero].records[0].key,)
    return (hero,)


@pytest.mark.parametrize(("name", "field", "link"), CONNECTIONS, ids=[name for name, _, _ in CONNECTIONS])
async def test_no_combination_that_the_schema_offers_is_refused(
    catalog: Catalog, demo: Demo, name: str, field: GraphQLField, link: Link
) -> None:
    keys = await keys_of(catalog, demo, link)
    filters, orders = filters_of(field), orders_of(field, link)
    pages = [Page(3, None, link.order, each) for each in together(filters)]
    pages += [Page(3, None, order, each) for order in orders for each in ((), tuple(filters))]
    for page in pages:
        reading = await catalog.read(Ask(link.target, link.by, keys, page))
        refused = [each for each in reading.errors.values() if isinstance(each, BadAsk)]
        assert not refused, f"{name}: {refused} for {page}"


async def everything(catalog: Catalog, record: type[Record]) -> list[Record]:
    found: list[Record] = []
    after = None
    while True:
        page = Page(100, after, Order("created_at", descending=True))
        reading = await catalog.read(Ask(record, "list", ("",), page))
        assert not reading.errors
        rows = reading.rows[""]
        found += rows.records
        if not rows.more:
            return found
        after = rows.next


def meets(record: Record, filters: Sequence[Filter]) -> bool:
    values = [(getattr(record, each.field), each) for each in filters]
    return all(value is not None and JUDGES[each.op](value, each.value) for value, each in values)


@pytest.mark.parametrize("record", [c.Invoice, c.AccountSubscription])
async def test_what_a_combination_answers_is_what_reading_everything_finds(
    catalog: Catalog, record: type[Record]
) -> None:
    field, link = next((field, link) for _, field, link in CONNECTIONS if (link.target, link.by) == (record, "list"))
    whole = await everything(catalog, record)
    seen = 0
    for filters in together(filters_of(field)):
        rows = (await catalog.read(Ask(record, "list", ("",), Page(100, None, link.order, filters)))).rows[""]
        expected = [each.key for each in whole if meets(each, filters)][:100]
        assert [each.key for each in rows.records] == expected, filters
        seen += 0 < len(expected) < len(whole)
    assert seen > len(together(filters_of(field))) // 4, "the values choose nothing, or everything"
