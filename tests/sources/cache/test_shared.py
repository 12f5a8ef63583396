"""Over a real Redis: processes share facts and flights, forget together, and do without it when it is gone."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sources import canonical as c
from sources.cache import Cache, Cached
from sources.cache.freshness import Overrides
from sources.errors import Unavailable
from tests.sources.cache.book import Book, by_key, contact, errand, everything, keys_of, served
from tests.sources.cache.redis_of import Relay, gateways, real_redis

DOWN = Unavailable("`book` is down")


def stocked(*keys: str, delay: float = 0.0) -> Book:
    book = Book()
    for key in keys:
        book.put("key", key, contact(key))
        book.put("account", key, contact(f"{key}-1", account=key), contact(f"{key}-2", account=key))
    book.delay = delay
    return book


async def until(condition: Callable[[], Any]) -> None:
    """Waits for something that happens elsewhere."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what happens elsewhere sets no event here
            await asyncio.sleep(0.005)


async def settled(*sources: Cached) -> None:
    """Until what was read has been written, and what was forgotten been told."""
    shared = [source._cache.shared for source in sources]
    await until(lambda: not any(each and (each._tasks or each.notices._pending) for each in shared))


async def test_what_one_process_has_read_costs_another_no_call() -> None:
    async with real_redis() as (_, prefix), gateways(prefix, stocked("K", "L"), stocked("K", "L")) as (one, other):
        await one.read(by_key("K", "M"))
        await one.read(by_key("K", by="account"))
        await settled(one)
        reading = await other.read(by_key("K", "L", "M"))
        assert keys_of(reading) == {"K": ["K"], "L": ["L"]}
        assert served(reading) == {"K": "CACHE", "L": "LIVE"}
        assert (reading.report.calls, reading.report.cached) == (1, 2), "that `M` is not there is known as well"
        assert other.inner.keys() == [("L",)]  # type: ignore[attr-defined] # the book
        assert keys_of(await other.read(by_key("K", by="account"))) == {"K": ["K-1", "K-2"]}
        assert other.recall(by_key("K", "L")) is not None, "memory is in front"


async def test_of_processes_that_ask_at_once_one_asks_and_the_others_wait_for_its_answer() -> None:
    books = [stocked("K", "L", "M", delay=0.1) for _ in range(3)]
    async with real_redis() as (_, prefix), gateways(prefix, *books) as sources:
        await asyncio.gather(*(source.read(by_key("warm")) for source in sources))  # connections are open
        await settled(*sources)
        for book in books:
            book.asked.clear()
        asks = [source.read(by_key("K", "L")) for source in sources for _ in range(100)]
        readings = await asyncio.gather(*asks)
        assert all(keys_of(each) == {"K": ["K"], "L": ["L"]} for each in readings)
        assert sum(len(book.asked) for book in books) == 1
        assert sum(each.report.calls for each in readings) == 1
        assert all(set(served(each).values()) == {"LIVE"} for each in readings)


async def test_keys_that_another_process_asks_are_waited_for_and_the_rest_is_asked() -> None:
    slow, quick = stocked("K", "L", delay=0.15), stocked("K", "L")
    async with real_redis() as (_, prefix), gateways(prefix, slow, quick) as (one, other):
        first = asyncio.create_task(one.read(by_key("K")))
        await until(lambda: slow.asked)
        second = await other.read(by_key("K", "L"))
        assert quick.keys() == [("L",)]
        assert (second.report.calls, second.report.joined) == (1, 1)
        assert keys_of(second) == keys_of(await first) | {"L": ["L"]}


async def test_where_the_one_that_asks_fails_the_next_one_asks() -> None:
    broken, sound = stocked("K", delay=0.1), stocked("K")
    broken.fault = DOWN
    async with real_redis() as (_, prefix), gateways(prefix, broken, sound) as (one, other):
        first = asyncio.create_task(one.read(by_key("K")))
        await until(lambda: broken.asked)
        second = await other.read(by_key("K"))
        assert (await first).errors == {"K": DOWN}
        assert (keys_of(second), len(sound.asked)) == ({"K": ["K"]}, 1)


async def test_where_the_one_that_asks_is_gone_its_lease_runs_out() -> None:
    stuck, sound = stocked("K", delay=1_000), stocked("K")
    async with real_redis() as (_, prefix), gateways(prefix, stuck, sound, lease=0.2) as (one, other):
        lost = asyncio.create_task(one.read(by_key("K")))
        await until(lambda: stuck.asked)
        assert keys_of(await other.read(by_key("K"))) == {"K": ["K"]}
        assert len(sound.asked) == 1
        lost.cancel()


async def test_another_zone_s_facts_are_never_given() -> None:
    async with real_redis() as (_, prefix):
        async with gateways(prefix, stocked("K"), zone="eu") as (europe,):
            await europe.read(by_key("K"))
            await settled(europe)
        elsewhere = Book()
        async with gateways(prefix, elsewhere, zone="us") as (america,):
            assert (await america.read(by_key("K"))).rows == {}
        assert len(elsewhere.asked) == 1


async def test_values_are_typed_msgpack_and_go_when_nobody_may_use_them() -> None:
    async with real_redis() as (connection, prefix), gateways(prefix, stocked("K")) as (source,):
        await source.read(by_key("K"))
        await settled(source)
        keys = [key async for key in connection.scan_iter(f"{prefix}:fact:*")]
        assert len(keys) == 1, "the lease was given back"
        decoded = msgspec.msgpack.decode(await connection.get(keys[0]))
        assert decoded[-1][0]["key"] == "K"
        assert 86_400_000 < await connection.pttl(keys[0]) <= 86_460_000


async def test_what_one_process_forgets_all_forget() -> None:
    books = [stocked("K", "L"), stocked("K", "L"), stocked("K", "L")]
    async with real_redis() as (_, prefix), gateways(prefix, *books) as (one, other, third):
        for source in (one, other):
            await source.read(by_key("K", "L"))
            await source.read(by_key("K", by="account"))
        await settled(one, other)
        one._cache.forget(["contact:K", "account:K"])
        await settled(one)
        await until(lambda: "K" not in everything(other))
        assert everything(other) == ["L"]
        assert len(books[1].asked) == 0
        assert served(await third.read(by_key("K", "L"))) == {"K": "LIVE", "L": "CACHE"}, "in the store as well"
        assert books[2].keys() == [("K",)]


async def test_what_was_on_its_way_when_another_process_forgot_it_is_not_shared() -> None:
    slow, other_book = stocked("K"), stocked("K")
    async with real_redis() as (_, prefix), gateways(prefix, slow, other_book) as (one, other):
        await asyncio.gather(one.read(by_key("warm")), other.read(by_key("warm too")))
        slow.gate = asyncio.Event()
        asked = asyncio.create_task(one.read(by_key("K")))
        await until(lambda: len(slow.asked) == 2)
        other._cache.forget(["contact:K"])
        await settled(other)
        slow.gate.set()
        await asked
        await settled(one)
        await other.read(by_key("K"))
        assert other_book.keys()[-1] == ("K",), "what was read before is no fact any more"


async def test_a_writer_in_one_process_reads_its_write_in_another() -> None:
    books = [stocked("K"), stocked("K")]
    async with real_redis() as (_, prefix), gateways(prefix, *books) as (one, other):
        await one.read(by_key("K"))
        await settled(one)
        instant = other._cache.wrote("book", [])
        with errand(not_before={"book": instant}):
            assert served(await other.read(by_key("K"))) == {"K": "LIVE"}
            await settled(other)
            assert served(await one.read(by_key("K"))) == {"K": "CACHE"}, "read after the write, by whomever"
        assert [len(book.asked) for book in books] == [1, 1]


async def test_a_fact_that_another_process_remembers_stands_in_where_the_source_fails() -> None:
    books = [stocked("K"), stocked("K")]
    short = {"Contact": Overrides(ttl=0.0, while_refreshing=0.0, refresh_ahead=0.0)}
    async with real_redis() as (_, prefix), gateways(prefix, *books, types=short) as (one, other):
        await one.read(by_key("K"))
        await settled(one)
        books[1].fault = DOWN
        reading = await other.read(by_key("K"))
        assert (served(reading), reading.errors) == ({"K": "STALE"}, {})
        assert reading.report.error == "SOURCE_UNAVAILABLE"


async def test_patience_counts_for_a_fact_that_only_the_store_has() -> None:
    books = [stocked("K"), stocked("K", delay=1_000)]
    short = {"Contact": Overrides(ttl=0.0, while_refreshing=0.0, refresh_ahead=0.0)}
    async with real_redis() as (_, prefix), gateways(prefix, *books, types=short) as (one, other):
        await one.read(by_key("K"))
        await settled(one)
        with errand(patience=0.1):
            assert served(await other.read(by_key("K"))) == {"K": "STALE"}


# ---------------------------------------------------------------- without it


async def test_a_dead_store_is_a_miss() -> None:
    relay = Relay()
    await relay.start()
    await relay.stop()
    book = stocked("K")
    async with gateways("test-dead", book, url=relay.url, operation=0.02) as (source,):
        for _ in range(2):
            reading = await source.read(by_key("K", "L"))
            assert (keys_of(reading), reading.errors) == ({"K": ["K"]}, {})
        assert book.keys() == [("K", "L")]
        source._cache.forget(["contact:K"])
        assert everything(source) == ["L"]


async def test_a_silent_store_is_a_miss_and_costs_one_moment() -> None:
    relay = Relay()
    await relay.start()
    relay.silence(silent=True)
    book = stocked(*(f"K{number}" for number in range(50)))
    async with gateways("test-silent", book, url=relay.url, operation=0.02) as (source,):
        await asyncio.gather(*(source.read(by_key(f"K{number}")) for number in range(50)))
        assert len(book.asked) == 50
        assert source._cache.shared is not None
        assert source._cache.shared.notices.fuse.blown
        connections = relay.connections
        for number in range(50):
            await source.read(by_key(f"L{number}"))
        assert relay.connections <= connections + 1, "but for the one that listens nobody tried"
    relay.silence(silent=False)
    await relay.stop()


async def test_a_store_that_comes_back_is_used_again_and_hears_what_was_forgotten_meanwhile() -> None:
    async with real_redis() as (_, prefix):
        relay = Relay()
        await relay.start()
        books = [stocked("K", "L"), stocked("K", "L")]
        async with gateways(prefix, books[0], url=relay.url) as (one,), gateways(prefix, books[1]) as (other,):
            for source in (one, other):
                await source.read(by_key("K", "L"))
            await settled(one, other)
            assert books[1].asked == []
            await relay.stop()
            one._cache.forget(["contact:K"])
            assert keys_of(await one.read(by_key("K"))) == {"K": ["K"]}
            other._cache.forget(["contact:L"])
            await relay.start()
            fuse = one._cache.shared.notices.fuse  # type: ignore[union-attr] # there is one
            fuse._until = 0.0  # its seconds are over
            await settled(one)
            await until(lambda: "K" not in everything(other))
            await until(lambda: "L" not in everything(one))
            one._cache.clear()
            assert served(await one.read(by_key("K"))) == {"K": "LIVE"}, "what was forgotten is not found there"
        await relay.stop()


async def test_more_forgotten_than_can_be_told_is_everything() -> None:
    async with real_redis() as (_, prefix), gateways(prefix, stocked("K"), stocked("K")) as (one, other):
        await other.read(by_key("K"))
        await settled(other)
        one._cache.forget([f"contact:{number}" for number in range(20_000)])
        await settled(one)
        await one.read(by_key("K"))
        assert one.inner.keys() == [("K",)]  # type: ignore[attr-defined] # the book
        await until(lambda: everything(other) == [])


@pytest.mark.parametrize("kind", [c.Contact, c.Invoice])
async def test_what_the_store_has_in_another_shape_is_not_there(kind: type[c.Record]) -> None:
    book = stocked("K")
    async with real_redis() as (connection, prefix), gateways(prefix, book) as (source,):
        await source.read(by_key("K"))
        await settled(source)
        async for key in connection.scan_iter(f"{prefix}:fact:*"):
            await connection.set(
                key, msgspec.msgpack.encode([1.0, 2**60, False, None, None, [{"kind": kind.__name__}]])
            )
        source._cache.memory.clear()
        assert served(await source.read(by_key("K"))) == {"K": "LIVE"}


async def test_facts_of_a_zone_that_the_store_may_not_hold_stay_with_each_process() -> None:
    book = stocked("K")
    async with real_redis() as (client, prefix), gateways(prefix, stocked("K")) as (other,):
        settings = msgspec.structs.replace(other._cache.settings, zones=("us",))
        kept = Cached(book, Cache(settings), "eu")
        assert served(await kept.read(by_key("K"))) == {"K": "LIVE"}
        assert served(await kept.read(by_key("K"))) == {"K": "CACHE"}
        await settled(kept, other)
        assert [key async for key in client.scan_iter(match=f"{prefix}*:fact:*")] == []
        shared = Cached(book, Cache(settings), "us")
        await shared.read(by_key("K"))
        await settled(shared)
        assert [key async for key in client.scan_iter(match=f"{prefix}*:fact:*")] != []
        for each in (kept, shared):
            await each.close()
            await each._cache.close()
