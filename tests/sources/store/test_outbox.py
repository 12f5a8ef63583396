"""The outbox tells everybody who follows of every change once, and who comes again what happened meanwhile."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from sources.feed import LeftBehind
from sources.news import News, Topic
from sources.outbox import Mark, Outbox
from sources.store import notices
from sources.store.notices import Place
from sources.store.store import Store, open_store
from tests.databases import fresh_postgres
from tests.sources.store.conftest import NOW

PATIENCE = 10


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Of its own: what was forgotten is told by what is left, whoever gave it and at whatever hour."""
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def opened(store: Store, clock: Clock, **options: Any) -> AsyncIterator[Outbox]:
    async with Outbox(store, clock=clock, poll=0.05, **options).open() as outbox:
        yield outbox


@pytest.fixture
async def outbox(store: Store, clock: Clock) -> AsyncIterator[Outbox]:
    async with opened(store, clock) as made:
        yield made


class Follower:
    """Somebody who follows a topic."""

    def __init__(self, told: AsyncGenerator[News, None]) -> None:
        self._told = told

    async def next(self) -> News:
        return await asyncio.wait_for(anext(self._told), PATIENCE)

    async def keys(self, count: int) -> list[str | None]:
        return [(await self.next()).key for _ in range(count)]


@asynccontextmanager
async def following(
    outbox: Outbox, after: str | None = None, topic: Topic = Topic.EXCEPTION, key: str | None = None
) -> AsyncIterator[tuple[Follower, News]]:
    async with aclosing(outbox.follow(topic, after, key)) as told:
        follower = Follower(told)
        first = await follower.next()
        assert (first.first, first.key) == (True, None)
        yield follower, first


async def give(store: Store, *keys: str, topic: Topic = Topic.EXCEPTION, at: datetime = NOW) -> None:
    for key in keys:
        await store.transact(notices.give, topic, key, at)


async def looked(store: Store, outbox: Outbox) -> None:
    """Until the outbox has looked at what was given so far."""
    async with asyncio.timeout(PATIENCE):
        while outbox._place < await store.glance(notices.last):  # noqa: ASYNC110 - it is the outbox's to look
            await asyncio.sleep(0.01)


def name() -> str:
    return uuid.uuid4().hex


async def test_whoever_follows_is_told_of_what_changes_from_then_on(store: Store, outbox: Outbox) -> None:
    async with following(outbox) as (one, first), following(outbox) as (other, _):
        assert not first.missed
        await give(store, "a", "b")
        await give(store, "elsewhere", topic=Topic.OPERATION)
        await give(store, "c")
        assert await one.keys(3) == await other.keys(3) == ["a", "b", "c"]


async def test_of_one_key_nothing_else_is_told(store: Store, outbox: Outbox) -> None:
    key = name()
    async with following(outbox, topic=Topic.OPERATION, key=key) as (one, _):
        for number in range(150):  # more than may wait: they are others'
            await give(store, f"{key}-{number}", topic=Topic.OPERATION)
        await give(store, key, topic=Topic.OPERATION)
        assert await one.keys(1) == [key]


async def test_whoever_comes_again_is_told_what_they_missed_and_nothing_twice(store: Store, outbox: Outbox) -> None:
    async with following(outbox) as (one, first):
        await give(store, "a", "b")
        seen = [await one.next() for _ in range(2)]
    await give(store, "c", "d")
    for after, expected in ((first, "abcd"), (seen[0], "bcd"), (seen[1], "cd")):
        async with following(outbox, after.place) as (again, begun):
            assert (begun.missed, begun.place) == (False, after.place)
            keys = await again.keys(len(expected))
            await give(store, "e")
            assert [*keys, *await again.keys(1)] == [*expected, "e"]
            await store.transact(
                lambda connection: connection.execute(notices.notices.delete().where(notices.notices.c.key == "e"))
            )


async def test_what_happens_while_somebody_is_told_what_they_missed_comes_after_it_and_once(
    store: Store, outbox: Outbox
) -> None:
    async with following(outbox) as (_, first):
        pass
    await give(store, *(f"{number}" for number in range(20)))
    async with following(outbox, first.place) as (again, _):
        keys = await again.keys(5)
        await give(store, *(f"{number}" for number in range(20, 30)))
        assert [*keys, *await again.keys(25)] == [f"{number}" for number in range(30)]


async def test_a_place_that_another_process_has_read_before_is_gone_on_from(store: Store, clock: Clock) -> None:
    """A balancer moves somebody to a process that has not looked yet."""
    async with opened(store, clock) as quick, opened(store, clock) as slow:
        async with following(quick) as (one, _):
            await give(store, "a")
            place = (await one.next()).place
        slow._place = Place(0, 0)  # it has not looked in a long time
        async with following(slow, place) as (again, first):
            assert not first.missed
            await give(store, "b")
            assert await again.keys(1) == ["b"]


@pytest.mark.parametrize("after", ["", "x", "1.2", "1.2.3.4", "-", f"0.{10**12}.1772000000", f"{10**15}.1.1772000000"])
async def test_a_place_that_is_none_of_these_tables_is_told_as_missed(outbox: Outbox, after: str) -> None:
    async with following(outbox, after) as (_, first):
        assert first.missed


async def test_who_was_away_for_too_long_is_told_that_something_is_missing(
    store: Store, outbox: Outbox, clock: Clock
) -> None:
    await give(store, "before")
    await looked(store, outbox)
    async with following(outbox) as (one, _):
        await give(store, "a", "b")
        places = [(await one.next()).place for _ in range(2)]
    clock.now = NOW + timedelta(hours=3)
    async with asyncio.timeout(PATIENCE):
        while outbox._looked < clock.now:  # noqa: ASYNC110 - it is the outbox's to look
            await asyncio.sleep(0.01)
    await store.transact(notices.forget, NOW + timedelta(hours=1))
    async with following(outbox, places[0]) as (_, first):
        assert first.missed
    async with following(outbox, places[1]) as (_, first):  # a long quiet time is nothing missed
        assert not first.missed
    await give(store, "c", at=clock.now)
    async with following(outbox, places[1]) as (again, first):
        assert not first.missed
        assert await again.keys(1) == ["c"]


async def test_old_notices_are_forgotten_by_itself(store: Store, clock: Clock) -> None:
    await store.transact(lambda connection: connection.execute(notices.notices.delete()))
    await give(store, "old-1", "old-2", at=NOW - timedelta(hours=2))
    async with opened(store, clock, kept=timedelta(hours=1)) as outbox, following(outbox):
        clock.now = NOW + timedelta(minutes=2)
        async with asyncio.timeout(PATIENCE):
            while len(await store.glance(notices.since, Place(0, 0))) > 1:  # noqa: ASYNC110 - it is read again and again
                await asyncio.sleep(0.01)


async def test_who_is_too_slow_is_left_behind_and_the_others_are_not(store: Store, clock: Clock) -> None:
    async with (
        opened(store, clock, most=3) as outbox,
        following(outbox) as (slow, _),
        following(outbox) as (quick, _),
    ):
        for each in "abcde":
            await give(store, each)
            assert await quick.keys(1) == [each]
        with pytest.raises(LeftBehind):
            await slow.keys(4)


async def test_after_our_tables_were_away_for_longer_than_notices_are_kept_everybody_is_told(
    store: Store, clock: Clock
) -> None:
    async with opened(store, clock, kept=timedelta(hours=1)) as outbox, following(outbox) as (one, _):
        await give(store, "a")
        assert await one.keys(1) == ["a"]
        outbox._looked = NOW - timedelta(hours=2)
        await give(store, "b")
        gap = await one.next()
        assert (gap.missed, gap.key) == (True, None)
        assert await one.keys(1) == ["b"]


async def test_what_nobody_rings_for_is_found_all_the_same(store: Store, outbox: Outbox, monkeypatch: Any) -> None:
    monkeypatch.setattr(store.bell, "ring", lambda: None)
    async with following(outbox) as (one, _):
        await give(store, "quiet")
        assert await one.keys(1) == ["quiet"]


async def test_while_nobody_follows_nothing_is_read_that_was_given(store: Store, outbox: Outbox) -> None:
    await give(store, "nobody's")
    await looked(store, outbox)


async def test_processes_tell_each_other_over_postgresql(postgres: str, clock: Clock) -> None:
    writer, reader = await open_store(postgres), await open_store(postgres)
    async with Outbox(reader, clock=clock, poll=60).open() as outbox, following(outbox) as (one, _):
        await give(writer, *(f"{number}" for number in range(50)))
        assert await one.keys(50) == [f"{number}" for number in range(50)]
    await writer.close()
    await reader.close()


def test_a_mark_is_read_as_it_is_written() -> None:
    mark = Mark(Place(7, 12), NOW)
    assert Mark.read(str(mark)) == mark
