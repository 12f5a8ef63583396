"""The ledger: what an account may do is counted over everybody, in memory and in Redis alike."""

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sources.pipeline.ledger import Ledger, MemoryLedger, Verdict
from sources.pipeline.redis_ledger import RedisLedger
from sources.ports import Allowance
from tests.fakes.virtual import Turned

REDIS = os.environ.get("OPSGRAPH_TEST_REDIS", "redis://127.0.0.1:6379/0")
Pair = tuple[Ledger, Ledger]


@contextlib.asynccontextmanager
async def own_prefix() -> AsyncIterator[str]:
    """A prefix of this test's own, whose keys are gone afterwards."""
    name = f"opsgraph-test-{uuid.uuid4().hex}"
    client = Redis.from_url(REDIS)
    try:
        await client.ping()
    except (RedisError, OSError):
        await client.aclose()
        pytest.skip(f"NOT TESTED against Redis: none answers at {REDIS}")
    yield name
    keys = [key async for key in client.scan_iter(f"{name}*")]
    if keys:
        await client.delete(*keys)
    await client.aclose()


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    async with own_prefix() as name:
        yield name


@pytest.fixture(params=["memory", "redis"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """Two ways to the same ledger, as two processes have them."""
    if request.param == "memory":
        shared = MemoryLedger(Turned())
        yield shared, shared
        return
    async with own_prefix() as prefix:
        both = [RedisLedger(REDIS, clock=Turned(), prefix=prefix, limit=5.0) for _ in range(2)]
        yield both[0], both[1]
        assert all(ledger.is_shared for ledger in both), "Redis was left, so this was no test of it"
        for ledger in both:
            await ledger.close()


async def enter(ledger: Ledger, lease: str, allowance: Allowance, *, kept: int = 0, seconds: float = 60.0) -> Verdict:
    return await ledger.enter(lease, allowance, kept=kept, seconds=seconds)


def shared(ledger: RedisLedger) -> bool:
    return ledger.is_shared


async def left(ledger: Ledger) -> None:
    """Waits for what the ledger tells Redis behind our back."""
    if isinstance(ledger, RedisLedger):
        await asyncio.gather(*ledger._leaving)


async def test_calls_at_once_are_counted_over_both(pair: Pair) -> None:
    one, other = pair
    account = Allowance("acme", concurrent=2)
    assert await enter(one, "a", account) is Verdict.ADMITTED
    assert await enter(other, "b", account) is Verdict.ADMITTED
    assert await enter(one, "c", account) is Verdict.BUSY
    assert await enter(other, "d", account) is Verdict.BUSY
    other.leave("b", account)
    await left(other)
    assert await enter(one, "c", account) is Verdict.ADMITTED


async def test_accounts_are_told_apart(pair: Pair) -> None:
    one, other = pair
    assert await enter(one, "a", Allowance("acme", concurrent=1)) is Verdict.ADMITTED
    assert await enter(other, "b", Allowance("globex", concurrent=1)) is Verdict.ADMITTED


async def test_leaving_what_is_not_held_is_no_mistake(pair: Pair) -> None:
    one, _ = pair
    account = Allowance("acme", concurrent=1)
    one.leave("never", account)
    await left(one)
    assert await enter(one, "a", account) is Verdict.ADMITTED


async def test_calls_of_a_day_are_counted_over_both(pair: Pair) -> None:
    one, other = pair
    account = Allowance("acme", daily=5)
    verdicts = [await enter(ledger, str(number), account) for number in range(3) for ledger in (one, other)]
    assert verdicts == [Verdict.ADMITTED] * 5 + [Verdict.SPENT]


async def test_some_of_a_days_calls_are_kept_from_some(pair: Pair) -> None:
    one, other = pair
    account = Allowance("acme", daily=5)
    for number in range(4):
        assert await enter(one, str(number), account, kept=1) is Verdict.ADMITTED
    assert await enter(other, "x", account, kept=1) is Verdict.SPENT
    assert await enter(other, "x", account, kept=0) is Verdict.ADMITTED


async def test_a_call_that_finds_no_room_costs_nothing_of_the_day(pair: Pair) -> None:
    one, other = pair
    account = Allowance("acme", concurrent=1, daily=2)
    assert await enter(one, "a", account) is Verdict.ADMITTED
    for number in range(5):
        assert await enter(other, f"b{number}", account) is Verdict.BUSY
    one.leave("a", account)
    await left(one)
    assert await enter(other, "c", account) is Verdict.ADMITTED
    other.leave("c", account)
    await left(other)
    assert await enter(one, "d", account) is Verdict.SPENT


async def test_of_many_at_once_as_many_as_may_are_admitted(pair: Pair) -> None:
    account = Allowance("acme", concurrent=5)
    verdicts = await asyncio.gather(*(enter(pair[number % 2], str(number), account) for number in range(40)))
    assert verdicts.count(Verdict.ADMITTED) == 5
    assert verdicts.count(Verdict.BUSY) == 35


async def test_a_lease_that_nobody_gives_back_ends_by_itself() -> None:
    clock = Turned()
    ledger = MemoryLedger(clock)
    account = Allowance("acme", concurrent=1)
    await enter(ledger, "a", account, seconds=60)
    clock.turn(59)
    assert await enter(ledger, "b", account) is Verdict.BUSY
    clock.turn(1)
    assert await enter(ledger, "b", account) is Verdict.ADMITTED


async def test_a_lease_of_a_process_that_died_ends_by_itself_in_redis(prefix: str) -> None:
    account = Allowance("acme", concurrent=1)
    dead, alive = (RedisLedger(REDIS, clock=Turned(), prefix=prefix, limit=5.0) for _ in range(2))
    assert await enter(dead, "a", account, seconds=0.05) is Verdict.ADMITTED
    await dead.close()
    await asyncio.sleep(0.1)
    assert await enter(alive, "b", account) is Verdict.ADMITTED
    assert alive.is_shared
    await alive.close()


async def test_a_call_counts_for_a_day() -> None:
    clock = Turned()
    ledger = MemoryLedger(clock)
    account = Allowance("acme", daily=1)
    await enter(ledger, "a", account)
    clock.turn(23 * 3_600)
    assert await enter(ledger, "b", account) is Verdict.SPENT
    clock.turn(3_600)
    assert await enter(ledger, "b", account) is Verdict.ADMITTED


async def test_hours_older_than_a_day_are_forgotten_in_redis(prefix: str) -> None:
    account = Allowance("acme", daily=1)
    ledger = RedisLedger(REDIS, clock=Turned(), prefix=prefix, limit=5.0)
    client = Redis.from_url(REDIS)
    now, _ = await client.time()
    key = f"{prefix}:{{acme}}:calls"
    await client.hset(key, str(now // 3_600 - 24), "1")
    assert await enter(ledger, "a", account) is Verdict.ADMITTED
    assert len(await client.hkeys(key)) == 1
    assert 0 < await client.ttl(key) <= 25 * 3_600
    assert shared(ledger)
    await client.aclose()
    await ledger.close()


class Gate:
    """A way to Redis that can be shut: connections then stay open and nothing comes back."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.bytes = 0

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"redis://127.0.0.1:{port}/0"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.open.set()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = REDIS.removeprefix("redis://").partition("/")[0].partition(":")
        behind, ahead = await asyncio.open_connection(host, int(port))

        async def flow(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while chunk := await source.read(65_536):
                self.bytes += len(chunk)
                await self.open.wait()
                sink.write(chunk)
            sink.close()

        await asyncio.gather(flow(reader, ahead), flow(behind, writer), return_exceptions=True)
        for stream in (writer, ahead):
            stream.close()


async def test_a_redis_that_nobody_listens_for_is_replaced_by_memory() -> None:
    ledger = RedisLedger("redis://127.0.0.1:1/0", clock=Turned())
    account = Allowance("acme", concurrent=1)
    assert await enter(ledger, "a", account) is Verdict.ADMITTED
    assert not shared(ledger)
    assert await enter(ledger, "b", account) is Verdict.BUSY
    ledger.leave("a", account)
    assert await enter(ledger, "b", account) is Verdict.ADMITTED
    await ledger.close()


async def test_a_redis_that_hangs_is_left_alone_until_it_answers_again(prefix: str) -> None:
    gate = Gate()
    async with gate as url:
        ledger = RedisLedger(url, clock=Turned(), prefix=prefix, limit=0.5)
        account = Allowance("acme", concurrent=1)
        assert await enter(ledger, "a", account) is Verdict.ADMITTED
        assert shared(ledger)
        gate.open.clear()
        assert await enter(ledger, "b", account) is Verdict.ADMITTED  # by itself: it knows only of its own
        assert not shared(ledger)
        sent = gate.bytes
        assert await enter(ledger, "c", account) is Verdict.BUSY
        assert gate.bytes == sent  # nothing is asked of Redis meanwhile
        gate.open.set()
        assert ledger._seeking is not None
        await ledger._seeking
        assert shared(ledger)
        assert await enter(ledger, "d", account) is Verdict.BUSY  # Redis still holds the first lease
        ledger.leave("a", account)
        await left(ledger)
        assert await enter(ledger, "d", account) is Verdict.ADMITTED
        await ledger.close()


async def test_closing_ends_the_search_for_redis() -> None:
    ledger = RedisLedger("redis://127.0.0.1:1/0", clock=Turned())
    await enter(ledger, "a", Allowance("acme", concurrent=1))
    seeking = ledger._seeking
    assert seeking is not None
    await ledger.close()
    assert seeking.cancelled()
