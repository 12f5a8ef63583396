"""Writes are turned off by one person, and on again by two of different duties."""

from datetime import timedelta

import pytest

from resolvers.desk import Desk
from resolvers.sagas.grounds import Asker
from sources.store import audit, switches
from sources.store.switches import Scope
from tests.resolvers.desk.people import CARL, FAY, FINN, LEA, PAT, both, desk_of, one, refused
from tests.resolvers.sagas.conftest import AGENT, House
from tests.resolvers.sagas.orders import case

WHERE = (Scope.SOURCE, "books")


async def paused(house: House) -> Desk:
    desk = Desk(house.writes)
    await desk.pause(PAT, *WHERE, "maintenance")
    return desk


@both
async def test_platform_asks_and_finance_agrees(house: House) -> None:
    desk = await paused(house)
    asked = await desk.unpause(PAT, *WHERE, "it is over")
    assert asked
    assert (asked.resume_asked_by, asked.paused_by) == ("pat", "pat")
    assert (await refused(house.send("openCase", case(), AGENT))).code == "WRITES_PAUSED"
    assert await desk.unpause(FINN, *WHERE, "I saw it work") is None
    assert await house.store.read(switches.paused) == []
    assert (await house.send("openCase", case(), AGENT)).operation
    entries = await house.store.read(audit.of_subject, "SOURCE:books")
    assert [(each.event.actor, each.event.action, each.event.decision) for each in entries] == [
        ("pat", "pauseWrites", "ALLOWED"),
        ("pat", "unpauseWrites", "NEEDS_APPROVAL"),
        ("finn", "unpauseWrites", "APPROVED"),
    ]
    assert await house.audit_breaks() == []


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (PAT, "REQUESTER"),
        (one(" PAT", "finance"), "REQUESTER"),
        (one("bot", "finance", human="Pat"), "REQUESTER"),
        (one("pam", "platform"), "NO_AUTHORITY_NOW"),
        (LEA, "NO_AUTHORITY_NOW"),
        (one("pam", "platform", "finance"), "ROLES_CONFLICT"),
    ],
)
async def test_whose_word_does_not_count_as_the_second(house: House, second: Asker, reason: str) -> None:
    desk = await paused(house)
    await desk.unpause(PAT, *WHERE, "it is over")
    error = await refused(desk.unpause(second, *WHERE, "yes"))
    assert error.code == "FORBIDDEN"
    assert reason in error.reasons
    assert len(await house.store.read(switches.paused)) == 1
    entries = await house.store.read(audit.of_subject, "SOURCE:books")
    assert (entries[-1].event.actor, entries[-1].event.decision) == (second.subject, "FORBIDDEN")


@pytest.mark.parametrize("first", [FINN, CARL, LEA, AGENT])
async def test_nobody_but_platform_asks(house: House, first: Asker) -> None:
    desk = await paused(house)
    error = await refused(desk.unpause(first, *WHERE, "it is over"))
    assert error.reasons == (f"ROLE_MAY_NOT_ASK {min(first.roles)}",)


async def test_who_lost_the_role_meanwhile_does_not_agree(house: House) -> None:
    await (await paused(house)).unpause(PAT, *WHERE, "it is over")
    moved = desk_of(house, fay={house.clock() - timedelta(days=1): {"finance"}, house.clock(): {"revops"}})
    assert (await refused(moved.unpause(FAY, *WHERE, "yes"))).reasons == ("NO_AUTHORITY_NOW",)


async def test_a_request_lapses_and_is_asked_anew(house: House) -> None:
    desk = await paused(house)
    await desk.unpause(PAT, *WHERE, "it is over")
    house.clock.jump(timedelta(hours=24))
    assert (await refused(desk.unpause(FINN, *WHERE, "yes"))).reasons == ("ROLE_MAY_NOT_ASK finance",)
    asked = await desk.unpause(one("pam", "platform"), *WHERE, "still over")
    assert asked
    assert asked.resume_asked_by == "pam"
    assert await desk.unpause(FINN, *WHERE, "yes") is None


async def test_pausing_again_takes_the_request_back(house: House) -> None:
    desk = await paused(house)
    await desk.unpause(PAT, *WHERE, "it is over")
    again = await desk.pause(one("pam", "platform"), *WHERE, "it is not")
    assert (again.resume_asked_by, again.resume_evidence) == (None, None)
    assert (await refused(desk.unpause(FINN, *WHERE, "yes"))).code == "FORBIDDEN"


async def test_what_is_not_paused_and_what_has_no_reason_is_told_so(house: House) -> None:
    desk = Desk(house.writes)
    assert (await refused(desk.unpause(PAT, *WHERE, "it is over"))).code == "NOT_FOUND"
    assert (await refused(desk.pause(PAT, *WHERE, " "))).code == "BAD_INPUT"
    error = await refused(desk.pause(FINN, *WHERE, "a storm"))
    assert error.reasons == ("ROLE_MAY_NOT_ASK finance",)
    assert [each.event.decision for each in await house.store.read(audit.of_subject, "SOURCE:books")] == ["FORBIDDEN"]
