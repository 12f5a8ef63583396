"""Organizations that are found or made, and the plan they get: once for a key."""

import asyncio
from typing import Any

import msgspec
import pytest

from sources import canonical as c
from sources.canonical.commands import OpenCase, PutOrganization, SetCredit, SetSupportPlan
from sources.errors import Ambiguous, BadAsk, Missing, OutcomeUnknown, Rejected, Remedy
from tests.fakes.lossy import Ended
from tests.sources.zendesk.simulator.book import organization
from tests.sources.zendesk.writers.conftest import ACCOUNT, Open, World

WHO: dict[str, Any] = {"operation": "op-1", "correlation": "req-1"}
NEW = PutOrganization(**WHO, account_key="001NEW", name="Quill & Co", plan="premium")
KNOWN = PutOrganization(**WHO, account_key=ACCOUNT, name="Another name", plan="standard")
PLAN = SetSupportPlan(**WHO, party="10", plan="standard")


async def test_a_new_organization_is_seen_at_once_by_our_own_reader(world: World) -> None:
    written = await world.do(NEW, "op-1:org")
    found: c.SupportOrganization = await world.read(c.SupportOrganization, "001NEW", "account")
    assert (written.key, written.replayed, written.at) == (found.key, False, found.updated_at)
    assert (found.name, found.support_plan) == ("Quill & Co", "premium")
    kept = world.organization(int(found.key))
    assert (kept["gateway_operation"], kept["gateway_keys"]) == ("op-1", "op-1:org")
    again = await world.do(NEW, "op-1:org")
    assert (again.key, again.replayed, await world.find(NEW, "op-1:org")) == (found.key, True, again)
    assert world.effects() == [f"organization.create {found.key}"]


async def test_a_known_organization_keeps_its_name_and_gets_the_plan(world: World) -> None:
    written = await world.do(KNOWN, "k")
    found: c.SupportOrganization = await world.read(c.SupportOrganization, "10")
    assert (written.key, found.name, found.support_plan, found.region) == ("10", "Acme", "standard", "EMEA")
    assert (await world.do(msgspec.structs.replace(KNOWN, plan=None), "k2")).replayed
    assert world.effects() == ["organization.update 10"]


async def test_a_name_that_an_unlinked_organization_has_is_ambiguous(world: World) -> None:
    with pytest.raises(Ambiguous, match="external id `001NEW`"):
        await world.do(msgspec.structs.replace(NEW, name="Unlinked & Söhne"), "k")
    assert world.effects() == []


async def test_two_at_once_make_one_organization(world: World) -> None:
    both = await asyncio.gather(*(world.do(NEW, f"k{number}") for number in range(2)))
    assert len({each.key for each in both}) == 1
    assert [each.partition(" ")[0] for each in world.effects()].count("organization.create") == 1


async def test_an_organization_may_be_left_without_a_plan(world: World) -> None:
    none = msgspec.structs.replace(PLAN, plan=None)
    assert (await world.do(none, "k1")).replayed is False
    assert (await world.read(c.SupportOrganization, "10")).support_plan is None
    again, other = await world.do(none, "k1"), await world.do(none, "k2")
    assert again.replayed is other.replayed is True
    assert world.effects() == ["organization.update 10"]


async def test_a_plan_is_set_once_for_a_key_even_after_somebody_elses(world: World) -> None:
    first = await world.do(PLAN, "k1")
    assert (first.key, first.replayed) == ("10", False)
    await world.do(msgspec.structs.replace(PLAN, plan="premium", operation="op-2"), "k2")
    late = await world.do(PLAN, "k1")
    assert (late.replayed, (await world.read(c.SupportOrganization, "10")).support_plan) == (True, "premium")
    assert await world.find(PLAN, "k1") is not None
    assert await world.find(PLAN, "k3") is None
    assert world.organization(10)["gateway_keys"].splitlines() == ["k2", "k1"]
    assert world.effects() == ["organization.update 10"] * 2


async def test_the_keys_of_the_last_changes_are_kept(world: World) -> None:
    plans = ("standard", "premium")
    for number in range(24):
        await world.do(msgspec.structs.replace(PLAN, plan=plans[number % 2]), f"k{number}")
    kept = world.organization(10)["gateway_keys"].splitlines()
    assert (len(kept), kept[0], kept[-1]) == (20, "k23", "k4")


@pytest.mark.parametrize(
    ("given", "error"), [({"plan": "diamond"}, Rejected), ({"party": "99"}, Missing), ({"party": "x"}, Missing)]
)
async def test_a_plan_or_organization_that_nobody_has_is_refused(
    world: World, given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.do(msgspec.structs.replace(PLAN, **given), "k")
    assert world.effects() == []


@pytest.mark.parametrize("command", [NEW, KNOWN, PLAN])
async def test_a_change_without_an_answer_is_found(world: World, command: Any) -> None:
    assert await world.find(command, "k") is None
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown) as unknown:
        await world.do(command, "k")
    assert unknown.value.remedy is Remedy.READ_THEN_REPEAT
    found = await world.find(command, "k")
    assert found is not None
    assert (await world.do(command, "k")).replayed
    assert len(world.effects()) == 1


@pytest.mark.parametrize("command", [NEW, KNOWN, PLAN])
async def test_a_change_that_never_left_is_not_found_and_is_done_by_the_next(world: World, command: Any) -> None:
    world.wire.ends = 0
    with pytest.raises(Ended):
        await world.do(command, "k")
    assert await world.find(command, "k") is None
    assert not (await world.do(command, "k")).replayed
    assert len(world.effects()) == 1


async def test_what_may_be_done_follows_from_the_scope(opened: Open) -> None:
    readers = "tickets:read organizations:read users:read"
    async with opened(scope=readers) as world:
        assert world.connector.commands == frozenset()
        with pytest.raises(BadAsk, match="widen `scope`"):
            await world.do(PLAN, "k")
    async with opened(scope=f"{readers} tickets:write") as world:
        assert OpenCase in world.connector.commands
        assert SetSupportPlan not in world.connector.commands


@pytest.mark.parametrize(
    ("command", "key"), [(SetCredit(**WHO, party="1"), "k"), (PLAN, ""), (PLAN, "a\nb"), (PLAN, "k" * 256)]
)
async def test_what_is_not_said_to_a_desk_and_what_is_no_key_is_refused(world: World, command: Any, key: str) -> None:
    with pytest.raises(BadAsk):
        await world.do(command, key)


async def test_a_desk_without_our_fields_is_written_too(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ("support_plan", "billing_status", "region", "arr")
    monkeypatch.setattr("sources.vendors.zendesk.simulator.facts.ORGANIZATION_FIELDS", plain)
    async with opened({"organizations": (organization(10, "Acme"),)}) as world:
        await world.do(PLAN, "k")
        assert (await world.do(PLAN, "k")).replayed
        assert len(world.effects()) == 1
