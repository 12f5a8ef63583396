"""The catalog over remembered facts: what is known needs no waiting, whichever way its accounts are known."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from sources import canonical as c
from sources.canonical import Served
from sources.catalog import Catalog
from sources.errors import Ambiguous, CircuitOpen, StaleLimit, Unavailable
from sources.ports import Ask, Filter, Page
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.cache.book import at, errand
from tests.sources.desks import accounts, billing, catalog_of, crm, customer, keys_of, made, refund, right, served

DOWN = CircuitOpen("`billing` is not asked")
REFUNDS = Ask(c.Refund, "account", ("A", "B"))


@in_virtual_time
async def test_what_is_found_by_own_ids_is_at_hand_once_the_ids_are_known() -> None:
    source = billing(customer("cus_1", "A"), customer("cus_2", "A"), customer("cus_3", "B"), refund("R1", "cus_1", "A"))
    source.records += [refund("R2", "cus_2", "A"), refund("R3", "cus_3", "B")]
    catalog = catalog_of(crm(*accounts("A", "B")), source)
    assert catalog.recall(REFUNDS) is None
    live = await catalog.read(REFUNDS)
    asked = len(source.asked)
    known = catalog.recall(REFUNDS)
    assert keys_of(known) == keys_of(live) == {"A": ["R1", "R2"], "B": ["R3"]}
    assert set(served(live).values()) == {Served.LIVE}
    assert set(served(known).values()) == {Served.CACHE}
    assert known is not None
    assert (known.report.calls, known.report.cached) == (0, 3)
    assert len(source.asked) == asked
    again = await catalog.read(REFUNDS)
    assert (keys_of(again), again.report.calls) == (keys_of(live), 0)


@in_virtual_time
async def test_it_is_not_at_hand_where_one_account_s_ids_are_unknown() -> None:
    catalog = catalog_of(crm(*accounts("A", "B")), billing(customer("cus_1", "A"), customer("cus_2", "B")))
    await catalog.read(Ask(c.Refund, "account", ("A",)))
    assert catalog.recall(Ask(c.Refund, "account", ("A",))) is not None
    assert catalog.recall(REFUNDS) is None


@in_virtual_time
async def test_what_two_sources_own_is_at_hand_when_both_have_it() -> None:
    one, other = crm(*accounts("A"), right("E1", "crm", account_key="A")), billing(customer("cus_1", "A"))
    other.records.append(right("E2", "billing", account_key="A", source_account_id="cus_1"))
    catalog = catalog_of(one, other)
    ask = Ask(c.Entitlement, "account", ("A",))
    live = await catalog.read(ask)
    assert keys_of(catalog.recall(ask)) == keys_of(live) == {"A": ["E2", "E1"]}
    catalog.cache.forget(["type:Entitlement"])
    await other_only(catalog, ask)
    assert catalog.recall(ask) is None, "one of them has to be asked"


async def other_only(catalog: Catalog, ask: Ask) -> None:
    await catalog.sources["crm"].connector.read(ask)


@in_virtual_time
async def test_the_record_by_which_a_source_knows_an_account_is_at_hand_unless_the_crm_may_say_more() -> None:
    catalog = catalog_of(crm(*accounts("A", "B")), billing(customer("cus_1", "A")))
    ask = Ask(c.BillingCustomer, "account", ("A", "B"))
    await catalog.sources["billing"].connector.read(ask)
    assert keys_of(catalog.recall(Ask(c.BillingCustomer, "account", ("A",)))) == {"A": ["cus_1"]}
    assert catalog.recall(ask) is None, "whether the CRM notes something for `B` is not known"
    await catalog.read(ask)
    assert keys_of(catalog.recall(ask)) == {"A": ["cus_1"], "B": []}


@in_virtual_time
async def test_finding_out_whose_a_record_is_tells_nobody_that_it_is_there() -> None:
    """Also where only the CRM says it: another source would show among those that were asked."""
    (owner,) = accounts("A")
    claiming = msgspec.structs.replace(owner, external_ids=(c.ExternalId(c.System.BILLING, "cus_1"),))
    for named in (customer("cus_1", "A"), customer("cus_1", "")):
        source = billing(named, refund("R1", "cus_1"))
        catalog = catalog_of(crm(claiming), source)
        told = []
        for key in ("R1", "gone"):
            reading = await catalog.read(Ask(c.Refund, "key", (key,)))
            named_for = [getattr(row, "account_key", "") for rows in reading.rows.values() for row in rows.records]
            assert named_for == ["A"] * (key == "R1")
            told.append([(each.source, each.calls) for each in (reading.report, *reading.reports)])
        assert told[0] == told[1] == [("billing", 1)]
        assert [by for kind, by, _ in source.asked if kind == "BillingCustomer"] == ["key"]


@in_virtual_time
async def test_records_that_name_no_account_are_named_at_once_where_that_is_known() -> None:
    source = billing(customer("cus_1", "A"), customer("cus_2", "B"), refund("R1", "cus_1"), refund("R2", "cus_2"))
    catalog = catalog_of(crm(*accounts("A", "B")), source)
    ask = Ask(c.Refund, "key", ("R1", "R2"))
    await catalog.sources["billing"].connector.read(ask)
    assert catalog.recall(ask) is None
    live = await catalog.read(ask)
    known = catalog.recall(ask)
    assert known is not None
    for reading in (live, known):
        assert [reading.rows[key].records[0].account_key for key in ("R1", "R2")] == ["A", "B"]  # type: ignore[attr-defined]
    remembered = await catalog.sources["billing"].connector.read(ask)
    assert remembered.rows["R1"].records[0].account_key == "", "a fact stays as its source told it"  # type: ignore[attr-defined]


@in_virtual_time
async def test_a_page_is_at_hand_with_the_places_in_it() -> None:
    catalog = catalog_of(crm(*accounts("A", "B", "C")))
    ask = Ask(c.Account, "list", ("",), Page(first=2))
    live = await catalog.read(ask)
    known = catalog.recall(ask)
    assert known is not None
    assert list(known.rows[""].positions) == list(live.rows[""].positions)
    assert (known.rows[""].more, known.rows[""].next) == (True, live.rows[""].next)
    assert (live.rows[""].served, known.rows[""].served) == (Served.LIVE, Served.CACHE)


@in_virtual_time
async def test_after_its_own_write_an_asker_is_never_answered_by_a_search_index() -> None:
    subscriptions = [
        made(
            c.AccountSubscription,
            "billing",
            f"S{number}",
            account_key=f"A{number}",
            source_account_id=f"cus_{number}",
            status=c.SubscriptionStatus.ACTIVE,
            currency="EUR",
        )
        for number in range(8)
    ]
    names = [f"A{number}" for number in range(8)]
    source = billing(*(customer(f"cus_{number}", f"A{number}") for number in range(8)), *subscriptions)
    catalog = catalog_of(crm(*accounts(*names)), source)
    ask = Ask(c.AccountSubscription, "account", tuple(names))
    await catalog.read(ask)
    assert [by for kind, by, _ in source.asked if kind == "AccountSubscription"] == ["account"]
    await at(5)
    instant = catalog.wrote("billing", ["subscription:S3", "account:A3"])
    source.asked.clear()
    with errand(not_before={"billing": instant}):
        reading = await catalog.read(ask)
        assert keys_of(reading) == {f"A{number}": [f"S{number}"] for number in range(8)}
        assert set(served(reading).values()) == {Served.LIVE}
        assert [by for kind, by, _ in source.asked if kind == "AccountSubscription"] == ["customer"]
        known = len(source.asked)
        facets = await catalog.read(Ask(c.BillingCustomer, "account", ("A1",)))
        assert (keys_of(facets), served(facets)) == ({"A1": ["cus_1"]}, {"A1": Served.LIVE})
        assert source.asked[known:] == [("BillingCustomer", "key", ("cus_1",))], "by its id instead of a search"


@in_virtual_time
async def test_with_billing_down_rights_stand_in_for_a_day_and_then_they_are_too_old() -> None:
    source = billing(customer("cus_1", "A"), right("E2", "billing", account_key="A", source_account_id="cus_1"))
    catalog = catalog_of(crm(*accounts("A")), source)
    ask = Ask(c.Entitlement, "account", ("A",))
    live = await catalog.read(ask)
    source.fault = DOWN
    for instant in (70, 400, 3_600, 86_000):
        await at(instant)
        reading = await catalog.read(ask)
        assert keys_of(reading) == keys_of(live)
        assert (served(reading), reading.errors) == ({"A": Served.STALE}, {})
        assert [each.error for each in reading.reports or [reading.report] if each.source == "billing"] == [
            "CIRCUIT_OPEN"
        ]
        assert catalog.states["billing"] == "CIRCUIT_OPEN"
    await at(86_400 + 40)
    reading = await catalog.read(ask)
    assert isinstance(reading.errors["A"], StaleLimit)
    source.fault = None
    reading = await catalog.read(ask)
    assert (keys_of(reading), reading.errors) == (keys_of(live), {})
    assert catalog.states["billing"] == "OK"


@in_virtual_time
async def test_what_an_account_is_called_is_forgotten_with_it_and_still_does_for_want_of_better() -> None:
    source = billing(customer("cus_1", "A"), refund("R1", "cus_1", "A"))
    catalog = catalog_of(crm(*accounts("A")), source)
    ask = Ask(c.Refund, "account", ("A",))
    await catalog.read(ask)
    assert catalog.forget(["account:A"]) > 0
    assert catalog.recall(ask) is None
    source.asked.clear()
    assert keys_of(await catalog.read(ask)) == {"A": ["R1"]}
    assert [kind for kind, _, _ in source.asked] == ["BillingCustomer", "Refund"]
    catalog.crosswalk.forget("A")
    catalog.cache.forget(["type:BillingCustomer"])
    source.fault = Unavailable("`billing` is down")
    reading = await catalog.read(ask)
    assert (keys_of(reading), reading.errors) == ({"A": ["R1"]}, {})
    assert reading.report.error == "SOURCE_UNAVAILABLE"


async def test_nothing_is_ready_beforehand_of_a_source_that_is_not_at_ease() -> None:
    catalog = catalog_of(crm(*accounts("A")), billing(customer("cus_1", "A")))
    assert catalog.ready(c.BillingCustomer, "account", "A")
    assert catalog.ready(c.Refund, "key", "R1")
    hurried: Any = SimpleNamespace(is_at_ease=False)
    catalog.sources["billing"] = msgspec.structs.replace(catalog.sources["billing"], pipeline=hurried)
    assert not catalog.ready(c.BillingCustomer, "account", "A")
    assert not catalog.ready(c.Refund, "key", "R1")
    assert catalog.ready(c.Account, "key", "A"), "of another source"


@in_virtual_time
async def test_an_account_s_event_forgets_what_only_names_the_source_s_own_customer() -> None:
    source = billing(customer("cus_1", "A"), refund("R1", "cus_1"))
    catalog = catalog_of(crm(*accounts("A")), source)
    by_key = Ask(c.Refund, "key", ("R1",))
    await catalog.read(by_key)
    await catalog.read(Ask(c.Refund, "account", ("A",)))
    assert catalog.recall(by_key) is not None
    catalog.forget(["account:A"])
    assert catalog.recall(by_key) is None


@in_virtual_time
async def test_what_is_in_doubt_stays_in_doubt_however_old_ids_are_remembered() -> None:
    front = crm(*accounts("A"))
    source = billing(customer("cus_1", "A"))
    catalog = catalog_of(front, source)
    await catalog.read(Ask(c.Refund, "account", ("A",)))
    await asyncio.sleep(1)
    resolved = await catalog.crosswalk.own_ids(catalog.sources["billing"].connector, ["A"])
    assert resolved.links == {"A": ("cus_1",)}
    resolved.errors["A"] = Ambiguous("two accounts claim it")
    resolved.links.clear()
    catalog.crosswalk._fall_back("own", "billing", resolved)
    assert (resolved.links, list(resolved.errors)) == ({}, ["A"])


@pytest.mark.parametrize("count", [1, 2])
def test_a_filter_is_part_of_what_is_at_hand(count: int) -> None:
    @in_virtual_time
    async def test() -> None:
        catalog = catalog_of(crm(*accounts("A", "B")))
        narrow = Page(filters=tuple(Filter("region", "eq", f"R{number}") for number in range(count)))
        await catalog.read(Ask(c.Account, "list", ("",), narrow))
        assert catalog.recall(Ask(c.Account, "list", ("",), narrow)) is not None
        assert catalog.recall(Ask(c.Account, "list", ("",))) is None

    test()
