"""What an org that is the support desk is asked: its cases, whose they are, and who opened them."""

from datetime import timedelta
from typing import Any

import pytest

from sources import canonical as c
from sources.canonical import CaseStatus, Priority
from sources.errors import BadAsk
from sources.ports import Ask, Filter, Order, Page, Reading
from tests.sources.salesforce.simulator.book import ACME, ALICE, CASE, KANJI, MERGED, NOW, UMLAUT, key
from tests.sources.salesforce.writers.conftest import World


def made(world: World, subject: str, **values: Any) -> None:
    world.org.call("POST", "/sobjects/Case", json={"AccountId": ACME, "Subject": subject, **values}).raise_for_status()


def cases(reading: Reading, key: str) -> list[c.Case]:
    return [each for each in reading.rows[key].records if isinstance(each, c.Case)]


async def subjects(world: World, *filters: Filter, by: str = "account", **page: Any) -> list[str | None]:
    asked = Ask(c.Case, by, (ACME,) if by == "account" else ("",), Page(filters=filters, **page))
    reading = await world.connector.read(asked)
    assert not reading.errors
    return [each.subject for each in cases(reading, asked.keys[0])]


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("status", "eq", CaseStatus.NEW, ["new"]),
        ("status", "eq", CaseStatus.OPEN, ["Down", "raised"]),
        ("status", "in", (CaseStatus.NEW, CaseStatus.CLOSED), ["new", "closed"]),
        ("status", "eq", CaseStatus.ON_HOLD, ["stopped"]),
        ("status", "eq", CaseStatus.PENDING_CUSTOMER, []),
        ("priority", "eq", Priority.NORMAL, ["new", "closed", "stopped"]),
        ("priority", "in", (Priority.HIGH, Priority.URGENT), ["Down"]),
        ("priority", "eq", Priority.URGENT, []),
        ("escalated", "eq", True, ["Down", "raised"]),
        ("escalated", "eq", False, ["new", "closed", "stopped"]),
        ("created_at", "lt", NOW - timedelta(days=1), ["Down"]),
        ("updated_at", "gte", NOW, ["new", "raised", "closed", "stopped"]),
    ],
)
@pytest.mark.parametrize("by", ["account", "list"])
async def test_cases_are_chosen_as_they_are_shown(
    world: World, by: str, field: str, op: str, value: Any, expected: list[str]
) -> None:
    made(world, "new")
    made(world, "raised", Status="Escalated", Priority="Low")
    made(world, "closed", Status="Closed", IsStopped=True)
    made(world, "stopped", Status="Working", IsStopped=True)
    found = await subjects(world, Filter(field, op, value), by=by, first=10)
    assert sorted(str(each) for each in found) == sorted(expected)


async def test_cases_come_in_order_and_page_by_page(world: World) -> None:
    for place in range(3):
        world.clock.advance(2)
        made(world, f"case {place}")
    newest = Order("created_at", descending=True)
    asked = Ask(c.Case, "account", (ACME,), Page(first=2, order=newest))
    reading = await world.connector.read(asked)
    rows = reading.rows[ACME]
    assert ([each.subject for each in cases(reading, ACME)], rows.more) == (["case 2", "case 1"], True)
    assert await subjects(world, first=2, order=newest, after=rows.next) == ["case 0", "Down"]
    with pytest.raises(BadAsk):
        await subjects(world, Filter("subject", "eq", "Down"))


async def test_an_account_is_the_party_of_its_cases_with_the_plan_of_its_right(world: World) -> None:
    party: c.SupportOrganization = await world.read(c.SupportOrganization, ACME, "account")
    assert (party.key, party.account_key, party.name, party.domains) == (ACME, ACME, "Acme, Inc.", ("acme.example",))
    assert party.support_plan == "premium"
    assert (await world.read(c.SupportOrganization, ACME)).key == ACME
    assert (await world.read(c.SupportOrganization, "acme.example", "domain")).key == ACME
    right = {"AccountId": ACME, "Name": "Platinum", "Support_Plan__c": "Platinum", "StartDate": "2026-11-01"}
    world.org.call("POST", "/sobjects/Entitlement", json=right).raise_for_status()
    right |= {"Name": "Later", "Support_Plan__c": "Basic", "StartDate": "2030-01-01"}
    world.org.call("POST", "/sobjects/Entitlement", json=right).raise_for_status()
    assert (await world.read(c.SupportOrganization, ACME)).support_plan == "platinum"
    assert (await world.read(c.SupportOrganization, KANJI)).support_plan is None
    reading = await world.connector.read(Ask(c.SupportOrganization, "account", (UMLAUT, MERGED)))
    assert [len(rows.records) for rows in reading.rows.values()] == [1, 0]


@pytest.mark.parametrize(("by", "asked"), [("key", ALICE), ("contact", ALICE), ("email", "alice@acme.example")])
async def test_a_contact_is_who_opens_cases(world: World, by: str, asked: str) -> None:
    person: c.Requester = await world.read(c.Requester, asked, by)
    assert (person.key, person.contact_key, person.account_key) == (ALICE, ALICE, ACME)
    assert (person.name, person.email) == ("Alice Archer", "alice@acme.example")


async def test_a_case_is_read_by_its_key_and_what_is_none_is_nothing(world: World) -> None:
    reading = await world.connector.read(Ask(c.Case, "key", (CASE, key("500", 99), "5001")))
    assert not reading.errors
    [case] = cases(reading, CASE)
    assert (case.subject, case.status, case.escalated, case.requester_key) == ("Down", "OPEN", True, ALICE)
    assert list(reading.rows) == [CASE]
