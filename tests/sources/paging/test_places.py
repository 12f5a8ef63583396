"""Every list of every source goes on behind any of its rows, in every order: nothing is lost, nothing comes twice."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest

from sources import canonical as c
from sources.canonical import Record
from sources.catalog import Catalog, open_catalog
from sources.ports import Ask, Order, Page
from tests.scenarios.town import Town, settings
from tests.sources.paging.lists import Opened, orders_of, part, rest

NAMES = ("crm", "billing", "erp", "support")
ALL, FEW, TRIED = 100, 4, 60
_ONE = ("key", "external", "day", "account_meter", "contact")  # indexes that find single records
_OF: dict[str, tuple[tuple[type[Record], str], ...]] = {
    "customer": ((c.BillingCustomer, "account"),),
    "payer": ((c.BillingProfile, "account"),),
    "invoice": ((c.Invoice, "account"),),
    "subscription": ((c.AccountSubscription, "account"),),
    "payment": ((c.Refund, "account"), (c.Dispute, "account")),
    "product": ((c.Product, "list"),),
    "case": ((c.Case, "list"),),
    "order": ((c.Order, "list"),),
}


def every_list() -> list[tuple[str, type[Record], str]]:
    """(source, record, index) of all that the connectors find."""
    nowhere = open_catalog(settings(dict.fromkeys(NAMES, "http://127.0.0.1:1")).sources)
    return [
        (name, record, by)
        for name, source in nowhere.sources.items()
        for record, by in source.connector.capabilities
        if by not in _ONE
    ]


async def keys_for(catalog: Catalog, systems: Town, source: str, by: str) -> list[str]:
    """What a list may be asked for by, among it keys that have several rows."""
    accounts = list(dict.fromkeys(systems.landmarks.values()))
    if by in ("account", "parent"):
        return accounts
    if by in ("list", "search"):
        return ["" if by == "list" else "GmbH"]
    if by in ("domain", "email"):
        owned = by == "email"
        ask = Ask(c.Contact, "account", tuple(accounts)) if owned else Ask(c.Account, "key", tuple(accounts))
        reading = await catalog.read(ask)
        found = [getattr(each, by) for rows in reading.rows.values() for each in rows.records]
        return [each for each in dict.fromkeys(found) if each]
    named: list[str] = []
    for record, index in _OF.get(by, ()):
        keys = tuple(accounts) if index == "account" else ("",)
        for key in keys:
            reading = await catalog.read(Ask(record, index, (key,), Page(ALL)))
            rows = [each for rows in reading.rows.values() for each in rows.records]
            named += [getattr(each, "payment_key", None) or each.key for each in rows]
    return list(dict.fromkeys(named))


async def longest(catalog: Catalog, record: type[Record], by: str, keys: Sequence[str]) -> str | None:
    """The key with most rows."""
    counts: dict[str, int] = {}
    for key in islice(keys, TRIED):
        reading = await catalog.read(Ask(record, by, (key,), Page(ALL)))
        counts[key] = len(reading.rows[key].records) if key in reading.rows else 0
    return max(counts, key=lambda key: counts[key], default=None)


@pytest.mark.parametrize(
    ("source", "record", "by"), every_list(), ids=lambda each: getattr(each, "__name__", str(each))
)
async def test_a_list_goes_on_behind_any_of_its_rows(
    opened: Opened, systems: Town, source: str, record: type[Record], by: str
) -> None:
    async with opened() as everyday:
        keys = await keys_for(everyday, systems, source, by)
    async with opened(source) as catalog:
        key = await longest(catalog, record, by, keys)
        assert key is not None, f"nobody knows what to ask `{by}` by: say so in `_OF`"
        capability = catalog.capability(record, by)
        assert capability is not None
        wrong: list[Any] = []
        for order in orders_of(capability):
            wrong += await broken(catalog, Ask(record, by, (key,), Page(order=order)))
    assert not wrong


async def broken(catalog: Catalog, ask: Ask) -> list[tuple[Order | None, int | str, Any]]:
    """From where a list does not go on as it is, and what comes instead of what."""
    whole = await rest(catalog, ask, ALL)
    found: list[tuple[Order | None, int | str, Any]] = []
    if len(set(whole)) < len(whole):
        found.append((ask.page.order, "whole", whole))
    begin = await part(catalog, ask, FEW)
    known = catalog.recall(Ask(ask.record, ask.by, ask.keys, Page(FEW, order=ask.page.order)))
    if known is not None and list(known.rows[ask.keys[0]].positions) != list(begin.positions):
        found.append((ask.page.order, "remembered", known.rows[ask.keys[0]].positions))
    for index, place in enumerate(begin.positions):
        try:
            left = await rest(catalog, ask, ALL, place)
        except Exception as error:
            left = [repr(error)]
        shorter = await part(catalog, ask, index + 1)
        if shorter.more and shorter.next != place:
            found.append((ask.page.order, index, "is not where a page goes on that ends with the row"))
        if left != whole[index + 1 :] and (begin.more or index + 1 < len(begin.records)):
            found.append((ask.page.order, index, (left[:5], whole[index + 1 :][:5], len(left), len(whole))))
    try:
        if (stepped := await rest(catalog, ask, 2)) != whole:
            found.append((ask.page.order, "steps", (stepped[:9], whole[:9], len(stepped), len(whole))))
    except AssertionError as error:
        found.append((ask.page.order, "steps", str(error)[:200]))
    return found
