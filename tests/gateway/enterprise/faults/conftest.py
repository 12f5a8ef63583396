"""An upstream that tells what reached it, a proxy in front of it, and a client."""

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from gateway.enterprise.faults.proxy import FaultProxy
from tests.peers import closed_port


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits until it holds, however long it takes on a busy machine."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is watched has no event
            await asyncio.sleep(0.001)


class Upstream:
    """Echoes what it is sent; `seen` has every request that reached it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.url = ""

    async def echo(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path_qs}")
        body = await request.read()
        if request.path == "/chunks":
            answer = web.StreamResponse(headers={"content-type": "text/plain"})
            answer.enable_chunked_encoding()
            await answer.prepare(request)
            for piece in (b"one,", b"two,", b"three"):
                await answer.write(piece)
            await answer.write_eof()
            return answer
        if request.path == "/nothing":
            return web.Response(status=204)
        if request.path == "/refused":
            return web.Response(status=417, text="no")
        said = {
            "method": request.method,
            "target": request.raw_path,
            "x": request.headers.get("x-own"),
            "bytes": len(body),
        }
        return web.json_response(said, headers={"x-answered": "yes"})


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """One that runs."""
    made = Upstream()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{rest:.*}", made.echo)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def proxy(upstream: Upstream) -> AsyncIterator[FaultProxy]:
    """In front of it, transparent."""
    made = FaultProxy("billing", upstream.url, tokens=["/oauth/token"])
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """One that never asks twice by itself."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        session._retry_connection = False
        yield session


@pytest.fixture
def free_address() -> str:
    """Where nobody listens."""
    return closed_port()
