"""Cases opened and escalated in an org that is the support desk: once for a key, whatever happens on the way."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from sources import canonical as c
from sources.canonical import CaseStatus, Priority
from sources.canonical.commands import EscalateCase, OpenCase, PutOrganization
from sources.errors import BadAsk, Contended, Duplicate, Locked, Missing, OutcomeUnknown, Rejected, Remedy
from sources.vendors.salesforce.writers import TOUCHES
from tests.sources.salesforce.simulator.book import ACME, ALICE, CASE, GONE, OTHER, UMLAUT, key
from tests.sources.salesforce.writers.conftest import World

WHO: dict[str, Any] = {"operation": "op-1", "correlation": "req-1"}
NEW = OpenCase(
    **WHO, party=ACME, requester=ALICE, subject="Down", body="It is ↓.", priority=Priority.HIGH, kind="INCIDENT"
)
UP = EscalateCase(**WHO, case_key=CASE, priority=Priority.URGENT, note="By contract", group=OTHER)
NAMES = ("Gateway_Op_Id__c", "Gateway_Operation__c", "Gateway_Correlation__c")


def comments(world: World) -> list[tuple[str, bool]]:
    """What was noted, and whether the customer sees it."""
    rows = world.org.rows("SELECT ParentId, CommentBody, IsPublished FROM CaseComment ORDER BY Id")
    assert {row["ParentId"] for row in rows} <= {CASE}
    return [(row["CommentBody"], row["IsPublished"]) for row in rows]


def change(world: World, **values: Any) -> None:
    """What an agent does to the case a little later."""
    world.clock.advance(2)
    world.org.call("PATCH", f"/sobjects/Case/{CASE}", json=values).raise_for_status()


# ---------------------------------------------------------------- opening


async def test_an_opened_case_is_seen_at_once_by_our_own_reader(world: World) -> None:
    written = await world.do(NEW, "op-1:case")
    assert (written.source, written.replayed, bool(written.number)) == ("crm", False, True)
    case: c.Case = await world.read(c.Case, written.key)
    assert (case.subject, case.description, case.priority, case.kind) == ("Down", "It is ↓.", "HIGH", "INCIDENT")
    assert (case.account_key, case.requester_key, case.number) == (ACME, ALICE, written.number)
    assert (case.status, case.escalated, written.at) == (CaseStatus.NEW, False, case.updated_at)
    row = world.org.get(f"/sobjects/Case/{written.key}")
    assert [row[name] for name in NAMES] == ["op-1:case", "op-1", "req-1"]
    assert (row["Origin"], row["Gateway_Changes__c"]) == ("Web", None)


async def test_a_case_is_opened_once_for_its_key(world: World) -> None:
    assert await world.find(NEW, "k") is None
    first = await world.do(NEW, "k")
    again = await world.do(NEW, "k")
    assert (again.key, again.number, again.replayed) == (first.key, first.number, True)
    assert await world.find(NEW, "k") == again
    assert world.effects() == ["case.create"]


async def test_two_at_once_under_one_key_open_one_case(world: World) -> None:
    both = await asyncio.gather(*(world.do(NEW, "k") for _ in range(2)))
    assert len({each.key for each in both}) == 1
    assert sorted(each.replayed for each in both) == [False, True]
    assert world.effects() == ["case.create"]


async def test_an_opened_case_without_an_answer_is_found_by_its_key(world: World) -> None:
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown) as unknown:
        await world.do(NEW, "k")
    assert unknown.value.remedy is Remedy.READ_THEN_REPEAT
    found = await world.find(NEW, "k")
    assert found is not None
    assert await world.do(NEW, "k") == found
    assert world.effects() == ["case.create"]


@pytest.mark.parametrize(
    "other",
    [{"party": UMLAUT}, {"requester": None}, {"subject": "Up"}, {"body": "?"}, {"priority": Priority.LOW}],
    ids=lambda each: next(iter(each)),
)
async def test_another_case_under_a_known_key_is_refused(world: World, other: dict[str, Any]) -> None:
    await world.do(NEW, "k")
    for ask in (world.do, world.find):
        with pytest.raises(Duplicate):
            await ask(replace(NEW, **other), "k")
    assert world.effects() == ["case.create"]


async def test_what_agents_make_of_a_case_does_not_make_it_another(world: World) -> None:
    made = await world.do(NEW, "k")
    edited = {"Subject": "Outage", "Priority": "Low", "Description": "", "ContactId": None, "AccountId": UMLAUT}
    world.org.call("PATCH", f"/sobjects/Case/{made.key}", json=edited).raise_for_status()
    again = await world.do(NEW, "k")
    assert (again.key, again.replayed) == (made.key, True)
    world.org.call("PATCH", f"/sobjects/Case/{made.key}", json={"Gateway_Asked__c": None}).raise_for_status()
    assert (await world.do(replace(NEW, subject="Up"), "k")).replayed, "where it was emptied nothing can be compared"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"party": key("001", 99)}, Rejected),
        ({"party": "10"}, Rejected),
        ({"requester": key("003", 99)}, Rejected),
        ({"subject": "x" * 256}, Rejected),
        ({"body": "x" * 32_001}, Rejected),
        ({"body": "see @{made.id}"}, BadAsk),
        ({"kind": "RANT"}, BadAsk),
    ],
)
async def test_a_case_that_cannot_be_opened_leaves_nothing(
    world: World, given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.do(replace(NEW, **given), "k")
    assert world.effects() == []
    assert await world.find(NEW, "k") is None


@pytest.mark.parametrize(
    ("asked", "theirs", "ours"),
    [
        (Priority.URGENT, "High", Priority.HIGH),
        (Priority.NORMAL, "Medium", Priority.NORMAL),
        (Priority.LOW, "Low", Priority.LOW),
    ],
)
async def test_priorities_are_the_org_s_words(world: World, asked: Priority, theirs: str, ours: Priority) -> None:
    made = await world.do(replace(NEW, priority=asked, kind=None, requester=None), "k")
    row = world.org.get(f"/sobjects/Case/{made.key}")
    assert (row["Priority"], row["Type"], row["ContactId"]) == (theirs, None, None)
    assert (await world.read(c.Case, made.key)).priority is ours


# ---------------------------------------------------------------- escalating


async def test_an_escalation_raises_the_case_and_says_why_to_agents_alone(world: World) -> None:
    world.org.call("PATCH", f"/sobjects/Case/{CASE}", json={"IsEscalated": False, "Priority": "Low"})
    before: c.Case = await world.read(c.Case, CASE)
    expected = replace(UP, expected_updated_at=before.updated_at)
    written = await world.do(expected, "op-1:up")
    case: c.Case = await world.read(c.Case, CASE)
    assert (case.priority, case.escalated, case.status, case.updated_at) == ("HIGH", True, "OPEN", written.at)
    assert (case.assignee_key, written.number) == (OTHER, case.number)
    assert comments(world) == [("By contract\n\nOpsgraph operation op-1, request req-1, key op-1:up", False)]
    row = world.org.get(f"/sobjects/Case/{CASE}")
    assert (row["Status"], row["Gateway_Changes__c"], row["Gateway_Operation__c"]) == ("Escalated", "op-1:up", "op-1")
    again = await world.do(expected, "op-1:up")
    assert (again.key, again.replayed) == (CASE, True)
    assert await world.find(expected, "op-1:up") == again
    assert world.effects() == ["case.update", "case.update", "case_comment.create"]


async def test_an_escalation_without_a_note_leaves_none(world: World) -> None:
    await world.do(replace(UP, note=None, group=None), "k")
    assert comments(world) == []
    assert (await world.read(c.Case, CASE)).assignee_key != OTHER


async def test_a_late_repetition_raises_nothing_again(world: World) -> None:
    await world.do(UP, "k")
    change(world, Priority="Low", IsEscalated=False, Status="Working")
    assert (await world.do(UP, "k")).replayed
    case: c.Case = await world.read(c.Case, CASE)
    assert (case.priority, case.escalated, len(comments(world))) == (Priority.LOW, False, 1)


async def test_an_escalation_of_a_case_that_has_changed_is_refused(world: World) -> None:
    with pytest.raises(Contended):
        await world.do(replace(UP, expected_updated_at=datetime(2026, 10, 1, tzinfo=UTC)), "k")
    before: c.Case = await world.read(c.Case, CASE)
    world.wire.meddle = lambda: change(world, Subject="Changed")
    with pytest.raises(Contended):
        await world.do(replace(UP, expected_updated_at=before.updated_at), "k")
    assert comments(world) == []
    assert await world.find(UP, "k") is None


async def test_where_nobody_said_which_state_is_meant_it_is_raised_on_top_of_a_change(world: World) -> None:
    world.wire.meddle = lambda: change(world, Subject="Changed", Priority="Low")
    await world.do(UP, "k")
    case: c.Case = await world.read(c.Case, CASE)
    assert (case.subject, case.escalated, case.priority, len(comments(world))) == ("Changed", True, "HIGH", 1)


async def test_two_at_once_under_one_key_escalate_once(world: World) -> None:
    both = await asyncio.gather(*(world.do(UP, "k") for _ in range(2)))
    assert sorted(each.replayed for each in both) == [False, True]
    assert len(comments(world)) == 1


async def test_two_at_once_under_two_keys_are_both_kept(world: World) -> None:
    await asyncio.gather(world.do(UP, "a"), world.do(replace(UP, note="Me too"), "b"))
    assert len(comments(world)) == 2
    assert await world.find(UP, "a") is not None
    assert await world.find(UP, "b") is not None


async def test_an_escalation_without_an_answer_is_found_in_the_case(world: World) -> None:
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown) as unknown:
        await world.do(UP, "k")
    assert unknown.value.remedy is Remedy.READ_THEN_REPEAT
    assert await world.find(UP, "k") is not None
    assert (await world.do(UP, "k")).replayed
    assert len(comments(world)) == 1


async def test_an_escalation_never_lowers(world: World) -> None:
    await world.do(replace(UP, priority=Priority.LOW), "k")
    assert (await world.read(c.Case, CASE)).priority is Priority.HIGH


@pytest.mark.parametrize("case", [key("500", 99), "x", GONE])
async def test_a_case_that_is_not_there_is_not_escalated(world: World, case: str) -> None:
    with pytest.raises(Missing):
        await world.do(replace(UP, case_key=case), "k")
    assert world.effects() == []


async def test_a_closed_case_and_one_in_approval_are_not_escalated(world: World) -> None:
    world.hold(approvals=[CASE])
    with pytest.raises(Locked):
        await world.do(UP, "k")
    world.hold(approvals=[])
    change(world, Status="Closed")
    with pytest.raises(Locked, match="closed"):
        await world.do(UP, "k")
    assert comments(world) == []


async def test_a_case_that_somebody_holds_is_tried_again_and_then_told(world: World) -> None:
    world.hold(rows=[CASE])
    with pytest.raises(Contended):
        await world.do(UP, "k")
    assert (world.wire.writes, comments(world)) == (3, [])


async def test_a_note_or_a_group_that_the_org_refuses_leaves_the_case_as_it_was(world: World) -> None:
    for wrong in ({"note": "x" * 4_001}, {"group": key("005", 99)}):
        with pytest.raises(Rejected):
            await world.do(replace(UP, **wrong), "k")
    assert world.effects() == []
    assert await world.find(UP, "k") is None


def test_what_is_remembered_of_cases_is_dropped() -> None:
    assert {c.Case, c.CaseMirror} <= set(TOUCHES[OpenCase]) & set(TOUCHES[EscalateCase])


# ---------------------------------------------------------------- parties


async def test_the_party_of_an_account_s_cases_is_the_account_and_nothing_is_written(world: World) -> None:
    command = PutOrganization(**WHO, account_key=ACME, name="Acme")
    written = await world.do(command, "k")
    assert (written.key, written.replayed, world.wire.writes) == (ACME, True, 0)
    assert await world.find(command, "k") == written
    with pytest.raises(Missing):
        await world.do(replace(command, account_key=key("001", 99)), "k")
    with pytest.raises(BadAsk, match="right"):
        await world.do(replace(command, plan="premium"), "k")
