"""Connections over real sockets: what takes too long or grows too large is ended, what is slow but fair is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.http.front import HEADER_BYTES
from gateway.http.protocol import BoundedProtocol
from tests.gateway.http.edge import QUESTION, Engine, Quick, head, listening


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    heading = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = next(int(line[16:]) for line in heading.split(b"\r\n") if line.lower().startswith(b"content-length: "))
    return int(heading.split()[1]), await reader.readexactly(length)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server hangs up, which it must do soon."""
    try:
        return await asyncio.wait_for(reader.read(), 3)
    except ConnectionResetError:
        return b""


async def test_one_connection_serves_many_requests() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(head() + QUESTION)
            assert await answered(reader) == (200, b'{"data":{"__typename":"Query"}}')
        await asyncio.sleep(0.5)  # longer than any head or body may take: this one is idle, and may be
        writer.write(head() + QUESTION)
        assert (await answered(reader))[0] == 200


class Brief(Quick):
    """Connections that may be idle for less time than a test takes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.timeout_keep_alive = 0.5  # type: ignore[assignment] # whole seconds are enough for a setting
        super().connection_made(transport)


async def test_an_idle_connection_is_closed_in_its_time_and_no_other() -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.8)  # nobody is idle who waits for an answer

    loop = asyncio.get_running_loop()
    async with listening(Engine(before=slowly), Brief) as port, connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(head() + QUESTION)
            assert (await answered(reader))[0] == 200
        since = loop.time()
        assert await ended(reader) == b""
        assert 0.4 < loop.time() - since < 1.5


async def test_a_connection_that_goes_on_asking_is_kept() -> None:
    async with listening(Engine(), Brief) as port, connected(port) as (reader, writer):
        for _ in range(6):
            writer.write(head() + QUESTION)
            assert (await answered(reader))[0] == 200
            await asyncio.sleep(0.3)


async def test_a_head_that_does_not_end_in_time_is_refused() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, writer):
        writer.write(b"POST /graphql HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"x: y\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await ended(reader)).startswith(b"HTTP/1.1 408 ")
        dripping.cancel()


async def test_a_second_head_has_no_more_time_than_the_first() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, writer):
        writer.write(head() + QUESTION)
        assert (await answered(reader))[0] == 200
        writer.write(b"POST /graphql HTTP/1.1\r\nx: ")
        assert (await ended(reader)).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, _writer):
        assert await ended(reader) == b""


@pytest.mark.parametrize("endless", [b"x", b"x: y\r\n"], ids=["one header", "many headers"])
async def test_a_head_that_does_not_end_at_all_is_refused_before_it_fills_the_memory(endless: bytes) -> None:
    async with listening(Engine(), BoundedProtocol) as port, connected(port) as (reader, writer):
        writer.write(b"POST /graphql HTTP/1.1\r\nx: ")
        hung_up, sent = asyncio.create_task(ended(reader)), 0
        while sent < 1_000_000 and not hung_up.done():
            writer.write(endless * (1024 // len(endless)))
            sent += 1024
            await asyncio.sleep(0.001)
        assert hung_up.done()
        assert HEADER_BYTES < sent < 300_000


async def test_a_head_a_little_too_large_is_refused_by_name() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, writer):
        writer.write(head(f"x: {'y' * HEADER_BYTES}") + QUESTION)
        assert (await ended(reader)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
async def test_it_is_refused_however_it_arrives(pieces: int) -> None:
    """Whole, or in pieces each of which is small enough; and so is one right behind another request."""
    fits, too_large = (head(f"x: {'y' * (HEADER_BYTES + extra)}") + QUESTION for extra in (-1_000, 1))
    async with listening(Engine()) as port:
        for sent, status in ((fits, 200), (too_large, 431), (head() + QUESTION + too_large, 200)):
            async with connected(port) as (reader, writer):
                size = -(-len(sent) // pieces)
                for start in range(0, len(sent), size):
                    writer.write(sent[start : start + size])
                    await asyncio.sleep(0.01)
                assert (await answered(reader))[0] == status
                if sent.startswith(head() + QUESTION):
                    assert (await ended(reader)).startswith(b"HTTP/1.1 431 ")


async def test_a_large_body_right_behind_the_head_is_no_large_head() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, writer):
        writer.write(head(length=60_000) + b" " * 60_000)
        assert (await answered(reader))[0] == 413


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, writer):
        writer.write(head())
        for piece in (QUESTION[:5], QUESTION[5:]):
            await asyncio.sleep(0.3)
            writer.write(piece)
        assert (await answered(reader))[0] == 200


async def test_a_body_that_nobody_reads_does_not_hold_the_connection() -> None:
    async with listening(Engine()) as port, connected(port) as (reader, writer):
        writer.write(head(length=1_000, token=b"Bearer x"))
        assert (await answered(reader))[0] == 401

        async def drip() -> None:
            while not writer.is_closing():
                writer.write(b" ")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert await ended(reader) == b""
        dripping.cancel()


async def test_an_operation_ends_when_its_connection_does() -> None:
    engine = Engine(before=lambda: asyncio.sleep(30))
    async with listening(engine) as port:
        async with connected(port) as (_reader, writer):
            writer.write(head() + QUESTION)
            await asyncio.sleep(0.1)
        await asyncio.wait_for(engine.cancelled.wait(), 2)


async def test_an_operation_may_take_longer_than_head_and_body() -> None:
    engine = Engine(before=lambda: asyncio.sleep(0.8))
    async with listening(engine) as port, connected(port) as (reader, writer):
        writer.write(head() + QUESTION)
        assert (await answered(reader))[0] == 200


async def test_a_second_request_cannot_be_smuggled_in_a_body() -> None:
    engine = Engine()
    async with listening(engine) as port, connected(port) as (reader, writer):
        writer.write(head("transfer-encoding: chunked", length=4) + b"0\r\n\r\n" + head() + QUESTION)
        assert (await ended(reader)).startswith(b"HTTP/1.1 400 ")
    assert engine.asked == []
