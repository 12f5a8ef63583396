"""The ledger that several processes share, in Redis; where Redis does not answer at once, one in memory stands in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sources.pipeline.ledger import HOURS, Ledger, MemoryLedger, Verdict
from sources.ports import Allowance
from sources.settings import Secret

if TYPE_CHECKING:
    from redis.asyncio import Redis

_CONNECTIONS = 4
_LONGEST_LEASE = 600_000  # ms for which Redis keeps a set of leases that nobody touches

# KEYS: leases (a sorted set by end), calls (a hash by hour). ARGV: lease, concurrent or -1, ms of the lease,
# daily or -1, kept. The clock is Redis's own: processes need not agree about the time.
_ENTER = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local concurrent, daily = tonumber(ARGV[2]), tonumber(ARGV[4])
if concurrent >= 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  if redis.call('ZCARD', KEYS[1]) >= concurrent then return {Verdict.BUSY.value} end
end
if daily >= 0 then
  local hour, used = math.floor(time[1] / 3600), 0
  local hours = redis.call('HGETALL', KEYS[2])
  for i = 1, #hours, 2 do
    if tonumber(hours[i]) <= hour - {HOURS} then redis.call('HDEL', KEYS[2], hours[i])
    else used = used + tonumber(hours[i + 1]) end
  end
  if used >= daily - tonumber(ARGV[5]) then return {Verdict.SPENT.value} end
  redis.call('HINCRBY', KEYS[2], hour, 1)
  redis.call('EXPIRE', KEYS[2], {(HOURS + 1) * 3600})
end
if concurrent >= 0 then
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], {_LONGEST_LEASE})
end
return {Verdict.ADMITTED.value}
"""


class RedisLedger:
    """`url` as in `redis://host:6379/0`. A command that takes more than `limit` seconds is given up; then Redis is left
    alone until it answers a probe, sought every second, later every five. Meanwhile every process counts by itself.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        user: str | None = None,
        password: Secret | None = None,
        prefix: str = "opsgraph:ledger",
        limit: float = 0.02,
    ) -> None:
        self._url, self._user, self._password = url, user, password
        self._prefix, self._limit = prefix, limit
        self._memory: Ledger = MemoryLedger(clock)
        self._redis: Redis | None = None
        self._script: Any = None
        self._seeking: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def is_shared(self) -> bool:
        """Whether Redis counts now, rather than this process by itself."""
        return self._seeking is None

    async def enter(self, lease: str, allowance: Allowance, *, kept: int, seconds: float) -> Verdict:
        """See Ledger."""
        if self._seeking is None:
            concurrent = -1 if allowance.concurrent is None else allowance.concurrent
            daily = -1 if allowance.daily is None else allowance.daily
            arguments = [lease, concurrent, int(seconds * 1000), daily, kept]
            self._open()
            verdict = await self._asked(self._script(keys=self._keys(allowance), args=arguments))
            if verdict is not None:
                return Verdict(int(verdict))
        return await self._memory.enter(lease, allowance, kept=kept, seconds=seconds)

    def leave(self, lease: str, allowance: Allowance) -> None:
        """See Ledger. Redis is told behind the caller's back: a lease that it is not told of ends by itself."""
        self._memory.leave(lease, allowance)
        if self._seeking is not None or self._redis is None or allowance.concurrent is None:
            return
        task = asyncio.ensure_future(self._told(self._redis.zrem(self._keys(allowance)[0], lease)))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Gives back what is held and closes the connections."""
        if self._seeking is not None:
            self._seeking.cancel()
            await asyncio.gather(self._seeking, return_exceptions=True)
            self._seeking = None
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose(close_connection_pool=True)
            self._redis = self._script = None

    def _keys(self, allowance: Allowance) -> list[str]:
        """The braces keep both keys of an account on one node of a cluster."""
        return [f"{self._prefix}:{{{allowance.account}}}:{name}" for name in ("leases", "calls")]

    def _open(self) -> Redis:
        """The client; without I/O. The package is an extra: only who configures Redis needs it."""
        if self._redis is None:
            from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415
            from redis.asyncio.retry import Retry  # noqa: PLC0415
            from redis.backoff import NoBackoff  # noqa: PLC0415

            pool = BlockingConnectionPool.from_url(
                self._url,
                username=self._user,
                password=self._password.reveal() if self._password else None,
                max_connections=_CONNECTIONS,
                timeout=None,
                retry=Retry(NoBackoff(), 0),
            )
            self._redis = Redis.from_pool(pool)
            self._script = self._redis.register_script(_ENTER)
        return self._redis

    async def _told(self, command: Awaitable[Any]) -> None:
        await self._asked(command)

    async def _asked(self, command: Awaitable[Any]) -> Any:
        """The answer, or None: then Redis is left alone until it is found again."""
        from redis.exceptions import RedisError  # noqa: PLC0415

        try:
            async with asyncio.timeout(self._limit):
                return await command
        except (RedisError, OSError, TimeoutError):
            if self._seeking is None:
                self._seeking = asyncio.ensure_future(self._seek())
            return None

    async def _seek(self) -> None:
        """Waits for Redis; connects here, where nobody waits, as that may take longer than a command."""
        from redis.exceptions import RedisError  # noqa: PLC0415

        pause = 1.0
        while True:
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(1.0):
                    await asyncio.gather(*(self._open().ping() for _ in range(_CONNECTIONS)))
            except (RedisError, OSError, TimeoutError):
                pause = min(5.0, pause * 2)
                continue
            self._seeking = None
            return
