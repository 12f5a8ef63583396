"""Operations are accepted once per key, and go only where a way leads."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.canonical import Money
from sources.store import operations, worklist
from sources.store.errors import IdempotencyMismatch, NoSuchRecord, StaleRecord, WrongState
from sources.store.operations import ENDED, Outcome, State, accept, find, move
from sources.store.retention import Retention, kept_until
from sources.store.store import Store
from tests.sources.store.conftest import NOW, Accepted, command


def name() -> str:
    return uuid.uuid4().hex


async def test_fifty_at_once_with_one_key_are_one_operation(store: Store) -> None:
    key = name()

    async def one(number: int) -> Any:
        asked = command(f"{key}-{number}", idempotency_key=key)
        return await store.transact(accept, asked, NOW)

    acceptances = await asyncio.gather(*(one(number) for number in range(50)))
    assert len({acceptance.operation.id for acceptance in acceptances}) == 1
    assert [acceptance.replayed for acceptance in acceptances].count(False) == 1
    rows = await store.read(worklist.page, caller="ada", first=1000)
    assert len([row for row in rows if row.idempotency_key == key]) == 1


async def test_another_payload_under_the_same_key_is_refused(store: Store, accepted: Accepted) -> None:
    key = name()
    await accepted(key)
    with pytest.raises(IdempotencyMismatch, match="another `issueCredit`"):
        await accepted(name(), idempotency_key=key, payload='{"account":"A-2"}')


@pytest.mark.parametrize("other", [{"caller": "bob"}, {"mutation": "writeOff"}])
async def test_another_caller_or_mutation_has_keys_of_its_own(accepted: Accepted, other: dict[str, str]) -> None:
    key = name()
    await accepted(key)
    second = await accepted(name(), idempotency_key=key, payload='{"account":"A-2"}', **other)
    assert not second.replayed


async def test_an_operation_comes_back_as_it_was_given(store: Store) -> None:
    asked = command(name(), human="grace", account="A-1", entity="DE", amount=Money(-12_345, "JPY"))
    await store.transact(accept, asked, NOW)
    found = await store.read(find, asked.id)
    for field in asked.__struct_fields__:
        assert getattr(found, field) == getattr(asked, field)
    assert (found.state, found.accepted_at, found.version, found.outcome) == (State.RECEIVED, NOW, 1, None)


async def test_a_key_is_free_again_once_its_time_is_over_and_its_operation_has_ended(store: Store) -> None:
    key, later = name(), NOW + timedelta(hours=25)

    async def again(operation_id: str, payload: str = "{}") -> Any:
        asked = command(operation_id, idempotency_key=key, payload=payload)
        return await store.transact(accept, asked, later)

    first = command(name(), idempotency_key=key)
    await store.transact(accept, first, NOW)
    with pytest.raises(IdempotencyMismatch):
        await again(name())  # its time is over, but it still runs
    await store.transact(move, first.id, State.REJECTED, NOW)
    second = await again(second_id := name())
    assert (second.replayed, second.operation.id) == (False, second_id)
    found = await store.read(find, first.id)
    assert (found.idempotency_key, found.payload_hash) == (None, first_hash(first.payload))


def first_hash(payload: str) -> str:
    return operations._digest(payload)


async def test_an_id_is_given_once(accepted: Accepted) -> None:
    operation_id = name()
    await accepted(operation_id)
    with pytest.raises(WrongState, match="another operation's id"):
        await accepted(operation_id, idempotency_key=name())


@pytest.mark.parametrize("state", sorted(ENDED))
async def test_what_has_ended_goes_nowhere(store: Store, accepted: Accepted, state: State) -> None:
    operation_id = name()
    await accepted(operation_id)
    path = [State.RUNNING, State.COMPENSATING, state] if state is State.COMPENSATED else [state]
    for step in path:
        await store.transact(move, operation_id, step, NOW)
    ended = await store.transact(move, operation_id, state, NOW)
    assert (ended.state, ended.ended_at) == (state, NOW)
    for other in set(State) - {state}:
        with pytest.raises(WrongState):
            await store.transact(move, operation_id, other, NOW)


async def test_a_move_from_what_was_read_before_is_refused(store: Store, accepted: Accepted) -> None:
    operation_id = name()
    await accepted(operation_id)
    await store.transact(move, operation_id, State.RUNNING, NOW, version=1)
    with pytest.raises(StaleRecord):
        await store.transact(move, operation_id, State.CANCELED, NOW, version=1)
    with pytest.raises(NoSuchRecord):
        await store.transact(move, "there-is-none", State.CANCELED, NOW)


async def test_of_many_moves_at_once_each_is_made_or_refused(store: Store, accepted: Accepted) -> None:
    operation_id = name()
    await accepted(operation_id)
    await store.transact(move, operation_id, State.RUNNING, NOW)
    ends = [State.COMPLETED, State.CANCELED, State.REJECTED] * 5

    async def end(state: State) -> Any:
        return await store.transact(move, operation_id, state, NOW)

    results = await asyncio.gather(*(end(state) for state in ends), return_exceptions=True)
    made = {result.state for result in results if not isinstance(result, BaseException)}
    assert len(made) == 1
    assert all(
        isinstance(result, StaleRecord | WrongState) or getattr(result, "state", None) in made for result in results
    )
    assert (await store.read(find, operation_id)).version == 3


async def test_the_first_answer_stays(store: Store, accepted: Accepted) -> None:
    operation_id = name()
    await accepted(operation_id)
    for outcome in (Outcome.NEEDS_APPROVAL, Outcome.COMPLETED):
        known = await store.read(operations.find, operation_id)
        answered = await store.transact(operations.answer, known, outcome, NOW)
        assert answered.outcome is Outcome.NEEDS_APPROVAL


async def test_nothing_is_kept_of_a_transaction_that_fails(store: Store) -> None:
    asked = command(name())

    def work(connection: Any) -> None:
        accept(connection, asked, NOW)
        raise LookupError("half way")

    with pytest.raises(LookupError):
        await store.transact(work)
    with pytest.raises(NoSuchRecord):
        await store.read(find, asked.id)


async def test_pages_follow_each_other_without_gaps_or_repeats(store: Store) -> None:
    account = name()
    for number in range(7):
        asked = command(name(), account=account)
        at = NOW + timedelta(minutes=number // 3)  # some at the same time
        await store.transact(accept, asked, at)
    seen: list[Any] = []
    while True:
        after = (seen[-1].accepted_at, seen[-1].id) if seen else None
        more = await store.read(worklist.page, account=account, after=after, first=2)
        if not more:
            break
        seen += more
    assert len({row.id for row in seen}) == 7
    assert [(row.accepted_at, row.id) for row in seen] == sorted(((r.accepted_at, r.id) for r in seen), reverse=True)
    running = await store.read(worklist.page, account=account, states=[State.RUNNING])
    assert running == []


async def test_what_was_accepted_and_never_started_is_found(store: Store, accepted: Accepted) -> None:
    left, started = name(), name()
    for operation_id in (left, started):
        await accepted(operation_id)
    await store.transact(move, started, State.RUNNING, NOW)

    async def unstarted(minutes: int) -> set[str]:
        before = NOW + timedelta(minutes=minutes)
        found = await store.read(worklist.unstarted, before, first=10_000)
        return {row.id for row in found} & {left, started}

    assert await unstarted(0) == set()
    assert await unstarted(1) == {left}


async def test_a_cumulative_total_leaves_out_what_had_no_effect(store: Store) -> None:
    account = name()
    ends = [State.COMPLETED, State.REJECTED, State.RUNNING, State.CANCELED]
    for number, state in enumerate(ends):
        asked = command(name(), account=account, amount=Money(10**number, "EUR"))
        await store.transact(accept, asked, NOW)
        await store.transact(move, asked.id, state, NOW)
    other = command(name(), account=account, amount=Money(5, "USD"))
    await store.transact(accept, other, NOW)

    async def total(currency: str, hours: int) -> Money:
        since = NOW + timedelta(hours=hours)
        return await store.read(worklist.total, "issueCredit", currency, since, account=account)

    assert await total("EUR", -1) == Money(101, "EUR")
    assert await total("USD", -1) == Money(5, "USD")
    assert await total("EUR", 1) == Money(0, "EUR")


def test_keys_are_kept_as_long_as_what_they_guard_matters() -> None:
    standing = Retention()
    assert kept_until("openCase", NOW, standing) - NOW == timedelta(hours=24)
    assert kept_until("submitOrder", NOW, standing) - NOW == timedelta(days=7)
    assert kept_until("refundPayment", NOW, standing) - NOW == timedelta(days=45)
    with pytest.raises(ValueError, match="24 hours at least"):
        Retention(others=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    asks=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("mn"), st.sampled_from("kl"), st.sampled_from("pq")),
        max_size=12,
    )
)
async def test_whatever_is_asked_a_key_stands_for_its_first_payload(
    store: Store, asks: list[tuple[str, str, str, str]]
) -> None:
    run = name()
    model: dict[tuple[str, str, str], tuple[str, str]] = {}
    for caller, mutation, key, payload in asks:
        asked = command(
            name(), caller=f"{run}-{caller}", mutation=mutation, idempotency_key=key, payload=payload, amount=None
        )
        known = model.get((caller, mutation, key))
        if known is not None and known[0] != payload:
            with pytest.raises(IdempotencyMismatch):
                await store.transact(accept, asked, NOW)
            continue
        got = await store.transact(accept, asked, NOW)
        assert got.replayed is (known is not None)
        assert got.operation.id == (known[1] if known else asked.id)
        model.setdefault((caller, mutation, key), (payload, asked.id))
