"""Acting with a purpose: by whoever may, with a reason, agreed to by others, for its time, and never unseen."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policies.principal import Principal
from policies.purposes import PurposeRefused
from policies.store import PolicyStore
from resolvers.purposes import MOST_WORDS, PATIENCE, Purposes
from sources.store import audit
from sources.store.errors import ApprovalExpired, NoSuchRecord, NotApprovable
from sources.store.purposes import PurposeRequest
from sources.store.store import Store, open_store
from tests.databases import fresh_postgres, fresh_sqlite
from tests.policies import small

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROLES = small.ROLES.replace(
    "  rows: [entity]", "  with_purpose:\n    audit: {pii: allow}\n    glass: {Account.notes: allow}\n  rows: [entity]"
)
PURPOSES = (
    "audit: {means: an audit, lasts: 1h, persons: 1}\n"
    "glass: {means: an outage, lasts: 1h, persons: 2, agrees: [agent, finance]}\n"
)
ADA = Principal("ada", frozenset({"finance"}), entities=("E1",))
BOB = Principal("bob", frozenset({"agent"}))
MAL = Principal("mal", frozenset())


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = fresh_sqlite(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres")
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rules(tmp_path: Path, clock: Clock) -> PolicyStore:
    folder = small.written(tmp_path, roles=ROLES, purposes=PURPOSES)
    return PolicyStore(folder, small.SCHEMA, b"key", clock)


@pytest.fixture
def purposes(store: Store, rules: PolicyStore, clock: Clock) -> Purposes:
    return Purposes(store, rules, f"test-{id(store)}", clock)


async def acting(purposes: Purposes, who: Principal, *names: str) -> Principal:
    return await purposes.acting(who, names, "corr-1", "Customers")


async def written(store: Store, request: PurposeRequest) -> list[tuple[str, str, Any]]:
    entries = await store.read(audit.of_subject, request.id)
    return [(each.event.action, each.event.actor, each.event.reason) for each in entries]


async def test_with_a_reason_and_alone_it_counts_at_once_for_its_time(
    purposes: Purposes, store: Store, clock: Clock
) -> None:
    with pytest.raises(PurposeRefused, match="ask for it"):
        await acting(purposes, ADA, "audit")
    request = await purposes.ask(ADA, "audit", " case 12, Zoë ", "corr-1")
    assert (request.since, request.ends_at, request.reason) == (NOON, NOON + HOUR, "case 12, Zoë")
    assert (await acting(purposes, ADA, "audit")).purposes == ("audit",)
    assert ADA.purposes == ()
    clock.advance(HOUR - timedelta(microseconds=1))
    assert (await acting(purposes, ADA, "audit")).purposes == ("audit",)
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(PurposeRefused, match="not in force"):
        await acting(purposes, ADA, "audit")
    assert await written(store, request) == [
        ("purpose.ask", "ada", "case 12, Zoë"),
        ("purpose.use", "ada", None),
        ("purpose.use", "ada", None),
    ]


@pytest.mark.parametrize("reason", ["", "  \n", "x" * (MOST_WORDS + 1)])
async def test_without_a_reason_that_can_be_read_nothing_is_asked(purposes: Purposes, reason: str) -> None:
    with pytest.raises(PurposeRefused, match="reason") as refused:
        await purposes.ask(ADA, "audit", reason, "corr-1")
    assert refused.value.code == "BAD_INPUT"
    assert await purposes.mine(ADA) == []


@pytest.mark.parametrize(("who", "name"), [(BOB, "audit"), (MAL, "audit"), (ADA, "curiosity"), (ADA, "finance+audit")])
async def test_who_has_no_role_for_it_cannot_ask(purposes: Purposes, who: Principal, name: str) -> None:
    with pytest.raises(PurposeRefused, match="no role of yours"):
        await purposes.ask(who, name, "curious", "corr-1")
    with pytest.raises(PurposeRefused, match="no role of yours"):
        await acting(purposes, who, name)


async def test_two_people_open_what_takes_two(purposes: Purposes, store: Store, clock: Clock) -> None:
    request = await purposes.ask(ADA, "glass", "outage 3", "corr-1")
    assert request.since is None
    with pytest.raises(PurposeRefused):
        await acting(purposes, ADA, "glass")
    assert [each.id for each in await purposes.waiting(BOB) if each.id == request.id] == [request.id]
    assert request.id not in {each.id for each in await purposes.waiting(ADA)}
    clock.advance(timedelta(minutes=5))
    agreed = await purposes.agree(BOB, request.id, "corr-2")
    assert (agreed.since, agreed.ends_at, agreed.agreed_by) == (clock.now, clock.now + HOUR, ("bob",))
    assert (await acting(purposes, ADA, "glass")).purposes == ("glass",)
    assert request.id not in {each.id for each in await purposes.waiting(BOB)}
    with pytest.raises(PurposeRefused):  # who agreed may not act by it
        await acting(purposes, Principal("bob", frozenset({"finance"})), "glass")
    assert [each[0] for each in await written(store, request)] == ["purpose.ask", "purpose.agree", "purpose.use"]


async def test_nobody_agrees_with_themselves(purposes: Purposes) -> None:
    through = Principal("service", frozenset({"finance"}), human="ada")
    request = await purposes.ask(through, "glass", "outage 3", "corr-1")
    for same in (through, ADA, Principal("other", frozenset({"agent"}), human="ada"), Principal("service", BOB.roles)):
        with pytest.raises(NotApprovable, match="somebody else"):
            await purposes.agree(same, request.id, "corr-2")
    with pytest.raises(PurposeRefused):
        await acting(purposes, through, "glass")


async def test_who_may_not_agree_learns_nothing(purposes: Purposes) -> None:
    request = await purposes.ask(ADA, "glass", "outage 3", "corr-1")
    with pytest.raises(NoSuchRecord) as hidden:
        await purposes.agree(MAL, request.id, "corr-2")
    with pytest.raises(NoSuchRecord) as unknown:
        await purposes.agree(MAL, "0" * 32, "corr-2")
    assert str(hidden.value).replace(request.id, "*") == str(unknown.value).replace("0" * 32, "*")
    with pytest.raises(NoSuchRecord):
        await purposes.end(MAL, request.id, "corr-2")
    assert request.id not in {each.id for each in await purposes.waiting(MAL)}


async def test_it_is_for_one_caller(purposes: Purposes) -> None:
    await purposes.ask(ADA, "audit", "case 12", "corr-1")
    for other in (
        Principal("eve", ADA.roles),
        Principal("ada", ADA.roles, human="eve"),
        Principal("service", ADA.roles, human="ada"),
    ):
        with pytest.raises(PurposeRefused, match="not in force"):
            await acting(purposes, other, "audit")


async def test_what_nobody_answers_lapses(purposes: Purposes, clock: Clock) -> None:
    request = await purposes.ask(ADA, "glass", "outage 3", "corr-1")
    clock.advance(PATIENCE)
    with pytest.raises(ApprovalExpired, match="ask again"):
        await purposes.agree(BOB, request.id, "corr-2")
    assert request.id not in {each.id for each in await purposes.waiting(BOB)}


async def test_it_is_ended_before_its_time(purposes: Purposes, clock: Clock) -> None:
    request = await purposes.ask(ADA, "audit", "case 12", "corr-1")
    clock.advance(timedelta(minutes=1))
    ended = await purposes.end(ADA, request.id, "corr-2")
    assert (ended.ends_at, ended.ended_by) == (clock.now, "ada")
    with pytest.raises(PurposeRefused):
        await acting(purposes, ADA, "audit")
    clock.advance(timedelta(minutes=1))
    assert await purposes.end(ADA, request.id, "corr-3") == ended


async def test_what_was_taken_back_is_not_agreed_to(purposes: Purposes) -> None:
    request = await purposes.ask(ADA, "glass", "outage 3", "corr-1")
    await purposes.end(BOB, request.id, "corr-2")
    with pytest.raises(NotApprovable, match="was ended"):
        await purposes.agree(BOB, request.id, "corr-3")


async def test_agreeing_twice_at_once_is_agreeing_once(purposes: Purposes) -> None:
    request = await purposes.ask(ADA, "glass", "outage 3", "corr-1")
    answers = await asyncio.gather(
        *(purposes.agree(BOB, request.id, "corr-2") for _ in range(5)), return_exceptions=True
    )
    begun = {each.since for each in answers if isinstance(each, PurposeRequest)}
    assert len(begun) == 1
    assert all(isinstance(each, PurposeRequest | NotApprovable) for each in answers)
    assert [each.agreed_by for each in await purposes.mine(ADA) if each.id == request.id] == [("bob",)]


async def test_rules_that_ask_for_more_people_since_are_heeded(
    purposes: Purposes, rules: PolicyStore, tmp_path: Path
) -> None:
    await purposes.ask(ADA, "audit", "case 12", "corr-1")
    strict = PURPOSES.replace("1h, persons: 1", "1h, persons: 2, agrees: [agent]")
    small.written(tmp_path, roles=ROLES, purposes=strict)
    assert rules.reload().last_error is None
    with pytest.raises(PurposeRefused, match="not in force"):
        await acting(purposes, ADA, "audit")


async def test_asking_twice_is_asking_once_until_it_is_over(purposes: Purposes, store: Store, clock: Clock) -> None:
    first = await purposes.ask(ADA, "audit", "case 12", "corr-1")
    clock.advance(timedelta(minutes=59))
    assert await purposes.ask(ADA, "audit", "case 13", "corr-2") == first
    waiting = await purposes.ask(ADA, "glass", "outage 3", "corr-3")
    assert await purposes.ask(ADA, "glass", "outage 3", "corr-4") == waiting
    clock.advance(timedelta(minutes=1))
    again = await purposes.ask(ADA, "audit", "case 14", "corr-5")
    assert (again.id != first.id, again.since) == (True, clock.now)
    assert [each[0] for each in await written(store, first)] == ["purpose.ask"]


async def test_it_is_ended_by_a_gateway_whose_clock_is_behind(purposes: Purposes, clock: Clock) -> None:
    request = await purposes.ask(ADA, "audit", "case 12", "corr-1")
    clock.advance(-timedelta(seconds=1))
    await purposes.end(ADA, request.id, "corr-2")
    clock.advance(timedelta(seconds=2))
    with pytest.raises(PurposeRefused, match="not in force"):
        await acting(purposes, ADA, "audit")


async def test_a_service_without_a_person_neither_asks_nor_agrees(
    purposes: Purposes, rules: PolicyStore, tmp_path: Path
) -> None:
    request = await purposes.ask(ADA, "glass", "outage 3", "corr-1")
    services = small.WRITES.replace("duties:", "services: [agent]\nduties:")
    small.written(tmp_path, roles=ROLES, purposes=PURPOSES, writes=services)
    assert rules.reload().last_error is None
    service = Principal("batch", frozenset({"agent", "finance"}))
    with pytest.raises(PurposeRefused, match="names none"):
        await purposes.ask(service, "audit", "case 12", "corr-1")
    with pytest.raises(PurposeRefused, match="names none"):
        await purposes.agree(BOB, request.id, "corr-2")
