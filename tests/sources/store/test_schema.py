"""The migrations make what the code speaks of, once, whoever comes first."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from sources.database import open_engine, retire_engine
from sources.store import (
    approvals,
    audit,
    exceptions,
    grounds,
    handovers,
    lendings,
    notices,
    operations,
    purposes,
    reservations,
    rounds,
    steps,
    switches,
)
from sources.store.columns import Instant, metadata
from sources.store.schema import migrate
from sources.store.store import Store, open_store
from tests.databases import fresh_postgres, fresh_sqlite
from tests.sources.store.conftest import NOW

NOUNS = (
    approvals, audit, exceptions, grounds, handovers, lendings, notices, operations, purposes, reservations, rounds, steps,
    switches,
)  # fmt: skip


def check(url: str) -> None:
    with ThreadPoolExecutor(4) as threads:  # as many processes that start together
        for done in [threads.submit(migrate, url) for _ in range(4)]:
            done.result()
    migrate(url)
    engine = open_engine(url, connections=1)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert {table.name for table in metadata.sorted_tables} <= set(inspect(connection).get_table_names())
        for table in metadata.sorted_tables:
            declared = {str(one.name) for one in table.constraints if str(one.name).endswith("_check")}
            assert {one["name"] for one in inspect(connection).get_check_constraints(table.name)} == declared
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
    retire_engine(engine)


def test_the_tables_are_what_the_code_speaks_of_on_sqlite(tmp_path: Path) -> None:
    assert NOUNS
    check(fresh_sqlite(tmp_path))


def test_the_tables_are_what_the_code_speaks_of_on_postgresql() -> None:
    assert NOUNS
    with fresh_postgres() as url:
        check(url)


async def test_the_loop_is_free_while_the_store_writes(store: Store) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    free = asyncio.Event()
    loop = asyncio.get_running_loop()
    turning = asyncio.create_task(turn())

    def slow(_connection: object) -> str:
        # The transaction goes on only once the loop has turned: it would wait for ever if the loop waited for it.
        asyncio.run_coroutine_threadsafe(free.wait(), loop).result(20)
        return "done"

    work = asyncio.create_task(store.transact(slow))
    while turns < 10:  # noqa: ASYNC110 - it is the turns that are counted
        await asyncio.sleep(0)
    free.set()
    assert await work == "done"
    turning.cancel()


async def test_readers_see_one_state_and_write_nothing(store: Store, database: str) -> None:
    other = await open_store(database)

    def pause(connection: Connection, name: str) -> object:
        return switches.pause(connection, switches.Scope.SOURCE, name, "pat", "storm", NOW)

    await store.read(pause, "written-by-a-reader")
    names = {one.name for one in await other.read(switches.paused)}
    assert "written-by-a-reader" not in names
    await store.transact(pause, "written-by-a-writer")
    assert "written-by-a-writer" in {one.name for one in await other.read(switches.paused)}
    await other.close()


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Instant().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]  # noqa: DTZ001
