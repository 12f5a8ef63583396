"""The client over aiohttp: a session, a connection limit and a timeout for each source, and a bound on every answer."""

from __future__ import annotations

import asyncio
import ssl
import time
from functools import lru_cache

import aiohttp
from yarl import URL

from sources.errors import Garbled, SourceError, TimedOut, TooLarge, Unavailable
from sources.ports import Call, Reply

_CHUNK = 64 * 1024
_CONNECT = 3.0  # seconds for a free or a new connection


@lru_cache(maxsize=64)
def _limit(seconds: float) -> aiohttp.ClientTimeout:
    """A connection has less time than the call, so that an address that swallows packets is known to be just that."""
    return aiohttp.ClientTimeout(total=seconds, connect=min(_CONNECT, 0.9 * seconds))


def _address(url: str) -> str | URL:
    """An address that is encoded already is taken as it is; another one is encoded, at some cost."""
    return URL(url, encoded=True) if url.isascii() and " " not in url else url


class AiohttpClient:
    """See Transport. aiohttp's own retry of idempotent calls on a stale connection is off."""

    def __init__(
        self, source: str, connections: int, timeout: float, max_bytes: int, tls: ssl.SSLContext | None
    ) -> None:
        self._source, self._connections = source, connections
        self._timeout, self._max_bytes, self._tls = timeout, max_bytes, tls
        self._session: aiohttp.ClientSession | None = None

    async def send(self, call: Call) -> Reply:
        """See Transport."""
        started = time.perf_counter()
        try:
            async with self._opened().request(
                call.method,
                _address(call.url),
                headers=call.headers,
                data=call.body,
                allow_redirects=False,
                timeout=_limit(call.timeout or self._timeout),
            ) as answer:
                body = await self._body(answer)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, headers, body, (time.perf_counter() - started) * 1000)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failure(call, error) from error

    def _failure(self, call: Call, error: Exception) -> SourceError:
        source, kind = self._source, type(error).__name__
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return TimedOut(f"no connection to `{source}` came about in time", source=source, unsent=True)
        if isinstance(error, TimeoutError):
            limit = call.timeout or self._timeout
            return TimedOut(f"no answer from `{source}` within {limit:g} s", source=source)
        if isinstance(error, aiohttp.ClientConnectorError):
            return Unavailable(f"`{source}` cannot be reached ({kind})", source=source, unsent=True)
        if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | ValueError):
            advice = f"correct `url` of `[sources.{source}]`"
            return SourceError(f"`{call.url}` is no address: {advice}", source=source)
        if isinstance(error, aiohttp.ClientResponseError):
            return Garbled(f"`{source}` answered something that is not HTTP ({kind})", source=source)
        return Unavailable(f"`{source}` broke off ({kind})", source=source)

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        length = answer.content_length
        if length is not None and length <= self._max_bytes and "content-encoding" not in answer.headers:
            return await answer.read()
        chunks, size = [], 0
        async for chunk in answer.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > self._max_bytes:
                answer.close()
                raise TooLarge(f"`{self._source}` answered more than {self._max_bytes} bytes", source=self._source)
            chunks.append(chunk)
        return b"".join(chunks)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._tls or True),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
            self._session._retry_connection = False
        return self._session

    async def close(self) -> None:
        """See Transport."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)
            self._session = None
