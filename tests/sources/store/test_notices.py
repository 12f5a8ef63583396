"""Notices come with what they tell of, in an order in which nothing is left out."""

import asyncio
import threading
import time
import uuid
from datetime import timedelta

import msgspec
import psycopg
import pytest
from sqlalchemy import Connection, select

from sources.news import Topic
from sources.store import approvals, exceptions, notices, operations, steps
from sources.store.approvals import Decision, Question
from sources.store.exceptions import Finding, Resolution
from sources.store.notices import BEGINNING, Notice, Place
from sources.store.operations import State
from sources.store.steps import Attempt, StepOutcome
from sources.store.store import Store, open_store
from tests.databases import fresh_postgres
from tests.sources.store.conftest import NOW, command

LATER = NOW + timedelta(hours=1)


def name() -> str:
    return uuid.uuid4().hex


async def told(store: Store, place: Place) -> list[tuple[Topic, str]]:
    return [(each.topic, each.key) for each in await store.glance(notices.since, place)]


async def sure(store: Store, place: Place, *expected: tuple[Topic, str]) -> bool:
    """Whether exactly this is told, soon: the server's own housekeeping may hold it back for a moment."""
    async with asyncio.timeout(10):
        while len(await told(store, place)) < len(expected):  # noqa: ASYNC110 - nobody rings in this test
            await asyncio.sleep(0.01)
    return await told(store, place) == [*expected]


async def test_every_change_gives_notice_in_its_own_transaction(store: Store) -> None:
    place, key = await store.glance(notices.last), name()

    async def noticed(*expected: tuple[Topic, str]) -> bool:
        nonlocal place
        as_expected = await sure(store, place, *expected)
        place = await store.glance(notices.last)
        return as_expected

    ours = (Topic.OPERATION, key)
    await store.transact(operations.accept, command(key), NOW)
    assert await noticed(ours)
    await store.transact(operations.accept, command(name(), idempotency_key=key), NOW)  # the same again
    assert await noticed()
    await store.transact(operations.move, key, State.RUNNING, NOW)
    assert await noticed(ours)
    await store.transact(operations.move, key, State.RUNNING, NOW)
    assert await noticed()
    await store.transact(steps.begin, Attempt(operation_id=key, number=1, name="one", key=f"{key}:1"), NOW)
    assert await noticed(ours)
    await store.transact(steps.finish, key, 1, StepOutcome.OK, NOW)
    assert await noticed(ours)
    asked = Question(
        id=name(), operation_id=key, rule="r", role="finance", asked_by="ada", expires_at=LATER, evidence={}
    )
    question = await store.transact(approvals.ask, asked, NOW)
    assert await noticed(ours)
    await store.transact(approvals.decide, asked.id, Decision.APPROVED, "bob", question.evidence_hash, NOW)
    assert await noticed(ours)
    other = msgspec.structs.replace(asked, id=name(), tier=2)
    await store.transact(approvals.ask, other, NOW)
    assert await noticed(ours)
    await store.transact(approvals.withdraw, key, NOW)
    assert await noticed(ours)
    await store.transact(approvals.withdraw, key, NOW)
    assert await noticed()
    await store.transact(approvals.ask, msgspec.structs.replace(asked, id=name(), tier=3), NOW)
    assert await noticed(ours)
    await store.transact(approvals.expire, LATER)
    assert await noticed(ours)
    finding = Finding(
        id=f"{key}:1:1", kind="K", owner="finance", reason="r", answer_due_at=LATER, due_at=LATER, operation_id=key
    )
    await store.transact(exceptions.open_exception, finding, NOW)
    assert await noticed((Topic.EXCEPTION, finding.id))
    await store.transact(exceptions.open_exception, finding, NOW)
    assert await noticed()
    await store.transact(exceptions.assign, finding.id, "bob", NOW, 1)
    assert await noticed(ours)
    await store.transact(exceptions.hand_over, finding.id, "controller", LATER, "late", 2, NOW)
    assert await noticed((Topic.EXCEPTION, finding.id), ours)
    await store.transact(exceptions.escalate, finding.id, "controller", LATER, LATER, NOW, 3)
    assert await noticed((Topic.EXCEPTION, finding.id), ours)
    await store.transact(exceptions.resolve, finding.id, Resolution.RESUMED, "bob", "done", NOW)
    assert await noticed(ours)


async def test_what_is_undone_gives_no_notice(store: Store) -> None:
    place = await store.glance(notices.last)

    def fail(connection: Connection) -> None:
        notices.give(connection, Topic.OPERATION, "undone", NOW)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await store.transact(fail)
    assert await told(store, place) == []
    await store.transact(notices.give, Topic.OPERATION, "undone", NOW)  # and it may be told in the next one
    assert await sure(store, place, (Topic.OPERATION, "undone"))


async def test_what_changes_twice_in_a_transaction_is_told_once(store: Store) -> None:
    place = await store.glance(notices.last)

    def twice(connection: Connection) -> None:
        for key in ("a", "b", "a"):
            notices.give(connection, Topic.OPERATION, key, NOW)
        notices.give(connection, Topic.EXCEPTION, "a", NOW)

    await store.transact(twice)
    assert await sure(store, place, (Topic.OPERATION, "a"), (Topic.OPERATION, "b"), (Topic.EXCEPTION, "a"))


async def test_it_is_read_in_pages_by_topic_and_up_to_a_place(store: Store) -> None:
    place = await store.glance(notices.last)
    for number in range(6):
        topic = Topic.EXCEPTION if number % 2 else Topic.OPERATION
        await store.transact(notices.give, topic, f"{number}", NOW)
    assert await sure(
        store, place, *((Topic.EXCEPTION if each % 2 else Topic.OPERATION, f"{each}") for each in range(6))
    )
    found = await store.glance(notices.since, place)
    assert [each.place for each in found] == sorted(each.place for each in found)
    two = await store.glance(notices.since, place, first=2)
    assert [each.key for each in two] == ["0", "1"]
    rest = await store.glance(notices.since, two[-1].place, until=found[4].place, topics=(Topic.OPERATION,))
    assert [each.key for each in rest] == ["2", "4"]
    assert await store.glance(notices.last) == found[-1].place


async def test_the_old_ones_are_forgotten_but_for_the_last(store: Store) -> None:
    await store.transact(lambda connection: connection.execute(notices.notices.delete()))
    for number in range(3):
        await store.transact(notices.give, Topic.OPERATION, f"old-{number}", NOW - timedelta(hours=2))
    await store.transact(notices.give, Topic.OPERATION, "new", NOW)
    assert await sure(store, BEGINNING, *((Topic.OPERATION, key) for key in ("old-0", "old-1", "old-2", "new")))
    before = [each for each in await store.glance(notices.since, BEGINNING) if each.at < NOW - timedelta(hours=1)]
    gone = await store.transact(notices.forget, NOW - timedelta(hours=1))
    assert gone == len(before) - 1
    left = await store.glance(notices.since, BEGINNING)
    assert [each.key for each in left if each.at < NOW] == ["old-2"]
    assert await store.transact(notices.forget, NOW - timedelta(hours=1)) == 0
    holds = [await store.read(notices.holds, each.place, False) for each in before]
    assert holds == [False] * (len(before) - 1) + [True]  # who saw the last of them has missed nothing
    assert all([await store.read(notices.holds, each.place, True) for each in before])


async def test_a_place_that_is_ahead_is_of_another_database(store: Store) -> None:
    await store.transact(notices.give, Topic.OPERATION, "x", NOW)
    last = await store.glance(notices.last)
    assert await store.read(notices.holds, last, True)
    ahead = Place(last.turn, last.sequence + 1_000_000) if last.turn == 0 else Place(last.turn + 1_000_000, 1)
    assert not await store.read(notices.holds, ahead, True)
    assert await store.read(notices.holds, BEGINNING, True)


async def test_a_number_is_never_given_twice(store: Store) -> None:
    await store.transact(notices.give, Topic.OPERATION, "x", NOW)
    last = await store.glance(notices.last)
    await store.transact(lambda connection: connection.execute(notices.notices.delete()))
    await store.transact(notices.give, Topic.OPERATION, "y", NOW)
    (found,) = await store.glance(notices.since, BEGINNING)
    assert found.place > last


@pytest.fixture
async def shared(postgres: str) -> Store:
    return await open_store(postgres)


async def test_what_commits_late_is_not_left_out_on_postgresql(shared: Store) -> None:
    """The first to take a number is the last to commit: nobody may read past it."""
    store, wrote, go = shared, threading.Event(), threading.Event()
    place = await store.glance(notices.last)

    def slow(connection: Connection) -> None:
        notices.give(connection, Topic.OPERATION, "slow", NOW)
        assert connection.scalar(select(1)) == 1  # what was written is there before anything is asked
        wrote.set()
        assert go.wait(20)

    late = asyncio.create_task(store.transact(slow))
    await asyncio.to_thread(wrote.wait, 20)
    await store.transact(notices.give, Topic.OPERATION, "quick", NOW)
    assert await told(store, place) == []  # though `quick` is committed
    go.set()
    await late
    assert await sure(store, place, (Topic.OPERATION, "slow"), (Topic.OPERATION, "quick"))
    await store.close()


async def test_many_writers_and_a_reader_that_goes_on_from_where_it_was_lose_nothing() -> None:
    with fresh_postgres() as url:
        store, keys = await open_store(url), [f"{number}" for number in range(300)]
        seen: list[Notice] = []

        async def read() -> None:
            while len(seen) < len(keys):
                seen.extend(await store.glance(notices.since, seen[-1].place if seen else BEGINNING, first=7))

        reading = asyncio.create_task(read())
        await asyncio.gather(*(store.transact(notices.give, Topic.OPERATION, key, NOW) for key in keys))
        await asyncio.wait_for(reading, 20)
        assert sorted(each.key for each in seen) == sorted(keys)
        assert [each.place for each in seen] == sorted({each.place for each in seen})
        await store.close()


async def test_a_long_transaction_of_another_database_holds_nothing_back(shared: Store) -> None:
    with fresh_postgres() as elsewhere, psycopg.connect(elsewhere) as other:
        other.execute("CREATE TABLE x (y int)")  # it has a number now, and goes on
        place = await shared.glance(notices.last)
        await shared.transact(notices.give, Topic.OPERATION, "x", NOW)
        assert await sure(shared, place, (Topic.OPERATION, "x"))
        other.rollback()
    await shared.close()


async def test_what_was_told_once_is_told_from_then_on_whatever_ends_elsewhere(shared: Store) -> None:
    """Others' transactions end between the moments at which the server says what is under way and whose it is."""
    with fresh_postgres() as elsewhere:
        over = threading.Event()

        def busy() -> None:
            with psycopg.connect(elsewhere) as other:
                while not over.wait(0.001):
                    other.execute("SELECT pg_current_xact_id()")
                    time.sleep(0.003)
                    other.commit()

        others = [asyncio.create_task(asyncio.to_thread(busy)) for _ in range(8)]
        try:
            for number in range(30):
                await shared.transact(notices.give, Topic.OPERATION, f"{number}", NOW)
                highest = await shared.glance(notices.last)
                for _ in range(30):
                    place = await shared.glance(notices.last)
                    assert place >= highest
                    highest = place
        finally:
            over.set()
            await asyncio.gather(*others)
    await shared.close()
