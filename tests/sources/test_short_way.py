"""The short way from memory: what the catalog was found to make of remembered rows is told again without making it."""

import asyncio
from typing import Any

import msgspec
import pytest

from sources import canonical as c
from sources.cache import Cached
from sources.canonical import System
from sources.catalog import Catalog
from sources.ports import Ask, Page, Reading, Report, Rows
from tests.fakes.leftovers import left, uncollected
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.cache.book import errand, wall
from tests.sources.desks import accounts, billing, catalog_of, crm, customer, keys_of, refund, right


def short_way(catalog: Catalog, source: str, ask: Ask) -> Reading | None:
    connector = catalog.sources[source].connector
    assert isinstance(connector, Cached)
    return connector.recall_plain(ask)


def everything(reading: Reading | None) -> tuple[dict[str, tuple[Any, ...]], Report]:
    assert reading is not None
    rows = {
        key: (tuple(each.records), each.more, each.next, list(each.positions), each.served)
        for key, each in reading.rows.items()
    }
    assert (reading.errors, reading.along) == ({}, [])
    return rows, reading.report


ALL_ACCOUNTS = Ask(c.Account, "list", ("",))
TWO_ACCOUNTS = Ask(c.Account, "key", ("B", "A", "nobody"))
PAGE = Ask(c.Account, "list", ("",), Page(first=1))
RIGHTS = Ask(c.Entitlement, "account", ("A", "B", "nobody"))


@pytest.mark.parametrize("ask", [ALL_ACCOUNTS, TWO_ACCOUNTS, RIGHTS], ids=["list", "key", "account"])
@in_virtual_time
async def test_what_was_at_hand_once_is_told_the_same_the_short_way(ask: Ask) -> None:
    catalog = catalog_of(crm(*accounts("A", "B"), right("E1", "crm", account_key="A")))
    await catalog.read(ask)
    known = msgspec.structs.replace(ask, keys=ask.keys[:1])
    assert short_way(catalog, "crm", known) is None, "nobody has looked through them yet"
    first = everything(catalog.recall(ask))
    assert short_way(catalog, "crm", ask) is not None
    assert everything(catalog.recall(ask)) == everything(catalog.recall(ask)) == first


@pytest.mark.parametrize("ask", [PAGE, RIGHTS], ids=["page", "whole lists"])
@in_virtual_time
async def test_what_is_forgotten_goes_at_once(ask: Ask) -> None:
    """Nothing waits for the garbage collector: it comes late, and the bound on memory counts on it."""
    catalog = catalog_of(crm(*accounts("A", "B"), right("E1", "crm", account_key="A")))
    with uncollected():
        others = left(Rows)
        for _ in range(3):
            await catalog.read(ask)
            assert everything(catalog.recall(ask)) == everything(catalog.recall(ask))
            catalog.cache.forget([f"type:{ask.record.__name__}"])
            assert catalog.recall(ask) is None
        assert left(Rows) == others


def counted(catalog: Catalog) -> list[Ask]:
    """What is recalled the long way from now on."""
    gone: list[Ask] = []
    recall = catalog._accounts.recall

    def counting(connector: Any, ask: Ask) -> Any:
        gone.append(ask)
        return recall(connector, ask)

    catalog._accounts.recall = counting  # type: ignore[method-assign]
    return gone


@in_virtual_time
async def test_accounts_that_are_one_customer_each_or_none_go_the_short_way_by_the_source_s_own_ids() -> None:
    source = billing(customer("cus_1", "A"), customer("cus_2", "B"), customer("cus_3", "D"), customer("cus_4", "D"))
    source.records += [refund("R1", "cus_1", "A"), refund("R2", "cus_2", "B"), refund("R3", "cus_3", "D")]
    catalog = catalog_of(crm(*accounts("A", "B", "C", "D")), source)
    plain, several = Ask(c.Refund, "account", ("A", "B", "C")), Ask(c.Refund, "account", ("A", "D"))
    for ask in (plain, several):
        await catalog.read(ask)
    first = [everything(catalog.recall(ask)) for ask in (plain, several)]
    long_way = counted(catalog)
    assert [everything(catalog.recall(ask)) for ask in (plain, several)] == first
    assert long_way == [several], "an account that is two customers has its lists merged"
    assert {key: [each.key for each in rows[0]] for key, rows in first[0][0].items()} == {
        "A": ["R1"],
        "B": ["R2"],
        "C": [],
    }


@in_virtual_time
async def test_an_account_without_a_customer_is_at_hand_while_it_is_known_that_it_has_none() -> None:
    source = billing()
    catalog = catalog_of(crm(*accounts("A")), source)
    ask = Ask(c.Refund, "account", ("A",))
    assert keys_of(await catalog.read(ask)) == {"A": []}
    asked = len(source.asked)
    assert keys_of(catalog.recall(ask)) == {"A": []}
    assert keys_of(catalog.recall(Ask(c.BillingCustomer, "account", ("A",)))) == {"A": []}
    with errand(max_age=0.0):
        await asyncio.sleep(1)
        assert catalog.recall(ask) is None, "it may have one by now"
    assert len(source.asked) == asked
    source.records += [customer("cus_1", "A"), refund("R1", "cus_1", "A")]
    catalog.forget(["account:A"])
    assert catalog.recall(ask) is None
    assert keys_of(await catalog.read(ask)) == keys_of(catalog.recall(ask)) == {"A": ["R1"]}


@in_virtual_time
async def test_an_account_that_the_crm_claims_a_customer_for_is_never_taken_for_one_without() -> None:
    claiming = msgspec.structs.replace(
        accounts("A")[0], external_ids=(c.ExternalId(system=System.BILLING, id="cus_9"),)
    )
    source = billing(customer("cus_9", ""), refund("R1", "cus_9"))
    catalog = catalog_of(crm(claiming), source)
    ask = Ask(c.Refund, "account", ("A",))
    await catalog.sources["billing"].connector.read(Ask(c.BillingCustomer, "account", ("A",)))
    await catalog.read(Ask(c.Account, "key", ("A",)))
    assert catalog.recall(ask) is None
    assert keys_of(await catalog.read(ask)) == {"A": ["R1"]}


@in_virtual_time
async def test_pages_go_the_short_way_with_the_places_in_them() -> None:
    catalog = catalog_of(crm(*accounts("A", "B"), right("E1", "crm", account_key="A")))
    ask = Ask(c.Entitlement, "account", ("A", "B"), Page(first=2))
    live = await catalog.read(ask)
    first = everything(catalog.recall(ask))
    long_way = counted(catalog)
    assert everything(catalog.recall(ask)) == first
    assert not long_way
    assert first[0]["A"][3] == list(live.rows["A"].positions)


@in_virtual_time
async def test_the_short_way_is_not_gone_where_somebody_wants_it_newer_or_it_is_about_to_end() -> None:
    front = crm(*accounts("A"))
    catalog = catalog_of(front)
    ask = Ask(c.Account, "key", ("A",))
    await catalog.read(ask)
    assert catalog.recall(ask) is not None
    assert short_way(catalog, "crm", ask) is not None
    await asyncio.sleep(10)
    with errand(max_age=5.0):
        assert catalog.recall(ask) is None
    with errand(not_before={"crm": wall()}):
        assert catalog.recall(ask) is None
    assert short_way(catalog, "crm", ask) is not None
    fresh = catalog.cache.freshness(c.Account)
    await asyncio.sleep(fresh.ttl - fresh.refresh_ahead - 9)
    assert short_way(catalog, "crm", ask) is None
    assert catalog.recall(ask) is not None, "it is served, and asked for again beside"
    await asyncio.sleep(1)
    assert len(front.asked) == 2


@in_virtual_time
async def test_records_that_name_no_account_never_go_the_short_way() -> None:
    source = billing(customer("cus_1", "A"), refund("R1", "cus_1"), refund("R2", "cus_1", "A"))
    catalog = catalog_of(crm(*accounts("A")), source)
    nameless, named = Ask(c.Refund, "key", ("R1",)), Ask(c.Refund, "key", ("R2",))
    for ask in (nameless, named):
        await catalog.read(ask)
        assert catalog.recall(ask) is not None
    assert short_way(catalog, "billing", nameless) is None
    assert short_way(catalog, "billing", named) is not None
    by_account = Ask(c.Refund, "account", ("A",))
    await catalog.read(by_account)
    assert keys_of(catalog.recall(by_account)) == keys_of(catalog.recall(by_account)) == {"A": ["R1", "R2"]}
