"""The bell rings where notices were given, once they can be read, in every process that shares the database."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from sources.news import Topic
from sources.store import notices
from sources.store.store import Store, open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PATIENCE = 10


def give(connection: Connection) -> None:
    notices.give(connection, Topic.OPERATION, "x", NOW)


async def test_it_rings_after_a_notice_and_for_nothing_else(store: Store) -> None:
    rung = asyncio.Event()
    async with store.bell.heard(rung.set):
        if store.bell._shared:
            await asyncio.wait_for(rung.wait(), PATIENCE)  # as it begins to listen
            rung.clear()
        await store.transact(lambda _connection: None)
        await asyncio.sleep(0.05)
        assert not rung.is_set()
        place = await store.glance(notices.last)
        await store.transact(give)
        await asyncio.wait_for(rung.wait(), PATIENCE)
        assert len(await store.glance(notices.since, place)) == 1


async def test_nobody_hears_it_who_has_left(store: Store) -> None:
    heard = 0

    def count() -> None:
        nonlocal heard
        heard += 1

    async with store.bell.heard(count):
        pass
    before = heard
    await store.transact(give)
    await asyncio.sleep(0.05)
    assert heard == before


@pytest.fixture
async def two(postgres: str) -> list[Store]:
    return [await open_store(postgres), await open_store(postgres)]


async def test_other_processes_hear_it(two: list[Store]) -> None:
    one, other = two
    rung = asyncio.Event()
    async with other.bell.heard(rung.set):
        await asyncio.wait_for(rung.wait(), PATIENCE)
        rung.clear()
        await one.transact(give)
        await asyncio.wait_for(rung.wait(), PATIENCE)
    for each in two:
        await each.close()


async def test_a_listener_whose_connection_is_lost_listens_again(
    two: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.store.bell._AGAIN", 0.01)
    one, other = two
    rung = asyncio.Event()
    async with other.bell.heard(rung.set):
        await asyncio.wait_for(rung.wait(), PATIENCE)
        rung.clear()

        def cut(connection: Connection) -> None:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'opsgraph-bell' AND datname = current_database()"
            )

        await one.transact(cut)
        await asyncio.wait_for(rung.wait(), PATIENCE)  # it listens again, and looks for what it may not have heard
        rung.clear()
        await one.transact(give)
        await asyncio.wait_for(rung.wait(), PATIENCE)
    for each in two:
        await each.close()
