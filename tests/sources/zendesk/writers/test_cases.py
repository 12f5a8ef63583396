"""Cases that are opened, escalated and touched: once for a key, whatever happens on the way."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from sources import canonical as c
from sources.canonical import Priority
from sources.canonical.commands import EscalateCase, OpenCase, TouchCases
from sources.errors import BadAsk, Contended, Locked, Missing, OutcomeUnknown, Rejected, Remedy
from sources.ports import Call, Reply
from tests.fakes.lossy import Ended
from tests.sources.zendesk.simulator.book import ticket
from tests.sources.zendesk.writers.conftest import Open, World

WHO: dict[str, Any] = {"operation": "op-1", "correlation": "req-1"}
CASE = OpenCase(
    **WHO, party="10", requester="21", subject="Down", body="It is down.", priority=Priority.HIGH, kind="INCIDENT"
)
URGENT = EscalateCase(**WHO, case_key="100", priority=Priority.URGENT, note="By contract", group="5")
NEW_PLAN = TouchCases(**WHO, case_keys=("100", "101", "102", "103", "105", "999"), note="Another plan")


async def test_an_opened_case_is_seen_at_once_by_our_own_reader(world: World) -> None:
    written = await world.do(CASE, "op-1:case")
    assert (written.source, written.key, written.number, written.replayed) == ("support", "106", "106", False)
    case: c.Case = await world.read(c.Case, "106")
    assert (case.subject, case.description, case.priority, case.kind) == ("Down", "It is down.", "HIGH", "INCIDENT")
    assert (case.source_account_id, case.requester_key, written.at) == ("10", "21", case.created_at)
    audit = world.desk.get("/tickets/106/audits")["audits"][0]
    assert audit["metadata"]["custom"] == WHO | {"key": "op-1:case"}
    effect = world.desk.app.state.written.effects[0]
    assert (effect["external_id"], effect["idempotency_key"], effect["operation"]) == ("op-1:case", "op-1:case", "op-1")


@pytest.mark.parametrize("later", [0, 7_300])
async def test_a_case_is_opened_once_for_its_key_within_its_life_and_after(world: World, later: float) -> None:
    first = await world.do(CASE, "k")
    world.clock.advance(later)
    again = await world.do(CASE, "k")
    assert (again.key, again.at, again.replayed) == (first.key, first.at, True)
    assert await world.find(CASE, "k") == again
    assert await world.find(CASE, "other") is None
    assert world.effects() == ["ticket.create 106"]


async def test_two_at_once_under_one_key_open_one_case(world: World) -> None:
    both = await asyncio.gather(*(world.do(CASE, "k") for _ in range(2)))
    assert {each.key for each in both} == {"106"}
    assert world.effects() == ["ticket.create 106"]


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(world: World) -> None:
    world.wire.lost = 1
    written = await world.do(CASE, "k")
    assert (written.key, written.replayed, len(world.wire.written)) == ("106", True, 2)
    assert {call.body for call in world.wire.written} == {world.wire.written[0].body}
    assert world.effects() == ["ticket.create 106"]


async def test_where_no_answer_ever_comes_it_is_found(world: World) -> None:
    world.wire.lost = 9
    with pytest.raises(OutcomeUnknown) as unknown:
        await world.do(CASE, "k")
    assert unknown.value.remedy is Remedy.REPEAT
    world.wire.lost = 0
    found = await world.find(CASE, "k")
    assert found is not None
    assert (found.key, found.replayed, world.effects()) == ("106", True, ["ticket.create 106"])


@pytest.mark.parametrize("later", [0, 7_300])
async def test_another_case_under_a_known_key_is_refused(world: World, later: float) -> None:
    await world.do(CASE, "k")
    world.clock.advance(later)
    with pytest.raises(Rejected):
        await world.do(msgspec.structs.replace(CASE, body="Something else"), "k")
    assert len(world.effects()) == 1


async def test_a_case_is_told_from_another_by_what_was_asked_and_not_by_what_the_desk_shows(world: World) -> None:
    first = await world.do(CASE, "k")
    send = world.wire._send

    async def shown(call: Call) -> Reply:
        reply = await send(call)
        reply.body = reply.body.replace(b"It is down.", b"It is [redacted].")
        return reply

    world.wire._send = shown
    again, found = await world.do(CASE, "k"), await world.find(CASE, "k")
    assert (again.key, again.replayed, found) == (first.key, True, again)
    for other in ({"subject": "Up"}, {"priority": Priority.LOW}, {"party": "11"}):
        with pytest.raises(Rejected, match="another case under this key"):
            await world.do(msgspec.structs.replace(CASE, **other), "k")


async def test_the_tag_of_a_case_is_ours_and_it_may_go(world: World) -> None:
    await world.do(CASE, "k")
    (tag,) = world.desk.get("/tickets/106")["ticket"]["tags"]
    assert tag.startswith("gateway_case_")
    assert (await world.read(c.Case, "106")).tags == ()
    world.desk.change(106, tags=["vip"])
    assert (await world.do(CASE, "k")).replayed
    assert (await world.read(c.Case, "106")).tags == ("vip",)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"requester": "22"}, Rejected),  # suspended
        ({"party": "9"}, Rejected),
        ({"party": "acme"}, Missing),
        ({"kind": "RANT"}, BadAsk),
    ],
)
async def test_a_case_that_cannot_be_opened_leaves_nothing(
    world: World, given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.do(msgspec.structs.replace(CASE, **given), "k")
    assert world.effects() == []
    assert await world.find(CASE, "k") is None


async def test_an_escalation_raises_the_case_and_says_why_to_agents_alone(world: World) -> None:
    before: c.Case = await world.read(c.Case, "100")
    expected = msgspec.structs.replace(URGENT, expected_updated_at=before.updated_at)
    written = await world.do(expected, "op-1:up")
    case: c.Case = await world.read(c.Case, "100")
    assert (case.priority, case.escalated, case.queue, case.updated_at) == (Priority.URGENT, True, "5", written.at)
    assert world.notes(100) == ["By contract\n\nOpsgraph operation op-1, request req-1, key op-1:up"]
    again = await world.do(expected, "op-1:up")
    assert (again.key, again.replayed) == ("100", True)
    assert await world.find(expected, "op-1:up") == again
    assert world.effects() == ["ticket.update 100"]


async def test_an_escalation_of_a_case_that_has_changed_is_refused(world: World) -> None:
    old = datetime.fromisoformat("2026-10-01T00:00:00+00:00")
    with pytest.raises(Contended):
        await world.do(msgspec.structs.replace(URGENT, expected_updated_at=old), "k")
    before: c.Case = await world.read(c.Case, "100")
    world.wire.before = lambda: world.desk.change(100, subject="Changed")
    with pytest.raises(Contended):
        await world.do(msgspec.structs.replace(URGENT, expected_updated_at=before.updated_at), "k")
    assert world.notes(100) == []


async def test_where_nobody_said_which_state_is_meant_it_is_raised_on_top_of_a_change(world: World) -> None:
    world.wire.before = lambda: world.desk.change(100, tags=["vip"], subject="Changed")
    await world.do(URGENT, "k")
    case: c.Case = await world.read(c.Case, "100")
    assert (case.subject, case.tags, case.priority) == ("Changed", ("vip", "escalated"), Priority.URGENT)
    assert len(world.notes(100)) == 1


async def test_two_at_once_under_one_key_escalate_once(world: World) -> None:
    both = await asyncio.gather(*(world.do(URGENT, "k") for _ in range(2)))
    assert sorted(each.replayed for each in both) == [False, True]
    assert len(world.notes(100)) == 1


async def test_an_escalation_never_lowers(world: World) -> None:
    await world.do(msgspec.structs.replace(URGENT, case_key="103", priority=Priority.NORMAL, group=None), "k")
    assert (await world.read(c.Case, "103")).priority is Priority.URGENT


@pytest.mark.parametrize(("case", "error"), [("101", Locked), ("999", Missing), ("x", Missing)])
async def test_what_is_closed_or_not_there_is_not_escalated(world: World, case: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await world.do(msgspec.structs.replace(URGENT, case_key=case), "k")
    assert world.effects() == []


async def test_an_escalation_without_an_answer_is_found_by_its_note(world: World) -> None:
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown) as unknown:
        await world.do(URGENT, "k")
    assert unknown.value.remedy is Remedy.READ_THEN_REPEAT
    found = await world.find(URGENT, "k")
    assert found is not None
    assert (found.key, found.replayed) == ("100", True)
    assert (await world.do(URGENT, "k")).replayed
    assert world.effects() == ["ticket.update 100"]


async def test_a_customer_who_writes_the_reference_proves_nothing(world: World) -> None:
    said = "Opsgraph operation op-1, request req-1, key k"
    world.desk.change(100, comment={"body": said, "author_id": 21, "public": True})
    assert await world.find(URGENT, "k") is None


async def test_the_reference_is_found_under_many_later_notes(opened: Open) -> None:
    async with opened({"tickets": (ticket(100),)}) as world:
        await world.do(msgspec.structs.replace(URGENT, group=None), "k")
        for number in range(130):
            world.clock.advance(30)
            world.desk.change(100, comment={"body": f"note {number}", "public": False})
            world.clock.advance(30)
        assert (await world.find(URGENT, "k")) is not None
        assert (await world.find(URGENT, "other")) is None


async def test_open_cases_are_touched_and_others_are_passed_over(world: World) -> None:
    written = await world.do(NEW_PLAN, "k")
    assert (written.parts, written.replayed) == ({"100": "100", "102": "102", "105": "105"}, False)
    assert world.notes(105) == ["Another plan\n\nOpsgraph operation op-1, request req-1, key k:105"]
    assert world.notes(103) == []
    again = await world.do(NEW_PLAN, "k")
    assert (again.parts, again.replayed) == (written.parts, True)
    assert sorted(world.effects()) == ["ticket.update 100", "ticket.update 102", "ticket.update 105"]


@pytest.mark.parametrize("ends", [0, 1, 2])
async def test_who_touches_again_goes_on_where_it_stopped(world: World, ends: int) -> None:
    world.wire.ends = ends
    with pytest.raises(Ended):
        await world.do(NEW_PLAN, "k")
    assert await world.find(NEW_PLAN, "k") is None
    await world.do(NEW_PLAN, "k")
    assert sorted(world.effects()) == ["ticket.update 100", "ticket.update 102", "ticket.update 105"]
    assert [len(world.notes(case)) for case in (100, 102, 105)] == [1, 1, 1]
    assert await world.find(NEW_PLAN, "k") is not None


async def test_one_case_without_an_answer_keeps_no_other_from_being_touched(world: World) -> None:
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown):
        await world.do(NEW_PLAN, "k")
    assert len(world.effects()) == 3
    found = await world.find(NEW_PLAN, "k")
    assert found is not None
    assert set(found.parts) == {"100", "102", "105"}


async def test_a_case_that_is_closed_meanwhile_is_passed_over(world: World) -> None:
    world.wire.before = lambda: world.desk.change(100, status="closed")
    written = await world.do(msgspec.structs.replace(NEW_PLAN, case_keys=("100",)), "k")
    assert (written.key, written.parts) == ("100", {})


async def test_touched_cases_follow_the_plan_that_came_before(world: World) -> None:
    created = world.desk.create(organization_id=11, priority="high").json()["ticket"]["id"]
    world.desk.http.put(
        "/organizations/11", json={"organization": {"organization_fields": {"support_plan": "premium"}}}
    )
    assert (await world.read(c.Case, str(created))).slas == ()
    world.clock.advance(timedelta(minutes=5).total_seconds())
    await world.do(msgspec.structs.replace(NEW_PLAN, case_keys=(str(created),)), "k")
    assert [sla.metric for sla in (await world.read(c.Case, str(created))).slas] == ["FIRST_REPLY_TIME"]
