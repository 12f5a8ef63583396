"""Who is who: explicit keys, then what the CRM notes, and never a guess."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from sources.canonical import Account, BillingCustomer, ExternalId, Lifecycle, Record, Served, System
from sources.crosswalk import Crosswalk
from sources.errors import Ambiguous, SourceError, Unavailable
from sources.ports import Ask, Capability, Reading, Report, Rows

NOW = datetime(2026, 3, 10, tzinfo=UTC)


def account(key: str, *noted: str) -> Account:
    ids = tuple(ExternalId(System.BILLING, each) for each in noted)
    return Account(
        key=key, source="crm", source_id=key, as_of=NOW, name=key, lifecycle=Lifecycle.ACTIVE, external_ids=ids
    )


def customer(key: str, names: str = "", **given: Any) -> BillingCustomer:
    return BillingCustomer(key=key, source="billing", source_id=key, as_of=NOW, account_key=names, **given)


class Crm:
    """Accounts by key, and by the ids they note; `gone` are left out of what notes an id, as merged ones are."""

    def __init__(self, *accounts: Account, gone: tuple[str, ...] = ()) -> None:
        self.accounts, self.gone = accounts, gone
        self.asked: list[str] = []
        self.down: SourceError | None = None

    async def read(self, ask: Ask) -> Reading:
        self.asked.append(ask.by)
        report = Report("crm", calls=1)
        if self.down is not None:
            return Reading({}, report, dict.fromkeys(ask.keys, self.down), [report])
        rows: dict[str, Rows] = {}
        for key in ask.keys:
            found = [each for each in self.accounts if self._meant(each, ask.by, key)]
            if found:
                rows[key] = Rows(found)
        return Reading(rows, report, reports=[report])

    def _meant(self, each: Account, by: str, key: str) -> bool:
        if by == "key":
            return each.key == key
        return each.key not in self.gone and any(f"{noted.system}:{noted.id}" == key for noted in each.external_ids)


class Billing:
    """A connector of customers, by account and by key."""

    name, vendor, system = "billing", "fake", System.BILLING
    account_facet: type[Record] | None = BillingCustomer
    capabilities: Mapping[tuple[type[Record], str], Capability] = {
        (BillingCustomer, "key"): Capability(),
        (BillingCustomer, "account"): Capability(),
    }

    def __init__(self, *customers: BillingCustomer) -> None:
        self.customers = customers
        self.asked: list[str] = []
        self.served = Served.LIVE

    async def read(self, ask: Ask) -> Reading:
        self.asked.append(ask.by)
        field = "key" if ask.by == "key" else "account_key"
        rows = {key: Rows([each for each in self.customers if getattr(each, field) == key]) for key in ask.keys}
        kept = {key: found for key, found in rows.items() if found.records or ask.by != "key"}
        if self.served is Served.LIVE or ask.by != "key":
            return Reading(kept, Report(self.name, calls=1))
        for found in kept.values():
            found.served = self.served
        return Reading(kept, Report(self.name, cached=len(kept), stale=len(kept) if self.served is Served.STALE else 0))

    async def check(self) -> str:
        return "fine"

    async def close(self) -> None:
        return None


async def test_an_explicit_key_needs_no_question_to_the_crm() -> None:
    crm, billing = Crm(account("A", "cus_1")), Billing(customer("cus_1", "A"), customer("cus_2", "A"))
    found = await Crosswalk(crm=crm).own_ids(billing, ["A"])
    assert found.links == {"A": ("cus_1", "cus_2")}
    assert crm.asked == []


async def test_a_record_that_one_account_alone_notes_is_its_own() -> None:
    crm, billing = Crm(account("A", "cus_1"), account("B")), Billing(customer("cus_1"))
    crosswalk = Crosswalk(crm=crm)
    found = await crosswalk.own_ids(billing, ["A", "B"])
    assert (found.links, found.errors) == ({"A": ("cus_1",), "B": ()}, {})
    assert [(each.source, each.calls) for each in found.reports] == [("crm", 1), ("crm", 1)]
    assert found.report.calls == 2
    assert (await crosswalk.facets(billing, ["A"])).rows["A"].records == [customer("cus_1", "A")]
    back = await crosswalk.account_keys(billing, ["cus_1"])
    assert (back.links, back.report.calls) == ({"cus_1": ("A",)}, 0)


async def test_a_record_that_is_somebody_s_by_what_is_noted_is_as_old_as_it_was_served() -> None:
    crm, billing = Crm(account("A", "cus_1")), Billing(customer("cus_1"))
    for served, stale in ((Served.STALE, 1), (Served.CACHE, 0)):
        billing.served = served
        found = await Crosswalk(crm=crm).facets(billing, ["A"])
        assert (found.rows["A"].records, found.rows["A"].served) == ([customer("cus_1", "A")], served)
        assert (found.report.cached, found.report.stale) == (1, stale)


async def test_a_record_that_two_accounts_note_is_neither_s() -> None:
    crm, billing = Crm(account("A", "cus_1"), account("B", "cus_1"), account("C")), Billing(customer("cus_1"))
    crosswalk = Crosswalk(crm=crm)
    for _ in range(2):
        found = await crosswalk.own_ids(billing, ["A", "C"])
        assert found.links == {"C": ()}
        assert isinstance(found.errors["A"], Ambiguous)
        assert "2 accounts" in found.errors["A"].message
        assert "cus_1" not in found.errors["A"].message
    back = await crosswalk.account_keys(billing, ["cus_1"])
    assert back.links == {"cus_1": ()}
    assert isinstance(back.errors["cus_1"], Ambiguous)
    assert "key" in billing.asked, "the way back looks at the record"


async def test_a_record_is_told_in_doubt_among_however_many_accounts() -> None:
    crowd = [account(f"X{n}") for n in range(40)]
    crm = Crm(account("A", "cus_1"), account("B", "cus_1"), *crowd)
    found = await Crosswalk(crm=crm).own_ids(Billing(customer("cus_1")), ["A", "B", *(each.key for each in crowd)])
    assert set(found.errors) == {"A", "B"}
    assert crm.asked == ["key", "external"]


async def test_a_record_that_names_another_account_than_the_one_that_notes_it_is_in_doubt() -> None:
    crm, billing = Crm(account("A", "cus_1"), account("B")), Billing(customer("cus_1", "B"))
    found = await Crosswalk(crm=crm).own_ids(billing, ["A", "B"])
    assert found.links == {"B": ("cus_1",)}
    assert isinstance(found.errors["A"], Ambiguous)


async def test_what_a_merged_account_notes_is_no_claim() -> None:
    crm, billing = Crm(account("A", "cus_1"), account("OLD", "cus_1"), gone=("OLD",)), Billing(customer("cus_1"))
    found = await Crosswalk(crm=crm).own_ids(billing, ["A", "OLD"])
    assert (found.links, found.errors) == ({"A": ("cus_1",), "OLD": ()}, {})


async def test_a_deleted_or_a_missing_record_is_nobody_s() -> None:
    crm, billing = Crm(account("A", "cus_1"), account("B", "cus_2")), Billing(customer("cus_1", deleted=True))
    found = await Crosswalk(crm=crm).own_ids(billing, ["A", "B"])
    assert (found.links, found.errors) == ({"A": (), "B": ()}, {})


async def test_claims_of_many_accounts_at_once_are_not_looked_into() -> None:
    many = [account(f"A{n}", f"cus_{n}") for n in range(4)]
    billing = Billing(*(customer(f"cus_{n}") for n in range(4)))
    found = await Crosswalk(crm=Crm(*many)).own_ids(billing, [each.key for each in many])
    assert found.links == {each.key: () for each in many}
    assert billing.asked == ["account"]


async def test_what_the_crm_noted_is_remembered_and_what_it_cannot_say_is_no_answer() -> None:
    crm = Crm(account("A"))
    crosswalk, billing = Crosswalk(crm=crm), Billing()
    crosswalk.note([account("A")])
    assert (await crosswalk.own_ids(billing, ["A"])).links == {"A": ()}
    assert crm.asked == []
    crm.down = Unavailable("away", source="crm")
    for known in ([], [account("B", "cus_1")]):
        crosswalk.note(known)
        found = await crosswalk.own_ids(billing, ["B"])
        assert (found.links, found.errors) == ({}, {"B": crm.down})
    assert msgspec.structs.asdict(found.reports[0])["source"] == "crm"


async def test_without_a_crm_that_finds_by_other_systems_ids_there_are_no_claims() -> None:
    found = await Crosswalk().own_ids(Billing(customer("cus_1")), ["A"])
    assert (found.links, found.errors) == ({"A": ()}, {})
