"""What adds up is added one after another, and nothing else waits for it."""

import asyncio
import threading

import pytest
from sqlalchemy import Connection

from sources.store.grounds import one_at_a_time
from sources.store.store import Store


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_who_shares_a_name_waits_and_nobody_else(store: Store) -> None:
    held, over = threading.Event(), threading.Event()

    def first(connection: Connection) -> None:
        one_at_a_time(connection, ["person:ada", "account:A-1"])
        held.set()
        assert over.wait(20)

    def later(connection: Connection, names: list[str]) -> bool:
        """Whether the first one was over by the time this one had its names."""
        one_at_a_time(connection, names)
        return over.is_set()

    holding = asyncio.create_task(store.transact(first))
    await asyncio.to_thread(held.wait, 20)
    assert not await store.transact(later, ["person:bob", "account:A-2"])
    assert not await store.transact(later, [])
    waiting = [
        asyncio.create_task(store.transact(later, names)) for names in (["account:A-1"], ["account:A-2", "person:ada"])
    ]
    done, _ = await asyncio.wait(waiting, timeout=0.2)
    assert not done
    over.set()
    assert await asyncio.gather(*waiting) == [True, True]
    await holding


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_names_in_any_order_do_not_wait_for_each_other(store: Store) -> None:
    names = [f"name:{number}" for number in range(8)]

    def work(connection: Connection, turn: int) -> int:
        one_at_a_time(connection, names[turn:] + names[:turn])
        return turn

    async with asyncio.timeout(20):
        assert await asyncio.gather(*(store.transact(work, each % 8) for each in range(80)))
