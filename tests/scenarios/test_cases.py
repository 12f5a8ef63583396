"""Cases: the last incident of a pack, whoever wants it; what is opened where nobody was known; what is raised."""

import asyncio

import pytest

from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.reserve import INCIDENT, PIECES
from resolvers.sagas.writes.cases import EscalateCase
from resolvers.sagas.writes.open_case import OpenCase
from sources import canonical as c
from sources.store import reservations
from sources.store.operations import Outcome
from tests.scenarios.holdings import facts
from tests.scenarios.office import AGENT, LEAD, Office

pytestmark = pytest.mark.slow


async def opened(office: Office, account: str, who: Asker = AGENT, subject: str = "it is slow") -> Answer:
    return await office.send("openCase", OpenCase(account=account, subject=subject, body="since noon"), who)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
async def test_the_last_incident_of_a_pack_is_used_once(office: Office) -> None:
    """The CRM counts what is left by itself; what we used is in our own ledger, for nobody else to use."""
    account = office.account("pack_one_left")
    cases = await office.read(c.Case, "account", account)
    [pack] = [each for each in await office.read(c.Entitlement, "account", account) if each.pack]
    before = office.town.holdings()
    answers = await asyncio.gather(
        opened(office, account, subject="it is slow"), opened(office, account, LEAD, "it is down")
    )
    assert sorted(each.member for each in answers) == [Outcome.COMPLETED, Outcome.REJECTED]
    [done] = [each for each in answers if each.member is Outcome.COMPLETED]
    subject = "it is slow" if done is answers[0] else "it is down"

    case = await office.new(c.Case, account, cases)
    assert (case.subject, case.description, case.status) == (subject, "since noon", c.CaseStatus.NEW)
    assert (case.priority, case.escalated, case.account_key) == (c.Priority.NORMAL, False, account)
    changes = office.town.changes(before)
    assert changes.told == {"support": {"ticket.added": 1}}
    assert changes.one("support", "ticket.added").key == case.key
    assert (
        await office.store.read(lambda store: reservations.held(store, INCIDENT, pack.key, PIECES, used_too=True)) == 1
    )
    third = await opened(office, account)
    assert third.member is Outcome.REJECTED
    assert office.town.changes(before).told == {"support": {"ticket.added": 1}}


async def test_a_case_of_an_account_that_the_desk_does_not_know_makes_it_known_once(office: Office) -> None:
    """One of forty stores: its parent's right covers it."""
    [parent] = await office.read(c.Account, "key", office.account("parent_of_40"))
    children = await office.read(c.Account, "parent", parent.key)
    unknown = [each for each in children if not await office.read(c.SupportOrganization, "account", each.key)]
    account = unknown[0]
    before = office.town.holdings()
    await office.completed(await opened(office, account.key))
    changes = office.town.changes(before)
    assert changes.told == {"support": {"organization.added": 1, "ticket.added": 1}}
    desk = await office.one(c.SupportOrganization, "account", account.key)
    assert (desk.key, desk.name) == (changes.one("support", "organization.added").key, account.name)
    await office.completed(await opened(office, account.key))
    assert office.town.changes(before).told == {"support": {"organization.added": 1, "ticket.added": 2}}


async def test_a_case_that_is_raised_is_raised_at_the_desk_and_nowhere_else(office: Office) -> None:
    account = office.account("delinquent")
    [case] = await office.read(c.Case, "account", account)
    mirrors = await office.read(c.CaseMirror, "account", account)
    before = office.town.holdings()
    asked = EscalateCase(case=case.key, priority=c.Priority.URGENT, note="the plant stands still")
    operation = await office.completed(await office.send("escalateCase", asked, AGENT))

    after = await office.one(c.Case, "key", case.key)
    same = {"priority", "escalated", "updated_at", "slas", "tags"}
    assert {name: value for name, value in facts(after).items() if name not in same} == {
        name: value for name, value in facts(case).items() if name not in same
    }
    assert after.priority is c.Priority.URGENT
    changes = office.town.changes(before)
    assert changes.told == {"support": {"ticket.changed": 1}}
    ticket = changes.one("support", "ticket.changed")
    *said, note = ticket.fields["comments"]
    assert said == (ticket.before or {})["comments"]
    assert (note[1].startswith("the plant stands still"), operation.id in note[1], note[2]) == (True, True, False)
    assert [facts(each) for each in await office.read(c.CaseMirror, "account", account)] == [
        facts(each) for each in mirrors
    ], "the CRM copies it by itself"
