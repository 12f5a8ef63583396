"""Who works on an exception, and what follows from having said so."""

import asyncio
from datetime import timedelta

import pytest

from resolvers.desk import Desk
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from sources.store import audit, exceptions, handovers
from sources.store.exceptions import Status
from sources.store.handovers import Kind
from sources.store.operations import State
from tests.resolvers.desk.people import CARL, CORA, FINN, LEA, both, desk_of, one, refused, stuck
from tests.resolvers.sagas.conftest import House, Open

LOCKED = {"CreditPosted": ["lock"]}


@pytest.fixture
async def house(opened: Open) -> House:
    return await opened(LOCKED)


@both
async def test_an_exception_is_given_to_a_person_and_answered_by_that(house: House) -> None:
    _, raised = await stuck(house)
    item = await Desk(house.writes).assign(LEA, raised.id, " Finn", "she knows the period")
    assert (item.status, item.assignee, item.owner) == (Status.ASSIGNED, "finn", "finance")
    assert item.answered_at
    (noted,) = await house.store.read(handovers.of_exception, raised.id)
    assert (noted.kind, noted.by, noted.to, noted.reason) == (Kind.ASSIGNED, "lea", "finn", "she knows the period")
    entries = await house.store.read(audit.of_subject, str(raised.operation_id))
    said = entries[-1].event
    assert (said.actor, said.action, said.decision, said.rule) == ("lea", "assignException", "ALLOWED", "assign")
    assert (said.before["assignee"], said.after["assignee"]) == (None, "finn")
    assert await house.audit_breaks() == []


async def test_giving_it_to_the_same_person_again_changes_nothing_that_counts(house: House) -> None:
    _, raised = await stuck(house)
    desk = Desk(house.writes)
    first = await desk.assign(LEA, raised.id, "finn", "his")
    again = await desk.assign(LEA, raised.id, "finn", "his")
    assert (again.answered_at, again.assignee) == (first.answered_at, "finn")
    assert len(await house.store.read(handovers.of_exception, raised.id)) == 1
    await desk.assign(LEA, raised.id, "fay", "finn is on leave")
    assert [each.to for each in await house.store.read(handovers.of_exception, raised.id)] == ["finn", "fay"]


@pytest.mark.parametrize(
    ("who", "to", "reason", "code"),
    [
        (one("ada", "support_agent"), "finn", "his", "FORBIDDEN"),
        (CARL, "finn", "his", "FORBIDDEN"),
        (one("pat", "platform", "finance"), "finn", "his", "FORBIDDEN"),
        (LEA, " ", "his", "BAD_INPUT"),
        (LEA, "x" * 256, "his", "BAD_INPUT"),
        (LEA, "finn", " ", "BAD_INPUT"),
        (LEA, "finn", "x" * 1001, "BAD_INPUT"),
        (LEA, "rob", "his", "BAD_INPUT"),
    ],
)
async def test_what_is_refused(house: House, who: Asker, to: str, reason: str, code: str) -> None:
    _, raised = await stuck(house)
    desk = desk_of(house, rob={house.clock() - timedelta(days=1): {"revops"}})
    assert (await refused(desk.assign(who, raised.id, to, reason))).code == code
    assert (await house.store.read(exceptions.find, raised.id)).status is Status.OPEN
    entries = await house.store.read(audit.of_subject, str(raised.operation_id))
    refusals = [each.event.actor for each in entries if each.event.action == "assignException"]
    assert refusals == ([who.subject] if code == "FORBIDDEN" else [])


async def test_what_is_not_there_or_resolved_is_told_so(house: House) -> None:
    answer, raised = await stuck(house)
    desk = Desk(house.writes)
    assert (await refused(desk.assign(LEA, "none", "finn", "his"))).code == "NOT_FOUND"
    await desk.resolve(FINN, raised.id, Action.RESUME, "open again")
    await house.ended(answer)
    assert (await refused(desk.assign(LEA, raised.id, "finn", "his"))).code == "VERSION_CONFLICT"


async def test_whoever_assigned_an_exception_does_not_approve_for_its_operation(house: House) -> None:
    answer, raised = await stuck(house)
    desk = Desk(house.writes)
    carl = one("carl", "finance_controller", "revops")
    await desk.assign(carl, raised.id, "finn", "his")
    _, (question,) = await desk.resolve(FINN, raised.id, Action.RESUME, "open now", {"posted_on": "2026-12-01"})
    error = await refused(desk.approve(CARL, question.id, question.evidence_hash))
    assert error.reasons == ("DUTIES_CONFLICT",)
    await desk.approve(CORA, question.id, question.evidence_hash)
    assert (await house.ended(answer)).state is State.COMPLETED


async def test_whoever_approved_an_operation_does_not_assign_its_exceptions(house: House) -> None:
    answer, raised = await stuck(house)
    desk = Desk(house.writes)
    _, (question,) = await desk.resolve(FINN, raised.id, Action.RESUME, "open now", {"posted_on": "2026-12-01"})
    house.systems.books.faults["CreditPosted"] = ["lock"]
    both = one("cora", "finance_controller", "revops")
    await desk.approve(both, question.id, question.evidence_hash)
    async with asyncio.timeout(10):
        while len(found := await house.exceptions(answer)) < 2:  # noqa: ASYNC110 - the second has no event
            await asyncio.sleep(0.005)
    error = await refused(desk.assign(both, found[-1].id, "finn", "his again"))
    assert "DUTIES_CONFLICT exception_assignment + approve" in error.reasons
