"""A right to approve is lent for a time: by who has it, to somebody who did not ask, and counts as long as it is both's."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.desk import Desk
from sources.store import audit
from sources.store.operations import State
from tests.resolvers.desk.people import CARL, CORA, FINN, LEA, PAT, REVA, asked, both, desk_of, one, refused
from tests.resolvers.sagas.conftest import House

DAY = timedelta(days=1)
OTTO = one("otto", "support_agent")


@both
async def test_a_lent_role_approves_and_rejects(house: House) -> None:
    desk = Desk(house.writes)
    lending = await desk.lend(CARL, " Otto", ["finance_controller"], house.clock() + DAY, "on leave")
    assert (lending.giver, lending.receiver, lending.roles) == ("carl", "otto", ("finance_controller",))
    answer, (question,) = await asked(house)
    await desk.approve(OTTO, question.id, question.evidence_hash)
    assert (await house.ended(answer)).state is State.COMPLETED
    other, (second,) = await asked(house, "700.00")
    await desk.reject(OTTO, second.id, second.evidence_hash, "too much")
    assert (await house.ended(other)).state is State.REJECTED
    (said,) = await house.store.read(audit.of_subject, lending.id)
    assert (said.event.actor, said.event.action, said.event.rule) == ("carl", "lendRoles", "lend")
    assert said.event.after["to"] == "otto"


async def test_it_counts_only_within_its_time(house: House) -> None:
    desk, now = Desk(house.writes), house.clock()
    await desk.lend(CARL, "otto", ["finance_controller"], now + 2 * DAY, "on leave", since=now + DAY)
    _, (question,) = await asked(house)
    early = await refused(desk.approve(OTTO, question.id, question.evidence_hash))
    assert {"NO_AUTHORITY_WHEN_ASKED", "NO_AUTHORITY_NOW"} <= set(early.reasons)
    house.clock.jump(1.5 * DAY)
    answer, (question,) = await asked(house, "700.00")
    house.clock.jump(0.6 * DAY)
    late = await refused(desk.approve(OTTO, question.id, question.evidence_hash))
    assert late.reasons == ("NO_AUTHORITY_NOW",)
    assert (await house.operation(answer)).state is State.AWAITING_APPROVAL


async def test_what_was_ended_counts_no_more(house: House) -> None:
    desk = Desk(house.writes)
    lending = await desk.lend(CARL, "otto", ["finance_controller"], house.clock() + DAY, "on leave")
    _, (question,) = await asked(house)
    assert (await refused(desk.end_lending(CORA, lending.id, "not mine"))).code == "FORBIDDEN"
    ended = await desk.end_lending(CARL, lending.id, "back again")
    assert (ended.ended_by, ended.until <= house.clock()) == ("carl", True)
    assert await desk.end_lending(OTTO, lending.id, "again") == ended
    error = await refused(desk.approve(OTTO, question.id, question.evidence_hash))
    assert error.reasons == ("NO_AUTHORITY_NOW",)


async def test_one_that_had_not_begun_never_does(house: House) -> None:
    desk, now = Desk(house.writes), house.clock()
    lending = await desk.lend(CARL, "otto", ["finance_controller"], now + 2 * DAY, "on leave", since=now + DAY)
    await desk.end_lending(OTTO, lending.id, "no, thank you")
    house.clock.jump(1.5 * DAY)
    _, (question,) = await asked(house)
    error = await refused(desk.approve(OTTO, question.id, question.evidence_hash))
    assert "NO_AUTHORITY_NOW" in error.reasons


@pytest.mark.parametrize(
    ("giver", "receiver"), [("carl", "finn"), ("finn", "carl"), ("carl", "reva"), ("reva", "finn")]
)
async def test_nobody_in_a_chain_of_lendings_with_the_asker_approves(house: House, giver: str, receiver: str) -> None:
    """Carl lends to finn who asks, finn to carl, or both through reva."""
    people = {"carl": CARL, "finn": one("finn", "finance"), "reva": REVA}
    desk, until = Desk(house.writes), house.clock() + DAY
    await desk.lend(people[giver], receiver, [min(people[giver].roles)], until, "on leave")
    if "reva" in (giver, receiver):
        other = ("reva", "finn") if receiver == "reva" else ("carl", "reva")
        await desk.lend(people[other[0]], other[1], [min(people[other[0]].roles)], until, "on leave")
    _, (question,) = await asked(house)
    error = await refused(desk.approve(CARL, question.id, question.evidence_hash))
    assert "DELEGATION_CHAIN" in error.reasons


async def test_a_giver_who_lost_the_role_has_nothing_to_lend(house: House) -> None:
    desk = Desk(house.writes)
    await desk.lend(CARL, "otto", ["finance_controller"], house.clock() + DAY, "on leave")
    _, (question,) = await asked(house)
    moved = desk_of(house, carl={house.clock() - DAY: {"finance_controller"}, house.clock(): {"revops"}})
    error = await refused(moved.approve(OTTO, question.id, question.evidence_hash))
    assert error.reasons == ("NO_AUTHORITY_NOW",)
    assert (await refused(moved.reject(OTTO, question.id, question.evidence_hash, "no"))).code == "FORBIDDEN"


async def test_lent_and_own_roles_that_are_forbidden_together_approve_nothing(house: House) -> None:
    desk = Desk(house.writes)
    await desk.lend(CARL, "pat", ["finance_controller"], house.clock() + DAY, "on leave")
    _, (question,) = await asked(house)
    error = await refused(desk.approve(PAT, question.id, question.evidence_hash))
    assert "ROLES_CONFLICT" in error.reasons
    known = desk_of(house, pat={house.clock() - DAY: {"platform"}})
    error = await refused(known.lend(CORA, "pat", ["finance_controller"], house.clock() + DAY, "on leave"))
    assert "platform + approve" in error.message


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"to": "CARL "}, "BAD_INPUT"),
        ({"to": " "}, "BAD_INPUT"),
        ({"roles": []}, "BAD_INPUT"),
        ({"roles": ["platform"]}, "BAD_INPUT"),
        ({"roles": ["finance"]}, "FORBIDDEN"),
        ({"lasts": timedelta(0)}, "BAD_INPUT"),
        ({"lasts": 30 * DAY + timedelta(microseconds=1), "since": timedelta(hours=1)}, "BAD_INPUT"),
        ({"since": -timedelta(seconds=1)}, "BAD_INPUT"),
        ({"reason": ""}, "BAD_INPUT"),
        ({"who": one("otto", "support_agent")}, "FORBIDDEN"),
        ({"who": one("pat", "platform", "finance_controller")}, "FORBIDDEN"),
        ({"who": one("cpq", "cpq_service")}, "FORBIDDEN"),
    ],
)
async def test_what_cannot_be_lent(house: House, given: dict[str, Any], code: str) -> None:
    since = given.get("since")
    begins = house.clock() + since if since is not None else None
    until = (begins or house.clock()) + given.get("lasts", DAY)
    lending = Desk(house.writes).lend(
        given.get("who", CARL),
        given.get("to", "lea"),
        given.get("roles", ["finance_controller"]),
        until,
        given.get("reason", "on leave"),
        begins,
    )
    assert (await refused(lending)).code == code
    _, (question,) = await asked(house, asker=FINN)
    assert (
        "NO_AUTHORITY_NOW"
        in (await refused(Desk(house.writes).approve(LEA, question.id, question.evidence_hash))).reasons
    )


async def test_thirty_days_are_not_too_long(house: House) -> None:
    begins = house.clock() + DAY
    lending = await Desk(house.writes).lend(
        CARL, "otto", ["finance_controller"], begins + 30 * DAY, "sabbatical", begins
    )
    assert lending.until - lending.since == 30 * DAY
