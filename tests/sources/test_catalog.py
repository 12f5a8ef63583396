"""The catalog over remembered facts: what is known needs no waiting, whichever way its accounts are known."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from sources import canonical as c
from sources.cache import Cache, Cached
from sources.canonical import Record, Served, System
from sources.catalog import Catalog, Source
from sources.errors import Ambiguous, CircuitOpen, SourceError, StaleLimit, Unavailable
from sources.ports import Ask, Capability, Filter, Page, Position, Reading, Report, Rows
from sources.settings import SourceSettings
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.cache.book import EPOCH, at, errand, wall

LAG = 60.0
DOWN = CircuitOpen("`billing` is not asked")


class Desk:
    """A source that counts what it is asked; records by class, found by the attribute that an index stands for."""

    vendor = "fake"
    attributes: Mapping[str, str] = {"key": "key", "account": "account_key", "customer": "source_account_id"}

    def __init__(
        self,
        name: str,
        system: System,
        facet: type[Record] | None,
        capabilities: Mapping[tuple[type[Record], str], Capability],
        *records: Record,
    ) -> None:
        self.name, self.system, self.account_facet, self.capabilities = name, system, facet, capabilities
        self.records = list(records)
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []
        self.fault: SourceError | None = None

    async def read(self, ask: Ask) -> Reading:
        self.asked.append((ask.record.__name__, ask.by, ask.keys))
        if self.fault is not None:
            raise self.fault
        own = self.capabilities[ask.record, ask.by].own_account_ids
        attribute = "source_account_id" if own else self.attributes.get(ask.by, ask.by)
        rows: dict[str, Rows] = {}
        for key in ask.keys:
            mine = [
                each for each in self.records if type(each) is ask.record and self._found(each, ask.by, attribute, key)
            ]
            if mine or ask.by not in ("key", "external"):
                rows[key] = self._page(mine, ask.page)
        return Reading(rows, Report(self.name, calls=1))

    def _found(self, each: Any, by: str, attribute: str, key: str) -> bool:
        if by == "list":
            return True
        if by == "external":
            return any(f"{noted.system}:{noted.id}" == key for noted in each.external_ids)
        return bool(getattr(each, attribute) == key)

    def _page(self, found: Sequence[Record], page: Page) -> Rows:
        if page.first is None or len(found) <= page.first:
            return Rows(list(found))
        kept = list(found[: page.first])
        return Rows(kept, True, Position(None, kept[-1].source_id))

    async def check(self) -> str:
        return "fine"

    async def close(self) -> None:
        return None


def made(kind: Any, source: str, key: str, **given: Any) -> Any:
    return kind(key=key, source=source, source_id=key, as_of=datetime.fromtimestamp(EPOCH, UTC), **given)


def right(key: str, source: str, **given: Any) -> c.Entitlement:
    found: c.Entitlement = made(c.Entitlement, source, key, name=key, status=c.EntitlementStatus.ACTIVE, **given)
    return found


def accounts(*keys: str) -> list[c.Account]:
    return [made(c.Account, "crm", key, name=key, lifecycle=c.Lifecycle.ACTIVE) for key in keys]


PLAIN = Capability()
OWN = Capability(own_account_ids=True)


def crm(*records: Record) -> Desk:
    able: dict[tuple[type[Record], str], Capability] = {
        (c.Account, "key"): PLAIN,
        (c.Account, "external"): PLAIN,
        (c.Account, "list"): PLAIN,
        (c.Entitlement, "account"): PLAIN,
    }
    return Desk("crm", System.CRM, None, able, *records)


def billing(*records: Record) -> Desk:
    able: dict[tuple[type[Record], str], Capability] = {
        (c.BillingCustomer, "key"): PLAIN,
        (c.BillingCustomer, "account"): Capability(search_lag=LAG),
        (c.Entitlement, "account"): OWN,
        (c.Refund, "account"): OWN,
        (c.Refund, "key"): PLAIN,
        (c.AccountSubscription, "account"): Capability(search_lag=LAG),
        (c.AccountSubscription, "customer"): OWN,
    }
    return Desk("billing", System.BILLING, c.BillingCustomer, able, *records)


def customer(key: str, account: str) -> c.BillingCustomer:
    found: c.BillingCustomer = made(c.BillingCustomer, "billing", key, account_key=account)
    return found


def refund(key: str, own: str, account: str = "") -> c.Refund:
    money = c.Money(5, "EUR")
    found: c.Refund = made(
        c.Refund, "billing", key, source_account_id=own, account_key=account, amount=money, status="SUCCEEDED"
    )
    return found


def catalog_of(*desks: Desk) -> Catalog:
    cache = Cache(wall=wall, chance=lambda: 0.0)
    settings = SourceSettings(vendor="fake", url="http://127.0.0.1")
    return Catalog([Source(Cached(each, cache), settings, None) for each in desks], cache=cache)  # type: ignore[arg-type] # nothing is sent


def keys_of(reading: Reading | None) -> dict[str, list[str]]:
    assert reading is not None
    return {key: [each.key for each in rows.records] for key, rows in reading.rows.items()}


def served(reading: Reading | None) -> dict[str, Served]:
    assert reading is not None
    return {key: rows.served for key, rows in reading.rows.items()}


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
