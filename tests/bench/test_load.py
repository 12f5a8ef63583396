"""The load generator: it counts what it sent, and what is not answered counts with all of its time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bench.load import carry_out

GOOD = b'{"data":{"a":1}}'


@asynccontextmanager
async def server(answer: Callable[[int], bytes | None]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers the n-th request with `answer(n)`, or never; and what it was sent."""
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            seen.append(await reader.readexactly(length))
            body = answer(len(seen))
            if body is not None:
                writer.write(body)
                await writer.drain()

    def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(talk(reader, writer))
        task.add_done_callback(lambda _: writer.close())
        tasks.append(task)

    tasks: list[asyncio.Future[None]] = []
    listening = await asyncio.start_server(quietly, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        listening.close()
        await listening.wait_closed()


def plain(body: bytes = GOOD, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(body: bytes = GOOD) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


def order(port: int, **more: object) -> dict[str, object]:
    return {"port": port, "token": "t", "bodies": ["one", "two"], "connections": 2, "seconds": 0.2, **more}


async def test_a_closed_loop_counts_every_answer_and_goes_round_the_bodies() -> None:
    async with server(lambda _: plain()) as (port, seen):
        done = await carry_out(order(port))
    assert done["count"] == len(seen) > 10
    assert done["failed"] == 0
    assert set(seen) == {b"one", b"two"}
    assert 0 < done["p50"] <= done["p99"]


async def test_answers_in_chunks_are_read_whole() -> None:
    async with server(lambda _: chunked()) as (port, seen):
        done = await carry_out(order(port))
    assert done["count"] == len(seen) > 10
    assert done["failed"] == 0


async def test_an_error_in_the_body_and_a_bad_status_are_failures() -> None:
    bad = b'{"data":null,"errors":[{"message":"no"}]}'
    async with server(lambda n: plain(bad) if n % 2 else plain(status="503 Busy")) as (port, _):
        done = await carry_out(order(port))
    assert done["failed"] == done["count"] > 0


async def test_an_open_loop_offers_its_rate_and_counts_silence_as_the_full_wait() -> None:
    async with server(lambda n: plain() if n <= 20 else None) as (port, _):
        done = await carry_out(order(port, rate=100.0, seconds=0.4, timeout=0.3))
    assert done["count"] == 40
    assert done["late"] == 20
    assert done["p99"] == 300


async def test_an_unseen_document_is_never_sent_twice() -> None:
    async with server(lambda _: plain()) as (port, seen):
        await carry_out(order(port, bodies=["query Lookup { a }"], unseen="Lookup", salt="s1"))
    assert len(seen) == len(set(seen)) > 10
    assert all(body.startswith(b"query Lookups1x") for body in seen)
