"""Lists that two sources own: every record once and all of them, in the order that was asked for, on whatever pages."""

from typing import Any

import pytest

from sources import canonical as c
from sources.canonical import Record
from sources.ports import Ask, Order, Page
from tests.scenarios.town import Town
from tests.sources.paging.lists import Opened, part, rest

HERE = ("hero", "two_entities", "parent_of_40", "reseller", "overdue", "delinquent", "yen")
MERGED = [
    *((c.Payment, order) for order in (None, Order("received_at"), Order("received_at", descending=True))),
    *((c.CreditMemo, order) for order in (None, Order("issued_at"), Order("issued_at", descending=True))),
    (c.Entitlement, None),
]


@pytest.mark.parametrize("landmark", HERE)
@pytest.mark.parametrize(("record", "order"), MERGED, ids=str)
async def test_a_list_of_two_owners_has_each_record_once_on_pages_of_any_size(
    opened: Opened, systems: Town, record: type[Record], order: Order | None, landmark: str
) -> None:
    account = systems.landmarks[landmark]
    ask = Ask(record, "account", (account,), Page(order=order))
    async with opened() as catalog:
        everything = (await catalog.read(ask)).rows[account].records
        expected = [row.key for row in everything]
        owners = [each.name for each in catalog.owners(record)]
        assert len(set(expected)) == len(expected)
        assert [await rest(catalog, ask, size) for size in (100, 1, 2, 3, 5)] == [expected] * 5
        for source in reversed(owners):
            async with opened(source) as alone:
                told = set(await rest(alone, ask, 100))
            assert told <= set(expected)
            mine = {row.key for row in everything if row.source == source}
            assert mine <= told
            if source == owners[0]:
                assert mine == told, "the first owner's record stands"
        begin = await part(catalog, ask, 4)
        for index, place in enumerate(begin.positions):
            assert await rest(catalog, ask, 3, place) == expected[index + 1 :]


@pytest.mark.parametrize("descending", [True, False])
async def test_what_two_sources_date_differently_is_in_the_order_of_their_days(
    opened: Opened, systems: Town, *, descending: bool
) -> None:
    account = systems.landmarks["hero"]
    page = Page(2, order=Order("received_at", descending=descending))
    found: list[Any] = []
    async with opened() as catalog:
        while True:
            reading = await catalog.read(Ask(c.Payment, "account", (account,), page))
            assert not reading.errors
            rows = reading.rows[account]
            found += rows.records
            if not rows.more:
                break
            page = Page(2, rows.next, page.order)
    days = [each.received_on or each.received_at.date() for each in found if each.received_on or each.received_at]
    assert {each.source for each in found} == {"erp", "billing"}
    assert days == sorted(days, reverse=descending)
    assert len(days) == len(found) or [each.received_at for each in found[len(days) :]] == [None] * (
        len(found) - len(days)
    )
