"""The store that processes share, on Redis: aiocache keeps the bytes, scripts keep leases and what was forgotten.

Imported only where `[cache] redis` is set. Every method raises what the client raises; who calls it limits its time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
import redis.asyncio as client
from aiocache.backends.redis import RedisCache
from aiocache.serializers import NullSerializer

from sources.cache.settings import CacheSettings
from sources.cache.tags import Tag

_CONNECTIONS = 16
_KEPT = 10_000  # notices of what was forgotten that a process which was away may still read
_BLOCK = 1_000  # milliseconds

# KEYS: leases. ARGV: token, milliseconds. Returns the time in microseconds, then 1 for each lease that was taken.
_TAKE = """
local t = redis.call('TIME')
local taken = {string.format('%.0f', t[1] * 1000000 + t[2])}
for _, key in ipairs(KEYS) do
  local got = redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2])
  taken[#taken + 1] = got and 1 or 0
end
return taken
"""
# KEYS: leases. ARGV: token. Gives back those that are still ours.
_GIVE_BACK = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return 1
"""
# KEYS: the notices, then stamps. ARGV: the notice, who gives it, how many are kept, then milliseconds for each stamp.
_FORGET = """
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000000 + t[2])
for at = 2, #KEYS do redis.call('SET', KEYS[at], now, 'PX', ARGV[at + 2]) end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'tags', ARGV[1], 'from', ARGV[2])
return 1
"""


class RedisStore:
    """Bytes by key, leases, stamps and notices. Opens connections when they are needed."""

    def __init__(self, settings: CacheSettings) -> None:
        parts = urlsplit(settings.redis or "")
        password = settings.redis_password.reveal() if settings.redis_password else None
        self._prefix = settings.prefix
        self._facts = RedisCache(
            serializer=NullSerializer(encoding=None),
            timeout=0,
            endpoint=parts.hostname or "127.0.0.1",
            port=parts.port or 6379,
            db=int(parts.path.strip("/") or 0),
            password=password,
            ssl=parts.scheme == "rediss",
            pool_max_size=_CONNECTIONS,
            create_connection_timeout=1.0,
            connection_pool_class=client.BlockingConnectionPool,
            connection_pool_kwargs={"username": settings.redis_user, "timeout": settings.operation},
        )

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values, None for each that is not there."""
        found: list[bytes | None] = await self._facts.multi_get(keys)
        return found

    async def keep(self, values: Mapping[str, bytes], life: float) -> bool:
        """Keeps values for `life` seconds."""
        await self._facts.multi_set(list(values.items()), ttl=float(life))
        return True

    async def take(self, leases: Sequence[str], token: str, seconds: float) -> tuple[int, list[bool]]:
        """The store's time in microseconds, and which of the leases are ours now."""
        answer = await self._facts.raw("eval", _TAKE, len(leases), *leases, token, int(seconds * 1000))
        return int(answer[0]), [each == 1 for each in answer[1:]]

    async def give_back(self, leases: Sequence[str], token: str) -> bool:
        """Gives back leases."""
        await self._facts.raw("eval", _GIVE_BACK, len(leases), *leases, token)
        return True

    def stamp_of(self, tag: Tag) -> str:
        """The key under which is kept when a tag was last forgotten."""
        return f"{self._prefix}:forgot:{tag[0]}:{tag[1]}"

    async def forget(self, lives: Mapping[Tag, float], origin: str) -> bool:
        """Stamps tags for so many seconds each, and gives notice of them to the other processes."""
        keys = [self._notices, *map(self.stamp_of, lives)]
        milliseconds = [int(life * 1000) for life in lives.values()]
        notice = msgspec.msgpack.encode(list(lives))
        await self._facts.raw("eval", _FORGET, len(keys), *keys, notice, origin, _KEPT, *milliseconds)
        return True

    # ------------------------------------------------------------ notices

    @property
    def _notices(self) -> str:
        return f"{self._prefix}:notices"

    async def oldest(self) -> str | None:
        """The place of the oldest notice that is still there."""
        found = await self._facts.client.xrange(self._notices, count=1)
        return found[0][0].decode() if found else None

    async def notices(self, after: str) -> list[tuple[str, str, list[Tag]]]:
        """Notices behind a place: place, origin, tags. Waits a while for the next one."""
        found: Any = await self._facts.client.xread({self._notices: after}, block=_BLOCK, count=500)
        told = []
        for _, entries in found.items() if isinstance(found, dict) else found or ():
            for place, fields in entries:
                tags = msgspec.msgpack.decode(fields[b"tags"], type=list[tuple[str, str]])
                told.append((place.decode(), fields[b"from"].decode(), tags))
        return told

    async def close(self) -> None:
        """Closes every connection."""
        await self._facts.client.aclose()
        await self._facts.client.connection_pool.disconnect()
