"""The client of our own: HTTP/1.1 over an `asyncio.Protocol`, for a sixth of the processor time of a general one."""

from __future__ import annotations

import asyncio
import ssl
import time

from sources.errors import SourceError, TimedOut, Unavailable
from sources.ports import Call, Reply
from sources.transport.connection import Connection
from sources.transport.pool import Pool
from sources.transport.requests import BadAddress, BadHead, Origin, encoded

_CONNECT = 3.0  # seconds for a free or a new connection


class BareClient:
    """See Transport."""

    def __init__(
        self, source: str, connections: int, timeout: float, max_bytes: int, tls: ssl.SSLContext | None
    ) -> None:
        self._source, self._connections = source, connections
        self._timeout, self._max_bytes, self._tls = timeout, max_bytes, tls
        self._pool: Pool | None = None

    async def send(self, call: Call) -> Reply:
        """See Transport."""
        started = time.perf_counter()
        try:
            origin, head = encoded(call)
        except BadAddress:
            advice = f"correct `url` of `[sources.{self._source}]`"
            raise SourceError(f"`{call.url}` is no address: {advice}", source=self._source) from None
        except BadHead as error:
            raise SourceError(f"a call to `{self._source}` cannot be sent: {error}", source=self._source) from None
        pool = self._pool or self._opened()
        limit = call.timeout or self._timeout
        until = pool.now() + limit
        connection = pool.take(origin) or await self._connected(pool, origin, limit)
        try:
            reply = await connection.ask(
                head, call.body, until=until, limit=limit, most=self._max_bytes, bodiless=call.method == "HEAD"
            )
        except asyncio.CancelledError:
            connection.abort()
            raise
        finally:
            pool.give(origin, connection)
        reply.milliseconds = (time.perf_counter() - started) * 1000
        return reply

    async def _connected(self, pool: Pool, origin: Origin, limit: float) -> Connection:
        """A connection has less time than the call, so that an address that swallows packets is known to be just
        that."""
        source = self._source
        try:
            async with asyncio.timeout(min(_CONNECT, 0.9 * limit)):
                return await pool.connect(origin)
        except TimeoutError as error:
            raise TimedOut(f"no connection to `{source}` came about in time", source=source, unsent=True) from error
        except OSError as error:
            kind = type(error).__name__
            raise Unavailable(f"`{source}` cannot be reached ({kind})", source=source, unsent=True) from error
        except UnicodeError as error:
            advice = f"correct `url` of `[sources.{source}]`"
            raise SourceError(f"`{origin.host}` is no name of a machine: {advice}", source=source) from error

    def _opened(self) -> Pool:
        self._pool = Pool(self._source, self._connections, self._tls)
        return self._pool

    async def close(self) -> None:
        """See Transport."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()
