"""The transport against servers that are unwell: which failure is which, and what was provably not sent."""

import asyncio
import random
import socket
from typing import Any

import pytest

from sources.errors import Garbled, SourceError, TimedOut, TooLarge, Unavailable
from sources.ports import Call, Effect
from sources.transport import KINDS, Kind, Transport
from tests.fakes.sick import SickServer, hangs, never_ends, resets, response, says


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


async def failure(
    url: str, kind: Kind, *, limit: float = 5.0, max_bytes: int = 100_000, call_limit: float | None = None
):
    async with Transport("billing", kind=kind, timeout=limit, max_bytes=max_bytes) as transport:
        with pytest.raises(SourceError) as caught:
            await transport.send(Call("GET", url, effect=Effect.READ, timeout=call_limit))
    assert caught.value.source == "billing"
    return caught.value


async def test_an_answer_comes_back_whole(kind):
    async with (
        SickServer(says(response(201, b"abc", x_thing="1"))) as server,
        Transport("billing", kind=kind) as transport,
    ):
        reply = await transport.send(Call("GET", server.url))
    assert (reply.status, reply.body, reply.headers["x-thing"]) == (201, b"abc", "1")


async def test_a_refused_connection_is_unsent(kind):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = await failure(f"http://127.0.0.1:{port}/", kind)
    assert type(error) is Unavailable
    assert error.unsent


async def test_a_name_that_does_not_exist_is_unsent(kind):
    error = await failure("http://does-not-exist.invalid/", kind)
    assert type(error) is Unavailable
    assert error.unsent


async def test_a_connection_that_does_not_come_about_in_time_is_unsent(kind):
    with socket.socket() as full:  # nobody accepts, and the queue of those who want in is full
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        pushing = [socket.socket() for _ in range(4)]
        for each in pushing:
            each.setblocking(False)
            each.connect_ex(address)
        error = await failure(f"http://127.0.0.1:{address[1]}/", kind, limit=0.5)
        for each in pushing:
            each.close()
    assert type(error) is TimedOut
    assert error.unsent


async def test_a_wait_for_a_free_connection_is_unsent(kind):
    async with SickServer(hangs) as server, Transport("billing", kind=kind, connections=1, timeout=5.0) as transport:
        holding = asyncio.create_task(transport.send(Call("GET", server.url)))
        await server.reached.wait()
        with pytest.raises(TimedOut) as caught:
            await transport.send(Call("GET", server.url, timeout=0.2))
        assert caught.value.unsent
        assert server.asked == 1
        holding.cancel()


async def test_no_answer_in_time_is_lost(kind):
    async with SickServer(hangs) as server:
        error = await failure(server.url, kind, limit=0.2)
    assert type(error) is TimedOut
    assert not error.unsent
    assert "0.2 s" in error.message


async def test_a_calls_own_timeout_counts(kind):
    async with SickServer(hangs) as server:
        error = await failure(server.url, kind, call_limit=0.2)
    assert type(error) is TimedOut


@pytest.mark.parametrize(
    "fault",
    [
        resets,
        says(b"", then_closes=True),
        says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", then_closes=True),
        says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc", then_closes=True),
        says(b"HTTP/1.1 200 O", then_closes=True),
    ],
    ids=["reset", "closed", "truncated", "truncated chunks", "truncated head"],
)
async def test_an_answer_that_breaks_off_is_lost(kind, fault):
    async with SickServer(fault) as server:
        error = await failure(server.url, kind)
    assert isinstance(error, Unavailable | Garbled)
    assert not error.unsent
    assert error.sick


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\xff\xfe garbage that is not HTTP\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    ],
    ids=["bytes", "ssh", "length", "negative length", "huge head", "not gzip", "bad chunk"],
)
async def test_what_is_not_http_is_a_typed_error(kind, raw):
    async with SickServer(says(raw, then_closes=True)) as server:
        error = await failure(server.url, kind)
    assert isinstance(error, Unavailable | Garbled)
    assert not error.unsent
    assert error.sick


async def test_whatever_bytes_come_the_error_is_typed(kind):
    chance = random.Random(7)
    failed = []
    heads = [b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\n\r\n"]
    async with SickServer() as server, Transport("billing", kind=kind, timeout=5.0) as transport:
        for _ in range(150):
            server.fault = says(chance.choice(heads) + chance.randbytes(chance.randrange(200)), then_closes=True)
            try:
                await transport.send(Call("GET", server.url))
            except SourceError as error:
                failed.append(error)
    assert all(error.sick and not error.unsent for error in failed)
    assert len(failed) > 100


@pytest.mark.parametrize(
    "fault",
    [
        never_ends,
        says(response(200, b"x" * 100_001)),
        says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000, then_closes=True),
    ],
    ids=["endless", "announced", "unannounced"],
)
async def test_more_bytes_than_allowed_are_not_read(kind, fault):
    async with SickServer(fault) as server:
        error = await failure(server.url, kind, max_bytes=100_000)
    assert type(error) is TooLarge


async def test_an_address_that_is_none_is_no_fault_of_the_source(kind):
    for url in ("nowhere", "ftp://example.test/", "http://"):
        error = await failure(url, kind)
        assert not error.sick
        assert "`url`" in error.message


async def test_one_send_is_one_request(kind):
    async with SickServer(resets) as server:
        await failure(server.url, kind)
        assert server.asked == 1


async def test_after_a_failure_the_next_call_goes_through(kind):
    async with SickServer(resets) as server, Transport("billing", kind=kind) as transport:
        with pytest.raises(Unavailable):
            await transport.send(Call("GET", server.url))
        server.fault = says(response(200))
        assert (await transport.send(Call("GET", server.url))).status == 200
