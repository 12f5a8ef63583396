"""A real Redis for tests, with a prefix of their own; and servers in front of it that are slow, silent or away."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio as client

from sources.cache import Cache, Cached, CacheSettings
from tests.sources.cache.book import Book

URL = os.environ.get("OPSGRAPH_TEST_REDIS", "redis://127.0.0.1:6379/0")


@contextlib.asynccontextmanager
async def real_redis() -> AsyncIterator[tuple[Any, str]]:
    """A client and a prefix, whose keys are gone afterwards; skipped aloud where there is no server."""
    connection = client.from_url(URL)
    prefix = f"test-{uuid4().hex[:12]}"
    try:
        await connection.ping()
    except (client.RedisError, OSError) as error:
        await connection.aclose()
        pytest.skip(f"no Redis answers at {URL}: {error}. Start one, or set OPSGRAPH_TEST_REDIS")
    try:
        yield connection, prefix
    finally:
        async for key in connection.scan_iter(f"{prefix}:*"):
            await connection.delete(key)
        await connection.aclose()


@contextlib.asynccontextmanager
async def gateways(
    prefix: str, *books: Book, url: str = URL, zone: str = "eu", **given: Any
) -> AsyncIterator[list[Cached]]:
    """Each book behind a cache of its own, as in processes of their own. Redis has more time than it gets in earnest,
    because the machine may be busy with something else."""
    settings = CacheSettings(**{"redis": url, "prefix": prefix, "operation": 1.0, **given})
    opened = [Cached(book, Cache(settings, chance=lambda: 0.0), zone) for book in books]
    try:
        yield opened
    finally:
        for each in opened:
            await each.close()
            await each._cache.close()


class Relay:
    """A server that passes everything on to the real one; silenced, it answers nothing."""

    def __init__(self) -> None:
        self._speaks = asyncio.Event()
        self._speaks.set()
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        """Listens, on the same port each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def silence(self, *, silent: bool) -> None:
        """Stops answering, or answers again."""
        if silent:
            self._speaks.clear()
        else:
            self._speaks.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        host, _, port = URL.removeprefix("redis://").partition("/")[0].partition(":")
        there, back = await asyncio.open_connection(host, int(port))
        self._open |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while some := await reader.read(65_536):
                await self._speaks.wait()
                writer.write(some)
        writer.close()

    async def stop(self) -> None:
        """Goes away, and takes every connection with it."""
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.close()
            self._open.clear()
            await self._server.wait_closed()
            self._server = None
        await asyncio.sleep(0.01)
